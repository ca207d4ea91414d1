//! Webhooks, signed as Standard Webhooks are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Client;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::json;
use sha2::Sha256;

use super::guard;
use super::http::{self, Callee};
use super::message::{Delivery, Message, Target};
use super::secret::Secret;
use super::settings::{Settings, SettingsError};
use super::{Sender, Sending};

/// Bytes of a secret that is made here.
const SECRET_LENGTH: usize = 32;

/// Sends to servers.
#[derive(Debug)]
pub struct Webhooks {
    client: Client,
    allow_private: bool,
}

/// A secret for a new webhook.
///
/// # Panics
///
/// If the machine has no random numbers.
#[must_use]
#[expect(clippy::expect_used, reason = "a predictable secret would be worse")]
pub fn new_webhook_secret() -> Secret {
    let mut bytes = [0; SECRET_LENGTH];
    SystemRandom::new().fill(&mut bytes).expect("random numbers");
    Secret::of_bytes(&bytes)
}

impl Webhooks {
    /// # Errors
    ///
    /// A setting that cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let allow_private = settings.allow_private_webhooks;
        let callee = if allow_private { Callee::AnyServer } else { Callee::PublicServer };
        Ok(Self { client: http::client(settings, callee)?, allow_private })
    }

    async fn post(&self, message: &Message, id: u64, url: &str, secrets: &[Secret]) -> Delivery {
        let url = match guard::parse(url, self.allow_private) {
            Ok(url) => url,
            Err(error) => return Delivery::refused(error),
        };
        let id = format!("{}-{id}", message.event_id);
        let sent_at = message.sent_at_seconds();
        let body = body(message);
        let Some(signature) = signatures(secrets, &id, sent_at, &body) else {
            return Delivery::refused("it has no secret, or one that is not whsec_ and base64");
        };
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", sent_at.to_string())
            .header("webhook-signature", signature)
            .body(body);
        // The body is not read: whoever may name a URL could read by it what is not his.
        match http::call_for_status(request).await {
            Ok(reply) => match reply.status {
                200..=299 => Delivery::Delivered,
                410 => Delivery::gone("410"),
                status => Delivery::Retry { after: reply.retry_after, why: status.to_string() },
            },
            Err(why) => Delivery::retry(why),
        }
    }
}

impl Sender for Webhooks {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(async move {
            match &message.target {
                Target::Webhook { id, url, secrets } => self.post(message, *id, url, secrets).await,
                Target::Apns { .. } | Target::Fcm { .. } | Target::Email { .. } | Target::Log => {
                    Delivery::refused("it is not for a webhook")
                }
            }
        })
    }
}

/// The same bytes on every attempt.
fn body(message: &Message) -> String {
    let occurred_at = i64::try_from(message.occurred_at_ms).ok();
    let occurred_at = occurred_at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    let occurred_at = occurred_at.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string();
    json!({"type": message.kind, "timestamp": occurred_at, "data": message.data}).to_string()
}

/// One signature for each secret; none if a secret is none.
fn signatures(secrets: &[Secret], id: &str, sent_at: u64, body: &str) -> Option<String> {
    let signed = format!("{id}.{sent_at}.{body}");
    let sign = |secret: &Secret| {
        let key = STANDARD.decode(secret.reveal().strip_prefix("whsec_")?).ok()?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
        mac.update(signed.as_bytes());
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    };
    let signatures: Option<Vec<String>> = secrets.iter().map(sign).collect();
    signatures.filter(|signatures| !signatures.is_empty()).map(|signatures| signatures.join(" "))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::senders::http::tests::{Then, answering, client_of_anybody};
    use crate::senders::message::tests::message_to;

    #[tokio::test]
    async fn a_webhook_bears_agreed_time_and_its_answer_is_the_status_alone() {
        let webhooks = Webhooks { client: client_of_anybody(Duration::from_secs(10)), allow_private: true };
        for then in [Then::Closes, Then::Stalls] {
            let (url, serving) = answering("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbeg", then);
            let message = message_to(Target::Webhook { id: 3, url, secrets: vec![new_webhook_secret()] });
            let sending = tokio::time::timeout(Duration::from_secs(9), webhooks.send(&message));
            assert_eq!(sending.await.unwrap(), Delivery::Delivered);
            let head = serving.await.unwrap();
            assert!(head.contains("\r\nwebhook-timestamp: 1800000060\r\n"), "{head}");
        }
    }

    #[test]
    fn signatures_are_those_of_the_specification() {
        // From the libraries of Standard Webhooks.
        let secret = Secret::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let body = r#"{"test": 2432232314}"#;
        let signature =
            signatures(std::slice::from_ref(&secret), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature.as_deref(), Some(expected));
        let both = signatures(&[secret.clone(), secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(both, Some(format!("{expected} {expected}")));
    }

    #[test]
    fn without_a_secret_nothing_is_signed() {
        assert_eq!(signatures(&[], "1", 2, "{}"), None);
        assert_eq!(signatures(&[Secret::from("password".to_owned())], "1", 2, "{}"), None);
        assert!(signatures(&[new_webhook_secret()], "1", 2, "{}").is_some());
        assert_ne!(new_webhook_secret(), new_webhook_secret());
    }

    #[test]
    fn the_body_says_what_happened_and_when() {
        assert_eq!(
            body(&message_to(Target::Log)),
            r#"{"data":{"bookingId":77},"timestamp":"2027-01-15T08:00:00Z","type":"booking.ready"}"#
        );
    }
}
