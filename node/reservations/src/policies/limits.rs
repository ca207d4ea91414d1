//! How many places one user may have of a resource, and how many he has.

use serde::{Deserialize, Serialize};

use super::{Chain, Dialect, Policy, PolicyField, Scope};
use crate::bookings::{self, Booking};
use crate::context::Context;
use crate::holds;
use crate::ids::{PoolId, ResourceId, SlotId, UserId};
use crate::outcome::{Contradiction, Halt, Rejection};
use crate::rows::{Key, Order, ReadRows, ReadTyped as _, Row};
use crate::slots::Slot;

/// Bookings read at once to count a user's places.
const PAGE: usize = 512;

/// Places a user has of a resource. Counted for those whom a limit has met, and kept from then on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPlaces(pub u32);

/// Refuses a user who would hold or have more places of a resource than he may: so many more, for some that he frees.
pub(crate) fn expect_within(
    context: &mut Context<'_>,
    user: UserId,
    (slot_id, slot, pool): (SlotId, &Slot, PoolId),
    more: u32,
    freed: u32,
) -> Result<(), Halt> {
    let Some(limit) = limit(context, (slot_id, slot, pool)) else { return Ok(()) };
    let counted = count(context, user, slot.resource);
    let lapsed = holds::lapsed_places(context, user, slot.resource);
    let has = counted.saturating_sub(lapsed);
    let wanted = u64::from(has).saturating_sub(u64::from(freed)).saturating_add(u64::from(more));
    if wanted <= limit { Ok(()) } else { Err(Rejection::LimitReached { limit, has: u64::from(has) }.into()) }
}

/// Whether fewer places may be had where a booking is to go than where it is.
pub(crate) fn is_stricter(context: &Context<'_>, old: &Booking, new: &Booking) -> bool {
    let limit = |booking: &Booking| {
        let slot = context.row::<Slot>(booking.slot)?;
        limit(context, (booking.slot, &slot, booking.pool))
    };
    (old.slot, old.pool) != (new.slot, new.pool)
        && limit(new).is_some_and(|new| limit(old).is_none_or(|old| new < old))
}

/// Counts a user's places before a command changes them, if a limit will ask for them. The count is kept though the
/// command be refused: counting again may be a long way.
pub(crate) fn begin_count(context: &mut Context<'_>, user: UserId, at: (SlotId, &Slot, PoolId)) {
    if limit(context, at).is_some() {
        count(context, user, at.1.resource);
    }
}

/// How many places one user may have there. Without any policy nothing more is read: every booking asks.
fn limit(context: &Context<'_>, (slot_id, slot, pool): (SlotId, &Slot, PoolId)) -> Option<u64> {
    context.row::<Policy>(Scope::Cluster)?;
    Chain::of_pool(context, pool, slot_id, slot).field(context, PolicyField::MaxPerUser)
}

/// Refuses a user who would hold more places of a resource at once than he may in a dialect.
pub(crate) fn expect_held_within(
    context: &Context<'_>,
    user: UserId,
    resource: ResourceId,
    dialect: Dialect,
    more: u32,
) -> Result<(), Halt> {
    let Some(limit) = super::held_max(context, dialect) else { return Ok(()) };
    let has = holds::live_places(context, user, resource, limit);
    let wanted = has.saturating_add(u64::from(more));
    if wanted <= limit { Ok(()) } else { Err(Rejection::LimitReached { limit, has }.into()) }
}

/// The places a user has of a resource, counted if they are not yet.
fn count(context: &mut Context<'_>, user: UserId, resource: ResourceId) -> u32 {
    if let Some(UserPlaces(known)) = kept(context, user, resource) {
        return known;
    }
    let counted = places_of(context, user, resource);
    context.note(Key::UserPlaces(user, resource), Row::UserPlaces(UserPlaces(counted)));
    counted
}

/// The places a user has of a resource, as his bookings say.
pub fn places_of(rows: &(impl ReadRows + ?Sized), user: UserId, resource: ResourceId) -> u32 {
    let mut counted = 0u32;
    let mut after = None;
    loop {
        let page = bookings::list(rows, bookings::Of::User(user), after, Order::Ascending, PAGE);
        let Some((last, _)) = page.last() else { return counted };
        after = Some(*last);
        let is_of_resource =
            |booking: &Booking| rows.row::<Slot>(booking.slot).is_some_and(|slot| slot.resource == resource);
        let with_places = page.iter().filter(|(_, booking)| booking.state.has_places());
        let counts =
            with_places.filter(|(_, booking)| is_of_resource(booking)).map(|(_, booking)| booking.count);
        counted = counts.fold(counted, u32::saturating_add);
    }
}

/// Keeps count of a user's places, if anybody asks for it.
pub(crate) fn change(
    context: &mut Context<'_>,
    user: UserId,
    resource: ResourceId,
    change: impl FnOnce(u32) -> Option<u32>,
) -> Result<(), Halt> {
    if context.row::<Policy>(Scope::Cluster).is_none() {
        // No policy was ever set, so nobody was ever counted.
        return Ok(());
    }
    let Some(UserPlaces(known)) = kept(context, user, resource) else { return Ok(()) };
    let changed = change(known).ok_or(Contradiction::Overflow)?;
    context.set(Key::UserPlaces(user, resource), Row::UserPlaces(UserPlaces(changed)));
    Ok(())
}

fn kept(rows: &impl ReadRows, user: UserId, resource: ResourceId) -> Option<UserPlaces> {
    match rows.get(&Key::UserPlaces(user, resource)) {
        Some(Row::UserPlaces(places)) => Some(places),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::rows::{Key, ReadRows as _};
    use crate::transcript::{Stage, check};
    use crate::{ResourceId, UserId};

    #[test]
    fn who_is_refused_is_counted_once() {
        let mut stage = Stage::new();
        stage.run("at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9");
        stage.run("at 0 mia books slot:1 count=2");
        stage.run("at 0 olga sets policy resource:1 limit=2");
        let key = Key::UserPlaces(UserId(3), ResourceId(1));
        assert_eq!(stage.state.rows().get(&key), None);
        assert_eq!(stage.run("at 0 mia books slot:1"), "mia books slot:1 -> limit_reached limit=2 has=2");
        assert!(stage.state.rows().get(&key).is_some(), "the next refusal need not count again");
        assert_eq!(stage.state.check_invariants(), Vec::<String>::new());
    }

    #[test]
    fn a_limit_of_a_pool_holds_for_those_who_move_there() {
        check(
            "
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
            at 0 olga opens slot resource=1 from=2000 to=3000 capacity=9
            at 0 olga sets policy pool:2 limit=2
            at 0 mia books slot:1 count=5
            at 0 mia changes booking:1 slot=2
            at 0 mia changes booking:1 slot=2 count=2
            at 0 mia changes booking:1 slot=1 count=5
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
                olga opens slot resource=1 from=2000 to=3000 capacity=9 -> slot:2 [slot.opened]
                olga sets policy pool:2 limit=2 -> Pool(PoolId(2)) limit=2
                mia books slot:1 count=5 -> booking:1 confirmed slot:1 pool:1 user:3 count=5 version=1 [booking.confirmed]
                mia changes booking:1 slot=2 -> limit_reached limit=2 has=5
                mia changes booking:1 slot=2 count=2 -> booking:1 confirmed slot:2 pool:2 user:3 count=2 version=2 [booking.changed]
                mia changes booking:1 slot=1 count=5 -> booking:1 confirmed slot:1 pool:1 user:3 count=5 version=3 [booking.changed]
            "#]],
        );
    }
}
