//! Joining over an address that other machines reach: there the token counts, and a wiped disk is told what it is whatever
//! it brings.

use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use holdfast_cluster::Api;
use holdfast_processes::{Ended, Program, Stage, beside, until};
use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Whoever is refused knows by then.
const REFUSAL_DURATION_MAX: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(30);

/// An address of this machine beyond loopback: the one from which it would send to others. Nothing is sent. A machine
/// without a network has none, and shows nothing here.
fn own_host() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let local = socket.connect("198.51.100.1:9").and_then(|()| socket.local_addr()).ok();
    let beyond = local.map(|local| local.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified());
    if beyond.is_none() {
        eprintln!("left out: this machine has no address beyond loopback");
    }
    beyond.map(|ip| ip.to_string())
}

struct Scene {
    dir: TempDir,
    _founder: Program,
    operator: Api,
    /// Where the founder takes other nodes.
    peer: String,
}

/// What is in a folder once its node listens.
async fn addresses(folder: &Path) -> Value {
    until("it listens", PATIENCE, async || {
        serde_json::from_slice(&std::fs::read(folder.join("addresses.json")).ok()?).ok()
    })
    .await
}

/// Starts a node whose peers are to find it beyond loopback.
fn start(folder: &Path, peer_listen: &str, more: &[&str], environment: &[(&str, &str)]) -> Program {
    let folder = folder.display().to_string();
    let ports = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--peer-listen", peer_listen];
    Program::start(&[&["start", "--data-dir", &folder][..], &ports, more].concat(), environment)
}

impl Scene {
    async fn open(host: &str) -> Self {
        let dir = TempDir::with_prefix("holdfast-beyond-").unwrap();
        let (folder, first) = (dir.path().join("founder"), "operator@example.com:correct horse");
        let any = format!("{host}:0");
        let founder = start(&folder, &any, &["--init"], &[("HOLDFAST_BOOTSTRAP_OPERATOR", first)]);
        let known = addresses(&folder).await;
        let endpoints = vec![known["listen"].as_str().unwrap().to_owned()];
        let peer = known["peer"].as_str().unwrap().to_owned();
        let mut operator = Api { endpoints, token: None };
        let (email, password) = first.split_once(':').unwrap();
        until("the operator can log in", PATIENCE, async || operator.log_in(email, password).await.ok())
            .await;
        Self { dir, _founder: founder, operator, peer }
    }

    async fn token(&self) -> String {
        let made = self.operator.post("/v1/cluster/tokens", json!({"ttlSeconds": 3600})).await.unwrap();
        made["token"].as_str().unwrap().to_owned()
    }

    /// Starts a new node that must not come in, with these flags and variables.
    async fn refused(&self, peer_listen: &str, more: &[&str], environment: &[(&str, &str)]) -> Ended {
        let folder = TempDir::new_in(self.dir.path()).unwrap();
        let join = [&["--join", &self.peer][..], more].concat();
        start(folder.path(), peer_listen, &join, environment).ended(REFUSAL_DURATION_MAX).await
    }

    /// The members but the founder, each with its address for other nodes.
    async fn joined(&self) -> Vec<u64> {
        let cluster = self.operator.get("/v1/cluster").await.unwrap();
        let ids = cluster["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_u64().unwrap());
        ids.filter(|id| *id != 1).collect()
    }
}

fn expect(what: &str, ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, Some(code), "{what}: {}", ended.stderr);
    for words in words {
        assert!(ended.stderr.contains(words), "{what}: no {words} in: {}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_network_the_right_token_lets_in_and_no_other() {
    let _machine = beside().await;
    let Some(host) = own_host() else { return };
    let (scene, other) = tokio::join!(Scene::open(&host), Stage::start(1));
    let any = format!("{host}:0");
    let makes_one = "holdfast cluster token";
    expect("none", &scene.refused(&any, &[], &[]).await, 2, &["takes a join token", makes_one]);
    let foreign = other.operator.post("/v1/cluster/tokens", json!({"ttlSeconds": 60})).await.unwrap();
    let foreign = [("HOLDFAST_JOIN_TOKEN", foreign["token"].as_str().unwrap())];
    let ended = scene.refused(&any, &[], &foreign).await;
    expect("foreign", &ended, 6, &["is of cluster", "names nobody who answers there", makes_one]);
    let ended = scene.refused(&any, &[], &[("HOLDFAST_JOIN_TOKEN", "nonsense")]).await;
    expect("nonsense", &ended, 6, &["cannot be read", makes_one]);
    let ended = scene.refused(&any, &["--join-token-file", "/nowhere"], &[]).await;
    expect("no file", &ended, 2, &["/nowhere", makes_one]);
    let token = scene.token().await;
    let good = [("HOLDFAST_JOIN_TOKEN", &*token)];
    let ended = scene.refused(&any, &["--peer-advertise", "0.0.0.0:3001"], &good).await;
    expect("nowhere to be found", &ended, 6, &["every address of a machine", "--peer-advertise"]);
    assert_eq!(scene.joined().await, [0; 0], "nobody came in");

    let folder = scene.dir.path().join("second");
    let _second = start(&folder, &any, &["--join", &scene.peer], &good);
    until("it votes", PATIENCE, async || {
        let cluster = scene.operator.get("/v1/cluster").await.ok()?;
        let nodes = cluster["nodes"].as_array()?;
        (nodes.len() == 2 && nodes.iter().all(|node| node["role"] == "voter")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_comes_back_without_its_token_and_a_wiped_disk_does_not_whatever_it_brings() {
    let _machine = beside().await;
    let Some(host) = own_host() else { return };
    let scene = Scene::open(&host).await;
    let token = scene.token().await;
    let folder = scene.dir.path().join("second");
    let join = ["--join", &scene.peer, "--learner"];
    let any = format!("{host}:0");
    let second = start(&folder, &any, &join, &[("HOLDFAST_JOIN_TOKEN", &token)]);
    let ids = until("it is let in", PATIENCE, async || {
        Some(scene.joined().await).filter(|joined| !joined.is_empty())
    })
    .await;
    let id = ids[0];
    let known = addresses(&folder).await;
    let (listen, peer) = (known["listen"].as_str().unwrap(), known["peer"].as_str().unwrap());
    let serves = Api { endpoints: vec![listen.to_owned()], token: None };
    let is_ready =
        async || (serves.call(Method::GET, "/readyz", None).await.ok()?.status == 200).then_some(());
    until("it serves", PATIENCE, is_ready).await;
    assert_eq!(second.stopped(PATIENCE).await.code, Some(0));

    // Its token is gone, as it should be by now, or there is one that means nothing to it.
    let stranger = Stage::start(1).await;
    let foreign = stranger.operator.post("/v1/cluster/tokens", json!({"ttlSeconds": 600})).await.unwrap();
    let foreign = foreign["token"].as_str().unwrap();
    for (more, environment) in [
        (&[][..], &[("HOLDFAST_JOIN_TOKEN", foreign)][..]),
        (&[][..], &[("HOLDFAST_JOIN_TOKEN", "")][..]),
        (&["--join-token-file", "/nowhere"][..], &[("HOLDFAST_JOIN_TOKEN", "nonsense")][..]),
        (&[][..], &[("HOLDFAST_JOIN_TOKEN_FILE", ""), ("HOLDFAST_JOIN_TOKEN", "")][..]),
    ] {
        let second = start(&folder, &any, &[&join[..], more].concat(), environment);
        until("it serves again", PATIENCE, is_ready).await;
        assert_eq!(second.stopped(PATIENCE).await.code, Some(0));
    }

    let (name, replace) = (format!("node {id}"), format!("holdfast cluster replace {id}"));
    let words = [&*name, "wiped", &replace, "--join-token-file"];
    let dead = &["--join", "127.0.0.1:1"][..];
    for (brings, more) in [
        (None, &[][..]),
        (Some(&*token), &[]),
        (Some("nonsense"), &[]),
        (Some(foreign), &[]),
        (Some(foreign), dead),
    ] {
        let environment: Vec<_> = brings.map(|brings| ("HOLDFAST_JOIN_TOKEN", brings)).into_iter().collect();
        let ended = scene.refused(peer, more, &environment).await;
        expect(&format!("{brings:?} {more:?}"), &ended, 6, &words);
    }

    // The way back.
    let replaced = scene.operator.post(&format!("/v1/cluster/nodes/{id}/replace"), json!({})).await.unwrap();
    assert_eq!(replaced["done"], true, "{replaced}");
    let folder = scene.dir.path().join("third");
    let _third = start(&folder, peer, &join, &[("HOLDFAST_JOIN_TOKEN", &token)]);
    until("it is somebody new", PATIENCE, async || {
        let joined = scene.joined().await;
        (joined.len() == 1 && joined[0] > id).then_some(())
    })
    .await;
}
