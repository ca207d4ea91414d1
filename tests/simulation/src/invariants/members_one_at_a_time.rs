//! Members change one at a time: every membership shares a set of voters with the one before, no change brings or takes
//! more than one voter, nobody leaves who votes, and no id is ever given twice.

use std::collections::BTreeSet;

use holdfast_raft::VOTERS_MAX;

use super::memberships::Membership;
use super::{Invariant, Scene};
use crate::observation::NodeId;

#[derive(Default)]
pub(super) struct MembersOneAtATime;

impl Invariant for MembersOneAtATime {
    fn name(&self) -> &'static str {
        "members change one at a time"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        scene.memberships.news().try_for_each(|(before, now, gone)| {
            judge(before, now, gone).map_err(|says| format!("entry {}: {says}", now.at))
        })
    }
}

fn judge(before: &Membership, now: &Membership, gone: &BTreeSet<NodeId>) -> Result<(), String> {
    if !now.voters.iter().any(|set| before.voters.contains(set)) {
        return Err(format!("the voters are {:?}, right after {:?}", now.voters, before.voters));
    }
    if let [from, to] = &now.voters[..]
        && (from.difference(to).count() > 1 || to.difference(from).count() > 1)
    {
        return Err(format!("the voters {from:?} become {to:?} at once"));
    }
    for set in &now.voters {
        if set.is_empty() || set.len() > VOTERS_MAX {
            return Err(format!("the voters are {set:?}"));
        }
        if let Some(stranger) = set.iter().find(|node| !now.wishes.contains_key(node)) {
            return Err(format!("{stranger} votes and is no member"));
        }
    }
    if let Some(voter) = before.voters.iter().flatten().find(|node| !now.wishes.contains_key(node)) {
        return Err(format!("{voter} has left while it voted"));
    }
    for new in now.wishes.keys().filter(|node| !before.wishes.contains_key(node)) {
        if gone.contains(new) || *new <= before.at {
            return Err(format!("{new} comes after the membership of entry {}: an old id", before.at));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::memberships::testing::membership;
    use super::*;

    fn says(before: &str, now: &str) -> String {
        let gone = BTreeSet::from([25]);
        let judged = judge(&membership(20, before), &membership(30, now), &gone);
        judged.err().unwrap_or_default()
    }

    #[test]
    fn a_voter_comes_and_goes_by_two_entries() {
        for (before, now) in [
            ("1,2,3", "1,2,3 28"),
            ("1,2,3 4", "1,2,3/1,2,3,4"),
            ("1,2,3/1,2,3,4", "1,2,3,4"),
            ("1,2,3 4", "1,2,3/1,2,4"),
            ("1,2,3x", "1,2,3x/1,2 3x"),
            ("1,2 3x", "1,2"),
            ("1,2/1,2,3", "1,2 3"),
        ] {
            assert_eq!(says(before, now), "", "{before} -> {now}");
        }
    }

    #[test]
    fn everything_else_is_found() {
        for (before, now, expected) in [
            ("1,2,3 4", "1,2,3,4", "the voters are [{1, 2, 3, 4}], right after [{1, 2, 3}]"),
            ("1,2,3 4 5", "1,2,3/1,2,3,4,5", "the voters {1, 2, 3} become {1, 2, 3, 4, 5} at once"),
            ("1,2,3,4,5 6", "1,2,3,4,5/1,2,3,4,5,6", "the voters are {1, 2, 3, 4, 5, 6}"),
            ("1,2/1,2,3", "1,2", "3 has left while it voted"),
            ("1,2,3", "1,2,3 25", "25 comes after the membership of entry 20: an old id"),
            ("1,2,3", "1,2,3 19", "19 comes after the membership of entry 20: an old id"),
        ] {
            assert_eq!(says(before, now), expected, "{before} -> {now}");
        }
        let mut now = membership(30, "1,2,3");
        now.wishes.remove(&3);
        let judged = judge(&membership(20, "1,2,3"), &now, &BTreeSet::new());
        assert_eq!(judged.err().unwrap_or_default(), "3 votes and is no member");
    }
}
