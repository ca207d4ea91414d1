//! The `state` folder: the row store in use, as one generation among those that snapshots install.
//!
//! Each generation is a folder of its own, and a small synced file points to the one in use: installing a snapshot is
//! making the next folder and then replacing the pointer, so a crash leaves either the old rows or the new, whole.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use crate::engine::{Engine, EngineError, OpenEngine};
use crate::files::{Files, create_dir_durably, read_all, replace};
use crate::sealed::{seal, unseal};
use crate::snapshots::{DamagedFile, ManifestFile};

const POINTER: &str = "current";

const FIRST_LINE: &str = "holdfast rows, format 1";

/// The generation that a node begins with.
const FIRST: u64 = 1;

/// What can go wrong with the folder.
#[derive(Debug, thiserror::Error)]
pub enum GenerationsError {
    /// A file could not be read or written.
    #[error("the state folder: {0}")]
    Io(#[from] io::Error),
    /// The row store could not be opened.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The pointer is not one.
    #[error("{path}: points to no generation of this version of Holdfast ({problem})")]
    Pointer {
        /// The pointer file.
        path: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The rows that the pointer points to are gone.
    #[error("{0}: the rows in use are gone")]
    Gone(String),
    /// There are rows, and nothing says which are in use.
    #[error("{0} is gone: nothing says which generation of rows is in use")]
    PointerGone(String),
    /// A file of the snapshot to be installed is damaged.
    #[error(transparent)]
    Snapshot(#[from] DamagedFile),
}

/// The generations of one node's rows.
pub struct Generations<F> {
    files: F,
    dir: PathBuf,
    opener: Arc<dyn OpenEngine>,
    current: RwLock<(u64, Arc<dyn Engine>)>,
    /// Folders of earlier generations, to be removed when nobody reads from them any more.
    retired: Mutex<Vec<(Weak<dyn Engine>, PathBuf)>>,
}

impl<F: Files> Generations<F> {
    /// Opens the generation in use, or makes the first one; removes what a crash left of others.
    pub async fn open(files: F, dir: PathBuf, opener: Arc<dyn OpenEngine>) -> Result<Self, GenerationsError> {
        create_dir_durably(&files, &dir).await?;
        // A killed process may have replaced the pointer and not synced it. Nothing older goes before that is done.
        files.sync_dir(&dir).await?;
        let number = match read_pointer(&files, &dir)? {
            Some(number) => number,
            None => begin(&files, &dir).await?,
        };
        let others: Vec<u64> =
            generations(&files, &dir)?.into_iter().filter(|found| *found != number).collect();
        if !others.is_empty() {
            // A sync that failed may have left a pointer that no other sync makes durable, before older rows.
            write_pointer(&files, &dir, number).await?;
        }
        for other in others {
            files.remove_dir_all(&folder(&dir, other))?;
        }
        let engine = opener.open(&folder(&dir, number))?;
        let current = RwLock::new((number, engine));
        Ok(Self { files, dir, opener, current, retired: Mutex::new(Vec::new()) })
    }

    /// The row store in use.
    pub fn engine(&self) -> Arc<dyn Engine> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Makes a generation from the files of a snapshot and takes it into use. They are read through first: what they
    /// say is true of this node from now on.
    pub async fn install(
        &self,
        rows: &Path,
        files: &[ManifestFile],
    ) -> Result<Arc<dyn Engine>, GenerationsError> {
        for file in files {
            file.check(&self.files, rows)?;
        }
        let number = self.current.read().unwrap_or_else(PoisonError::into_inner).0 + 1;
        let next = folder(&self.dir, number);
        if self.files.exists(&next)? {
            self.files.remove_dir_all(&next)?;
        }
        self.files.create_dir_all(&next)?;
        for ManifestFile { name, .. } in files {
            self.files.link(&rows.join(name), &next.join(name))?;
        }
        self.files.sync_dir(&next).await?;
        self.files.sync_dir(&self.dir).await?;
        let engine = self.opener.open(&next)?;
        write_pointer(&self.files, &self.dir, number).await?;

        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let (old_number, old) = std::mem::replace(&mut *current, (number, engine.clone()));
        drop(current);
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.push((Arc::downgrade(&old), folder(&self.dir, old_number)));
        Ok(engine)
    }

    /// Removes the folders of generations that nobody reads from any more. What stays is removed at the next start.
    pub fn remove_retired(&self) -> io::Result<()> {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        let (gone, used): (Vec<_>, Vec<_>) =
            std::mem::take(&mut *retired).into_iter().partition(|(engine, _)| engine.strong_count() == 0);
        *retired = used;
        drop(retired);
        for (_, dir) in gone {
            self.files.remove_dir_all(&dir)?;
        }
        Ok(())
    }
}

/// Makes the first generation, or goes on with a beginning that a crash interrupted.
async fn begin<F: Files>(files: &F, dir: &Path) -> Result<u64, GenerationsError> {
    if generations(files, dir)?.iter().any(|found| *found != FIRST) {
        return Err(GenerationsError::PointerGone(dir.join(POINTER).display().to_string()));
    }
    create_dir_durably(files, &folder(dir, FIRST)).await?;
    write_pointer(files, dir, FIRST).await?;
    Ok(FIRST)
}

fn read_pointer<F: Files>(files: &F, dir: &Path) -> Result<Option<u64>, GenerationsError> {
    let path = dir.join(POINTER);
    if !files.exists(&path)? {
        return Ok(None);
    }
    let malformed = |problem| GenerationsError::Pointer { path: path.display().to_string(), problem };
    let number = parse_pointer(&read_all(files, &path)?).map_err(malformed)?;
    if files.exists(&folder(dir, number))? {
        Ok(Some(number))
    } else {
        Err(GenerationsError::Gone(folder(dir, number).display().to_string()))
    }
}

fn parse_pointer(bytes: &[u8]) -> Result<u64, &'static str> {
    let mut lines = unseal(bytes, FIRST_LINE)?;
    let number = lines.next().and_then(|line| line.strip_prefix("generation ")?.parse().ok());
    number.ok_or("it names none")
}

async fn write_pointer<F: Files>(files: &F, dir: &Path, number: u64) -> io::Result<()> {
    let text = seal(format!("{FIRST_LINE}\ngeneration {number}\n"));
    replace(files, &dir.join(POINTER), text.as_bytes()).await
}

fn generations<F: Files>(files: &F, dir: &Path) -> io::Result<Vec<u64>> {
    Ok(files.list(dir)?.iter().filter_map(|name| generation_of(name)).collect())
}

fn folder(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("generation-{number:06}"))
}

fn generation_of(name: &str) -> Option<u64> {
    name.strip_prefix("generation-")?.parse().ok()
}
