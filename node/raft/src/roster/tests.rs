//! Who is believed to be whom, and for how long.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use holdfast_storage::identity::ClusterId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::net::{Connection, OtherEnd, sever_after};
use crate::types::{LeaderId, LogId, Member, StoredMembership};

fn seen(index: u64, members: &[(u64, u8)]) -> Seen {
    let member =
        |key: u8| Member { public_key: [key; 32], peer_address: format!("host:{key}"), ..Member::default() };
    let nodes: BTreeMap<u64, Member> = members.iter().map(|(node, key)| (*node, member(*key))).collect();
    let voters: BTreeSet<u64> = nodes.keys().copied().collect();
    let membership = Membership::new(vec![voters], nodes).unwrap();
    let id = LogId::new(LeaderId { term: 1, node_id: 1 }, index - 1);
    let committed = Arc::new(StoredMembership::new(Some(id), membership.clone()));
    Seen { index, membership: Arc::new(membership), committed }
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
        self.roster.believe(&introduced(index, members));
    }
}

fn introduced(index: u64, members: &[(u64, u8)]) -> Introduced {
    let peer = |(node, key): &(u64, u8)| Introduction {
        node: *node,
        public_key: [*key; 32],
        peer_address: format!("told:{key}"),
    };
    Introduced { index, peers: members.iter().map(peer).collect() }
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
    let lifetime = async move { roster.while_member([5; 32]).await };
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

#[test]
fn what_is_told_no_more_is_believed_no_more() {
    let stage = stage(&[(1, 1), (5, 5)]);
    stage.told(u64::MAX, &[(9, 9)]);
    assert_eq!(stage.says(9, 9), "");
    stage.roster.believe_instead(&introduced(20, &[(1, 1), (5, 5), (7, 7)]));
    assert_eq!(stage.says(7, 7), "");
    assert!(stage.says(9, 9).starts_with("node 9 is not a member"), "nobody says so any more");
    assert!(stage.roster.is_told());
    stage.roster.believe_instead(&introduced(10, &[(1, 1), (5, 5)]));
    assert!(stage.says(7, 7).starts_with("node 7 is not a member"));
    assert!(!stage.roster.is_told(), "there is nothing to ask about");
}

#[test]
fn others_are_told_of_what_is_committed() {
    let stage = stage(&[(1, 1), (5, 5)]);
    let committed = stage.seen.borrow().committed.clone();
    stage.seen.send_replace(Seen { committed, ..seen(11, &[(1, 1), (5, 5), (9, 9)]) });
    assert_eq!(stage.says(9, 9), "", "it talks to them before that");
    let told = stage.roster.to_introduced();
    assert_eq!((told.index, told.peers.len()), (10, 2));
}
