//! Firebase Cloud Messaging, and the place where Google gives out access tokens.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::authority::Authority;
use super::https::{Call, Reply, Server};
use super::plan::Plans;
use super::seen::Seen;
use super::tokens::Verifier;

/// A key that is used here and nowhere else; to make one takes seconds.
const PRIVATE_KEY: &str = include_str!("fcm/service_account.pem");
const KEY_ID: &str = "5f1d0c2b";
const ACCOUNT: &str = "holdfast@example-project.iam.gserviceaccount.com";
const PROJECT: &str = "example-project";
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const TOKEN_SECONDS: u64 = 3600;

/// A notification as a device gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct FcmPush {
    pub access_token: String,
    pub registration_token: String,
    pub message: Value,
}

/// The service.
pub struct FcmSink {
    pub service_account_file: PathBuf,
    /// What is otherwise in order is seen, whatever is answered.
    pub seen: Seen<FcmPush>,
    /// Access tokens that were given out.
    pub granted: Seen<String>,
    /// Why calls were refused that were not in order.
    pub refused: Seen<String>,
    pub plans: Plans,
    /// For exchanges of tokens.
    pub token_plans: Plans,
    valid: Arc<Mutex<BTreeSet<String>>>,
    server: Server,
}

struct Desk {
    verifier: Verifier,
    seen: Seen<FcmPush>,
    granted: Seen<String>,
    refused: Seen<String>,
    plans: Plans,
    token_plans: Plans,
    valid: Arc<Mutex<BTreeSet<String>>>,
}

impl FcmSink {
    /// Starts the service, and writes down the key of a service account.
    pub async fn start(authority: &Authority) -> Self {
        let text: String = PRIVATE_KEY.lines().filter(|line| !line.starts_with("-----")).collect();
        let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(text).unwrap()).unwrap();
        let verifier = Verifier {
            algorithm: &RSA_PKCS1_2048_8192_SHA256,
            name: "RS256",
            key_id: KEY_ID,
            public_key: key.public_key().as_ref().to_vec(),
        };
        let (seen, granted, refused) = (Seen::default(), Seen::default(), Seen::default());
        let (plans, token_plans, valid) = (Plans::default(), Plans::default(), Arc::default());
        let desk = Desk {
            verifier,
            seen: seen.clone(),
            granted: granted.clone(),
            refused: refused.clone(),
            plans: plans.clone(),
            token_plans: token_plans.clone(),
            valid: Arc::clone(&valid),
        };
        let acceptor = authority.acceptor(&["h2", "http/1.1"]);
        let server = Server::start(acceptor, move |call| desk.answer(&call)).await;
        let service_account_file = authority.dir().join("service_account.json");
        let account = json!({
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": KEY_ID,
            "private_key": PRIVATE_KEY,
            "client_email": ACCOUNT,
            "token_uri": format!("https://{}/token", server.address),
        });
        std::fs::write(&service_account_file, account.to_string()).unwrap();
        Self { service_account_file, seen, granted, refused, plans, token_plans, valid, server }
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.server.address)
    }

    /// The settings of a node that sends here, as environment variables.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let file = self.service_account_file.display().to_string();
        vec![
            ("HOLDFAST_NOTIFICATIONS_FCM_SERVICE_ACCOUNT_FILE", file),
            ("HOLDFAST_NOTIFICATIONS_FCM_URL", self.url()),
        ]
    }

    /// Takes none of the tokens any more that were given out so far.
    pub fn revoke(&self) {
        self.valid.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Desk {
    fn answer(&self, call: &Call) -> Reply {
        let answered = match (call.method == Method::POST, call.path.as_str()) {
            (true, "/token") => self.grant(call),
            (true, "/v1/projects/example-project/messages:send") => self.take(call),
            _ => Err((404, "NOT_FOUND")),
        };
        answered.unwrap_or_else(|(status, code)| {
            self.refused.note(format!("{status} {code}"));
            Reply::json(status, &json!({"error": {"code": status, "status": code}}))
        })
    }

    fn grant(&self, call: &Call) -> Result<Reply, (u16, &'static str)> {
        let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
        let form = String::from_utf8_lossy(&call.body);
        let assertion = form.strip_prefix(grant).ok_or((400, "unsupported_grant_type"))?;
        if call.header("content-type") != "application/x-www-form-urlencoded" {
            return Err((400, "invalid_request"));
        }
        let claims = self.verifier.claims(assertion).map_err(|_| (400, "invalid_grant"))?;
        let duration =
            claims["exp"].as_u64().unwrap_or(0).saturating_sub(claims["iat"].as_u64().unwrap_or(0));
        let is_for_us = claims["aud"].as_str().is_some_and(|audience| audience.ends_with("/token"));
        if claims["iss"] != ACCOUNT || claims["scope"] != SCOPE || !is_for_us || duration != 3600 {
            return Err((400, "invalid_grant"));
        }
        let token = format!("access-{}", self.granted.all().len() + 1);
        self.valid.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone());
        self.granted.note(token.clone());
        let granted = json!({"access_token": token, "expires_in": TOKEN_SECONDS, "token_type": "Bearer"});
        Ok(Reply::planned(self.token_plans.next(), Reply::json(200, &granted)))
    }

    fn take(&self, call: &Call) -> Result<Reply, (u16, &'static str)> {
        let access_token = call.header("authorization").strip_prefix("Bearer ").unwrap_or_default();
        if !self.valid.lock().unwrap_or_else(PoisonError::into_inner).contains(access_token) {
            return Err((401, "UNAUTHENTICATED"));
        }
        let message = call.json()["message"].take();
        let Some(registration_token) = message["token"].as_str() else {
            return Err((400, "INVALID_ARGUMENT"));
        };
        let text = &message["notification"];
        let are_texts = message["data"].as_object().is_some_and(|data| data.values().all(Value::is_string));
        let is_right = text["title"].is_string() && text["body"].is_string() && are_texts;
        if !is_right || call.header("content-type") != "application/json" {
            return Err((400, "INVALID_ARGUMENT"));
        }
        let (access_token, registration_token) = (access_token.to_owned(), registration_token.to_owned());
        let name = format!("projects/{PROJECT}/messages/{}", self.seen.all().len());
        self.seen.note(FcmPush { access_token, registration_token, message });
        Ok(Reply::planned(self.plans.next(), Reply::json(200, &json!({"name": name}))))
    }
}
