//! Makes log entries: takes what is waiting, stamps the leader's time on it, and proposes it as one entry.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use holdfast_reservations::Timestamp;
use holdfast_storage::codec;
use openraft::errors::ClientWriteError;
use openraft::impls::ProgressResponder;
use openraft::raft::ClientWriteResult;
use tokio::sync::{Semaphore, mpsc, watch};

use crate::members::Holders;
use crate::proposals::{
    Backlog, ENTRY_BYTES_MAX, GROUPS_MAX, Group, Notify, ProposeError, Queued, REQUESTS_PER_ENTRY_MAX,
    Stamper, Verdict, Waiting,
};
use crate::runtime::spawn;
use crate::store::Progress;
use crate::types::{Commands, EntryOutcomes, Raft, Types};

/// Entries proposed and not yet applied. While they are under way the next one gathers what comes, so more of them would
/// only make each smaller.
const ENTRIES_IN_FLIGHT_MAX: usize = 3;

/// Groups of the cluster's own that may wait: ticks and keys, one at a time from each part.
const INTERNAL_GROUPS_MAX: usize = 64;

/// Waits until the log has room for more entries.
pub(crate) type Room = Arc<dyn Fn() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// What a proposer needs.
pub(crate) struct ProposerParts {
    pub(crate) raft: Raft,
    pub(crate) stamper: Arc<Mutex<Stamper>>,
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) backlog: Backlog,
    pub(crate) room: Room,
    pub(crate) progress: watch::Receiver<Progress>,
    /// Who holds proposals back while leadership moves.
    pub(crate) holders: Holders,
}

/// A handle to the proposer.
#[derive(Clone)]
pub(crate) struct Proposer {
    groups: mpsc::Sender<Queued>,
    internal: mpsc::Sender<Queued>,
    backlog: Backlog,
    waiting: Arc<Waiting>,
}

impl Proposer {
    /// Starts a proposer.
    pub(crate) fn start(parts: ProposerParts) -> Self {
        let (groups, group_queue) = mpsc::channel(GROUPS_MAX);
        let (internal, internal_queue) = mpsc::channel(INTERNAL_GROUPS_MAX);
        let (waiting, backlog) = (parts.waiting.clone(), parts.backlog.clone());
        let queues = Queues { groups: group_queue, internal: internal_queue, left_over: None };
        let in_flight = Arc::new(Semaphore::new(ENTRIES_IN_FLIGHT_MAX));
        drop(spawn(Worker { parts, queues, in_flight }.run()));
        Self { groups, internal, backlog, waiting }
    }

    /// Queues a group of callers' requests. Never waits: a full queue is an answer.
    pub(crate) fn push(&self, group: Group) {
        if let Err(refused) = self.backlog.put(group, &self.groups) {
            notify_failed(&self.waiting, refused.notify, ProposeError::Overloaded);
        }
    }

    /// Queues a group of the cluster's own requests: overload from outside never keeps it out.
    pub(crate) fn push_internal(&self, group: Group) {
        if let Err(refused) = self.internal.try_send(Queued::uncounted(group)) {
            notify_failed(&self.waiting, refused.into_inner().take().notify, ProposeError::Overloaded);
        }
    }
}

struct Worker {
    parts: ProposerParts,
    queues: Queues,
    in_flight: Arc<Semaphore>,
}

struct Queues {
    groups: mpsc::Receiver<Queued>,
    internal: mpsc::Receiver<Queued>,
    /// A group that did not fit into the last entry.
    left_over: Option<Queued>,
}

/// An entry to be.
#[derive(Default)]
struct Draft {
    requests: Vec<Bytes>,
    bytes: usize,
    /// Who is told, and how many requests are his.
    notify: Vec<(Notify, usize)>,
}

impl Worker {
    async fn run(mut self) {
        let mut draft = Draft::default();
        loop {
            let Ok(permit) = self.in_flight.clone().acquire_owned().await else { return };
            (self.parts.room)().await;
            let Some(first) = self.queues.next().await else { return };
            drop(self.parts.holders.wait_for(|holders| *holders == 0).await);
            let mut next = Some(first);
            while let Some(queued) = next {
                if !queued.group().is_abandoned(&self.parts.waiting) {
                    if !draft.is_empty() && !draft.has_room_for(queued.group()) {
                        self.queues.left_over = Some(queued);
                        break;
                    }
                    draft.add(queued.take());
                }
                next = self.queues.take_waiting();
            }
            if draft.is_empty() {
                continue;
            }
            self.propose(std::mem::take(&mut draft), permit).await;
        }
    }

    fn stamp(&self) -> Timestamp {
        let progress = *self.parts.progress.borrow();
        let mut stamper = self.parts.stamper.lock().unwrap_or_else(PoisonError::into_inner);
        stamper.applied(progress.now, progress.applied_at);
        stamper.stamp()
    }

    async fn propose(&self, draft: Draft, permit: tokio::sync::OwnedSemaphorePermit) {
        let stamp = self.stamp();
        let waiting = self.parts.waiting.clone();
        let encoded = match codec::encode_entry(stamp, &draft.requests) {
            Ok(encoded) => encoded,
            Err(error) => {
                tracing::error!(%error, "an entry cannot be encoded");
                return fail_all(&waiting, draft.notify, ProposeError::Malformed);
            }
        };
        let (responder, result) = ProgressResponder::<Types, ClientWriteResult<Types>>::complete_only();
        let submitted = self.parts.raft.write(Commands(encoded)).responder(responder).await;
        drop(spawn(async move {
            let _permit = permit;
            let result = match submitted {
                Ok(()) => result.await.ok(),
                // The core has stopped: it may have stopped with our message in its hands.
                Err(_) => None,
            };
            match result {
                Some(Ok(written)) => applied_all(&waiting, draft.notify, &written.data),
                Some(Err(error)) => fail_all(&waiting, draft.notify, reason(&error)),
                None => fail_all(&waiting, draft.notify, ProposeError::OutcomeUnknown),
            }
        }));
    }
}

impl Queues {
    /// Waits for something to propose.
    async fn next(&mut self) -> Option<Queued> {
        if let Some(queued) = self.left_over.take() {
            return Some(queued);
        }
        tokio::select! {
            biased;
            queued = self.internal.recv() => queued,
            queued = self.groups.recv() => queued,
        }
    }

    /// What is there without waiting.
    fn take_waiting(&mut self) -> Option<Queued> {
        self.internal.try_recv().ok().or_else(|| self.groups.try_recv().ok())
    }
}

impl Draft {
    fn is_empty(&self) -> bool {
        self.notify.is_empty()
    }

    fn has_room_for(&self, group: &Group) -> bool {
        self.requests.len() + group.requests.len() <= REQUESTS_PER_ENTRY_MAX
            && self.bytes + group.bytes() <= ENTRY_BYTES_MAX
    }

    fn add(&mut self, mut group: Group) {
        self.bytes += group.bytes();
        self.notify.push((group.notify, group.requests.len()));
        self.requests.append(&mut group.requests);
    }
}

/// What an error of openraft means for the requests of the entry.
fn reason(error: &ClientWriteError<Types>) -> ProposeError {
    match error {
        ClientWriteError::ForwardToLeader(_) => ProposeError::NotLeader,
        ClientWriteError::LogEntryDiscarded(_) => ProposeError::OutcomeUnknown,
        // Only membership changes have these; nothing was written.
        ClientWriteError::ChangeMembershipError(_) | ClientWriteError::PreconditionFailed(_) => {
            ProposeError::NotLeader
        }
    }
}

fn applied_all(waiting: &Waiting, notify: Vec<(Notify, usize)>, outcomes: &EntryOutcomes) {
    let mut position = 0;
    for (notify, count) in notify {
        let theirs = outcomes.0.get(position..position + count);
        position += count;
        match notify {
            // Resolved when the entry was applied; should it not be, only a retry can tell.
            Notify::Waiter(waiter) => waiting.fail(waiter, ProposeError::OutcomeUnknown),
            Notify::Follower(sender) => drop(sender.send(Verdict::Applied)),
            Notify::Internal(sender) => {
                let outcomes = theirs.map(<[_]>::to_vec).ok_or(ProposeError::OutcomeUnknown);
                drop(sender.send(outcomes));
            }
        }
    }
}

fn fail_all(waiting: &Waiting, notify: Vec<(Notify, usize)>, error: ProposeError) {
    for (notify, _) in notify {
        notify_failed(waiting, notify, error);
    }
}

/// Tells one group that nothing came of it, or that nobody knows.
pub(super) fn notify_failed(waiting: &Waiting, notify: Notify, error: ProposeError) {
    match notify {
        Notify::Waiter(waiter) => waiting.fail(waiter, error),
        Notify::Follower(sender) => drop(sender.send(Verdict::Failed(error))),
        Notify::Internal(sender) => drop(sender.send(Err(error))),
    }
}
