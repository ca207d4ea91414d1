//! Three replicas in one process, over loopback and sorted maps: the way of a request, reads, joining, and catching up.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test panics when it fails")]

mod at_once;
mod folders;
mod founding;
mod keys;
mod members;
mod removed;
mod replicas;
mod stranger;
mod strangers;
mod without_a_quorum;

use holdfast_raft::Replica;
use holdfast_reservations::{ReadTyped as _, User, UserId};

use crate::replicas::{find, node, sign_up, until, voters};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_takes_requests_and_shows_what_any_node_answered() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(&dir.path().join("1"), &[]).await;
    assert_eq!(sign_up(&first, 1).await, UserId(1));

    let second = node(&dir.path().join("2"), &[&first]).await;
    let third = node(&dir.path().join("3"), &[&first, &second]).await;
    until("three voters", || voters(&first) == 3).await;

    for number in 2..60 {
        let nodes = [&first, &second, &third];
        let asked = nodes[number as usize % 3];
        let id = sign_up(asked, number).await;
        // The same node, without asking anybody; and another, asking the leader.
        let (seen, _) = asked.look(|view| view.row::<User>(id).is_some()).unwrap();
        assert!(seen, "what a node answered is in its own state");
        assert_eq!(find(nodes[(number as usize + 1) % 3], number).await, Some(id));
        // A retry, elsewhere.
        assert_eq!(sign_up(nodes[(number as usize + 2) % 3], number).await, id);
    }
    assert_eq!(find(&third, 999).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_node_gets_a_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(&dir.path().join("1"), &[]).await;
    let second = node(&dir.path().join("2"), &[&first]).await;

    for number in 0..300 {
        sign_up(&first, number).await;
    }
    until("a snapshot", || dir.path().join("1/snapshots").read_dir().unwrap().count() == 1).await;
    let late = node(&dir.path().join("4"), &[&second]).await;
    assert_eq!(find(&late, 299).await, Some(UserId(300)));
    until("three voters", || voters(&first) == 3).await;
    assert!(late.identity().node > 300, "ids come from the log");
    assert_eq!(first.identity().cluster, late.identity().cluster);

    // The end of the change of members may still be on its way to some.
    let is_like_late = |node: &Replica| node.digest().unwrap() == late.digest().unwrap();
    until("the same rows at the same index", || is_like_late(&first) && is_like_late(&second)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_moves_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(&dir.path().join("1"), &[]).await;
    let second = node(&dir.path().join("2"), &[&first]).await;
    let third = node(&dir.path().join("3"), &[&first]).await;
    until("three voters", || voters(&first) == 3).await;
    until("everybody knows", || voters(&second) == 3 && voters(&third) == 3).await;

    for round in 0..3 {
        let nodes = [&first, &second, &third];
        let leader = nodes.iter().find(|node| node.leadership().is_own).copied().unwrap();
        let writers = (0..20).map(|number| {
            let node = nodes[number as usize % 3].clone();
            tokio::spawn(async move { sign_up(&node, round * 100 + number).await })
        });
        let writers: Vec<_> = writers.collect();
        leader.step_down().await;
        for writer in writers {
            writer.await.unwrap();
        }
        until("another leader", || nodes.iter().any(|node| node.leadership().is_own)).await;
    }
    for number in (0..3).flat_map(|round| (0..20).map(move |number| round * 100 + number)) {
        assert!(find(&second, number).await.is_some(), "guest {number}");
    }
}
