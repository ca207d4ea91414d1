//! The snapshots of a node, whatever disk they lie on.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_storage::engine::Engine;
use holdfast_storage::files::Files;
use holdfast_storage::generations::Generations;
use holdfast_storage::snapshots::{Manifest, Receiving, Snapshot, Snapshots};

use crate::runtime::Placement;
use crate::store::fatal;

type LibraryFuture<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

/// A whole snapshot that can be read.
pub(crate) trait SnapshotFiles: Send + Sync {
    /// What it is.
    fn manifest(&self) -> &Manifest;
    /// The folder of its rows.
    fn rows(&self) -> PathBuf;
    /// A piece of the file at a position of its manifest; empty at the file's end.
    fn read(&self, file: usize, offset: u64, length: usize) -> io::Result<Bytes>;
}

/// A snapshot on its way in.
pub(crate) trait SnapshotReceiver: Send {
    /// Takes the next piece of a file.
    fn piece(&mut self, file: usize, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Ends a file.
    fn end_file(&mut self, file: usize, checksum: u32) -> LibraryFuture<'_, ()>;
    /// Keeps what was received whole.
    fn keep(self: Box<Self>) -> LibraryFuture<'static, Arc<dyn SnapshotFiles>>;
}

/// The snapshots of a node.
pub(crate) trait Library: Send + Sync {
    /// The newest.
    fn latest(&self) -> Option<Arc<dyn SnapshotFiles>>;
    /// Takes one of a store.
    fn build(&self, engine: Arc<dyn Engine>) -> LibraryFuture<'_, Arc<dyn SnapshotFiles>>;
    /// Takes the rows of one into use.
    fn install(&self, snapshot: Arc<dyn SnapshotFiles>) -> LibraryFuture<'_, Arc<dyn Engine>>;
    /// Removes what installs have replaced and nobody reads any more.
    fn remove_retired(&self) -> LibraryFuture<'_, ()>;
    /// Starts to receive one.
    fn receive(&self, manifest: Manifest) -> io::Result<Box<dyn SnapshotReceiver>>;
    /// The store in use.
    fn engine(&self) -> Arc<dyn Engine>;
}

/// Snapshots and generations in a data folder.
pub(crate) struct StoredLibrary<F: Files> {
    pub(crate) snapshots: Arc<Snapshots<F>>,
    pub(crate) generations: Arc<Generations<F>>,
    pub(crate) placement: Placement,
}

impl<F: Files> Library for StoredLibrary<F> {
    fn latest(&self) -> Option<Arc<dyn SnapshotFiles>> {
        self.snapshots.latest().map(|snapshot| snapshot as Arc<dyn SnapshotFiles>)
    }

    fn build(&self, engine: Arc<dyn Engine>) -> LibraryFuture<'_, Arc<dyn SnapshotFiles>> {
        let snapshots = self.snapshots.clone();
        let work = async move {
            let built = snapshots.build(&*engine).await;
            built.map(|snapshot| snapshot as Arc<dyn SnapshotFiles>).map_err(fatal)
        };
        Box::pin(async move { self.placement.run("snapshot", work).await? })
    }

    fn install(&self, snapshot: Arc<dyn SnapshotFiles>) -> LibraryFuture<'_, Arc<dyn Engine>> {
        let generations = self.generations.clone();
        let work = async move {
            generations.install(&snapshot.rows(), &snapshot.manifest().files).await.map_err(fatal)
        };
        Box::pin(async move { self.placement.run("snapshot", work).await? })
    }

    fn remove_retired(&self) -> LibraryFuture<'_, ()> {
        let generations = self.generations.clone();
        let work = async move { generations.remove_retired() };
        Box::pin(async move { self.placement.run("snapshot", work).await? })
    }

    fn receive(&self, manifest: Manifest) -> io::Result<Box<dyn SnapshotReceiver>> {
        let receiving = self.snapshots.receive(manifest).map_err(fatal)?;
        Ok(Box::new(StoredReceiver {
            snapshots: self.snapshots.clone(),
            receiving,
            placement: self.placement,
        }))
    }

    fn engine(&self) -> Arc<dyn Engine> {
        self.generations.engine()
    }
}

impl<F: Files> SnapshotFiles for Snapshot<F> {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn rows(&self) -> PathBuf {
        Snapshot::rows(self)
    }

    fn read(&self, file: usize, offset: u64, length: usize) -> io::Result<Bytes> {
        match self.manifest.files.get(file) {
            Some(file) => Snapshot::read(self, file, offset, length),
            None => Ok(Bytes::new()),
        }
    }
}

struct StoredReceiver<F: Files> {
    snapshots: Arc<Snapshots<F>>,
    receiving: Receiving<F>,
    placement: Placement,
}

impl<F: Files> SnapshotReceiver for StoredReceiver<F> {
    fn piece(&mut self, file: usize, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.receiving.piece(file, offset, bytes).map_err(fatal)
    }

    fn end_file(&mut self, file: usize, checksum: u32) -> LibraryFuture<'_, ()> {
        Box::pin(async move { self.receiving.end_file(file, checksum).await.map_err(fatal) })
    }

    fn keep(self: Box<Self>) -> LibraryFuture<'static, Arc<dyn SnapshotFiles>> {
        let Self { snapshots, receiving, placement } = *self;
        let work = async move {
            let kept = snapshots.keep(receiving).await;
            kept.map(|snapshot| snapshot as Arc<dyn SnapshotFiles>).map_err(fatal)
        };
        Box::pin(async move { placement.run("snapshot", work).await? })
    }
}
