//! What goes wrong, drawn from the seed: each run has some kinds of faults and not others, more or less of them, and
//! windows of calm.

mod changes;
mod clocks;
mod crashes;
mod disks;
mod elections;
mod links;
mod load;
mod members;
mod partitions;
mod pauses;

use std::collections::BTreeMap;

use crate::chance::Chance;
use crate::world::World;

/// Every kind there is.
pub const KINDS: &[&dyn Fault] = &[
    &crashes::Kill,
    &crashes::KillForLong,
    &crashes::KillAll,
    &crashes::PowerLoss,
    &crashes::PowerLossForLong,
    &crashes::PowerLossOfAll,
    &pauses::Pause,
    &partitions::Halves,
    &partitions::LeaderInMinority,
    &partitions::Isolate,
    &partitions::OneWay,
    &partitions::Bridge,
    &partitions::Ring,
    &partitions::Swizzle,
    &partitions::Flapping,
    &partitions::HalfOpen,
    &partitions::ClientsCut,
    &links::LatencySpike,
    &links::SlowLink,
    &links::Loss,
    &links::HoldAndRelease,
    &links::Resets,
    &clocks::Step,
    &clocks::Drift,
    &clocks::Strobe,
    &disks::Slow,
    &disks::Grouped,
    &disks::Stalled,
    &disks::Full,
    &disks::FailedSync,
    &disks::ReadError,
    &disks::Rot,
    &disks::Wiped,
    &disks::Swapped,
    &members::Join,
    &members::LeaderTransfer,
    &members::Snapshots,
    &load::Overload,
    &load::AskTwice,
    &elections::PowerLossAtElection,
    &clocks::WallDrift,
    &disks::StalledForGood,
    &changes::Remove,
    &changes::Promote,
    &changes::Drain,
    &changes::Replace,
    &changes::Transfer,
    &changes::LeaderLostInChange,
    &clocks::Crawl,
];

/// The first ends of windows: calm or not is drawn for each.
const WINDOW_MS: u64 = 5000;

/// A kind of fault.
pub trait Fault: Sync {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// Makes it happen, if it can now; how it ends.
    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends>;
}

/// What is done while a fault goes on; it is told how often it was.
type Beat = Box<dyn Fn(&mut World, u64)>;

/// Whether a fault that was begun has done anything yet.
type Effect = Box<dyn Fn(&mut World) -> bool>;

/// When a fault ends, and how.
pub struct Ends {
    at_ms: u64,
    undo: Box<dyn FnOnce(&mut World)>,
    /// Goes on meanwhile: when it is next, and what is done then.
    beat: Option<(u64, Beat)>,
    next_beat_ms: u64,
    /// When it counts; `None` if it did what it does when it began, or was counted.
    effect: Option<Effect>,
}

impl Ends {
    /// It is over at once.
    pub fn at_once() -> Self {
        Self::after(0, |_| ())
    }

    /// It ends after so many milliseconds, from its beginning.
    pub fn after(millis: u64, undo: impl FnOnce(&mut World) + 'static) -> Self {
        Self { at_ms: millis, undo: Box::new(undo), beat: None, next_beat_ms: 0, effect: None }
    }

    /// It counts only once it has done something: some faults wait for somebody to come upon them.
    pub fn counted_when(mut self, has_effect: impl Fn(&mut World) -> bool + 'static) -> Self {
        self.effect = Some(Box::new(has_effect));
        self
    }

    /// Meanwhile something is done every so many milliseconds; it is told how often it was.
    pub fn with_beat(mut self, every_ms: u64, beat: impl Fn(&mut World, u64) + 'static) -> Self {
        self.beat = Some((every_ms.max(1), Box::new(beat)));
        self
    }
}

struct Ongoing {
    name: &'static str,
    began_ms: u64,
    beats: u64,
    ends: Ends,
}

/// The faults of a run.
pub struct Faults {
    chance: Chance,
    kinds: Vec<&'static dyn Fault>,
    mean_ms: u64,
    next_ms: u64,
    window_ends_ms: u64,
    is_calm: bool,
    ongoing: Vec<Ongoing>,
    counts: BTreeMap<&'static str, u64>,
}

impl Faults {
    /// Draws which kinds there are, and how often.
    #[must_use]
    pub fn new(mut chance: Chance) -> Self {
        let mut kinds: Vec<&dyn Fault> = KINDS.iter().copied().filter(|_| chance.percent(40)).collect();
        if kinds.is_empty() {
            kinds.push(*chance.pick(KINDS));
        }
        let mean_ms = *chance.pick(&[1200, 2000, 3000, 4500]);
        Self::of(kinds, mean_ms, chance)
    }

    /// These kinds, so many milliseconds apart in the mean.
    #[must_use]
    pub fn of(kinds: Vec<&'static dyn Fault>, mean_ms: u64, chance: Chance) -> Self {
        Self {
            chance,
            kinds,
            mean_ms,
            next_ms: 0,
            window_ends_ms: 0,
            is_calm: false,
            ongoing: Vec::new(),
            counts: KINDS.iter().map(|kind| (kind.name(), 0)).collect(),
        }
    }

    /// Lets happen what happens now.
    pub fn step(&mut self, world: &mut World) {
        let now_ms = world.time.now_ms();
        self.go_on(world, now_ms);
        if now_ms >= self.window_ends_ms {
            self.window_ends_ms = now_ms + WINDOW_MS;
            self.is_calm = self.chance.percent(25);
        }
        if self.next_ms == 0 {
            self.next_ms = now_ms + self.chance.between(1..=self.mean_ms);
        }
        if now_ms < self.next_ms {
            return;
        }
        self.next_ms = now_ms + self.chance.between(1..=2 * self.mean_ms);
        if !self.is_calm {
            let kind = *self.chance.pick(&self.kinds);
            self.begin(kind, world);
        }
    }

    /// Makes a fault happen now.
    pub fn begin(&mut self, kind: &'static dyn Fault, world: &mut World) {
        let now_ms = world.time.now_ms();
        let Some(ends) = kind.begin(world, &mut self.chance) else { return };
        let name = kind.name();
        if ends.effect.is_none() {
            *self.counts.entry(name).or_default() += 1;
        }
        world.trace.note(|| format!("{now_ms} fault {name} for {} ms", ends.at_ms));
        self.ongoing.push(Ongoing { name, began_ms: now_ms, beats: 0, ends });
    }

    fn go_on(&mut self, world: &mut World, now_ms: u64) {
        let mut over = Vec::new();
        let mut position = 0;
        while position < self.ongoing.len() {
            let ongoing = &mut self.ongoing[position];
            if ongoing.ends.effect.as_ref().is_some_and(|has_effect| has_effect(world)) {
                ongoing.ends.effect = None;
                *self.counts.entry(ongoing.name).or_default() += 1;
            }
            if now_ms >= ongoing.began_ms + ongoing.ends.at_ms {
                over.push(self.ongoing.remove(position));
                continue;
            }
            if let Some((every_ms, beat)) = &ongoing.ends.beat
                && now_ms >= ongoing.ends.next_beat_ms
            {
                ongoing.ends.next_beat_ms = now_ms + every_ms;
                beat(world, ongoing.beats);
                ongoing.beats += 1;
            }
            position += 1;
        }
        for ongoing in over {
            (ongoing.ends.undo)(world);
        }
    }

    /// Ends everything that goes on.
    pub fn end_all(&mut self, world: &mut World) {
        for ongoing in std::mem::take(&mut self.ongoing) {
            (ongoing.ends.undo)(world);
        }
    }

    /// How often each kind has happened: has begun, and done something.
    #[must_use]
    pub fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }
}

/// How long a fault waits for somebody to come upon it.
const WAIT_MS: u64 = 3000;

/// How long faults last, mostly.
fn a_while(chance: &mut Chance) -> u64 {
    chance.between(100..=*chance.clone().pick(&[600, 2500, 5000]))
}
