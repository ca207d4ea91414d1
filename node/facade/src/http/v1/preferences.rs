//! `/v1/preferences`: what a user wants to be told, and how.

use axum::extract::State;
use holdfast_reservations::{KindPattern, Preferences, SetPreferences, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Endpoint;
use crate::http::v1::devices::language_from;
use crate::http::v1::webhooks::kinds_from;
use crate::http::{Answer, Call, Reply};
use crate::openapi::words;
use crate::problem::Result;
use crate::service::Service;

/// All that is preferred: what is left out, or null, is as for somebody who has said nothing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PreferencesChange)]
pub(crate) struct SetBody {
    /// The language he reads (BCP 47).
    #[schema(max_length = 35, pattern = "^[A-Za-z0-9]+([-_][A-Za-z0-9]+)*$")]
    language: Option<String>,
    /// Whether his devices are told: they are unless he says no.
    push: Option<bool>,
    /// Whether he gets e-mail; null leaves it to the policy `notifyByEmail`.
    email: Option<bool>,
    /// What he wants to hear of; null is all that guests are told.
    #[schema(schema_with = words::kinds_or_null)]
    kinds: Option<Vec<String>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Preferences)]
pub(crate) struct PreferencesBody {
    user_id: u64,
    language: Option<String>,
    push: bool,
    /// Null leaves it to the policy `notifyByEmail`.
    email: Option<bool>,
    /// Null is all that guests are told.
    #[schema(schema_with = words::kinds_or_null)]
    kinds: Option<Vec<String>>,
}

pub(crate) async fn show(State(service): State<Service>, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ManageDevices).await?;
    let user = call.query_id("userId")?.map(UserId);
    let read = service.recipient(asked, user).await?;
    Reply::read(read, |(user, recipient)| preferences_body(user, &recipient.preferences))
}

pub(crate) async fn set(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageDevices).await?;
    let user = call.query_id("userId")?.map(UserId);
    let command = SetPreferences { user, preferences: preferences_from(call.json()?)? };
    let (user, preferences) = service.set_preferences(caller, command, &call.context_about(user)).await?;
    Reply::ok(&preferences_body(user, &preferences))
}

fn preferences_from(body: SetBody) -> Result<Preferences> {
    let SetBody { language, push, email, kinds } = body;
    Ok(Preferences {
        language: language.map(language_from).transpose()?,
        push: push.unwrap_or(Preferences::default().push),
        email,
        kinds: kinds.map(kinds_from).transpose()?,
    })
}

fn preferences_body(user: UserId, preferences: &Preferences) -> PreferencesBody {
    let Preferences { language, push, email, kinds } = preferences.clone();
    let named = |kinds: Vec<KindPattern>| kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    PreferencesBody { user_id: user.0, language, push, email, kinds: kinds.map(named) }
}
