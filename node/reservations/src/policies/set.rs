//! Decides something for a scope.

use serde::{Deserialize, Serialize};

use super::{Policy, PolicyField, Scope};
use crate::context::Context;
use crate::day;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::pools::PoolCounts;
use crate::principal::Role;
use crate::resources::Resource;
use crate::rows::ReadTyped as _;
use crate::slots::Slot;
use crate::venues::Venue;

/// Sets fields of a policy; what is not named stays. Operators only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPolicy {
    /// For what.
    pub scope: Scope,
    /// Each with its value; `None` inherits it from now on.
    pub fields: Vec<(PolicyField, Option<u64>)>,
}

impl SetPolicy {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.actor_who(Role::operates)?;
        expect_known(context, self.scope)?;
        write(context, self.scope, &self.fields);
        if self.fields.iter().any(|(field, _)| field.moves_days()) {
            day::plan_again(context, self.scope);
        }
        let policy = context.row::<Policy>(self.scope).map(|policy| (*policy).clone());
        Ok(Outcome::Policy(self.scope, policy.unwrap_or_default()))
    }
}

/// Writes fields of a policy, and that of the cluster, which says that there are policies.
pub(crate) fn write(context: &mut Context<'_>, scope: Scope, fields: &[(PolicyField, Option<u64>)]) {
    if context.row::<Policy>(Scope::Cluster).is_none() {
        context.put(Scope::Cluster, Policy::default());
    }
    let mut policy = context.row::<Policy>(scope).map(|policy| (*policy).clone()).unwrap_or_default();
    for (field, value) in fields {
        match value {
            Some(value) => policy.fields.insert(*field, *value),
            None => policy.fields.remove(field),
        };
    }
    context.put(scope, policy);
}

fn expect_known(context: &Context<'_>, scope: Scope) -> Result<(), Rejection> {
    let (is_known, missing) = match scope {
        Scope::Cluster => return Ok(()),
        Scope::Venue(id) => (context.row::<Venue>(id).is_some(), Rejection::VenueNotFound(id)),
        Scope::Resource(id) => (context.row::<Resource>(id).is_some(), Rejection::ResourceNotFound(id)),
        Scope::Slot(id) => (context.row::<Slot>(id).is_some(), Rejection::SlotNotFound(Some(id))),
        Scope::Pool(id) => (context.row::<PoolCounts>(id).is_some(), Rejection::PoolNotFound(id)),
    };
    if is_known { Ok(()) } else { Err(missing) }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn the_nearest_policy_counts() {
        check(
            "
            at 0 olga opens slot resource=1 from=1000000 to=2000000 capacity=9
            at 0 mia holds slot:1
            at 0 olga sets policy cluster hold=5000
            at 0 mia holds slot:1
            at 0 olga sets policy pool:1 hold=1000
            at 0 olga sets policy resource:1 hold=3000
            at 0 mia holds slot:1
            at 0 olga sets policy pool:1 hold=inherit
            at 0 mia holds slot:1
            at 0 mia holds slot:1 for=700
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000000 to=2000000 capacity=9 -> slot:1 [slot.opened]
                mia holds slot:1 -> booking:1 held slot:1 pool:1 user:3 count=1 version=1 until=600000 [booking.held]
                olga sets policy cluster hold=5000 -> Cluster hold=5000
                mia holds slot:1 -> booking:2 held slot:1 pool:1 user:3 count=1 version=1 until=5000 [booking.held]
                olga sets policy pool:1 hold=1000 -> Pool(PoolId(1)) hold=1000
                olga sets policy resource:1 hold=3000 -> Resource(ResourceId(1)) hold=3000
                mia holds slot:1 -> booking:3 held slot:1 pool:1 user:3 count=1 version=1 until=1000 [booking.held]
                olga sets policy pool:1 hold=inherit -> Pool(PoolId(1)) 
                mia holds slot:1 -> booking:4 held slot:1 pool:1 user:3 count=1 version=1 until=3000 [booking.held]
                mia holds slot:1 for=700 -> booking:5 held slot:1 pool:1 user:3 count=1 version=1 until=700 [booking.held]
            "#]],
        );
    }

    #[test]
    fn only_operators_decide_and_only_for_what_is_there() {
        check(
            "
            at 0 mia sets policy cluster hold=5000
            at 0 olga sets policy venue:9 hold=5000
            at 0 olga sets policy resource:9 hold=5000
            at 0 olga sets policy slot:9 hold=5000
            at 0 olga sets policy pool:9 hold=5000
            at 0 olga sets policy venue:1 hold=5000 limit=2
            at 0 olga sets policy venue:1 limit=3
            ",
            &expect![[r#"
                mia sets policy cluster hold=5000 -> forbidden
                olga sets policy venue:9 hold=5000 -> venue_not_found venue:9
                olga sets policy resource:9 hold=5000 -> resource_not_found resource:9
                olga sets policy slot:9 hold=5000 -> slot_not_found slot:9
                olga sets policy pool:9 hold=5000 -> pool_not_found pool:9
                olga sets policy venue:1 hold=5000 limit=2 -> Venue(VenueId(1)) limit=2 hold=5000
                olga sets policy venue:1 limit=3 -> Venue(VenueId(1)) limit=3 hold=5000
            "#]],
        );
    }
}
