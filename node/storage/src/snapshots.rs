//! The `snapshots` folder: checkpoints of the rows, each with a manifest that says what it is.
//!
//! A snapshot is built or received in a folder of another name, synced, and then renamed: under its own name it is
//! always whole. Its label is read from the checkpoint itself, so it can never claim more or less than its rows show.

mod receive;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use receive::{ReceiveError, Receiving};

use crate::codec::{self, CodecError};
use crate::engine::{Engine, EngineError, OpenEngine};
use crate::files::{File as _, Files, create_dir_durably, read_all, write_new};
use crate::keys;
use crate::mark::Mark;

/// The version of [`Manifest`].
const MANIFEST_VERSION: u8 = 1;

const MANIFEST: &str = "manifest";
const ROWS: &str = "rows";
const BUILDING: &str = "building";
const RECEIVING: &str = "receiving";

/// What a snapshot is: how far its rows have come, and which files hold them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// How far its rows have come.
    pub mark: Mark,
    /// Its files, in the order in which they are sent.
    pub files: Vec<ManifestFile>,
}

/// A file of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its name; never a path.
    pub name: String,
    /// Its length in bytes.
    pub length: u64,
}

/// What can go wrong with a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A file could not be read or written.
    #[error("a snapshot: {0}")]
    Io(#[from] io::Error),
    /// The checkpoint failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A manifest or a mark is damaged.
    #[error("a snapshot: {0}")]
    Codec(#[from] CodecError),
    /// There was nothing to take a snapshot of.
    #[error("the rows have no mark: nothing was ever applied")]
    Empty,
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
    latest: Mutex<Option<Arc<Snapshot<F>>>>,
    /// Folders of earlier snapshots, to be removed when nobody sends them any more.
    retired: Mutex<Vec<(Weak<Snapshot<F>>, PathBuf)>>,
}

impl<F: Files> Snapshots<F> {
    /// Finds the newest whole snapshot and removes everything else.
    pub async fn open(files: F, dir: PathBuf, opener: Arc<dyn OpenEngine>) -> Result<Self, SnapshotError> {
        create_dir_durably(&files, &dir).await?;
        let mut latest: Option<Snapshot<F>> = None;
        for name in files.list(&dir)? {
            let path = dir.join(&name);
            let found = if files.exists(&path.join(MANIFEST))? && name != BUILDING && name != RECEIVING {
                let manifest = decode_manifest(&read_all(&files, &path.join(MANIFEST))?)?;
                Some(Snapshot { files: files.clone(), dir: path.clone(), manifest })
            } else {
                None
            };
            let applied = |snapshot: &Snapshot<F>| snapshot.manifest.mark.applied;
            let doomed = match found {
                Some(found) if latest.as_ref().map(applied) < Some(applied(&found)) => {
                    latest.replace(found).map(|older| older.dir)
                }
                Some(_) | None => Some(path),
            };
            if let Some(doomed) = doomed {
                files.remove_dir_all(&doomed)?;
            }
        }
        let latest = Mutex::new(latest.map(Arc::new));
        Ok(Self { files, dir, opener, latest, retired: Mutex::new(Vec::new()) })
    }

    /// The newest snapshot.
    pub fn latest(&self) -> Option<Arc<Snapshot<F>>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
        let mark = self.opener.peek(&rows, keys::MARK)?.ok_or(SnapshotError::Empty)?;
        let mark = Mark::decode(&mark)?;
        let files = self.list_files(&rows)?;
        self.finish(&building, Manifest { mark, files }).await
    }

    /// Starts to receive a snapshot. One at a time: what was received before is dropped.
    pub fn receive(&self, manifest: Manifest) -> Result<Receiving<F>, ReceiveError> {
        Receiving::start(self.files.clone(), self.dir.join(RECEIVING), manifest)
    }

    /// Keeps a snapshot that was received whole.
    pub async fn keep(&self, received: Receiving<F>) -> Result<Arc<Snapshot<F>>, ReceiveError> {
        let (dir, manifest) = received.finish().await?;
        Ok(self.finish(&dir, manifest).await?)
    }

    /// Gives a folder with rows its manifest and its name.
    async fn finish(&self, from: &Path, manifest: Manifest) -> Result<Arc<Snapshot<F>>, SnapshotError> {
        let mut bytes = Vec::new();
        codec::encode(MANIFEST_VERSION, &manifest, &mut bytes)?;
        write_new(&self.files, &from.join(MANIFEST), &bytes).await?;
        self.files.sync_dir(from).await?;

        let applied = manifest.mark.applied;
        let name = format!("{:020}-{}-{}", applied.index, applied.term, applied.node);
        let dir = self.dir.join(name);
        if let Some(same) = self.latest().filter(|latest| latest.dir == dir) {
            self.files.remove_dir_all(from)?;
            return Ok(same);
        }
        self.files.rename(from, &dir)?;
        self.files.sync_dir(&self.dir).await?;
        let snapshot = Arc::new(Snapshot { files: self.files.clone(), dir, manifest });
        self.replace_latest(snapshot.clone())?;
        Ok(snapshot)
    }

    fn replace_latest(&self, snapshot: Arc<Snapshot<F>>) -> io::Result<()> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = latest.replace(snapshot) {
            retired.push((Arc::downgrade(&old), old.dir.clone()));
        }
        let (gone, used): (Vec<_>, Vec<_>) =
            std::mem::take(&mut *retired).into_iter().partition(|(snapshot, _)| snapshot.strong_count() == 0);
        *retired = used;
        for (_, dir) in gone {
            self.files.remove_dir_all(&dir)?;
        }
        Ok(())
    }

    fn list_files(&self, rows: &Path) -> io::Result<Vec<ManifestFile>> {
        let names = self.files.list(rows)?.into_iter();
        let files = names.map(|name| {
            let length = self.files.open(&rows.join(&name))?.length()?;
            Ok(ManifestFile { name, length })
        });
        files.collect()
    }
}

impl<F: Files> Snapshot<F> {
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

/// The bytes of a manifest, as they are sent.
pub fn encode_manifest(manifest: &Manifest) -> Result<Bytes, CodecError> {
    let mut bytes = Vec::new();
    codec::encode(MANIFEST_VERSION, manifest, &mut bytes)?;
    Ok(bytes.into())
}

/// The manifest of these bytes.
pub fn decode_manifest(bytes: &[u8]) -> Result<Manifest, CodecError> {
    codec::decode(bytes, MANIFEST_VERSION)
}
