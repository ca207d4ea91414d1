//! What became of a job, with the status that the seed's own code would have answered.

use holdfast_reservations::{Booking, Outcome, Rejection};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Kind, seconds_held};
use crate::http::s2::seats::{SeatBody, Status};
use crate::http::seat_id::seat_id;
use crate::problem::rejected;
use crate::service::SeatJob;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = S2JobResult)]
pub(super) struct ResultBody {
    pub(super) success: bool,
    pub(super) status: u16,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seat: Option<SeatBody>,
    /// Stable, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<&'static str>,
}

pub(super) fn result_of(job: &SeatJob, outcome: &Outcome) -> ResultBody {
    let kind = Kind::of(&job.view.job.command);
    if let Outcome::Booking(_, booking) = outcome {
        return ResultBody {
            success: true,
            status: 200,
            message: match kind {
                Kind::Hold => format!("Seat held for {} seconds.", seconds_held(&booking.state)),
                Kind::Reserve => "Seat reserved.".to_owned(),
            },
            seat: Some(seat_of(job, booking)),
            error: None,
        };
    }
    let (status, message, error) = if let Outcome::Rejected(rejection) = outcome {
        let problem = rejected(rejection);
        (inner_status(kind, rejection), problem.detail, problem.code)
    } else {
        // A contradiction; a job comes to nothing else.
        (500, "the job failed; nothing was changed, and the operators know".to_owned(), "internal")
    };
    ResultBody { success: false, status, message, seat: None, error: Some(error) }
}

/// The seat as the job left it.
fn seat_of(job: &SeatJob, booking: &Booking) -> SeatBody {
    let label = booking.seats.iter().find(|seat| seat.number == job.number).map(|seat| seat.label.clone());
    SeatBody {
        id: seat_id(job.pool, job.number).to_string(),
        event_id: job.event.map(|event| event.0.to_string()),
        performance_id: booking.slot.0.to_string(),
        seat_number: label.unwrap_or_default(),
        uuid: job.user.clone(),
        status: Status::in_booking(&booking.state).name(),
    }
}

/// Held by another is 423, sold 409; too many holds 429; and only the holder of a hold that has not lapsed reserves.
fn inner_status(kind: Kind, rejection: &Rejection) -> u16 {
    if let Rejection::SeatTaken(taken) = rejection {
        return if taken.held_until.is_some() { 423 } else { 409 };
    }
    if matches!(rejection, Rejection::LimitReached { .. }) {
        return 429;
    }
    let is_no_hold_of_his = matches!(
        rejection,
        Rejection::NotHeld
            | Rejection::HoldExpired { .. }
            | Rejection::AlreadyCancelled
            | Rejection::AlreadyUsed { .. }
            | Rejection::BookingNotFound(_)
    );
    match kind {
        Kind::Reserve if is_no_hold_of_his => 403,
        Kind::Hold | Kind::Reserve => rejected(rejection).status,
    }
}

#[cfg(test)]
mod tests {
    use holdfast_reservations::{BookingId, SeatName, SeatUnavailable, Timestamp};

    use super::*;

    #[test]
    fn a_refusal_has_the_status_of_the_seeds_code() {
        let taken = |held_until| Rejection::SeatTaken(SeatUnavailable { label: "7".to_owned(), held_until });
        let status = |rejection: &Rejection| {
            (inner_status(Kind::Hold, rejection), inner_status(Kind::Reserve, rejection))
        };
        assert_eq!(status(&taken(Some(Timestamp(5)))).0, 423);
        assert_eq!(status(&taken(None)).0, 409);
        assert_eq!(status(&Rejection::LimitReached { limit: 6, has: 6 }).0, 429);
        assert_eq!(status(&Rejection::SeatNotFound(SeatName::Number(7))).0, 404);
        assert_eq!(status(&Rejection::TooLate { ended_at: Timestamp(5) }), (409, 409));
        let no_holds = [
            Rejection::NotHeld,
            Rejection::HoldExpired { expired_at: Timestamp(5) },
            Rejection::AlreadyCancelled,
            Rejection::BookingNotFound(BookingId(7)),
        ];
        for rejection in no_holds {
            assert_eq!(status(&rejection).1, 403, "{rejection:?}");
        }
        assert_eq!(status(&Rejection::Unauthenticated), (401, 401));
    }
}
