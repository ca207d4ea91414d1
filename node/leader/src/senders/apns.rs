//! Apple's push notifications: HTTP/2, and a token that the provider signs itself.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, Url};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::http::{self, Callee, Reply};
use super::jwt::SigningKey;
use super::message::{Delivery, Message, Target};
use super::retries::AGE_MAX;
use super::settings::{ApnsSettings, Settings, SettingsError, read};
use super::{Sender, Sending, templates};

/// A token is used for so long; Apple wants none younger than 20 minutes to be replaced, and takes none older than 60.
const TOKEN_AGE_MAX: Duration = Duration::from_secs(40 * 60);
const TOKEN_AGE_MIN: Duration = Duration::from_secs(20 * 60);

/// Agreed time may have gone so far away from a token since it was made; beyond that the token is replaced.
const TOKEN_DRIFT_MAX: Duration = Duration::from_secs(60);

/// Apple takes no more; a longer message is refused.
const PAYLOAD_LENGTH_MAX: usize = 4096;

const KEY_FILE: &str = "notifications.apns.key_file";

/// Sends to apps on Apple devices.
pub struct Apns {
    client: Client,
    url: Url,
    topic: String,
    key: SigningKey,
    key_id: String,
    team_id: String,
    token: Mutex<Option<Token>>,
    /// Apple has taken a message for a device, so `url` names the environment that devices are of.
    has_delivered: AtomicBool,
}

#[derive(Clone)]
struct Token {
    text: String,
    /// As it says itself, in seconds since 1970.
    issued_at: u64,
    made_at: Instant,
}

impl Apns {
    /// # Errors
    ///
    /// A setting that cannot be used.
    pub fn new(account: &ApnsSettings, settings: &Settings) -> Result<Self, SettingsError> {
        let key = SigningKey::es256(read(KEY_FILE, &account.key_file)?.reveal());
        for (name, text) in [
            ("notifications.apns.key_id", &account.key_id),
            ("notifications.apns.team_id", &account.team_id),
            ("notifications.apns.topic", &account.topic),
        ] {
            if text.is_empty() {
                return Err(SettingsError::new(name, "it is missing"));
            }
        }
        Ok(Self {
            client: http::client(settings, Callee::Http2Service)?,
            url: http::service_url("notifications.apns.url", &account.url)?,
            topic: account.topic.clone(),
            key: key.map_err(|problem| SettingsError::new(KEY_FILE, problem))?,
            key_id: account.key_id.clone(),
            team_id: account.team_id.clone(),
            token: Mutex::default(),
            has_delivered: AtomicBool::new(false),
        })
    }

    async fn push(&self, message: &Message, device_token: &str) -> Delivery {
        // It becomes a part of the path.
        if device_token.is_empty() || !device_token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Delivery::gone("the device token is not hexadecimal");
        }
        let payload = payload(message).to_string();
        if payload.len() > PAYLOAD_LENGTH_MAX {
            return Delivery::refused(format!("the payload is longer than {PAYLOAD_LENGTH_MAX} bytes"));
        }
        let token = match self.token(message.sent_at_seconds()) {
            Ok(token) => token,
            Err(why) => return Delivery::retry(why),
        };
        let mut url = self.url.clone();
        url.set_path(&format!("/3/device/{device_token}"));
        // A replayed message is as good as a new one.
        let expires_at = message.occurred_at_ms.max(message.sent_at_ms) / 1000 + AGE_MAX.as_secs();
        let request = self
            .client
            .post(url)
            .header("authorization", format!("bearer {token}"))
            .header("content-type", "application/json")
            .header("apns-topic", &self.topic)
            .header("apns-push-type", "alert")
            .header("apns-id", message.uuid().to_string())
            .header("apns-collapse-id", format!("booking-{}", message.booking_id))
            .header("apns-expiration", expires_at.to_string())
            .header("apns-priority", "10")
            .body(payload);
        match http::call(request).await {
            Ok(reply) => self.judge(&reply),
            Err(why) => Delivery::retry(why),
        }
    }

    fn judge(&self, reply: &Reply) -> Delivery {
        let said: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let reason = said["reason"].as_str().unwrap_or_default();
        let why = format!("{} {reason}", reply.status);
        match (reply.status, reason) {
            (200, _) => {
                self.has_delivered.store(true, Ordering::Relaxed);
                Delivery::Delivered
            }
            (410, _) => Delivery::gone(why),
            // Before anything was delivered, it may be `url` that names the other environment: the device is spared.
            (400, "BadDeviceToken") if self.has_delivered.load(Ordering::Relaxed) => Delivery::gone(why),
            (403, "ExpiredProviderToken") => {
                self.drop_token();
                Delivery::retry(why)
            }
            // The operator's to mend; the message waits for that.
            (403, _) | (400, "BadTopic" | "MissingTopic" | "TopicDisallowed") => Delivery::retry(why),
            // Apple always says why: the answer broke off.
            (400, "") => Delivery::retry(why),
            // Too many for this one device.
            (429, "TooManyRequests") => Delivery::NotNow { after: reply.retry_after, why },
            (408 | 429 | 500.., _) => Delivery::Retry { after: reply.retry_after, why },
            (300..=399, _) => Delivery::retry(why),
            _ => Delivery::refused(why),
        }
    }

    /// The token in use, or a new one that is issued at `now`, in seconds since 1970.
    fn token(&self, now: u64) -> Result<String, String> {
        let mut held = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = held.as_ref().filter(|token| token.serves(now)) {
            return Ok(token.text.clone());
        }
        let claims = json!({"iss": self.team_id, "iat": now});
        let text = self.key.token(&self.key_id, &claims)?;
        *held = Some(Token { text: text.clone(), issued_at: now, made_at: Instant::now() });
        Ok(text)
    }

    /// A young token that is called expired is kept: the clock is wrong, and Apple refuses those who make many.
    fn drop_token(&self) {
        let mut held = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_some_and(|token| token.made_at.elapsed() >= TOKEN_AGE_MIN) {
            *held = None;
        }
    }
}

impl Token {
    /// Whether it is young, and says of itself what agreed time says of it.
    fn serves(&self, now: u64) -> bool {
        let age = self.made_at.elapsed();
        let drift = now.abs_diff(self.issued_at.saturating_add(age.as_secs()));
        age < TOKEN_AGE_MAX && drift <= TOKEN_DRIFT_MAX.as_secs()
    }
}

impl Sender for Apns {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(async move {
            match &message.target {
                Target::Apns { device_token } => self.push(message, device_token).await,
                Target::Fcm { .. } | Target::Webhook { .. } | Target::Email { .. } | Target::Log => {
                    Delivery::refused("it is not for an Apple device")
                }
            }
        })
    }
}

impl fmt::Debug for Apns {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Apns({} through {})", self.topic, self.url)
    }
}

fn payload(message: &Message) -> Value {
    let text = templates::fill(message);
    json!({
        "aps": {
            "alert": {"title": text.title, "body": text.body},
            "sound": "default",
            "thread-id": format!("booking-{}", message.booking_id),
        },
        "eventId": message.event_id,
        "type": message.kind,
        "bookingId": message.booking_id,
        "slotId": message.slot_id,
        "codeUrl": message.facts.code_url,
    })
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

    use super::*;
    use crate::senders::http::tests::client_of_anybody;

    fn apns() -> Apns {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap();
        Apns {
            client: client_of_anybody(Duration::from_secs(1)),
            url: Url::parse(ApnsSettings::URL).unwrap(),
            topic: "com.example.park".to_owned(),
            key: SigningKey::Es256(Box::new(key)),
            key_id: "ABC123DEFG".to_owned(),
            team_id: "DEF123GHIJ".to_owned(),
            token: Mutex::default(),
            has_delivered: AtomicBool::new(false),
        }
    }

    fn reply(status: u16, reason: &str) -> Reply {
        Reply { status, retry_after: None, body: json!({"reason": reason}).to_string().into_bytes() }
    }

    #[tokio::test]
    async fn a_bad_device_token_is_forgotten_once_something_was_delivered() {
        let apns = apns();
        let bad = reply(400, "BadDeviceToken");
        assert_eq!(apns.judge(&bad), Delivery::refused("400 BadDeviceToken"), "the settings may be wrong");
        assert_eq!(apns.judge(&reply(410, "Unregistered")), Delivery::gone("410 Unregistered"));
        assert_eq!(apns.judge(&bad), Delivery::refused("400 BadDeviceToken"));
        assert_eq!(apns.judge(&reply(200, "")), Delivery::Delivered);
        assert_eq!(apns.judge(&bad), Delivery::gone("400 BadDeviceToken"));
        let other = reply(400, "DeviceTokenNotForTopic");
        assert_eq!(apns.judge(&other), Delivery::refused("400 DeviceTokenNotForTopic"));
    }

    #[tokio::test]
    async fn too_many_messages_for_one_device_are_no_failure_of_apple() {
        let apns = apns();
        let one = reply(429, "TooManyRequests");
        assert_eq!(apns.judge(&one), Delivery::not_now("429 TooManyRequests"));
        let (after, why) = (Some(Duration::from_secs(9)), "429 TooManyRequests".to_owned());
        let later = Reply { retry_after: after, ..one };
        assert_eq!(apns.judge(&later), Delivery::NotNow { after, why });
        let all = reply(429, "TooManyProviderTokenUpdates");
        assert_eq!(apns.judge(&all), Delivery::retry("429 TooManyProviderTokenUpdates"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_serves_while_it_is_young_and_agreed_time_has_not_gone_away_from_it() {
        let minutes = |minutes: u64| 1_800_000_000 + minutes * 60;
        let token = Token { text: "a".to_owned(), issued_at: minutes(0), made_at: Instant::now() };
        assert!(token.serves(minutes(0)) && token.serves(minutes(1)));
        assert!(!token.serves(minutes(2)) && !token.serves(minutes(24 * 60)), "agreed time was put right");
        tokio::time::advance(Duration::from_secs(39 * 60)).await;
        assert!(token.serves(minutes(39)) && token.serves(minutes(38)));
        assert!(!token.serves(minutes(37)) && !token.serves(minutes(41)));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(!token.serves(minutes(40)), "it is old");
    }
}
