//! The `snapshots` folder: checkpoints of the rows, each with a manifest that says what it is.
//!
//! A snapshot is built or received in a folder of another name, synced, and then renamed: under its own name it is
//! always whole. Its label is read from the rows themselves, so it can never claim more or less than they show, and its
//! manifest has the checksum of every file, so what has rotted since is noticed by whoever installs or receives it.

mod manifest;
mod receive;
mod shelf;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

pub use manifest::{DamagedFile, Manifest, ManifestFile, decode_manifest, encode_manifest};
pub use receive::{ReceiveError, Receiving};

use crate::codec::CodecError;
use crate::engine::{Engine, EngineError, OpenEngine};
use crate::files::{File as _, Files, create_dir_durably, read_all, write_new};
use crate::identity::ClusterId;
use crate::keys;
use crate::log::LogId;
use crate::mark::Mark;
use shelf::Shelf;

const MANIFEST: &str = "manifest";
const ROWS: &str = "rows";
const BUILDING: &str = "building";
const RECEIVING: &str = "receiving";

/// What can go wrong with a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A file could not be read or written.
    #[error("a snapshot: {0}")]
    Io(#[from] io::Error),
    /// The checkpoint failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A mark is damaged, or a manifest cannot be written.
    #[error("a snapshot: {0}")]
    Codec(#[from] CodecError),
    /// A manifest is damaged, or of another version.
    #[error("{path}: {cause}")]
    Manifest {
        /// The manifest.
        path: String,
        /// What is wrong with it.
        cause: CodecError,
    },
    /// A file is not what the manifest says.
    #[error(transparent)]
    File(#[from] DamagedFile),
    /// It was taken elsewhere.
    #[error("{what} is of cluster {}, group {}; this is cluster {}, group {}", found.cluster, found.group, own.cluster, own.group)]
    Foreign {
        /// Where it is, or what it is.
        what: String,
        /// Where it was taken.
        found: Origin,
        /// Where it was found.
        own: Origin,
    },
    /// There was nothing to take a snapshot of.
    #[error("the rows have no mark: nothing was ever applied")]
    Empty,
}

/// Whose rows a snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Of which cluster.
    pub cluster: ClusterId,
    /// Of which of its Raft groups.
    pub group: u32,
}

/// A whole snapshot on disk. Its folder stays as long as somebody holds it.
pub struct Snapshot<F> {
    files: F,
    dir: PathBuf,
    /// What it is.
    pub manifest: Manifest,
}

/// The snapshots of one node; it keeps the newest.
pub struct Snapshots<F> {
    files: F,
    dir: PathBuf,
    opener: Arc<dyn OpenEngine>,
    own: Origin,
    shelf: Mutex<Shelf<F>>,
}

impl<F: Files> Snapshots<F> {
    /// Finds the newest whole snapshot and removes everything else.
    pub async fn open(
        files: F,
        dir: PathBuf,
        opener: Arc<dyn OpenEngine>,
        own: Origin,
    ) -> Result<Self, SnapshotError> {
        create_dir_durably(&files, &dir).await?;
        // A killed process may have named a snapshot and not synced the name. Nothing older goes before that is done.
        files.sync_dir(&dir).await?;
        let names = files.list(&dir)?;
        let found: Result<Vec<_>, _> =
            names.iter().map(|name| Snapshot::find(&files, &dir.join(name), own)).collect();
        let latest = found?.into_iter().flatten().max_by_key(Snapshot::applied);
        if let Some(latest) = &latest {
            latest.check_lengths()?;
        }
        // An older one may be half removed already: nobody looks into it.
        for other in names.iter().map(|name| dir.join(name)) {
            if latest.as_ref().is_none_or(|latest| latest.dir != other) {
                files.remove_dir_all(&other)?;
            }
        }
        Ok(Self { files, dir, opener, own, shelf: Mutex::new(Shelf::new(latest)) })
    }

    /// The newest snapshot.
    pub fn latest(&self) -> Option<Arc<Snapshot<F>>> {
        self.shelf().latest()
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf<F>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a snapshot of a store, which goes on changing meanwhile.
    pub async fn build(&self, engine: &dyn Engine) -> Result<Arc<Snapshot<F>>, SnapshotError> {
        let building = self.dir.join(BUILDING);
        let rows = building.join(ROWS);
        if self.files.exists(&building)? {
            self.files.remove_dir_all(&building)?;
        }
        self.files.create_dir_all(&building)?;
        engine.checkpoint(&rows).await?;
        let mark = self.read_mark(&rows)?.ok_or(SnapshotError::Empty)?;
        let files = manifest::describe(&self.files, &rows)?;
        self.finish(&building, Manifest { cluster: self.own.cluster, mark, files }).await
    }

    /// Starts to receive a snapshot. One at a time: what was received before is dropped.
    pub fn receive(&self, manifest: Manifest) -> Result<Receiving<F>, ReceiveError> {
        check_origin(&manifest, self.own, "the snapshot to be received")?;
        Receiving::start(self.files.clone(), self.dir.join(RECEIVING), manifest)
    }

    /// Keeps a snapshot that was received whole. It becomes the newest unless there is a newer one.
    pub async fn keep(&self, received: Receiving<F>) -> Result<Arc<Snapshot<F>>, ReceiveError> {
        let (dir, manifest) = received.finish().await?;
        let mark = self.read_mark(&dir.join(ROWS))?;
        if mark.as_ref() != Some(&manifest.mark) {
            let found = mark.map_or_else(String::new, |mark| mark.applied.to_string());
            return Err(ReceiveError::Label { expected: manifest.mark.applied, found });
        }
        Ok(self.finish(&dir, manifest).await?)
    }

    fn read_mark(&self, rows: &Path) -> Result<Option<Mark>, SnapshotError> {
        let mark = self.opener.peek(rows, keys::MARK)?;
        Ok(mark.map(|mark| Mark::decode(&mark)).transpose()?)
    }

    /// Gives a folder with rows its manifest and its name.
    async fn finish(&self, from: &Path, manifest: Manifest) -> Result<Arc<Snapshot<F>>, SnapshotError> {
        let bytes = encode_manifest(&manifest)?;
        write_new(&self.files, &from.join(MANIFEST), &bytes).await?;
        self.files.sync_dir(from).await?;

        let applied = manifest.mark.applied;
        let dir = self.dir.join(format!("{:020}-{}-{}", applied.index, applied.term, applied.node));
        self.remove_unused()?;
        if let Some(same) = self.shelf().find(&dir) {
            self.files.remove_dir_all(from)?;
            return Ok(same);
        }
        self.files.rename(from, &dir)?;
        self.files.sync_dir(&self.dir).await?;
        let snapshot = Arc::new(Snapshot { files: self.files.clone(), dir, manifest });
        self.shelf().add(snapshot.clone());
        self.remove_unused()?;
        Ok(snapshot)
    }

    fn remove_unused(&self) -> io::Result<()> {
        let unused = self.shelf().take_unused();
        unused.iter().try_for_each(|dir| self.files.remove_dir_all(dir))
    }
}

impl<F: Files> Snapshot<F> {
    /// The snapshot in a folder; `None` if it never got its name.
    fn find(files: &F, dir: &Path, own: Origin) -> Result<Option<Self>, SnapshotError> {
        let path = dir.join(MANIFEST);
        if dir.ends_with(BUILDING) || dir.ends_with(RECEIVING) || !files.exists(&path)? {
            return Ok(None);
        }
        let path_text = path.display().to_string();
        let manifest = decode_manifest(&read_all(files, &path)?)
            .map_err(|cause| SnapshotError::Manifest { path: path_text.clone(), cause })?;
        check_origin(&manifest, own, &path_text)?;
        Ok(Some(Self { files: files.clone(), dir: dir.to_owned(), manifest }))
    }

    fn check_lengths(&self) -> Result<(), DamagedFile> {
        self.manifest.files.iter().try_for_each(|file| file.check_length(&self.files, &self.rows()))
    }

    fn applied(&self) -> LogId {
        self.manifest.mark.applied
    }

    /// The folder of its rows.
    pub fn rows(&self) -> PathBuf {
        self.dir.join(ROWS)
    }

    /// A piece of one of its files: at most `length` bytes from `offset`; empty at its end.
    pub fn read(&self, file: &ManifestFile, offset: u64, length: usize) -> io::Result<Bytes> {
        let left = usize::try_from(file.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut buffer = vec![0; length.min(left)];
        self.files.open(&self.rows().join(&file.name))?.read_exact_at(offset, &mut buffer)?;
        Ok(buffer.into())
    }
}

fn check_origin(manifest: &Manifest, own: Origin, what: &str) -> Result<(), SnapshotError> {
    let found = Origin { cluster: manifest.cluster, group: manifest.mark.group };
    if found == own { Ok(()) } else { Err(SnapshotError::Foreign { what: what.to_owned(), found, own }) }
}
