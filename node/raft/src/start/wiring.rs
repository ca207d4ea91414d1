//! Opens the rows and starts everything that takes part: the one place that knows all parts of this crate.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use holdfast_reservations::Timestamp;
use holdfast_storage::engine::OpenEngine;
use holdfast_storage::files::Files;
use holdfast_storage::generations::Generations;
use holdfast_storage::identity::Membership as NodeIdentity;
use holdfast_storage::log::{Log, LogState};
use holdfast_storage::snapshots::{Origin, Snapshots};
use tokio::sync::watch;

use super::serving::serve;
use super::{FIRST_NODE, GROUP, NodeOptions, StartError};
use crate::agreed_time::AgreedTime;
use crate::compaction::{self, BytesWritten};
use crate::freshness::Freshness;
use crate::members::Members;
use crate::peers::Peers;
use crate::proposals::{
    Backlog, HandOver, HandOverParts, Proposer, ProposerParts, Room, Stamper, WAITING_BYTES_MAX, Waiting,
};
use crate::pulse::{Pulse, Table};
use crate::reads::{ReadIndex, ReadParts};
use crate::replica::{Replica, ReplicaParts};
use crate::runtime::Placement;
use crate::server::PeerParts;
use crate::store::{Applier, ApplierParts, LogStore, Progress, StateStore, StoredLibrary};
use crate::transport::Transport;
use crate::types::{Member, Membership, Raft};
use crate::watch::{Failing, Watches};

/// The consensus core, and what it works on.
struct Core<F: Files> {
    raft: Raft,
    library: Arc<StoredLibrary<F>>,
    peers: Arc<Peers>,
    waiting: Arc<Waiting>,
    progress: watch::Receiver<Progress>,
    watches: Watches,
    failing: Failing,
    failure: watch::Receiver<Option<String>>,
    #[cfg(feature = "simulation")]
    probed: Arc<crate::probe::Probed<F>>,
}

/// Opens the rows, and starts everything that takes part.
pub(super) async fn take_part<F: Files>(
    files: F,
    options: NodeOptions,
    own: NodeIdentity,
    member: Member,
    log: Log<F>,
) -> Result<Replica, StartError> {
    let core = start_core(files, &options, own, &log).await?;
    #[cfg(feature = "simulation")]
    let probed = core.probed;
    let Core { raft, library, peers, waiting, progress, watches, failing, failure, .. } = core;
    let NodeOptions { machine, settings, peer_listener, .. } = options;
    let Watches { leadership, membership } = watches;

    let room = room_of(log.clone());
    let stamper = Arc::new(Mutex::new(Stamper::new(machine.clock.clone())));
    let backlog = Backlog::new(WAITING_BYTES_MAX);
    let proposer = Proposer::start(ProposerParts {
        raft: raft.clone(),
        stamper: stamper.clone(),
        waiting: waiting.clone(),
        backlog: backlog.clone(),
        room: room.clone(),
        progress: progress.clone(),
    });
    let hand_over = HandOver::start(HandOverParts {
        peers: peers.clone(),
        waiting: waiting.clone(),
        backlog,
        leadership: leadership.clone(),
    });
    let (table_sender, table) = watch::channel(Table::new());
    let table_sender = Arc::new(table_sender);
    let members = Arc::new(Members::new(own, raft.clone()));
    members.clone().start_promoting(leadership.clone());
    Pulse {
        peers: peers.clone(),
        clock: machine.clock.clone(),
        stamper: stamper.clone(),
        leadership: leadership.clone(),
        membership: membership.clone(),
        progress: progress.clone(),
        table: table_sender.clone(),
    }
    .start();
    compaction::start(raft.clone(), settings, bytes_written(log.clone()), progress.clone());
    let parts = PeerParts {
        own,
        group: GROUP,
        raft: raft.clone(),
        peers: peers.clone(),
        members,
        proposer: proposer.clone(),
        library: library.clone(),
        clock: machine.clock,
        placement: machine.placement,
        stamper: stamper.clone(),
        leadership: leadership.clone(),
        progress: progress.clone(),
        table: table_sender,
        room,
    };
    serve(peer_listener, parts, failing);
    found_if_unused(&raft, own, member, &log).await?;

    let (time, freshness) = (Arc::new(AgreedTime::new()), Arc::new(Freshness::new()));
    let read_index = ReadIndex::start(ReadParts {
        raft: raft.clone(),
        peers,
        leadership: leadership.clone(),
        stamper,
        time: time.clone(),
        freshness: freshness.clone(),
        progress: progress.clone(),
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
        leadership,
        membership,
        progress,
        table,
        failure,
        log_counters: Arc::new(move || log.counters()),
        #[cfg(feature = "simulation")]
        log: probed,
    }))
}

/// Opens the rows, and starts openraft over them and the log.
async fn start_core<F: Files>(
    files: F,
    options: &NodeOptions,
    own: NodeIdentity,
    log: &Log<F>,
) -> Result<Core<F>, StartError> {
    let NodeOptions { data_dir, machine, settings, opener, .. } = options;
    let library = open_library(files, data_dir, own, opener.clone(), machine.placement).await?;
    let waiting = Arc::new(Waiting::default());
    let (progress_sender, progress) = watch::channel(no_progress());
    let parts = ApplierParts {
        group: GROUP,
        engine: library.generations.engine(),
        rows_cached: settings.rows_cached,
        waiting: waiting.clone(),
        progress: progress_sender,
        observer: options.observer.clone(),
    };
    let applier = Applier::start(parts, machine.placement)?;

    let (membership_sender, membership) = watch::channel(Arc::new(Membership::default()));
    let peers = Arc::new(Peers::new(own, GROUP, machine.network.clone(), membership));
    let config = settings.openraft(&own.cluster.to_string()).map_err(StartError::Other)?;
    let state = StateStore::new(applier, library.clone());
    let log_store = LogStore::over(log.clone());
    let gaps = log_store.1.clone();
    let transport = Transport { peers: peers.clone(), placement: machine.placement, gaps };
    #[cfg(feature = "simulation")]
    let probed = Arc::new(crate::probe::Probed(log.clone(), log_store.2.clone()));
    let raft = Raft::new(own.node, Arc::new(config), transport, log_store, state).await;
    let raft = raft.map_err(|error| StartError::Other(error.to_string()))?;
    let (failing, failure) = Failing::new();
    let watches = Watches::start(&raft, own.node, membership_sender, failing.clone());
    Ok(Core {
        raft,
        library,
        peers,
        waiting,
        progress,
        watches,
        failing,
        failure,
        #[cfg(feature = "simulation")]
        probed,
    })
}

/// Begins the cluster with its first node, if nothing was ever written to its log. The log is known to be whole, so
/// nothing is forgotten; and a founding that crashed before this is gone on with at the next start.
async fn found_if_unused<F: Files>(
    raft: &Raft,
    own: NodeIdentity,
    member: Member,
    log: &Log<F>,
) -> Result<(), StartError> {
    if own.node != FIRST_NODE || log.state() != LogState::default() {
        return Ok(());
    }
    let founded = raft.initialize(BTreeMap::from([(own.node, member)])).await;
    founded.map_err(|error| StartError::Other(error.to_string()))
}

async fn open_library<F: Files>(
    files: F,
    data_dir: &Path,
    own: NodeIdentity,
    opener: Arc<dyn OpenEngine>,
    placement: Placement,
) -> Result<Arc<StoredLibrary<F>>, StartError> {
    let generations = Generations::open(files.clone(), data_dir.join("state"), opener.clone()).await?;
    let origin = Origin { cluster: own.cluster, group: GROUP };
    let snapshots = Snapshots::open(files, data_dir.join("snapshots"), opener, origin).await?;
    Ok(Arc::new(StoredLibrary {
        snapshots: Arc::new(snapshots),
        generations: Arc::new(generations),
        placement,
    }))
}

fn no_progress() -> Progress {
    Progress {
        applied: None,
        now: Timestamp::default(),
        applied_at: tokio::time::Instant::now(),
        due_at: None,
    }
}

fn bytes_written<F: Files>(log: Log<F>) -> BytesWritten {
    let found = log.size().entry_bytes;
    Arc::new(move || found.saturating_add(log.counters().bytes))
}

/// Ends when the log takes more.
fn room_of<F: Files>(log: Log<F>) -> Room {
    Arc::new(move || {
        let log = log.clone();
        Box::pin(async move { log.room().await })
    })
}
