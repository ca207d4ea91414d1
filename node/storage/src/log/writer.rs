//! The one writer of a log: takes everything that waits, writes it in one piece, syncs once, then answers in order.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::counters::{Figures, LogCounters};
use super::entry::Entry;
use super::memory::Placed;
use super::options::Clock;
use super::record::Record;
use super::shared::{Shared, Step};
use super::stream::Stream;
use super::watermark::Watermark;
use super::work::{Batch, Failure, Work};
use crate::files::{Files, block_on};

/// Must run for the log to make progress. Dropping it stops the log: every waiting and later call gets an error.
pub struct Writer<F: Files> {
    shared: Arc<Shared<F>>,
    stream: Stream<F>,
    watermark: Watermark<F>,
    clock: Clock,
    /// Empty between batches; kept to be filled again.
    placed: Vec<Placed<F>>,
    works: Vec<Work>,
}

impl<F: Files> Writer<F> {
    pub(super) fn new(
        shared: Arc<Shared<F>>,
        stream: Stream<F>,
        watermark: Watermark<F>,
        clock: Clock,
    ) -> Self {
        let writer = Self { shared, stream, watermark, clock, placed: Vec::new(), works: Vec::new() };
        writer.shared.show(writer.figures());
        writer
    }

    /// Runs on a thread of its own, where syncs may block.
    pub fn spawn_thread(self, name: &str) -> io::Result<JoinHandle<io::Result<()>>> {
        thread::Builder::new().name(name.to_owned()).spawn(move || block_on(self.run()))
    }

    /// Ends when the log is closed, with everything written and synced, or at the first error, which is final.
    pub async fn run(mut self) -> io::Result<()> {
        let ended = self.serve().await;
        if let Err(error) = &ended {
            self.shared.fail(Failure::new(error));
        }
        ended
    }

    async fn serve(&mut self) -> io::Result<()> {
        loop {
            match self.next_step().await {
                Step::Write(batch) => self.write(batch).await?,
                Step::Chore => self.chore().await?,
                Step::Close(mut batch) => return self.close(&mut batch).await,
                Step::Stop(failure) => return Err(failure.error()),
            }
        }
    }

    async fn next_step(&mut self) -> Step {
        let has_chores = self.stream.has_chores();
        let works = &mut self.works;
        std::future::poll_fn(|context| self.shared.poll_step(context, works, has_chores)).await
    }

    async fn write(&mut self, mut batch: Batch) -> io::Result<()> {
        let (bytes, count) = (batch.works.iter().map(Work::bytes).sum(), batch.works.len());
        let is_durable = batch.works.iter().any(Work::needs_sync);
        let is_purge = batch.works.iter().any(|work| matches!(work, Work::Purge(_)));
        if let Err(error) = self.store(&mut batch, is_durable).await {
            let failure = Failure::new(&error);
            self.shared.fail(failure.clone());
            batch.fail(&failure);
            return Err(error);
        }
        self.works = batch.succeed();
        self.shared.release(bytes, count, self.figures());
        if is_durable {
            self.remember().await?;
        }
        if is_purge {
            self.stream.drop_disposable();
        }
        self.stream.keep_pace().await
    }

    /// `&mut` only because a `Done` cannot be shared between threads, which a shared borrow in a future could be.
    async fn store(&mut self, batch: &mut Batch, is_durable: bool) -> io::Result<()> {
        for work in &mut batch.works {
            self.put(work).await?;
        }
        // After the entries it names, so it is never durable without them.
        if let Some(committed) = batch.committed {
            self.stream.put(&Record::Committed(committed)).await?;
        }
        self.stream.flush()?;
        self.shared.publish(&mut self.placed);
        if is_durable {
            self.stream.sync().await?;
        }
        Ok(())
    }

    async fn put(&mut self, work: &mut Work) -> io::Result<()> {
        match work {
            Work::Append { append, entries, .. } => return self.put_entries(*append, entries).await,
            Work::Vote { vote, .. } => self.stream.put(&Record::Vote(*vote)).await?,
            Work::Truncate(last) => self.stream.put(&Record::Truncate(*last)).await?,
            Work::Purge(id) => self.stream.put(&Record::Purge(*id)).await?,
        };
        Ok(())
    }

    async fn put_entries(&mut self, append: u64, entries: &[Entry]) -> io::Result<()> {
        for entry in entries {
            let (segment, offset) = self.stream.put(&Record::Entry(entry)).await?;
            self.placed.push(Placed { index: entry.id.index, append, segment, offset });
        }
        Ok(())
    }

    /// Moves the watermark to the end of what is durable.
    async fn remember(&mut self) -> io::Result<()> {
        self.watermark.write(self.stream.mark())?;
        let now = (self.clock)();
        if self.watermark.is_sync_due(now) {
            self.watermark.sync(now).await?;
        }
        Ok(())
    }

    async fn chore(&mut self) -> io::Result<()> {
        self.stream.chore().await?;
        self.shared.show(self.figures());
        Ok(())
    }

    async fn close(&mut self, rest: &mut Batch) -> io::Result<()> {
        self.store(rest, true).await?;
        self.watermark.write(self.stream.mark())?;
        self.watermark.sync((self.clock)()).await
    }

    fn figures(&self) -> Figures {
        let watermark_syncs = self.watermark.syncs();
        let counters = LogCounters { watermark_syncs, ..self.stream.counters() };
        Figures { counters, file_bytes: self.stream.file_bytes() }
    }
}

impl<F: Files> Drop for Writer<F> {
    fn drop(&mut self) {
        self.shared.writer_ends();
    }
}
