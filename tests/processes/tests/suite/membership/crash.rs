//! kill -9 of the leader in the middle of a change of members: whoever leads next finishes it.

use std::time::Duration;

use holdfast_processes::{Stage, alone, until};

use super::scene::{Scene, cluster, id_of, ids, start_verb, stops};

/// The promise: a killed leader is missed for no longer.
const FAILOVER_DURATION_MAX: Duration = Duration::from_secs(3);

/// The verb has come to an end, and the next leader has finished, by then.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the leader logs when a step was taken, or is being taken.
const MOMENTS: [&str; 4] =
    ["note that node", "start to commit joint config", "committed a joint config", "make node"];

/// What openraft does is told too.
const LOG: (&str, &str) = ("HOLDFAST_LOG", "info,openraft::raft::api::management=debug");

/// Removes a follower, and kills the leader at a moment.
async fn remove_and_kill(stage: &mut Stage, moment: &str) {
    let leader = stage.cluster.leader().await.unwrap();
    let nodes = &stage.cluster.nodes;
    let follower = (0..nodes.len()).find(|node| *node != leader && nodes[*node].is_running()).unwrap();
    let id = id_of(stage, follower).await;
    let logged = stage.log_of(leader).len();
    let verb = start_verb(stage, &["remove", &id.to_string()]);
    until(moment, PATIENCE, async || stage.log_of(leader)[logged..].contains(moment).then_some(())).await;
    stage.cluster.kill(leader).await.unwrap();

    // The tool may be asking the dead one; another is not needed.
    let is_done = async || {
        let is_gone = !ids(stage).await.contains(&id);
        (is_gone && cluster(stage).await["changing"] == false).then_some(())
    };
    until("whoever leads now has removed it", PATIENCE, is_done).await;
    let ended = verb.ended(PATIENCE).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(stops(stage, follower).await, Some(0));
    stage.restart(leader).await;
    // For the next round.
    stage.cluster.nodes[follower].wipe().unwrap();
    stage.restart(follower).await;
    stage.cluster.voters(5).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_leader_is_killed_is_finished_by_the_next() {
    let _machine = alone().await;
    let mut scene = Scene::on(Stage::start_with(5, &[LOG]).await).await;
    for moment in MOMENTS {
        let ((), gap) = scene.under_load(async |stage| remove_and_kill(stage, moment).await).await;
        println!("killed at {moment:?}: nothing was acknowledged for {gap:?}");
        assert!(gap <= FAILOVER_DURATION_MAX, "{moment}: nothing was acknowledged for {gap:?}");
    }
    scene.judge().await;
}
