//! `/v1/users`.

use axum::extract::State;
use holdfast_reservations::{Account, Role, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Endpoint;
use crate::http::accounts::{email_from, password_from, person_from};
use crate::http::path::{Segment, path_id};
use crate::http::v1::cut;
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::{NewUser, PasswordChange, Service};
use crate::wire::instant;

/// Longest reason of a ban.
const REASON_BYTES_MAX: usize = 500;

/// Names the caller himself, whoever he is.
const OWN_ID: &str = "me";

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUser)]
pub(crate) struct CreateBody {
    #[schema(format = "email", max_length = 254)]
    email: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Without one nobody can log in as this user; an operator needs one.
    #[schema(min_length = 6, max_length = 1024)]
    password: Option<String>,
    /// Guest unless given.
    role: Option<RoleName>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RoleChange)]
pub(crate) struct RoleBody {
    role: RoleName,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PasswordChange)]
pub(crate) struct PasswordBody {
    #[schema(min_length = 6, max_length = 1024)]
    password: String,
    /// Needed to change one's own.
    old_password: Option<String>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBan)]
pub(crate) struct BanBody {
    #[schema(max_length = 500)]
    reason: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Role)]
enum RoleName {
    Guest,
    Staff,
    Operator,
    App,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub(crate) struct UserBody {
    id: u64,
    email: String,
    name: String,
    role: RoleName,
    #[schema(format = DateTime)]
    created_at: String,
    banned: Option<BannedBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Ban)]
struct BannedBody {
    reason: String,
    #[schema(format = DateTime)]
    at: String,
    by: u64,
}

pub(crate) async fn create(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::CreateUser).await?;
    let body: CreateBody = call.json()?;
    let role = body.role.map_or(Role::Guest, role_from);
    let password = body.password.map(password_from).transpose()?;
    if role.operates() && password.is_none() {
        return Err(Problem::senseless("an operator needs a password"));
    }
    let (email, name) = (email_from(&body.email)?, person_from(body.name)?);
    let user = NewUser { email, name, password, role };
    let (id, account) = service.create_user(caller, user, &call.context).await?;
    Reply::created(&user_body(id, account))
}

pub(crate) async fn list(State(service): State<Service>, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ListUsers).await?;
    let before = UserId(call.query_id("after")?.unwrap_or(u64::MAX));
    let (limit, email) = (call.limit()?, call.query("email")?);
    let email = email.map(|email| email.trim().to_lowercase());
    let read = service.users(asked, email.as_deref(), before, limit + 1).await?;
    Reply::read(read, |users| cut(users, limit, |(id, _)| id.0, |(id, account)| user_body(id, account)))
}

pub(crate) async fn show(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadUser).await?;
    let id = if id == OWN_ID { asked.caller.user } else { user_id(&id)? };
    let read = service.user(asked, id).await?;
    Reply::read(read, |account| user_body(id, account))
}

pub(crate) async fn set_role(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ChangeRole).await?;
    let id = user_id(&id)?;
    let body: RoleBody = call.json()?;
    let (id, account) = service.set_role(caller, id, role_from(body.role), &call.context).await?;
    Reply::ok(&user_body(id, account))
}

pub(crate) async fn set_password(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let changed = match call.caller(&service, Endpoint::SetPassword).await {
        Ok(caller) => {
            let id = user_id(&id)?;
            let PasswordBody { password, old_password } = call.json()?;
            let password = password_from(password)?;
            let change = PasswordChange { password, old_password, remote: call.remote };
            service.set_password(caller, id, change, &call.context).await
        }
        Err(problem) => Err(problem),
    };
    let (id, account) = match changed {
        // The token of a retry was voided by the call whose answer got lost.
        Err(problem) if problem.code == "unauthenticated" => {
            // Whoever is nobody learns nothing else.
            let (Ok(id), Ok(PasswordBody { password, .. })) = (user_id(&id), call.json()) else {
                return Err(problem);
            };
            let before =
                service.password_set_before(call.token()?, id, password, call.remote, &call.context).await?;
            before.ok_or(problem)?
        }
        changed => changed?,
    };
    Reply::ok(&user_body(id, account))
}

pub(crate) async fn ban(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::BanUser).await?;
    let id = user_id(&id)?;
    let reason = call.json_if_any::<BanBody>()?.reason.unwrap_or_default();
    if reason.len() > REASON_BYTES_MAX {
        return Err(Problem::senseless(format!("a reason has at most {REASON_BYTES_MAX} bytes")));
    }
    let (id, account) = service.ban_user(caller, id, reason, &call.context).await?;
    Reply::ok(&user_body(id, account))
}

pub(crate) async fn lift_ban(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::BanUser).await?;
    let (id, account) = service.lift_ban(caller, user_id(&id)?, &call.context).await?;
    Reply::ok(&user_body(id, account))
}

fn user_id(text: &str) -> Result<UserId> {
    path_id(text, "user_not_found", "user").map(UserId)
}

fn role_from(name: RoleName) -> Role {
    match name {
        RoleName::Guest => Role::Guest,
        RoleName::Staff => Role::Staff,
        RoleName::Operator => Role::Operator,
        RoleName::App => Role::App,
    }
}

fn role_name(role: Role) -> RoleName {
    match role {
        Role::Guest => RoleName::Guest,
        Role::Staff => RoleName::Staff,
        Role::Operator => RoleName::Operator,
        Role::App => RoleName::App,
    }
}

fn user_body(id: UserId, account: Account) -> UserBody {
    let Account { email, name, role, created_at, ban } = account;
    let banned =
        ban.map(|ban| BannedBody { reason: ban.reason, at: instant(ban.banned_at), by: ban.banned_by.0 });
    UserBody { id: id.0, email, name, role: role_name(role), created_at: instant(created_at), banned }
}
