//! The one id of a seat in all seeds: its pool and its number in it, in one number.

use holdfast_reservations::{PoolId, SEATS_PER_POOL_MAX};

/// Bits of the number: enough for every seat of a pool.
const NUMBER_BITS: u32 = 17;

const NUMBERS: u64 = 1 << NUMBER_BITS;

/// The id of a seat.
pub(in crate::http) fn seat_id(pool: PoolId, number: u32) -> u64 {
    pool.0.saturating_mul(NUMBERS).saturating_add(u64::from(number))
}

/// Which seat an id means, whether or not there is one.
pub(in crate::http) fn seat_of(id: u64) -> Option<(PoolId, u32)> {
    let number = u32::try_from(id % NUMBERS).ok().filter(|number| *number < SEATS_PER_POOL_MAX)?;
    Some((PoolId(id >> NUMBER_BITS), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_means_one_seat() {
        for seat in [(1, 0), (1, SEATS_PER_POOL_MAX - 1), (2, 0), ((1 << 36) - 1, 17)] {
            let (pool, number) = (PoolId(seat.0), seat.1);
            let id = seat_id(pool, number);
            assert_eq!(seat_of(id), Some((pool, number)));
            assert!(id < 1 << 53, "{id} is not safe in JSON");
        }
        assert_eq!((seat_id(PoolId(1), 0), seat_id(PoolId(2), 3)), (131_072, 262_147));
    }

    #[test]
    fn a_number_that_no_pool_has_means_none() {
        assert!(u64::from(SEATS_PER_POOL_MAX) < NUMBERS);
        assert_eq!(seat_of(seat_id(PoolId(1), SEATS_PER_POOL_MAX)), None);
        assert_eq!(seat_of(u64::MAX), None);
        assert_eq!(seat_of(0), Some((PoolId(0), 0)));
    }
}
