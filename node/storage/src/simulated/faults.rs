//! What the simulated disk was told to do wrong, and how often it was asked for what.

use std::collections::BTreeMap;
use std::io;

/// What a disk is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskOperation {
    Open,
    List,
    Read,
    Create,
    Write,
    SetLength,
    Sync,
    SyncFolder,
    CreateFolder,
    Rename,
    Link,
    Remove,
}

impl DiskOperation {
    /// Whether it can change what a crash leaves behind.
    fn changes_disk(self) -> bool {
        match self {
            DiskOperation::Open | DiskOperation::List | DiskOperation::Read => false,
            DiskOperation::Create
            | DiskOperation::Write
            | DiskOperation::SetLength
            | DiskOperation::Sync
            | DiskOperation::SyncFolder
            | DiskOperation::CreateFolder
            | DiskOperation::Rename
            | DiskOperation::Link
            | DiskOperation::Remove => true,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    counts: BTreeMap<DiskOperation, u64>,
    steps: u64,
    stop_at: Option<u64>,
    is_off: bool,
    /// All that the disk was asked for, as one number.
    history: u64,
    /// How often it said no, as it was told to: planned failures, and no room.
    refusals: u64,
    /// (what, how many until it fails, how)
    failures: Vec<(DiskOperation, u64, io::ErrorKind)>,
    /// Nothing that is planned comes true now.
    is_undisturbed: bool,
    pub(super) capacity: Option<u64>,
}

impl Faults {
    pub(super) fn count(&self, operation: DiskOperation) -> u64 {
        self.counts.get(&operation).copied().unwrap_or(0)
    }

    pub(super) fn history(&self) -> u64 {
        self.history
    }

    pub(super) fn refusals(&self) -> u64 {
        self.refusals
    }

    pub(super) fn refuse(&mut self) {
        self.refusals += 1;
    }

    pub(super) fn note(&mut self, number: u64) {
        self.history = (self.history.rotate_left(5) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    pub(super) fn is_off(&self) -> bool {
        self.is_off
    }

    pub(super) fn stop_at(&mut self, step: u64) {
        self.stop_at = Some(step);
    }

    pub(super) fn fail(&mut self, operation: DiskOperation, nth: u64, kind: io::ErrorKind) {
        self.failures.push((operation, nth, kind));
    }

    pub(super) fn forget_failures(&mut self) {
        self.failures.clear();
    }

    pub(super) fn set_undisturbed(&mut self, is_undisturbed: bool) {
        self.is_undisturbed = is_undisturbed;
    }

    /// Power is back, and so is a disk without errors. A full one stays full.
    pub(super) fn restart(&mut self) {
        self.stop_at = None;
        self.is_off = false;
        self.failures.clear();
    }

    /// Called before every operation: may it happen?
    pub(super) fn admit(&mut self, operation: DiskOperation) -> io::Result<()> {
        if operation.changes_disk() {
            self.is_off |= self.stop_at == Some(self.steps);
            self.steps += 1;
        }
        if self.is_off {
            return Err(power_lost());
        }
        *self.counts.entry(operation).or_default() += 1;
        self.note(operation as u64);
        self.draw_failure(operation)
    }

    fn draw_failure(&mut self, operation: DiskOperation) -> io::Result<()> {
        if self.is_undisturbed {
            return Ok(());
        }
        for failure in self.failures.iter_mut().filter(|failure| failure.0 == operation) {
            failure.1 = failure.1.saturating_sub(1);
        }
        match self.failures.iter().position(|failure| failure.0 == operation && failure.1 == 0) {
            None => Ok(()),
            Some(index) => {
                self.refuse();
                Err(io::Error::new(self.failures.remove(index).2, "simulated failure"))
            }
        }
    }
}

pub(super) fn power_lost() -> io::Error {
    io::Error::other("the simulated disk lost its power")
}
