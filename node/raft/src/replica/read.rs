//! Reads: of agreed state, confirmed or stale, and of whatever this node has.

use std::sync::atomic::Ordering;
use std::time::Duration;

use holdfast_storage::engine::ReadEngine;
use holdfast_storage::rows::{Digest, View, digest};
use tokio::time::Instant;

use super::{PAUSE_FIRST, Replica};
use crate::reads::ReadError;

/// How current a read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// It shows everything that was answered anywhere before it was asked.
    Linearizable,
    /// It shows some moment of this node's state.
    Stale {
        /// No older than this, if given.
        max_age: Option<Duration>,
    },
}

/// What was read, and of which moment it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read<T> {
    /// What was read.
    pub value: T,
    /// The last applied log index of the moment.
    pub index: u64,
    /// How old the moment may be; zero for linearizable reads.
    pub age: Duration,
}

impl Replica {
    /// Reads one moment of the agreed state, waiting until `deadline` if it must.
    ///
    /// # Errors
    ///
    /// See [`ReadError`].
    pub async fn read<T>(
        &self,
        consistency: Consistency,
        deadline: Instant,
        with: impl FnOnce(&View<'_>) -> T,
    ) -> Result<Read<T>, ReadError> {
        if self.is_removed() {
            return Err(ReadError::Unavailable);
        }
        match consistency {
            Consistency::Linearizable => {
                self.catch_up(deadline).await?;
                let (value, index) = self.look(with)?;
                Ok(Read { value, index, age: Duration::ZERO })
            }
            Consistency::Stale { max_age } => {
                // After a restart the state may be older than what this node has shown before.
                self.recovered(deadline).await?;
                // Before the look: what is applied meanwhile makes the state younger than it is said to be, never older.
                let fresh_at = self.parts.freshness.fresh_at(self.parts.progress.borrow().applied);
                let (value, index) = self.look(with)?;
                // A state that was never known to be current may be as old as can be.
                let age = fresh_at.map_or(Duration::MAX, |at| at.elapsed());
                match max_age {
                    Some(max_age) if age > max_age => Err(ReadError::TooStale {
                        age_ms: u64::try_from(age.as_millis()).unwrap_or(u64::MAX),
                    }),
                    Some(_) | None => Ok(Read { value, index, age }),
                }
            }
        }
    }

    /// Waits until this node has caught up once since it started: before that it may know neither the time nor what it
    /// knew before.
    ///
    /// # Errors
    ///
    /// As [`Replica::read`].
    pub async fn recovered(&self, deadline: Instant) -> Result<(), ReadError> {
        if !self.is_recovered.load(Ordering::Acquire) {
            self.catch_up(deadline).await?;
        }
        Ok(())
    }

    /// Reads this node's state as it is, current or not: for what the node itself keeps at hand.
    ///
    /// # Errors
    ///
    /// [`ReadError::Broken`] if the rows cannot be read.
    pub fn look<T>(&self, with: impl FnOnce(&View<'_>) -> T) -> Result<(T, u64), ReadError> {
        let mut with = Some(with);
        let mut seen = Err(ReadError::Broken);
        self.parts.library.engine().read(&mut |reader: &dyn ReadEngine| {
            let view = View::of(reader);
            let Some(with) = with.take() else { return };
            let value = with(&view);
            let mark = view.mark();
            seen = match (mark, view.failure()) {
                (Ok(mark), None) => Ok((value, mark.map_or(0, |mark| mark.applied.index))),
                (Err(error), _) | (Ok(_), Some(error)) => {
                    tracing::error!(%error, "rows cannot be read");
                    Err(ReadError::Broken)
                }
            };
        });
        seen
    }

    /// The digest of this node's rows, and the log index it is of. Reads all of them.
    ///
    /// # Errors
    ///
    /// [`ReadError::Broken`] if the rows cannot be read.
    pub fn digest(&self) -> Result<(Digest, u64), ReadError> {
        let mut found = Err(ReadError::Broken);
        self.parts.library.engine().read(&mut |reader: &dyn ReadEngine| {
            let mark = View::of(reader).mark().ok().flatten();
            if let (Ok(digest), Some(mark)) = (digest(reader), mark) {
                found = Ok((digest, mark.applied.index));
            }
        });
        found
    }

    /// Waits until this node has applied everything that was answered anywhere before this call; the index it has then.
    pub(super) async fn catch_up(&self, deadline: Instant) -> Result<u64, ReadError> {
        let mut pause = PAUSE_FIRST;
        loop {
            let confirmed = async {
                tokio::select! {
                    confirmed = self.confirmed_index() => confirmed,
                    _ = self.removed() => Err(ReadError::Unavailable),
                }
            };
            let error = match tokio::time::timeout_at(deadline, confirmed).await {
                Ok(Ok(index)) => {
                    self.is_recovered.store(true, Ordering::Release);
                    return Ok(index);
                }
                Ok(Err(error)) => error,
                Err(_) => return Err(ReadError::Unavailable),
            };
            if error == ReadError::Overloaded || self.is_removed() || !self.pause(&mut pause, deadline).await
            {
                return Err(error);
            }
        }
    }

    async fn confirmed_index(&self) -> Result<u64, ReadError> {
        let index = self.parts.read_index.get().await?;
        let mut progress = self.parts.progress.clone();
        let applied = progress.wait_for(|progress| progress.applied >= Some(index)).await;
        applied.map(|progress| progress.applied.unwrap_or(index)).map_err(|_| ReadError::Unavailable)
    }
}
