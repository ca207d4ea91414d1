//! Shows the code of a booking, and gives it another.

use holdfast_model::{Act, BookingId, SlotId};
use serde_json::json;

use super::accounts::{ShownCode, name_of};
use super::{Kind, Operation, Park, Person, Wish};
use crate::chance::Chance;
use crate::client::Reply;

pub(super) struct FetchCode;
pub(super) struct RenewCode;

impl Operation for FetchCode {
    fn name(&self) -> &'static str {
        "fetch_code"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let (booking, _) = any_scanned(who, park, chance)?;
        let path = format!("/v1/bookings/{}/code", booking.0);
        Some(Wish { path, kind: Kind::Read, at_entrance: Some((booking, Act::Fetches)), ..Wish::default() })
    }

    fn learn(&self, who: &mut Person, _: &Park, wish: &Wish, reply: &Reply) {
        learn(who, wish, reply);
    }
}

impl Operation for RenewCode {
    fn name(&self) -> &'static str {
        "renew_code"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let (booking, _) = any_scanned(who, park, chance)?;
        Some(Wish {
            method: "POST",
            path: format!("/v1/bookings/{}/code", booking.0),
            body: Some(json!({})),
            at_entrance: Some((booking, Act::Renews)),
            ..Wish::default()
        })
    }

    fn learn(&self, who: &mut Person, _: &Park, wish: &Wish, reply: &Reply) {
        learn(who, wish, reply);
    }
}

/// One of his bookings whose party comes with a code.
fn any_scanned(who: &Person, park: &Park, chance: &mut Chance) -> Option<(BookingId, SlotId)> {
    who.any_booking_where(chance, |slot| park.has_day(slot))
}

/// Whoever scans at the gate is shown it.
fn learn(who: &Person, wish: &Wish, reply: &Reply) {
    let (Some((booking, _)), Some(token)) = (&wish.at_entrance, reply.json["token"].as_str()) else { return };
    let code = ShownCode { booking: *booking, token: token.to_owned(), name: name_of(token) };
    who.accounts.show_code(code);
}
