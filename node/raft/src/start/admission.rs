//! Finds out which node a data folder is, and asks a cluster to let it in.

use std::path::Path;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use holdfast_proto::raft as wire;
use holdfast_proto::raft::peer_client::PeerClient;
use holdfast_storage::files::{Files, create_dir_durably};
use holdfast_storage::identity::{ClusterId, Identity, Membership as NodeIdentity};
use openraft::AsyncRuntime as _;
use rand::Rng as _;

use super::{FIRST_NODE, NodeOptions, StartError};
use crate::net;
use crate::runtime::Runtime;
use crate::types::Member;

/// Between two rounds of asking to be let in.
const JOIN_INTERVAL: Duration = Duration::from_millis(300);

/// One member's answer to an applicant.
const JOIN_REPLY_DURATION_MAX: Duration = Duration::from_secs(5);

/// How long a folder that has an identity asks whether it may still come back, before it just does.
const REJOIN_DURATION_MAX: Duration = Duration::from_secs(3);

/// A node that may found asks so many rounds first: a cluster that is only slow to answer must not get a second one
/// beside it.
const FOUNDING_ROUNDS: u32 = 3;

/// Which node a folder is.
pub(super) struct Settled {
    pub identity: Identity,
    pub own: NodeIdentity,
    /// It was none before.
    pub is_new: bool,
}

/// Finds out which node this is; asks to be let in, or founds, if it is none yet.
pub(super) async fn settle_identity<F: Files>(
    files: &F,
    options: &NodeOptions,
    path: &Path,
) -> Result<Settled, StartError> {
    create_dir_durably(files, &options.data_dir).await?;
    let known = Identity::read(files, path).await?;
    let is_node = known.as_ref().is_some_and(|identity| identity.membership.is_some());
    if !is_node && !options.init && others(options).is_empty() {
        return Err(StartError::NothingToDo(options.data_dir.display().to_string()));
    }
    let identity = match known {
        Some(identity) => identity,
        None => {
            // Kept before anybody hears of it: the same folder asks again under the same key.
            let identity = new_identity();
            identity.write(files, path).await?;
            identity
        }
    };
    if let Some(own) = identity.membership {
        ask_to_come_back(options, &identity, own).await?;
        return Ok(Settled { identity, own, is_new: false });
    }
    let joined = match (options.init, options.join.is_empty()) {
        // A cluster that is already there is joined; there must never be a second one.
        (true, false) => ask_before_founding(options, &identity).await?,
        (true, true) => None,
        (false, _) => Some(ask_to_join(options, &identity).await?),
    };
    let own = joined.unwrap_or_else(|| {
        let cluster = ClusterId(u128::from(random()) << 64 | u128::from(random()));
        NodeIdentity { cluster, node: FIRST_NODE }
    });
    Ok(Settled { identity, own, is_new: true })
}

fn new_identity() -> Identity {
    let mut secret_key = [0; 32];
    for chunk in secret_key.chunks_mut(8) {
        chunk.copy_from_slice(&random().to_le_bytes());
    }
    Identity { membership: None, secret_key, key_generation: 1 }
}

fn random() -> u64 {
    Runtime::thread_rng().next_u64()
}

pub(super) fn own_member(options: &NodeOptions, key: &SigningKey) -> Member {
    Member {
        peer_address: own_address(options),
        client_address: options.client_advertise.clone(),
        public_key: key.verifying_key().to_bytes(),
        stays_learner: options.stays_learner,
        leaving: None,
    }
}

fn own_address(options: &NodeOptions) -> String {
    match options.peer_advertise.as_str() {
        "" => options.peer_listener.address().to_string(),
        address => address.to_owned(),
    }
}

/// What a member says to an applicant.
enum JoinAnswer {
    Admitted(NodeIdentity),
    Refused(String),
    TryLater(String),
    /// Nobody listens there, or the way there is cut.
    OutOfReach(String),
}

/// What came of asking everybody once.
enum Round {
    Admitted(NodeIdentity),
    /// Somebody is there, and said this.
    TryLater(String),
    /// Nobody was there.
    OutOfReach(String),
}

/// Asks every member in turn, again and again, until one decides.
async fn ask_to_join(options: &NodeOptions, identity: &Identity) -> Result<NodeIdentity, StartError> {
    let mut last_said = String::new();
    loop {
        let said = match ask_all(options, identity).await? {
            Round::Admitted(own) => return Ok(own),
            Round::TryLater(said) | Round::OutOfReach(said) => said,
        };
        if said != last_said {
            tracing::info!(said, "waiting to be let in");
            last_said = said;
        }
        tokio::time::sleep(JOIN_INTERVAL).await;
    }
}

/// Asks whether there is a cluster to join; `None` if nobody was there to ask, round after round.
async fn ask_before_founding(
    options: &NodeOptions,
    identity: &Identity,
) -> Result<Option<NodeIdentity>, StartError> {
    for _ in 0..FOUNDING_ROUNDS {
        match ask_all(options, identity).await? {
            Round::Admitted(own) => return Ok(Some(own)),
            Round::TryLater(_) => return ask_to_join(options, identity).await.map(Some),
            Round::OutOfReach(said) => tracing::info!(said, "no cluster to join so far"),
        }
        tokio::time::sleep(JOIN_INTERVAL).await;
    }
    Ok(None)
}

async fn ask_all(options: &NodeOptions, identity: &Identity) -> Result<Round, StartError> {
    let mut said = Vec::new();
    let mut is_anybody_there = false;
    for peer in others(options) {
        let why = match ask(options, identity, peer).await {
            JoinAnswer::Admitted(own) => return Ok(Round::Admitted(own)),
            JoinAnswer::Refused(why) => return Err(StartError::Refused(why)),
            JoinAnswer::OutOfReach(why) => why,
            JoinAnswer::TryLater(why) => {
                is_anybody_there = true;
                why
            }
        };
        said.push(format!("{peer}: {why}"));
    }
    let said = said.join("; ");
    Ok(if is_anybody_there { Round::TryLater(said) } else { Round::OutOfReach(said) })
}

/// A folder that is a node already asks whether it still is one. Silence is no objection.
async fn ask_to_come_back(
    options: &NodeOptions,
    identity: &Identity,
    own: NodeIdentity,
) -> Result<(), StartError> {
    // All at once: one that says nothing must not use up the time of the others.
    let mut answers: FuturesUnordered<_> =
        others(options).into_iter().map(|peer| ask(options, identity, peer)).collect();
    let asked = async {
        while let Some(answer) = answers.next().await {
            match answer {
                JoinAnswer::Refused(why) => return Err(StartError::Refused(why)),
                JoinAnswer::Admitted(_) => return Ok(()),
                JoinAnswer::TryLater(_) | JoinAnswer::OutOfReach(_) => (),
            }
        }
        Ok(())
    };
    match tokio::time::timeout(REJOIN_DURATION_MAX, asked).await {
        Ok(answer) => answer,
        Err(_) => {
            tracing::info!(node = own.node, "coming back without asking: no member answered");
            Ok(())
        }
    }
}

/// Whom to ask: the same list may be given to every node of a cluster.
fn others(options: &NodeOptions) -> Vec<&str> {
    let own_address = own_address(options);
    options.join.iter().map(String::as_str).filter(|peer| *peer != own_address).collect()
}

async fn ask(options: &NodeOptions, identity: &Identity, peer: &str) -> JoinAnswer {
    let channel = match net::connected(options.machine.network.clone(), peer).await {
        Ok(Ok(channel)) => channel,
        Ok(Err(error)) => return JoinAnswer::OutOfReach(format!("out of reach: {error}")),
        // Not even an address: that says nothing about the cluster it was to name.
        Err(error) => return JoinAnswer::TryLater(error.to_string()),
    };
    let key = SigningKey::from_bytes(&identity.secret_key);
    let Member { peer_address, client_address, public_key, stays_learner, leaving: _ } =
        own_member(options, &key);
    let request = wire::JoinRequest {
        peer_address,
        client_address,
        public_key: public_key.to_vec().into(),
        stays_learner,
        node: identity.membership.map(|own| own.node),
        cluster: identity.membership.map_or_else(String::new, |own| own.cluster.to_string()),
    };
    let mut client = PeerClient::new(channel);
    let reply = match tokio::time::timeout(JOIN_REPLY_DURATION_MAX, client.join(request)).await {
        Ok(Ok(reply)) => reply.into_inner(),
        Ok(Err(status)) => return JoinAnswer::TryLater(status.message().to_owned()),
        Err(_) => return JoinAnswer::TryLater("no answer".to_owned()),
    };
    match reply.result {
        Some(wire::join_reply::Result::Admitted(admission)) => match admission.cluster.parse() {
            Ok(cluster) => JoinAnswer::Admitted(NodeIdentity { cluster, node: admission.node }),
            Err(_) => JoinAnswer::TryLater("the answer is damaged".to_owned()),
        },
        Some(wire::join_reply::Result::Refused(why)) => JoinAnswer::Refused(why),
        Some(wire::join_reply::Result::TryLater(why)) => JoinAnswer::TryLater(why),
        None => JoinAnswer::TryLater("the answer is empty".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use holdfast_storage::simulated::SimulatedDisk;
    use holdfast_storage::sorted_map::SortedMaps;
    use tokio_stream::wrappers::ReceiverStream;

    use super::*;
    use crate::net::{Connection, Frozen, Listener, NetFuture, Network};
    use crate::runtime::{Machine, Placement, SystemClock};
    use crate::settings::RaftSettings;

    /// A network with one other machine, and how often it was called.
    struct Other(OtherIs, AtomicUsize);

    #[derive(Clone, Copy, PartialEq)]
    enum OtherIs {
        Gone,
        Frozen,
        NoMember,
    }

    impl Network for Other {
        fn connect<'a>(&'a self, _address: &'a str) -> NetFuture<'a, Connection> {
            self.1.fetch_add(1, Ordering::Relaxed);
            let is = self.0;
            Box::pin(async move {
                match is {
                    OtherIs::Gone => Err(io::ErrorKind::ConnectionRefused.into()),
                    OtherIs::Frozen => Frozen.connect("").await,
                    OtherIs::NoMember => {
                        let (ours, theirs) = tokio::io::duplex(1 << 16);
                        let (sender, accepted) = tokio::sync::mpsc::channel(1);
                        let connection = Ok::<_, io::Error>(Connection::over(theirs, None));
                        sender.try_send(connection).unwrap();
                        let mut server = tonic::transport::Server::builder();
                        let server = server.add_routes(tonic::service::Routes::default());
                        drop(tokio::spawn(server.serve_with_incoming(ReceiverStream::new(accepted))));
                        Ok(Connection::over(ours, None))
                    }
                }
            })
        }

        fn listen<'a>(&'a self, _address: &'a str) -> NetFuture<'a, Box<dyn Listener>> {
            Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
        }
    }

    struct Ear;

    impl Listener for Ear {
        fn accept(&mut self) -> NetFuture<'_, Connection> {
            Box::pin(std::future::pending())
        }

        fn address(&self) -> std::net::SocketAddr {
            ([127, 0, 0, 1], 3001).into()
        }
    }

    struct Nobody;

    impl crate::store::Observer for Nobody {
        fn applied(&self, _: &[holdfast_reservations::Applied]) {}
        fn replaced(&self) {}
    }

    /// What a node that may found does within a minute, and how often it called the other one.
    async fn founding(other: OtherIs, join: &str) -> (&'static str, usize) {
        let network = Arc::new(Other(other, AtomicUsize::new(0)));
        let options = NodeOptions {
            data_dir: "/data".into(),
            init: true,
            join: join.split(',').map(str::to_owned).collect(),
            stays_learner: false,
            peer_advertise: String::new(),
            client_advertise: String::new(),
            peer_listener: Box::new(Ear),
            settings: RaftSettings::default(),
            machine: Machine {
                clock: Arc::new(SystemClock),
                network: network.clone(),
                placement: Placement::Tasks,
            },
            opener: Arc::new(SortedMaps(SimulatedDisk::new(1))),
            observer: Arc::new(Nobody),
        };
        let identity = new_identity();
        let asked = ask_before_founding(&options, &identity);
        let done = match tokio::time::timeout(Duration::from_secs(60), asked).await {
            Ok(Ok(None)) => "founds",
            Ok(Ok(Some(_))) => "joins",
            Ok(Err(_)) => "is refused",
            Err(_) => "waits",
        };
        (done, network.1.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn a_cluster_is_founded_only_where_nobody_listens_again_and_again() {
        assert_eq!(founding(OtherIs::Gone, "other:3001").await, ("founds", 3));
        assert_eq!(founding(OtherIs::Gone, "127.0.0.1:3001,other:3001").await, ("founds", 3));
        let (done, _) = founding(OtherIs::Frozen, "other:3001").await;
        assert_eq!(done, "waits", "it is there, and may answer later");
        let (done, _) = founding(OtherIs::NoMember, "other:3001").await;
        assert_eq!(done, "waits", "whatever it says, it is there");
    }
}
