//! `/user`: a number for somebody who calls, and who has booked what.

use axum::extract::State;
use serde_json::json;

use super::events::NAME_BYTES_MAX;
use super::fields::Fields;
use super::{asked, uid};
use crate::access::Endpoint;
use crate::http::{Answer, Call, Reply};
use crate::problem::Problem;
use crate::service::Service;

pub(super) async fn create(State(service): State<Service>, call: Call) -> Answer {
    if !service.trusts_declared_identity() {
        return Err(match call.token()? {
            Some(_) => Problem::forbidden(),
            None => Problem::unauthenticated("nobody is believed who he says he is; sign up at /auth/signup"),
        });
    }
    let mut fields = Fields::of(&call)?;
    let name = fields.text("name", NAME_BYTES_MAX);
    let name = fields.into_result(name)?;
    let id = service.make_guest(name, &call.context).await?;
    Reply::created(&json!({"user_id": id}))
}

/// Names of booked tickets by the name of who has them. Where everybody is believed, everybody's; otherwise the caller's own,
/// and everybody's for staff.
pub(super) async fn stats(State(service): State<Service>, call: Call) -> Answer {
    let is_nobody = call.token()?.is_none() && uid(&call).is_none();
    let names = if service.trusts_declared_identity() {
        if !is_nobody {
            asked(&service, &call, Endpoint::ReadBookings).await?;
        }
        service.booked_names(call.consistency()?, call.context.deadline).await?
    } else {
        let asked = asked(&service, &call, Endpoint::ReadBookings).await?;
        service.booked_names_as(asked.ok_or_else(Problem::forbidden)?).await?
    };
    Reply::read(names, |names| names)
}
