//! How nodes end by themselves, and what is said of members that go: each with a reason, or it is a violation.

use std::sync::PoisonError;
use std::time::Duration;

use holdfast_raft::{ChangeError, Goal};

use super::World;
use crate::invariants::Violation;
use crate::node::Exit;

impl World {
    /// Takes in what was said to those who asked for changes.
    pub(super) fn hear_of_changes(&mut self, position: usize) {
        let plan = self.hosts[position].plan.clone();
        let told = std::mem::take(&mut *plan.told.lock().unwrap_or_else(PoisonError::into_inner));
        for (goal, told) in told {
            let answer = match &told {
                Ok(change) if change.is_done() => "changed".to_owned(),
                Ok(_) => "begun".to_owned(),
                Err(ChangeError::Refused { code, .. }) => format!("refused {}", code.as_str()),
                Err(ChangeError::Unavailable(_)) => "unavailable".to_owned(),
                Err(ChangeError::Unknown) => "unknown".to_owned(),
            };
            self.recorder.count(&self.trace, name_of(goal), &answer);
            if answer == "changed" {
                self.said_done.push(goal);
            }
        }
    }

    /// What is said to be done was done, whatever became of it since.
    pub(super) fn judge_said(&mut self) -> Result<(), Violation> {
        let said = std::mem::take(&mut self.said_done);
        match said.into_iter().find(|goal| !self.was_done(*goal)) {
            None => Ok(()),
            Some(goal) => {
                let says = format!("{goal} is done, they say, and it was not");
                Err(self.violation("changes of members are done when it is said", says))
            }
        }
    }

    fn was_done(&self, goal: Goal) -> bool {
        let memberships = self.invariants.memberships();
        match goal {
            Goal::Remove { node } | Goal::Replace { node, .. } => memberships.has_gone(node),
            Goal::Promote { node } => memberships.has_voted(node),
            Goal::Drain { node } => memberships.has_learnt(node),
            // Who leads may change at any time.
            Goal::Transfer { .. } => true,
        }
    }

    /// Judges that a node has ended by itself; whether it is to be started again.
    pub(super) fn judge_end(&mut self, position: usize, exit: Option<&Exit>) -> Result<bool, Violation> {
        let (id, has_left) = (self.id_of(position), self.has_left(position));
        let is_at_home = !self.swapped.contains(&position);
        let may_end = self.suspects.may_end(position, self.hosts[position].incarnation);
        let remembers = std::mem::replace(&mut self.hosts[position].was_told, false);
        match exit {
            Some(Exit::Removed(node)) => {
                if !self.invariants.memberships().has_gone(*node) {
                    let says = format!("node {node} was told that it was removed, and is a member");
                    return Err(self.violation("nobody is sent away without a reason", says));
                }
                if remembers && !may_end {
                    let says = format!("node {node} took part again after it was told that it was removed");
                    return Err(self.violation("who was removed remembers it", says));
                }
                // A disk that was at fault may not have taken it in.
                self.hosts[position].was_told = is_at_home && !may_end;
                Ok(true)
            }
            Some(Exit::Refused(says)) if is_at_home && (has_left || says.contains("was removed from")) => {
                // What the disk remembers was judged when its node was told, perhaps in another machine.
                let is_remembered = says.contains("as the file `removed`");
                if id.is_some() && !has_left && !is_remembered {
                    let says = format!("machine {position} is refused, and its node is a member: {says}");
                    return Err(self.violation("nobody is sent away without a reason", says));
                }
                self.hosts[position].is_gone = true;
                Ok(false)
            }
            Some(_) | None if may_end => Ok(true),
            Some(_) | None => {
                let says = format!("machine {position}, whose disk is well, ended by itself: {exit:?}");
                Err(self.violation("nobody ends without a reason", says))
            }
        }
    }

    fn violation(&self, invariant: &'static str, says: String) -> Violation {
        Violation { invariant, at: Duration::from_millis(self.time.now_ms()), says }
    }
}

fn name_of(goal: Goal) -> &'static str {
    match goal {
        Goal::Remove { .. } => "remove_node",
        Goal::Promote { .. } => "promote_node",
        Goal::Replace { .. } => "replace_node",
        Goal::Drain { .. } => "drain_node",
        Goal::Transfer { .. } => "transfer_leader",
    }
}
