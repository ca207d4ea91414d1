//! A follower that was away for very long, and a node that is new: both come up while the others are under load.

use std::path::Path;
use std::time::Duration;

use holdfast_model::{Answer, Request, SlotId, UserId};
use holdfast_processes::{
    Guest, Load, Park, Recorder, Stage, alone, arrive, arrive_app, fresh_key, judge, read_end, until,
};

/// Bookings that the follower misses.
const MISSED: usize = 500_000;

/// Bookings before a new node joins: the log does not reach back to the first.
const BEFORE: usize = 50_000;

/// Bookings after somebody has come up: the load was still running.
const AFTER: usize = 5_000;

const SLOTS: usize = 50;
const CAPACITY: u64 = 1_000_000;

/// A snapshot comes after so few entries, and so little is kept behind it, that nobody gets far without one.
const SETTINGS: [(&str, &str); 2] =
    [("HOLDFAST_RAFT_SNAPSHOT_ENTRIES", "500"), ("HOLDFAST_RAFT_KEEP_ENTRIES", "50")];
const KEPT_ENTRIES: u64 = 50;

/// What a node may log while another is out of reach: that is news once, not for every attempt.
const LOG_BYTES_MAX: usize = 1 << 20;

/// A snapshot of everything travels and is installed in that time, on a machine that has better things to do.
const COME_UP_DURATION_MAX: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_missed_half_a_million_bookings_catches_up_by_snapshot_under_load() {
    let _machine = alone().await;
    let mut scene = Scene::open().await;
    let follower = scene.stage.follower().await;
    let (applied, _) = scene.stage.cluster.digest(follower).await.unwrap();
    let rows_before = rows_in_use(&scene.stage.cluster.nodes[follower].data_dir);
    scene.stage.cluster.kill(follower).await.unwrap();

    let load = scene.load();
    scene.recorder.acknowledgements(MISSED).await;
    scene.purged_since(applied).await;
    load.ease();
    scene.stage.restart(follower).await;
    scene.recorder.acknowledgements(AFTER).await;
    load.end().await;

    let rows_after = rows_in_use(&scene.stage.cluster.nodes[follower].data_dir);
    assert_ne!(rows_after, rows_before, "a snapshot is installed as a new generation of rows");
    for position in 0..3 {
        let logged = scene.stage.log_of(position).len();
        assert!(logged <= LOG_BYTES_MAX, "node {} has logged {logged} bytes", position + 1);
    }
    scene.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fourth_node_joins_while_bookings_go_on_with_one_command_and_votes() {
    let _machine = alone().await;
    let mut scene = Scene::open().await;
    let load = scene.load();
    scene.recorder.acknowledgements(BEFORE).await;
    scene.purged_since(0).await;
    load.ease();

    let fourth = scene.stage.cluster.add();
    scene.stage.cluster.run(fourth, &[]).unwrap();
    scene.stage.cluster.ready(fourth).await.unwrap();
    scene.stage.cluster.voters(4).await.unwrap();
    scene.recorder.acknowledgements(AFTER).await;
    load.end().await;
    assert!(scene.stage.log_of(fourth).contains("a snapshot was received"), "it joined by snapshot");
    scene.judge().await;

    // Of four voters three must agree: without the old leader the new node is needed.
    let mut guest = arrive(&scene.stage, &scene.recorder, 1).await.remove(0);
    let leader = scene.stage.cluster.leader().await.unwrap();
    assert_ne!(leader, fourth, "nothing has happened to the leader");
    scene.stage.cluster.kill(leader).await.unwrap();
    let answer = guest.insist_from(fourth, guest.books(scene.slots[0], 1), Some(&fresh_key())).await;
    assert!(matches!(answer, Answer::Booking(_)), "{answer:?}");
}

struct Scene {
    stage: Stage,
    recorder: Recorder,
    slots: Vec<SlotId>,
    customers: Vec<UserId>,
    app: Guest,
}

impl Scene {
    async fn open() -> Self {
        let stage = Stage::start_with(3, &SETTINGS).await;
        let recorder = Recorder::default();
        let slots = Park::open(&stage.operator).await.slots(&stage.operator, &[CAPACITY; SLOTS]).await;
        let customers = arrive(&stage, &recorder, 3).await.iter().map(|guest| guest.user).collect();
        let app = arrive_app(&stage, &recorder).await;
        Self { stage, recorder, slots, customers, app }
    }

    fn load(&self) -> Load {
        Load::start(&self.stage, &self.app, &self.recorder, &self.slots, &self.customers)
    }

    /// Waits until the leader's newest snapshot has let it purge what came right after an index.
    async fn purged_since(&self, index: u64) {
        let leader = self.stage.cluster.leader().await.unwrap();
        let data_dir = &self.stage.cluster.nodes[leader].data_dir;
        until("the log is purged", COME_UP_DURATION_MAX, async || {
            let snapshot = newest_snapshot(data_dir)?;
            (snapshot > index + KEPT_ENTRIES).then_some(())
        })
        .await;
    }

    /// Makes sure that everything is there, everywhere.
    async fn judge(&mut self) {
        self.stage.digest().await;
        let calls = self.recorder.take();
        let booked = calls.iter().filter(|call| matches!(call.answer, Answer::Booking(_))).count();
        let unknown = calls.iter().filter(|call| call.answer == Answer::Unknown).count();
        println!("{booked} bookings, {unknown} outcomes unknown at first");
        assert!(calls.iter().all(|call| matches!(call.request, Request::Book { .. })));
        judge(&self.stage, calls, read_end(&self.stage, &self.slots).await);
    }
}

/// Up to which log index a node's newest snapshot goes; their folders are named `INDEX-TERM-NODE`.
fn newest_snapshot(data_dir: &Path) -> Option<u64> {
    let folders = std::fs::read_dir(data_dir.join("snapshots")).ok()?;
    let names = folders.filter_map(|folder| folder.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.split_once('-')?.0.parse().ok()).max()
}

/// Which generation of rows a node uses.
fn rows_in_use(data_dir: &Path) -> String {
    let pointer = std::fs::read(data_dir.join("state").join("current")).unwrap();
    String::from_utf8_lossy(&pointer).into_owned()
}
