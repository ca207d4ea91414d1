//! What a node makes of the folder it finds: nothing that was there is ever taken for new.

use std::fs;
use std::path::Path;

use holdfast_raft::{Node, NodeOptions, Replica, StartError, start};
use holdfast_reservations::UserId;
use holdfast_storage::files::RealFiles;
use holdfast_storage::identity::{ClusterId, Identity, Membership};
use holdfast_storage::log::{Log, LogOptions};

use crate::replicas::{node, options, sign_up, until, voters};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), &target).unwrap()),
        }
    }
}

fn empty(dir: &Path) {
    fs::remove_dir_all(dir).unwrap();
    fs::create_dir(dir).unwrap();
}

/// What a node says to a copy of a folder that something happened to.
async fn say(from: &Path, copied: &Path, happen: impl FnOnce(&Path)) -> StartError {
    copy(from, copied);
    happen(copied);
    let error = start(RealFiles, options(copied).await).await.err().unwrap();
    fs::remove_dir_all(copied).unwrap();
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_lost_its_log_or_what_vouches_for_it_never_takes_part_again() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second, copied) = (dir.path().join("1"), dir.path().join("2"), dir.path().join("copy"));
    let founder = node(&first, &[]).await;
    let joined = node(&second, &[&founder]).await;
    sign_up(&joined, 1).await;
    until("two voters", || voters(&founder) == 2).await;

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
    for (folder, replica) in [(&first, &founder), (&second, &joined)] {
        for (loss, happen) in losses.iter().enumerate() {
            let error = say(folder, &copied, happen).await;
            let StartError::LostAcknowledged { node, .. } = &error else { panic!("loss {loss}: {error}") };
            assert_eq!(*node, replica.identity().node);
            assert!(error.to_string().contains(&format!("holdfast cluster replace {node}")), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_whose_identity_is_gone_is_nobodys() {
    let dir = tempfile::tempdir().unwrap();
    let first = dir.path().join("1");
    let founder = node(&first, &[]).await;
    sign_up(&founder, 1).await;
    let copied = dir.path().join("copy");
    copy(&first, &copied);
    fs::remove_file(copied.join("identity")).unwrap();
    let options = NodeOptions { init: true, ..options(&copied).await };
    let error = start(RealFiles, options).await.err().unwrap();
    assert!(matches!(error, StartError::Refused(_)), "{error}");
}

/// Starts in a folder that a crash left.
async fn come_back(dir: &Path, init: bool) -> Replica {
    let options = NodeOptions { init, ..options(dir).await };
    let Node { replica, .. } = start(RealFiles, options).await.unwrap();
    assert_eq!(sign_up(&replica, 1).await, UserId(1));
    replica
}

/// What a founding leaves that crashed after its log was made and before anything was written to it.
async fn crash_while_founding(dir: &Path, membership: Option<Membership>) {
    fs::create_dir_all(dir.join("state")).unwrap();
    let identity = Identity { membership, secret_key: [7; 32], key_generation: 1 };
    identity.write(&RealFiles, &dir.join("identity")).await.unwrap();
    let watermark = dir.join("state/synced");
    let opened = Log::open(RealFiles, dir.join("log"), watermark, 0, LogOptions::default()).await;
    drop(opened.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_founding_that_crashed_is_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let own = Membership { cluster: ClusterId(7), node: 1 };

    let named = dir.path().join("named");
    crash_while_founding(&named, Some(own)).await;
    assert_eq!(come_back(&named, false).await.identity(), own, "nothing was lost, and nobody else can lead");

    let unnamed = dir.path().join("unnamed");
    crash_while_founding(&unnamed, None).await;
    assert_eq!(come_back(&unnamed, true).await.identity().node, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_joined_and_crashed_waits_to_be_told_and_founds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    crash_while_founding(dir.path(), Some(Membership { cluster: ClusterId(7), node: 5 })).await;
    let Node { replica, .. } = start(RealFiles, options(dir.path()).await).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(replica.leadership().leader, None);
}
