//! Who has which seat: two bits a seat in blocks, and a row for each seat somebody has that names his booking.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::{BookingId, PoolId};
use crate::rows::{Key, Order, ReadRows, ReadTyped as _, Row};

/// Seats of one block: a hundred bytes and a bit to write for one that is taken.
const BLOCK_SEATS: u32 = 512;

const WORDS: usize = 8;

/// What became of the seats of a block. A block without a row has all its seats free.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatBlock {
    taken: [u64; WORDS],
    sold: [u64; WORDS],
}

/// What became of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SeatState {
    /// Nobody has it.
    Available,
    /// Somebody holds it.
    Held,
    /// Somebody has it.
    Sold,
}

impl SeatState {
    /// The word for it on `/v1`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Held => "held",
            Self::Sold => "sold",
        }
    }
}

impl SeatBlock {
    fn state(&self, within: u32) -> SeatState {
        let (word, bit) = position(within);
        let is_set = |words: &[u64; WORDS]| words.get(word).is_some_and(|word| word & bit != 0);
        match (is_set(&self.taken), is_set(&self.sold)) {
            (false, _) => SeatState::Available,
            (true, false) => SeatState::Held,
            (true, true) => SeatState::Sold,
        }
    }

    fn set(&mut self, within: u32, state: SeatState) {
        let (word, bit) = position(within);
        let put = |words: &mut [u64; WORDS], is_set: bool| {
            if let Some(word) = words.get_mut(word) {
                *word = if is_set { *word | bit } else { *word & !bit };
            }
        };
        put(&mut self.taken, state != SeatState::Available);
        put(&mut self.sold, state == SeatState::Sold);
    }

    fn is_empty(&self) -> bool {
        self.taken.iter().all(|word| *word == 0)
    }
}

fn position(within: u32) -> (usize, u64) {
    let bit = 1u64.checked_shl(within % 64).unwrap_or(0);
    ((within / 64) as usize, bit)
}

/// The blocks of a pool, read as they are asked for.
pub(crate) struct SeatMap<'a> {
    rows: &'a dyn ReadRows,
    pool: PoolId,
    block: Option<(u32, SeatBlock)>,
}

impl<'a> SeatMap<'a> {
    pub(crate) fn of(rows: &'a dyn ReadRows, pool: PoolId) -> Self {
        Self { rows, pool, block: None }
    }

    pub(crate) fn state(&mut self, seat: u32) -> SeatState {
        let number = seat / BLOCK_SEATS;
        if self.block.as_ref().is_none_or(|(known, _)| *known != number) {
            let block = self.rows.row::<SeatBlock>((self.pool, number));
            self.block = Some((number, block.map(|block| (*block).clone()).unwrap_or_default()));
        }
        let within = seat % BLOCK_SEATS;
        self.block.as_ref().map_or(SeatState::Available, |(_, block)| block.state(within))
    }
}

/// What became of each seat of a pool, in the order of their numbers.
pub fn states_of(rows: &dyn ReadRows, pool: PoolId, count: u32) -> Vec<SeatState> {
    let mut map = SeatMap::of(rows, pool);
    (0..count).map(|seat| map.state(seat)).collect()
}

/// Who has a seat.
pub fn owner(rows: &(impl ReadRows + ?Sized), pool: PoolId, seat: u32) -> Option<BookingId> {
    match rows.get(&Key::SeatTaken(pool, seat)) {
        Some(Row::SeatTaken(booking)) => Some(booking),
        _ => None,
    }
}

/// Gives a seat to a booking, or to nobody.
pub(crate) fn set(context: &mut Context<'_>, pool: PoolId, seat: u32, state: SeatState, booking: BookingId) {
    let id = (pool, seat / BLOCK_SEATS);
    let mut block = context.row::<SeatBlock>(id).map(|block| (*block).clone()).unwrap_or_default();
    block.set(seat % BLOCK_SEATS, state);
    if block.is_empty() {
        context.delete(Key::SeatBlock(pool, seat / BLOCK_SEATS));
    } else {
        context.put(id, block);
    }
    let key = Key::SeatTaken(pool, seat);
    match state {
        SeatState::Available => context.delete(key),
        SeatState::Held | SeatState::Sold => context.set(key, Row::SeatTaken(booking)),
    }
}

/// Forgets all blocks of a pool nobody has a seat of.
pub(crate) fn is_untouched(rows: &(impl ReadRows + ?Sized), pool: PoolId) -> bool {
    let range = Key::SeatTaken(pool, 0)..Key::SeatTaken(pool, u32::MAX);
    rows.scan(range, Order::Ascending, 1).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_knows_each_of_its_seats() {
        let mut block = SeatBlock::default();
        for (seat, state) in
            [(0, SeatState::Held), (63, SeatState::Sold), (64, SeatState::Held), (511, SeatState::Sold)]
        {
            block.set(seat, state);
            assert_eq!(block.state(seat), state);
        }
        assert_eq!((block.state(1), block.state(65)), (SeatState::Available, SeatState::Available));
        block.set(63, SeatState::Held);
        assert_eq!(block.state(63), SeatState::Held);
        for seat in [0, 63, 64, 511] {
            assert!(!block.is_empty());
            block.set(seat, SeatState::Available);
        }
        assert!(block.is_empty() && block == SeatBlock::default());
    }
}
