//! `/v1/jobs`, described.

use serde_json::{Value, json};

use crate::access::Endpoint;
use crate::http::v1::jobs::JobBody;
use crate::openapi::answers::read;
use crate::openapi::codes::JOB_NOT_FOUND;
use crate::openapi::operation::{Operation, get};
use crate::openapi::parameters::{id, prefer, wait};
use crate::openapi::schemas::of;

pub(in crate::openapi) fn operations() -> Vec<Operation> {
    vec![
        get("/v1/jobs/{id}", "Show a job, or wait for its end")
            .about("What it came to is kept for some minutes.")
            .by(Endpoint::ReadJob)
            .with(id("id", "The job."))
            .with(prefer())
            .with(wait())
            .reads()
            .answers(read("The job.", of::<JobBody>, job()))
            .refuses(&[JOB_NOT_FOUND]),
    ]
}

pub(super) fn job() -> Value {
    json!({
        "id": 1, "type": "reserve", "status": "waiting", "priority": 0, "position": 12, "estimatedWaitSeconds": 6,
        "createdAt": "2030-06-20T08:30:00Z", "notBefore": "2030-06-20T08:30:00Z", "completedAt": null, "result": null,
    })
}
