//! Opens the rows and starts everything that takes part: the one place that knows all parts of this crate.

use std::path::Path;
use std::sync::{Arc, Mutex};

use holdfast_reservations::Timestamp;
use holdfast_storage::engine::OpenEngine;
use holdfast_storage::files::Files;
use holdfast_storage::generations::Generations;
use holdfast_storage::identity::Membership as NodeIdentity;
use holdfast_storage::log::Log;
use holdfast_storage::snapshots::{Origin, Snapshots};
use tokio::sync::watch;

use super::serving::serve;
use super::{FIRST_NODE, GROUP, NodeOptions, StartError};
use crate::agreed_time::AgreedTime;
use crate::compaction;
use crate::freshness::Freshness;
use crate::members::Members;
use crate::peers::Peers;
use crate::proposals::{HandOver, HandOverParts, Proposer, ProposerParts, Room, Stamper, Waiting};
use crate::pulse::{Pulse, Table};
use crate::reads::{ReadIndex, ReadParts};
use crate::replica::{Replica, ReplicaParts};
use crate::runtime::Placement;
use crate::server::PeerParts;
use crate::store::{Applier, ApplierParts, LogStore, Progress, StateStore, StoredLibrary};
use crate::transport::Transport;
use crate::types::{Member, Membership, Raft};
use crate::watch::Watches;

/// Opens the log and the rows, and starts everything that takes part.
pub(super) async fn take_part<F: Files>(
    files: F,
    options: NodeOptions,
    own: NodeIdentity,
    member: Member,
    log: Log<F>,
) -> Result<Replica, StartError> {
    let NodeOptions { data_dir, machine, settings, opener, .. } = options;
    let library = open_library(files, &data_dir, own, opener, machine.placement).await?;
    let waiting = Arc::new(Waiting::default());
    let (progress_sender, progress) = watch::channel(no_progress());
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

    let room = room_of(log.clone());
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

/// Ends when the log takes more.
fn room_of<F: Files>(log: Log<F>) -> Room {
    Arc::new(move || {
        let log = log.clone();
        Box::pin(async move { log.room().await })
    })
}
