//! What a node makes of the folder it finds: nothing that was there is ever taken for new.

use std::fs;
use std::path::Path;

use holdfast_raft::{Node, NodeOptions, Replica, StartError, start};
use holdfast_reservations::UserId;
use holdfast_storage::files::RealFiles;
use holdfast_storage::identity::{ClusterId, Identity, Membership};
use holdfast_storage::log::{Log, LogOptions, Vote, Writer};

use crate::replicas::{options, sign_up};

fn empty(dir: &Path) {
    fs::remove_dir_all(dir).unwrap();
    fs::create_dir(dir).unwrap();
}

fn own(node: u64) -> Membership {
    Membership { cluster: ClusterId(7), node }
}

/// What a node leaves that stopped after its log was made and before anything was written to it.
async fn begin(dir: &Path, membership: Option<Membership>) -> (Log<RealFiles>, Writer<RealFiles>) {
    fs::create_dir_all(dir.join("state")).unwrap();
    let identity = Identity { membership, ..Identity::new([7; 32]) };
    identity.write(&RealFiles, &dir.join("identity")).await.unwrap();
    let watermark = dir.join("state/synced");
    Log::open(RealFiles, dir.join("log"), watermark, 0, LogOptions::default()).await.unwrap()
}

/// What a node leaves that has voted.
async fn vote(dir: &Path, own: Membership) {
    let (log, writer) = begin(dir, Some(own)).await;
    log.save_vote(Vote { term: 3, node: own.node, committed: false }, Box::new(|result| result.unwrap()));
    log.close();
    writer.run().await.unwrap();
}

async fn refusal(options: NodeOptions) -> StartError {
    start(RealFiles, options).await.err().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_lost_its_log_or_what_vouches_for_it_never_takes_part_again() {
    let losses: [fn(&Path); 5] = [
        |dir| {
            empty(&dir.join("log"));
            empty(&dir.join("state"));
        },
        |dir| {
            fs::remove_dir_all(dir.join("log")).unwrap();
            fs::remove_dir_all(dir.join("state")).unwrap();
        },
        |dir| {
            empty(&dir.join("log"));
            fs::remove_file(dir.join("state/synced")).unwrap();
        },
        |dir| empty(&dir.join("log")),
        |dir| fs::remove_file(dir.join("state/synced")).unwrap(),
    ];
    // The founder, and one that joined.
    for node in [1, 5] {
        for (loss, happen) in losses.iter().enumerate() {
            let dir = tempfile::tempdir().unwrap();
            vote(dir.path(), own(node)).await;
            happen(dir.path());
            let error = refusal(options(dir.path()).await).await;
            let is_lost = matches!(&error, StartError::LostAcknowledged { node: lost, .. } if *lost == node);
            assert!(is_lost, "loss {loss} of node {node}: {error}");
            assert!(error.to_string().contains(&format!("holdfast cluster replace {node}")), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_whose_identity_is_gone_is_nobodys() {
    let dir = tempfile::tempdir().unwrap();
    vote(dir.path(), own(1)).await;
    fs::remove_file(dir.path().join("identity")).unwrap();
    let error = refusal(NodeOptions { init: true, ..options(dir.path()).await }).await;
    assert!(matches!(error, StartError::Refused(_)), "{error}");
}

/// Starts in a folder that a crash left.
async fn come_back(dir: &Path, init: bool) -> Replica {
    let options = NodeOptions { init, ..options(dir).await };
    let Node { replica } = start(RealFiles, options).await.unwrap();
    assert_eq!(sign_up(&replica, 1).await, UserId(1));
    replica
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_founding_that_crashed_is_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let named = dir.path().join("named");
    drop(begin(&named, Some(own(1))).await);
    assert_eq!(
        come_back(&named, false).await.identity(),
        own(1),
        "nothing was lost, and nobody else can lead"
    );

    let unnamed = dir.path().join("unnamed");
    drop(begin(&unnamed, None).await);
    assert_eq!(come_back(&unnamed, true).await.identity().node, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_joined_and_crashed_waits_to_be_told_and_founds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    drop(begin(dir.path(), Some(own(5))).await);
    let Node { replica } = start(RealFiles, options(dir.path()).await).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(replica.leadership().leader, None);
}
