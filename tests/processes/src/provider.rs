//! A payment provider: it tells the cluster what became of payments, signed as Standard Webhooks are, again and again
//! until it is answered with a success.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use holdfast_cluster::{Connection, Reply};
use http_body_util::Full;
use hyper::Request;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

/// Between two attempts.
const PAUSE_DURATION: Duration = Duration::from_millis(50);

/// A provider, and what it signs with.
#[derive(Clone, Debug)]
pub struct Provider {
    secret: [u8; 32],
    endpoints: Vec<String>,
}

impl Provider {
    /// A provider with a secret of its own that knows some nodes.
    #[must_use]
    pub fn new(endpoints: Vec<String>) -> Self {
        Self { secret: rand::random(), endpoints }
    }

    /// The same provider with other nodes.
    #[must_use]
    pub fn at(&self, endpoints: Vec<String>) -> Self {
        Self { secret: self.secret, endpoints }
    }

    /// The secret as an operator writes it down.
    #[must_use]
    pub fn secret(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.secret))
    }

    /// Says that a payment was made, until the cluster has understood; twice, as providers do.
    pub async fn succeeds(&self, reference: &str, amount: u64) -> Reply {
        let data = json!({"reference": reference, "amount": amount, "currency": "EUR"});
        let (id, body) = message("payment.succeeded", &data);
        let first = self.insist(&id, &body).await;
        let again = self.insist(&id, &body).await;
        // What nobody knows of may become known.
        let is_same = first.status == 404 || first.json == again.json;
        assert!(is_same && first.status == again.status, "told twice: {} and {}", first.json, again.json);
        first
    }

    /// Says that a payment was not made.
    pub async fn fails(&self, reference: &str, reason: &str) -> Reply {
        let (id, body) = message("payment.failed", &json!({"reference": reference, "reason": reason}));
        self.insist(&id, &body).await
    }

    /// One attempt, with a signature made by `sign` of the right one.
    pub async fn attempt(&self, reference: &str, sent_at: i64, sign: impl FnOnce(String) -> String) -> Reply {
        let (id, body) = message("payment.succeeded", &json!({"reference": reference}));
        let signature = sign(self.signature(&id, sent_at, &body));
        self.send(&id, sent_at, &signature, &body).await.unwrap()
    }

    async fn insist(&self, id: &str, body: &str) -> Reply {
        loop {
            let sent_at = Timestamp::now().as_second();
            match self.send(id, sent_at, &self.signature(id, sent_at, body), body).await {
                Some(reply) if reply.status < 500 => return reply,
                Some(_) | None => tokio::time::sleep(PAUSE_DURATION).await,
            }
        }
    }

    async fn send(&self, id: &str, sent_at: i64, signature: &str, body: &str) -> Option<Reply> {
        let endpoint = &self.endpoints[rand::random_range(0..self.endpoints.len())];
        let request = Request::post("/v1/payments/webhook")
            .header("host", endpoint)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", sent_at.to_string())
            .header("webhook-signature", signature);
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        Connection::to(endpoint).exchange(request).await.ok()
    }

    fn signature(&self, id: &str, sent_at: i64, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).unwrap();
        mac.update(format!("{id}.{sent_at}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

fn message(kind: &str, data: &Value) -> (String, String) {
    let id = format!("msg_{}", uuid::Uuid::now_v7().simple());
    let body = json!({"type": kind, "timestamp": Timestamp::now().to_string(), "data": data});
    (id, body.to_string())
}
