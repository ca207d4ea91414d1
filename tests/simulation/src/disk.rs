//! A node's disk: how long its syncs take, and in which order they complete.

use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;

use holdfast_storage::simulated::{SimulatedDisk, SyncMode};

use crate::chance::Chance;
use crate::network::Holder;

/// How a disk behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Syncs take so many milliseconds.
    Syncs(RangeInclusive<u64>),
    /// Syncs complete together, at every so manieth millisecond.
    Grouped(u64),
    /// No sync completes.
    Stalled,
}

impl Pace {
    /// A good disk.
    const USUAL: Self = Self::Syncs(1..=3);
}

/// A sync that takes longer is a slow one.
const SLOW_MS: u64 = 200;

/// A disk, and the syncs it has taken.
pub struct Disk {
    handle: SimulatedDisk,
    chance: Chance,
    /// Who makes it slow, and how; the last one counts.
    paces: Vec<(Holder, Pace)>,
    /// When each held sync completes; `None` while it stalls.
    due_ms: BTreeMap<u64, Option<u64>>,
    /// The next sync fails.
    fails_next: bool,
    failed: u64,
}

impl Disk {
    /// An empty one.
    #[must_use]
    pub fn new(mut chance: Chance) -> Self {
        let handle = SimulatedDisk::new(chance.draw());
        handle.set_sync_mode(SyncMode::Held);
        Self { handle, chance, paces: Vec::new(), due_ms: BTreeMap::new(), fails_next: false, failed: 0 }
    }

    /// The disk as the node uses it.
    #[must_use]
    pub fn handle(&self) -> SimulatedDisk {
        self.handle.clone()
    }

    /// Makes it behave so until the holder lets go.
    pub fn slow_down(&mut self, by: Holder, pace: Pace) {
        self.paces.push((by, pace));
        self.go_on();
    }

    /// Lets it be as it was without this one.
    pub fn let_go(&mut self, holder: Holder) {
        self.paces.retain(|(by, _)| *by != holder);
        self.go_on();
    }

    /// Makes it a good disk, whoever slowed it down.
    pub fn mend(&mut self) {
        self.paces.clear();
        self.go_on();
    }

    /// What stalled goes on, unless it still stalls.
    fn go_on(&mut self) {
        self.due_ms.retain(|_, due_ms| due_ms.is_some());
    }

    /// Whether its syncs take long enough to be noticed by whoever waits for what is due.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        match self.pace() {
            Pace::Syncs(range) => *range.end() > SLOW_MS,
            Pace::Grouped(every_ms) => every_ms > SLOW_MS,
            Pace::Stalled => true,
        }
    }

    fn pace(&self) -> Pace {
        self.paces.last().map_or(Pace::USUAL, |(_, pace)| pace.clone())
    }

    /// Lets the next sync fail: what it covers is lost, though reads show it until a crash.
    pub fn fail_next_sync(&mut self) {
        self.fails_next = true;
    }

    /// The next sync does not fail any more.
    pub fn fail_no_sync(&mut self) {
        self.fails_next = false;
    }

    /// How many syncs have failed.
    #[must_use]
    pub fn failed_syncs(&self) -> u64 {
        self.failed
    }

    /// Takes up new syncs and completes those that are due, in any order.
    pub fn step(&mut self, now_ms: u64) {
        if self.handle.held_syncs() == 0 {
            self.due_ms.clear();
            return;
        }
        let held = self.handle.held_tickets();
        for ticket in &held {
            if !self.due_ms.contains_key(ticket) {
                let due_ms = self.due_ms_of_new(now_ms);
                self.due_ms.insert(*ticket, due_ms);
            }
        }
        let mut due: Vec<u64> = held
            .into_iter()
            .filter(|ticket| {
                self.due_ms.get(ticket).copied().flatten().is_some_and(|due_ms| due_ms <= now_ms)
            })
            .collect();
        if due.len() > 1 {
            self.chance.shuffle(&mut due);
        }
        for ticket in due {
            self.due_ms.remove(&ticket);
            if std::mem::take(&mut self.fails_next) {
                self.failed += 1;
                self.handle.fail_ticket(ticket, io::ErrorKind::Other);
            } else {
                self.handle.complete_ticket(ticket);
            }
        }
    }

    fn due_ms_of_new(&mut self, now_ms: u64) -> Option<u64> {
        match self.pace() {
            Pace::Syncs(range) => Some(now_ms + self.chance.between(range)),
            Pace::Grouped(every_ms) => Some((now_ms / every_ms + 1) * every_ms),
            Pace::Stalled => None,
        }
    }

    /// The power goes: what was not synced is kept or lost by the dice.
    pub fn lose_power(&mut self) {
        self.handle.crash();
        self.restart();
    }

    /// The process ends: the disk keeps everything.
    pub fn lose_process(&mut self) {
        self.handle.kill();
        self.restart();
    }

    fn restart(&mut self) {
        self.due_ms.clear();
        self.fails_next = false;
    }
}
