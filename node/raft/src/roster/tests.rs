//! Who is believed to be whom, and for how long.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use holdfast_storage::identity::ClusterId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::net::{Connection, OtherEnd, sever_after};
use crate::types::Member;

fn seen(index: u64, members: &[(u64, u8)]) -> Seen {
    let member =
        |key: u8| Member { public_key: [key; 32], peer_address: format!("host:{key}"), ..Member::default() };
    let nodes: BTreeMap<u64, Member> = members.iter().map(|(node, key)| (*node, member(*key))).collect();
    let voters: BTreeSet<u64> = nodes.keys().copied().collect();
    Seen { index, membership: Arc::new(Membership::new(vec![voters], nodes).unwrap()) }
}

/// Node 1, what it sees, and what nodes have published.
struct Stage {
    roster: Arc<Roster>,
    seen: watch::Sender<Seen>,
    published: Arc<Mutex<Vec<(u64, u32, u8)>>>,
}

fn stage(members: &[(u64, u8)]) -> Stage {
    let (sender, receiver) = watch::channel(seen(10, members));
    let published: Arc<Mutex<Vec<(u64, u32, u8)>>> = Arc::default();
    let rows = published.clone();
    let keys = move |node| {
        let rows = rows.lock().unwrap();
        rows.iter().filter(|row| row.0 == node).map(|row| (row.1, [row.2; 32])).collect()
    };
    let own = NodeIdentity { cluster: ClusterId(7), node: 1 };
    let roster = Arc::new(Roster::new(own, receiver, None, Arc::new(keys)));
    Stage { roster, seen: sender, published }
}

impl Stage {
    /// What a caller is told who shows a key and calls itself a node.
    fn says(&self, key: u8, from: u64) -> String {
        let caller = OtherEnd { remote: None, key: Some([key; 32]) };
        self.roster.check(from, caller).err().map_or_else(String::new, |status| status.message().to_owned())
    }

    fn told(&self, index: u64, members: &[(u64, u8)]) {
        let peer = |(node, key): &(u64, u8)| Introduction {
            node: *node,
            public_key: [*key; 32],
            peer_address: format!("told:{key}"),
        };
        self.roster.believe(&Introduced { index, peers: members.iter().map(peer).collect() });
    }
}

#[test]
fn each_refusal_says_what_is_wrong_with_the_key() {
    let stage = stage(&[(1, 1), (5, 5)]);
    assert_eq!(stage.says(5, 5), "");
    assert!(
        stage.says(5, 1).starts_with("node 5 of cluster")
            && stage.says(5, 1).ends_with("calls itself node 1")
    );
    assert!(stage.says(9, 5).starts_with("this is not the key of node 5"), "{}", stage.says(9, 5));
    let removed = stage.says(9, 9);
    assert!(removed.starts_with("node 9 is not a member") && removed.contains("removed"), "{removed}");
    let nothing = stage.roster.check(5, OtherEnd::default()).unwrap_err();
    assert_eq!(nothing.message(), "only nodes call here");
}

#[tokio::test(start_paused = true)]
async fn a_removed_nodes_connection_is_cut_at_once() {
    let stage = stage(&[(1, 1), (5, 5)]);
    let (ours, mut theirs) = tokio::io::duplex(64);
    let roster = stage.roster.clone();
    let lifetime = async move { roster.lifetime([5; 32]).await };
    let mut connection = sever_after(Connection::over(ours, None), lifetime);
    theirs.write_all(b"x").await.unwrap();
    assert_eq!(connection.read_u8().await.unwrap(), b'x');
    let began_at = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let reading = tokio::spawn(async move { connection.read_u8().await.map_err(|error| error.kind()) });
    tokio::task::yield_now().await;
    stage.seen.send_replace(seen(11, &[(1, 1)]));
    assert_eq!(reading.await.unwrap(), Err(std::io::ErrorKind::ConnectionAborted));
    assert_eq!(began_at.elapsed(), Duration::from_secs(3600), "at once, and not before");
    assert_ne!(stage.says(5, 5), "");
}

#[tokio::test(start_paused = true)]
async fn a_stranger_has_a_little_while_and_as_long_as_it_likes_once_it_is_let_in() {
    let stage = stage(&[(1, 1)]);
    let began_at = tokio::time::Instant::now();
    stage.roster.lifetime([5; 32]).await;
    assert_eq!(began_at.elapsed(), STRANGER_DURATION_MAX);
    let roster = stage.roster.clone();
    let let_in = tokio::spawn(async move { roster.lifetime([5; 32]).await });
    tokio::task::yield_now().await;
    stage.seen.send_replace(seen(11, &[(1, 1), (5, 5)]));
    tokio::time::sleep(STRANGER_DURATION_MAX * 10).await;
    assert!(!let_in.is_finished());
}

#[test]
fn while_a_key_changes_both_are_taken_and_afterwards_the_new_one() {
    let stage = stage(&[(1, 1), (5, 5)]);
    stage.published.lock().unwrap().extend([(5, 1, 5), (5, 2, 6)]);
    assert_eq!((stage.says(5, 5), stage.says(6, 5)), (String::new(), String::new()));
    let lets_in = |generation| stage.roster.published_key(5, generation).is_some();
    assert_eq!((lets_in(1), lets_in(2)), (true, true));
    stage.seen.send_replace(seen(11, &[(1, 1), (5, 6)]));
    assert_eq!((lets_in(1), lets_in(2)), (false, true), "it may have been changed because it leaked");
    assert!(stage.says(5, 5).starts_with("this is not the key of node 5"));
    assert_eq!(stage.says(6, 5), "");
    // Publishing alone makes nobody a member.
    stage.published.lock().unwrap().push((9, 1, 9));
    assert!(stage.says(9, 9).starts_with("node 9 is not a member"));
}

#[test]
fn what_others_tell_counts_until_the_own_log_has_come_as_far() {
    let stage = stage(&[(1, 1), (5, 5)]);
    assert!(stage.says(9, 9).starts_with("node 9 is not a member"));
    stage.told(9, &[(9, 9)]);
    assert!(stage.says(9, 9).starts_with("node 9 is not a member"), "older than what is known");
    stage.told(20, &[(1, 1), (5, 6), (9, 9)]);
    assert_eq!((stage.says(9, 9), stage.says(6, 5)), (String::new(), String::new()));
    assert_eq!(stage.roster.find(9).unwrap().peer_address, "told:9");
    assert_eq!(stage.roster.find(5).unwrap().peer_address, "host:5");
    stage.seen.send_replace(seen(20, &[(1, 1), (5, 6)]));
    assert!(stage.says(9, 9).starts_with("node 9 is not a member"), "it has come and gone since");
}
