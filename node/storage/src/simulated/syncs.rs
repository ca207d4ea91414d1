//! Syncs that wait until the driver of a simulation completes them, in any order.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::SimulatedDisk;
use super::faults::power_lost;
use super::names::NodeId;

/// When syncs complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncMode {
    Immediate,
    /// Not before `complete_sync` or `fail_sync`.
    Held,
}

#[derive(Debug, Default)]
pub(super) struct Syncs {
    last_ticket: u64,
    held: BTreeMap<u64, Held>,
    finished: BTreeMap<u64, io::Result<()>>,
}

/// What a held sync promises: everything written to `node` up to `sequence`.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) node: NodeId,
    pub(super) sequence: u64,
    waker: Option<Waker>,
}

impl Syncs {
    pub(super) fn hold(&mut self, node: NodeId, sequence: u64) -> u64 {
        self.last_ticket += 1;
        self.held.insert(self.last_ticket, Held { node, sequence, waker: None });
        self.last_ticket
    }

    pub(super) fn held_count(&self) -> usize {
        self.held.len()
    }

    pub(super) fn tickets(&self) -> Vec<u64> {
        self.held.keys().copied().collect()
    }

    /// Which of the held ones has this ticket.
    pub(super) fn position(&self, ticket: u64) -> Option<usize> {
        self.held.keys().position(|held| *held == ticket)
    }

    /// The n-th oldest held sync, and whom to wake once the lock is released.
    pub(super) fn finish(&mut self, n: usize, result: io::Result<()>) -> Option<Held> {
        let ticket = *self.held.keys().nth(n)?;
        self.finished.insert(ticket, result);
        self.held.remove(&ticket)
    }

    pub(super) fn crash(&mut self) -> Vec<Held> {
        let mut lost = Vec::new();
        while let Some(held) = self.finish(0, Err(power_lost())) {
            lost.push(held);
        }
        lost
    }

    fn poll(&mut self, ticket: u64, waker: &Waker) -> Poll<io::Result<()>> {
        if let Some(held) = self.held.get_mut(&ticket) {
            held.waker = Some(waker.clone());
            return Poll::Pending;
        }
        Poll::Ready(self.finished.remove(&ticket).unwrap_or_else(|| Err(power_lost())))
    }

    fn forget(&mut self, ticket: u64) {
        self.finished.remove(&ticket);
    }
}

impl Held {
    pub(super) fn wake(self) {
        if let Some(waker) = self.waker {
            waker.wake();
        }
    }
}

/// One sync on its way. Dropping it does not call the sync back.
pub(super) enum SimulatedSync {
    Done(Option<io::Result<()>>),
    Waiting { disk: SimulatedDisk, ticket: u64 },
}

impl Future for SimulatedSync {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            SimulatedSync::Done(result) => Poll::Ready(result.take().unwrap_or(Ok(()))),
            SimulatedSync::Waiting { disk, ticket } => disk.lock().syncs.poll(*ticket, context.waker()),
        }
    }
}

impl Drop for SimulatedSync {
    fn drop(&mut self) {
        if let SimulatedSync::Waiting { disk, ticket } = self {
            disk.lock().syncs.forget(*ticket);
        }
    }
}
