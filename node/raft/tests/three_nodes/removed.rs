//! A removed node's key: from the moment of its removal it is nobody's, on connections that are there and on new ones.

use holdfast_proto::raft::{JoinRequest, PingRequest, RosterRequest, join_reply};
use holdfast_raft::{Goal, Replica};
use holdfast_storage::files::RealFiles;
use holdfast_storage::identity::Identity;

use crate::replicas::{deadline, node, peer_address, until, voters};
use crate::stranger::{Stranger, introduced, said};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_nodes_key_opens_nothing_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(&dir.path().join("1"), &[]).await;
    let second = node(&dir.path().join("2"), &[&first]).await;
    let third = node(&dir.path().join("3"), &[&first]).await;
    until("three voters", || [&first, &second, &third].iter().all(|node| voters(node) == 3)).await;
    let (cluster, removed) = (third.identity().cluster.to_string(), third.identity().node);
    let identity = Identity::read(&RealFiles, &dir.path().join("3/identity")).await.unwrap().unwrap();
    let thief = Stranger::with_secret(&identity.secret_key);

    let others: [&Replica; 2] = [&first, &second];
    let mut connections = Vec::new();
    for other in others {
        let mut client = thief.connect(&peer_address(other).await).await.unwrap();
        let ping = introduced(PingRequest::default(), &cluster, removed, other.identity().node);
        assert_eq!(said(client.ping(ping).await), "answered", "it is a member's key");
        connections.push(client);
    }

    assert!(first.change_members(Goal::Remove { node: removed }, deadline()).await.unwrap().is_done());
    assert_eq!(third.removed().await.node, removed);
    for (other, mut kept) in others.into_iter().zip(connections) {
        let id = other.identity().node;
        until("it knows of the removal", || other.member_keys().iter().all(|key| key.node != removed)).await;
        let told = said(kept.roster(introduced(RosterRequest {}, &cluster, removed, id)).await);
        let is_over = told.contains("was removed from the cluster") || told.starts_with("Unavailable");
        assert!(is_over || told.starts_with("Unknown"), "the connection that was there: {told}");

        let mut client = thief.connect(&peer_address(other).await).await.unwrap();
        let by_name = format!("FailedPrecondition: node {removed} was removed from the cluster");
        let ping = introduced(PingRequest::default(), &cluster, removed, id);
        assert_eq!(said(client.ping(ping).await), by_name);
        let roster = introduced(RosterRequest {}, &cluster, removed, id);
        assert_eq!(said(client.roster(roster).await), by_name, "nor who the others are");
        let back = JoinRequest {
            peer_address: "127.0.0.1:1".to_owned(),
            client_address: "nowhere:1".to_owned(),
            public_key: ed25519_dalek::SigningKey::from_bytes(&identity.secret_key)
                .verifying_key()
                .to_bytes()
                .to_vec()
                .into(),
            node: Some(removed),
            cluster: cluster.clone(),
            ..JoinRequest::default()
        };
        let answer = client.join(back).await.unwrap().into_inner().result;
        let Some(join_reply::Result::Refused(why)) = answer else { panic!("{answer:?}") };
        assert!(why.starts_with(&format!("node {removed} was removed")), "{why}");
    }
}
