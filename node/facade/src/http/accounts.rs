//! Signing up and in, as seed S1 spells it.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::post;
use holdfast_reservations::user_alias;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::access::Endpoint;
use crate::accounts::tokens::TokenPair;
use crate::http::s1::errors::nest;
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::Service;

const PASSWORD_CHARS_MIN: usize = 6;
const PASSWORD_BYTES_MAX: usize = 1024;
const NAME_BYTES_MAX: usize = 200;
const EMAIL_BYTES_MAX: usize = 254;

#[derive(Deserialize, ToSchema)]
#[schema(as = SignUp)]
pub(crate) struct SignUpBody {
    #[schema(format = "email", max_length = 254)]
    email: String,
    #[schema(min_length = 6, max_length = 1024)]
    password: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = LogIn)]
pub(crate) struct LogInBody {
    email: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Refresh)]
pub(crate) struct RefreshBody {
    refresh_token: String,
}

/// `/auth`, which is S1's and the other clients' too.
pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/auth/signup", post(sign_up))
        .route("/auth/login", post(log_in))
        .route("/auth/refresh", post(refresh))
        .route("/auth/logout", post(log_out))
        .layer(map_response(in_both_words))
}

/// A problem that says in the words of S1 too what it is.
async fn in_both_words(mut response: Response) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        *response.body_mut() = Body::from(problem_body(&problem).to_string());
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response
}

/// A problem with `statusCode`, `message` and `error` besides.
pub(crate) fn problem_body(problem: &Problem) -> Value {
    let mut body = nest(problem);
    if let (Value::Object(body), Value::Object(own)) = (&mut body, problem.to_json()) {
        body.extend(own);
    }
    body
}

pub(crate) async fn sign_up(State(service): State<Service>, call: Call) -> Answer {
    let body: SignUpBody = call.json()?;
    let email = email_from(&body.email)?;
    let password = password_from(body.password)?;
    let name = person_from(body.name)?;
    let id = service.sign_up(email, name, password, call.remote, &call.context).await?;
    Reply::json(StatusCode::CREATED, &json!({"message": "signed up", "userId": id.0.to_string()}))
}

pub(crate) async fn log_in(State(service): State<Service>, call: Call) -> Answer {
    let body: LogInBody = call.json()?;
    let email = body.email.trim().to_lowercase();
    pair(service.log_in(&email, body.password, call.remote, &call.context).await?)
}

pub(crate) async fn refresh(State(service): State<Service>, call: Call) -> Answer {
    let body: RefreshBody = call.json()?;
    pair(service.refresh(&body.refresh_token, &call.context).await?)
}

pub(crate) async fn log_out(State(service): State<Service>, call: Call) -> Answer {
    match call.caller(&service, Endpoint::LogOut).await {
        Ok(caller) => service.log_out(caller, &call.context).await?,
        // The token of a retry was voided by the call whose answer got lost.
        Err(problem) if problem.status == 401 => {
            if !service.logged_out_before(call.token()?, &call.context).await? {
                return Err(problem);
            }
        }
        Err(problem) => return Err(problem),
    }
    Reply::ok(&json!({"message": "logged out"}))
}

pub(crate) async fn keys(State(service): State<Service>, call: Call) -> Answer {
    let (seconds, deadline) = (service.settings().access_token_seconds, call.context.deadline);
    let read = service.keys().to_json(seconds, call.consistency()?, deadline).await?;
    Reply::read(read, |keys| keys)
}

fn pair(tokens: TokenPair) -> Answer {
    Reply::ok(&json!({"accessToken": tokens.access, "refreshToken": tokens.refresh}))
}

/// A password that somebody chooses.
pub(crate) fn password_from(password: String) -> Result<String> {
    if password.chars().count() < PASSWORD_CHARS_MIN || password.len() > PASSWORD_BYTES_MAX {
        let detail = format!(
            "a password has at least {PASSWORD_CHARS_MIN} characters, at most {PASSWORD_BYTES_MAX} bytes"
        );
        return Err(Problem::malformed(detail));
    }
    Ok(password)
}

/// What a person is called.
pub(crate) fn person_from(name: String) -> Result<String> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(Problem::malformed(format!("a name has 1 to {NAME_BYTES_MAX} bytes")));
    }
    Ok(name)
}

/// An address as it is kept: without blanks around it, in lower case.
pub(crate) fn email_from(text: &str) -> Result<String> {
    let email = text.trim().to_lowercase();
    let is_address = email.split_once('@').is_some_and(|(local, domain)| {
        let is_plain =
            |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '@');
        is_plain(local) && is_plain(domain)
    });
    if !is_address || email.len() > EMAIL_BYTES_MAX {
        return Err(Problem::malformed(format!("not an e-mail address: {text}")));
    }
    // Nobody passes for one of those who only say who they are.
    if user_alias(&email).is_some() {
        return Err(Problem::senseless(
            "an address does not begin like the name of somebody who was declared",
        ));
    }
    Ok(email)
}
