//! No change of members is begun that would lose the quorum: whoever writes it has lately had a majority of the voters to
//! be up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use holdfast_raft::ProbedMembership;
use holdfast_storage::log::{LogId, Payload};

use super::{Invariant, Scene};
use crate::observation::{NodeId, Role};

/// A leader takes a node for present so long after it last heard from it, and what it heard may have been on its way for
/// some time.
const PRESENT_DURATION: Duration = Duration::from_millis(3500);

/// Who was up, and which changes were judged.
#[derive(Default)]
pub(super) struct MembersKeepQuorum {
    up_at: BTreeMap<NodeId, Duration>,
    /// A leader that stood still, or nearly so, goes on where it was, with what it knew then.
    still_at: BTreeMap<NodeId, Duration>,
    judged: BTreeSet<LogId>,
}

impl Invariant for MembersKeepQuorum {
    fn name(&self) -> &'static str {
        "members keep a quorum"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        let at = scene.seen.at;
        for (id, node, _) in scene.seen.running() {
            let last = if node.is_paused { &mut self.still_at } else { &mut self.up_at };
            last.insert(id, at);
            if node.crawls {
                // By its own clock it heard of the others a moment ago.
                self.still_at.insert(id, at);
            }
        }
        for (id, _, running) in scene.seen.running() {
            let was_still = self.still_at.get(&id).is_some_and(|still_at| at - *still_at < PRESENT_DURATION);
            if running.role != Role::Leader {
                continue;
            }
            // Its own: what it took over from another, that one has answered for.
            let own = running.log.entries.iter().filter(|entry| entry.id.node == id);
            for entry in own {
                let Payload::Membership(bytes) = &entry.payload else { continue };
                if !self.judged.insert(entry.id) || was_still {
                    continue;
                }
                let ProbedMembership { voters, .. } = ProbedMembership::decode(bytes)?;
                self.judge(&voters, at).map_err(|says| format!("entry {} of node {id}: {says}", entry.id))?;
            }
        }
        Ok(())
    }
}

impl MembersKeepQuorum {
    fn judge(&self, voters: &[BTreeSet<NodeId>], at: Duration) -> Result<(), String> {
        let [_, to_be] = voters else { return Ok(()) };
        let is_up = |node: &&NodeId| {
            self.up_at.get(node).is_some_and(|up_at| at.saturating_sub(*up_at) <= PRESENT_DURATION)
        };
        let up: Vec<&NodeId> = to_be.iter().filter(is_up).collect();
        match 2 * up.len() > to_be.len() {
            true => Ok(()),
            false => Err(format!("the voters are to be {to_be:?}, of whom lately only {up:?} were up")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(voters: &[&[NodeId]], up_at_ms: &[(NodeId, u64)]) -> String {
        let up_at = up_at_ms.iter().map(|(node, at)| (*node, Duration::from_millis(*at))).collect();
        let judge = MembersKeepQuorum { up_at, ..MembersKeepQuorum::default() };
        let voters: Vec<BTreeSet<NodeId>> = voters.iter().map(|set| set.iter().copied().collect()).collect();
        judge.judge(&voters, Duration::from_secs(10)).err().unwrap_or_default()
    }

    #[test]
    fn a_majority_of_those_who_are_to_vote_is_up() {
        let up = [(1, 10_000), (2, 9000), (3, 2000)];
        assert_eq!(says(&[&[1, 2, 3]], &[]), "", "the end of a change that was begun");
        assert_eq!(says(&[&[1, 2, 3], &[1, 2]], &up), "");
        assert_eq!(
            says(&[&[1, 2, 3], &[1, 3]], &up),
            "the voters are to be {1, 3}, of whom lately only [1] were up"
        );
    }
}
