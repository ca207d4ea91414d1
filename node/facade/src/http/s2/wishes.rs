//! `POST /seats/hold` and `POST /seats/reserve`, which become jobs, and `POST /seats/hold/refresh`, which is done at once.

mod checks;

use std::fmt;

use axum::extract::State;
use holdfast_reservations::{
    Command, Confirm, Dialect, Enqueue, Extend, HoldTerms, JobCommand, Places, PoolId, Promise, Reserve,
    SeatName, SlotName, UserId,
};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::json;
use utoipa::ToSchema;

use super::jobs::{accepted_body, seconds_held};
use super::seats::seat_not_found;
use crate::access::Endpoint;
use crate::http::seat_id::seat_of;
use crate::http::{Answer, Call, Reply};
use crate::openapi::words;
use crate::problem::Result;
use crate::service::{Named, Service};
use crate::wire::Id;

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = S2Wish)]
pub(crate) struct WishBody {
    /// The seat.
    id: Id,
    #[schema(schema_with = words::s2_uuid)]
    #[serde(rename = "UUID")]
    uuid: Uuid,
}

/// What somebody goes by: what he declares, or the digits of his id.
#[derive(Debug, PartialEq, Eq)]
struct Uuid(String);

/// Who wants something of which seat.
struct Wish {
    who: Named,
    seat: (PoolId, u32),
}

impl Wish {
    async fn of(service: &Service, call: &Call, endpoint: Endpoint) -> Result<Self> {
        let WishBody { id: Id(id), uuid: Uuid(uuid) } = call.json()?;
        let who = call.named(service, endpoint, Some(&uuid)).await?;
        let seat = seat_of(id).ok_or_else(|| seat_not_found(id))?;
        Ok(Self { who, seat })
    }

    fn user(&self) -> Option<UserId> {
        self.who.known().map(|caller| caller.user)
    }
}

pub(super) async fn hold(State(service): State<Service>, call: Call) -> Answer {
    let wish = Wish::of(&service, &call, Endpoint::Book).await?;
    let standing = service.standing(&wish.who, wish.seat, &call.context).await?;
    checks::expect_available(&standing, wish.seat)?;
    accept(&service, &call, wish.who, JobCommand::Reserve(hold_of(wish.seat))).await
}

pub(super) async fn reserve(State(service): State<Service>, call: Call) -> Answer {
    let wish = Wish::of(&service, &call, Endpoint::ChangeBooking).await?;
    let standing = service.standing(&wish.who, wish.seat, &call.context).await?;
    let booking = checks::expect_held_by(&standing, wish.seat, wish.user())?;
    let confirm = Confirm { booking, expected_version: None, part: None, paid: None };
    accept(&service, &call, wish.who, JobCommand::Confirm(confirm)).await
}

pub(super) async fn refresh(State(service): State<Service>, call: Call) -> Answer {
    let wish = Wish::of(&service, &call, Endpoint::ChangeBooking).await?;
    let standing = service.standing(&wish.who, wish.seat, &call.context).await?;
    let booking = checks::expect_held_by(&standing, wish.seat, wish.user())?;
    let caller = service.introduce(wish.who, call.context.deadline).await?;
    let extend = Extend { booking, expected_version: None, duration: None, dialect: Dialect::S2 };
    let (_, extended, _) = service.change_booking(caller, Command::Extend(extend), &call.context).await?;
    let seconds = seconds_held(&extended.state);
    Reply::ok(&json!({"message": format!("Seat hold refreshed for {seconds} seconds.")}))
}

async fn accept(service: &Service, call: &Call, who: Named, command: JobCommand) -> Answer {
    let caller = service.introduce(who, call.context.deadline).await?;
    let enqueue = Enqueue { command, priority: 0, not_before: None, promise: Promise::None };
    let accepted = service.enqueue(caller, enqueue, &call.context).await?.into_job()?;
    Reply::accepted(&accepted_body(&accepted))
}

fn hold_of((pool, number): (PoolId, u32)) -> Reserve {
    Reserve {
        slot: SlotName::OfPool(pool),
        pool: None,
        places: Places::Seats(vec![SeatName::Number(number)]),
        hold: Some(HoldTerms { duration: None, dialect: Dialect::S2 }),
        user: None,
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Uuid;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a UUID, or the id of a user")
            }

            fn visit_str<E: Error>(self, text: &str) -> std::result::Result<Uuid, E> {
                Ok(Uuid(text.to_owned()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> std::result::Result<Uuid, E> {
                Ok(Uuid(number.to_string()))
            }
        }

        deserializer.deserialize_any(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_names_a_seat_and_somebody() {
        let read = |body: &str| {
            let body = serde_json::from_str::<WishBody>(body).ok();
            body.map(|WishBody { id, uuid }| (id.0, uuid.0))
        };
        let wish = |id, uuid: &str| Some((id, uuid.to_owned()));
        assert_eq!(read(r#"{"id":"17","UUID":"4fd1-a","color":"red"}"#), wish(17, "4fd1-a"));
        assert_eq!(read(r#"{"id":17,"UUID":9}"#), wish(17, "9"));
        for refused in [
            "{}",
            r#"{"id":"17"}"#,
            r#"{"UUID":"4fd1"}"#,
            r#"{"id":"seat","UUID":"4fd1"}"#,
            r#"{"id":true,"UUID":"4fd1"}"#,
            r#"{"id":null,"UUID":"4fd1"}"#,
            r#"{"id":"17","UUID":null}"#,
            r#"{"id":"17","UUID":true}"#,
            r#"{"id":"17","UUID":7.5}"#,
        ] {
            assert_eq!(read(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_hold_is_of_one_seat_as_long_as_the_seed_says() {
        let Reserve { slot, pool, places, hold, user } = hold_of((PoolId(3), 17));
        assert_eq!((slot, pool, user), (SlotName::OfPool(PoolId(3)), None, None));
        assert_eq!(places, Places::Seats(vec![SeatName::Number(17)]));
        assert_eq!(hold, Some(HoldTerms { duration: None, dialect: Dialect::S2 }));
    }
}
