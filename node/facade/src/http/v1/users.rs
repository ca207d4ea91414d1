//! `/v1/users`.

use axum::extract::State;
use holdfast_reservations::{Role, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::{Answer, Call, Reply};
use crate::service::Service;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleBody {
    role: RoleName,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RoleName {
    Guest,
    Staff,
    Operator,
    App,
}

pub(crate) async fn change_role(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ChangeRole).await?;
    let id = path_id(&id, "user_not_found", "user").map(UserId)?;
    let body: RoleBody = call.json()?;
    let role = match body.role {
        RoleName::Guest => Role::Guest,
        RoleName::Staff => Role::Staff,
        RoleName::Operator => Role::Operator,
        RoleName::App => Role::App,
    };
    let (id, profile) = service.change_role(caller, id, role, &call.context).await?;
    Reply::ok(&json!({"id": id.0, "email": profile.email, "name": profile.name, "role": body.role}))
}
