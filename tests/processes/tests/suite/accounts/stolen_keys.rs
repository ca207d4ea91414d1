//! What somebody can sign who has the key of a node, and what of it counts once the node is removed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use holdfast_processes::{Stage, beside, until};
use hyper::Method;
use serde_json::{Value, json};

use super::{Person, ask, operate, refresh, seen};

/// Keys are retired by then.
const PATIENCE: Duration = Duration::from_secs(30);

/// A key with its name.
struct Thief {
    kid: String,
    key: SigningKey,
}

impl Thief {
    /// Reads the key of a node in its folder.
    async fn at(stage: &Stage, node: usize) -> Self {
        let (_, ready) = stage.cluster.nodes[node].look("/readyz").await.unwrap();
        let identity = stage.cluster.nodes[node].data_dir.join("identity");
        let identity = std::fs::read_to_string(identity).unwrap();
        let line = identity.lines().find_map(|line| line.strip_prefix("key ")).unwrap();
        let (generation, secret) = line.split_once(' ').unwrap();
        let byte = |at: usize| u8::from_str_radix(&secret[2 * at..2 * at + 2], 16).unwrap();
        let key = SigningKey::from_bytes(&std::array::from_fn(byte));
        Self { kid: format!("{}-{generation}", ready["node"]), key }
    }

    /// A token as another one is, with other claims, signed with the stolen key.
    fn sign(&self, like: &str, claims: &[(&str, u64)]) -> String {
        let (mut header, mut all) = (part(like, 0), part(like, 1));
        header["kid"] = json!(self.kid);
        for (name, value) in claims {
            all[*name] = json!(value);
        }
        let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&all));
        let signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

/// A part of a token.
fn part(token: &str, nth: usize) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(nth).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn claim(token: &str, name: &str) -> u64 {
    part(token, 1)[name].as_u64().unwrap()
}

async fn status(stage: &Stage, node: usize, token: &str) -> u16 {
    ask(stage, node, Some(token), Method::GET, "/v1/bookings", None).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_removed_node_is_believed_for_what_it_signed_before() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let removed = stage.follower().await;
    let left: Vec<usize> = (0..3).filter(|node| *node != removed).collect();
    let thief = Thief::at(&stage, removed).await;
    let mut person = Person::arrive(&stage).await;
    let (old_refresh, issued) = (person.refresh.clone(), claim(&person.token, "iat"));
    // Sessions are dated by the second.
    until("the session is refreshed in a later second", PATIENCE, async || {
        person.keep(&refresh(&stage, left[0], &person.refresh).await);
        (claim(&person.token, "iat") > issued).then_some(())
    })
    .await;

    let before = thief.sign(&person.token, &[]);
    let for_long = thief.sign(&person.token, &[("exp", issued + 86_400)]);
    let dated_later = thief.sign(&person.token, &[("iat", issued + 3600), ("exp", issued + 4500)]);
    for node in &left {
        for token in [&before, &for_long, &dated_later] {
            assert_eq!(status(&stage, *node, token).await, 200, "a member's key is believed, and remembered");
        }
    }
    let id = thief.kid.split_once('-').unwrap().0;
    let path = format!("/v1/cluster/nodes/{id}");
    operate(&stage, left[0], Method::DELETE, &path, None).await.success().unwrap();
    for node in &left {
        until("the key is retired", PATIENCE, async || {
            (status(&stage, *node, &dated_later).await == 401).then_some(())
        })
        .await;
        assert_eq!(status(&stage, *node, &for_long).await, 401, "no token is valid for so long");
        assert_eq!(status(&stage, *node, &before).await, 200);
    }

    let newest = claim(&person.refresh, "seq");
    let guessed = thief.sign(&old_refresh, &[("seq", newest)]);
    assert_eq!(seen(&refresh(&stage, left[0], &guessed).await), (401, "session_invalid"));
    let used = thief.sign(&old_refresh, &[]);
    assert_eq!(
        seen(&refresh(&stage, left[1], &used).await),
        (401, "session_invalid"),
        "and it ends no session"
    );
    let later = thief.sign(&person.refresh, &[("exp", claim(&person.refresh, "exp") + 86_400)]);
    assert_eq!(seen(&refresh(&stage, left[1], &later).await), (401, "unauthenticated"));
    assert_eq!(refresh(&stage, left[0], &person.refresh).await.status, 200, "the session goes on");
}
