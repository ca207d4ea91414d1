//! Where the store of one test lies, and how it is opened there: as a node opens its own.

use std::any::Any;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use holdfast_reservations::{Applied, Timestamp};
use holdfast_storage::engine::OpenEngine;
use holdfast_storage::files::Files;
use holdfast_storage::generations::Generations;
use holdfast_storage::identity::ClusterId;
use holdfast_storage::log::{Log, LogOptions};
use holdfast_storage::snapshots::{Origin, Snapshots};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::runtime::{Placement, spawn};
use crate::store::{
    Applier, ApplierParts, Library, LogStore, Observer, Progress, StateStore, StoredLibrary, fatal,
};

const GROUP: u32 = 0;

const ORIGIN: Origin = Origin { cluster: ClusterId(1), group: GROUP };

/// Few, so that most rows are read from the row store.
const ROWS_CACHED: usize = 8;

/// Small, so that a store costs no 16 MB of zeros and some of its logs have several segments.
const SEGMENT_BYTES: u32 = 1024;

/// A data folder.
pub struct Place<F> {
    /// Its disk.
    pub files: F,
    /// The folder.
    pub dir: PathBuf,
    /// Opens row stores on that disk.
    pub opener: Arc<dyn OpenEngine>,
    /// Where blocking work runs.
    pub placement: Placement,
    /// Kept for as long as the place is used.
    pub guard: Guard,
}

/// Whatever must outlive a store: the owner of a temporary folder.
pub type Guard = Box<dyn Any + Send + Sync>;

/// Makes places.
pub type Placing<F> = Box<dyn Fn() -> Place<F> + Send + Sync>;

struct Nobody;

impl Observer for Nobody {
    fn applied(&self, _: &[Applied]) {}
    fn replaced(&self) {}
}

pub(super) async fn open<F: Files>(
    place: &Place<F>,
) -> io::Result<(LogStore<F>, StateStore, Arc<dyn Library>)> {
    let Place { files, dir, opener, placement, .. } = place;
    let generations = Generations::open(files.clone(), dir.join("state"), opener.clone()).await;
    let snapshots = Snapshots::open(files.clone(), dir.join("snapshots"), opener.clone(), ORIGIN).await;
    let library = Arc::new(StoredLibrary {
        snapshots: Arc::new(snapshots.map_err(fatal)?),
        generations: Arc::new(generations.map_err(fatal)?),
        placement: *placement,
    });

    let watermark = dir.join("state").join("synced");
    let options = LogOptions { segment_bytes: SEGMENT_BYTES, ..LogOptions::default() };
    let log = Log::open(files.clone(), dir.join("log"), watermark, GROUP, options).await;
    let (log, writer) = log.map_err(fatal)?;
    match placement {
        Placement::OwnThreads => drop(writer.spawn_thread("log")?),
        Placement::Tasks => drop(spawn(writer.run())),
    }

    let nothing =
        Progress { applied: None, now: Timestamp::default(), applied_at: Instant::now(), due_at: None };
    let parts = ApplierParts {
        group: GROUP,
        engine: library.generations.engine(),
        rows_cached: ROWS_CACHED,
        waiting: Arc::default(),
        progress: watch::Sender::new(nothing),
        observer: Arc::new(Nobody),
    };
    let applier = Applier::start(parts, *placement)?;
    Ok((LogStore::over(log), StateStore::new(applier, library.clone()), library))
}
