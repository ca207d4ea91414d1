//! Changes when a slot is, and how many seats it has.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::day;
use crate::due::DueKind;
use crate::event::{Event, SlotEvent};
use crate::holds;
use crate::ids::SlotId;
use crate::outcome::{Halt, MissingRow, Outcome, Rejection};
use crate::pools::PoolCounts;
use crate::rows::{Key, ReadTyped as _};
use crate::seats::{SeatPlan, Seats, map};
use crate::slots::{self, Pool, PoolKind, Slot, Window};

/// Changes a slot. Operators, and whoever the resource belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSlot {
    /// Which.
    pub slot: SlotId,
    /// When it is from now on.
    pub window: Option<Window>,
    /// The seats its first pool has from now on; only while nobody has any of them.
    pub seats: Option<SeatPlan>,
}

impl ChangeSlot {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let (slot, _) = slots::find_own(context, self.slot)?;
        if !slot.is_bookable_at(context.now) {
            return Err(Rejection::TooLate { ended_at: slot.window.ends_at() }.into());
        }
        let mut changed = (*slot).clone();
        if let Some(plan) = &self.seats {
            changed.pools = with_seats(context, self.slot, &slot, plan)?;
        }
        changed.window = self.window.unwrap_or(slot.window);
        if changed == *slot {
            return Ok(Outcome::Slots(vec![(self.slot, changed)]));
        }

        slots::expect_seats_fit(&changed.pools)?;
        let has_started = slots::has_started(context, self.slot, &slot);
        slots::forget(context, self.slot, &slot);
        slots::index(context, self.slot, &changed);
        if has_started && changed.window.starts_at() <= context.now {
            // It starts once.
            context.delete(Key::Due(changed.window.starts_at(), DueKind::SlotStarts, self.slot.0));
        }
        context.put(self.slot, changed.clone());
        day::plan(context, self.slot, &changed);
        context.emit(Event::Slot { kind: SlotEvent::Changed, slot: self.slot, resource: slot.resource });
        Ok(Outcome::Slots(vec![(self.slot, changed)]))
    }
}

/// The pools of a slot whose first one has other seats.
fn with_seats(
    context: &mut Context<'_>,
    id: SlotId,
    slot: &Slot,
    plan: &SeatPlan,
) -> Result<Vec<Pool>, Halt> {
    let Some((first, rest)) = slot.pools.split_first() else { return Ok(Vec::new()) };
    let before = context.row::<Seats>(first.id).ok_or(Rejection::NoSeats(first.id))?;
    if before.plan == *plan {
        return Ok(slot.pools.clone());
    }
    holds::end_lapsed(context, first.id, |_| false)?;
    let counts = context.expect_row::<PoolCounts>(first.id, MissingRow::Pool(first.id))?;
    if counts.available != counts.capacity || !map::is_untouched(context, first.id) {
        return Err(Rejection::HasBookings.into());
    }
    context.put(first.id, Seats { slot: id, plan: plan.clone() });
    context.put(first.id, PoolCounts::open(plan.count()));
    let mut pools = vec![Pool { kind: PoolKind::Seats { capacity: plan.count() }, ..first.clone() }];
    pools.extend_from_slice(rest);
    Ok(pools)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_slot_starts_once_and_has_not_more_seats_than_anybody_can_look_at() {
        check(
            "
            at 0 olga opens slot resource=1 from=100 to=200 capacity=1
            at 100 tick
            at 150 olga reschedules slot:1 from=100 to=300
            at 160 tick
            at 160 olga reschedules slot:1 from=170 to=300
            at 170 tick
            at 170 olga opens seats resource=1 from=1000 to=2000 count=100000
            at 170 olga adds pool to slot:2 count=1
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=1 -> slot:1 [slot.opened]
                tick -> ticked 1 [slot.started]
                olga reschedules slot:1 from=100 to=300 -> slot:1 [slot.changed]
                tick -> ticked 0
                olga reschedules slot:1 from=170 to=300 -> slot:1 [slot.changed]
                tick -> ticked 1 [slot.started]
                olga opens seats resource=1 from=1000 to=2000 count=100000 -> slot:2 [slot.opened]
                olga adds pool to slot:2 count=1 -> too_many_pools
            "#]],
        );
    }
}
