//! The simulated disk: files in memory that one seed loses, tears, fails, fills and rots, for tests and the simulator.
//!
//! What a crash keeps, in our model:
//! - bytes and lengths that a `File::sync` covered, and names that a `sync_dir` of their folder covered;
//! - of everything else, nothing, all, a prefix (its last write perhaps torn), or any scattering of sectors and names.
//!
//! A clone is another handle to the same disk. No threads and no clocks: the same calls give the same disk.

mod contents;
mod faults;
mod files;
mod names;
mod random;
mod syncs;
mod tree;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use faults::DiskOperation;
use faults::Faults;
use names::NodeId;
use random::Random;
pub use syncs::SyncMode;
use syncs::{SimulatedSync, Syncs};
use tree::Tree;

#[derive(Debug, Clone)]
pub struct SimulatedDisk {
    disk: Arc<Mutex<Disk>>,
}

/// An open simulated file; after a crash of its disk it only gives errors.
#[derive(Debug)]
pub struct SimulatedFile {
    disk: SimulatedDisk,
    node: Arc<NodeId>,
    incarnation: u64,
}

#[derive(Debug)]
struct Disk {
    tree: Tree,
    random: Random,
    faults: Faults,
    sync_mode: SyncMode,
    syncs: Syncs,
    /// Syncs that have completed.
    settled: u64,
    /// Orders changes, so that a sync knows which were issued before it.
    sequence: u64,
    incarnation: u64,
}

/// For the driver of a test or simulation.
impl SimulatedDisk {
    pub fn new(seed: u64) -> Self {
        let disk = Disk {
            tree: Tree::new(),
            random: Random::new(seed),
            faults: Faults::default(),
            sync_mode: SyncMode::Immediate,
            syncs: Syncs::default(),
            settled: 0,
            sequence: 0,
            incarnation: 0,
        };
        Self { disk: Arc::new(Mutex::new(disk)) }
    }

    /// Power loss and restart: what was not synced is kept or lost by the dice, and old handles are dead.
    /// Planned faults are forgotten, except a full disk.
    pub fn crash(&self) {
        let mut disk = self.lock();
        let Disk { tree, random, .. } = &mut *disk;
        tree.crash(random);
        Self::restart(disk);
    }

    /// The process is killed and started again: the disk keeps everything, and a later crash may still lose what was
    /// not synced. Old handles are dead; planned faults are forgotten, except a full disk.
    pub fn kill(&self) {
        Self::restart(self.lock());
    }

    fn restart(mut disk: MutexGuard<'_, Disk>) {
        disk.incarnation += 1;
        disk.faults.restart();
        let lost = disk.syncs.crash();
        drop(disk);
        lost.into_iter().for_each(syncs::Held::wake);
    }

    /// Steps so far: operations that can change what a crash leaves behind.
    pub fn steps(&self) -> u64 {
        self.lock().faults.steps()
    }

    /// The power goes just before step number `step` (the first is 0): from there everything fails until `crash`.
    pub fn stop_at(&self, step: u64) {
        self.lock().faults.stop_at(step);
    }

    /// How often the disk has done this.
    pub fn count(&self, operation: DiskOperation) -> u64 {
        self.lock().faults.count(operation)
    }

    /// The n-th such operation from now on fails (1 = the next). A failed write may have written its first bytes;
    /// a failed sync loses what it covered, though reads show it until a crash.
    pub fn fail(&self, operation: DiskOperation, nth: u64, kind: io::ErrorKind) {
        self.lock().faults.fail(operation, nth, kind);
    }

    /// What was planned with [`Self::fail`] and has not happened never will.
    pub fn forget_failures(&self) {
        self.lock().faults.forget_failures();
    }

    /// Lets planned failures wait: whoever looks on must not come upon what is meant for the node.
    pub fn set_undisturbed(&self, is_undisturbed: bool) {
        self.lock().faults.set_undisturbed(is_undisturbed);
    }

    /// All files together never grow beyond this; `None` lifts the limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.lock().faults.capacity = bytes;
    }

    /// Rot: one bit of the file is wrong from now on.
    pub fn flip_bit(&self, path: &Path, bit: usize) -> io::Result<()> {
        let mut disk = self.lock();
        let node = disk.tree.find(path)?;
        disk.tree.file_mut(node)?.flip_bit(bit);
        Ok(())
    }

    pub fn set_sync_mode(&self, mode: SyncMode) {
        self.lock().sync_mode = mode;
    }

    /// Syncs that were called and wait to be completed.
    pub fn held_syncs(&self) -> usize {
        self.lock().syncs.held_count()
    }

    /// The tickets of held syncs, the oldest first: a later one is larger, also after a crash.
    pub fn held_tickets(&self) -> Vec<u64> {
        self.lock().syncs.tickets()
    }

    /// Completes the held sync with this ticket. False if there is none.
    pub fn complete_ticket(&self, ticket: u64) -> bool {
        let position = self.lock().syncs.position(ticket);
        position.is_some_and(|n| self.complete_sync(n))
    }

    /// The held sync with this ticket fails, and what it covered is lost. False if there is none.
    pub fn fail_ticket(&self, ticket: u64, kind: io::ErrorKind) -> bool {
        let position = self.lock().syncs.position(ticket);
        position.is_some_and(|n| self.fail_sync(n, kind))
    }

    /// All files, with their lengths: where rot may be put.
    pub fn files(&self) -> Vec<(std::path::PathBuf, u64)> {
        self.lock().tree.files()
    }

    /// Bytes of all files together.
    pub fn bytes(&self) -> u64 {
        self.lock().tree.bytes()
    }

    /// How many syncs have completed: as long as it is the same, so is what a crash surely keeps.
    pub fn settled(&self) -> u64 {
        self.lock().settled
    }

    /// All that the disk was asked for so far, as one number: equal for equal stories.
    pub fn history(&self) -> u64 {
        self.lock().faults.history()
    }

    /// How often it said no, as it was told to: planned failures, and no room.
    pub fn refusals(&self) -> u64 {
        self.lock().faults.refusals()
    }

    /// Bytes of a file that a crash keeps, whatever the dice say; `None` if not all of them are.
    pub fn read_durable(&self, path: &Path, offset: usize, length: usize) -> Option<Vec<u8>> {
        let disk = self.lock();
        let node = disk.tree.find_durable(path)?;
        disk.tree.file(node).ok()?.durable_at(offset, length).map(<[u8]>::to_vec)
    }

    /// The names in a folder that a crash keeps.
    pub fn durable_names(&self, dir: &Path) -> Vec<String> {
        let disk = self.lock();
        let folder = disk.tree.find_durable(dir).and_then(|node| disk.tree.folder(node).ok());
        folder.map_or_else(Vec::new, |names| names.durable().keys().cloned().collect())
    }

    /// Completes the n-th oldest held sync (0 = the oldest). False if there is none.
    pub fn complete_sync(&self, n: usize) -> bool {
        self.finish_sync(n, Ok(()), Tree::settle)
    }

    /// The n-th oldest held sync fails, and what it covered is lost.
    pub fn fail_sync(&self, n: usize, kind: io::ErrorKind) -> bool {
        self.finish_sync(n, Err(io::Error::new(kind, "simulated failure")), Tree::lose)
    }

    fn finish_sync(&self, n: usize, result: io::Result<()>, effect: fn(&mut Tree, NodeId, u64)) -> bool {
        let finished = {
            let mut disk = self.lock();
            let finished = disk.syncs.finish(n, result);
            if let Some(held) = &finished {
                disk.settled += 1;
                disk.faults.note(held.sequence);
                effect(&mut disk.tree, held.node, held.sequence);
            }
            finished
        };
        finished.map(syncs::Held::wake).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened(&self, disk: &mut Disk, node: NodeId) -> io::Result<SimulatedFile> {
        let node = disk.tree.open(node)?;
        Ok(SimulatedFile { disk: self.clone(), node, incarnation: disk.incarnation })
    }

    fn start_sync(
        &self,
        mut disk: MutexGuard<'_, Disk>,
        node: NodeId,
        operation: DiskOperation,
    ) -> SimulatedSync {
        let sequence = disk.sequence;
        if let Err(error) = disk.faults.admit(operation) {
            // Without power the dice decide, at the crash.
            if !disk.faults.is_off() {
                disk.tree.lose(node, sequence);
            }
            return SimulatedSync::Done(Some(Err(error)));
        }
        match disk.sync_mode {
            SyncMode::Immediate => {
                disk.settled += 1;
                disk.tree.settle(node, sequence);
                SimulatedSync::Done(Some(Ok(())))
            }
            SyncMode::Held => {
                let ticket = disk.syncs.hold(node, sequence);
                SimulatedSync::Waiting { disk: self.clone(), ticket }
            }
        }
    }
}

impl Disk {
    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    fn make_room(&mut self, growth: u64) -> io::Result<()> {
        match self.faults.capacity {
            Some(capacity) if growth > 0 && self.tree.bytes() + growth > capacity => {
                self.faults.refuse();
                Err(io::Error::new(io::ErrorKind::StorageFull, "the simulated disk is full"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
