//! What must hold after every tick: one file each, all of them small, incremental and tried on what they must refuse.

mod acknowledged;
mod clock;
mod committed;
mod committed_on_quorum;
mod committed_stays;
mod digests;
mod due;
mod durable_on_disk;
mod durable_stays;
mod leader_completeness;
mod leads_once;
mod log_matching;
mod logs;
mod members_keep_quorum;
mod members_one_at_a_time;
mod memberships;
mod monotone;
mod order;
mod pools;
mod replay;
mod requests;
mod rules;
#[cfg(test)]
mod testing;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

pub use committed::Committed;
pub use logs::Logs;
pub use memberships::{Membership, Memberships};

use crate::observation::Observation;

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant says so.
    pub invariant: &'static str,
    /// When, in simulated time since the start.
    pub at: Duration,
    /// What.
    pub says: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:.3} s: {}", self.invariant, self.at.as_secs_f64(), self.says)
    }
}

/// What an invariant looks at: the newest observation, and what all of them together say.
pub(crate) struct Scene<'a> {
    pub(crate) seen: &'a Observation,
    /// The logs of all nodes.
    pub(crate) logs: &'a Logs,
    /// The one log that all nodes agree on, as far as any node knows it.
    pub(crate) committed: &'a Committed,
    /// The members that all nodes agree on.
    pub(crate) memberships: &'a Memberships,
}

/// One thing that must always hold.
pub(crate) trait Invariant {
    /// What it is called, in reports.
    fn name(&self) -> &'static str;

    /// Judges the newest observation, or says what is wrong.
    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String>;
}

/// All invariants of a run.
pub struct Invariants {
    logs: Logs,
    committed: Committed,
    memberships: Memberships,
    invariants: Vec<Box<dyn Invariant>>,
    checks: BTreeMap<&'static str, u64>,
}

/// Every invariant there is.
#[must_use]
pub fn all() -> Invariants {
    Invariants {
        logs: Logs::default(),
        committed: Committed::default(),
        memberships: Memberships::default(),
        checks: BTreeMap::new(),
        invariants: vec![
            Box::<monotone::Monotone>::default(),
            Box::<order::PointersInOrder>::default(),
            Box::<durable_on_disk::DurableOnDisk>::default(),
            Box::<durable_stays::DurableStays>::default(),
            Box::<leads_once::LeadsOnce>::default(),
            Box::<log_matching::LogMatching>::default(),
            Box::<committed_stays::CommittedStays>::default(),
            Box::<committed_on_quorum::CommittedOnQuorum>::default(),
            Box::<leader_completeness::LeaderCompleteness>::default(),
            Box::<acknowledged::AcknowledgedStays>::default(),
            Box::<digests::SameDigests>::default(),
            Box::<pools::PoolsAddUp>::default(),
            Box::<members_one_at_a_time::MembersOneAtATime>::default(),
            Box::<members_keep_quorum::MembersKeepQuorum>::default(),
            Box::<clock::AgreedTime>::default(),
            Box::<due::NothingOverdue>::default(),
            Box::<rules::RulesHold>::default(),
            Box::<requests::RequestsOnce>::default(),
            Box::<replay::StateIsReplay>::default(),
        ],
    }
}

impl Invariants {
    /// Without one of them: for scenarios that are about what it forbids.
    ///
    /// # Panics
    ///
    /// When there is none of that name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        let before = self.invariants.len();
        self.invariants.retain(|invariant| invariant.name() != name);
        assert_eq!(self.invariants.len() + 1, before, "no invariant is called {name}");
        self
    }

    /// Judges the newest observation.
    ///
    /// # Errors
    ///
    /// What is violated first.
    pub fn check(&mut self, seen: &Observation) -> Result<(), Violation> {
        let violation = |invariant, says| Violation { invariant, at: seen.at, says };
        self.logs.observe(seen).map_err(|says| violation("observation", says))?;
        self.committed.observe(seen, &self.logs);
        self.memberships.observe(&self.committed).map_err(|says| violation("observation", says))?;
        let (logs, committed, memberships) = (&self.logs, &self.committed, &self.memberships);
        let scene = Scene { seen, logs, committed, memberships };
        for invariant in &mut self.invariants {
            let name = invariant.name();
            *self.checks.entry(name).or_default() += 1;
            invariant.check(&scene).map_err(|says| violation(name, says))?;
        }
        Ok(())
    }

    /// How often each was checked.
    #[must_use]
    pub fn checks(&self) -> &BTreeMap<&'static str, u64> {
        &self.checks
    }

    /// The members, as far as is known to be committed.
    #[must_use]
    pub fn memberships(&self) -> &Memberships {
        &self.memberships
    }

    /// The committed log, for whoever replays it.
    #[must_use]
    pub fn committed(&self) -> &Committed {
        &self.committed
    }
}

impl fmt::Debug for Invariants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invariants").field("checks", &self.checks).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::invariants::testing::observations;

    #[test]
    fn every_invariant_is_asked_every_time_under_a_name_of_its_own() {
        let mut invariants = all();
        let names: BTreeSet<&str> = invariants.invariants.iter().map(|invariant| invariant.name()).collect();
        assert_eq!(names.len(), invariants.invariants.len());
        for seen in observations("node:1 follows\nnode:1 term=2") {
            invariants.check(&seen).unwrap();
        }
        assert!(names.iter().all(|name| invariants.checks()[name] == 2));
    }

    #[test]
    fn a_violation_says_who_found_it_and_when() {
        let seen = observations("at=1500 node:1 log=1.1.0:a | node:2 log=1.1.0:b");
        let violation = all().check(&seen[0]).unwrap_err();
        let says = "log matching at 1.500 s: entry 1.1.0 is not the same in nodes 1 and 2";
        assert_eq!(violation.to_string(), says);
        all().without("log matching").check(&seen[0]).unwrap();
    }
}
