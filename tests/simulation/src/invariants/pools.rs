//! INV-2: in every state of every node available, held and confirmed places add up to what there is.

use super::{Invariant, Scene};

#[derive(Default)]
pub(super) struct PoolsAddUp;

impl Invariant for PoolsAddUp {
    fn name(&self) -> &'static str {
        "pools add up (INV-2)"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        for (node, _, running) in scene.seen.running() {
            let wrong = running.state.pools.iter().find(|(_, counts)| !counts.adds_up());
            if let Some((pool, counts)) = wrong {
                return Err(format!("in node {node} {pool} does not add up: {counts:?}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::PoolsAddUp;
    use crate::invariants::testing;

    #[test]
    fn a_pool_that_does_not_add_up_is_found() {
        testing::check(
            &mut PoolsAddUp,
            "
            node:1 pool=1:3,1,0,2 pool=2:5,5,0,0 | node:2 pool=1:3,3,0,0
            node:2 pool=2:5,4,1,1
            ",
            &expect![
                "2: in node 2 pool:2 does not add up: PoolCounts { capacity: 5, available: 4, held: 1, confirmed: 1, sold_out_at: None }"
            ],
        );
    }
}
