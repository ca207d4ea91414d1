//! Fills in what the invariants look at, from the replicas as they are between two ticks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use holdfast_raft::{Probe, ProbedRole, Replica, WallClock as _};
use holdfast_reservations::{Key, Order, PoolCounts, PoolId, ReadRows as _, Row};
use holdfast_storage::log::{DurableLog, LogId, Vote};

use crate::host::Host;
use crate::node::LOG_DIR;
use crate::observation::{LogSeen, Members, NodeId, NodeSeen, Observation, Role, Running, StateSeen, rank};

/// All rows are read this often.
const ROWS_INTERVAL_MS: u64 = 1000;

/// Digests are taken at every so manieth index.
const DIGEST_EVERY: u64 = 12;

/// More than a simulation makes.
const ROWS_MAX: usize = 1_000_000;

/// What was seen of each node so far.
#[derive(Default)]
pub struct Watcher {
    known: BTreeMap<usize, Known>,
}

/// What was known of a host.
pub(crate) struct Remembered(Option<Known>);

/// What was seen of a node.
struct Known {
    /// What its disk would keep without power.
    on_disk: DurableLog,
    id: NodeId,
    incarnation: u32,
    vote: Option<Vote>,
    ids: BTreeMap<u64, LogId>,
    applied: Option<u64>,
    digest: Option<u128>,
    mark: Option<LogId>,
    pools: BTreeMap<PoolId, PoolCounts>,
    committed: Option<LogId>,
    snapshot: Option<LogId>,
    members: Members,
    members_at: Option<u64>,
    rows_at_ms: u64,
}

/// What of a node is to be seen now.
pub struct Look {
    /// Milliseconds since the start.
    pub now_ms: u64,
    /// Whether all rows are read, come what may.
    pub reads_rows: bool,
}

impl Watcher {
    /// What there is to be seen of the hosts; `false` if it is what was seen before.
    pub fn observe(&mut self, hosts: &[Host], look: &Look, seen: &mut Observation) -> bool {
        let mut has_changed = false;
        let mut observed = BTreeSet::new();
        for (position, host) in hosts.iter().enumerate() {
            has_changed |= self.observe_host(position, host, look, seen, &mut observed);
        }
        for (_, node) in seen.nodes.iter_mut().filter(|(id, _)| !observed.contains(id)) {
            has_changed |= node.running.take().is_some();
        }
        has_changed
    }

    fn observe_host(
        &mut self,
        position: usize,
        host: &Host,
        look: &Look,
        seen: &mut Observation,
        observed: &mut BTreeSet<NodeId>,
    ) -> bool {
        let (replica, moment) = {
            let state = host.plan.state();
            (state.replica.clone(), state.moment)
        };
        let running = match (&replica, moment) {
            (Some(replica), Some(moment)) => {
                let id = replica.identity().node;
                let known = self.known.entry(position).or_insert_with(|| Known::new(id, host));
                if known.incarnation != host.incarnation || known.id != id {
                    *known = Known::new(id, host);
                }
                let disk = host.disk.handle();
                disk.set_undisturbed(true);
                let mut running = known.look(replica, replica.probe(moment), look);
                disk.set_undisturbed(false);
                if host.is_paused() || host.crawls() {
                    // Its own clock stands still or nearly so, and would say for too long that it was a moment ago.
                    running.quorum_acked_ago = None;
                }
                Some(running)
            }
            (Some(_) | None, _) => None,
        };
        let Some(known) = self.known.get(&position) else { return false };
        // Its disk may be in another machine now.
        if running.is_none() && observed.contains(&known.id) {
            return false;
        }
        if running.is_some() {
            observed.insert(known.id);
        }
        let node = seen.nodes.entry(known.id).or_default();
        let has_changed = node.incarnation != host.incarnation
            || match (&node.running, &running) {
                (Some(before), Some(now)) => is_news(before, now),
                (None, None) => false,
                (Some(_), None) | (None, Some(_)) => true,
            };
        *node = NodeSeen {
            incarnation: host.incarnation,
            ended: host.ended,
            clock_ms: host.plan.clock.now_ms(),
            is_paused: host.is_paused(),
            crawls: host.crawls(),
            has_slow_disk: host.disk.is_slow(),
            running,
        };
        has_changed
    }

    /// Forgets which node is on a host, whose disk goes to another one; what was known, for when it is back.
    pub(crate) fn take(&mut self, position: usize) -> Remembered {
        Remembered(self.known.remove(&position))
    }

    /// A host has its own disk again.
    pub(crate) fn put_back(&mut self, position: usize, Remembered(known): Remembered) {
        match known {
            Some(known) => drop(self.known.insert(position, known)),
            None => drop(self.known.remove(&position)),
        }
    }

    /// The members as each node knew them last, unless that was before this entry.
    pub fn members_since(&self, index: u64) -> impl Iterator<Item = &Members> {
        let known = self.known.values().filter(move |known| known.members_at >= Some(index));
        known.map(|known| &known.members).filter(|members| !members.voters.is_empty())
    }

    /// The members as the node on a host knew them last.
    #[must_use]
    pub fn members_of(&self, position: usize) -> Option<&Members> {
        self.known.get(&position).map(|known| &known.members)
    }

    /// The id of the node on a host, once it has one.
    #[must_use]
    pub fn id_of(&self, position: usize) -> Option<NodeId> {
        self.known.get(&position).map(|known| known.id)
    }
}

/// Whether there is anything new to judge.
fn is_news(before: &Running, now: &Running) -> bool {
    let state =
        |running: &Running| (running.role, running.leader, running.term, running.committed, running.snapshot);
    let log =
        |running: &Running| (running.log.purged, running.log.last, running.log.durable, running.log.on_disk);
    state(before) != state(now)
        || log(before) != log(now)
        || before.vote != now.vote
        || before.vote_on_disk != now.vote_on_disk
        || before.state.applied != now.state.applied
        || !now.log.entries.is_empty()
        || now.state.rows.is_some()
        || before.members != now.members
}

impl Known {
    fn new(id: NodeId, host: &Host) -> Self {
        Self {
            on_disk: DurableLog::new(host.disk.handle(), LOG_DIR.into()),
            id,
            incarnation: host.incarnation,
            vote: None,
            ids: BTreeMap::new(),
            applied: None,
            digest: None,
            mark: None,
            pools: BTreeMap::new(),
            committed: None,
            snapshot: None,
            members: Members::default(),
            members_at: None,
            rows_at_ms: 0,
        }
    }

    fn look(&mut self, replica: &Replica, probe: Probe, look: &Look) -> Running {
        let is_first = self.vote.is_none() && self.rows_at_ms == 0;
        self.on_disk.read();
        if is_first {
            self.vote = self.on_disk.vote();
        }
        if self.vote.is_none_or(|known| rank(known) < rank(probe.vote)) && probe.vote.term > 0 {
            self.vote = Some(probe.vote);
        }
        // While a snapshot is being installed, openraft already counts what is not there yet.
        let is_there = index(probe.committed) <= index(probe.log.last).max(index(probe.snapshot));
        if is_there {
            self.committed = probe.committed;
        }
        self.members_at = probe.members_at;
        self.members = Members { voters: probe.voters.clone(), learners: probe.learners.clone() };
        let log = self.look_at_log(replica, &probe);
        let state = self.look_at_state(replica, &probe, look, is_first);
        // openraft tells what is committed at the end of a round, in which it may wait for a slow disk. What was applied
        // from the log is held to have been committed, and judged as such.
        let applied = state.applied.filter(|applied| Some(applied.index) <= index(log.last));
        self.committed = self.committed.max(applied);
        Running {
            role: match probe.role {
                ProbedRole::Learner => Role::Learner,
                ProbedRole::Follower => Role::Follower,
                ProbedRole::Candidate => Role::Candidate,
                ProbedRole::Leader => Role::Leader,
            },
            leader: probe.leader,
            term: probe.term,
            vote: self.vote,
            vote_on_disk: self.on_disk.vote(),
            log,
            committed: self.committed,
            snapshot: probe.snapshot,
            quorum_acked_ago: probe.quorum_acked_ago,
            members: self.members.clone(),
            state,
        }
    }

    fn look_at_log(&mut self, replica: &Replica, probe: &Probe) -> LogSeen {
        let (purged, last) = (probe.log.purged, probe.log.last);
        let first = purged.map_or(0, |id| id.index + 1);
        self.ids = self.ids.split_off(&first);
        // What is no longer there was cut off, and something else may be in its place.
        while let Some((index, id)) = self.ids.last_key_value() {
            if last.is_some_and(|last| last.index >= *index) && replica.log_id_at(*index) == Some(*id) {
                break;
            }
            self.ids.pop_last();
        }
        let changed_from = self.ids.last_key_value().map_or(first, |(index, _)| index + 1);
        let is_longer = last.is_some_and(|last| last.index >= changed_from);
        let entries = match is_longer {
            true => replica.log_entries(changed_from).unwrap_or_default(),
            false => Vec::new(),
        };
        self.ids.extend(entries.iter().map(|entry| (entry.id.index, entry.id)));
        // What rotted cannot be given; it is asked for again.
        LogSeen { purged, last, durable: probe.durable, on_disk: self.last_on_disk(), changed_from, entries }
    }

    /// What was cut off may still be on the disk, and may have something else in its place.
    fn last_on_disk(&self) -> Option<LogId> {
        let last = self.on_disk.last()?.index;
        let mut here = self.ids.range(..=last).rev();
        here.find(|(index, id)| self.on_disk.id_at(**index) == Some(**id)).map(|(_, id)| *id)
    }

    fn look_at_state(&mut self, replica: &Replica, probe: &Probe, look: &Look, is_first: bool) -> StateSeen {
        let has_moved = self.applied != probe.applied || is_first;
        let is_installed = self.snapshot < probe.snapshot && has_moved;
        let is_time = look.now_ms >= self.rows_at_ms + ROWS_INTERVAL_MS;
        let reads_rows = is_first || is_installed || is_time || look.reads_rows;
        (self.applied, self.snapshot) = (probe.applied, probe.snapshot);
        let mut pools = Vec::new();
        let mut rows = None;
        if has_moved || reads_rows {
            let all = Key::Pool(PoolId(0))..Key::Pool(PoolId(u64::MAX));
            let looked = replica.look(|view| {
                let pools = view.scan(all, Order::Ascending, ROWS_MAX);
                let rows = reads_rows.then(|| view.scan(Key::Clock..last_key(), Order::Ascending, ROWS_MAX));
                (pools, rows, view.mark().ok().flatten().map(|mark| mark.applied))
            });
            if let Ok(((found, all_rows, mark), _)) = looked {
                pools = self.changed_pools(found);
                self.mark = mark;
                rows = all_rows.map(Arc::new);
            }
            // It takes all rows. Nodes that come by the same index are compared at the same ones.
            let is_compared = probe.applied.is_some_and(|applied| applied.is_multiple_of(DIGEST_EVERY));
            let digest = || replica.digest().ok().map(|(digest, _)| digest.0);
            self.digest = if is_compared || reads_rows { digest() } else { None };
        }
        if rows.is_some() {
            self.rows_at_ms = look.now_ms.max(1);
        }
        StateSeen {
            applied: self.mark,
            now: probe.now,
            due_at: probe.due_at,
            digest: self.digest,
            pools,
            rows,
        }
    }

    fn changed_pools(&mut self, found: Vec<(Key, Row)>) -> Vec<(PoolId, PoolCounts)> {
        let mut changed = Vec::new();
        for (key, row) in found {
            let (Key::Pool(id), Row::Pool(counts)) = (key, row) else { continue };
            if self.pools.get(&id) != Some(&*counts) {
                self.pools.insert(id, (*counts).clone());
                changed.push((id, (*counts).clone()));
            }
        }
        changed
    }
}

fn index(id: Option<LogId>) -> Option<u64> {
    id.map(|id| id.index)
}

/// Behind every row.
fn last_key() -> Key {
    Key::all().end
}
