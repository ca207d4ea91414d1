//! A cluster, its clients and its network, ticking together.

mod endings;
mod members;
mod settled;
mod suspects;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use holdfast_raft::{Goal, RaftSettings};
use holdfast_reservations::outbox_channels;
use holdfast_storage::log::LogOptions;

use crate::chance::Chance;
use crate::client::Fidelity;
use crate::host::{Host, HostOptions};
use crate::invariants::{self, Invariants, Violation};
use crate::machine::Machine;
use crate::network::{Holder, MachineNumber, Net};
use crate::node::Beginning;
use crate::observation::{NodeId, Observation, Role};
use crate::outside::Outside;
use crate::prober::Probes;
use crate::readers::{Readers, Seen};
use crate::recorder::Recorder;
use crate::time::WorldTime;
use crate::trace::Trace;
use crate::watcher::{Look, Watcher};
use crate::workload::{Guests, Load};
use suspects::Suspects;

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct WorldOptions {
    /// Everything is drawn from it.
    pub seed: u64,
    /// Nodes that form the cluster.
    pub nodes: usize,
    /// Machines that nodes may be started on later.
    pub spares: usize,
    /// Sizes.
    pub raft: RaftSettings,
    /// How clients call.
    pub fidelity: Fidelity,
    /// Clients that have things to do all the time.
    pub guests: usize,
    /// Clients that come when there is a burst.
    pub crowd: usize,
    /// Milliseconds between two things that a client does.
    pub think_ms: u64,
    /// Shows the trace on stderr.
    pub is_shown: bool,
}

impl WorldOptions {
    /// A usual cluster of so many nodes.
    #[must_use]
    pub fn new(seed: u64, nodes: usize) -> Self {
        Self {
            seed,
            nodes,
            spares: 0,
            raft: RaftSettings {
                snapshot_entries: 200,
                keep_entries: 50,
                purge_batch: 1,
                log: log_sizes(&mut Chance::new(seed)),
                ..RaftSettings::default()
            },
            fidelity: Fidelity::Fast,
            guests: 5,
            crowd: 0,
            think_ms: 60,
            is_shown: false,
        }
    }
}

/// Small enough that a short run ends many segments, and reads entries from its files.
pub fn log_sizes(chance: &mut Chance) -> LogOptions {
    LogOptions {
        segment_bytes: *chance.pick(&[4 << 10, 16 << 10, 64 << 10, 256 << 10]),
        tail_bytes: *chance.pick(&[0, 4 << 10, 64 << 10, 1 << 20]),
        ..LogOptions::default()
    }
}

/// A cluster and its clients.
pub struct World {
    /// Right time.
    pub time: WorldTime,
    /// The network.
    pub net: Net,
    /// The machines of nodes.
    pub hosts: Vec<Host>,
    /// What clients do.
    pub load: Load,
    /// What they are told.
    pub recorder: Recorder,
    /// What nodes have shown after all was healed.
    pub probes: Probes,
    /// Whom nodes send messages to.
    pub outside: Outside,
    /// What those who watch were shown.
    pub watched: Seen,
    /// All that happens.
    pub trace: Trace,
    /// What must hold.
    pub invariants: Invariants,
    /// The newest observation.
    pub seen: Observation,
    /// Hosts that may have lost what they acknowledged; never more than a minority.
    pub lost: BTreeSet<usize>,
    /// Hosts that have each other's disks now.
    pub swapped: BTreeSet<usize>,
    /// Hosts whose disks have done something that a node may stop for.
    pub suspects: Suspects,
    /// Nodes that were asked to stop voting.
    pub leaving: BTreeSet<NodeId>,
    /// What is said to be done, in answer to what was asked.
    said_done: Vec<Goal>,
    /// Hosts whose nodes were ended for good.
    kept_down: BTreeSet<usize>,
    /// The node that was on each host when it was looked at last.
    ids: BTreeMap<usize, Option<NodeId>>,
    /// A node has ended by itself, though its disk gave it no reason.
    ended: Option<Violation>,
    options: WorldOptions,
    /// When whoever watches over the processes starts one again.
    restarts: BTreeMap<usize, u64>,
    chance: Chance,
    clients: Machine,
    pub(crate) watcher: Watcher,
}

/// A process that ended by itself is started again after so many milliseconds.
const RESTART_MS: std::ops::RangeInclusive<u64> = 100..=1500;

/// Every so many milliseconds is judged, whether or not anything is new.
const JUDGE_INTERVAL_MS: u64 = 20;

impl World {
    /// A world in which nothing has happened yet.
    #[must_use]
    pub fn new(options: &WorldOptions) -> Self {
        crate::determinism::begin(options.seed);
        let mut chance = Chance::new(options.seed);
        let machines = options.nodes + options.spares + 1;
        let (time, trace) = (WorldTime::default(), Trace::new(options.is_shown));
        let net = Net::new(machines, chance.fork(), trace.clone());
        let (recorder, load) = (Recorder::new(time.clone()), Load::default());
        load.set_nodes((0..options.nodes).map(|machine| (machine, machine + 1)).collect());
        let outside = Outside::new(chance.fork(), time.clone(), trace.clone());
        let host_of = |machine| {
            let others = (0..options.nodes).filter(|other| *other != machine).collect();
            let begins = if machine == 0 { Beginning::Founds } else { Beginning::AsksFounder };
            let raft = options.raft.clone();
            let outside = outside.clone();
            let host = HostOptions { machine, others, begins, raft, outside, stays_learner: false };
            Host::new(host, &net, &time, &mut chance)
        };
        let hosts: Vec<Host> = (0..options.nodes).map(host_of).collect();
        let guests = Guests {
            count: options.guests,
            crowd: options.crowd,
            think_ms: options.think_ms,
            machine: machines - 1,
            net: net.clone(),
            fidelity: options.fidelity,
            chance: chance.fork(),
            recorder: recorder.clone(),
            time: time.clone(),
            trace: trace.clone(),
            load: load.clone(),
        };
        let readers = Readers {
            net: net.clone(),
            machine: machines - 1,
            chance: chance.fork(),
            recorder: recorder.clone(),
            time: time.clone(),
            trace: trace.clone(),
            load: load.clone(),
            seen: Seen::default(),
        };
        let watched = readers.seen.clone();
        let probes = Probes::default();
        let (asked, place) = (probes.clone(), net.of(machines - 1));
        let clients = Machine::new(chance.draw(), move || {
            let (guests, probes, place) = (guests.clone(), asked.clone(), place.clone());
            let readers = readers.clone();
            async move {
                drop(tokio::spawn(readers.run()));
                drop(tokio::spawn(probes.run(place)));
                guests.run().await;
                Ok(())
            }
        });
        Self {
            time,
            net,
            hosts,
            load,
            recorder,
            probes,
            outside,
            watched,
            trace,
            invariants: invariants::all(),
            seen: Observation::default(),
            lost: BTreeSet::new(),
            swapped: BTreeSet::new(),
            suspects: Suspects::default(),
            leaving: BTreeSet::new(),
            said_done: Vec::new(),
            kept_down: BTreeSet::new(),
            ids: BTreeMap::new(),
            ended: None,
            options: options.clone(),
            restarts: BTreeMap::new(),
            chance: chance.fork(),
            clients,
            watcher: Watcher::default(),
        }
    }

    /// The clients' machine.
    #[must_use]
    pub fn clients_machine(&self) -> MachineNumber {
        self.net.machines() - 1
    }

    /// A millisecond goes by.
    ///
    /// # Errors
    ///
    /// When something is as it must never be.
    pub fn tick(&mut self) -> Result<(), Violation> {
        self.time.tick();
        let now_ms = self.time.now_ms();
        crate::determinism::set_time_ms(now_ms);
        self.net.step(now_ms);
        let first = (now_ms % self.hosts.len() as u64) as usize;
        for position in 0..self.hosts.len() {
            let position = (position + first) % self.hosts.len();
            self.tick_host(position, now_ms);
        }
        self.clients.tick();
        self.judge(false)?;
        self.recorder.check()?;
        self.judge_said()?;
        self.ended.take().map_or(Ok(()), Err)
    }

    fn tick_host(&mut self, position: usize, now_ms: u64) {
        let host = &mut self.hosts[position];
        let was_up = host.is_up();
        host.bury();
        if was_up && !host.is_up() {
            let exit = host.exit.clone();
            self.trace.note(|| format!("{now_ms} machine {position} ended by itself: {exit:?}"));
            let wait_ms = self.chance.between(RESTART_MS);
            match self.judge_end(position, exit.as_ref()) {
                Ok(true) => drop(self.restarts.insert(position, now_ms + wait_ms)),
                Ok(false) => (),
                Err(violation) => self.ended = Some(violation),
            }
        }
        let is_due = self.restarts.get(&position).is_some_and(|due_ms| *due_ms <= now_ms);
        if is_due {
            self.restarts.remove(&position);
            self.hosts[position].start();
        }
        self.hosts[position].tick(now_ms);
        self.hear_of_changes(position);
    }

    /// Judges how things stand.
    ///
    /// # Errors
    ///
    /// When something is as it must never be.
    pub fn judge(&mut self, reads_rows: bool) -> Result<(), Violation> {
        let now_ms = self.time.now_ms();
        self.seen.at = Duration::from_millis(now_ms);
        self.seen.true_ms = self.time.true_ms();
        let look = Look { now_ms, reads_rows };
        let has_changed = self.watcher.observe(&self.hosts, &look, &mut self.seen);
        self.seen.acknowledged.extend(self.recorder.take_acknowledged());
        let is_time = now_ms.is_multiple_of(JUDGE_INTERVAL_MS);
        if !has_changed && !is_time && self.seen.acknowledged.is_empty() && !reads_rows {
            return Ok(());
        }
        if has_changed {
            self.trace.observe(now_ms, &self.hosts, &self.seen);
            self.follow_hosts();
        }
        let judged = self.invariants.check(&self.seen);
        self.seen.acknowledged.clear();
        judged
    }

    /// The host of the node that leads in the highest term.
    #[must_use]
    pub fn leader(&self) -> Option<usize> {
        let leaders = self.seen.running().filter(|(_, _, running)| running.role == Role::Leader);
        let (id, ..) = leaders.max_by_key(|(_, _, running)| running.term)?;
        (0..self.hosts.len()).find(|position| self.id_of(*position) == Some(id))
    }

    /// How many voters there are, as the leader sees it.
    #[must_use]
    pub fn voters(&self) -> usize {
        let leader = self.leader().and_then(|position| self.id_of(position));
        let running = leader.and_then(|id| self.seen.nodes.get(&id)?.running.as_ref());
        running.map_or(0, |running| match running.members.voters.as_slice() {
            [voters] => voters.len(),
            _ => 0,
        })
    }

    /// The hosts whose nodes run.
    #[must_use]
    pub fn up(&self) -> Vec<usize> {
        (0..self.hosts.len()).filter(|position| self.hosts[*position].is_up()).collect()
    }

    /// How many messages wait to be sent, as the leader sees it; nothing if nobody leads.
    #[must_use]
    pub fn unsent(&self) -> Option<u64> {
        let leader = self.leader()?;
        let replica = self.replica(leader)?;
        let disk = self.hosts[leader].disk.handle();
        disk.set_undisturbed(true);
        let channels = replica.look(|view| outbox_channels(view));
        disk.set_undisturbed(false);
        let (channels, _) = channels.ok()?;
        Some(channels.iter().map(|(_, backlog)| backlog.waiting).sum())
    }

    /// How many clients there are.
    #[must_use]
    pub fn everybody(&self) -> usize {
        self.options.guests + self.options.crowd
    }

    /// How many nodes form the cluster.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.options.nodes
    }

    /// From now on its node may stop for what its disk does.
    pub fn suspect(&mut self, position: usize) -> Holder {
        let by = self.net.new_holder();
        self.suspects.suspect(position, by);
        by
    }

    /// Its disk has lost what it held.
    pub fn lose(&mut self, position: usize) {
        self.lost.insert(position);
        self.suspects.lose(position);
    }

    /// Another node is on it, with a disk of its own.
    fn regain(&mut self, position: usize) {
        self.lost.remove(&position);
        self.suspects.regain(position);
    }

    /// A fault of its disk is over.
    pub fn release(&mut self, position: usize, by: Holder) {
        let incarnation = self.hosts[position].incarnation;
        self.suspects.release(position, by, incarnation);
    }

    /// Ends a node for good.
    pub fn keep_down(&mut self, position: usize) {
        self.restarts.remove(&position);
        self.kept_down.insert(position);
        self.hosts[position].end(crate::host::Loss::Process);
    }

    /// The cluster is founded: nobody may found it again.
    pub fn founded(&mut self) {
        for host in &self.hosts {
            *host.plan.begins.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Beginning::IsOver;
        }
    }

    /// Lets time go by until something is so; `false` if it is not within so many milliseconds.
    ///
    /// # Errors
    ///
    /// When something is as it must never be.
    pub fn run_until(
        &mut self,
        limit_ms: u64,
        mut is_so: impl FnMut(&mut Self) -> bool,
    ) -> Result<bool, Violation> {
        for _ in 0..limit_ms {
            if is_so(self) {
                return Ok(true);
            }
            self.tick()?;
        }
        Ok(is_so(self))
    }

    /// A replica that runs on a host.
    #[must_use]
    pub fn replica(&self, position: usize) -> Option<holdfast_raft::Replica> {
        self.hosts[position].plan.state().replica.clone()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Replicas must not outlive their runtimes.
        for host in &mut self.hosts {
            host.end(crate::host::Loss::Process);
        }
    }
}

/// Runs something on a thread of its own, as a deterministic run needs.
///
/// # Panics
///
/// When it does.
pub fn alone<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> std::thread::Result<T> {
    let work = move || {
        let scoped = holdfast_raft::Runtime::scope(0, async move { work() });
        match futures_util::FutureExt::now_or_never(scoped) {
            Some(done) => done,
            None => unreachable!("nothing in it waits"),
        }
    };
    let thread = std::thread::Builder::new().name("simulation".to_owned()).stack_size(64 << 20);
    match thread.spawn(work) {
        Ok(running) => running.join(),
        Err(error) => Err(Box::new(error)),
    }
}
