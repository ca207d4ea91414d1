//! Stale reads: what a node has shown once it never goes back behind, not even over a restart.

use std::collections::BTreeMap;

use crate::history::NodeNumber;
use crate::violation::Violation;

/// A read that may show an older moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// Nanoseconds of one monotonic clock.
    pub invoked_at: u64,
    /// When the client had its answer.
    pub answered_at: u64,
    /// The node that was asked.
    pub node: NodeNumber,
    /// The log index that the answer reflects.
    pub index: u64,
}

/// Compares each answer of a node with those it had given before it was asked.
#[must_use]
pub fn check(glances: &[Glance]) -> Vec<Violation> {
    let mut by_node: BTreeMap<NodeNumber, Vec<Glance>> = BTreeMap::new();
    for glance in glances {
        by_node.entry(glance.node).or_default().push(*glance);
    }
    by_node.into_values().flat_map(going_back).collect()
}

fn going_back(mut asked: Vec<Glance>) -> Vec<Violation> {
    let mut answered = asked.clone();
    asked.sort_by_key(|glance| glance.invoked_at);
    answered.sort_by_key(|glance| glance.answered_at);
    let mut answered = answered.into_iter().peekable();
    let mut furthest = 0;
    let mut violations = Vec::new();
    for Glance { invoked_at, node, index, .. } in asked {
        while let Some(earlier) = answered.next_if(|earlier| earlier.answered_at < invoked_at) {
            furthest = furthest.max(earlier.index);
        }
        if index < furthest {
            let says = format!("node {node} showed index {index} after it had shown {furthest}");
            violations.push(Violation::new(says));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(glances: &[(u64, u64, NodeNumber, u64)]) -> Vec<String> {
        let glance = |(invoked_at, answered_at, node, index): &(u64, u64, NodeNumber, u64)| Glance {
            invoked_at: *invoked_at,
            answered_at: *answered_at,
            node: *node,
            index: *index,
        };
        check(&glances.iter().map(glance).collect::<Vec<_>>()).iter().map(Violation::to_string).collect()
    }

    #[test]
    fn a_node_may_be_behind_others_but_not_behind_itself() {
        assert!(says(&[(0, 1, 1, 10), (2, 3, 2, 5), (2, 5, 1, 10), (4, 6, 1, 12)]).is_empty());
        assert!(says(&[(0, 5, 1, 10), (4, 6, 1, 9)]).is_empty(), "they overlap");
        assert_eq!(says(&[(0, 1, 1, 10), (2, 3, 1, 9)]), ["node 1 showed index 9 after it had shown 10"]);
    }
}
