//! Opens a data folder and takes part in a cluster: founds one, joins one, or comes back to one.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use holdfast_storage::engine::OpenEngine;
use holdfast_storage::files::{Files, create_dir_durably};
use holdfast_storage::generations::GenerationsError;
use holdfast_storage::identity::{IdentityError, Membership as NodeIdentity};
use holdfast_storage::log::{Log, LogState, OpenError};
use holdfast_storage::removal;
use holdfast_storage::snapshots::SnapshotError;
use tokio::sync::watch;

use self::admission::{Settled, find_identity, own_member, settle_identity};
use self::door::Door;
use self::serving::serve;
use self::wiring::{Beginning, take_part};
use crate::join_token::{JoinTokenError, JoinTokenSource};
use crate::members::HOW_TO_JOIN;
use crate::net::{Connection, Listener, NetFuture, PeerTls};
use crate::own_key::{KeyRing, OwnKey};
use crate::replica::Replica;
use crate::runtime::{Machine, Placement, spawn};
use crate::settings::RaftSettings;
use crate::store::Observer;
use crate::watch::Failing;

mod admission;
mod door;
mod serving;
mod wiring;

/// The one Raft group there is so far.
const GROUP: u32 = 0;

/// The id of a cluster's first node.
const FIRST_NODE: u64 = 1;

/// How a node is to take part.
pub struct NodeOptions {
    /// Its data folder.
    pub data_dir: PathBuf,
    /// Found a cluster, if the folder is empty.
    pub init: bool,
    /// Peer addresses of a cluster to join, if the folder is empty.
    pub join: Vec<String>,
    /// Where to find what an operator of that cluster gave for it; not needed among loopback addresses.
    pub join_token: Option<JoinTokenSource>,
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
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder is empty and nothing says what to do with it.
    #[error(
        "{0} is empty: say --init to found a cluster, or --join PEER,.. to join one (over a network also \
         --join-token-file FILE). A node that was here before has lost its data"
    )]
    NothingToDo(String),
    /// It would have to believe anybody, or nobody believes it.
    #[error(transparent)]
    Token(#[from] JoinTokenError),
    /// The cluster does not want this folder.
    #[error("{0}")]
    Refused(String),
    /// The folder has lost what the node had acknowledged.
    #[error(
        "node {node} must not take part any more: {cause}. Put its data back, or replace it by a new node: \
         holdfast cluster replace {node}, and then with an empty folder: {HOW_TO_JOIN}"
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
pub async fn start<F: Files>(files: F, mut options: NodeOptions) -> Result<Node, StartError> {
    refuse_removed(&files, &options.data_dir)?;
    let path = options.data_dir.join("identity");
    let identity = find_identity(&files, &options, &path).await?;
    let (key_sender, key) = watch::channel(Arc::new(OwnKey::of(&identity)));
    let (door, (failing, failure)) = (Door::new(), Failing::new());
    let tls = Arc::new(PeerTls::new(key));
    let address = options.peer_listener.address();
    let listener = std::mem::replace(&mut options.peer_listener, Box::new(Taken(address)));
    // From now on: whoever else looks for a cluster must learn that there is none here yet.
    serve(listener, &tls, door.clone(), failing.clone());
    let Settled { mut identity, own, is_new } = settle_identity(&options, identity, &tls, &door).await?;
    let log = open_log(&files, own, is_new, &options).await?;
    if is_new {
        // Only now that there is a log: from here on an identity without one has lost it.
        identity.membership = Some(own);
        identity.write(&files, &path).await?;
    }
    let signing_key = SigningKey::from_bytes(&identity.secret_key);
    let member = own_member(&options, &signing_key);
    let introduced = identity.introduced.clone();
    let keys = KeyRing::new(identity, key_sender, files.clone(), path, options.machine.placement);
    let keys = Arc::new(keys);
    let beginning = Beginning { own, member, log, introduced, tls, keys, door, failing, failure };
    let replica = take_part(files, options, beginning).await?;
    Ok(Node { replica })
}

/// Whoever was removed never takes part again.
fn refuse_removed<F: Files>(files: &F, data_dir: &Path) -> Result<(), StartError> {
    if !removal::is_marked(files, data_dir)? {
        return Ok(());
    }
    Err(StartError::Refused(format!(
        "{}: this node was removed from its cluster, as the file `removed` there says; start it with an empty data folder \
         to join as a new node: {HOW_TO_JOIN}",
        data_dir.display()
    )))
}

/// Stands where a listener was that somebody has taken.
struct Taken(SocketAddr);

impl Listener for Taken {
    fn accept(&mut self) -> NetFuture<'_, Connection> {
        Box::pin(std::future::pending())
    }

    fn address(&self) -> SocketAddr {
        self.0
    }
}

/// [`start`] on the simulator's disk, compiled here: whoever simulates is compiled often.
#[cfg(feature = "simulation")]
#[must_use]
pub fn start_simulated(
    disk: holdfast_storage::simulated::SimulatedDisk,
    options: NodeOptions,
) -> std::pin::Pin<Box<dyn Future<Output = Result<Node, StartError>> + Send>> {
    Box::pin(start(disk, options))
}

async fn open_log<F: Files>(
    files: &F,
    own: NodeIdentity,
    is_new: bool,
    options: &NodeOptions,
) -> Result<Log<F>, StartError> {
    let NodeOptions { data_dir, machine, settings, .. } = options;
    let dir = data_dir.join("log");
    let watermark = data_dir.join("state").join("synced");
    create_dir_durably(files, &data_dir.join("state")).await?;
    let opened = match is_new {
        true => Log::open(files.clone(), dir, watermark, GROUP, settings.log()).await,
        // It has voted, perhaps: an empty folder is a lost log, never a new one.
        false => Log::reopen(files.clone(), dir, watermark, GROUP, settings.log()).await,
    };
    let (log, writer) = opened.map_err(|error| match error {
        OpenError::LostAcknowledged { .. } | OpenError::WatermarkLost { .. } => {
            StartError::LostAcknowledged { node: own.node, cause: error.to_string() }
        }
        OpenError::WrongGroup { .. } | OpenError::Format { .. } | OpenError::Io(_) => StartError::Log(error),
    })?;
    if is_new && log.state() != LogState::default() {
        return Err(StartError::Refused(format!(
            "{} holds the log of a node whose identity is gone. Put the file `identity` back, or start with an empty \
             folder",
            data_dir.display()
        )));
    }
    match machine.placement {
        Placement::OwnThreads => drop(writer.spawn_thread("log")?),
        Placement::Tasks => drop(spawn(writer.run())),
    }
    Ok(log)
}
