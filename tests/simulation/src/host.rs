//! A node on its machine, with its disk and its clock: what can be done to it from outside.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use holdfast_raft::RaftSettings;

use crate::chance::Chance;
use crate::disk::Disk;
use crate::machine::Machine;
use crate::network::{Holder, MachineNumber, Net};
use crate::node::{self, Beginning, Exit, NodePlan, NodeState};
use crate::observation::Ending;
use crate::outside::Outside;
use crate::time::{Clock, WorldTime};

/// A node on its machine.
pub struct Host {
    /// What it is made of.
    pub plan: Arc<NodePlan>,
    /// Its disk.
    pub disk: Disk,
    /// Rises with every start.
    pub incarnation: u32,
    /// How the last incarnation ended.
    pub ended: Ending,
    /// Why it ended by itself, if it did.
    pub exit: Option<Exit>,
    /// Its node has left the cluster and knows it: it is not started any more.
    pub is_gone: bool,
    /// Its node has been told that it was removed.
    pub was_told: bool,
    /// Names the nodes that were on it one after the other, for those who compare what each has shown.
    series: usize,
    machine: Machine,
    net: Net,
    time: WorldTime,
    pause: Option<Pause>,
    /// Ticks more (or fewer, if negative) in a thousand, by who makes it so: what is furthest from right counts.
    drifts: BTreeMap<Holder, i64>,
    drift: i64,
}

/// Timers of machines that are well never drift so far.
const CRAWL_PERMILLE: i64 = -100;

struct Pause {
    began_ms: u64,
    until_ms: u64,
}

/// How to end a node's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Killed: its disk and its streams end as an operating system leaves them.
    Process,
    /// Without power.
    Power,
}

/// What a host is made of.
pub struct HostOptions {
    /// Its machine.
    pub machine: MachineNumber,
    /// The machines of the other nodes.
    pub others: Vec<MachineNumber>,
    /// What it does when its disk is empty.
    pub begins: Beginning,
    /// Sizes.
    pub raft: RaftSettings,
    /// Whom its node sends messages to.
    pub outside: Outside,
    /// Whether it only learns when it joins.
    pub stays_learner: bool,
}

impl Host {
    /// A host whose node starts at the next tick.
    #[must_use]
    pub fn new(options: HostOptions, net: &Net, time: &WorldTime, chance: &mut Chance) -> Self {
        let HostOptions { machine, others, begins, raft, outside, stays_learner } = options;
        let disk = Disk::new(chance.fork());
        let plan = Arc::new(NodePlan {
            machine,
            network: net.of(machine),
            clock: Clock::new(time.clone()),
            outside,
            disk: Mutex::new(disk.handle()),
            others,
            begins: Mutex::new(begins),
            stays_learner: AtomicBool::new(stays_learner),
            raft,
            told: Mutex::default(),
            state: Mutex::default(),
            seeds: Mutex::new(chance.fork()),
        });
        let (planned, series) = (plan.clone(), machine + 1);
        let machine = Machine::new(chance.draw(), move || node::run(planned.clone()));
        Self {
            plan,
            disk,
            incarnation: 1,
            ended: Ending::Kept,
            exit: None,
            is_gone: false,
            was_told: false,
            series,
            machine,
            net: net.clone(),
            time: time.clone(),
            pause: None,
            drifts: BTreeMap::new(),
            drift: 0,
        }
    }

    /// Its machine.
    #[must_use]
    pub fn number(&self) -> MachineNumber {
        self.plan.machine
    }

    /// Whether its software runs.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.machine.is_up()
    }

    /// Whether it is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.pause.is_some()
    }

    /// Runs its software for a tick.
    pub fn tick(&mut self, now_ms: u64) {
        self.disk.step(now_ms);
        if let Some(Pause { began_ms, until_ms }) = self.pause {
            if now_ms < until_ms {
                return;
            }
            self.pause = None;
            // Its clock went on meanwhile: all that was due then is due at once.
            self.plan.state().jump = Some(Duration::from_millis(now_ms - began_ms));
        }
        self.drift += self.drift_permille();
        let ticks = 1 + self.drift / 1000;
        self.drift %= 1000;
        for _ in 0..ticks {
            self.machine.tick();
        }
    }

    /// Ends the process if its software has ended: a tick later, so that what it did last was seen.
    pub fn bury(&mut self) {
        let exit = self.plan.state().exit.take();
        if let Some(exit) = exit {
            self.end(Loss::Process);
            self.exit = Some(exit);
        }
    }

    /// Ends the process, if there is one.
    pub fn end(&mut self, loss: Loss) {
        if !self.is_up() {
            return;
        }
        if loss == Loss::Power {
            self.net.power_off(self.number());
        }
        // The replica's handle goes first: it must not outlive its runtime.
        *self.plan.state() = NodeState::default();
        self.machine.stop();
        *self.plan.state() = NodeState::default();
        self.pause = None;
        match loss {
            Loss::Process => self.disk.lose_process(),
            Loss::Power => self.disk.lose_power(),
        }
        self.ended = match loss {
            Loss::Process => Ending::Kept,
            Loss::Power => Ending::PowerLost,
        };
    }

    /// Starts the process, if there is none.
    pub fn start(&mut self) {
        if self.is_up() || self.is_gone {
            return;
        }
        self.net.power_on(self.number());
        self.exit = None;
        // Later than any before, whichever machine the disk was in.
        self.incarnation = self.time.now_ms() as u32 + 2;
        self.machine.start();
    }

    /// Puts another disk in; the node must be down.
    pub fn replace_disk(&mut self, disk: Disk) -> Disk {
        *self.plan.disk.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = disk.handle();
        self.ended = Ending::DiskLost;
        std::mem::replace(&mut self.disk, disk)
    }

    /// Starts another node on it, with an empty disk.
    pub fn begin_anew(&mut self, disk: Disk, stays_learner: bool) {
        drop(self.replace_disk(disk));
        self.ended = Ending::Kept;
        (self.is_gone, self.was_told) = (false, false);
        self.plan.stays_learner.store(stays_learner, Ordering::Relaxed);
        self.start();
    }

    /// Names the node that is on it now.
    #[must_use]
    pub fn series(&self) -> usize {
        self.series
    }

    /// From now on another node is on it.
    pub fn begin_series(&mut self) {
        self.series += self.net.machines();
    }

    /// Nothing on it runs until then, as when the machine is suspended.
    pub fn pause(&mut self, now_ms: u64, until_ms: u64) {
        if self.is_up() {
            self.pause.get_or_insert(Pause { began_ms: now_ms, until_ms });
        }
    }

    /// Ends a pause.
    pub fn resume(&mut self, now_ms: u64) {
        if let Some(pause) = &mut self.pause {
            pause.until_ms = now_ms;
        }
    }

    /// Whether its own clock falls behind so fast that nothing can be told by it.
    #[must_use]
    pub fn crawls(&self) -> bool {
        self.drift_permille() < CRAWL_PERMILLE
    }

    /// Lets its clock run so much faster, or slower.
    pub fn set_drift(&mut self, by: Holder, permille: i64) {
        self.drifts.insert(by, permille);
    }

    /// Ends what this one has done to its clock.
    pub fn end_drift(&mut self, by: Holder) {
        self.drifts.remove(&by);
    }

    /// Lets its clock run as it should.
    pub fn end_drifts(&mut self) {
        self.drifts.clear();
    }

    fn drift_permille(&self) -> i64 {
        self.drifts.values().copied().max_by_key(|permille| permille.abs()).unwrap_or(0)
    }
}
