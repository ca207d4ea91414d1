//! INV-8: replicas that have applied the same entries hold the same.

use std::collections::BTreeMap;

use crate::history::NodeNumber;
use crate::violation::Violation;

/// What a node held at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Which node.
    pub node: NodeNumber,
    /// The last entry it had applied.
    pub applied: u64,
    /// The digest of all its rows then.
    pub digest: String,
}

/// Compares what nodes held whenever they had applied the same.
#[must_use]
pub fn check(replicas: &[Replica]) -> Vec<Violation> {
    let mut first: BTreeMap<u64, &Replica> = BTreeMap::new();
    let mut violations = Vec::new();
    for replica in replicas {
        let known = *first.entry(replica.applied).or_insert(replica);
        if known.digest != replica.digest {
            violations.push(Violation::new(format!(
                "after entry {} node {} holds {} and node {} holds {}",
                replica.applied, known.node, known.digest, replica.node, replica.digest
            )));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(replicas: &[(NodeNumber, u64, &str)]) -> Vec<String> {
        let replica = |(node, applied, digest): &(NodeNumber, u64, &str)| Replica {
            node: *node,
            applied: *applied,
            digest: (*digest).to_owned(),
        };
        check(&replicas.iter().map(replica).collect::<Vec<_>>()).iter().map(Violation::to_string).collect()
    }

    #[test]
    fn the_same_entries_make_the_same_rows() {
        assert!(says(&[(1, 5, "a"), (2, 6, "b"), (1, 6, "b"), (3, 5, "a")]).is_empty());
        assert_eq!(says(&[(1, 5, "a"), (2, 5, "b")]), ["after entry 5 node 1 holds a and node 2 holds b"]);
        assert_eq!(says(&[(1, 5, "a"), (1, 5, "b")]), ["after entry 5 node 1 holds a and node 1 holds b"]);
    }
}
