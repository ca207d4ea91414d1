//! A cluster, callers that book without end, and an operator with the binary's verbs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use holdfast_model::{Answer, Call, Request, SlotId, UserId};
use holdfast_processes::{
    Ended, Guest, Park, Program, Recorder, Stage, arrive, arrive_app, fresh_key, judge, read_end, until,
};
use serde_json::Value;
use tokio::task::JoinSet;

const CLIENTS: usize = 16;
const SLOTS: usize = 12;
const CAPACITY: u64 = 1_000_000;

/// Bookings before a change, and after it.
const BEFORE: usize = 200;
const AFTER: usize = 200;

/// A verb has done its work, and a removed node has stopped, by then.
const VERB_DURATION_MAX: Duration = Duration::from_secs(60);
const STOP_DURATION_MAX: Duration = Duration::from_secs(10);

pub struct Scene {
    pub stage: Stage,
    recorder: Recorder,
    slots: Vec<SlotId>,
    customers: Arc<[UserId]>,
    app: Guest,
    calls: Vec<Call>,
}

/// Callers that book until they are told to stop.
struct Callers {
    tasks: JoinSet<()>,
    is_over: Arc<AtomicBool>,
}

impl Scene {
    pub async fn open(nodes: usize) -> Self {
        Self::on(Stage::start(nodes).await).await
    }

    /// As [`Scene::open`], on a cluster of the test's own.
    pub async fn on(stage: Stage) -> Self {
        let recorder = Recorder::default();
        let slots = Park::open(&stage.operator).await.slots(&stage.operator, &[CAPACITY; SLOTS]).await;
        let customers = arrive(&stage, &recorder, 3).await.iter().map(|guest| guest.user).collect();
        let app = arrive_app(&stage, &recorder).await;
        Self { stage, recorder, slots, customers, app, calls: Vec::new() }
    }

    /// Does something under load; the longest time in which nothing was acknowledged.
    pub async fn under_load<T>(&mut self, deed: impl AsyncFnOnce(&mut Stage) -> T) -> (T, Duration) {
        let callers = self.callers();
        self.recorder.acknowledgements(BEFORE).await;
        let began_at = self.recorder.now();
        let done = deed(&mut self.stage).await;
        let ended_at = self.recorder.now();
        self.recorder.acknowledgements(AFTER).await;
        callers.end().await;
        let calls = self.recorder.take();
        let refused: Vec<&Answer> = calls
            .iter()
            .map(|call| &call.answer)
            .filter(|answer| matches!(answer, Answer::Refused(_)))
            .collect();
        assert!(refused.is_empty(), "there was room for all: {refused:?}");
        let gap = longest_gap(&calls, began_at, ended_at);
        self.calls.extend(calls);
        (done, gap)
    }

    fn callers(&self) -> Callers {
        let (is_over, mut tasks) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
        let addresses = self.stage.cluster.endpoints();
        for _ in 0..CLIENTS {
            let (mut app, is_over) = (self.app.at(addresses.clone()), is_over.clone());
            let (slots, customers) = (self.slots.clone(), self.customers.clone());
            tasks.spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let slot = slots[rand::random_range(0..slots.len())];
                    let owner = customers[rand::random_range(0..customers.len())];
                    let request = Request::Book { slot, count: 1, owner };
                    app.insist(request, Some(&fresh_key())).await;
                }
            });
        }
        Callers { tasks, is_over }
    }

    /// Makes sure that nothing was lost, and that all nodes hold the same.
    pub async fn judge(self) {
        self.stage.digest().await;
        println!("{} calls", self.calls.len());
        judge(&self.stage, self.calls, read_end(&self.stage, &self.slots).await);
    }
}

impl Callers {
    async fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
    }
}

/// The longest time between two acknowledgements that touches a span of time.
fn longest_gap(calls: &[Call], from: u64, to: u64) -> Duration {
    let booked = calls.iter().filter(|call| matches!(call.answer, Answer::Booking(_)));
    let mut moments: Vec<u64> = booked.map(|call| call.answered_at).collect();
    moments.sort_unstable();
    let touching = moments.windows(2).filter(|pair| pair[1] > from && pair[0] < to);
    Duration::from_nanos(touching.map(|pair| pair[1] - pair[0]).max().unwrap_or(u64::MAX))
}

/// Runs a verb of `holdfast cluster` at all running nodes.
pub async fn verb(stage: &Stage, arguments: &[&str]) -> Ended {
    start_verb(stage, arguments).ended(VERB_DURATION_MAX).await
}

/// Starts a verb of `holdfast cluster` at all running nodes that are not frozen.
pub fn start_verb(stage: &Stage, arguments: &[&str]) -> Program {
    let (endpoints, token) = (awake(stage).join(","), stage.operator.token.clone().unwrap());
    let arguments = [&["cluster"][..], arguments, &["--endpoints", &endpoints]].concat();
    Program::start(&arguments, &[("HOLDFAST_TOKEN", &token)])
}

/// Client addresses of the nodes that answer.
fn awake(stage: &Stage) -> Vec<String> {
    let nodes = stage.cluster.nodes.iter().filter(|node| node.is_running() && !node.is_paused());
    nodes.filter_map(|node| node.addresses).map(|addresses| addresses.listen.to_string()).collect()
}

/// Runs a verb that must succeed.
pub async fn done(stage: &Stage, arguments: &[&str]) -> Ended {
    let ended = verb(stage, arguments).await;
    assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
    ended
}

/// Runs a verb that must be refused in these words, with and without `--dry-run`.
pub async fn refused(stage: &Stage, arguments: &[&str], words: &[&str]) {
    for dry_run in [&["--dry-run"][..], &[]] {
        let ended = verb(stage, &[arguments, dry_run].concat()).await;
        assert_eq!(ended.code, Some(6), "{arguments:?}: {ended:?}");
        for word in words {
            assert!(ended.stderr.contains(word), "{arguments:?}: no {word} in {}", ended.stderr);
        }
    }
}

/// The cluster as its nodes see it.
pub async fn cluster(stage: &Stage) -> Value {
    let mut api = stage.operator.clone();
    api.endpoints = awake(stage);
    api.get("/v1/cluster").await.unwrap()
}

/// Id and role of each member.
pub async fn roles(stage: &Stage) -> Vec<(u64, String)> {
    let cluster = cluster(stage).await;
    let nodes = cluster["nodes"].as_array().unwrap().iter();
    nodes.map(|node| (node["id"].as_u64().unwrap(), node["role"].as_str().unwrap().to_owned())).collect()
}

/// The ids of the members.
pub async fn ids(stage: &Stage) -> Vec<u64> {
    roles(stage).await.into_iter().map(|(id, _)| id).collect()
}

/// The id of a node that serves.
pub async fn id_of(stage: &Stage, position: usize) -> u64 {
    let (_, ready) = stage.cluster.nodes[position].look("/readyz").await.unwrap();
    ready["node"].as_u64().unwrap()
}

/// Waits until a removed node has stopped by itself; how it ended.
pub async fn stops(stage: &mut Stage, position: usize) -> Option<i32> {
    let nodes = &mut stage.cluster.nodes;
    let ended =
        until("a removed node stops", STOP_DURATION_MAX, async || nodes[position].exit_status().unwrap());
    let code = ended.await.code();
    // It is gone: the stage must know too.
    stage.cluster.kill(position).await.unwrap();
    code
}
