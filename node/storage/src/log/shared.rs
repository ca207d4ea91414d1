//! What the handles and the writer share, behind one lock that is never held during I/O.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::counters::Figures;
use super::memory::{Memory, Placed};
use super::queue::{Queue, Standing};
use super::work::{Batch, Failure, Work};
use crate::files::Files;

pub(super) struct Shared<F: Files> {
    inner: Mutex<Inner<F>>,
}

pub(super) struct Inner<F: Files> {
    pub(super) memory: Memory<F>,
    pub(super) queue: Queue,
    /// Appends accepted so far: the number of the newest.
    pub(super) appends: u64,
    pub(super) figures: Figures,
    /// The writer is gone, and does nothing with the files any more.
    has_ended: bool,
    /// Whoever waits for that.
    mourners: Vec<Waker>,
}

/// What the writer does next.
pub(super) enum Step {
    Write(Batch),
    /// Nothing waits: time to prepare the next segment or remove an old one.
    Chore,
    /// Write what is left and end.
    Close(Batch),
    Stop(Failure),
}

impl<F: Files> Shared<F> {
    pub(super) fn new(memory: Memory<F>) -> Self {
        let (queue, figures) = (Queue::new(), Figures::default());
        let inner = Inner { memory, queue, appends: 0, figures, has_ended: false, mourners: Vec::new() };
        Self { inner: Mutex::new(inner) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner<F>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Work comes before chores. `works` is an empty vector for the queue to use again.
    pub(super) fn poll_step(
        &self,
        context: &Context<'_>,
        works: &mut Vec<Work>,
        has_chores: bool,
    ) -> Poll<Step> {
        let mut inner = self.lock();
        if !inner.queue.is_empty() {
            return Poll::Ready(Step::Write(inner.queue.take(std::mem::take(works))));
        }
        match inner.queue.standing() {
            Standing::Open if has_chores => Poll::Ready(Step::Chore),
            Standing::Open => {
                inner.queue.wake_writer_later(context.waker());
                Poll::Pending
            }
            Standing::Closed => Poll::Ready(Step::Close(inner.queue.take(Vec::new()))),
            Standing::Failed(failure) => Poll::Ready(Step::Stop(failure.clone())),
        }
    }

    /// These entries can be read from their files now.
    pub(super) fn publish(&self, placed: &mut Vec<Placed<F>>) {
        let mut inner = self.lock();
        for placed in placed.drain(..) {
            inner.memory.place(placed);
        }
        inner.memory.evict();
    }

    /// This much work is done.
    pub(super) fn release(&self, bytes: u64, count: usize, figures: Figures) {
        let feeders = {
            let mut inner = self.lock();
            inner.figures = figures;
            inner.queue.release(bytes, count)
        };
        feeders.into_iter().for_each(Waker::wake);
    }

    pub(super) fn show(&self, figures: Figures) {
        self.lock().figures = figures;
    }

    pub(super) fn close(&self) {
        let writer = self.lock().queue.close();
        writer.into_iter().for_each(Waker::wake);
    }

    /// Later calls are refused with this failure, unless there was one before.
    pub(super) fn fail(&self, failure: Failure) {
        let feeders = self.lock().queue.fail(failure);
        feeders.into_iter().for_each(Waker::wake);
    }

    /// The writer ends, so nothing may wait for it: what still does gets the failure that stopped the log.
    pub(super) fn writer_ends(&self) {
        let (waiting, failure, mut wakers) = {
            let mut inner = self.lock();
            inner.has_ended = true;
            let gone = Failure::writer_gone();
            let (failure, feeders) = match inner.queue.standing() {
                Standing::Open => (gone.clone(), inner.queue.fail(gone)),
                Standing::Closed => (gone, Vec::new()),
                Standing::Failed(failure) => (failure.clone(), Vec::new()),
            };
            (inner.queue.take(Vec::new()), failure, feeders)
        };
        waiting.fail(&failure);
        wakers.append(&mut self.lock().mourners);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Ready once the writer is gone.
    pub(super) fn poll_ended(&self, context: &Context<'_>) -> Poll<()> {
        let mut inner = self.lock();
        if inner.has_ended {
            return Poll::Ready(());
        }
        if !inner.mourners.iter().any(|mourner| mourner.will_wake(context.waker())) {
            inner.mourners.push(context.waker().clone());
        }
        Poll::Pending
    }
}
