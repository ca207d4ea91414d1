//! A server that takes webhooks, and verifies them as the libraries of Standard Webhooks do.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::Method;
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;

use super::authority::Authority;
use super::https::{Call, Reply, Server};
use super::plan::Plans;
use super::seen::Seen;
use super::time;

/// A webhook's clock and ours may differ by so many seconds.
const TOLERANCE_SECONDS: i64 = 300;

/// A webhook that came.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    pub id: String,
    pub sent_at: i64,
    /// How many signatures it has: two while secrets are rotated.
    pub signatures: usize,
    pub body: Value,
    /// Whether it has done its work here; if not, it is to come again.
    pub is_taken: bool,
}

/// The server.
pub struct WebhookSink {
    /// What is otherwise in order is seen, whatever is answered.
    pub seen: Seen<Hook>,
    /// Why calls were refused that were not in order.
    pub refused: Seen<String>,
    pub plans: Plans,
    key: Arc<Mutex<Vec<u8>>>,
    server: Server,
}

impl WebhookSink {
    /// Starts a server that knows one secret, `whsec_...`.
    pub async fn start(authority: &Authority, secret: &str) -> Self {
        let key = Arc::new(Mutex::new(key_of(secret)));
        let known = Arc::clone(&key);
        let (seen, refused, plans) = (Seen::default(), Seen::default(), Plans::default());
        let (noted, problems, planned) = (seen.clone(), refused.clone(), plans.clone());
        let handle =
            move |call: Call| match verified(&call, &known.lock().unwrap_or_else(PoisonError::into_inner)) {
                Ok(hook) => {
                    let plan = Plans::next(&planned);
                    noted.note(Hook { is_taken: plan.is_taken(), ..hook });
                    Reply::planned(plan, Reply::status(204))
                }
                Err(problem) => {
                    problems.note(problem);
                    Reply::status(401)
                }
            };
        let server = Server::start(authority.acceptor(&["h2", "http/1.1"]), handle).await;
        Self { seen, refused, plans, key, server }
    }

    /// From now on it knows this secret: it is drawn when the webhook is made, and that needs the URL.
    pub fn learn(&self, secret: &str) {
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = key_of(secret);
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}/hook", self.server.address)
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.address.port()
    }

    /// Calls that have begun and not ended.
    #[must_use]
    pub fn open_calls(&self) -> usize {
        self.server.open.now()
    }

    /// The most calls that were ever open at once.
    #[must_use]
    pub fn most_open_calls(&self) -> usize {
        self.server.open.most()
    }
}

fn key_of(secret: &str) -> Vec<u8> {
    STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap()
}

/// A call that is in order, and not taken yet.
fn verified(call: &Call, key: &[u8]) -> Result<Hook, String> {
    if call.method != Method::POST
        || call.path != "/hook"
        || call.header("content-type") != "application/json"
    {
        return Err(format!("{} {}", call.method, call.path));
    }
    let (id, sent_at) = (call.header("webhook-id"), call.header("webhook-timestamp"));
    let signed_at: i64 = sent_at.parse().map_err(|_| "webhook-timestamp is no number")?;
    if id.is_empty() || id.contains('.') {
        return Err(format!("webhook-id is {id:?}"));
    }
    if (time::now().as_second() - signed_at).abs() > TOLERANCE_SECONDS {
        return Err(format!("it was sent at {signed_at}"));
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(format!("{id}.{sent_at}.").as_bytes());
    mac.update(&call.body);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    let signatures: Vec<&str> = call.header("webhook-signature").split(' ').collect();
    if !signatures.contains(&expected.as_str()) {
        return Err("no signature is ours".to_owned());
    }
    let body = call.json();
    let occurred_at = body["timestamp"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    if !body["type"].is_string() || !body["data"].is_object() || occurred_at.is_none() {
        return Err(format!("the body is {body}"));
    }
    let signatures = signatures.len();
    Ok(Hook { id: id.to_owned(), sent_at: signed_at, signatures, body, is_taken: false })
}
