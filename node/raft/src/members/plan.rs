//! What to do next about the members: decided from what the leader sees, and nothing else. What is wanted of each member
//! stands beside it in the membership itself, so whoever leads next goes on where the last one stopped.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::VOTERS_MAX;
use super::goal::{Goal, Refusal, Wish};

/// A node that lacks no more entries than this has caught up.
pub(super) const LAG_MAX: u64 = 200;

/// Steps of any plan; the longest has seven.
const STEPS_MAX: usize = 10;

/// The members as the leader sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) leader: u64,
    /// A change of voters was begun and not finished.
    pub(super) is_joint: bool,
    /// Who votes, or will when that is finished.
    pub(super) voters: BTreeSet<u64>,
    pub(super) members: BTreeMap<u64, Wish>,
    /// Who is there, the leader included, and how many entries of the log each lacks.
    pub(super) lags: BTreeMap<u64, u64>,
}

/// One step: one change of the membership, or one hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Leave the joint configuration.
    Finish,
    /// Note what is wanted of a member.
    Mark { node: u64, wish: Wish },
    /// Hand leadership over.
    Transfer { to: u64 },
    /// Make a learner a voter.
    Promote { node: u64 },
    /// Make a voter a learner.
    Demote { node: u64 },
    /// Make a learner a voter and a voter a learner, at once.
    Swap { node: u64, by: u64 },
    /// Strike a learner off the list.
    Forget { node: u64 },
    /// Somebody must join: nothing that a leader can do.
    Await { node: u64 },
}

/// What can be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    Step(Step),
    /// A successor is to come.
    Newcomer {
        node: u64,
    },
    /// It would be refused as things are.
    Blocked(Refusal),
}

/// What the leader does of its own accord: whatever was begun is finished, and whoever has caught up votes.
pub(super) fn next(seen: &Seen) -> Next {
    if seen.is_joint {
        return Next::Step(Step::Finish);
    }
    // Elected while it stopped voting: it must not lead on, least of all to its own removal.
    if !seen.voters.contains(&seen.leader)
        && let Ok(to) = best_successor(seen)
    {
        return Next::Step(Step::Transfer { to });
    }
    let about = seen.members.keys().map(|node| next_about(seen, *node));
    // Who leaves goes first: a place that gets free may be what another one waits for.
    let mut waits = Next::Nothing;
    let mut promotes = None;
    for next in about {
        match next {
            Next::Step(Step::Promote { node }) => promotes = promotes.or(Some(node)),
            Next::Step(step) => return Next::Step(step),
            Next::Newcomer { .. } | Next::Blocked(_) => waits = next,
            Next::Nothing => (),
        }
    }
    promotes.map_or(waits, |node| Next::Step(Step::Promote { node }))
}

/// What can be done about one member.
fn next_about(seen: &Seen, node: u64) -> Next {
    let Some(wish) = seen.members.get(&node) else { return Next::Nothing };
    match (seen.voters.contains(&node), wish) {
        (true, Wish::Votes) | (false, Wish::Learns) => Next::Nothing,
        (false, Wish::Votes) => match may_promote(seen, node) {
            Ok(()) => Next::Step(Step::Promote { node }),
            Err(_) => Next::Nothing,
        },
        (false, Wish::Removed | Wish::Replaced { .. }) => led_away(seen, node, || Ok(Step::Forget { node })),
        (true, Wish::Learns | Wish::Removed) => led_away(seen, node, || {
            survives(seen, without(seen, node))?;
            Ok(Step::Demote { node })
        }),
        // Who was to come has gone himself, or is going: then whoever comes will do.
        (true, Wish::Replaced { by: Some(by) }) if !stays(seen, *by) => {
            Next::Step(Step::Mark { node, wish: Wish::Replaced { by: None } })
        }
        (true, Wish::Replaced { by }) => match successor_of(seen, node, *by) {
            None => Next::Newcomer { node },
            Some(by) => led_away(seen, node, || {
                let mut voters = without(seen, node);
                voters.insert(by);
                survives(seen, voters)?;
                Ok(match seen.voters.contains(&by) {
                    true => Step::Demote { node },
                    false => Step::Swap { node, by },
                })
            }),
        },
    }
}

/// The step, or first the hand-over of leadership if the node has it. Nothing is handed over for a step that would be
/// refused.
fn led_away(seen: &Seen, node: u64, step: impl FnOnce() -> Result<Step, Refusal>) -> Next {
    match step() {
        Err(refusal) => Next::Blocked(refusal),
        Ok(step) if seen.leader != node => Next::Step(step),
        Ok(_) => match best_successor(seen) {
            Ok(to) => Next::Step(Step::Transfer { to }),
            Err(refusal) => Next::Blocked(refusal),
        },
    }
}

/// The steps to a goal, as things are; none if it is reached.
pub(super) fn plan(seen: &Seen, goal: Goal) -> Result<Vec<Step>, Refusal> {
    let node = match goal {
        Goal::Transfer { to } => return plan_transfer(seen, to),
        Goal::Remove { node }
        | Goal::Promote { node }
        | Goal::Replace { node, .. }
        | Goal::Drain { node } => node,
    };
    let wish = *seen.members.get(&node).ok_or(Refusal::UnknownNode(node))?;
    let (mut seen, mut steps) = (seen.clone(), Vec::new());
    if seen.is_joint {
        push(&mut seen, &mut steps, Step::Finish);
    }
    let is_voter = seen.voters.contains(&node);
    let wanted = match goal {
        Goal::Promote { .. } if is_voter => Wish::Votes,
        Goal::Promote { .. } => {
            may_promote(&seen, node)?;
            steps.push(Step::Promote { node });
            return Ok(steps);
        }
        Goal::Drain { .. } => Wish::Learns,
        Goal::Remove { .. } => Wish::Removed,
        Goal::Replace { by, .. } => wish_to_replace(&seen, node, by)?,
        Goal::Transfer { .. } => wish,
    };
    if wanted != Wish::Votes {
        alone(&seen, node)?;
    }
    // A learner that is to go needs no mark: it is gone in one step.
    let goes = matches!(wanted, Wish::Removed | Wish::Replaced { .. });
    let goes_at_once = goes && !is_voter && seen.leader != node;
    match (wish == wanted, goes_at_once) {
        (true, _) => (),
        (false, true) => return Ok([steps, vec![Step::Forget { node }]].concat()),
        (false, false) => push(&mut seen, &mut steps, Step::Mark { node, wish: wanted }),
    }
    while steps.len() < STEPS_MAX {
        match next_about(&seen, node) {
            Next::Nothing => break,
            Next::Step(step) => push(&mut seen, &mut steps, step),
            Next::Newcomer { node } => {
                steps.push(Step::Await { node });
                break;
            }
            Next::Blocked(refusal) => return Err(refusal),
        }
    }
    Ok(steps)
}

fn push(seen: &mut Seen, steps: &mut Vec<Step>, step: Step) {
    seen.take(step);
    steps.push(step);
}

fn plan_transfer(seen: &Seen, to: Option<u64>) -> Result<Vec<Step>, Refusal> {
    let to = match to {
        None => best_successor(seen)?,
        Some(to) => {
            let wish = seen.members.get(&to).ok_or(Refusal::UnknownNode(to))?;
            if to == seen.leader {
                return Err(Refusal::AlreadyLeads(to));
            }
            if !seen.voters.contains(&to) {
                return Err(Refusal::NotAVoter(to));
            }
            if *wish != Wish::Votes {
                return Err(Refusal::Leaves(to));
            }
            has_caught_up(seen, to)?;
            to
        }
    };
    Ok(vec![Step::Transfer { to }])
}

/// Whom an operator means by the successor of a node.
fn wish_to_replace(seen: &Seen, node: u64, by: Option<u64>) -> Result<Wish, Refusal> {
    if let Some(by) = by {
        let cannot = |why| Refusal::CannotReplace { node, by, why };
        let wish = seen.members.get(&by).ok_or(cannot("it is no member"))?;
        if by == node {
            return Err(cannot("it is the same"));
        }
        if !matches!(wish, Wish::Votes | Wish::Learns) {
            return Err(Refusal::Leaves(by));
        }
        has_caught_up(seen, by)?;
        return Ok(Wish::Replaced { by: Some(by) });
    }
    // With an even number of voters the dead one's successor has been promoted already.
    let is_silent = !seen.lags.contains_key(&node);
    let is_taken = is_silent && seen.voters.len().is_multiple_of(2);
    Ok(match is_taken && successor_of(seen, node, None).is_none() {
        true => Wish::Removed,
        false => Wish::Replaced { by: None },
    })
}

/// One goes at a time.
fn alone(seen: &Seen, node: u64) -> Result<(), Refusal> {
    let is_on_the_move =
        |other: &u64| matches!(next_about(seen, *other), Next::Step(step) if !is_promotion(step));
    match seen.members.keys().find(|other| **other != node && is_on_the_move(other)) {
        Some(other) => Err(Refusal::UnderWay(*other)),
        None => Ok(()),
    }
}

fn is_promotion(step: Step) -> bool {
    matches!(step, Step::Promote { .. })
}

fn may_promote(seen: &Seen, node: u64) -> Result<(), Refusal> {
    if seen.voters.len() >= VOTERS_MAX {
        return Err(Refusal::VotersFull { voters: seen.voters.len() });
    }
    has_caught_up(seen, node)?;
    let mut voters = seen.voters.clone();
    voters.insert(node);
    survives(seen, voters)
}

fn has_caught_up(seen: &Seen, node: u64) -> Result<(), Refusal> {
    match seen.lags.get(&node) {
        None => Err(Refusal::Silent(node)),
        Some(lag) if *lag > LAG_MAX => Err(Refusal::Lags { node, lag: *lag }),
        Some(_) => Ok(()),
    }
}

/// Whether a node is a member and not on its way out.
fn stays(seen: &Seen, node: u64) -> bool {
    matches!(seen.members.get(&node), Some(Wish::Votes | Wish::Learns))
}

/// Who can take the place of a node now.
fn successor_of(seen: &Seen, node: u64, by: Option<u64>) -> Option<u64> {
    let can = |other: &u64| has_caught_up(seen, *other).is_ok();
    match by {
        Some(by) => Some(by).filter(|by| *by != node && stays(seen, *by) && can(by)),
        None => {
            let learners = seen.members.iter().filter(|(other, _)| !seen.voters.contains(other));
            let mut willing = learners.filter(|(_, wish)| **wish == Wish::Votes).map(|(other, _)| *other);
            willing.find(|other| *other != node && can(other))
        }
    }
}

/// Who will be able to take the place of a node when he has caught up, and what he lacks.
pub(super) fn candidate(seen: &Seen, node: u64) -> Option<(u64, u64)> {
    let by = match seen.members.get(&node) {
        Some(Wish::Replaced { by }) => *by,
        Some(Wish::Votes | Wish::Learns | Wish::Removed) | None => None,
    };
    let is_willing = |other: u64| {
        let learns = !seen.voters.contains(&other) && seen.members.get(&other) == Some(&Wish::Votes);
        other != node && by.map_or(learns, |by| other == by)
    };
    seen.lags.iter().find(|(other, _)| is_willing(**other)).map(|(other, lag)| (*other, *lag))
}

/// Who can lead best instead of the leader.
fn best_successor(seen: &Seen) -> Result<u64, Refusal> {
    let may_lead = |node: &&u64| **node != seen.leader && seen.members.get(node) == Some(&Wish::Votes);
    let ready = seen.voters.iter().filter(may_lead).filter(|node| has_caught_up(seen, **node).is_ok());
    let best = ready.min_by_key(|node| seen.lags.get(node));
    best.copied().ok_or(Refusal::NoSuccessor(seen.leader))
}

fn without(seen: &Seen, node: u64) -> BTreeSet<u64> {
    seen.voters.iter().filter(|voter| **voter != node).copied().collect()
}

/// Whether a majority of these voters is there.
fn survives(seen: &Seen, voters: BTreeSet<u64>) -> Result<(), Refusal> {
    if voters.is_empty() {
        return Err(Refusal::LastVoter(seen.voters.first().copied().unwrap_or(seen.leader)));
    }
    let silent: Vec<u64> = voters.iter().filter(|voter| !seen.lags.contains_key(voter)).copied().collect();
    match 2 * (voters.len() - silent.len()) > voters.len() {
        true => Ok(()),
        false => Err(Refusal::WouldLoseQuorum { voters: voters.into_iter().collect(), silent }),
    }
}

impl Seen {
    /// What will be seen after a step.
    fn take(&mut self, step: Step) {
        match step {
            Step::Finish => self.is_joint = false,
            Step::Mark { node, wish } => drop(self.members.insert(node, wish)),
            Step::Transfer { to } => self.leader = to,
            Step::Promote { node } => {
                self.voters.insert(node);
                self.members.insert(node, Wish::Votes);
            }
            Step::Demote { node } => drop(self.voters.remove(&node)),
            Step::Swap { node, by } => {
                self.voters.remove(&node);
                self.voters.insert(by);
                self.members.insert(by, Wish::Votes);
            }
            Step::Forget { node } => drop(self.members.remove(&node)),
            Step::Await { .. } => (),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finish => write!(f, "finish the change of voters that was begun"),
            Self::Mark { node, wish: Wish::Votes } => write!(f, "note that node {node} is to vote"),
            Self::Mark { node, wish: Wish::Learns } => write!(f, "note that node {node} is not to vote"),
            Self::Mark { node, wish: Wish::Removed } => write!(f, "note that node {node} is to be removed"),
            Self::Mark { node, wish: Wish::Replaced { by: None } } => {
                write!(f, "note that node {node} is to be replaced")
            }
            Self::Mark { node, wish: Wish::Replaced { by: Some(by) } } => {
                write!(f, "note that node {node} is to be replaced by node {by}")
            }
            Self::Transfer { to } => write!(f, "hand leadership to node {to}"),
            Self::Promote { node } => write!(f, "make node {node} a voter"),
            Self::Demote { node } => write!(f, "make node {node} a learner"),
            Self::Swap { node, by } => write!(f, "make node {by} a voter in the place of node {node}"),
            Self::Forget { node } => write!(f, "remove node {node} from the members"),
            Self::Await { node } => {
                write!(f, "wait for a new node to take the place of node {node}, then remove node {node}")
            }
        }
    }
}
