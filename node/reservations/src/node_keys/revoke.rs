//! Revokes a key that somebody else may have.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::due::DueKind;
use crate::ids::BookingId;
use crate::node_keys::{CodeSweep, NodeKey, NodeKeyId, RevokedNodeKey};
use crate::outcome::{Halt, Outcome, Rejection};
use crate::principal::Role;
use crate::rows::{Key, ReadTyped as _};

/// Revokes a key: whatever it has signed is void at once, and bookings whose codes it signed get others. Operators only.
/// Who is revoked stays so, since when he first was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeNodeKey {
    /// Which.
    pub key: NodeKeyId,
}

impl RevokeNodeKey {
    pub(crate) fn apply(self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor_who(Role::operates)?;
        let NodeKeyId { node, generation } = self.key;
        if context.row::<NodeKey>((node, generation)).is_none() {
            return Err(Rejection::NodeKeyNotFound(self.key).into());
        }
        if let Some(revoked) = context.row::<RevokedNodeKey>(self.key) {
            return Ok(Outcome::NodeKeyRevoked(self.key, *revoked));
        }
        let sweep = CodeSweep::Sweeping { behind: BookingId(0) };
        let revoked = RevokedNodeKey { revoked_at: context.now, revoked_by: actor.user, sweep };
        context.put(self.key, revoked);
        context.index(Key::Due(context.now, DueKind::NodeKeyRevoked, node));
        Ok(Outcome::NodeKeyRevoked(self.key, revoked))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::expect;

    use crate::transcript::{Stage, check};
    use crate::{IssuedCode, ReadTyped as _, Timestamp, valid_node_key};

    #[test]
    fn what_a_revoked_key_has_signed_is_void_at_once_and_bookings_get_other_codes() {
        check(
            "
            at 0 adopt
            at 0 node publishes key:5-1
            at 0 node publishes key:5-2
            at 0 node publishes key:6-1
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
            at 1 mia books slot:1
            at 1 tom books slot:1
            at 1 mia books slot:1
            at 2 mia asks for code booking:1 signer=5-1
            at 2 tom asks for code booking:2 signer=6-1
            at 2 mia asks for code booking:3 signer=5-2
            at 3 sam revokes key:5-1
            at 3 olga revokes key:7-1
            at 3 olga revokes key:5-1
            at 3 olga revokes key:5-2
            at 4 olga revokes key:5-1
            at 5 tom asks for another code booking:2 signer=5-1
            at 1000 sam scans booking:1 code=1/5-1
            at 1000 tick
            at 1000 tick
            at 1001 sam scans booking:1 code=1/5-1
            at 1001 mia asks for code booking:1 signer=6-1
            at 1001 mia asks for code booking:3 signer=6-1
            at 1001 sam scans booking:1 code=2/6-1
            at 1001 sam scans booking:2 code=1/6-1
            ",
            &expect![[r#"
                adopt -> edition 2
                node publishes key:5-1 -> registered
                node publishes key:5-2 -> registered
                node publishes key:6-1 -> registered
                olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                tom books slot:1 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
                mia books slot:1 -> booking:3 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia asks for code booking:1 signer=5-1 -> booking:1 code=1 keys=5-1 since=2
                tom asks for code booking:2 signer=6-1 -> booking:2 code=1 keys=6-1 since=2
                mia asks for code booking:3 signer=5-2 -> booking:3 code=1 keys=5-2 since=2
                sam revokes key:5-1 -> forbidden
                olga revokes key:7-1 -> node_key_not_found key:7-1
                olga revokes key:5-1 -> key:5-1 revoked at=3 by=user:1
                olga revokes key:5-2 -> key:5-2 revoked at=3 by=user:1
                olga revokes key:5-1 -> key:5-1 revoked at=3 by=user:1
                tom asks for another code booking:2 signer=5-1 -> node_key_revoked key:5-1
                sam scans booking:1 code=1/5-1 -> code_revoked
                tick -> ticked 4 [booking.ready booking.ready booking.ready slot.started]
                tick -> ticked 1
                sam scans booking:1 code=1/5-1 -> code_revoked
                mia asks for code booking:1 signer=6-1 -> booking:1 code=2 keys=6-1 since=1000
                mia asks for code booking:3 signer=6-1 -> booking:3 code=2 keys=6-1 since=1000
                sam scans booking:1 code=2/6-1 -> booking:1 used slot:1 pool:1 user:3 count=1 version=3 [booking.used]
                sam scans booking:2 code=1/6-1 -> booking:2 used slot:1 pool:1 user:4 count=1 version=3 [booking.used]
            "#]],
        );
    }

    #[test]
    fn a_retired_key_counts_for_what_it_is_known_to_have_signed() {
        check(
            "
            at 0 adopt
            at 0 node publishes key:5-1
            at 0 node publishes key:6-1
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
            at 1 mia books slot:1
            at 1 tom books slot:1
            at 1 ann books slot:1
            at 2 mia asks for code booking:1 signer=5-1
            at 3 node retires key:5-1
            at 1000 sam scans booking:2 code=1/5-1
            at 1000 sam scans booking:1 code=1/5-1
            at 1000 sam scans booking:2 code=1/6-1
            at 1000 sam scans booking:3 code=2/6-1
            ",
            &expect![[r#"
                adopt -> edition 2
                node publishes key:5-1 -> registered
                node publishes key:6-1 -> registered
                olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                tom books slot:1 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
                ann books slot:1 -> booking:3 confirmed slot:1 pool:1 user:5 count=1 version=1 [booking.confirmed]
                mia asks for code booking:1 signer=5-1 -> booking:1 code=1 keys=5-1 since=2
                node retires key:5-1 -> retired 1
                sam scans booking:2 code=1/5-1 -> code_stale current=1
                sam scans booking:1 code=1/5-1 -> booking:1 used slot:1 pool:1 user:3 count=1 version=2 [booking.used]
                sam scans booking:2 code=1/6-1 -> booking:2 used slot:1 pool:1 user:4 count=1 version=2 [booking.used]
                sam scans booking:3 code=2/6-1 -> code_stale current=1
            "#]],
        );
    }

    #[test]
    fn nobody_takes_what_a_revoked_key_signs() {
        let mut stage = Stage::new();
        stage.run("at 0 node publishes key:5-1");
        let is_valid = |stage: &Stage| valid_node_key(stage.state.rows(), 5, 1, Timestamp(10)).is_some();
        assert!(is_valid(&stage));
        stage.run("at 9 olga revokes key:5-1");
        assert!(!is_valid(&stage));
    }

    #[test]
    fn many_codes_are_made_void_in_steps() {
        let mut stage = Stage::new();
        stage.run("at 0 node publishes key:5-1");
        stage.run("at 0 olga opens slot resource=1 from=100000 to=200000 capacity=1000");
        for id in 1..=300 {
            stage.run("at 1 mia books slot:1");
            stage.run(&format!("at 1 mia asks for code booking:{id} signer=5-1"));
        }
        stage.run("at 2 olga revokes key:5-1");
        let mut told = String::new();
        for _ in 0..4 {
            let rows = stage.state.rows();
            let code = |id| rows.row::<IssuedCode>(crate::BookingId(id)).unwrap();
            let void = (1..=300).filter(|id| code(*id).revision == 2).count();
            let ticked = stage.run("at 3 tick");
            writeln!(told, "{void} {ticked}").unwrap();
        }
        assert_eq!(stage.state.check_invariants(), Vec::<String>::new());
        expect![[r#"
            0 tick -> ticked 1
            128 tick -> ticked 1
            256 tick -> ticked 1
            300 tick -> ticked 0
        "#]]
        .assert_eq(&told);
    }
}
