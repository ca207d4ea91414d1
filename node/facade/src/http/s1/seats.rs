//! `GET /performances/{id}/seats`: in the order of their numbers.

use axum::extract::State;
use holdfast_reservations::SeatState;

use super::bodies::{SeatBody, seat_body, seat_word};
use super::performances::performance_id;
use super::read;
use crate::http::path::Segment;
use crate::http::{Answer, Call, LongList, Reply};
use crate::problem::{Problem, Result};
use crate::service::s1;
use crate::service::{SeatsOf, Service};

pub(super) async fn list(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let id = performance_id(&id)?;
    let wanted = call.query("status")?.map(|word| state_from(&word)).transpose()?;
    let pools = read(&service, &call, |view| s1::seats(view, id)).await?;
    let frame = LongList { before: "[".to_owned(), after: "]", len: SeatsOf::count(&pools.value) };
    Reply::list(&service, call.context.deadline, pools, frame, move |pools| {
        Box::new(pools.iter().flat_map(move |pool| seats_in(pool, wanted)))
    })
    .await
}

/// Seats of a pool, all or those in one state.
fn seats_in(pool: &SeatsOf, wanted: Option<SeatState>) -> impl Iterator<Item = SeatBody> {
    let seats = pool.each().filter(move |(_, state)| wanted.is_none_or(|wanted| wanted == *state));
    seats.map(|(seat, state)| seat_body(pool.slot_id, pool.pool, seat, state))
}

fn state_from(word: &str) -> Result<SeatState> {
    let states = [SeatState::Available, SeatState::Held, SeatState::Sold];
    let unknown = || Problem::malformed(format!("status is AVAILABLE, HELD or OCCUPIED, not {word}"));
    states.into_iter().find(|state| seat_word(*state) == word).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use holdfast_reservations::{
        NewSeat, PoolId, ResourceId, SeatPlan, Seats, Slot, SlotId, SlotStatus, Timestamp, Window,
    };

    use super::*;

    fn pool() -> SeatsOf {
        let seat = |label: &str| NewSeat { label: label.into(), ..NewSeat::default() };
        let plan = SeatPlan::of(["10", "9", "1", "2"].map(seat).into()).unwrap();
        let window = Window::new(Timestamp(0), Timestamp(1)).unwrap();
        let slot = Slot { resource: ResourceId(5), window, status: SlotStatus::Open, pools: Vec::new() };
        let states = vec![SeatState::Available, SeatState::Held, SeatState::Sold, SeatState::Available];
        let seats = Arc::new(Seats { slot: SlotId(7), plan });
        SeatsOf { slot_id: SlotId(7), slot: Arc::new(slot), pool: PoolId(1), seats, states }
    }

    fn numbers(wanted: Option<SeatState>) -> Vec<String> {
        let json = serde_json::to_value(seats_in(&pool(), wanted).collect::<Vec<_>>()).unwrap();
        let seats = json.as_array().unwrap().iter();
        seats.map(|seat| seat["seatNumber"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn seats_are_sorted_by_number_and_filtered_by_state() {
        assert_eq!(numbers(None), ["1", "2", "9", "10"]);
        assert_eq!(numbers(Some(SeatState::Available)), ["1", "10"]);
        assert_eq!(numbers(Some(SeatState::Sold)), ["9"]);
    }

    #[test]
    fn a_state_is_named_by_its_word() {
        assert_eq!(state_from("OCCUPIED"), Ok(SeatState::Sold));
        for word in ["BROKEN", "available", ""] {
            assert_eq!(state_from(word).map_err(|problem| problem.status), Err(400), "{word}");
        }
    }
}
