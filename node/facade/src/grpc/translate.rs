//! Between the messages of `holdfast.v1` and our own words.

use holdfast_proto::v1 as proto;
use holdfast_reservations::{
    Book, Booking, BookingId, BookingState, Cancel, CheckIn, Command, Confirm, Dialect, Extend, HoldTerms,
    Millis, Modify, PAYMENT_TEXT_MAX, Paid, Part, Places, PoolId, Reserve, SeatName, SlotChoice, SlotId,
    SlotName, Timestamp, UserId,
};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::problem::{Problem, Result};

pub(super) fn book_from(body: &proto::BookRequest) -> Result<Command> {
    let (slot, pool) = (SlotName::Id(SlotId(body.slot_id)), body.pool_id.map(PoolId));
    let user = body.user_id.map(UserId);
    if body.seats.is_empty() && body.hold.is_none() {
        // The short form, which takes fewer bytes of the log.
        return Ok(Command::Book(Book { slot, pool, count: count_from(body.count.unwrap_or(1))?, user }));
    }
    let places = match (body.count, body.seats.as_slice()) {
        (count, []) => Places::Count(count_from(count.unwrap_or(1))?),
        (None, labels) => Places::Seats(labels_from(labels)?.into_iter().map(SeatName::Label).collect()),
        (Some(_), _) => return Err(Problem::senseless("give count or seats, not both")),
    };
    let duration = |hold: &proto::Hold| hold.seconds.map(seconds_from).transpose();
    let hold = match &body.hold {
        None => None,
        Some(hold) => Some(HoldTerms { duration: duration(hold)?, dialect: Dialect::Native }),
    };
    Ok(Command::Reserve(Reserve { slot, pool, places, hold, user }))
}

pub(super) fn confirm_from(body: &proto::ConfirmRequest) -> Result<Confirm> {
    let part = match (body.count, body.seats.as_slice()) {
        (None, []) => None,
        (Some(count), []) => Some(Part::Count(count_from(count)?)),
        (None, labels) => Some(Part::Seats(labels_from(labels)?)),
        (Some(_), _) => return Err(Problem::senseless("give count or seats, not both")),
    };
    let paid = match &body.payment_reference {
        None => None,
        Some(reference) if (1..=PAYMENT_TEXT_MAX).contains(&reference.len()) => {
            Some(Paid { reference: reference.clone(), price: None })
        }
        Some(_) => {
            let detail = format!("payment_reference has 1 to {PAYMENT_TEXT_MAX} bytes");
            return Err(Problem::senseless(detail));
        }
    };
    let (booking, expected_version) = (BookingId(body.booking_id), body.expected_version);
    Ok(Confirm { booking, expected_version, part, paid })
}

pub(super) fn extend_from(body: &proto::ExtendRequest) -> Result<Extend> {
    Ok(Extend {
        booking: BookingId(body.booking_id),
        expected_version: body.expected_version,
        duration: body.seconds.map(seconds_from).transpose()?,
        dialect: Dialect::Native,
    })
}

fn seconds_from(seconds: u32) -> Result<Millis> {
    crate::wire::hold_seconds_from(i64::from(seconds))
}

fn labels_from(labels: &[String]) -> Result<Vec<String>> {
    crate::wire::labels_from(labels.to_vec())
}

pub(super) fn modify_from(body: &proto::ModifyRequest) -> Result<Modify> {
    if body.slot_id.is_none() && body.pool_id.is_none() && body.count.is_none() {
        return Err(Problem::senseless("nothing to change: give slot_id, pool_id or count"));
    }
    Ok(Modify {
        booking: BookingId(body.booking_id),
        expected_version: body.expected_version,
        slot: body.slot_id.map(|id| SlotChoice::Id(SlotId(id))),
        pool: body.pool_id.map(PoolId),
        count: body.count.map(count_from).transpose()?,
    })
}

pub(super) fn cancel_from(body: &proto::CancelRequest) -> Cancel {
    Cancel { booking: BookingId(body.booking_id), expected_version: body.expected_version }
}

pub(super) fn check_in_from(body: &proto::CheckInRequest) -> CheckIn {
    CheckIn {
        booking: BookingId(body.booking_id),
        expected_version: body.expected_version,
        scanned_at: body.scanned_at_ms.map(Timestamp),
    }
}

fn count_from(count: u32) -> Result<u32> {
    crate::wire::count_from(i64::from(count))
}

pub(super) fn booking(id: BookingId, booking: &Booking) -> proto::Booking {
    let state = match booking.state {
        BookingState::Confirmed => proto::BookingState::Confirmed,
        BookingState::Used { .. } => proto::BookingState::Used,
        BookingState::Cancelled { .. } => proto::BookingState::Cancelled,
        BookingState::Held { .. } => proto::BookingState::Held,
        BookingState::Expired { .. } => proto::BookingState::Expired,
        BookingState::Queued { .. } => proto::BookingState::Queued,
        BookingState::Rejected { .. } => proto::BookingState::Rejected,
        BookingState::Ready { .. } => proto::BookingState::Ready,
        BookingState::NoShow { .. } => proto::BookingState::NoShow,
    };
    let revision = proto::Revision { index: booking.revision.index, ordinal: booking.revision.ordinal };
    proto::Booking {
        id: id.0,
        slot_id: booking.slot.0,
        pool_id: booking.pool.0,
        user_id: booking.user.0,
        count: booking.count,
        state: state.into(),
        version: booking.version,
        revision: Some(revision),
        booked_at_ms: booking.booked_at.0,
        seats: booking.seats.iter().map(|seat| seat.label.clone()).collect(),
        expires_at_ms: match booking.state {
            BookingState::Held { expires_at, .. } => Some(expires_at.0),
            BookingState::Confirmed
            | BookingState::Used { .. }
            | BookingState::Cancelled { .. }
            | BookingState::Expired { .. }
            | BookingState::Queued { .. }
            | BookingState::Rejected { .. }
            | BookingState::Ready { .. }
            | BookingState::NoShow { .. } => None,
        },
    }
}

/// A problem as part of a reply.
pub(super) fn problem(problem: &Problem) -> proto::Problem {
    let extra_json = match problem.extra.is_empty() {
        true => String::new(),
        false => serde_json::Value::Object(problem.extra.clone()).to_string(),
    };
    proto::Problem {
        status: u32::from(problem.status),
        code: problem.code.to_owned(),
        detail: problem.detail.clone(),
        retryable: problem.is_retryable(),
        extra_json,
    }
}

/// A problem as the status of a call: the same code is the reason in its `ErrorInfo`.
pub(super) fn status_of(problem: &Problem) -> Status {
    let code = match problem.status {
        400 | 413 | 415 | 422 => Code::InvalidArgument,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 | 410 => Code::NotFound,
        412 => Code::Aborted,
        429 => Code::ResourceExhausted,
        503 => Code::Unavailable,
        504 => Code::DeadlineExceeded,
        409 => Code::FailedPrecondition,
        _ => Code::Internal,
    };
    let metadata = problem.extra.iter().map(|(name, value)| (name.clone(), value.to_string()));
    let mut details = ErrorDetails::with_error_info(
        problem.code,
        "holdfast",
        metadata.collect::<std::collections::HashMap<_, _>>(),
    );
    if let Some(seconds) = problem.retry_after() {
        details.set_retry_info(Some(std::time::Duration::from_secs(u64::from(seconds))));
    }
    Status::with_error_details(code, problem.detail.clone(), details)
}
