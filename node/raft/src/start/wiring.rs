//! Opens the rows and starts everything that takes part: the one place that knows all parts of this crate.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use holdfast_reservations::Timestamp;
use holdfast_storage::engine::OpenEngine;
use holdfast_storage::files::Files;
use holdfast_storage::generations::Generations;
use holdfast_storage::identity::{Introduced, Membership as NodeIdentity};
use holdfast_storage::log::{Log, LogId, LogState};
use holdfast_storage::snapshots::{Origin, Snapshots};
use tokio::sync::{Notify, watch};

use super::door::Door;
use super::{FIRST_NODE, GROUP, NodeOptions, StartError};
use crate::agreed_time::AgreedTime;
use crate::compaction::{self, BytesWritten};
use crate::freshness::Freshness;
use crate::members::{Gate, Members};
use crate::net::PeerTls;
use crate::one_in_a_while::OneInAWhile;
use crate::own_key::KeyRing;
use crate::peers::Peers;
use crate::proposals::{
    Backlog, HandOver, HandOverParts, Proposer, ProposerParts, Reading, Room, Stamper, WAITING_BYTES_MAX,
    Waiting,
};
use crate::pulse::{Pulse, Table};
use crate::reads::{ReadIndex, ReadParts};
use crate::removal::Question;
use crate::replica::{EndLog, Replica, ReplicaParts};
use crate::roster::{self, Roster, Seen};
use crate::runtime::{Placement, WallClock};
use crate::server::{PeerParts, PeerService};
use crate::store::{Applier, ApplierParts, Library as _, LogStore, Progress, StateStore, StoredLibrary};
use crate::transport::Transport;
use crate::types::{Member, Raft};
use crate::watch::{Failing, Watches};

/// The consensus core, and what it works on.
struct Core<F: Files> {
    raft: Raft,
    library: Arc<StoredLibrary<F>>,
    peers: Arc<Peers>,
    waiting: Arc<Waiting>,
    progress: watch::Receiver<Progress>,
    watches: Watches,
    #[cfg(feature = "simulation")]
    probed: Arc<crate::probe::Probed<F>>,
}

/// What a node has when it knows which one it is.
pub(super) struct Beginning<F: Files> {
    pub(super) own: NodeIdentity,
    pub(super) member: Member,
    pub(super) log: Log<F>,
    /// Whom it was told of when it was let in.
    pub(super) introduced: Option<Introduced>,
    pub(super) tls: Arc<PeerTls>,
    pub(super) keys: Arc<KeyRing>,
    /// Where others call.
    pub(super) door: Door,
    pub(super) failing: Failing,
    pub(super) failure: watch::Receiver<Option<String>>,
}

/// Opens the rows, and starts everything that takes part.
pub(super) async fn take_part<F: Files>(
    files: F,
    options: NodeOptions,
    beginning: Beginning<F>,
) -> Result<Replica, StartError> {
    let core = start_core(files.clone(), &options, &beginning).await?;
    #[cfg(feature = "simulation")]
    let probed = core.probed;
    let Core { raft, library, peers, waiting, progress, watches, .. } = core;
    let Beginning { own, member, log, keys, door, failure, .. } = beginning;
    let NodeOptions { data_dir, machine, settings, .. } = options;
    let clock = machine.clock;
    let Watches { leadership, membership, committed } = watches;

    let room = room_of(log.clone());
    let stamper = Arc::new(Mutex::new(Stamper::new(clock.clone())));
    let backlog = Backlog::new(WAITING_BYTES_MAX);
    let (gate, holders) = Gate::new();
    let proposer = Proposer::start(ProposerParts {
        raft: raft.clone(),
        stamper: stamper.clone(),
        waiting: waiting.clone(),
        backlog: backlog.clone(),
        room: room.clone(),
        progress: progress.clone(),
        holders,
    });
    let hand_over = HandOver::start(HandOverParts {
        peers: peers.clone(),
        waiting: waiting.clone(),
        backlog,
        leadership: leadership.clone(),
    });
    let (table_sender, table) = watch::channel(Table::new());
    let table_sender = Arc::new(table_sender);
    let members = Arc::new(Members::new(own, raft.clone(), leadership.clone(), Arc::new(gate)));
    members.clone().start(leadership.clone());
    Pulse {
        peers: peers.clone(),
        clock: clock.clone(),
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
        refusals: OneInAWhile::default(),
        members: members.clone(),
        proposer: proposer.clone(),
        library: library.clone(),
        clock: clock.clone(),
        placement: machine.placement,
        stamper: stamper.clone(),
        leadership: leadership.clone(),
        committed,
        progress: progress.clone(),
        table: table_sender,
        room,
    };
    door.open(PeerService::new(parts), peers.roster().clone());
    roster::start_learning(peers.roster().clone(), peers.clone());
    found_if_unused(&raft, own, member, &log, (&stamper, &*clock)).await?;

    let (time, freshness) = (Arc::new(AgreedTime::new()), Arc::new(Freshness::new()));
    let doubt = Arc::new(Notify::new());
    let read_index = ReadIndex::start(ReadParts {
        raft: raft.clone(),
        peers: peers.clone(),
        leadership: leadership.clone(),
        stamper,
        time: time.clone(),
        freshness: freshness.clone(),
        progress: progress.clone(),
        doubt: doubt.clone(),
    });
    let removed = Question {
        own,
        files,
        data_dir,
        peers: peers.clone(),
        freshness: freshness.clone(),
        membership: membership.clone(),
        waiting: waiting.clone(),
        doubt,
    }
    .start();
    Ok(Replica::start(ReplicaParts {
        own,
        raft,
        roster: peers.roster().clone(),
        peers,
        members,
        removed,
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
        keys,
        end_log: end_of(log.clone()),
        log_counters: Arc::new(move || log.counters()),
        #[cfg(feature = "simulation")]
        log: probed,
    }))
}

/// Opens the rows, and starts openraft over them and the log.
async fn start_core<F: Files>(
    files: F,
    options: &NodeOptions,
    beginning: &Beginning<F>,
) -> Result<Core<F>, StartError> {
    let Beginning { own, log, introduced, tls, failing, .. } = beginning;
    let own = *own;
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
    cover_rows(&applier, &library, log.state().last).await?;

    let (seen_sender, seen) = watch::channel(Seen::default());
    let rows = library.clone();
    let published = roster::published_in(move || rows.generations.engine());
    let roster = Arc::new(Roster::new(own, seen, introduced.as_ref(), published));
    let peers = Arc::new(Peers::new(GROUP, machine.network.clone(), tls.clone(), roster));
    let config = settings.openraft(&own.cluster.to_string()).map_err(StartError::Other)?;
    let state = StateStore::new(applier, library.clone());
    let log_store = LogStore::over(log.clone());
    let purged = log_store.purged();
    let transport = Transport { peers: peers.clone(), placement: machine.placement, purged };
    #[cfg(feature = "simulation")]
    let probed = Arc::new(crate::probe::Probed(log.clone(), log_store.1.clone()));
    let raft = Raft::new(own.node, Arc::new(config), transport, log_store, state).await;
    let raft = raft.map_err(|error| StartError::Other(error.to_string()))?;
    let watches = Watches::start(&raft, own.node, seen_sender, failing.clone());
    Ok(Core {
        raft,
        library,
        peers,
        waiting,
        progress,
        watches,
        #[cfg(feature = "simulation")]
        probed,
    })
}

/// Takes a snapshot if the rows are ahead of both the log and the newest snapshot. They may be: what others have synced is
/// applied here before this node's own log is synced, and rows become durable when it suits the engine. openraft then
/// goes on behind the rows, and would have nothing to send to those who lack the entries before.
async fn cover_rows<F: Files>(
    applier: &Applier,
    library: &StoredLibrary<F>,
    last: Option<LogId>,
) -> io::Result<()> {
    let index = |id: Option<LogId>| id.map(|id| id.index);
    let applied = index(applier.mark().await?.map(|mark| mark.applied));
    let kept = index(library.latest().map(|snapshot| snapshot.manifest().mark.applied));
    if applied > index(last) && applied > kept {
        tracing::info!(?applied, ?last, "the rows are ahead of the log: taking a snapshot of them");
        library.build(library.generations.engine()).await?;
    }
    Ok(())
}

/// Begins the cluster with its first node, if nothing was ever written to its log. The log is known to be whole, so
/// nothing is forgotten; and a founding that crashed before this is gone on with at the next start.
async fn found_if_unused<F: Files>(
    raft: &Raft,
    own: NodeIdentity,
    member: Member,
    log: &Log<F>,
    (stamper, clock): (&Mutex<Stamper>, &dyn WallClock),
) -> Result<(), StartError> {
    if own.node != FIRST_NODE || log.state() != LogState::default() {
        return Ok(());
    }
    // It is all voters: time begins with its clock, however soon the first command comes.
    stamper.lock().unwrap_or_else(PoisonError::into_inner).agree(Some(Reading::of(clock)));
    // The first node votes, whatever its flags say of later ones.
    let founder = Member { stays_learner: false, ..member };
    let founded = raft.initialize(BTreeMap::from([(own.node, founder)])).await;
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

/// Closes the log, and ends when its writer has.
fn end_of<F: Files>(log: Log<F>) -> EndLog {
    Arc::new(move || {
        let log = log.clone();
        Box::pin(async move {
            log.close();
            log.ended().await;
        })
    })
}

/// Ends when the log takes more.
fn room_of<F: Files>(log: Log<F>) -> Room {
    Arc::new(move || {
        let log = log.clone();
        Box::pin(async move { log.room().await })
    })
}
