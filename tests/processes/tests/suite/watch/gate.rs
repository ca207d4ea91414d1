//! The program's own readers: `holdfast watch`, and `holdfast scan`, which verifies codes when the cluster is not there.

use std::path::PathBuf;

use holdfast_cluster::Api;
use holdfast_processes::{Ended, Park, Program, Recorder, Stage, Told, arrive, beside, until};
use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{PATIENCE, Scene, now, read_until};

/// A booking and its code, as one node has signed it.
async fn code(guest: &Api, node: &str, booking: u64) -> String {
    let at_node = Api { endpoints: vec![node.to_owned()], ..guest.clone() };
    let code = at_node.get(&format!("/v1/bookings/{booking}/code")).await.unwrap();
    code["token"].as_str().unwrap().to_owned()
}

/// A scanner's folder: what it has fetched while there was a network.
struct Scanner {
    dir: PathBuf,
}

impl Scanner {
    /// Saves an answer as it came.
    async fn fetches(&self, api: &Api, path: &str, name: &str) {
        let answer = api.call(Method::GET, path, None).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.json);
        std::fs::write(self.dir.join(name), &answer.bytes).unwrap();
    }

    /// Scans a code with these keys and more options; names of files stand for files of the folder.
    async fn scans(&self, code: &str, keys: &str, options: &[(&str, &str)]) -> Verdict {
        let file = |name: &str| self.dir.join(name).display().to_string();
        let mut arguments = vec!["scan".to_owned(), code.to_owned(), "-o".to_owned(), "json".to_owned()];
        for (option, name) in [("--keys", keys)].iter().chain(options) {
            arguments.extend([(*option).to_owned(), file(name)]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let Ended { code, stdout, stderr, .. } = Program::start(&arguments, &[]).ended(PATIENCE).await;
        let says: Value = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stdout}{stderr}"));
        Verdict { exit: code, says }
    }
}

struct Verdict {
    exit: Option<i32>,
    says: Value,
}

impl Verdict {
    fn admits(&self, booking: u64) {
        assert_eq!((self.exit, &self.says["admitted"]), (Some(0), &json!(true)), "{}", self.says);
        assert_eq!(self.says["bookingId"], booking, "{}", self.says);
    }

    fn refuses(&self, reason: &str) {
        assert_eq!((self.exit, &self.says["admitted"]), (Some(6), &json!(false)), "{}", self.says);
        assert_eq!(self.says["reason"], reason, "{}", self.says);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_scanned_when_all_nodes_are_away() {
    let _machine = beside().await;
    let mut stage = Stage::start(3).await;
    let operator = stage.operator.clone();
    let ada = arrive(&stage, &Recorder::default(), 1).await.remove(0).api();
    let starts_at = Timestamp::now() + SignedDuration::from_mins(2);
    let park = Park::open(&operator).await;
    let slot = park.slot(&operator, starts_at, starts_at + SignedDuration::from_mins(30), 10).await;
    let mut bookings = Vec::new();
    for _ in 0..4 {
        let booked = ada.post("/v1/bookings", json!({"slotId": slot.0, "count": 2})).await.unwrap();
        bookings.push(booked["id"].as_u64().unwrap());
    }
    let [good, renewed, cancelled, stolen] = bookings[..] else { unreachable!() };
    let (first, third) = (stage.address(0), stage.address(2));
    let codes = [
        code(&ada, &first, good).await,
        code(&ada, &first, renewed).await,
        code(&ada, &first, cancelled).await,
        code(&ada, &third, stolen).await,
    ];
    let [of_good, stale, of_cancelled, of_thief] = codes;

    let scanner = Scanner { dir: stage.dir().to_owned() };
    scanner.fetches(&operator, "/v1/keys", "keys-before").await;
    scanner.fetches(&operator, "/v1/codes/revoked", "revoked-before").await;
    let renewed_code = ada.post(&format!("/v1/bookings/{renewed}/code"), json!({})).await.unwrap();
    let renewed_code = renewed_code["token"].as_str().unwrap();
    ada.post(&format!("/v1/bookings/{cancelled}/cancel"), json!({})).await.unwrap();
    // Somebody has got hold of the third node's key.
    let nodes = operator.get("/v1/cluster").await.unwrap();
    let node = nodes["nodes"].as_array().unwrap().iter().find(|node| node["listen"] == third.as_str());
    let node = &node.unwrap()["id"];
    let kid = scanner.scans(&of_thief, "keys-before", &[]).await.says["kid"].clone();
    let kid = kid.as_str().unwrap();
    assert!(kid.starts_with(&format!("{node}-")), "{kid} is a key of node {node}");
    let at_third = Api { endpoints: vec![third.clone()], ..operator.clone() };
    let path = format!("/v1/cluster/nodes/{node}/rotate-key");
    // On a busy machine it may think for a while that the others are away.
    until("another key", PATIENCE, async || at_third.post(&path, json!({})).await.ok()).await;
    operator.post(&format!("/v1/keys/{kid}/revoke"), json!({})).await.unwrap();
    let operator = stage.cluster.operator_api().await.unwrap();
    let after_theft = code(&ada, &third, stolen).await;
    scanner.fetches(&operator, "/v1/keys", "keys").await;
    scanner.fetches(&operator, "/v1/codes/revoked", "revoked").await;

    for node in 0..3 {
        stage.cluster.stop(node).await.unwrap();
    }
    assert!(stage.cluster.endpoints().is_empty(), "there is no node any more");
    let revoked = [("--revoked", "revoked")];
    scanner.scans(&of_good, "keys", &revoked).await.admits(good);
    scanner.scans(&stale, "keys", &revoked).await.refuses("revoked");
    scanner.scans(renewed_code, "keys", &revoked).await.admits(renewed);
    scanner.scans(&of_cancelled, "keys", &revoked).await.refuses("revoked");
    scanner.scans(&of_thief, "keys", &revoked).await.refuses("revoked_key");
    scanner.scans(&after_theft, "keys", &revoked).await.admits(stolen);

    // Who has not fetched anything since knows nothing of it.
    let revoked_before = [("--revoked", "revoked-before")];
    scanner.scans(&stale, "keys-before", &revoked_before).await.admits(renewed);
    scanner.scans(&of_cancelled, "keys-before", &revoked_before).await.admits(cancelled);
    scanner.scans(&of_thief, "keys-before", &revoked_before).await.admits(stolen);
    scanner.scans(&after_theft, "keys-before", &revoked_before).await.refuses("unknown_key");

    // Each party comes in once, and a code that was altered not at all.
    let noted = [("--revoked", "revoked"), ("--used", "used")];
    scanner.scans(&of_good, "keys", &noted).await.admits(good);
    scanner.scans(&of_good, "keys", &noted).await.refuses("already_used");
    let last = if of_good.ends_with('A') { 'B' } else { 'A' };
    let altered = format!("{}{last}", &of_good[..of_good.len() - 1]);
    let refused = scanner.scans(&altered, "keys", &revoked).await;
    assert_eq!((refused.exit, &refused.says["admitted"]), (Some(6), &json!(false)), "{}", refused.says);
}

#[tokio::test(flavor = "multi_thread")]
async fn holdfast_watch_prints_every_event_once_though_the_leader_dies() {
    const EVENTS: usize = 300;
    let _machine = beside().await;
    let mut scene = Scene::open(3).await;
    let (endpoints, count) = (scene.stage.addresses().join(","), EVENTS.to_string());
    let begun = scene.begun.to_string();
    let arguments = ["watch", "--endpoints", &endpoints, "--after", &begun, "--count", &count];
    let token = scene.stage.operator.token.clone().unwrap();
    let environment = [("HOLDFAST_TOKEN", token.as_str())];
    let json = Program::start(&[&arguments[..], &["-o", "json"]].concat(), &environment);
    let table = Program::start(&arguments, &environment);

    let mut traffic = scene.traffic();
    traffic.goes_on(EVENTS / 3).await;
    let leader = scene.stage.cluster.leader().await.unwrap();
    scene.stage.cluster.kill(leader).await.unwrap();
    traffic.goes_on(EVENTS).await;
    scene.stage.restart(leader).await;
    let acknowledged = traffic.end().await;
    let whole = scene.whole(leader, &acknowledged).await;

    let printed = json.ended(PATIENCE).await;
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    let printed: Vec<Told> =
        printed.stdout.lines().map(|line| Told::in_json(&serde_json::from_str(line).unwrap())).collect();
    assert!(printed == whole[..EVENTS], "what is printed is not the feed: {} lines", printed.len());
    let printed = table.ended(PATIENCE).await;
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    let lines: Vec<&str> = printed.stdout.lines().collect();
    assert_eq!(lines.len(), EVENTS);
    for (line, told) in lines.iter().zip(&whole) {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[..2], [told.revision.to_string().as_str(), told.kind.as_str()], "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn holdfast_watch_says_why_it_cannot_go_on() {
    let _machine = beside().await;
    let stage = Stage::start(1).await;
    let begun = now(&stage, 0).await;
    let beyond = format!("{}-0", begun.index + 1_000_000);
    let token = stage.operator.token.clone().unwrap();
    for (token, after, word) in
        [(token.as_str(), beyond.as_str(), "revision_unknown"), ("nonsense", "1-0", "unauthenticated")]
    {
        let arguments = ["watch", "--endpoints", &stage.address(0), "--after", after];
        let ended = Program::start(&arguments, &[("HOLDFAST_TOKEN", token)]).ended(PATIENCE).await;
        assert_eq!(ended.code, Some(6), "{}", ended.stderr);
        assert!(ended.stderr.contains(word), "{}", ended.stderr);
    }
    // It goes on from where it may.
    let park = Park::open(&stage.operator).await;
    let last = park.slots(&stage.operator, &[1]).await[0];
    let whole = read_until(&stage, 0, begun, last).await;
    let (after, count) = (begun.to_string(), whole.len().to_string());
    let arguments = ["watch", "--endpoints", &stage.address(0), "--after", &after, "--count", &count];
    let ended = Program::start(&arguments, &[("HOLDFAST_TOKEN", &token)]).ended(PATIENCE).await;
    assert_eq!((ended.code, ended.stdout.lines().count()), (Some(0), whole.len()), "{}", ended.stderr);
}
