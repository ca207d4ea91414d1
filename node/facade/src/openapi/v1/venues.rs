//! `/v1/venues`, described.

use serde_json::{Value, json};

use super::page;
use crate::access::Endpoint;
use crate::http::v1::venues::{CreateBody, VenueBody};
use crate::openapi::answers::{answer, read};
use crate::openapi::codes::{INVALID, VENUE_NOT_FOUND};
use crate::openapi::operation::{Operation, get, post};
use crate::openapi::parameters::id;
use crate::openapi::schemas::{of, page_of};

pub(in crate::openapi) fn operations() -> Vec<Operation> {
    vec![
        post("/v1/venues", "Add a venue")
            .by(Endpoint::CreateVenue)
            .keyed()
            .body(of::<CreateBody>, asked())
            .answers(answer(201, "The venue.", of::<VenueBody>, venue()))
            .refuses(&[INVALID]),
        get("/v1/venues", "List venues, newest first")
            .by(Endpoint::ReadCatalog)
            .reads()
            .paged()
            .answers(read("A page of venues.", page_of::<VenueBody>, page(venue()))),
        get("/v1/venues/{id}", "Show a venue")
            .by(Endpoint::ReadCatalog)
            .with(id("id", "The venue."))
            .reads()
            .answers(read("The venue.", of::<VenueBody>, venue()))
            .refuses(&[VENUE_NOT_FOUND]),
    ]
}

fn asked() -> Value {
    json!({"name": "Tivoli", "region": "Copenhagen", "timeZone": "Europe/Copenhagen", "openAt": "09:00", "closeAt": "22:00"})
}

fn venue() -> Value {
    let mut venue = asked();
    venue["id"] = json!(1);
    venue
}
