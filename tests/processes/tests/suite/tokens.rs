//! Who is let into a cluster, and who is told why not.

use std::time::{Duration, SystemTime};

use holdfast_processes::{Ended, Program, Stage, beside, until};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Whoever is refused knows by then.
const REFUSAL_DURATION_MAX: Duration = Duration::from_secs(10);

/// Starts a new node with a token, or none; how it ended.
async fn join(peer: &str, token: Option<&str>) -> Ended {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("data").display().to_string();
    let mut arguments = vec!["start", "--data-dir", &folder, "--join", peer];
    for port in ["--listen", "--peer-listen", "--admin-listen"] {
        arguments.extend([port, "127.0.0.1:0"]);
    }
    let environment: Vec<_> = token.map(|token| ("HOLDFAST_JOIN_TOKEN", token)).into_iter().collect();
    Program::start(&arguments, &environment).ended(REFUSAL_DURATION_MAX).await
}

async fn token(stage: &Stage, seconds: u64) -> Value {
    stage.operator.post("/v1/cluster/tokens", json!({"ttlSeconds": seconds})).await.unwrap()
}

fn text(token: &Value) -> &str {
    token["token"].as_str().unwrap()
}

fn expect(what: &str, ended: &Ended, code: i32, words: &str) {
    assert_eq!(ended.code, Some(code), "{what}: {}", ended.stderr);
    for words in [words, "holdfast cluster token"] {
        assert!(ended.stderr.contains(words), "{what}: no {words} in: {}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_join_token_lets_nobody_in_and_says_what_is_wrong() {
    let _machine = beside().await;
    let (stage, other) = (Stage::start(1).await, Stage::start(1).await);
    let peer = stage.cluster.nodes[0].addresses.unwrap().peer.to_string();

    let foreign = token(&other, 3600).await;
    expect("foreign", &join(&peer, Some(text(&foreign))).await, 6, "is of cluster");
    let good = token(&stage, 3600).await;
    let forged = text(&good).replacen("hfj1_", "hfj1_AAAA", 1);
    let forged = &forged[..text(&good).len()];
    expect("forged", &join(&peer, Some(forged)).await, 6, "join token");
    expect("none at all", &join(&peer, Some("nonsense")).await, 6, "cannot be read");
    expect("missing", &join("192.0.2.1:3001", None).await, 2, "takes a join token");

    let short = token(&stage, 1).await;
    let expires_at: jiff::Timestamp = short["expiresAt"].as_str().unwrap().parse().unwrap();
    let expires_at = SystemTime::from(expires_at) + Duration::from_secs(1);
    until("it has expired", REFUSAL_DURATION_MAX, async || (SystemTime::now() > expires_at).then_some(()))
        .await;
    expect("expired", &join(&peer, Some(text(&short))).await, 6, "has expired");

    let cluster = stage.operator.get("/v1/cluster").await.unwrap();
    assert_eq!(cluster["nodes"].as_array().map(Vec::len), Some(1), "nobody came in");
    let log = stage.log_of(0);
    assert!(log.contains("a call on the peer port was refused") && log.contains("has expired"), "{log}");
    assert!(!log.contains(&text(&short)[5..30]), "a token is a secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_join_token_lets_a_node_in() {
    let _machine = beside().await;
    let mut stage = Stage::start(1).await;
    let made = token(&stage, 60).await;
    let position = stage.cluster.add();
    let file = stage.dir().join("token");
    std::fs::write(&file, text(&made)).unwrap();
    stage.cluster.run(position, &["--join-token-file", &file.display().to_string()]).unwrap();
    stage.cluster.ready(position).await.unwrap();
    stage.cluster.voters(2).await.unwrap();
    let seconds = json!({"ttlSeconds": 0});
    let refused = stage.operator.post("/v1/cluster/tokens", seconds).await.unwrap_err();
    assert!(refused.to_string().contains("ttlSeconds"), "{refused}");
}
