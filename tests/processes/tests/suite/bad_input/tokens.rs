//! Tokens that are not ours, not for this, or too old.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use holdfast_cluster::{Connection, Reply};
use holdfast_processes::{Grpc, Recorder, Stage, arrive, beside, until};
use holdfast_proto::v1 as proto;
use hyper::Method;
use serde_json::{Value, json};

use super::scene::{Scene, verdict};

const GET: &str = "holdfast.v1.Reservations/Get";

/// The contract: no later than this after its end a token is refused.
const GRACE: Duration = Duration::from_secs(5);

/// A token in its three parts.
#[derive(Clone)]
struct Token {
    header: Value,
    claims: Value,
    signature: String,
}

impl Token {
    fn read(text: &str) -> Self {
        let parts: Vec<&str> = text.split('.').collect();
        let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        Self { header: json(parts[0]), claims: json(parts[1]), signature: parts[2].to_owned() }
    }

    fn signed(&self) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        format!("{}.{}", part(&self.header), part(&self.claims))
    }

    fn text(&self) -> String {
        format!("{}.{}", self.signed(), self.signature)
    }

    fn with_header(mut self, name: &str, value: Value) -> Self {
        self.header[name] = value;
        self
    }

    fn with_claim(mut self, name: &str, value: Value) -> Self {
        self.claims[name] = value;
        self
    }

    fn with_signature(mut self, signature: impl Into<String>) -> Self {
        self.signature = signature.into();
        self
    }

    /// Signed by somebody who is no node.
    fn forged(self) -> Self {
        let signature = SigningKey::from_bytes(&[7; 32]).sign(self.signed().as_bytes());
        self.with_signature(URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

fn forgeries(ours: &str, operator: u64, refresh: &str, foreign: &str) -> Vec<(&'static str, String)> {
    let token = Token::read(ours);
    let forged = |token: Token| token.forged().text();
    let none = |alg: &str| token.clone().with_header("alg", json!(alg)).with_signature("").text();
    let someone_else = token.clone().with_claim("sub", json!(operator.to_string()));
    let cut = &ours[..ours.len() - 2];
    vec![
        ("alg none", none("none")),
        ("alg None", none("None")),
        ("alg empty", none("")),
        ("alg none with our signature", token.clone().with_header("alg", json!("none")).text()),
        ("alg HS256", forged(token.clone().with_header("alg", json!("HS256")))),
        ("alg ES256", forged(token.clone().with_header("alg", json!("ES256")))),
        ("another subject under our signature", someone_else.clone().text()),
        ("another subject signed by nobody", forged(someone_else.clone())),
        (
            "another subject, alg none",
            someone_else.with_header("alg", json!("none")).with_signature("").text(),
        ),
        (
            "a longer life under our signature",
            token.clone().with_claim("exp", json!(99_999_999_999_u64)).text(),
        ),
        ("an unknown key", forged(token.clone().with_header("kid", json!("99-1")))),
        ("our signature under an unknown key", token.clone().with_header("kid", json!("99-0")).text()),
        ("a key that is no key", forged(token.clone().with_header("kid", json!("../../etc/passwd")))),
        ("no key", forged(token.clone().with_header("kid", Value::Null))),
        ("a key brought along", forged(token.clone().with_header("jwk", json!({"kty": "OKP"})))),
        ("another type", forged(token.clone().with_header("typ", json!("JWT")))),
        ("signed by nobody", forged(token.clone())),
        ("a signature of zeros", token.clone().with_signature("A".repeat(86)).text()),
        ("no signature", token.with_signature("").text()),
        ("a cut token", cut.to_owned()),
        ("a part too many", format!("{ours}.{ours}")),
        ("one part", "token".to_owned()),
        ("dots", "..".to_owned()),
        ("a huge token", "x".repeat(10_000)),
        ("a refresh token", refresh.to_owned()),
        ("a token of another cluster", foreign.to_owned()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_tokens_are_refused() {
    let _machine = beside().await;
    let (mut scene, other) = tokio::join!(Scene::open(3), Stage::start(1));
    let seen = scene.visible().await;
    let operator = &scene.stage.cluster.operator;
    let body = json!({"email": operator.email, "password": operator.password});
    let pair = scene.stage.operator.post("/auth/login", body).await.unwrap();
    let (access, refresh) = (pair["accessToken"].as_str().unwrap(), pair["refreshToken"].as_str().unwrap());
    let sub = Token::read(access).claims["sub"].as_str().unwrap().parse().unwrap();
    let foreign = other.operator.token.as_deref().unwrap();

    let mine = format!("/v1/bookings/{}", scene.word("$mine"));
    let cancel = format!("{mine}/cancel");
    let booking_id = scene.word("$mine").parse().unwrap();
    for (position, address) in scene.stage.addresses().into_iter().enumerate() {
        let mut grpc = Grpc::connect(&address).await;
        let mut http = Connection::to(address);
        for (what, token) in forgeries(&scene.guest.token, sub, refresh, foreign) {
            for (method, path) in [(Method::GET, &mine), (Method::POST, &cancel)] {
                let reply = http.send(method, path, Some(&token), None, None).await.unwrap();
                assert_eq!(verdict(&reply), "401 unauthenticated", "{what} at node {}", position + 1);
                assert_eq!(reply.headers["www-authenticate"], "Bearer", "{what}");
            }
            let bearer = format!("Bearer {token}");
            let reply =
                grpc.call(GET, &[("authorization", &bearer)], &proto::GetRequest { booking_id }).await;
            assert_eq!(
                (reply.status, reply.reason.as_str()),
                ("UNAUTHENTICATED", "unauthenticated"),
                "{what}"
            );
        }
    }
    scene.expect_unharmed(&seen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_refused_by_every_node_and_after_a_restart() {
    let _machine = beside().await;
    let mut stage = Stage::start_with(3, &[("HOLDFAST_AUTH_ACCESS_TOKEN_SECONDS", "2")]).await;
    let guest = arrive(&stage, &Recorder::default(), 1).await.remove(0);
    let expires_at = Token::read(&guest.token).claims["exp"].as_u64().unwrap();
    assert_eq!(list(&stage, 0, &guest.token).await.status, 200);

    // Nobody does anything in the meantime.
    let expires_at = UNIX_EPOCH + Duration::from_secs(expires_at);
    let left = expires_at.duration_since(SystemTime::now()).unwrap_or_default() + GRACE;
    let refused_by = Instant::now() + left;
    for node in 0..3 {
        let left = refused_by.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let refused = until("an expired token is refused", left, async || {
            let reply = list(&stage, node, &guest.token).await;
            (reply.status != 200).then_some(reply)
        });
        assert_eq!(verdict(&refused.await), "401 token_expired", "node {}", node + 1);
    }
    stage.cluster.kill_all().await.unwrap();
    stage.restart_all().await;
    for node in 0..3 {
        let reply = list(&stage, node, &guest.token).await;
        assert_eq!(verdict(&reply), "401 token_expired", "node {} after a restart", node + 1);
    }
}

async fn list(stage: &Stage, node: usize, token: &str) -> Reply {
    let mut node = Connection::to(stage.address(node));
    node.send(Method::GET, "/v1/bookings", Some(token), None, None).await.unwrap()
}
