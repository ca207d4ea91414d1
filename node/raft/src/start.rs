//! Opens a data folder and takes part in a cluster: founds one, joins one, or comes back to one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use holdfast_proto::raft as wire;
use holdfast_proto::raft::peer_client::PeerClient;
use holdfast_storage::engine::OpenEngine;
use holdfast_storage::files::{Files, create_dir_durably};
use holdfast_storage::generations::{Generations, GenerationsError};
use holdfast_storage::identity::{ClusterId, Identity, IdentityError, Membership as NodeIdentity};
use holdfast_storage::log::{Log, LogOptions, OpenError};
use holdfast_storage::snapshots::{SnapshotError, Snapshots};
use openraft::AsyncRuntime as _;
use rand::Rng as _;
use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;

use crate::agreed_time::AgreedTime;
use crate::compaction;
use crate::freshness::Freshness;
use crate::members::Members;
use crate::net::{self, Connection, Listener};
use crate::peers::Peers;
use crate::proposals::{HandOver, HandOverParts, Proposer, ProposerParts, Room, Stamper, Waiting};
use crate::pulse::{Pulse, Table};
use crate::reads::{ReadIndex, ReadParts};
use crate::replica::{Replica, ReplicaParts};
use crate::runtime::{Machine, Placement, Runtime, spawn};
use crate::server::{PeerParts, PeerService};
use crate::settings::RaftSettings;
use crate::store::{Applier, ApplierParts, LogStore, Observer, Progress, StateStore, StoredLibrary};
use crate::transport::Transport;
use crate::types::{Member, Membership, Raft};
use crate::watch::Watches;

/// The one Raft group there is so far.
const GROUP: u32 = 0;

/// The id of a cluster's first node.
const FIRST_NODE: u64 = 1;

/// Between two rounds of asking to be let in.
const JOIN_INTERVAL: Duration = Duration::from_millis(300);

/// One member's answer to an applicant.
const JOIN_REPLY_DURATION_MAX: Duration = Duration::from_secs(5);

/// How long a folder that has an identity asks whether it may still come back, before it just does.
const REJOIN_DURATION_MAX: Duration = Duration::from_secs(3);

/// Connections accepted and not yet served.
const ACCEPTED_MAX: usize = 64;

/// How a node is to take part.
pub struct NodeOptions {
    /// Its data folder.
    pub data_dir: PathBuf,
    /// Found a cluster, if the folder is empty.
    pub init: bool,
    /// Peer addresses of a cluster to join, if the folder is empty.
    pub join: Vec<String>,
    /// Stay a learner.
    pub stays_learner: bool,
    /// HOST:PORT that other nodes are told; the address of `peer_listener` if empty.
    pub peer_advertise: String,
    /// HOST:PORT that clients are told.
    pub client_advertise: String,
    /// Where other nodes connect.
    pub peer_listener: Box<dyn Listener>,
    /// Sizes.
    pub settings: RaftSettings,
    /// The machine.
    pub machine: Machine,
    /// Opens row stores.
    pub opener: Arc<dyn OpenEngine>,
    /// Is told of every applied entry.
    pub observer: Arc<dyn Observer>,
}

/// A node that takes part.
pub struct Node {
    /// Its replica.
    pub replica: Replica,
    /// Its signing key, and which of its keys that is.
    pub signing_key: SigningKey,
    /// See [`Identity::key_generation`].
    pub key_generation: u32,
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder is empty and nothing says what to do with it.
    #[error(
        "{0} is empty: say --init to found a cluster, or --join PEER,.. to join one. A node that was here before has \
         lost its data"
    )]
    NothingToDo(String),
    /// The cluster does not want this folder.
    #[error("{0}")]
    Refused(String),
    /// The folder has lost what the node had acknowledged.
    #[error(
        "node {node} must not take part any more: {cause}. Put its data back, or replace it by a new node: \
         holdfast cluster replace {node}"
    )]
    LostAcknowledged {
        /// Which node.
        node: u64,
        /// What is lost.
        cause: String,
    },
    /// The identity cannot be told.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The log cannot be opened.
    #[error(transparent)]
    Log(OpenError),
    /// The rows cannot be opened.
    #[error(transparent)]
    Generations(#[from] GenerationsError),
    /// The snapshots cannot be opened.
    #[error(transparent)]
    Snapshots(#[from] SnapshotError),
    /// Something else failed.
    #[error("{0}")]
    Other(String),
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

/// Starts to take part.
///
/// # Errors
///
/// See [`StartError`]. Joining goes on until a member answers.
pub async fn start<F: Files>(files: F, options: NodeOptions) -> Result<Node, StartError> {
    let path = options.data_dir.join("identity");
    let Settled { mut identity, own, is_new } = settle_identity(&files, &options, &path).await?;
    let log = open_log(&files, &options.data_dir, own, is_new, options.machine.placement).await?;
    if is_new {
        // Only now that there is a log: from here on an identity without one has lost it.
        identity.membership = Some(own);
        identity.write(&files, &path).await?;
    }
    let signing_key = SigningKey::from_bytes(&identity.secret_key);
    let key_generation = identity.key_generation;
    let member = own_member(&options, &signing_key);
    let replica = take_part(files, options, own, member, log).await?;
    Ok(Node { replica, signing_key, key_generation })
}

/// Which node a folder is.
struct Settled {
    identity: Identity,
    own: NodeIdentity,
    /// It was none before.
    is_new: bool,
}

/// Finds out which node this is; asks to be let in, or founds, if it is none yet.
async fn settle_identity<F: Files>(
    files: &F,
    options: &NodeOptions,
    path: &Path,
) -> Result<Settled, StartError> {
    create_dir_durably(files, &options.data_dir).await?;
    let identity = match Identity::read(files, path)? {
        Some(identity) => identity,
        None if !options.init && options.join.is_empty() => {
            return Err(StartError::NothingToDo(options.data_dir.display().to_string()));
        }
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
        (true, false) => ask_once_to_join(options, &identity).await?,
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

fn own_member(options: &NodeOptions, key: &SigningKey) -> Member {
    let peer_address = match options.peer_advertise.as_str() {
        "" => options.peer_listener.address().to_string(),
        address => address.to_owned(),
    };
    Member {
        peer_address,
        client_address: options.client_advertise.clone(),
        public_key: key.verifying_key().to_bytes(),
        stays_learner: options.stays_learner,
    }
}

/// What a member says to an applicant.
enum JoinAnswer {
    Admitted(NodeIdentity),
    Refused(String),
    TryLater(String),
}

/// Asks every member in turn, again and again, until one decides.
async fn ask_to_join(options: &NodeOptions, identity: &Identity) -> Result<NodeIdentity, StartError> {
    let mut last_said = String::new();
    loop {
        let mut said = Vec::new();
        for peer in &options.join {
            match ask(options, identity, peer).await {
                JoinAnswer::Admitted(own) => return Ok(own),
                JoinAnswer::Refused(why) => return Err(StartError::Refused(why)),
                JoinAnswer::TryLater(why) => said.push(format!("{peer}: {why}")),
            }
        }
        let said = said.join("; ");
        if said != last_said {
            tracing::info!(said, "waiting to be let in");
            last_said = said;
        }
        tokio::time::sleep(JOIN_INTERVAL).await;
    }
}

/// Asks once whether there is a cluster to join; `None` if nobody answers for one.
async fn ask_once_to_join(
    options: &NodeOptions,
    identity: &Identity,
) -> Result<Option<NodeIdentity>, StartError> {
    let mut is_there_one = false;
    for peer in &options.join {
        match ask(options, identity, peer).await {
            JoinAnswer::Admitted(own) => return Ok(Some(own)),
            JoinAnswer::Refused(why) => return Err(StartError::Refused(why)),
            JoinAnswer::TryLater(why) => is_there_one |= !why.starts_with(OUT_OF_REACH),
        }
    }
    match is_there_one {
        true => ask_to_join(options, identity).await.map(Some),
        false => Ok(None),
    }
}

/// A folder that is a node already asks whether it still is one. Silence is no objection.
async fn ask_to_come_back(
    options: &NodeOptions,
    identity: &Identity,
    own: NodeIdentity,
) -> Result<(), StartError> {
    let asked = async {
        for peer in &options.join {
            match ask(options, identity, peer).await {
                JoinAnswer::Refused(why) => return Err(StartError::Refused(why)),
                JoinAnswer::Admitted(_) => return Ok(()),
                JoinAnswer::TryLater(_) => (),
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

const OUT_OF_REACH: &str = "out of reach";

async fn ask(options: &NodeOptions, identity: &Identity, peer: &str) -> JoinAnswer {
    let channel = match net::channel(options.machine.network.clone(), peer) {
        Ok(channel) => channel,
        Err(error) => return JoinAnswer::TryLater(format!("{OUT_OF_REACH}: {error}")),
    };
    let key = SigningKey::from_bytes(&identity.secret_key);
    let Member { peer_address, client_address, public_key, stays_learner } = own_member(options, &key);
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
        Ok(Err(status)) => return JoinAnswer::TryLater(format!("{OUT_OF_REACH}: {}", status.message())),
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

/// Opens the log and the rows, and starts everything that takes part.
async fn take_part<F: Files>(
    files: F,
    options: NodeOptions,
    own: NodeIdentity,
    member: Member,
    log: Log<F>,
) -> Result<Replica, StartError> {
    let NodeOptions { data_dir, machine, settings, opener, .. } = options;
    let generations = Generations::open(files.clone(), data_dir.join("state"), opener.clone()).await?;
    let snapshots = Snapshots::open(files, data_dir.join("snapshots"), opener).await?;
    let library = Arc::new(StoredLibrary {
        snapshots: Arc::new(snapshots),
        generations: Arc::new(generations),
        placement: machine.placement,
    });

    let waiting = Arc::new(Waiting::default());
    let nothing = Progress {
        applied: None,
        now: holdfast_reservations::Timestamp::default(),
        applied_at: tokio::time::Instant::now(),
        due_at: None,
    };
    let (progress_sender, progress) = watch::channel(nothing);
    let applier = Applier::start(
        ApplierParts {
            group: GROUP,
            engine: library.generations.engine(),
            rows_cached: settings.rows_cached,
            waiting: waiting.clone(),
            progress: progress_sender,
            observer: options.observer,
        },
        machine.placement,
    )?;

    let (membership_sender, membership) = watch::channel(Arc::new(Membership::default()));
    let peers = Arc::new(Peers::new(own, GROUP, machine.network.clone(), membership));
    let config = settings.openraft(&own.cluster.to_string()).map_err(StartError::Other)?;
    let state = StateStore::new(applier, library.clone());
    let transport = Transport { peers: peers.clone() };
    let raft = Raft::new(own.node, Arc::new(config), transport, LogStore(log.clone()), state).await;
    let raft = raft.map_err(|error| StartError::Other(error.to_string()))?;
    let watches = Watches::start(&raft, own.node, membership_sender);

    let room: Room = {
        let log = log.clone();
        Arc::new(move || {
            let log = log.clone();
            Box::pin(async move { log.room().await })
        })
    };
    let stamper = Arc::new(Mutex::new(Stamper::new(machine.clock.clone())));
    let proposer = Proposer::start(ProposerParts {
        raft: raft.clone(),
        stamper: stamper.clone(),
        waiting: waiting.clone(),
        room: room.clone(),
        progress: progress.clone(),
    });
    let hand_over = HandOver::start(HandOverParts {
        peers: peers.clone(),
        waiting: waiting.clone(),
        leadership: watches.leadership.clone(),
    });
    let freshness = Arc::new(Freshness::new());
    let (table_sender, table) = watch::channel(Table::new());
    let table_sender = Arc::new(table_sender);
    let members = Arc::new(Members::new(own, raft.clone(), watches.membership.clone()));
    members.clone().start_promoting(watches.leadership.clone());
    Pulse {
        raft: raft.clone(),
        peers: peers.clone(),
        clock: machine.clock.clone(),
        stamper: stamper.clone(),
        leadership: watches.leadership.clone(),
        membership: watches.membership.clone(),
        progress: progress.clone(),
        table: table_sender.clone(),
        freshness: freshness.clone(),
    }
    .start();
    let log_bytes = log.clone();
    let log_bytes: compaction::LogBytes = Arc::new(move || log_bytes.size().entry_bytes);
    compaction::start(raft.clone(), settings, log_bytes, progress.clone());
    serve(
        options.peer_listener,
        PeerParts {
            own,
            group: GROUP,
            raft: raft.clone(),
            peers: peers.clone(),
            members,
            proposer: proposer.clone(),
            library: library.clone(),
            clock: machine.clock,
            stamper: stamper.clone(),
            leadership: watches.leadership.clone(),
            progress: progress.clone(),
            table: table_sender,
            freshness: freshness.clone(),
            room,
        },
    );
    // Nothing was ever agreed on here, and nothing was lost: the cluster begins with this node.
    if own.node == FIRST_NODE && log.state().last.is_none() {
        let founded = raft.initialize(std::collections::BTreeMap::from([(own.node, member)])).await;
        founded.map_err(|error| StartError::Other(error.to_string()))?;
    }
    let time = Arc::new(AgreedTime::new());
    let read_index = ReadIndex::start(ReadParts {
        raft: raft.clone(),
        peers,
        leadership: watches.leadership.clone(),
        stamper,
        time: time.clone(),
    });
    Ok(Replica::start(ReplicaParts {
        own,
        raft,
        library,
        waiting,
        proposer,
        hand_over,
        read_index,
        freshness,
        time,
        leadership: watches.leadership,
        membership: watches.membership,
        progress,
        table,
        failure: watches.failure,
        log_counters: Arc::new(move || log.counters()),
    }))
}

async fn open_log<F: Files>(
    files: &F,
    data_dir: &Path,
    own: NodeIdentity,
    is_new: bool,
    placement: Placement,
) -> Result<Log<F>, StartError> {
    if !is_new && !files.exists(&data_dir.join("log"))? {
        return Err(StartError::LostAcknowledged {
            node: own.node,
            cause: "its log folder is gone".to_owned(),
        });
    }
    let watermark = data_dir.join("state").join("synced");
    create_dir_durably(files, &data_dir.join("state")).await?;
    let opened =
        Log::open(files.clone(), data_dir.join("log"), watermark, GROUP, LogOptions::default()).await;
    let (log, writer) = opened.map_err(|error| match error {
        OpenError::LostAcknowledged { .. } | OpenError::WatermarkLost { .. } => {
            StartError::LostAcknowledged { node: own.node, cause: error.to_string() }
        }
        OpenError::WrongGroup { .. } | OpenError::Format { .. } | OpenError::Io(_) => StartError::Log(error),
    })?;
    match placement {
        Placement::OwnThreads => drop(writer.spawn_thread("log")?),
        Placement::Tasks => drop(spawn(writer.run())),
    }
    Ok(log)
}

/// Serves other nodes until the process ends.
fn serve(mut listener: Box<dyn Listener>, parts: PeerParts) {
    let (sender, accepted) = tokio::sync::mpsc::channel::<io::Result<Connection>>(ACCEPTED_MAX);
    drop(spawn(async move {
        loop {
            match listener.accept().await {
                Ok(connection) => {
                    if sender.send(Ok(connection)).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    // Out of file handles, perhaps: others may close theirs.
                    tracing::warn!(%error, "a connection of a peer cannot be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }));
    let service = PeerService::new(parts);
    let server = tonic::transport::Server::builder()
        .tcp_nodelay(true)
        .initial_stream_window_size(net::WINDOW_BYTES)
        .initial_connection_window_size(net::WINDOW_BYTES)
        .http2_keepalive_interval(Some(net::KEEP_ALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(net::KEEP_ALIVE_DURATION_MAX))
        .add_service(service)
        .serve_with_incoming(ReceiverStream::new(accepted));
    drop(spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the service for peers has stopped");
        }
    }));
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
