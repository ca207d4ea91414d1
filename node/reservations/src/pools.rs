//! What is left of a pool: three counts that always add up to its capacity.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::PoolId;
use crate::outcome::{Contradiction, Halt, MissingRow};
use crate::time::Timestamp;

/// The places of a counter pool, by what became of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolCounts {
    /// All places. Kept here too so that INV-2 is checked against one row.
    pub capacity: u32,
    /// Nobody's.
    pub available: u32,
    /// Taken until a deadline.
    pub held: u32,
    /// Taken; ready and used ones included.
    pub confirmed: u32,
    /// Since when none is available.
    pub sold_out_at: Option<Timestamp>,
}

impl PoolCounts {
    /// A pool nobody has booked.
    #[must_use]
    pub fn open(capacity: u32) -> Self {
        Self { capacity, available: capacity, held: 0, confirmed: 0, sold_out_at: None }
    }

    /// INV-2.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let taken = self.held.checked_add(self.confirmed);
        taken.and_then(|taken| taken.checked_add(self.available)) == Some(self.capacity)
    }
}

/// As what places are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Until a deadline.
    Held,
    /// For good.
    Confirmed,
}

impl Taken {
    fn count(self, counts: &mut PoolCounts) -> &mut u32 {
        match self {
            Self::Held => &mut counts.held,
            Self::Confirmed => &mut counts.confirmed,
        }
    }
}

/// Takes places that are available.
pub(crate) fn take(context: &mut Context<'_>, pool: PoolId, taken: Taken, count: u32) -> Result<(), Halt> {
    change(context, pool, |counts| {
        counts.available = counts.available.checked_sub(count)?;
        let sum = taken.count(counts);
        *sum = sum.checked_add(count)?;
        Some(())
    })
}

/// Gives taken places back.
pub(crate) fn give_back(
    context: &mut Context<'_>,
    pool: PoolId,
    taken: Taken,
    count: u32,
) -> Result<(), Halt> {
    change(context, pool, |counts| {
        counts.available = counts.available.checked_add(count)?;
        let sum = taken.count(counts);
        *sum = sum.checked_sub(count)?;
        Some(())
    })
}

/// Confirms some of the places that were held together, and gives the others back.
pub(crate) fn confirm(
    context: &mut Context<'_>,
    pool: PoolId,
    held: u32,
    confirmed: u32,
) -> Result<(), Halt> {
    change(context, pool, |counts| {
        counts.held = counts.held.checked_sub(held)?;
        counts.confirmed = counts.confirmed.checked_add(confirmed)?;
        counts.available = counts.available.checked_add(held.checked_sub(confirmed)?)?;
        Some(())
    })
}

fn change(
    context: &mut Context<'_>,
    pool: PoolId,
    change: impl FnOnce(&mut PoolCounts) -> Option<()>,
) -> Result<(), Halt> {
    let mut counts = (*context.expect_row::<PoolCounts>(pool, MissingRow::Pool(pool))?).clone();
    let is_in_range = change(&mut counts).is_some();
    // INV-2: what is available, held and confirmed adds up to the pool's capacity.
    if !is_in_range || !counts.adds_up() {
        return Err(Contradiction::Capacity(pool).into());
    }
    counts.sold_out_at = match counts.available {
        0 => counts.sold_out_at.or(Some(context.now)),
        _ => None,
    };
    context.put(pool, counts);
    Ok(())
}
