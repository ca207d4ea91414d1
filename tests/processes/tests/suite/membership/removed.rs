//! Who was removed stops, wherever it was at the time, disturbs nobody, and never comes back.

use std::time::Duration;

use holdfast_processes::{Program, Stage, beside};
use serde_json::Value;

use super::scene::{cluster, done, id_of, stops};

/// The promise: a removed node has stopped by then.
const STOP_DURATION_MAX: Duration = Duration::from_secs(10);

const PORTS: [&str; 6] =
    ["--listen", "127.0.0.1:0", "--peer-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

fn reign(cluster: &Value) -> (Value, Value) {
    (cluster["leader"].clone(), cluster["term"].clone())
}

/// Starts a removed node again, which must be refused.
async fn is_refused(stage: &mut Stage, position: usize) {
    stage.cluster.run(position, &[]).unwrap();
    assert_eq!(stops(stage, position).await, Some(6), "{}", stage.cluster.nodes[position].last_words());
    assert!(stage.cluster.nodes[position].last_words().contains("was removed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_frozen_when_it_was_removed_stops_at_its_next_contact() {
    let _machine = beside().await;
    for leads in [false, true] {
        let mut stage = Stage::start(3).await;
        let position = match leads {
            true => stage.cluster.leader().await.unwrap(),
            false => stage.follower().await,
        };
        let id = id_of(&stage, position).await;
        stage.cluster.nodes[position].pause().await.unwrap();
        done(&stage, &["remove", &id.to_string()]).await;
        let before = reign(&cluster(&stage).await);
        stage.cluster.nodes[position].resume().await.unwrap();
        assert_eq!(stops(&mut stage, position).await, Some(0), "leads: {leads}");
        is_refused(&mut stage, position).await;
        assert_eq!(reign(&cluster(&stage).await), before, "nobody minded; leads: {leads}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_down_when_it_was_removed_is_refused() {
    let _machine = beside().await;
    let mut stage = Stage::start(3).await;
    let position = stage.follower().await;
    let id = id_of(&stage, position).await;
    stage.cluster.kill(position).await.unwrap();
    done(&stage, &["remove", &id.to_string()]).await;
    let before = reign(&cluster(&stage).await);
    is_refused(&mut stage, position).await;

    // Without anybody to ask it starts, hears it from the first member it meets, and remembers.
    let data_dir = stage.cluster.nodes[position].data_dir.clone();
    let folder = data_dir.display().to_string();
    let start = [&["start", "--data-dir", &folder][..], &PORTS].concat();
    for _ in 0..2 {
        let ended = Program::start(&start, &[]).ended(STOP_DURATION_MAX).await;
        assert_eq!(ended.code, Some(6), "{ended:?}");
        assert!(ended.stderr.contains("was removed") && data_dir.join("removed").exists(), "{ended:?}");
    }
    assert_eq!(reign(&cluster(&stage).await), before, "nobody minded");

    // With an empty folder it is somebody new.
    stage.cluster.nodes[position].wipe().unwrap();
    stage.restart(position).await;
    stage.cluster.voters(3).await.unwrap();
    assert_ne!(id_of(&stage, position).await, id);
}
