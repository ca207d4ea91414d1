//! What this seed refuses before there is a job: what can be told from the seat as it is. A call that was answered before is
//! not judged again.

use holdfast_reservations::{BookingId, PoolId, UserId};
use serde_json::json;

use crate::http::s2::seats::{Status, seat_not_found};
use crate::http::seat_id::seat_id;
use crate::problem::{Problem, Result};
use crate::service::{SeatView, Standing};

/// What a call names that was answered before: its first answer is given again, whatever it names now.
const NO_BOOKING: BookingId = BookingId(0);

/// Refuses to hold a seat that somebody has.
pub(super) fn expect_available(standing: &Standing, (pool, number): (PoolId, u32)) -> Result<()> {
    if !standing.is_new {
        return Ok(());
    }
    let seat = standing.seat.as_ref().ok_or_else(|| seat_not_found(seat_id(pool, number)))?;
    match Status::of(seat) {
        Status::Available => Ok(()),
        Status::OnHold => Err(conflict("seat_taken", "the seat is already on hold", Status::OnHold)),
        Status::Reserved => Err(conflict("seat_taken", "the seat is already reserved", Status::Reserved)),
    }
}

/// The hold of a user, unless he is new, on a seat by itself; refuses what is not on hold, or by somebody else.
pub(super) fn expect_held_by(
    standing: &Standing,
    (pool, number): (PoolId, u32),
    user: Option<UserId>,
) -> Result<BookingId> {
    let seat = standing.seat.as_ref().ok_or_else(|| seat_not_found(seat_id(pool, number)));
    match seat.and_then(|seat| held_by(seat, user)) {
        Err(_) if !standing.is_new => Ok(NO_BOOKING),
        held => held,
    }
}

fn held_by(seat: &SeatView, user: Option<UserId>) -> Result<BookingId> {
    match (Status::of(seat), &seat.booking) {
        (Status::OnHold, Some((id, booking))) if user == Some(booking.user) => match booking.count {
            1 => Ok(*id),
            // Made in other words than this seed's, which has no word for the others.
            _ => Err(conflict("held_with_others", "the seat is held together with others", Status::OnHold)),
        },
        (Status::OnHold, _) => Err(Problem::new(403, "not_holder", "the seat is on hold by somebody else")),
        (Status::Available, _) => Err(conflict("not_held", "the seat is not on hold", Status::Available)),
        (Status::Reserved, _) => Err(conflict("not_held", "the seat is already reserved", Status::Reserved)),
    }
}

fn conflict(code: &'static str, detail: &str, status: Status) -> Problem {
    Problem::new(409, code, detail).with("currentStatus", json!(status.name()))
}

#[cfg(test)]
mod tests {
    use holdfast_reservations::BookingState;

    use super::*;
    use crate::http::s2::seats::tests::{HELD, seat};

    const HOLDER: UserId = UserId(9);
    const OTHER: UserId = UserId(8);
    const SEAT: (PoolId, u32) = (PoolId(3), 1);

    fn standing(is_new: bool, seat: Option<SeatView>) -> Standing {
        Standing { is_new, seat }
    }

    fn told<T>(checked: Result<T>) -> std::result::Result<T, (u16, Option<String>)> {
        checked.map_err(|problem| {
            let status = problem.extra.get("currentStatus").and_then(|status| status.as_str());
            (problem.status, status.map(str::to_owned))
        })
    }

    fn conflict(status: &str) -> (u16, Option<String>) {
        (409, Some(status.to_owned()))
    }

    #[test]
    fn what_somebody_has_is_not_held() {
        let check = |found| told(expect_available(&standing(true, found), SEAT));
        assert_eq!(check(Some(seat(None))), Ok(()));
        assert_eq!(check(Some(seat(Some(HELD)))), Err(conflict("On hold")));
        assert_eq!(check(Some(seat(Some(BookingState::Confirmed)))), Err(conflict("Reserved")));
        assert_eq!(check(None), Err((404, None)));
    }

    #[test]
    fn a_hold_is_its_holders() {
        let check = |found, user| told(expect_held_by(&standing(true, found), SEAT, Some(user)));
        assert_eq!(check(Some(seat(Some(HELD))), HOLDER), Ok(BookingId(4)));
        assert_eq!(check(Some(seat(Some(HELD))), OTHER), Err((403, None)));
        assert_eq!(check(Some(seat(None)), HOLDER), Err(conflict("Available")));
        for user in [HOLDER, OTHER] {
            assert_eq!(check(Some(seat(Some(BookingState::Confirmed))), user), Err(conflict("Reserved")));
        }
        assert_eq!(check(None, HOLDER), Err((404, None)));
        let of_nobody = told(expect_held_by(&standing(true, Some(seat(Some(HELD)))), SEAT, None));
        assert_eq!(of_nobody, Err((403, None)));
    }

    #[test]
    fn a_retry_is_not_judged_by_what_has_become_of_the_seat() {
        for found in [None, Some(None), Some(Some(HELD)), Some(Some(BookingState::Confirmed))] {
            let retry = standing(false, found.map(seat));
            assert!(expect_available(&retry, SEAT).is_ok());
            assert_eq!(told(expect_held_by(&retry, SEAT, Some(OTHER))), Ok(NO_BOOKING));
        }
        let held = standing(false, Some(seat(Some(HELD))));
        assert_eq!(told(expect_held_by(&held, SEAT, Some(HOLDER))), Ok(BookingId(4)));
    }
}
