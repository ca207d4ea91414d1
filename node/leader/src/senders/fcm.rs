//! Firebase Cloud Messaging: its HTTP v1 interface, with access tokens of a service account.

mod access;

use std::fmt;
use std::time::Duration;

use reqwest::{Client, Url};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use self::access::Access;
use super::http::{self, Callee, Reply};
use super::message::{Delivery, Message, Target};
use super::retries::AGE_MAX;
use super::settings::{FcmSettings, Settings, SettingsError, read};
use super::{Sender, Sending, templates};

/// Firebase takes no more; a longer message is refused.
const PAYLOAD_LENGTH_MAX: usize = 4096;

const SERVICE_ACCOUNT: &str = "notifications.fcm.service_account_file";

/// Sends to apps on Android devices.
pub struct Fcm {
    client: Client,
    url: Url,
    access: Access,
    send_duration_max: Duration,
}

impl Fcm {
    /// # Errors
    ///
    /// A setting that cannot be used.
    pub fn new(account: &FcmSettings, settings: &Settings) -> Result<Self, SettingsError> {
        let file = read(SERVICE_ACCOUNT, &account.service_account_file)?;
        let client = http::client(settings, Callee::Service)?;
        let unusable = |problem| SettingsError::new(SERVICE_ACCOUNT, problem);
        let send_duration_max = settings.send_duration_max;
        // It ends before those do who wait for it: all of them hear how.
        let access = Access::from_file(file.reveal(), client.clone(), send_duration_max / 2);
        let (access, project) = access.map_err(unusable)?;
        let mut url = http::service_url("notifications.fcm.url", &account.url)?;
        url.set_path(&format!("/v1/projects/{project}/messages:send"));
        Ok(Self { client, url, access, send_duration_max })
    }

    async fn push(&self, message: &Message, registration_token: &str) -> Delivery {
        let payload = payload(message, registration_token).to_string();
        if payload.len() > PAYLOAD_LENGTH_MAX {
            return Delivery::refused(format!("the payload is longer than {PAYLOAD_LENGTH_MAX} bytes"));
        }
        let deadline = Instant::now() + self.send_duration_max;
        let token = self.access.token(message.sent_at_seconds());
        let token = match timeout_at(deadline, token).await {
            Ok(Ok(token)) => token,
            Ok(Err(why)) => return Delivery::retry(why),
            Err(_) => return Delivery::retry("it took too long"),
        };
        let request = self
            .client
            .post(self.url.clone())
            // What is left: a status that has come counts, however long its body takes.
            .timeout(deadline.saturating_duration_since(Instant::now()))
            .header("authorization", format!("Bearer {}", token.reveal()))
            .header("content-type", "application/json")
            .body(payload);
        let reply = match http::call(request).await {
            Ok(reply) => reply,
            Err(why) => return Delivery::retry(why),
        };
        if reply.status == 401 {
            self.access.forget(&token);
        }
        judge(&reply)
    }
}

impl Sender for Fcm {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(async move {
            match &message.target {
                Target::Fcm { registration_token } => self.push(message, registration_token).await,
                Target::Apns { .. } | Target::Webhook { .. } | Target::Email { .. } | Target::Log => {
                    Delivery::refused("it is not for an Android device")
                }
            }
        })
    }
}

impl fmt::Debug for Fcm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fcm({})", self.url)
    }
}

fn judge(reply: &Reply) -> Delivery {
    let said: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let details = said["error"]["details"].as_array();
    let code = details.and_then(|details| details.iter().find_map(|detail| detail["errorCode"].as_str()));
    let code = code.or(said["error"]["status"].as_str()).unwrap_or_default();
    let why = format!("{} {code}", reply.status);
    match (reply.status, code) {
        (200, _) => Delivery::Delivered,
        (404, "UNREGISTERED") => Delivery::gone(why),
        (403, "SENDER_ID_MISMATCH") => Delivery::refused(why),
        // The operator's to mend; the message waits for that.
        (401 | 403 | 404, _) => Delivery::retry(why),
        (408 | 429 | 500.., _) => Delivery::Retry { after: reply.retry_after, why },
        (300..=399, _) => Delivery::retry(why),
        // Firebase always says why: the answer broke off.
        (400, "") => Delivery::retry(why),
        _ => Delivery::refused(why),
    }
}

fn payload(message: &Message, registration_token: &str) -> Value {
    let text = templates::fill(message);
    // Data are texts, all of them.
    let mut data = json!({
        "eventId": message.event_id,
        "type": message.kind,
        "bookingId": message.booking_id.to_string(),
        "slotId": message.slot_id.to_string(),
    });
    if let Some(url) = &message.facts.code_url {
        data["codeUrl"] = json!(url);
    }
    let collapsed = format!("booking-{}", message.booking_id);
    json!({"message": {
        "token": registration_token,
        "notification": {"title": text.title, "body": text.body},
        "data": data,
        "android": {
            "collapse_key": collapsed,
            "priority": "HIGH",
            "ttl": format!("{}s", AGE_MAX.as_secs()),
            "notification": {"tag": collapsed},
        },
    }})
}
