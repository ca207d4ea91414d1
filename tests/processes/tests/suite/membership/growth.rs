//! 1 -> 3 -> 5 nodes, a dead node replaced at its own address, the leader removed, and down to 3: under load all the time.

use std::time::Duration;

use holdfast_processes::{Stage, alone, until};

use super::scene::{Scene, done, id_of, ids, roles, stops};

/// The promise: nobody waits longer for a change of members, and no longer for a leader that was killed.
const GAP_DURATION_MAX: Duration = Duration::from_secs(2);
const FAILOVER_DURATION_MAX: Duration = Duration::from_secs(3);

const PATIENCE: Duration = Duration::from_secs(30);

async fn grow(stage: &mut Stage, voters: usize) {
    while stage.cluster.nodes.len() < voters {
        let position = stage.cluster.add();
        stage.cluster.run(position, &[]).unwrap();
        stage.cluster.ready(position).await.unwrap();
    }
    stage.cluster.voters(voters).await.unwrap();
}

/// A node dies with its disk; another comes up at its address.
async fn lose_and_replace(stage: &mut Stage) {
    let position = stage.follower().await;
    let dead = id_of(stage, position).await;
    stage.cluster.kill(position).await.unwrap();
    stage.cluster.nodes[position].wipe().unwrap();

    let said = done(stage, &["replace", &dead.to_string()]).await;
    assert!(said.stderr.contains("holdfast start --data-dir"), "{said:?}");
    stage.cluster.run(position, &[]).unwrap();
    stage.cluster.ready(position).await.unwrap();
    until("the dead one is gone", PATIENCE, async || (!ids(stage).await.contains(&dead)).then_some(())).await;
    let newcomer = id_of(stage, position).await;
    assert!(newcomer > dead, "an id is never given twice");
    assert!(roles(stage).await.contains(&(newcomer, "voter".to_owned())));
}

/// Removes a node, which then stops by itself.
async fn remove(stage: &mut Stage, position: usize) {
    let id = id_of(stage, position).await;
    done(stage, &["remove", &id.to_string()]).await;
    assert_eq!(stops(stage, position).await, Some(0), "{}", stage.cluster.nodes[position].last_words());
    assert!(!ids(stage).await.contains(&id));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_under_load() {
    let _machine = alone().await;
    let mut scene = Scene::open(1).await;
    let mut gaps = Vec::new();
    for voters in [3, 5] {
        let ((), gap) = scene.under_load(async |stage| grow(stage, voters).await).await;
        gaps.push(("grow", gap, GAP_DURATION_MAX));
    }
    let ((), gap) = scene.under_load(lose_and_replace).await;
    gaps.push(("replace", gap, GAP_DURATION_MAX));
    let remove_leader = async |stage: &mut Stage| {
        let leader = stage.cluster.leader().await.unwrap();
        remove(stage, leader).await;
    };
    let ((), gap) = scene.under_load(remove_leader).await;
    gaps.push(("remove the leader", gap, GAP_DURATION_MAX));
    let remove_follower = async |stage: &mut Stage| {
        let leader = stage.cluster.leader().await.unwrap();
        let nodes = &stage.cluster.nodes;
        let follower = (0..nodes.len()).find(|node| *node != leader && nodes[*node].is_running()).unwrap();
        remove(stage, follower).await;
    };
    let ((), gap) = scene.under_load(remove_follower).await;
    gaps.push(("remove a follower", gap, GAP_DURATION_MAX));
    assert_eq!(roles(&scene.stage).await.len(), 3);
    let kill_leader = async |stage: &mut Stage| {
        let leader = stage.cluster.leader().await.unwrap();
        stage.cluster.kill(leader).await.unwrap();
        stage.restart(leader).await;
    };
    let ((), gap) = scene.under_load(kill_leader).await;
    gaps.push(("kill the leader", gap, FAILOVER_DURATION_MAX));

    println!("longest time without an acknowledgement: {gaps:?}");
    for (what, gap, at_most) in gaps {
        assert!(gap <= at_most, "{what}: nothing was acknowledged for {gap:?}");
    }
    scene.judge().await;
}
