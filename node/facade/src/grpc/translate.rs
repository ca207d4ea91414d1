//! Between the messages of `holdfast.v1` and our own words.

use holdfast_proto::v1 as proto;
use holdfast_reservations::{
    Book, Booking, BookingId, BookingState, Cancel, CheckIn, Modify, PoolId, SlotChoice, SlotId, SlotName,
    Timestamp, UserId,
};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::problem::{Problem, Result};

pub(super) fn book_from(body: &proto::BookRequest) -> Result<Book> {
    Ok(Book {
        slot: SlotName::Id(SlotId(body.slot_id)),
        pool: body.pool_id.map(PoolId),
        count: count_from(body.count.unwrap_or(1))?,
        user: body.user_id.map(UserId),
    })
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
