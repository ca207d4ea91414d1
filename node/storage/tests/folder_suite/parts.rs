//! A row store in several files, as RocksDB is one: parts that never change, and a small file that names those in use.
//! It notices nothing by itself: no checksum of its own hides what the folder around it misses.

use std::collections::BTreeMap;
use std::io;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use holdfast_reservations::Order;
use holdfast_storage::codec::{decode_bare, encode_bare};
use holdfast_storage::engine::{Batch, Engine, EngineError, EngineFuture, OpenEngine, ReadEngine, Show};
use holdfast_storage::files::{Files, read_all, replace, write_new};
use holdfast_storage::simulated::SimulatedDisk;
use holdfast_storage::sorted_map::SortedMaps;

/// Rows are dealt out to so many files.
const PARTS: usize = 3;

const IN_USE: &str = "in-use";

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Opens such stores.
pub struct Parts(pub SimulatedDisk);

struct Store {
    files: SimulatedDisk,
    dir: PathBuf,
    rows: Arc<dyn Engine>,
}

impl OpenEngine for Parts {
    fn open(&self, dir: &Path) -> Result<Arc<dyn Engine>, EngineError> {
        self.0.create_dir_all(dir).map_err(failed)?;
        let mut batch = Batch::default();
        for (key, value) in read(&self.0, dir).map_err(failed)? {
            put(&mut batch, &key, &value);
        }
        let rows = SortedMaps(SimulatedDisk::new(0)).open(Path::new("/"))?;
        rows.write(&batch)?;
        Ok(Arc::new(Store { files: self.0.clone(), dir: dir.to_owned(), rows }))
    }

    fn peek(&self, dir: &Path, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(read(&self.0, dir).map_err(failed)?.remove(key))
    }
}

impl ReadEngine for Store {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.rows.get(key)
    }

    fn scan(&self, range: Range<&[u8]>, order: Order, show: &mut Show<'_>) -> Result<(), EngineError> {
        self.rows.scan(range, order, show)
    }
}

impl Engine for Store {
    fn read(&self, with: &mut dyn FnMut(&dyn ReadEngine)) {
        self.rows.read(with);
    }

    fn write(&self, batch: &Batch) -> Result<(), EngineError> {
        self.rows.write(batch)
    }

    fn flush(&self) -> EngineFuture<'_> {
        Box::pin(async { self.write_parts().await.map(drop).map_err(failed) })
    }

    fn checkpoint<'a>(&'a self, dir: &'a Path) -> EngineFuture<'a> {
        Box::pin(async move { self.link_parts(dir).await.map_err(failed) })
    }
}

impl Store {
    /// Writes all rows as new parts and takes them into use; their number.
    async fn write_parts(&self) -> io::Result<u64> {
        let old = self.files.list(&self.dir)?;
        let number = old.iter().filter_map(|name| number_of(name)).max().unwrap_or(0) + 1;
        for (nth, part) in self.dealt_out().iter().enumerate() {
            let bytes = encode_bare(part).map_err(io::Error::other)?;
            write_new(&self.files, &part_path(&self.dir, number, nth), &bytes).await?;
        }
        self.files.sync_dir(&self.dir).await?;
        replace(&self.files, &self.dir.join(IN_USE), number.to_string().as_bytes()).await?;
        for name in old.iter().filter(|name| number_of(name).is_some()) {
            self.files.remove_file(&self.dir.join(name))?;
        }
        Ok(number)
    }

    async fn link_parts(&self, dir: &Path) -> io::Result<()> {
        let number = self.write_parts().await?;
        self.files.create_dir_all(dir)?;
        for nth in 0..PARTS {
            self.files.link(&part_path(&self.dir, number, nth), &part_path(dir, number, nth))?;
        }
        write_new(&self.files, &dir.join(IN_USE), number.to_string().as_bytes()).await?;
        // As with RocksDB, the folder's own name is left to whoever asked for it.
        self.files.sync_dir(dir).await
    }

    fn dealt_out(&self) -> [Rows; PARTS] {
        let mut parts = [const { Rows::new() }; PARTS];
        let mut nth = 0;
        let scanned = self.rows.scan(&[]..&[0xff], Order::Ascending, &mut |key, value| {
            parts[nth % PARTS].insert(key.to_vec(), value.to_vec());
            nth += 1;
            ControlFlow::Continue(())
        });
        scanned.unwrap();
        parts
    }
}

fn read(files: &SimulatedDisk, dir: &Path) -> io::Result<Rows> {
    let in_use = dir.join(IN_USE);
    if !files.exists(&in_use)? {
        return Ok(Rows::new());
    }
    let number = String::from_utf8_lossy(&read_all(files, &in_use)?).parse().map_err(io::Error::other)?;
    let mut rows = Rows::new();
    for nth in 0..PARTS {
        let bytes = read_all(files, &part_path(dir, number, nth))?;
        rows.append(&mut decode_bare::<Rows>(&bytes).map_err(io::Error::other)?);
    }
    Ok(rows)
}

fn part_path(dir: &Path, number: u64, nth: usize) -> PathBuf {
    dir.join(format!("{number:06}-{nth}.part"))
}

fn number_of(name: &str) -> Option<u64> {
    name.strip_suffix(".part")?.split_once('-')?.0.parse().ok()
}

pub fn put(batch: &mut Batch, key: &[u8], value: &[u8]) {
    let value = |to: &mut Vec<u8>| {
        to.extend_from_slice(value);
        Ok::<_, std::convert::Infallible>(())
    };
    let Ok(()) = batch.put(|to| to.extend_from_slice(key), value);
}

fn failed(cause: io::Error) -> EngineError {
    EngineError { doing: "keep its parts", cause: cause.to_string() }
}
