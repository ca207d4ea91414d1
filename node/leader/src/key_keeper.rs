//! The keeper of keys: retires those of nodes that are no members any more, and those that a node has replaced.

use std::time::Duration;

use holdfast_raft::{KeyInMembership, ProposeError, Replica};
use holdfast_reservations::{
    Command, Key, NodeKey, Order, ReadRows as _, ReadTyped as _, RetireNodeKeys, RetiredNodeKey,
};
use tokio::time::Instant;

/// How often the keys are looked at: a change of members is rare, and nothing waits for this.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// A proposal that takes longer is given up and made again.
const PROPOSE_DURATION_MAX: Duration = Duration::from_secs(2);

/// Keys looked at, many more than a cluster has nodes and generations; and keys retired at once.
const KEYS_MAX: usize = 10_000;
const RETIRED_AT_ONCE_MAX: usize = 100;

/// A published key that is not retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Published {
    node: u64,
    generation: u32,
    public_key: [u8; 32],
}

/// Runs until it is dropped.
pub(crate) async fn run(replica: Replica) {
    loop {
        tokio::time::sleep(LOOK_INTERVAL).await;
        let Ok((published, _)) = replica.look(published) else { continue };
        let keys = to_retire(&published, &replica.member_keys());
        if keys.is_empty() {
            continue;
        }
        let command = Command::RetireNodeKeys(RetireNodeKeys { keys: keys.clone() });
        match replica.propose_internal(command, Instant::now() + PROPOSE_DURATION_MAX).await {
            Ok(_) => tracing::info!(?keys, "keys of nodes were retired"),
            Err(ProposeError::NotLeader | ProposeError::NoLeader) => (),
            Err(error) => tracing::debug!(%error, "keys of nodes were not retired"),
        }
    }
}

fn published(view: &holdfast_raft::View<'_>) -> Vec<Published> {
    let rows = view.scan(Key::NodeKey(0, 0)..Key::NodeKey(u64::MAX, 0), Order::Ascending, KEYS_MAX);
    let published = rows.into_iter().filter_map(|(key, _)| {
        let Key::NodeKey(node, generation) = key else { return None };
        let is_retired = view.row::<RetiredNodeKey>((node, generation)).is_some();
        let public_key = view.row::<NodeKey>((node, generation))?.public_key;
        (!is_retired).then_some(Published { node, generation, public_key })
    });
    published.collect()
}

/// A node that is gone never comes back under its id, and a key that was replaced is never used again. A key newer than
/// the one that the membership has is about to replace it.
fn to_retire(published: &[Published], members: &[KeyInMembership]) -> Vec<(u64, u32)> {
    // Without any member nothing is known yet.
    let is_known = !members.is_empty();
    let in_use = |node: u64| {
        let member = members.iter().find(|member| member.node == node)?;
        let key = published.iter().find(|key| key.node == node && key.public_key == member.public_key);
        Some(key.map_or(0, |key| key.generation))
    };
    let is_over = |key: &&Published| in_use(key.node).is_none_or(|in_use| key.generation < in_use);
    let over = published.iter().filter(|key| is_known && is_over(key));
    over.take(RETIRED_AT_ONCE_MAX).map(|key| (key.node, key.generation)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(node: u64, generation: u32) -> Published {
        Published { node, generation, public_key: of(node, generation) }
    }

    fn of(node: u64, generation: u32) -> [u8; 32] {
        [u8::try_from(node * 10 + u64::from(generation)).unwrap(); 32]
    }

    fn member(node: u64, generation: u32) -> KeyInMembership {
        KeyInMembership { node, public_key: of(node, generation) }
    }

    #[test]
    fn the_keys_of_those_who_are_gone_are_retired_and_those_that_were_replaced() {
        let published = [key(1, 1), key(2, 1), key(2, 2), key(3, 1), key(3, 2), key(4, 1)];
        let members = [member(1, 1), member(2, 1), member(3, 2)];
        assert_eq!(to_retire(&published, &members), [(3, 1), (4, 1)], "2 is about to replace its own");
        assert_eq!(to_retire(&published, &[]), []);
        // One that has just been let in has not published its key yet.
        assert_eq!(to_retire(&published[..1], &[member(1, 1), member(5, 1)]), []);
    }
}
