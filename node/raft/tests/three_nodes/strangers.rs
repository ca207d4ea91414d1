//! Who is turned away at the peer port, and what he is told.

use holdfast_proto::raft::{JoinRequest, PingRequest, RosterRequest, join_reply};
use holdfast_raft::Replica;
use holdfast_storage::files::RealFiles;
use holdfast_storage::identity::Identity;

use crate::replicas::{node, peer_address, until, voters};
use crate::stranger::{Stranger, introduced, public_key, said};

/// What somebody is told who calls a node as a node.
async fn ping(stranger: &Stranger, address: &str, cluster: &str, from: u64, to: u64) -> String {
    match stranger.connect(address).await {
        Ok(mut client) => said(client.ping(introduced(PingRequest::default(), cluster, from, to)).await),
        Err(error) => error,
    }
}

async fn key_of(dir: &std::path::Path) -> Identity {
    Identity::read(&RealFiles, &dir.join("identity")).await.unwrap().unwrap()
}

fn named(replica: &Replica) -> String {
    replica.identity().cluster.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_member_that_is_who_it_says_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(&dir.path().join("1"), &[]).await;
    let second = node(&dir.path().join("2"), &[&first]).await;
    until("two voters", || voters(&first) == 2).await;
    let (address, cluster, id) = (peer_address(&first).await, named(&first), second.identity().node);

    let stranger = Stranger::with_key(9);
    let said = ping(&stranger, &address, &cluster, 77, 1).await;
    assert!(said.starts_with("Unauthenticated: node 77 is not a member of cluster"), "{said}");
    let said = ping(&stranger, &address, &cluster, id, 1).await;
    assert!(said.starts_with(&format!("Unauthenticated: this is not the key of node {id}")), "{said}");
    let said = ping(&stranger, &address, "7", id, 1).await;
    assert!(said.starts_with("FailedPrecondition: node 1 is of cluster"), "{said}");
    let mut client = stranger.connect(&address).await.unwrap();
    let said = said_of_roster(&mut client).await;
    assert!(said.starts_with("Unauthenticated: holdfast-cluster is missing"), "{said}");
    assert_eq!(voters(&first), 2);
}

async fn said_of_roster(
    client: &mut holdfast_proto::raft::peer_client::PeerClient<tonic::transport::Channel>,
) -> String {
    said(client.roster(RosterRequest {}).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_another_cluster_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(&dir.path().join("1"), &[]).await;
    let other = node(&dir.path().join("other"), &[]).await;
    let (address, cluster) = (peer_address(&first).await, named(&first));
    let identity = key_of(&dir.path().join("other")).await;
    let foreigner = Stranger::with_secret(&identity.secret_key);
    let said = ping(&foreigner, &address, &named(&other), 1, 1).await;
    let expected = format!("FailedPrecondition: node 1 is of cluster {cluster}, not of {}", named(&other));
    assert_eq!(said, expected);
    // And if it lies about that, its key does not.
    let said = ping(&foreigner, &address, &cluster, 1, 1).await;
    assert!(said.starts_with("Unauthenticated: this is not the key of node 1"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clients_certificate_opens_nothing_at_the_peer_port() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(&dir.path().join("1"), &[]).await;
    let address = peer_address(&first).await;
    for algorithm in [&rcgen::PKCS_ED25519, &rcgen::PKCS_ECDSA_P256_SHA256] {
        let said = Stranger::client(algorithm).refusal(&address).await;
        assert_eq!(said, "received fatal alert: AccessDenied");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_applicant_must_have_the_key_that_it_names() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(&dir.path().join("1"), &[]).await;
    let mut client = Stranger::with_key(9).connect(&peer_address(&first).await).await.unwrap();
    let request = |key| JoinRequest {
        peer_address: "127.0.0.1:1".to_owned(),
        client_address: "nowhere:1".to_owned(),
        public_key: public_key(key).into(),
        stays_learner: true,
        ..JoinRequest::default()
    };
    let said = said(client.join(request(8)).await);
    assert!(said.starts_with("Unauthenticated: the applicant has not shown the key"), "{said}");
    let own = client.join(request(9)).await.unwrap().into_inner().result;
    let Some(join_reply::Result::Admitted(admission)) = own else { panic!("{own:?}") };
    let roster = admission.roster.unwrap();
    let members: Vec<u64> = roster.members.iter().map(|member| member.node).collect();
    // The entry behind the one that gave the id, counted from one.
    assert_eq!((members, roster.index), (vec![1, admission.node], admission.node + 2));
}
