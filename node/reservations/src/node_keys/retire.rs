//! Retires keys.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::node_keys::{KEY_AFTERLIFE_DURATION, NodeKey, RetiredNodeKey};
use crate::outcome::{Halt, Outcome};
use crate::rows::ReadTyped as _;

/// Retires keys, by node and generation: of nodes that are no members any more, or that have another one. Internal:
/// proposed by the leader. Who is retired stays so, since when he first was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetireNodeKeys {
    /// Which.
    pub keys: Vec<(u64, u32)>,
}

impl RetireNodeKeys {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.only_internal()?;
        let mut retired = 0u32;
        for id in &self.keys {
            let is_new =
                context.row::<NodeKey>(*id).is_some() && context.row::<RetiredNodeKey>(*id).is_none();
            if is_new {
                let (retired_at, expires_at) = (context.now, context.now.plus(KEY_AFTERLIFE_DURATION));
                context.put(*id, RetiredNodeKey { retired_at, expires_at });
                retired = retired.saturating_add(1);
            }
        }
        Ok(Outcome::NodeKeysRetired(retired))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Stage;
    use crate::{Command, Principal, RegisterNodeKey, Rejection, Timestamp, valid_node_key};

    fn submit(stage: &mut Stage, at: u64, command: Command) -> Outcome {
        stage.submit(at, Principal::Internal, None, command).outcome
    }

    fn register(node: u64, generation: u32) -> Command {
        let public_key = [u8::try_from(node).unwrap(); 32];
        Command::RegisterNodeKey(RegisterNodeKey { node, generation, public_key })
    }

    fn retire(keys: &[(u64, u32)]) -> Command {
        Command::RetireNodeKeys(RetireNodeKeys { keys: keys.to_vec() })
    }

    #[test]
    fn a_retired_key_is_taken_until_what_it_signed_has_expired() {
        let mut stage = Stage::new();
        submit(&mut stage, 10, register(5, 1));
        submit(&mut stage, 10, register(5, 2));
        let unknown = (9, 1);
        let retired = submit(&mut stage, 1_000, retire(&[(5, 1), unknown, (5, 1)]));
        assert_eq!(retired, Outcome::NodeKeysRetired(1));
        let last = 1_000 + KEY_AFTERLIFE_DURATION.0;
        let key = |stage: &Stage, generation, now| {
            let key = valid_node_key(stage.state.rows(), 5, generation, Timestamp(now));
            key.map(|key| key.public_key)
        };
        assert_eq!(key(&stage, 1, last - 1), Some([5; 32]));
        assert_eq!(key(&stage, 1, last), None);
        assert_eq!(key(&stage, 2, last), Some([5; 32]), "the other key of the node is in use");
        // Proposed again by the next leader, or published again by the node.
        assert_eq!(submit(&mut stage, 5_000, retire(&[(5, 1)])), Outcome::NodeKeysRetired(0));
        submit(&mut stage, 6_000, register(5, 1));
        assert_eq!(key(&stage, 1, last), None);
    }

    #[test]
    fn what_is_dated_after_the_retirement_of_its_key_is_not_believed() {
        let mut stage = Stage::new();
        submit(&mut stage, 10, register(5, 1));
        let was_in_use_at = |stage: &Stage, at| {
            let key = valid_node_key(stage.state.rows(), 5, 1, Timestamp(1_000)).unwrap();
            key.was_in_use_at(Timestamp(at))
        };
        assert!(was_in_use_at(&stage, u64::MAX), "a key that is not retired");
        submit(&mut stage, 1_000, retire(&[(5, 1)]));
        assert!(was_in_use_at(&stage, 1_000) && was_in_use_at(&stage, 6_000));
        assert!(!was_in_use_at(&stage, 6_001));
    }

    #[test]
    fn nobody_but_the_cluster_retires_keys() {
        let mut stage = Stage::new();
        submit(&mut stage, 10, register(5, 1));
        let operator = crate::transcript::principal("olga");
        let asked = stage.submit(20, operator, None, retire(&[(5, 1)])).outcome;
        assert_eq!(asked, Outcome::Rejected(Rejection::Forbidden));
    }
}
