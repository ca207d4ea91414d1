//! Jobs as this seed shows them: when they are accepted, and `GET /seats/job/{jobId}/status`.

mod results;

use axum::extract::State;
use holdfast_reservations::{BookingState, JobCommand, JobId, JobState};
use serde::Serialize;
use utoipa::ToSchema;

use self::results::ResultBody;
use super::reader;
use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::seat_id::seat_id;
use crate::http::{Answer, Call, Reply};
use crate::openapi::words;
use crate::service::{JobView, SeatJob, Service};

/// What a job of this seed does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Hold,
    Reserve,
}

/// What the caller of an accepted job is told.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = S2Accepted)]
pub(crate) struct AcceptedBody {
    message: &'static str,
    job_id: String,
    position: u64,
    /// In seconds; null while nobody is admitted.
    estimated_wait_time: Option<u64>,
    status_endpoint: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = S2Job)]
pub(crate) struct JobBody {
    id: String,
    job_id: String,
    #[schema(schema_with = words::s2_job_type)]
    r#type: &'static str,
    data: DataBody,
    #[schema(schema_with = words::job_status)]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_wait_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<ResultBody>,
    /// Milliseconds of agreed time, as `completedAt`.
    created_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<u64>,
}

/// What was asked for: as the seed keeps it, and in the words of the call.
#[derive(Serialize, ToSchema)]
#[schema(as = S2JobData)]
struct DataBody {
    #[serde(rename = "seatId")]
    seat_id: String,
    #[serde(rename = "userUUID")]
    user_uuid: String,
    id: String,
    #[serde(rename = "UUID")]
    uuid: String,
}

impl Kind {
    fn of(command: &JobCommand) -> Self {
        match command {
            JobCommand::Reserve(_) => Self::Hold,
            JobCommand::Confirm(_) => Self::Reserve,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Hold => "HOLD_SEAT",
            Self::Reserve => "RESERVE_SEAT",
        }
    }

    fn is_accepted(self) -> &'static str {
        match self {
            Self::Hold => "The seat is going to be held; see statusEndpoint.",
            Self::Reserve => "The seat is going to be reserved; see statusEndpoint.",
        }
    }
}

pub(super) async fn show(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let reader = reader(&service, &call, Endpoint::ReadJob).await?;
    let id = path_id(&id, "job_not_found", "job").map(JobId)?;
    let wait = call.preferred_wait()?.unwrap_or_default();
    let read = service.await_seat_job(reader, id, wait).await?;
    Reply::read(read, |job| job_body(&job))
}

pub(super) fn accepted_body(view: &JobView) -> AcceptedBody {
    let id = view.id.0;
    AcceptedBody {
        message: Kind::of(&view.job.command).is_accepted(),
        job_id: id.to_string(),
        position: view.position.unwrap_or(0),
        estimated_wait_time: view.wait.map(|wait| wait.0.div_ceil(1000)),
        status_endpoint: format!("/seats/job/{id}/status"),
    }
}

/// For how many seconds a seat is held.
pub(super) fn seconds_held(state: &BookingState) -> u64 {
    match state {
        BookingState::Held { duration, .. } => duration.0 / 1000,
        BookingState::Confirmed
        | BookingState::Used { .. }
        | BookingState::Cancelled { .. }
        | BookingState::Expired { .. }
        | BookingState::Queued { .. }
        | BookingState::Rejected { .. }
        | BookingState::Ready { .. }
        | BookingState::NoShow { .. } => 0,
    }
}

fn job_body(seat_job: &SeatJob) -> JobBody {
    let SeatJob { view, pool, number, user, .. } = seat_job;
    let job = &view.job;
    let (completed_at, result) = match &job.state {
        JobState::Delayed | JobState::Waiting { .. } => (None, None),
        JobState::Done { at, outcome, .. } => (Some(at.0), Some(results::result_of(seat_job, outcome))),
    };
    let (id, seat) = (view.id.0.to_string(), seat_id(*pool, *number).to_string());
    JobBody {
        job_id: id.clone(),
        id,
        r#type: Kind::of(&job.command).name(),
        data: DataBody { seat_id: seat.clone(), user_uuid: user.clone(), id: seat, uuid: user.clone() },
        status: job.status(),
        position: view.position,
        estimated_wait_time: view.wait.filter(|_| !view.is_done()).map(|wait| wait.0.div_ceil(1000)),
        result,
        created_at: job.created_at.0,
        completed_at,
    }
}

#[cfg(test)]
mod tests;
