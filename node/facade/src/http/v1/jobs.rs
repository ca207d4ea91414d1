//! `/v1/jobs`.

use axum::extract::State;
use holdfast_reservations::{Enqueue, JobCommand, JobId, JobState, Outcome};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::v1::bookings::booked;
use crate::http::{Answer, Call, Reply};
use crate::openapi::words;
use crate::problem::rejected;
use crate::service::{Asked, Caller, JobView, Service, Taken, wait_end};
use crate::wire::{booking_body, instant};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Job)]
pub(crate) struct JobBody {
    id: u64,
    #[schema(schema_with = words::job_type)]
    r#type: &'static str,
    #[schema(schema_with = words::job_status)]
    status: &'static str,
    priority: u8,
    /// How many go before it, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_wait_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_id: Option<u64>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    not_before: String,
    /// Milliseconds of agreed time.
    completed_at: Option<u64>,
    /// What it came to, once it is completed.
    #[schema(schema_with = words::job_result)]
    result: Option<Value>,
}

pub(crate) async fn show(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadJob).await?;
    let id = path_id(&id, "job_not_found", "job").map(JobId)?;
    let wait = call.preferred_wait()?.unwrap_or_default();
    let until = wait_end(wait, call.context.deadline);
    let read = service.await_job(asked, id, until).await?;
    Reply::read(read, |view| job_body(&view))
}

/// Accepts a job, and waits for it as long as the caller prefers.
pub(super) async fn accept(service: &Service, call: &Call, caller: Caller, enqueue: Enqueue) -> Answer {
    let (wait, consistency) = (call.preferred_wait()?, call.consistency()?);
    let accepted = match service.enqueue(caller, enqueue, &call.context).await? {
        Taken::Job(view) => view,
        Taken::Booking(id, booking, _) => return booked(id, &booking),
    };
    // It is accepted, whatever comes of looking at it.
    let deadline = call.context.deadline;
    let view = match wait.filter(|_| !accepted.is_done()) {
        None => accepted,
        Some(wait) => {
            let (asked, until) = (Asked { caller, consistency, deadline }, wait_end(wait, deadline));
            let awaited = service.await_job(asked, accepted.id, until).await;
            awaited.map_or(accepted, |read| read.value)
        }
    };
    to_come(&view)
}

/// What is to come of a call.
pub(super) fn to_come(view: &JobView) -> Answer {
    Ok(Reply::accepted(&job_body(view))?.at(format!("/v1/jobs/{}", view.id.0)))
}

fn job_body(view: &JobView) -> JobBody {
    let JobView { id, job, position, wait } = view;
    let (completed_at, result) = match &job.state {
        JobState::Delayed | JobState::Waiting { .. } => (None, None),
        JobState::Done { at, outcome, .. } => (Some(at.0), Some(result_of(outcome))),
    };
    let is_done = view.is_done();
    JobBody {
        id: id.0,
        r#type: match job.command {
            JobCommand::Reserve(_) => "reserve",
            JobCommand::Confirm(_) => "confirm",
        },
        status: job.status(),
        priority: job.priority,
        position: *position,
        estimated_wait_seconds: wait.filter(|_| !is_done).map(|wait| wait.0.div_ceil(1000)),
        booking_id: job.booking.map(|id| id.0),
        created_at: instant(job.created_at),
        not_before: instant(job.not_before),
        completed_at,
        result,
    }
}

fn result_of(outcome: &Outcome) -> Value {
    if let Outcome::Booking(id, booking) = outcome {
        return json!({"success": true, "booking": booking_body(*id, booking)});
    }
    if let Outcome::Rejected(rejection) = outcome {
        return json!({"success": false, "error": rejected(rejection).to_json()});
    }
    json!({"success": false})
}
