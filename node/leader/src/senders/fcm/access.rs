//! Access to Google: a token signed with the key of a service account, exchanged for one that lasts an hour.

use std::time::Duration;

use reqwest::{Client, Url};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::senders::http;
use crate::senders::jwt::SigningKey;
use crate::senders::secret::Secret;

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";

/// What an exchange is asked with; the access token may last as long.
const ASSERTION_DURATION: Duration = Duration::from_secs(60 * 60);

/// A token is replaced so long before it expires.
const MARGIN: Duration = Duration::from_secs(60);

/// An exchange that failed is the answer for all who ask so long after it: its server is not asked by each of them, one
/// after the other.
const FAILURE_DURATION: Duration = Duration::from_secs(5);

/// The account, and the access token in use.
pub(super) struct Access {
    client: Client,
    account: String,
    key: SigningKey,
    key_id: String,
    token_uri: Url,
    exchange_duration_max: Duration,
    /// Held during an exchange, so that one serves all who wait for it.
    held: Mutex<Option<Held>>,
}

/// How the last exchange ended, and until when that is the answer.
struct Held {
    token: Result<Secret, String>,
    until: Instant,
}

/// The file as Google gives it out.
#[derive(Deserialize)]
struct ServiceAccount {
    project_id: String,
    private_key_id: String,
    private_key: String,
    client_email: String,
    token_uri: String,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

impl Access {
    /// The account in a file, and its project. An exchange may take so long.
    pub(super) fn from_file(
        text: &str,
        client: Client,
        exchange_duration_max: Duration,
    ) -> Result<(Self, String), String> {
        // What serde says of wrong JSON may quote it.
        let account = serde_json::from_str::<ServiceAccount>(text);
        let account = account.map_err(|_| "it is no key of a service account")?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'.');
        if account.project_id.is_empty() || !account.project_id.bytes().all(is_plain) {
            return Err("its project_id is none".to_owned());
        }
        let access = Self {
            client,
            key: SigningKey::rs256(&account.private_key)?,
            key_id: account.private_key_id,
            account: account.client_email,
            token_uri: http::service_url("its token_uri", &account.token_uri)
                .map_err(|error| error.to_string())?,
            exchange_duration_max,
            held: Mutex::default(),
        };
        Ok((access, account.project_id))
    }

    /// The token in use, or a new one that is asked for at `now`, in seconds since 1970.
    pub(super) async fn token(&self, now: u64) -> Result<Secret, String> {
        let mut held = self.held.lock().await;
        if let Some(held) = held.as_ref().filter(|held| Instant::now() < held.until) {
            return held.token.clone();
        }
        let (token, duration) = match self.exchange(now).await {
            Ok(granted) => {
                let duration = Duration::from_secs(granted.expires_in).min(ASSERTION_DURATION);
                (Ok(Secret::from(granted.access_token)), duration.saturating_sub(MARGIN))
            }
            Err(why) => (Err(format!("no access token: {why}")), FAILURE_DURATION),
        };
        *held = Some(Held { token: token.clone(), until: Instant::now() + duration });
        token
    }

    /// Uses a token no more that was not taken. It does not wait for an exchange, which replaces the token anyway.
    pub(super) fn forget(&self, token: &Secret) {
        let Ok(mut held) = self.held.try_lock() else { return };
        if held.as_ref().is_some_and(|held| held.token.as_ref() == Ok(token)) {
            *held = None;
        }
    }

    async fn exchange(&self, now: u64) -> Result<Granted, String> {
        let claims = json!({
            "iss": self.account,
            "scope": SCOPE,
            "aud": self.token_uri.as_str(),
            "iat": now,
            "exp": now + ASSERTION_DURATION.as_secs(),
        });
        let assertion = self.key.token(&self.key_id, &claims)?;
        let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
        let request = self
            .client
            .post(self.token_uri.clone())
            .timeout(self.exchange_duration_max)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("{grant}&assertion={assertion}"));
        let reply = http::call(request).await?;
        match reply.status {
            200 => serde_json::from_slice(&reply.body).map_err(|_| "the answer has none".to_owned()),
            status => Err(format!("the exchange was answered {status}")),
        }
    }
}
