//! `/v1/reports`, described.

use serde_json::{Value, json};

use super::page;
use crate::access::Endpoint;
use crate::http::v1::reports::{ResourceReportBody, SlotReportBody};
use crate::openapi::answers::read;
use crate::openapi::codes::{INVALID, REPORT_TOO_LARGE, RESOURCE_NOT_FOUND};
use crate::openapi::operation::{Operation, get};
use crate::openapi::parameters::{query, query_id};
use crate::openapi::schemas::{moment, page_of, word};

pub(in crate::openapi) fn operations() -> Vec<Operation> {
    let mut resource = query_id("resourceId", "Of which resource.");
    resource["required"] = json!(true);
    vec![
        report(get("/v1/reports/slots", "Report on the slots of a resource, by their start"))
            .with(resource)
            .answers(read("A page of slots.", page_of::<SlotReportBody>, page(slot())).or("text/csv"))
            .refuses(&[INVALID, RESOURCE_NOT_FOUND]),
        report(get("/v1/reports/resources", "Report on resources, newest first, each with all its slots"))
            .with(query_id("venueId", "Only those of this venue."))
            .answers(
                read("A page of resources.", page_of::<ResourceReportBody>, page(of_resource()))
                    .or("text/csv"),
            )
            .refuses(&[INVALID, REPORT_TOO_LARGE]),
    ]
}

fn report(operation: Operation) -> Operation {
    operation
        .about(
            "How full slots were, who came, and what became of holds. Holds and parties are counted since \
                the cluster counts them; `booked` and `held` are of this moment.",
        )
        .about(
            "CSV has no `next`: ask again `after` the last id of a page, until one is shorter than `limit`.",
        )
        .by(Endpoint::ReadReports)
        .with(query("from", "Only slots that do not start before.", moment()))
        .with(query("to", "Only slots that start before.", moment()))
        .with(query("format", "As what; without it, what `Accept` says.", word(&["json", "csv"])))
        .reads()
        .paged()
}

fn figures(mut report: Value) -> Value {
    let figures = json!({
        "capacity": 30, "booked": 20, "held": 4, "used": 6, "noShows": 3, "utilisation": 0.6667,
        "noShowRate": 0.3333, "holds": 9, "holdsConfirmed": 3, "holdsLapsed": 2, "holdsGivenBack": 1,
        "holdConversion": 0.5,
    });
    if let (Some(report), Value::Object(figures)) = (report.as_object_mut(), figures) {
        report.extend(figures);
    }
    report
}

fn slot() -> Value {
    figures(json!({
        "slotId": 1, "resourceId": 1, "startTime": "2030-06-23T10:00:00Z", "endTime": "2030-06-23T10:30:00Z",
    }))
}

fn of_resource() -> Value {
    figures(json!({"resourceId": 1, "venueId": 1, "name": "Big Loop", "slots": 1}))
}
