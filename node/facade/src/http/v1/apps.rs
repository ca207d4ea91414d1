//! `/v1/apps`.

use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use holdfast_reservations::UserId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::v1::cut;
use crate::http::v1::venues::name_from;
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::{AppView, MadeSecret, Service};
use crate::wire::instant;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewApp)]
pub(crate) struct CreateBody {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = App)]
pub(crate) struct AppBody {
    id: u64,
    /// The user it acts as: the same number.
    user_id: u64,
    name: String,
    #[schema(format = DateTime)]
    created_at: String,
    created_by: u64,
    secrets: Vec<SecretBody>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AppSecret)]
struct SecretBody {
    id: u32,
    #[schema(format = DateTime)]
    created_at: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewAppSecret)]
pub(crate) struct MadeBody {
    id: u64,
    user_id: u64,
    secret_id: u32,
    /// The credential, shown once; null when a retry of the call asks again.
    secret: Option<String>,
}

pub(crate) async fn create(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageApps).await?;
    let body: CreateBody = call.json()?;
    let name = name_from("name", body.name)?;
    made(service.create_app(caller, name, &call.context).await?)
}

pub(crate) async fn list(State(service): State<Service>, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ManageApps).await?;
    let before = UserId(call.query_id("after")?.unwrap_or(u64::MAX));
    let limit = call.limit()?;
    let read = service.apps(asked, before, limit + 1).await?;
    Reply::read(read, |apps| cut(apps, limit, |app| app.id.0, app_body))
}

pub(crate) async fn show(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ManageApps).await?;
    let read = service.app(asked, app_id(&id)?).await?;
    Reply::read(read, app_body)
}

pub(crate) async fn delete(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageApps).await?;
    let id = app_id(&id)?;
    service.delete_app(caller, id, &call.context).await?;
    Reply::ok(&json!({"id": id.0, "message": "deleted"}))
}

pub(crate) async fn add_secret(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageApps).await?;
    made(service.add_app_secret(caller, app_id(&id)?, &call.context).await?)
}

pub(crate) async fn revoke_secret(
    State(service): State<Service>,
    Segments { id, number }: Segments,
    call: Call,
) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageApps).await?;
    let id = app_id(&id)?;
    let missing = || Problem::not_found("secret_not_found", format!("secret {number} of this app"));
    let secret = number.parse().map_err(|_| missing())?;
    service.revoke_app_secret(caller, id, secret, &call.context).await?;
    Reply::ok(&json!({"id": id.0, "secretId": secret, "message": "revoked"}))
}

/// The two variable parts of the path of a secret.
pub(crate) struct Segments {
    id: String,
    number: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Segments {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path((id, number))) => Ok(Self { id, number }),
            Err(_) => Err(Problem::malformed("the path is not UTF-8")),
        }
    }
}

fn app_id(text: &str) -> Result<UserId> {
    path_id(text, "app_not_found", "app").map(UserId)
}

fn made(made: MadeSecret) -> Answer {
    let MadeSecret { app, number, credential } = made;
    let body = MadeBody { id: app.0, user_id: app.0, secret_id: number, secret: credential };
    Reply::json(StatusCode::CREATED, &body)
}

fn app_body(view: AppView) -> AppBody {
    let AppView { id, name, app } = view;
    let secrets = app.secrets.iter();
    let secrets =
        secrets.map(|secret| SecretBody { id: secret.number, created_at: instant(secret.created_at) });
    AppBody {
        id: id.0,
        user_id: id.0,
        name,
        created_at: instant(app.created_at),
        created_by: app.created_by.0,
        secrets: secrets.collect(),
    }
}
