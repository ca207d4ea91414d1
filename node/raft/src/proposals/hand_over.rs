//! A follower's way to the leader: what callers ask of it goes in batches over one stream to the leader's proposer.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use holdfast_proto::raft as wire;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::peers::Peers;
use crate::proposals::proposer::notify_failed;
use crate::proposals::{
    ENTRY_BYTES_MAX, GROUPS_MAX, Group, Notify, ProposeError, REQUESTS_PER_ENTRY_MAX, Waiting,
};
use crate::runtime::spawn;
use crate::watch::Leadership;

/// Batches sent and not yet judged: enough to keep the stream busy, few enough that each gathers what waits.
const BATCHES_IN_FLIGHT_MAX: usize = 4;

/// What the hand-over needs.
pub(crate) struct HandOverParts {
    pub(crate) peers: Arc<Peers>,
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) leadership: tokio::sync::watch::Receiver<Leadership>,
}

/// A handle to the hand-over.
#[derive(Clone)]
pub(crate) struct HandOver {
    groups: mpsc::Sender<Group>,
    waiting: Arc<Waiting>,
}

impl HandOver {
    /// Starts the hand-over.
    pub(crate) fn start(parts: HandOverParts) -> Self {
        let (groups, queue) = mpsc::channel(GROUPS_MAX);
        let waiting = parts.waiting.clone();
        drop(spawn(Worker { parts, queue, next_number: 0 }.run()));
        Self { groups, waiting }
    }

    /// Queues a group of callers' requests. Never waits: a full queue is an answer.
    pub(crate) fn push(&self, group: Group) {
        if let Err(refused) = self.groups.try_send(group) {
            notify_failed(&self.waiting, refused.into_inner().notify, ProposeError::Overloaded);
        }
    }
}

struct Worker {
    parts: HandOverParts,
    queue: mpsc::Receiver<Group>,
    next_number: u64,
}

/// Batches on their way, and who asked.
type InFlight = HashMap<u64, Vec<Notify>>;

/// What happens next on a stream.
enum Next {
    Verdict(wire::HandOverVerdict),
    Group(Group),
    StreamEnded,
    LeaderChanged,
    Closed,
}

impl Worker {
    async fn run(mut self) {
        while let Some(first) = self.queue.recv().await {
            let leader = self.parts.leadership.borrow_and_update().leader;
            let Some(leader) = leader.filter(|leader| *leader != self.parts.peers.own_id()) else {
                notify_failed(&self.parts.waiting, first.notify, ProposeError::NoLeader);
                continue;
            };
            if self.serve(leader, first).await.is_none() {
                return;
            }
        }
    }

    /// Hands over to one leader until it is another or out of reach. `None` when this node is closing.
    async fn serve(&mut self, leader: u64, first: Group) -> Option<()> {
        let (batches, outgoing) = mpsc::channel(BATCHES_IN_FLIGHT_MAX);
        // The stream is taken up before anything is sent on it: if it is not, nothing can have been proposed.
        let mut verdicts = match self.parts.peers.hand_over(leader, ReceiverStream::new(outgoing)).await {
            Ok(verdicts) => verdicts,
            Err(error) => {
                tracing::debug!(leader, %error, "the leader cannot be reached");
                notify_failed(&self.parts.waiting, first.notify, ProposeError::NotLeader);
                return Some(());
            }
        };
        let mut in_flight = InFlight::new();
        self.send(first, &batches, &mut in_flight);
        let ended = loop {
            match self.next(&mut verdicts, in_flight.len()).await {
                Next::Verdict(verdict) => self.judge(&mut in_flight, &verdict),
                Next::Group(group) => self.send(group, &batches, &mut in_flight),
                Next::StreamEnded | Next::LeaderChanged => break Some(()),
                Next::Closed => break None,
            }
        };
        // What was sent may have been proposed.
        self.fail(in_flight, ProposeError::OutcomeUnknown);
        ended
    }

    async fn next(
        &mut self,
        verdicts: &mut tonic::Streaming<wire::HandOverVerdict>,
        in_flight: usize,
    ) -> Next {
        tokio::select! {
            biased;
            verdict = verdicts.next() => match verdict {
                Some(Ok(verdict)) => Next::Verdict(verdict),
                Some(Err(_)) | None => Next::StreamEnded,
            },
            changed = self.parts.leadership.changed() => match changed {
                Ok(()) => Next::LeaderChanged,
                Err(_) => Next::Closed,
            },
            group = self.queue.recv(), if in_flight < BATCHES_IN_FLIGHT_MAX => match group {
                Some(group) => Next::Group(group),
                None => Next::Closed,
            },
        }
    }

    /// Sends a group, and with it what else is waiting.
    fn send(&mut self, first: Group, batches: &mpsc::Sender<wire::HandOverBatch>, in_flight: &mut InFlight) {
        let mut requests = first.requests;
        let mut notify = vec![first.notify];
        let mut bytes: usize = requests.iter().map(Bytes::len).sum();
        while requests.len() < REQUESTS_PER_ENTRY_MAX && bytes < ENTRY_BYTES_MAX {
            let Ok(mut group) = self.queue.try_recv() else { break };
            bytes += group.requests.iter().map(Bytes::len).sum::<usize>();
            requests.append(&mut group.requests);
            notify.push(group.notify);
        }
        let number = self.next_number;
        self.next_number += 1;
        match batches.try_send(wire::HandOverBatch { number, requests }) {
            Ok(()) => drop(in_flight.insert(number, notify)),
            Err(_) => self.fail(InFlight::from([(number, notify)]), ProposeError::NotLeader),
        }
    }

    fn judge(&self, in_flight: &mut InFlight, verdict: &wire::HandOverVerdict) {
        let Some(notify) = in_flight.remove(&verdict.number) else { return };
        let error = match verdict.verdict() {
            // Answered, or to be answered, by this node's own state.
            wire::Verdict::Applied => return,
            wire::Verdict::NotLeader => ProposeError::NotLeader,
            wire::Verdict::Overloaded => ProposeError::Overloaded,
            wire::Verdict::Malformed => ProposeError::Malformed,
            wire::Verdict::Unknown | wire::Verdict::Unspecified => ProposeError::OutcomeUnknown,
        };
        for notify in notify {
            notify_failed(&self.parts.waiting, notify, error);
        }
    }

    fn fail(&self, in_flight: InFlight, error: ProposeError) {
        for notify in in_flight.into_values().flatten() {
            notify_failed(&self.parts.waiting, notify, error);
        }
    }
}
