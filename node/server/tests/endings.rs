//! How the process ends: whatever happens, by an exit code and a line that says why, never by a panic.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use holdfast_cluster::{Api, LocalCluster, LocalOptions};
use tokio::process::Command;

const BINARY: &str = env!("CARGO_BIN_EXE_holdfast");

/// A process that is not going to run has said so by then.
const END_DURATION_MAX: Duration = Duration::from_secs(20);

async fn cluster(dir: &Path, nodes: usize) -> LocalCluster {
    let environment = vec![("HOLDFAST_LOG".to_owned(), "info".to_owned())];
    let options =
        LocalOptions { binary: BINARY.into(), dir: dir.to_owned(), nodes, base_port: None, environment };
    LocalCluster::start(options).await.unwrap()
}

/// Starts a node in a folder, which is to end by itself: with this code, and these words.
async fn ends(data_dir: &Path, flags: &[&str], code: i32, words: &[&str]) {
    let mut command = Command::new(BINARY);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HOLDFAST_")) {
        command.env_remove(name);
    }
    command.args(["start", "--peer-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command.arg("--data-dir").arg(data_dir).args(flags).kill_on_drop(true).stdin(Stdio::null());
    let ended = tokio::time::timeout(END_DURATION_MAX, command.output()).await.unwrap().unwrap();
    expect(ended.status.code(), &String::from_utf8_lossy(&ended.stderr), code, words);
}

fn expect(code: Option<i32>, said: &str, expected: i32, words: &[&str]) {
    assert_eq!(code, Some(expected), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    for word in words {
        assert!(said.contains(word), "no {word} in: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_told_to_stop_ends_well() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = cluster(dir.path(), 1).await;
    for _ in 0..2 {
        let ended = cluster.stop(0).await.unwrap().unwrap();
        expect(ended.code(), &cluster.nodes[0].last_words(), 0, &["SIGTERM"]);
        cluster.run(0, &[]).unwrap();
        cluster.ready(0).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_waits_to_be_let_in_ends_well_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = cluster(dir.path(), 1).await;
    let joining = cluster.add();
    cluster.kill(0).await.unwrap();
    cluster.run(joining, &[]).unwrap();
    let started_at = Instant::now();
    while !cluster.nodes[joining].last_words().contains("waiting to be let in") {
        assert!(started_at.elapsed() < END_DURATION_MAX, "{}", cluster.nodes[joining].last_words());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ended = cluster.stop(joining).await.unwrap().unwrap();
    expect(ended.code(), &cluster.nodes[joining].last_words(), 0, &["stopped while starting"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_late_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    ends(&data_dir, &["--listen", "127.0.0.1:0"], 2, &["--init", "--join"]).await;

    let mut cluster = cluster(&dir.path().join("cluster"), 1).await;
    let taken = cluster.nodes[0].addresses.unwrap().listen.to_string();
    ends(&data_dir, &["--init", "--listen", &taken], 1, &["cannot listen", &taken]).await;

    cluster.kill(0).await.unwrap();
    let folder = cluster.nodes[0].data_dir.clone();
    let addresses = std::fs::read(folder.join("addresses.json")).unwrap();
    std::fs::write(folder.join("addresses.json"), "{").unwrap();
    ends(&folder, &["--listen", "127.0.0.1:0"], 1, &["addresses.json"]).await;
    std::fs::write(folder.join("addresses.json"), addresses).unwrap();

    std::fs::remove_dir_all(folder.join("log")).unwrap();
    ends(&folder, &["--listen", "127.0.0.1:0"], 1, &["node 1", "holdfast cluster replace 1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lost_its_data_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = cluster(dir.path(), 3).await;
    cluster.kill(2).await.unwrap();
    cluster.nodes[2].wipe().unwrap();
    cluster.run(2, &[]).unwrap();
    let started_at = Instant::now();
    let ended = loop {
        if let Some(ended) = cluster.nodes[2].exit_status().unwrap() {
            break ended;
        }
        assert!(started_at.elapsed() < END_DURATION_MAX, "{}", cluster.nodes[2].last_words());
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    expect(ended.code(), &cluster.nodes[2].last_words(), 6, &["wiped", "holdfast cluster replace"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_operator_is_made_whoever_signed_up_before() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("node");
    let start = |operator: Option<&'static str>| {
        let mut command = Command::new(BINARY);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HOLDFAST_")) {
            command.env_remove(name);
        }
        let ports =
            ["--listen", "127.0.0.1:0", "--peer-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        command.args(["start", "--init", "--data-dir"]).arg(&data_dir).args(ports);
        command.envs(operator.map(|operator| ("HOLDFAST_BOOTSTRAP_OPERATOR", operator)));
        command.kill_on_drop(true).stderr(Stdio::null()).spawn().unwrap()
    };

    // Somebody is faster, with the operator's own address.
    let mut node = start(None);
    let api = insist(async || {
        let api = Api { endpoints: vec![listens_at(&data_dir)?], token: None };
        let guest =
            serde_json::json!({"email": "olga@example.com", "password": "of a guest", "name": "Olga"});
        api.post("/auth/signup", guest).await.ok().map(|_| api)
    })
    .await;
    node.kill().await.unwrap();

    let _node = start(Some("Olga@example.com:of the operator"));
    insist(async || {
        signed_in(&api, "olga@example.com", "of the operator").await?.get("/v1/cluster").await.ok()
    })
    .await;
    assert!(signed_in(&api, "olga@example.com", "of a guest").await.is_none());
}

async fn signed_in(api: &Api, email: &str, password: &str) -> Option<Api> {
    let mut api = api.clone();
    api.log_in(email, password).await.ok().map(|()| api)
}

fn listens_at(data_dir: &Path) -> Option<String> {
    let text = std::fs::read(data_dir.join("addresses.json")).ok()?;
    let addresses: serde_json::Value = serde_json::from_slice(&text).ok()?;
    addresses["listen"].as_str().map(str::to_owned)
}

async fn insist<T>(mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let started_at = Instant::now();
    loop {
        if let Some(done) = attempt().await {
            return done;
        }
        assert!(started_at.elapsed() < END_DURATION_MAX, "it still does not work");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
