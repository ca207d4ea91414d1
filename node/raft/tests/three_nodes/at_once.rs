//! Nodes that are started at the same time and told of each other.

use std::collections::BTreeSet;

use holdfast_raft::net::{Listener, Network as _, Tcp};
use holdfast_raft::{Node, NodeOptions, Replica, start};
use holdfast_storage::files::RealFiles;

use crate::replicas::{find, options, sign_up, until, voters};

/// Starts three nodes at once, each told of all; those named may found.
async fn start_together(dir: &std::path::Path, founders: &[usize]) -> Vec<Replica> {
    let mut listeners: Vec<Box<dyn Listener>> = Vec::new();
    for _ in 0..3 {
        listeners.push(Tcp.listen("127.0.0.1:0").await.unwrap());
    }
    let addresses: Vec<String> = listeners.iter().map(|listener| listener.address().to_string()).collect();
    let mut starting = Vec::new();
    for (position, peer_listener) in listeners.into_iter().enumerate() {
        let known = options(&dir.join(position.to_string())).await;
        let (init, join) = (founders.contains(&position), addresses.clone());
        let options = NodeOptions { init, join, peer_listener, ..known };
        starting.push(tokio::spawn(start(RealFiles, options)));
    }
    let mut nodes = Vec::new();
    for starting in starting {
        let Node { replica } = starting.await.unwrap().unwrap();
        nodes.push(replica);
    }
    nodes
}

async fn check_one_cluster(founders: &[usize]) {
    let dir = tempfile::tempdir().unwrap();
    let nodes = start_together(dir.path(), founders).await;
    let clusters: BTreeSet<u128> = nodes.iter().map(|node| node.identity().cluster.0).collect();
    assert_eq!(clusters.len(), 1, "{founders:?} found one cluster");
    until("three voters", || nodes.iter().all(|node| voters(node) == 3)).await;
    let guest = sign_up(&nodes[2], 1).await;
    assert_eq!(find(&nodes[0], 1).await, Some(guest));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_may_found_does_and_the_others_join() {
    check_one_cluster(&[1]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_that_may_found_one_does() {
    check_one_cluster(&[0, 1, 2]).await;
}
