//! A follower's way to the leader: what callers ask of it goes in batches over one stream to the leader's proposer.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use holdfast_proto::raft as wire;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::peers::Peers;
use crate::proposals::proposer::notify_failed;
use crate::proposals::{
    Backlog, ENTRY_BYTES_MAX, GROUPS_MAX, Group, ProposeError, Queued, REQUESTS_PER_ENTRY_MAX, Waiting,
};
use crate::runtime::spawn;
use crate::watch::Leadership;

/// Batches sent and not yet judged: enough to keep the stream busy, few enough that each gathers what waits.
const BATCHES_IN_FLIGHT_MAX: usize = 4;

/// A leader that takes longer to take up a stream may be gone.
const OPEN_DURATION_MAX: Duration = Duration::from_secs(1);

/// What the hand-over needs.
pub(crate) struct HandOverParts {
    pub(crate) peers: Arc<Peers>,
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) backlog: Backlog,
    pub(crate) leadership: tokio::sync::watch::Receiver<Leadership>,
}

/// A handle to the hand-over.
#[derive(Clone)]
pub(crate) struct HandOver {
    groups: mpsc::Sender<Queued>,
    backlog: Backlog,
    waiting: Arc<Waiting>,
}

impl HandOver {
    /// Starts the hand-over.
    pub(crate) fn start(parts: HandOverParts) -> Self {
        let (groups, queue) = mpsc::channel(GROUPS_MAX);
        let (waiting, backlog) = (parts.waiting.clone(), parts.backlog.clone());
        drop(spawn(Worker { parts, queue, next_number: 0 }.run()));
        Self { groups, backlog, waiting }
    }

    /// Queues a group of callers' requests. Never waits: a full queue is an answer.
    pub(crate) fn push(&self, group: Group) {
        if let Err(refused) = self.backlog.put(group, &self.groups) {
            notify_failed(&self.waiting, refused.notify, ProposeError::Overloaded);
        }
    }
}

struct Worker {
    parts: HandOverParts,
    queue: mpsc::Receiver<Queued>,
    next_number: u64,
}

/// What goes over a stream that the leader has taken up.
struct Sending {
    batches: mpsc::Sender<wire::HandOverBatch>,
    /// Batches sent and not yet judged.
    in_flight: HashMap<u64, Vec<Group>>,
    /// Of a batch that the leader could not read: each goes again in a batch of its own, so that only those it cannot
    /// read fail.
    apart: VecDeque<Group>,
}

type Verdicts = tonic::Streaming<wire::HandOverVerdict>;

/// What happens next on a stream.
enum Next {
    Verdict(wire::HandOverVerdict),
    Group(Group),
    Apart(Group),
    StreamEnded,
    LeaderChanged,
    Closed,
}

impl Worker {
    async fn run(mut self) {
        while let Some(first) = self.queue.recv().await {
            let first = first.take();
            let leader = self.parts.leadership.borrow_and_update().leader;
            let Some(leader) = leader.filter(|leader| *leader != self.parts.peers.own_id()) else {
                self.fail([first], ProposeError::NoLeader);
                continue;
            };
            if self.serve(leader, first).await.is_none() {
                return;
            }
        }
    }

    /// Hands over to one leader until it is another or out of reach. `None` when this node is closing.
    async fn serve(&mut self, leader: u64, first: Group) -> Option<()> {
        // The stream is taken up before anything is sent on it: if it is not, nothing can have been proposed.
        let Some((mut sending, mut verdicts)) = self.open(leader).await else {
            self.fail([first], ProposeError::NotLeader);
            while let Ok(queued) = self.queue.try_recv() {
                self.fail([queued.take()], ProposeError::NotLeader);
            }
            return Some(());
        };
        self.send_with_others(first, &mut sending);
        let ended = loop {
            match self.next(&mut verdicts, &mut sending).await {
                Next::Verdict(verdict) => self.judge(&verdict, &mut sending),
                Next::Group(group) => self.send_with_others(group, &mut sending),
                Next::Apart(group) => self.send(vec![group], &mut sending),
                Next::StreamEnded | Next::LeaderChanged => break Some(()),
                Next::Closed => break None,
            }
        };
        // What was sent may have been proposed; what the leader could not read was not.
        self.fail(sending.in_flight.into_values().flatten(), ProposeError::OutcomeUnknown);
        self.fail(sending.apart, ProposeError::NotLeader);
        ended
    }

    /// Opens a stream to the leader, unless another one leads before it is taken up.
    async fn open(&mut self, leader: u64) -> Option<(Sending, Verdicts)> {
        let (batches, outgoing) = mpsc::channel(BATCHES_IN_FLIGHT_MAX);
        let opening = self.parts.peers.hand_over(leader, ReceiverStream::new(outgoing));
        let opened = tokio::select! {
            opened = tokio::time::timeout(OPEN_DURATION_MAX, opening) => opened,
            _ = self.parts.leadership.changed() => return None,
        };
        match opened {
            Ok(Ok(verdicts)) => {
                Some((Sending { batches, in_flight: HashMap::new(), apart: VecDeque::new() }, verdicts))
            }
            Ok(Err(error)) => {
                tracing::debug!(leader, %error, "the leader cannot be reached");
                None
            }
            Err(_) => {
                tracing::debug!(leader, "the leader does not take what is handed over");
                None
            }
        }
    }

    async fn next(&mut self, verdicts: &mut Verdicts, sending: &mut Sending) -> Next {
        let has_room = sending.in_flight.len() < BATCHES_IN_FLIGHT_MAX;
        if has_room && let Some(group) = sending.apart.pop_front() {
            return Next::Apart(group);
        }
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
            queued = self.queue.recv(), if has_room => match queued {
                Some(queued) => Next::Group(queued.take()),
                None => Next::Closed,
            },
        }
    }

    /// Sends a group, and with it what else is waiting.
    fn send_with_others(&mut self, first: Group, sending: &mut Sending) {
        if first.is_abandoned(&self.parts.waiting) {
            return;
        }
        let (mut requests, mut bytes) = (first.requests.len(), first.bytes());
        let mut groups = vec![first];
        while requests < REQUESTS_PER_ENTRY_MAX && bytes < ENTRY_BYTES_MAX {
            let Ok(queued) = self.queue.try_recv() else { break };
            let group = queued.take();
            if group.is_abandoned(&self.parts.waiting) {
                continue;
            }
            requests += group.requests.len();
            bytes += group.bytes();
            groups.push(group);
        }
        self.send(groups, sending);
    }

    fn send(&mut self, groups: Vec<Group>, sending: &mut Sending) {
        let number = self.next_number;
        self.next_number += 1;
        let requests = groups.iter().flat_map(|group| group.requests.iter().cloned()).collect();
        match sending.batches.try_send(wire::HandOverBatch { number, requests }) {
            Ok(()) => drop(sending.in_flight.insert(number, groups)),
            Err(_) => self.fail(groups, ProposeError::NotLeader),
        }
    }

    fn judge(&self, verdict: &wire::HandOverVerdict, sending: &mut Sending) {
        let Some(groups) = sending.in_flight.remove(&verdict.number) else { return };
        let error = match verdict.verdict() {
            // Answered, or to be answered, by this node's own state.
            wire::Verdict::Applied => return,
            wire::Verdict::Malformed if groups.len() > 1 => return sending.apart.extend(groups),
            wire::Verdict::Malformed => ProposeError::Malformed,
            wire::Verdict::NotLeader => ProposeError::NotLeader,
            wire::Verdict::Overloaded => ProposeError::Overloaded,
            wire::Verdict::Unknown | wire::Verdict::Unspecified => ProposeError::OutcomeUnknown,
        };
        self.fail(groups, error);
    }

    fn fail(&self, groups: impl IntoIterator<Item = Group>, error: ProposeError) {
        for group in groups {
            notify_failed(&self.parts.waiting, group.notify, error);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use bytes::Bytes;
    use holdfast_storage::identity::{ClusterId, Identity, Membership as NodeIdentity};
    use tokio::sync::{oneshot, watch};
    use tokio::time::Instant;

    use super::*;
    use crate::net::{Frozen, PeerTls};
    use crate::own_key::OwnKey;
    use crate::proposals::{Notify, Verdict};
    use crate::roster::{Roster, Seen};
    use crate::types::{Member, Membership};

    fn leader(leader: u64) -> Leadership {
        Leadership { leader: Some(leader), term: leader, is_own: false }
    }

    /// A hand-over to a leader that listens and never answers.
    fn parts(leadership: watch::Receiver<Leadership>) -> HandOverParts {
        let member = Member { peer_address: "frozen:1".to_owned(), ..Member::default() };
        let nodes = BTreeMap::from([(2, member.clone()), (3, member)]);
        let membership = Membership::new(vec![BTreeSet::from([2, 3])], nodes).unwrap();
        let own = NodeIdentity { cluster: ClusterId(7), node: 1 };
        let (seen, seen_by) =
            watch::channel(Seen { index: 1, membership: Arc::new(membership), ..Seen::default() });
        drop(seen);
        let roster = Roster::new(own, seen_by, None, Arc::new(|_| Vec::new()));
        let key = watch::channel(Arc::new(OwnKey::of(&Identity::new([1; 32])))).1;
        let peers = Peers::new(0, Arc::new(Frozen), Arc::new(PeerTls::new(key)), Arc::new(roster));
        HandOverParts {
            peers: Arc::new(peers),
            waiting: Arc::default(),
            backlog: Backlog::new(1000),
            leadership,
        }
    }

    fn group(request: &'static str) -> (Group, oneshot::Receiver<Verdict>) {
        let (sender, verdict) = oneshot::channel();
        let requests = vec![Bytes::from_static(request.as_bytes())];
        (Group { requests, notify: Notify::Follower(sender) }, verdict)
    }

    #[tokio::test(start_paused = true)]
    async fn a_frozen_leader_holds_nobody_up_for_long() {
        let (_sender, leadership) = watch::channel(leader(2));
        let hand_over = HandOver::start(parts(leadership));
        let (first, said_first) = group("first");
        let (second, said_second) = group("second");
        hand_over.push(first);
        hand_over.push(second);
        let asked_at = Instant::now();
        for said in [said_first, said_second] {
            assert_eq!(said.await, Ok(Verdict::Failed(ProposeError::NotLeader)), "nothing was sent");
        }
        assert_eq!(asked_at.elapsed(), OPEN_DURATION_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn when_another_leads_nobody_waits_for_the_old_leader() {
        let (sender, leadership) = watch::channel(leader(2));
        let hand_over = HandOver::start(parts(leadership));
        let (request, said) = group("request");
        hand_over.push(request);
        let asked_at = Instant::now();
        tokio::time::sleep(Duration::from_millis(100)).await;
        sender.send_replace(leader(3));
        assert_eq!(said.await, Ok(Verdict::Failed(ProposeError::NotLeader)));
        assert_eq!(asked_at.elapsed(), Duration::from_millis(100));
    }

    #[tokio::test]
    async fn what_the_leader_cannot_read_fails_alone() {
        let (_queued, queue) = mpsc::channel(1);
        let mut worker = Worker { parts: parts(watch::channel(leader(2)).1), queue, next_number: 0 };
        let (batches, mut sent) = mpsc::channel(BATCHES_IN_FLIGHT_MAX);
        let mut sending = Sending { batches, in_flight: HashMap::new(), apart: VecDeque::new() };
        let (unreadable, said) = group("unreadable");
        let (readable, mut other_said) = group("readable");
        worker.send(vec![unreadable, readable], &mut sending);
        let mut judge = |worker: &mut Worker, sending: &mut Sending| {
            let batch = sent.try_recv().unwrap();
            let is_readable = batch.requests.iter().all(|request| request == "readable");
            let verdict = if is_readable { wire::Verdict::Applied } else { wire::Verdict::Malformed };
            let verdict = wire::HandOverVerdict { number: batch.number, verdict: verdict.into() };
            worker.judge(&verdict, sending);
        };
        judge(&mut worker, &mut sending);
        while let Some(group) = sending.apart.pop_front() {
            worker.send(vec![group], &mut sending);
            judge(&mut worker, &mut sending);
        }
        assert_eq!(said.await, Ok(Verdict::Failed(ProposeError::Malformed)));
        assert!(other_said.try_recv().is_err(), "its answer comes from the state");
        assert!(sending.in_flight.is_empty());
    }
}
