//! Nodes change their keys: nobody notices, and nobody is locked out.

use std::time::Duration;

use holdfast_proto::raft::{Admission, JoinRequest, join_reply};
use holdfast_raft::{ChangeKeyError, Goal, Node, NodeOptions, Replica, Wish, start};
use holdfast_reservations::{NodeKey, ReadTyped as _};
use holdfast_storage::files::RealFiles;
use holdfast_storage::identity::Identity;
use tokio::time::Instant;

use crate::replicas::{Way, come_back, deadline, find, node, options, peer_address, sign_up, until, voters};
use crate::stranger::{Stranger, public_key};

/// Whether a node's own key is the one that another knows.
fn knows(node: &Replica, other: &Replica) -> bool {
    let own = other.own_key().signing_key.verifying_key().to_bytes();
    node.member_keys().iter().any(|key| key.node == other.identity().node && key.public_key == own)
}

/// Once all are heard of, a key can be changed.
async fn change(node: &Replica) -> u32 {
    loop {
        match node.change_key(deadline()).await {
            Ok(generation) => return generation,
            Err(ChangeKeyError::Away(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_changes_its_key_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(&dir.path().join("1"), &[]).await;
    let second = node(&dir.path().join("2"), &[&first]).await;
    let third = node(&dir.path().join("3"), &[&first]).await;
    let nodes = [&first, &second, &third];
    until("three voters", || nodes.iter().all(|node| voters(node) == 3)).await;
    for (number, node) in (0..).zip(nodes) {
        assert_eq!(change(node).await, 2);
        until("all know", || nodes.iter().all(|other| knows(other, node))).await;
        let writers = nodes.map(|asked| async move {
            let guest = number * 10 + asked.identity().node;
            (guest, sign_up(asked, guest).await)
        });
        for writer in writers {
            let (guest, id) = writer.await;
            assert_eq!(find(node, guest).await, Some(id));
        }
        let key = (node.identity().node, 1);
        let (is_known, _) = node.look(|view| view.row::<NodeKey>(key).is_some()).unwrap();
        assert!(is_known, "what the old key has signed can be verified");
    }
}

/// A member that nobody ever hears of.
async fn join_and_vanish(at: &Replica) -> u64 {
    let mut client = Stranger::with_key(9).connect(&peer_address(at).await).await.unwrap();
    let request = JoinRequest {
        peer_address: "127.0.0.1:1".to_owned(),
        client_address: "nowhere:1".to_owned(),
        public_key: public_key(9).into(),
        stays_learner: true,
        ..JoinRequest::default()
    };
    loop {
        match client.join(request.clone()).await.unwrap().into_inner().result {
            Some(join_reply::Result::Admitted(Admission { node, .. })) => return node,
            // The founding may not be over, or the leader is at work.
            Some(join_reply::Result::TryLater(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_changes_while_somebody_is_away_who_would_not_know_it() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(&dir.path().join("1"), &[]).await;
    let away = join_and_vanish(&first).await;
    until("it is a member", || first.member_keys().len() == 2).await;
    let refused = first.change_key(Instant::now() + Duration::from_secs(1)).await;
    assert_eq!(refused, Err(ChangeKeyError::Away(vec![away])));
    let identity = Identity::read(&RealFiles, &dir.path().join("1/identity")).await.unwrap().unwrap();
    assert_eq!((identity.key_generation, identity.next_key), (1, None), "nothing was begun");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_a_crash_broke_off_is_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1/identity");
    let read = async || Identity::read(&RealFiles, &path).await.unwrap().unwrap();
    let first = node(&dir.path().join("1"), &[]).await;
    first.shut_down().await;
    // It had kept the next key, and perhaps published it.
    let begun = Identity { next_key: Some([7; 32]), ..read().await };
    begun.write(&RealFiles, &path).await.unwrap();
    let first = come_back(&dir.path().join("1")).await;
    until("the next key is in use", || first.own_key().generation == 2 && knows(&first, &first)).await;
    assert_eq!((read().await.secret_key, read().await.next_key), ([7; 32], None));
    first.shut_down().await;
    // It had taken the key into use, and the membership had not got it.
    let used = Identity { secret_key: [8; 32], key_generation: 3, ..read().await };
    used.write(&RealFiles, &path).await.unwrap();
    let first = come_back(&dir.path().join("1")).await;
    until("the membership has it", || knows(&first, &first)).await;
}

/// A folder whose flags still name the cluster comes back as the node that it is, however far its change of keys has come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_comes_back_amid_a_change_of_its_key_and_asks_whether_it_may() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, path) = (dir.path().join("2"), dir.path().join("2/identity"));
    let read = async || Identity::read(&RealFiles, &path).await.unwrap().unwrap();
    let first = node(&dir.path().join("1"), &[]).await;
    let way = Way::open().await;
    let again = async |first: &Replica| {
        let (known, join) = (options(&folder).await, vec![peer_address(first).await]);
        way.leads_to(known.peer_listener.address());
        let peer_advertise = way.address.clone();
        let options = NodeOptions { join, peer_advertise, stays_learner: true, ..known };
        let Node { replica } = start(RealFiles, options).await.unwrap();
        replica
    };
    let second = again(&first).await;
    let own = second.identity();
    until("its key is published", || knows(&first, &second)).await;
    second.shut_down().await;
    drop(second);

    // Its next key is kept, and no further than published: somebody is away who would not know it.
    let away = join_and_vanish(&first).await;
    let begun = Identity { next_key: Some([7; 32]), ..read().await };
    begun.write(&RealFiles, &path).await.unwrap();
    let second = again(&first).await;
    let is_published = || {
        let row = first.look(|view| view.row::<NodeKey>((own.node, 2)).is_some());
        row.is_ok_and(|(is_published, _)| is_published)
    };
    until("the next key is published", is_published).await;
    assert_eq!((second.identity(), second.own_key().generation), (own, 1));
    second.shut_down().await;
    drop(second);

    // It has taken the key into use, and the membership has the one before.
    let used = Identity { secret_key: [7; 32], key_generation: 2, next_key: None, ..read().await };
    used.write(&RealFiles, &path).await.unwrap();
    let second = again(&first).await;
    assert_eq!((second.identity(), second.own_key().generation), (own, 2));
    until("the membership has it", || knows(&first, &second)).await;
    assert!(first.change_members(Goal::Remove { node: away }, deadline()).await.unwrap().is_done());
    assert_eq!(change(&second).await, 3, "and it can change it again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_keys_keeps_what_is_wanted_of_its_node() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(&dir.path().join("1"), &[]).await;
    let second = node(&dir.path().join("2"), &[&first]).await;
    let third = node(&dir.path().join("3"), &[&first]).await;
    until("three voters", || [&first, &second, &third].iter().all(|node| voters(node) == 3)).await;
    let node = third.identity().node;
    for round in 0..4 {
        let (goal, wish) = match round % 2 {
            0 => (Goal::Drain { node }, Wish::Learns),
            _ => (Goal::Promote { node }, Wish::Votes),
        };
        let (changed, _) = tokio::join!(first.change_members(goal, deadline()), change(&third));
        assert!(changed.unwrap().is_done());
        until("its key is known", || knows(&first, &third)).await;
        let nodes = first.cluster().nodes;
        let known = nodes.iter().find(|known| known.id == node).unwrap();
        assert_eq!(known.wish, wish, "round {round}");
    }
}
