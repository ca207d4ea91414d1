//! `/performances`: sessions of an event, each a slot with numbered seats.

use axum::extract::State;
use holdfast_raft::{Consistency, View};
use holdfast_reservations::{
    ChangeSlot, Millis, NewPlaces, NewPool, NewSlot, OpenSlots, ReadTyped as _, ResourceId, SeatPlan, Slot,
    SlotId, Timestamp, Window, WithdrawSlot,
};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::bodies::{performance_body, performance_with};
use super::events::event_id;
use super::read;
use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::Service;
use crate::service::s1::{self, EVENTS_MAX, PerformanceView};
use crate::wire::Moment;

/// S1 does not say how long a performance lasts.
const DURATION: Millis = Millis::from_hours(3);

/// What the seats of a performance are called together.
const POOL: &str = "seats";

/// How many seats are available the rules know better than a caller.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = S1NewPerformance)]
pub(crate) struct NewPerformanceBody {
    start_at: Moment,
    #[schema(minimum = 1, maximum = 100_000)]
    total_seats: i64,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = S1PerformanceChange)]
pub(crate) struct ChangeBody {
    start_at: Option<Moment>,
    #[schema(minimum = 1, maximum = 100_000)]
    total_seats: Option<i64>,
}

pub(super) async fn create(State(service): State<Service>, Segment(event): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageEvents).await?;
    let resource = event_id(&event)?;
    let slots = vec![slot_from(call.json()?)?];
    service.look(|view| s1::expect_no_other(view, resource))??;
    let opened = service.open_slots(caller, OpenSlots { resource, slots }, &call.context).await;
    let opened = opened.map_err(|problem| known(&service, resource, problem))?;
    let Some((id, slot)) = opened.into_iter().next() else {
        return Err(Problem::new(500, "internal", "no performance was opened"));
    };
    // Nobody can have a seat of it yet.
    let view = PerformanceView { id, slot, available: 0 };
    let view = PerformanceView { available: view.total(), ..view };
    Ok(Reply::created(&performance_body(&view))?.at(format!("/performances/{}", id.0)))
}

/// Those of all events, newest event first.
pub(super) async fn list(State(service): State<Service>, call: Call) -> Answer {
    let newest = ResourceId(u64::MAX);
    let events = read(&service, &call, |view| Ok(s1::events(view, newest, EVENTS_MAX))).await?;
    Reply::read(events, |events| {
        let performances = events.iter().flat_map(|event| &event.performances);
        performances.map(performance_body).collect::<Vec<_>>()
    })
}

pub(super) async fn show(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let id = performance_id(&id)?;
    let found = read(&service, &call, |view| s1::performance(view, id)).await?;
    Reply::read(found, |(view, event)| performance_with(&view, event))
}

pub(super) async fn change(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageEvents).await?;
    let slot = performance_id(&id)?;
    let ChangeBody { start_at, total_seats } = call.json()?;
    let seats = total_seats.map(seats_from).transpose()?;
    let with = |view: &View<'_>| {
        s1::expect_no_other_slot(view, slot)?;
        Ok(view.row::<Slot>(slot).map(|slot| slot.window))
    };
    // How long it lasted before goes into the command: what this node has not heard yet must not be undone.
    let before = service.read_public(Consistency::Linearizable, call.context.deadline, with).await?.value;
    let window = start_at.map(|start_at| moved(before, start_at.0)).transpose()?;
    let (id, slot) = service.change_slot(caller, ChangeSlot { slot, window, seats }, &call.context).await?;
    let view = service.look(|view| PerformanceView::of(view, id, slot))?;
    Reply::ok(&performance_body(&view))
}

pub(super) async fn delete(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageEvents).await?;
    let slot = performance_id(&id)?;
    service.look(|view| s1::expect_no_other_slot(view, slot))??;
    service.withdraw_slot(caller, WithdrawSlot { slot }, &call.context).await?;
    Reply::ok(&json!({"id": slot.0.to_string(), "message": "the performance was deleted"}))
}

/// The rules do not tell whoever owns no event of this id whether there is one; in S1 everybody may know.
fn known(service: &Service, event: ResourceId, problem: Problem) -> Problem {
    if problem.code != "forbidden" {
        return problem;
    }
    match service.look(|view| s1::event(view, event)) {
        Ok(Err(missing)) => missing,
        Ok(Ok(_)) | Err(_) => problem,
    }
}

pub(super) fn performance_id(text: &str) -> Result<SlotId> {
    path_id(text, "slot_not_found", "performance").map(SlotId)
}

fn slot_from(body: NewPerformanceBody) -> Result<NewSlot> {
    let places = NewPlaces::Seats(seats_from(body.total_seats)?);
    let window = window_from(body.start_at.0, DURATION)?;
    Ok(NewSlot { window, pools: vec![NewPool { name: POOL.to_owned(), places }] })
}

/// Seats "1" to "N".
fn seats_from(total: i64) -> Result<SeatPlan> {
    let plan = SeatPlan::numbered(u64::try_from(total).unwrap_or(0));
    plan.map_err(|error| Problem::senseless(format!("totalSeats: {error}")))
}

/// When a performance is that begins at another moment: it lasts as long as before.
fn moved(before: Option<Window>, starts_at: Timestamp) -> Result<Window> {
    let duration = before.map_or(DURATION, |before| before.ends_at().since(before.starts_at()));
    window_from(starts_at, duration)
}

fn window_from(starts_at: Timestamp, duration: Millis) -> Result<Window> {
    let window = Window::new(starts_at, starts_at.plus(duration));
    window.ok_or_else(|| Problem::senseless("startAt is after the end of time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(json: &str) -> Option<NewSlot> {
        slot_from(serde_json::from_str(json).ok()?).ok()
    }

    #[test]
    fn a_performance_is_three_hours_of_numbered_seats() {
        let body = r#"{"startAt":"1970-01-01T00:00:01Z","totalSeats":20000,"availableSeats":7}"#;
        let NewSlot { window, pools } = slot(body).unwrap();
        assert_eq!((window.starts_at(), window.ends_at()), (Timestamp(1_000), Timestamp(10_801_000)));
        let places = NewPlaces::Seats(SeatPlan::numbered(20_000).unwrap());
        assert_eq!(pools, [NewPool { name: "seats".into(), places }]);
    }

    #[test]
    fn a_performance_that_makes_no_sense_is_refused() {
        let starts = r#""startAt":"2031-05-01T19:30:00Z""#;
        for total in
            ["0", "-1", "100001", "9223372036854775807", "9223372036854775808", "\"3\"", "3.5", "null"]
        {
            assert_eq!(slot(&format!("{{{starts},\"totalSeats\":{total}}}")), None, "{total}");
        }
        for body in ["{}", r#"{"totalSeats":3}"#, r#"{"startAt":7,"totalSeats":3}"#] {
            assert_eq!(slot(body), None, "{body}");
        }
        assert!(slot(&format!("{{{starts},\"totalSeats\":100000}}")).is_some());
    }

    #[test]
    fn a_performance_that_is_moved_lasts_as_long_as_before() {
        let before = Window::new(Timestamp(100), Timestamp(150));
        assert_eq!(
            moved(before, Timestamp(1_000)),
            Ok(Window::new(Timestamp(1_000), Timestamp(1_050)).unwrap())
        );
        assert_eq!(moved(None, Timestamp(0)).unwrap().ends_at(), Timestamp(10_800_000));
        assert_eq!(moved(None, Timestamp::MAX).unwrap_err().status, 422);
    }
}
