//! Watchers over changes of leaders, restarts, and logs that are purged.

use holdfast_processes::{Diary, Traffic, beside};

use super::{PATIENCE, Scene, kinds};

/// Changes of bookings between two faults.
const CHANGES: usize = 150;

/// One watcher of each sort who begins at each node.
fn watchers(scene: &Scene) -> Vec<Diary> {
    let mut diaries = Vec::new();
    for node in 0..3 {
        diaries.push(scene.watcher(node).by_sse(&format!("SSE at node {}", node + 1)));
        diaries.push(scene.watcher(node).by_grpc(&format!("gRPC at node {}", node + 1)));
    }
    diaries.push(scene.watcher(0).by_client("the Rust client"));
    diaries
}

/// Kills the leader under load, and starts it again; which it was.
async fn kill_the_leader(scene: &mut Scene, traffic: &mut Traffic) -> usize {
    traffic.goes_on(CHANGES).await;
    let leader = scene.stage.cluster.leader().await.unwrap();
    scene.stage.cluster.kill(leader).await.unwrap();
    traffic.goes_on(CHANGES).await;
    scene.stage.restart(leader).await;
    traffic.goes_on(CHANGES).await;
    leader
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_miss_nothing_when_leaders_die_and_change_and_nodes_restart() {
    let _machine = beside().await;
    let mut scene = Scene::open(3).await;
    let diaries = watchers(&scene);
    let mut traffic = scene.traffic();
    for diary in &diaries {
        diary.begun(PATIENCE).await;
    }

    // Each node goes away once: one as a crash takes it while it leads, the others as they are asked to.
    let killed = kill_the_leader(&mut scene, &mut traffic).await;
    scene.stage.another_leads(PATIENCE).await;
    for node in (0..3).filter(|node| *node != killed) {
        traffic.goes_on(CHANGES).await;
        scene.stage.cluster.stop(node).await.unwrap();
        traffic.goes_on(CHANGES).await;
        scene.stage.restart(node).await;
    }
    traffic.goes_on(CHANGES).await;
    kill_the_leader(&mut scene, &mut traffic).await;
    traffic.goes_on(CHANGES).await;
    let acknowledged = traffic.end().await;

    let reader = scene.stage.follower().await;
    let whole = scene.whole(reader, &acknowledged).await;
    println!("{} changes acknowledged; the feed has {:?}", acknowledged.len(), kinds(&whole));
    for diary in &diaries {
        diary.reaches(whole.last().unwrap().revision, PATIENCE).await;
        diary.agrees_with(&whole);
    }
    let breaks: Vec<_> = diaries.iter().map(Diary::breaks).collect();
    println!("streams, and how nodes ended them: {breaks:?}");
    let of_nodes = &breaks[..breaks.len() - 1];
    assert!(of_nodes.iter().all(|(streams, _)| *streams > 1), "somebody's nodes never went away");
    // On a machine that is busy enough a node may think that it was cut off.
    let mut cuts: Vec<&str> = of_nodes.iter().flat_map(|(_, cuts)| cuts).map(String::as_str).collect();
    cuts.retain(|reason| *reason != "behind");
    assert!(!cuts.is_empty() && cuts.iter().all(|reason| *reason == "stopping"), "{cuts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_go_on_at_nodes_that_have_the_past_from_a_snapshot_only() {
    let _machine = beside().await;
    let mut scene = Scene::open(3).await;
    let mut traffic = scene.traffic();
    let follower = scene.stage.follower().await;
    let mut diaries = both(&scene, follower, "the node that was away");
    for diary in &diaries {
        diary.begun(PATIENCE).await;
    }
    traffic.goes_on(CHANGES).await;

    let mut rounds = 0..ROUNDS_MAX;
    while !scene.stage.log_of(follower).contains(RECEIVED) {
        assert!(rounds.next().is_some(), "the log of the others still reaches back");
        scene.stage.cluster.kill(follower).await.unwrap();
        traffic.goes_on(MISSED).await;
        scene.stage.restart(follower).await;
    }

    let fourth = scene.stage.cluster.add();
    scene.stage.cluster.run(fourth, &[]).unwrap();
    scene.stage.cluster.ready(fourth).await.unwrap();
    assert!(scene.stage.log_of(fourth).contains(RECEIVED), "the log still reached back to its beginning");
    // They begin where events were before this node was there at all.
    diaries.extend(both(&scene, fourth, "the node that joined"));
    traffic.goes_on(CHANGES).await;

    // And where all memory is gone.
    scene.stage.cluster.kill_all().await.unwrap();
    scene.stage.restart_all().await;
    traffic.goes_on(CHANGES).await;
    let acknowledged = traffic.end().await;

    let reader = (follower + 1) % 3;
    let whole = scene.whole(reader, &acknowledged).await;
    println!("{} changes acknowledged; the feed has {:?}", acknowledged.len(), kinds(&whole));
    for diary in &diaries {
        diary.reaches(whole.last().unwrap().revision, PATIENCE).await;
        diary.agrees_with(&whole);
    }
}

/// Changes that a node misses: enough for a snapshot or two. A purge may wait for a call that is under way, until the
/// next snapshot, and chance may have it so several times in a row.
const MISSED: usize = 800;
const ROUNDS_MAX: usize = 20;

/// What a node logs when it gets a snapshot from another one.
const RECEIVED: &str = "a snapshot was received";

/// Watchers who know no other node.
fn both(scene: &Scene, node: usize, name: &str) -> Vec<Diary> {
    let addresses = vec![scene.stage.address(node)];
    let [one, other] =
        [0, 1].map(|_| holdfast_processes::Watcher { addresses: addresses.clone(), ..scene.watcher(node) });
    vec![one.by_sse(&format!("SSE at {name}")), other.by_grpc(&format!("gRPC at {name}"))]
}
