//! CONTRACT, Time: what is due does not stay undone under a leader that is in touch with a quorum, and agreed time never
//! stands still there.

use std::collections::BTreeMap;
use std::time::Duration;

use holdfast_reservations::Timestamp;
use holdfast_storage::log::LogId;

use super::{Invariant, Scene};
use crate::observation::{NodeId, Observation, Role, Running};

/// What is due may stay undone for so long, from when agreed time has reached it under one leader that is well.
const OVERDUE_DURATION_MAX: Duration = Duration::from_secs(3);

/// A leader is well while a quorum has acknowledged it no longer ago.
const ACKNOWLEDGED_DURATION_MAX: Duration = Duration::from_millis(500);

/// With slow disks a leader is well while it has committed something no longer ago.
const COMMITTED_DURATION_MAX: Duration = Duration::from_secs(1);

/// Since when each leader is well and has something overdue.
#[derive(Default)]
pub(super) struct NothingOverdue {
    tenures: BTreeMap<NodeId, Tenure>,
    /// What each node knows to be committed, and since when.
    committed: BTreeMap<NodeId, (Option<LogId>, Duration)>,
}

struct Tenure {
    term: u64,
    /// Agreed time, and when it was first seen.
    now: (Timestamp, Duration),
    overdue: Option<(Timestamp, Duration)>,
}

impl Invariant for NothingOverdue {
    fn name(&self) -> &'static str {
        "nothing overdue"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        let at = scene.seen.at;
        for (id, node) in &scene.seen.nodes {
            let committed = node.running.as_ref().and_then(|running| running.committed);
            let known = self.committed.entry(*id).or_insert((committed, at));
            if known.0 != committed {
                *known = (committed, at);
            }
            let commits = at.saturating_sub(known.1) <= COMMITTED_DURATION_MAX;
            let running = node.running.as_ref();
            let Some(running) = running.filter(|running| is_well(running, scene.seen, commits)) else {
                self.tenures.remove(id);
                continue;
            };
            let now = (running.state.now, at);
            let tenure = self.tenures.entry(*id).or_insert(Tenure { term: running.term, now, overdue: None });
            if tenure.term != running.term {
                *tenure = Tenure { term: running.term, now, overdue: None };
            }
            tenure.pass(running, at).map_err(|says| format!("node {id} {says}"))?;
        }
        Ok(())
    }
}

/// Whether a leader is in touch with a quorum and can have something committed, whatever its voters' disks do.
fn is_well(running: &Running, seen: &Observation, commits: bool) -> bool {
    let has_good_disk = |id: &NodeId| seen.nodes.get(id).is_none_or(|node| !node.has_slow_disk);
    running.role == Role::Leader
        && running.quorum_acked_ago.is_some_and(|ago| ago <= ACKNOWLEDGED_DURATION_MAX)
        && (commits || running.members.all_voters().iter().all(has_good_disk))
}

impl Tenure {
    fn pass(&mut self, running: &Running, at: Duration) -> Result<(), String> {
        if self.now.0 != running.state.now {
            self.now = (running.state.now, at);
        }
        // A stamp taken now would be at least this.
        let elapsed = at.saturating_sub(self.now.1).as_millis() as u64;
        let reached = Timestamp(self.now.0.0 + elapsed - elapsed / 100);
        let due_at = running.state.due_at.filter(|due_at| *due_at <= reached);
        self.overdue = match (due_at, self.overdue) {
            (None, _) => None,
            (Some(due_at), Some((known, since))) if known == due_at => Some((known, since)),
            (Some(due_at), _) => Some((due_at, at)),
        };
        match self.overdue.filter(|(_, since)| at.saturating_sub(*since) > OVERDUE_DURATION_MAX) {
            None => Ok(()),
            Some((due_at, since)) => Err(format!(
                "leads and is well, but what was due at {due_at} is undone {} ms after its time had come",
                at.saturating_sub(since).as_millis()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::NothingOverdue;
    use crate::invariants::testing;

    fn check(text: &str, expected: expect_test::Expect) {
        testing::check(&mut NothingOverdue::default(), text, &expected);
    }

    #[test]
    fn what_is_due_is_done_in_time() {
        check(
            "
            at=0    node:1 leads term=1 acked=10 now=1000 due=2000
            at=1100 node:1 acked=10
            at=4000 node:1 now=5000 due=9000
            at=5000 node:1 acked=10
            ",
            expect![""],
        );
    }

    #[test]
    fn what_stays_undone_is_found_though_time_stands_still() {
        check(
            "
            at=0    node:1 leads term=1 acked=10 now=1000 due=2000
            at=1100 node:1 acked=10
            at=4000 node:1 acked=10
            at=4101 node:1 acked=10
            ",
            expect![
                "4: node 1 leads and is well, but what was due at 2000ms is undone 3001 ms after its time had come"
            ],
        );
    }

    #[test]
    fn with_slow_disks_a_leader_has_an_excuse_unless_it_can_commit() {
        let stands_still = "
            at=0    node:1 leads term=1 acked=10 now=1000 due=1000 voters=1,2 | node:2 slow-disk
            at=1000 node:1 acked=10
            at=4001 node:1 acked=10
            ";
        check(stands_still, expect![""]);
        let commits = "
            at=0    node:1 leads term=1 acked=10 now=1000 due=1000 voters=1,2 log=1.1.0 committed=1.1.0 | node:2 slow-disk
            at=900  node:1 log=1.1.0,1.1.1 committed=1.1.1
            at=1800 node:1 log=1.1.0,1.1.1,1.1.2 committed=1.1.2
            at=2700 node:1 log=1.1.0,1.1.1,1.1.2,1.1.3 committed=1.1.3
            at=3600 node:1 acked=10
            ";
        check(
            commits,
            expect![
                "5: node 1 leads and is well, but what was due at 1000ms is undone 3600 ms after its time had come"
            ],
        );
    }

    #[test]
    fn a_leader_out_of_touch_has_an_excuse_and_so_has_a_new_one() {
        check(
            "
            at=0    node:1 leads term=1 acked=10 now=1000 due=1000
            at=2900 node:1 acked=700
            at=4000 node:1 acked=10
            at=6900 node:1 term=2
            at=9800 node:1 acked=20
            ",
            expect![""],
        );
    }
}
