//! When an attempt is made again, and when no more.

use std::time::Duration;

/// The wait after the first attempt; it doubles with every other.
const WAIT_MIN: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(60 * 60);

/// A message that has had so many attempts, or that has waited so long, becomes a dead letter.
pub const ATTEMPTS_MAX: u32 = 30;
pub const AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The wait after so many attempts that failed: between half of what doubles and all of it, as `random` says, so that
/// what failed together does not come back together.
#[must_use]
pub fn backoff(attempts: u32, random: u64) -> Duration {
    let doublings = attempts.saturating_sub(1).min(31);
    let longest = WAIT_MIN.saturating_mul(1 << doublings).min(WAIT_MAX);
    let half = longest / 2;
    let range = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
    half + Duration::from_millis(random % (range + 1))
}

/// The wait before the next attempt: what doubles, or longer if the receiver asks for that.
#[must_use]
pub fn wait_after(attempts: u32, random: u64, asked: Option<Duration>) -> Duration {
    backoff(attempts, random).max(asked.unwrap_or_default())
}

/// Whether a message is not tried again: `age` is how long it has waited since it was put into the outbox.
#[must_use]
pub fn is_given_up(attempts: u32, age: Duration) -> bool {
    attempts >= ATTEMPTS_MAX || age >= AGE_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_an_hour() {
        let range = |attempts: u32| (backoff(attempts, 0), backoff(attempts, 500 << (attempts - 1)));
        let ms = Duration::from_millis;
        assert_eq!(range(1), (ms(500), ms(1000)));
        assert_eq!(range(2), (ms(1000), ms(2000)));
        assert_eq!(range(11), (ms(512_000), ms(1_024_000)));
        for attempts in [13, 30, u32::MAX] {
            assert_eq!(backoff(attempts, 0), WAIT_MAX / 2);
            assert_eq!(backoff(attempts, 1_800_000), WAIT_MAX);
        }
        assert_eq!(backoff(0, 0), ms(500));
    }

    #[test]
    fn the_wait_is_within_its_range_whatever_is_drawn() {
        for attempts in 0..=40 {
            for random in [0, 1, 499, 500, 501, 12_345_678_901, u64::MAX] {
                let wait = backoff(attempts, random);
                assert!(wait >= WAIT_MIN / 2 && wait <= WAIT_MAX, "{attempts} {random}: {wait:?}");
            }
        }
    }

    #[test]
    fn a_receiver_can_ask_for_a_longer_wait_and_not_for_a_shorter_one() {
        let seconds = Duration::from_secs;
        assert_eq!(wait_after(1, 0, Some(seconds(60))), seconds(60));
        assert_eq!(wait_after(11, 0, Some(seconds(1))), seconds(512));
        assert_eq!(wait_after(11, 0, None), seconds(512));
    }

    #[test]
    fn a_message_is_given_up_after_many_attempts_or_a_day() {
        let hour = Duration::from_secs(3600);
        assert!(!is_given_up(29, 23 * hour));
        assert!(is_given_up(30, hour) && is_given_up(1, 24 * hour));
    }
}
