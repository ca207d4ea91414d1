//! What a cluster says of itself: when all is well, without a quorum, and when a node is asked to stop.

use std::time::{Duration, Instant};

use holdfast_cluster::{Connection, Reply};
use holdfast_model::{Answer, SlotId};
use holdfast_processes::{
    Guest, Park, Program, Recorder, Stage, arrive, beside, fresh_key, judge, read_end, until,
};
use hyper::Method;
use serde_json::json;
use tokio::task::JoinSet;

/// The contract: by then `/readyz` says that a quorum is lost.
const NOT_READY_DURATION_MAX: Duration = Duration::from_secs(10);

/// The contract: without a quorum every call is answered within its deadline, 5 s unless it says otherwise, and this
/// much for a busy machine.
const DEADLINE: Duration = Duration::from_secs(5);
const GRACE: Duration = Duration::from_secs(1);

/// A node that is asked to stop has by then.
const STOP_DURATION_MAX: Duration = Duration::from_secs(10);

async fn get(address: &str, path: &str, token: Option<&str>) -> Reply {
    Connection::to(address).send(Method::GET, path, token, None, None).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_cluster_says_so_on_every_node() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let leader = stage.cluster.leader().await.unwrap();
    let mut leading = Vec::new();
    for (position, node) in stage.cluster.nodes.iter().enumerate() {
        let addresses = node.addresses.unwrap();
        for address in [addresses.listen, addresses.admin].map(|address| address.to_string()) {
            let live = get(&address, "/livez", None).await;
            assert_eq!((live.status, live.json), (200, json!({"status": "live"})));
            let ready = get(&address, "/readyz", None).await;
            assert_eq!((ready.status, &ready.json["status"]), (200, &json!("ready")));
            leading.push((
                ready.json["leader"].clone(),
                ready.json["node"] == ready.json["leader"],
                position,
            ));
        }
        let figures = get(&addresses.admin.to_string(), "/metrics", None).await;
        assert!(
            figures.headers["content-type"].to_str().unwrap().starts_with("application/openmetrics-text")
        );
        assert!(figures.bytes.ends_with(b"# EOF\n"), "{figures:?}");
        assert_eq!(stage.cluster.figure(position, "holdfast_is_ready").await, Some(1.0));
        let is_leader = stage.cluster.figure(position, "holdfast_is_leader").await;
        assert_eq!(is_leader, Some(if position == leader { 1.0 } else { 0.0 }));
        assert_eq!(stage.cluster.figure(position, "holdfast_contradictions_total").await, Some(0.0));
        // Figures and digests are for operators' tools, not for guests.
        for path in ["/metrics", "/digest"] {
            assert_eq!(get(&addresses.listen.to_string(), path, None).await.status, 404, "{path}");
        }
    }
    let (name, ..) = &leading[0];
    assert!(
        leading
            .iter()
            .all(|(other, is_leader, position)| other == name && *is_leader == (*position == leader))
    );

    let cluster = stage.operator.get("/v1/cluster").await.unwrap();
    assert_eq!(cluster["leader"], *name);
    let listens: Vec<_> = cluster["nodes"].as_array().unwrap().iter().map(|node| &node["listen"]).collect();
    assert_eq!(listens, stage.addresses().iter().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_quorum_every_call_is_answered_in_time_and_stale_reads_go_on() {
    let _machine = beside().await;
    let mut scene = Scene::open().await;
    let leader = scene.stage.cluster.leader().await.unwrap();
    let [first, last] = [leader, (leader + 1) % 3];
    // A follower and then the leader: the last node knows that it is alone, and nothing came in between.
    scene.stage.cluster.kill((leader + 2) % 3).await.unwrap();
    scene.book(leader).await;
    scene.stage.cluster.kill(first).await.unwrap();
    let address = scene.stage.address(last);

    let mut calls = JoinSet::new();
    for mut guest in std::mem::take(&mut scene.guests) {
        let slot = scene.slot;
        calls.spawn(async move {
            let (asked_at, request) = (Instant::now(), guest.books(slot, 1));
            let answer = guest.attempt(last, request, Some(&fresh_key())).await;
            (guest, answer, asked_at.elapsed())
        });
    }
    for (guest, answer, took) in calls.join_all().await {
        assert!(matches!(answer, Answer::NotDone(_) | Answer::Unknown), "{answer:?}");
        assert!(took <= DEADLINE + GRACE, "an answer took {took:?}");
        scene.guests.push(guest);
    }
    until("the node is not ready", NOT_READY_DURATION_MAX, async || {
        (get(&address, "/readyz", None).await.status == 503).then_some(())
    })
    .await;
    assert_eq!(get(&address, "/livez", None).await.status, 200);
    scene.expect_reads_without_a_quorum(&address).await;

    scene.stage.restart_all().await;
    for position in 0..3 {
        scene.book(position).await;
    }
    scene.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_cut_off_confirms_nothing() {
    let _machine = beside().await;
    let mut scene = Scene::open().await;
    let leader = scene.stage.cluster.leader().await.unwrap();
    for other in [(leader + 1) % 3, (leader + 2) % 3] {
        scene.stage.cluster.nodes[other].pause().await.unwrap();
    }
    let guest = &mut scene.guests[0];
    let request = guest.books(scene.slot, 1);
    let asked_at = Instant::now();
    let key = fresh_key();
    let answer = guest.attempt(leader, request, Some(&key)).await;
    // It was the leader a moment ago: the booking is in its log, and may yet be agreed on.
    assert!(matches!(answer, Answer::NotDone(_) | Answer::Unknown), "{answer:?}");
    assert!(asked_at.elapsed() <= DEADLINE + GRACE);
    let path = format!("/v1/slots/{}", scene.slot.0);
    let address = scene.stage.address(leader);
    let read = get(&address, &path, Some(&scene.guests[0].token)).await;
    assert_eq!((read.status, read.code()), (503, "no_quorum"), "a linearizable read needs a majority");

    for other in [(leader + 1) % 3, (leader + 2) % 3] {
        scene.stage.cluster.nodes[other].resume().await.unwrap();
    }
    let answer = scene.guests[0].insist(request, Some(&key)).await;
    assert!(matches!(answer, Answer::Booking(_)), "the same key finds out: {answer:?}");
    scene.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_asked_to_stop_finishes_what_it_began() {
    let _machine = beside().await;
    let mut scene = Scene::open().await;
    for _ in 0..3 {
        let leader = scene.stage.cluster.leader().await.unwrap();
        let address = scene.stage.address(leader);
        // Passwords are worked on one after the other: most of these wait when the signal comes.
        let mut calls = JoinSet::new();
        for _ in 0..20 {
            calls.spawn(sign_up(address.clone()));
        }
        let (_, first) = calls.join_next().await.unwrap().unwrap();
        assert_eq!(first.unwrap().status, 201);
        let asked_at = Instant::now();
        let ended = scene.stage.cluster.stop(leader).await.unwrap().unwrap();
        assert!(asked_at.elapsed() <= STOP_DURATION_MAX, "it took {:?}", asked_at.elapsed());
        assert_eq!(ended.code(), Some(0), "{}", scene.stage.cluster.nodes[leader].last_words());
        for (email, reply) in calls.join_all().await {
            let reply =
                reply.unwrap_or_else(|failure| panic!("{email} was left without an answer: {failure}"));
            assert!([201, 503].contains(&reply.status), "{email}: {} {}", reply.status, reply.json);
        }
        assert_ne!(scene.stage.cluster.leader().await.unwrap(), leader, "another leads");
        scene.book((leader + 1) % 3).await;
        scene.stage.restart(leader).await;
    }
    scene.judge().await;
}

async fn sign_up(address: String) -> (String, Result<Reply, holdfast_cluster::Failure>) {
    let email = format!("{}@guests.local", fresh_key());
    let body = json!({"email": email, "password": "down-by-the-lake", "name": "Guest"}).to_string();
    let mut node = Connection::to(address);
    let reply = node.send(Method::POST, "/auth/signup", None, Some(&fresh_key()), Some(body.into())).await;
    (email, reply)
}

struct Scene {
    stage: Stage,
    recorder: Recorder,
    slot: SlotId,
    guests: Vec<Guest>,
}

impl Scene {
    async fn open() -> Self {
        let stage = Stage::start(3).await;
        let recorder = Recorder::default();
        let slot = Park::open(&stage.operator).await.slots(&stage.operator, &[1_000]).await[0];
        let guests = arrive(&stage, &recorder, 10).await;
        let mut scene = Self { stage, recorder, slot, guests };
        scene.book(0).await;
        scene
    }

    async fn book(&mut self, node: usize) {
        for guest in &mut self.guests {
            let answer = guest.insist_from(node, guest.books(self.slot, 1), Some(&fresh_key())).await;
            assert!(matches!(answer, Answer::Booking(_)), "{answer:?}");
        }
    }

    /// What a node that is alone still answers, and what not.
    async fn expect_reads_without_a_quorum(&self, address: &str) {
        let (operator, path) = (self.stage.operator.token.as_deref(), format!("/v1/slots/{}", self.slot.0));
        let asked_at = Instant::now();
        let current = get(address, &path, operator).await;
        assert_eq!((current.status, current.code()), (503, "no_quorum"), "{}", current.json);
        assert!(asked_at.elapsed() <= DEADLINE + GRACE);

        let stale = get(address, &format!("{path}?consistency=stale"), operator).await;
        assert_eq!(stale.status, 200, "{}", stale.json);
        assert!(stale.index.is_some_and(|index| index > 0), "a stale answer says of which index it is");
        let age: u64 = stale.headers["holdfast-age-ms"].to_str().unwrap().parse().unwrap();
        assert!(age > 0, "and how old it may be");
        let booked = stale.json["pools"][0]["confirmed"].as_u64().unwrap();
        assert!((10..=20).contains(&booked), "it shows a moment of before: {booked}");
        let young = get(address, &format!("{path}?consistency=stale&max_staleness=1"), operator).await;
        assert_eq!((young.status, young.code()), (503, "too_stale"));

        let cluster = get(address, "/v1/cluster", operator).await;
        assert_eq!((cluster.status, cluster.json["nodes"].as_array().map(Vec::len)), (200, Some(3)));
        assert!(cluster.json["leader"].is_null(), "nobody leads, but it says: {}", cluster.json);
        let arguments = ["cluster", "status", "--endpoints", address];
        let verb = Program::start(&arguments, &[("HOLDFAST_TOKEN", operator.unwrap())]);
        let ended = verb.ended(STOP_DURATION_MAX).await;
        assert_eq!(ended.code, Some(7), "an operator's script is told: {}", ended.stderr);
    }

    async fn judge(self) {
        self.stage.digest().await;
        let end = read_end(&self.stage, &[self.slot]).await;
        judge(&self.stage, self.recorder.take(), end);
    }
}
