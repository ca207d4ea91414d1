//! A leader whose quorum is gone: it sends nobody away, names no leader, and knows how old its state is.

use std::time::Duration;

use futures_util::future::join_all;
use holdfast_proto::raft::{JoinRequest, join_reply};
use holdfast_raft::{Consistency, ReadError, Replica};
use tokio::time::Instant;

use crate::replicas::{come_back, deadline, node, peer_address, sign_up, until, voters};
use crate::stranger::{Stranger, public_key};

async fn join(address: &str, peer_address: &str, key: u8) -> join_reply::Result {
    let mut client = Stranger::with_key(key).connect(address).await.unwrap();
    let request = JoinRequest {
        peer_address: peer_address.to_owned(),
        client_address: "nowhere:1".to_owned(),
        public_key: public_key(key).into(),
        ..JoinRequest::default()
    };
    client.join(request).await.unwrap().into_inner().result.unwrap()
}

/// What somebody is told who says that he is node 1, which he is not.
async fn claim(address: &str, cluster: &str, key: u8) -> join_reply::Result {
    let mut client = Stranger::with_key(key).connect(address).await.unwrap();
    let request = JoinRequest {
        peer_address: "127.0.0.1:1".to_owned(),
        client_address: "nowhere:1".to_owned(),
        public_key: public_key(key).into(),
        node: Some(1),
        cluster: cluster.to_owned(),
        ..JoinRequest::default()
    };
    client.join(request).await.unwrap().into_inner().result.unwrap()
}

fn told_later(answer: join_reply::Result) -> String {
    let join_reply::Result::TryLater(why) = answer else { panic!("{answer:?}") };
    why
}

async fn read_stale(replica: &Replica, max_age: Duration) -> Result<Duration, ReadError> {
    let consistency = Consistency::Stale { max_age: Some(max_age) };
    replica.read(consistency, deadline(), |_| ()).await.map(|read| read.age)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_without_a_quorum_decides_nothing_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(&dir.path().join("1"), &[]).await;
    let second = node(&dir.path().join("2"), &[&first]).await;
    until("two voters", || voters(&first) == 2 && voters(&second) == 2).await;
    sign_up(&second, 1).await;
    let (address, address_of_second) = (peer_address(&first).await, peer_address(&second).await);
    // The promotion of the second may not be quite over.
    let wiped = loop {
        let answer = join(&address, &address_of_second, 9).await;
        if !matches!(answer, join_reply::Result::TryLater(_)) {
            break answer;
        }
    };
    assert!(matches!(wiped, join_reply::Result::Refused(_)), "{wiped:?}");
    for replica in [&first, &second] {
        assert!(read_stale(replica, Duration::from_secs(3)).await.is_ok());
        until("a leader", || replica.cluster().leadership.leader == Some(1)).await;
    }

    second.shut_down().await;
    let lost_at = Instant::now();
    // Neither somebody new, who would be admitted, nor somebody who would be refused, nor the same again.
    for (applicant, key) in [("127.0.0.1:1", 8), (&*address_of_second, 9), ("127.0.0.1:1", 8)] {
        let answer = join(&address, applicant, key).await;
        assert!(matches!(answer, join_reply::Result::TryLater(_)), "{applicant}: {answer:?}");
    }
    until("nobody leads", || first.cluster().leadership.leader.is_none()).await;
    assert!(!first.is_ready());
    let age = read_stale(&first, Duration::MAX).await.unwrap();
    assert!(age >= lost_at.elapsed() - Duration::from_secs(1), "{age:?}");
    let too_stale = read_stale(&first, Duration::from_millis(100)).await;
    assert!(matches!(too_stale, Err(ReadError::TooStale { age_ms: 100.. })), "{too_stale:?}");
}

/// Before that it may be further behind than what it had shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_again_says_how_far_it_is_once_a_quorum_has_confirmed_it() {
    let dir = tempfile::tempdir().unwrap();
    let (alone, first) = (node(&dir.path().join("0"), &[]).await, node(&dir.path().join("1"), &[]).await);
    let second = node(&dir.path().join("2"), &[&first]).await;
    until("two voters", || voters(&first) == 2 && voters(&second) == 2).await;
    read_stale(&alone, Duration::MAX).await.unwrap();
    let shown = alone.shown();
    assert!(shown > Some(0), "{shown:?}");
    for replica in [alone, second, first] {
        replica.shut_down().await;
    }

    let first = come_back(&dir.path().join("1")).await;
    let (consistency, soon) =
        (Consistency::Stale { max_age: None }, Instant::now() + Duration::from_millis(300));
    assert_eq!(first.read(consistency, soon, |_| ()).await.err(), Some(ReadError::Unavailable));
    let ((), index) = first.look(|_| ()).unwrap();
    assert!(index > 0 && first.shown().is_none(), "its rows are there, and it does not say so");

    let alone = come_back(&dir.path().join("0")).await;
    read_stale(&alone, Duration::MAX).await.unwrap();
    assert!(alone.shown() >= shown, "{:?}", alone.shown());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_who_wait_for_an_answer_keep_nobody_out_and_are_not_many() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(&dir.path().join("1"), &[]).await;
    let second = node(&dir.path().join("2"), &[&first]).await;
    until("two voters", || voters(&first) == 2 && voters(&second) == 2).await;
    let (address, cluster) = (peer_address(&first).await, first.identity().cluster.to_string());
    // Whoever asks now is answered a second later.
    second.shut_down().await;
    let (stranger, applicant) = tokio::join!(claim(&address, &cluster, 7), join(&address, "127.0.0.1:1", 8));
    for told in [stranger, applicant].map(told_later) {
        assert!(told.contains("no quorum confirms"), "nobody is at work: {told}");
    }
    let told = join_all((10..40).map(|key| claim(&address, &cluster, key))).await;
    let too_many =
        told.into_iter().map(told_later).filter(|told| told.contains("too many nodes ask")).count();
    assert!((1..30).contains(&too_many), "{too_many}");
}
