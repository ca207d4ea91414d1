//! The `state` folder: the row store in use, as one generation among those that snapshots install.
//!
//! Each generation is a folder of its own, and a small synced file points to the one in use: installing a snapshot is
//! making the next folder and then replacing the pointer, so a crash leaves either the old rows or the new, whole.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use crate::engine::{Engine, EngineError, OpenEngine};
use crate::files::{Files, read_all, replace};

const POINTER: &str = "current";

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
    #[error("{path}: points to no generation: {text:?}")]
    Pointer {
        /// The pointer file.
        path: String,
        /// What it says.
        text: String,
    },
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
        crate::files::create_dir_durably(&files, &dir).await?;
        let number = match read_pointer(&files, &dir.join(POINTER))? {
            Some(number) => number,
            None => {
                replace(&files, &dir.join(POINTER), b"1\n").await?;
                1
            }
        };
        for name in files.list(&dir)? {
            if generation_of(&name).is_some_and(|found| found != number) {
                files.remove_dir_all(&dir.join(&name))?;
            }
        }
        let engine = opener.open(&folder(&dir, number))?;
        let current = RwLock::new((number, engine));
        Ok(Self { files, dir, opener, current, retired: Mutex::new(Vec::new()) })
    }

    /// The row store in use.
    pub fn engine(&self) -> Arc<dyn Engine> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Makes a generation from the files of a snapshot and takes it into use.
    pub async fn install(&self, rows: &Path) -> Result<Arc<dyn Engine>, GenerationsError> {
        let number = self.current.read().unwrap_or_else(PoisonError::into_inner).0 + 1;
        let next = folder(&self.dir, number);
        if self.files.exists(&next)? {
            self.files.remove_dir_all(&next)?;
        }
        self.files.create_dir_all(&next)?;
        for name in self.files.list(rows)? {
            self.files.link(&rows.join(&name), &next.join(&name))?;
        }
        self.files.sync_dir(&next).await?;
        self.files.sync_dir(&self.dir).await?;
        let engine = self.opener.open(&next)?;
        replace(&self.files, &self.dir.join(POINTER), format!("{number}\n").as_bytes()).await?;

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

fn read_pointer<F: Files>(files: &F, path: &Path) -> Result<Option<u64>, GenerationsError> {
    if !files.exists(path)? {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&read_all(files, path)?).into_owned();
    match text.trim_end().parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(GenerationsError::Pointer { path: path.display().to_string(), text }),
    }
}

fn folder(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("generation-{number:06}"))
}

fn generation_of(name: &str) -> Option<u64> {
    name.strip_prefix("generation-")?.parse().ok()
}
