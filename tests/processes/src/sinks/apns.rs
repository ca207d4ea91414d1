//! Apple's push service: HTTP/2 over TLS, provider tokens, and its own words for what is wrong.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::{Method, Version};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use uuid::Uuid;

use super::authority::Authority;
use super::https::{Call, Reply, Server};
use super::plan::{Plan, Plans};
use super::seen::Seen;
use super::tokens::Verifier;

const KEY_ID: &str = "ABC123DEFG";
const TEAM_ID: &str = "DEF123GHIJ";
const TOPIC: &str = "example.holdfast.guests";
const PAYLOAD_LENGTH_MAX: usize = 4096;
const COLLAPSE_ID_LENGTH_MAX: usize = 64;

/// A notification as a device gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    pub device_token: String,
    pub id: Uuid,
    pub collapse_id: String,
    /// Seconds since 1970.
    pub expires_at: u64,
    pub provider_token: String,
    pub payload: Value,
}

/// The service.
pub struct ApnsSink {
    pub key_file: PathBuf,
    /// What is otherwise in order is seen, whatever is answered.
    pub seen: Seen<Push>,
    /// Why calls were refused that were not in order.
    pub refused: Seen<String>,
    pub plans: Plans,
    server: Server,
}

struct Desk {
    verifier: Verifier,
    seen: Seen<Push>,
    refused: Seen<String>,
    plans: Plans,
    /// Ids by device and event: a retry has the one of the first attempt.
    ids: Mutex<BTreeMap<(String, String), Uuid>>,
}

impl ApnsSink {
    pub const KEY_ID: &str = KEY_ID;
    pub const TEAM_ID: &str = TEAM_ID;
    pub const TOPIC: &str = TOPIC;

    /// Starts the service with a new signing key.
    pub async fn start(authority: &Authority) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        let key_file = authority.dir().join("apns.p8");
        let text = STANDARD.encode(pkcs8.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        std::fs::write(&key_file, pem).unwrap();
        let verifier = Verifier {
            algorithm: &ECDSA_P256_SHA256_FIXED,
            name: "ES256",
            key_id: KEY_ID,
            public_key: key.public_key().as_ref().to_vec(),
        };
        let (seen, refused, plans) = (Seen::default(), Seen::default(), Plans::default());
        let desk = Desk {
            verifier,
            seen: seen.clone(),
            refused: refused.clone(),
            plans: plans.clone(),
            ids: Mutex::default(),
        };
        let server = Server::start(authority.acceptor(&["h2"]), move |call| desk.answer(&call)).await;
        Self { key_file, seen, refused, plans, server }
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.server.address)
    }

    /// The settings of a node that sends here, as environment variables.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("HOLDFAST_NOTIFICATIONS_APNS_KEY_FILE", self.key_file.display().to_string()),
            ("HOLDFAST_NOTIFICATIONS_APNS_KEY_ID", KEY_ID.to_owned()),
            ("HOLDFAST_NOTIFICATIONS_APNS_TEAM_ID", TEAM_ID.to_owned()),
            ("HOLDFAST_NOTIFICATIONS_APNS_TOPIC", TOPIC.to_owned()),
            ("HOLDFAST_NOTIFICATIONS_APNS_URL", self.url()),
        ]
    }
}

impl Desk {
    fn answer(&self, call: &Call) -> Reply {
        let push = match self.push(call) {
            Ok(push) => push,
            Err((status, reason)) => {
                self.refused.note(format!("{status} {reason}"));
                return Reply::json(status, &json!({"reason": reason}));
            }
        };
        let headers = vec![("apns-id", push.id.to_string())];
        let plan = self.plans.next();
        self.seen.note(push);
        match plan {
            // Apple's body holds the reason.
            Plan::Answer { status, headers, body } if !body.is_empty() => {
                Reply::Answer { status, headers, body: json!({"reason": body}).to_string() }
            }
            plan @ (Plan::Take
            | Plan::Answer { .. }
            | Plan::StallWithin { .. }
            | Plan::Stall
            | Plan::Lose) => {
                Reply::planned(plan, Reply::Answer { status: 200, headers, body: String::new() })
            }
        }
    }

    fn push(&self, call: &Call) -> Result<Push, (u16, String)> {
        let refused = |status: u16, reason: &str| Err((status, reason.to_owned()));
        if call.version != Version::HTTP_2 {
            return refused(505, "HttpVersionNotSupported");
        }
        if call.method != Method::POST {
            return refused(405, "MethodNotAllowed");
        }
        let Some(device_token) = call.path.strip_prefix("/3/device/") else { return refused(404, "BadPath") };
        let Some(provider_token) = call.header("authorization").strip_prefix("bearer ") else {
            return refused(403, "MissingProviderToken");
        };
        let claims = self.verifier.claims(provider_token);
        let claims = claims.map_err(|problem| (403, format!("InvalidProviderToken: {problem}")))?;
        if claims["iss"] != TEAM_ID || claims.as_object().is_none_or(|claims| claims.len() != 2) {
            return refused(403, "InvalidProviderToken");
        }
        let payload = call.json();
        if call.body.len() > PAYLOAD_LENGTH_MAX {
            return refused(413, "PayloadTooLarge");
        }
        let is_hexadecimal = device_token.bytes().all(|byte| byte.is_ascii_hexdigit());
        let collapse_id = call.header("apns-collapse-id");
        let is_collapse_id = (1..=COLLAPSE_ID_LENGTH_MAX).contains(&collapse_id.len());
        let alert = &payload["aps"]["alert"];
        for (is_right, reason) in [
            (call.header("apns-topic") == TOPIC, "BadTopic"),
            (call.header("apns-push-type") == "alert", "InvalidPushType"),
            (call.header("apns-priority") == "10", "BadPriority"),
            (is_collapse_id, "BadCollapseId"),
            (is_hexadecimal && !device_token.is_empty(), "BadDeviceToken"),
            (alert["title"].is_string() && alert["body"].is_string(), "PayloadEmpty"),
        ] {
            if !is_right {
                return refused(400, reason);
            }
        }
        let id = call.header("apns-id").parse::<Uuid>().map_err(|_| (400, "BadMessageId".to_owned()))?;
        let expires_at = call.header("apns-expiration").parse();
        let expires_at = expires_at.map_err(|_| (400, "BadExpirationDate".to_owned()))?;
        self.check_id(device_token, &payload, id)?;
        let device_token = device_token.to_owned();
        let (collapse_id, provider_token) = (collapse_id.to_owned(), provider_token.to_owned());
        Ok(Push { device_token, id, collapse_id, expires_at, provider_token, payload })
    }

    /// One event for one device has one id, and another has another.
    fn check_id(&self, device_token: &str, payload: &Value, id: Uuid) -> Result<(), (u16, String)> {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let event = (device_token.to_owned(), payload["eventId"].as_str().unwrap_or_default().to_owned());
        let is_anothers = ids.iter().any(|(known, known_id)| (*known == event) != (*known_id == id));
        ids.insert(event, id);
        if is_anothers {
            Err((400, "BadMessageId: it is not that of the first attempt".to_owned()))
        } else {
            Ok(())
        }
    }
}
