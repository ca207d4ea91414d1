//! What operators do to the members: each verb by the controller that serves `/v1/cluster/...`, at any node, and leaders
//! that die in the middle of it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use holdfast_raft::{Goal, Wish};

use super::{Ends, Fault};
use crate::chance::Chance;
use crate::host::Loss;
use crate::observation::{Members, NodeId};
use crate::world::World;

pub struct Remove;
pub struct Promote;
pub struct Drain;
pub struct Replace;
pub struct Transfer;
pub struct LeaderLostInChange;

/// Clusters mostly keep so many voters.
const VOTERS_MIN: usize = 3;

/// What is asked for is noted by then, and a leader that is to die in the middle of it dies.
const CHANGE_MS: u64 = 4000;

impl Fault for Remove {
    fn name(&self) -> &'static str {
        "node removed"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let goal = goal_to_remove(world, chance)?;
        ask(world, goal, chance)
    }
}

impl Fault for Promote {
    fn name(&self) -> &'static str {
        "node promoted"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let node = some_learner(world, chance).or_else(|| some_voter(world, chance))?;
        ask(world, Goal::Promote { node }, chance)
    }
}

impl Fault for Drain {
    fn name(&self) -> &'static str {
        "node drained"
    }

    /// It is made a voter again, mostly.
    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let node =
            some_voter(world, chance).filter(|node| may_shrink(world, chance) && world.may_go(*node))?;
        let goal = Goal::Drain { node };
        let is_noted = noted(world, goal);
        if !world.ask_for(goal, chance) {
            return None;
        }
        let (for_ms, mut later) = (chance.between(300..=6000), chance.fork());
        let ends = Ends::after(for_ms, move |world| {
            if later.percent(70) {
                world.ask_for(Goal::Promote { node }, &mut later);
            }
        });
        Some(ends.counted_when(is_noted))
    }
}

impl Fault for Replace {
    fn name(&self) -> &'static str {
        "node replaced"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let goal = goal_to_replace(world, chance)?;
        let is_noted = noted(world, goal);
        if !world.ask_for(goal, chance) {
            return None;
        }
        let mut later = chance.fork();
        let ends = Ends::after(chance.between(0..=2500), move |world| {
            world.add_host(&mut later);
        });
        Some(ends.counted_when(is_noted))
    }
}

impl Fault for Transfer {
    fn name(&self) -> &'static str {
        "leader chosen"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let to = if chance.percent(50) { some_voter(world, chance) } else { None };
        ask(world, Goal::Transfer { to }, chance)
    }
}

impl Fault for LeaderLostInChange {
    fn name(&self) -> &'static str {
        "leader lost in a change"
    }

    /// Whoever leads dies a moment after it has noted the change, or after the step that follows, or the next.
    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let goal = match chance.between(0..=4) {
            0 | 1 => goal_to_remove(world, chance),
            2 | 3 => goal_to_replace(world, chance),
            _ => some_learner(world, chance).map(|node| Goal::Promote { node }),
        }?;
        if !world.ask_for(goal, chance) {
            return None;
        }
        if matches!(goal, Goal::Replace { .. }) && chance.percent(70) {
            world.add_host(chance);
        }
        let (steps, delay_ms) = (chance.between(0..=4), chance.between(0..=25));
        let loss = if chance.percent(50) { Loss::Power } else { Loss::Process };
        let (for_ms, seen) = (chance.between(50..=3000), RefCell::new(members_now(world)));
        let (left, strikes_at) = (Cell::new(steps), Cell::new((steps == 0).then_some(delay_ms)));
        let struck = Rc::new(Cell::new(None::<usize>));
        let (has_struck, to_restart) = (struck.clone(), struck.clone());
        let ends = Ends::after(CHANGE_MS + for_ms, move |world| {
            to_restart.get().into_iter().for_each(|position| world.hosts[position].start());
        });
        let ends = ends.counted_when(move |_| has_struck.get().is_some());
        Some(ends.with_beat(1, move |world, beat| {
            let now = members_now(world);
            if strikes_at.get().is_none() && now != *seen.borrow() {
                left.set(left.get() - 1);
                strikes_at.set((left.get() == 0).then_some(beat + delay_ms));
                *seen.borrow_mut() = now;
            }
            if strikes_at.get() == Some(beat)
                && let Some(leader) = world.leader()
            {
                world.hosts[leader].end(loss);
                struck.set(Some(leader));
            }
            if strikes_at.get().is_some_and(|at| at + for_ms == beat) {
                struck.get().into_iter().for_each(|position| world.hosts[position].start());
            }
        }))
    }
}

/// Asks for a change; it counts when it is noted.
fn ask(world: &mut World, goal: Goal, chance: &mut Chance) -> Option<Ends> {
    let is_noted = noted(world, goal);
    world.ask_for(goal, chance).then(|| Ends::after(CHANGE_MS, |_| ()).counted_when(is_noted))
}

/// Whether something has come of what was asked for just now.
fn noted(world: &World, goal: Goal) -> impl Fn(&mut World) -> bool + 'static {
    let (led, known_at) = (world.leader(), world.membership().map(|members| members.at));
    move |world| {
        let Some(members) = world.membership().filter(|members| Some(members.at) > known_at) else {
            return matches!(goal, Goal::Transfer { .. })
                && world.leader().is_some_and(|now| Some(now) != led);
        };
        let wish = |node| members.wishes.get(&node).copied();
        match goal {
            Goal::Remove { node } => matches!(wish(node), None | Some(Wish::Removed)),
            Goal::Replace { node, .. } => matches!(wish(node), None | Some(Wish::Replaced { .. })),
            Goal::Drain { node } => wish(node) == Some(Wish::Learns),
            Goal::Promote { node } => wish(node) == Some(Wish::Votes),
            Goal::Transfer { .. } => world.leader().is_some_and(|now| Some(now) != led),
        }
    }
}

/// The members as the leader knows them, and the newest that are agreed on.
fn members_now(world: &World) -> (Option<Members>, Option<u64>) {
    let leader = world.leader().and_then(|host| world.id_of(host));
    let running = leader.and_then(|id| world.seen.nodes.get(&id)?.running.as_ref());
    (running.map(|running| running.members.clone()), world.membership().map(|members| members.at))
}

fn voters(world: &World) -> BTreeSet<NodeId> {
    world.membership().map(|members| members.voters_to_be()).unwrap_or_default()
}

/// The leader now and then, else anybody.
fn some_voter(world: &World, chance: &mut Chance) -> Option<NodeId> {
    let voters: Vec<NodeId> = voters(world).into_iter().collect();
    let leader = world.leader().filter(|_| chance.percent(30)).and_then(|host| world.id_of(host));
    leader.or_else(|| (!voters.is_empty()).then(|| *chance.pick(&voters)))
}

fn some_learner(world: &World, chance: &mut Chance) -> Option<NodeId> {
    let voters = voters(world);
    let members = world.membership()?.wishes.keys();
    let learners: Vec<NodeId> = members.filter(|node| !voters.contains(node)).copied().collect();
    (!learners.is_empty()).then(|| *chance.pick(&learners))
}

/// Whether one voter fewer is still a cluster that is worth the name; seldom even less.
fn may_shrink(world: &World, chance: &mut Chance) -> bool {
    voters(world).len() > VOTERS_MIN || chance.percent(20)
}

fn goal_to_remove(world: &World, chance: &mut Chance) -> Option<Goal> {
    let voter = some_voter(world, chance).filter(|_| may_shrink(world, chance));
    let learner = some_learner(world, chance).filter(|_| voter.is_none() || chance.percent(20));
    let node = learner.or(voter).filter(|node| world.may_go(*node))?;
    Some(Goal::Remove { node })
}

/// A node whose disk is lost, if there is one.
fn goal_to_replace(world: &World, chance: &mut Chance) -> Option<Goal> {
    let voters = voters(world);
    let lost = world.lost.iter().filter_map(|host| world.id_of(*host)).find(|node| voters.contains(node));
    let lost = lost.filter(|_| chance.percent(80));
    let node = lost.or_else(|| some_voter(world, chance)).filter(|node| world.may_go(*node))?;
    let by = some_learner(world, chance).filter(|_| chance.percent(30));
    Some(Goal::Replace { node, by })
}
