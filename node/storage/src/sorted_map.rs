//! A sorted map as an [`Engine`]: for tests and the simulator. A flush writes all of it as one file, so that what a
//! crash leaves is decided by the disk it lies on.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use holdfast_reservations::Order;

use crate::codec;
use crate::engine::{Batch, BatchChange, Engine, EngineError, EngineFuture, OpenEngine, ReadEngine, Show};
use crate::files::{Files, read_all, replace};

const IMAGE: &str = "image";
const IMAGE_VERSION: u8 = 1;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Opens sorted maps on some disk.
pub struct SortedMaps<F>(pub F);

struct SortedMap<F> {
    files: F,
    dir: PathBuf,
    map: RwLock<Map>,
}

impl<F: Files> OpenEngine for SortedMaps<F> {
    fn open(&self, dir: &Path) -> Result<Arc<dyn Engine>, EngineError> {
        self.0.create_dir_all(dir).map_err(|cause| failed("make its folder", cause))?;
        let map = RwLock::new(read_image(&self.0, dir)?.unwrap_or_default());
        Ok(Arc::new(SortedMap { files: self.0.clone(), dir: dir.to_owned(), map }))
    }

    fn peek(&self, dir: &Path, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(read_image(&self.0, dir)?.and_then(|mut map| map.remove(key)))
    }
}

impl<F: Files> SortedMap<F> {
    fn map(&self) -> RwLockReadGuard<'_, Map> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write_image(&self, dir: &Path, doing: &'static str) -> Result<(), EngineError> {
        let mut image = Vec::new();
        codec::encode(IMAGE_VERSION, &*self.map(), &mut image).map_err(|cause| failed(doing, cause))?;
        // As with RocksDB, the folder's own name is left to whoever asked for it.
        self.files.create_dir_all(dir).map_err(|cause| failed(doing, cause))?;
        replace(&self.files, &dir.join(IMAGE), &image).await.map_err(|cause| failed(doing, cause))
    }
}

impl<F: Files> ReadEngine for SortedMap<F> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        MapReader(&self.map()).get(key)
    }

    fn scan(&self, range: Range<&[u8]>, order: Order, show: &mut Show<'_>) -> Result<(), EngineError> {
        MapReader(&self.map()).scan(range, order, show)
    }
}

impl<F: Files> Engine for SortedMap<F> {
    fn read(&self, with: &mut dyn FnMut(&dyn ReadEngine)) {
        with(&MapReader(&self.map()));
    }

    fn write(&self, batch: &Batch) -> Result<(), EngineError> {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        for change in batch.changes() {
            match change {
                BatchChange::Put(key, value) => {
                    map.insert(key.to_vec(), value.to_vec());
                }
                BatchChange::Delete(key) => {
                    map.remove(key);
                }
                BatchChange::DeleteRange(from, to) => {
                    map.retain(|key, _| !(from..to).contains(&key.as_slice()))
                }
            }
        }
        Ok(())
    }

    fn flush(&self) -> EngineFuture<'_> {
        Box::pin(self.write_image(&self.dir, "flush"))
    }

    fn checkpoint<'a>(&'a self, dir: &'a Path) -> EngineFuture<'a> {
        Box::pin(async move {
            // As with the real one, what a checkpoint shows is durable in the store as well.
            self.write_image(&self.dir, "flush").await?;
            self.write_image(dir, "make a checkpoint").await
        })
    }
}

struct MapReader<'a>(&'a Map);

impl ReadEngine for MapReader<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.0.get(key).cloned())
    }

    fn scan(&self, range: Range<&[u8]>, order: Order, show: &mut Show<'_>) -> Result<(), EngineError> {
        if range.start >= range.end {
            return Ok(());
        }
        let mut found = self.0.range::<[u8], _>((Bound::Included(range.start), Bound::Excluded(range.end)));
        loop {
            let next = match order {
                Order::Ascending => found.next(),
                Order::Descending => found.next_back(),
            };
            let Some((key, value)) = next else { return Ok(()) };
            if show(key, value).is_break() {
                return Ok(());
            }
        }
    }
}

fn read_image<F: Files>(files: &F, dir: &Path) -> Result<Option<Map>, EngineError> {
    let path = dir.join(IMAGE);
    let doing = "open the sorted map";
    if !files.exists(&path).map_err(|cause| failed(doing, cause))? {
        return Ok(None);
    }
    let image = read_all(files, &path).map_err(|cause| failed(doing, cause))?;
    codec::decode(&image, IMAGE_VERSION).map(Some).map_err(|cause| failed(doing, cause))
}

fn failed(doing: &'static str, cause: impl ToString) -> EngineError {
    EngineError { doing, cause: cause.to_string() }
}
