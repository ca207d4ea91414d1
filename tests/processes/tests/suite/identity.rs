//! A disk is one node of one cluster: whoever comes with another, or with less than he acknowledged, is turned away.

use std::path::Path;
use std::time::{Duration, Instant};

use holdfast_model::{Answer, SlotId};
use holdfast_processes::{
    Guest, Park, Recorder, Stage, arrive, arrive_app, beside, fresh_key, judge, read_end, until,
};
use tempfile::TempDir;

/// The contract: whoever is refused knows by then.
const REFUSAL_DURATION_MAX: Duration = Duration::from_secs(10);

struct Scene {
    stage: Stage,
    recorder: Recorder,
    slots: Vec<SlotId>,
    app: Guest,
}

impl Scene {
    async fn open() -> Self {
        let stage = Stage::start(3).await;
        let recorder = Recorder::default();
        let slots = Park::open(&stage.operator).await.slots(&stage.operator, &[1_000; 2]).await;
        let app = arrive_app(&stage, &recorder).await;
        let mut scene = Self { stage, recorder, slots, app };
        scene.book(50).await;
        scene
    }

    async fn book(&mut self, times: usize) {
        for nth in 0..times {
            let request = self.app.books(self.slots[nth % 2], 1);
            let answer = self.app.insist(request, Some(&fresh_key())).await;
            assert!(matches!(answer, Answer::Booking(_)), "{answer:?}");
        }
    }

    /// The id of a node.
    async fn id_of(&self, position: usize) -> u64 {
        let (_, ready) = self.stage.cluster.nodes[position].look("/readyz").await.unwrap();
        ready["node"].as_u64().unwrap()
    }

    /// Starts a node that must not come up; its exit code, and what it said.
    async fn refused(&mut self, position: usize) -> (Option<i32>, String) {
        let said_before = self.stage.log_of(position).len();
        let started_at = Instant::now();
        self.stage.cluster.run(position, &[]).unwrap();
        let cluster = &mut self.stage.cluster;
        let ended = until("the node is refused", REFUSAL_DURATION_MAX, async || {
            // It must not even seem to serve.
            if let Some((status, _)) = cluster.nodes[position].look("/readyz").await {
                assert_ne!(status, 200, "a node with the wrong disk is ready");
            }
            cluster.nodes[position].exit_status().unwrap()
        })
        .await;
        println!("refused after {:?}", started_at.elapsed());
        cluster.kill(position).await.unwrap();
        let log = self.stage.log_of(position);
        assert!(!log.contains("panicked"), "{log}");
        (ended.code(), log[said_before..].to_owned())
    }

    /// Makes sure that the others have not minded.
    async fn judge(mut self) {
        self.book(50).await;
        self.stage.digest().await;
        let end = read_end(&self.stage, &self.slots).await;
        judge(&self.stage, self.recorder.take(), end);
    }
}

fn expect_words(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "no {word} in: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_node_is_refused() {
    let _machine = beside().await;
    let mut scene = Scene::open().await;
    let leader = scene.stage.cluster.leader().await.unwrap();
    // The leader's disk too: the others elect, and refuse it.
    for position in [(leader + 1) % 3, leader] {
        let id = scene.id_of(position).await;
        let kept = TempDir::new_in(scene.stage.dir()).unwrap();
        scene.stage.cluster.kill(position).await.unwrap();
        let data_dir = scene.stage.cluster.nodes[position].data_dir.clone();
        std::fs::rename(&data_dir, kept.path().join("data")).unwrap();
        std::fs::create_dir(&data_dir).unwrap();
        for _ in 0..2 {
            let (code, said) = scene.refused(position).await;
            assert_eq!(code, Some(6), "{said}");
            let replace = format!("holdfast cluster replace {id}");
            expect_words(&said, &[&format!("node {id}"), "wiped", &replace]);
        }
        std::fs::remove_dir_all(&data_dir).unwrap();
        std::fs::rename(kept.path().join("data"), &data_dir).unwrap();
        scene.stage.restart(position).await;
    }
    scene.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_clusters_disk_is_refused() {
    let _machine = beside().await;
    let (mut scene, mut other) = tokio::join!(Scene::open(), Stage::start(1));
    let position = scene.stage.follower().await;
    scene.stage.cluster.kill(position).await.unwrap();
    other.cluster.kill(0).await.unwrap();
    scene.stage.cluster.nodes[position].wipe().unwrap();
    copy(&other.cluster.nodes[0].data_dir, &scene.stage.cluster.nodes[position].data_dir);

    let (code, said) = scene.refused(position).await;
    assert_eq!(code, Some(6), "{said}");
    expect_words(&said, &["node 1", "another cluster"]);
    scene.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_nodes_disk_is_refused() {
    let _machine = beside().await;
    let mut scene = Scene::open().await;
    let follower = scene.stage.follower().await;
    let leader = scene.stage.cluster.leader().await.unwrap();
    let third = 3 - follower - leader;
    // The disk of a node that runs, as a careless restore would bring it, without the ports it used.
    scene.stage.cluster.kill(follower).await.unwrap();
    scene.stage.cluster.kill(third).await.unwrap();
    let data_dir = scene.stage.cluster.nodes[follower].data_dir.clone();
    scene.stage.cluster.nodes[follower].wipe().unwrap();
    copy(&scene.stage.cluster.nodes[third].data_dir, &data_dir);
    scene.stage.restart(third).await;

    let (code, said) = scene.refused(follower).await;
    assert_eq!(code, Some(6), "{said}");
    scene.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_its_log_does_not_start() {
    let _machine = beside().await;
    let mut scene = Scene::open().await;
    let position = scene.stage.follower().await;
    let id = scene.id_of(position).await;
    scene.stage.cluster.kill(position).await.unwrap();
    let log = scene.stage.cluster.nodes[position].data_dir.join("log");
    let kept = scene.stage.dir().join("kept");
    std::fs::rename(&log, &kept).unwrap();
    let (code, said) = scene.refused(position).await;
    assert_eq!(code, Some(1), "{said}");
    expect_words(&said, &[&format!("node {id}"), "log", &format!("holdfast cluster replace {id}")]);

    // There is a log, but it ends before what the node had acknowledged.
    copy(&kept, &log);
    for segment in std::fs::read_dir(&log).unwrap() {
        let segment = std::fs::File::options().write(true).open(segment.unwrap().path()).unwrap();
        segment.set_len(4096.min(segment.metadata().unwrap().len())).unwrap();
    }
    let (code, said) = scene.refused(position).await;
    assert_eq!(code, Some(1), "{said}");
    expect_words(&said, &[&format!("node {id}")]);

    // With its log it is welcome.
    std::fs::remove_dir_all(&log).unwrap();
    std::fs::rename(&kept, &log).unwrap();
    scene.stage.restart(position).await;
    scene.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_has_an_identity_does_not_care_for_flags() {
    let _machine = beside().await;
    let mut scene = Scene::open().await;
    let position = scene.stage.follower().await;
    let id = scene.id_of(position).await;
    for flags in [&["--init"][..], &["--join", "127.0.0.1:1"]] {
        scene.stage.cluster.kill(position).await.unwrap();
        scene.stage.cluster.run(position, flags).unwrap();
        scene.stage.cluster.ready(position).await.unwrap();
        assert_eq!(scene.id_of(position).await, id, "{flags:?}");
    }
    let guests = arrive(&scene.stage, &scene.recorder, 3).await;
    assert_eq!(guests.len(), 3, "every node signs tokens that all others know");
    scene.judge().await;
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
