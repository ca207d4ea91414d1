//! Those who watch what happens: each over many streams, at one node after the other, from where he was.

mod blocks;
mod reader;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_model::{Followed, Happened, Interest, Revision, concerning};

use crate::chance::Chance;
use crate::network::{MachineNumber, Net};
use crate::recorder::Recorder;
use crate::time::WorldTime;
use crate::trace::Trace;
use crate::workload::{Load, Park};
use reader::Reader;

/// How many watch.
pub const READERS: usize = 4;

/// What readers are made of, and what they have seen. Clones are the same.
#[derive(Clone)]
pub struct Readers {
    /// The network.
    pub net: Net,
    /// The machine they are at.
    pub machine: MachineNumber,
    /// What they do is drawn from it.
    pub chance: Chance,
    /// What they may not be told goes there.
    pub recorder: Recorder,
    /// Right time.
    pub time: WorldTime,
    /// All that happens.
    pub trace: Trace,
    /// Where the nodes are, and what there is to be watched.
    pub load: Load,
    /// What they have seen.
    pub seen: Seen,
}

/// What readers have seen. Clones are the same.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// Everything that was followed, by whoever.
    followed: Vec<Followed>,
    /// What each reader follows now.
    current: [Option<usize>; READERS],
    /// Those who were told that what they want is not kept: behind which entry, and from which one on it is.
    refused: Vec<(u64, u64)>,
    counts: Counts,
}

/// How much was watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Streams that were opened.
    pub streams: u64,
    /// Events that were shown.
    pub events: u64,
}

/// Who a reader is.
#[derive(Clone, Debug)]
struct Who {
    number: usize,
    email: String,
    password: String,
    /// He has to sign up first.
    is_guest: bool,
    /// He takes his time.
    is_slow: bool,
}

impl Readers {
    /// Lets everybody watch, for ever.
    pub async fn run(mut self) {
        for number in 0..READERS {
            drop(tokio::spawn(Reader::new(&self, number, self.chance.clone()).run()));
            self.chance.draw();
        }
        std::future::pending::<()>().await;
    }
}

impl Seen {
    /// Everything that was followed.
    #[must_use]
    pub fn followed(&self) -> Vec<Followed> {
        self.lock().followed.clone()
    }

    /// Behind which entries somebody was told that what happened is not kept any more, and from which one on it is.
    #[must_use]
    pub fn refused(&self) -> Vec<(u64, u64)> {
        self.lock().refused.clone()
    }

    /// How much was watched.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// Who has not been shown all of this yet.
    #[must_use]
    pub fn behind(&self, happened: &[Happened]) -> Vec<String> {
        let inner = self.lock();
        let mut behind = Vec::new();
        for (number, current) in inner.current.iter().enumerate() {
            let Some(followed) = current.and_then(|current| inner.followed.get(current)) else {
                behind.push(format!("reader {number} follows nothing"));
                continue;
            };
            let next = concerning(happened, &followed.interest, followed.at).next();
            behind
                .extend(next.map(|next| format!("{} is at {}, before {next:?}", followed.name, followed.at)));
        }
        behind
    }

    /// Somebody begins to follow, behind a revision.
    fn begin(&self, number: usize, interest: &Interest, from: Revision) {
        let mut inner = self.lock();
        let name = format!("reader {number}");
        let followed = Followed { name, interest: interest.clone(), from, at: from, shown: Vec::new() };
        inner.followed.push(followed);
        inner.current[number] = Some(inner.followed.len() - 1);
    }

    /// What he follows now.
    fn change(&self, number: usize, change: impl FnOnce(&mut Followed, &mut Counts)) {
        let mut inner = self.lock();
        let Inner { followed, current, counts, .. } = &mut *inner;
        if let Some(followed) = current[number].and_then(|current| followed.get_mut(current)) {
            change(followed, counts);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What somebody wants to see, and how he asks for it.
fn interest(number: usize, user: u64, park: &Park, chance: &mut Chance) -> (Interest, String) {
    let everything = Interest::default();
    match (number, chance.between(0..=4)) {
        (0 | 1, _) => (everything, String::new()),
        (2, 0) => {
            let (one, other) = (park.days[0].0, park.any_changing_slot(chance).0);
            let query = format!("slotId={one},{other}");
            (Interest { slots: [one, other].into(), ..everything }, query)
        }
        (2, 1) => {
            let query = format!("resourceId={}&resourceId={}", park.tower, park.concert);
            (Interest { resources: [park.tower, park.concert].into(), ..everything }, query)
        }
        (2, 2) => {
            let kinds = ["booking.ready", "booking.no_show", "slot.*"].map(str::to_owned).into();
            (Interest { kinds, ..everything }, "kind=booking.ready,booking.no_show,slot.*".to_owned())
        }
        (2, _) => {
            let slots = park.recorded.iter().map(|slot| slot.0).collect();
            let kinds = ["booking.*".to_owned()].into();
            let slot_ids: Vec<String> = park.recorded.iter().map(|slot| slot.0.to_string()).collect();
            let query = format!("kind=booking.*&slotId={}", slot_ids.join(","));
            (Interest { slots, kinds, ..everything }, query)
        }
        _ => (Interest { guest: Some(user), ..everything }, String::new()),
    }
}
