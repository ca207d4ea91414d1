//! A breaker: what fails again and again is left alone for a while, and then tried by one message first.

use std::time::Duration;

use tokio::time::Instant;

/// So many failures in a row open it.
const FAILURES_MAX: u32 = 5;

/// How long it stays open at first; the time doubles whenever the probe fails.
const OPEN_DURATION_MIN: Duration = Duration::from_secs(5);
const OPEN_DURATION_MAX: Duration = Duration::from_secs(5 * 60);

/// When those come back who wait for the probe to end.
const PROBE_WAIT: Duration = Duration::from_secs(1);

/// Whether a destination is to be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breaker {
    /// So many attempts have failed in a row.
    Closed { failures: u32 },
    /// Nothing is sent until then; it was opened so many times in a row.
    Open { until: Instant, openings: u32 },
    /// One attempt is under way and decides.
    Probing { openings: u32 },
}

/// Whether an attempt may be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Go,
    Wait(Duration),
}

impl Breaker {
    /// Of a destination that has answered, or that was never tried.
    pub(super) const NEW: Self = Self::Closed { failures: 0 };

    /// Asks for an attempt, whose end has to be told.
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        match *self {
            Self::Closed { .. } => Admission::Go,
            Self::Open { until, openings } if until <= now => {
                *self = Self::Probing { openings };
                Admission::Go
            }
            Self::Open { until, .. } => Admission::Wait(until - now),
            Self::Probing { .. } => Admission::Wait(PROBE_WAIT),
        }
    }

    pub(super) fn failed(&mut self, now: Instant) {
        *self = match *self {
            Self::Closed { failures } if failures + 1 < FAILURES_MAX => {
                Self::Closed { failures: failures + 1 }
            }
            Self::Closed { .. } => Self::open(now, 1),
            Self::Probing { openings } => Self::open(now, openings.saturating_add(1)),
            // An attempt from before it opened.
            open @ Self::Open { .. } => open,
        };
    }

    /// Whoever asked has gone without an answer: the next one probes.
    pub(super) fn abandoned(&mut self, now: Instant) {
        if let Self::Probing { openings } = *self {
            *self = Self::Open { until: now, openings };
        }
    }

    fn open(now: Instant, openings: u32) -> Self {
        let doublings = openings.saturating_sub(1).min(31);
        let duration = OPEN_DURATION_MIN.saturating_mul(1 << doublings).min(OPEN_DURATION_MAX);
        Self::Open { until: now + duration, openings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::NEW;
        for _ in 0..FAILURES_MAX {
            assert_eq!(breaker.admit(now), Admission::Go);
            breaker.failed(now);
        }
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_open_it_and_one_less_does_not() {
        let now = Instant::now();
        let mut breaker = Breaker::NEW;
        (1..FAILURES_MAX).for_each(|_| breaker.failed(now));
        assert_eq!(breaker.admit(now), Admission::Go);
        assert_eq!(opened(now).admit(now), Admission::Wait(OPEN_DURATION_MIN));
    }

    #[tokio::test(start_paused = true)]
    async fn one_probe_decides_and_the_others_wait_for_it() {
        let mut breaker = opened(Instant::now());
        tokio::time::advance(OPEN_DURATION_MIN).await;
        let now = Instant::now();
        assert_eq!([breaker.admit(now), breaker.admit(now)], [Admission::Go, Admission::Wait(PROBE_WAIT)]);
        breaker.failed(now);
        assert!(matches!(breaker.admit(now), Admission::Wait(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn it_stays_open_longer_each_time_up_to_a_bound() {
        let mut breaker = opened(Instant::now());
        let mut waits = Vec::new();
        for _ in 0..8 {
            let Admission::Wait(wait) = breaker.admit(Instant::now()) else { panic!("it is open") };
            waits.push(wait.as_secs());
            tokio::time::advance(wait).await;
            assert_eq!(breaker.admit(Instant::now()), Admission::Go);
            breaker.failed(Instant::now());
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_from_before_it_opened_changes_nothing_when_it_fails() {
        let now = Instant::now();
        let mut breaker = opened(now);
        breaker.failed(now);
        assert_eq!(breaker, opened(now));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_abandoned_leaves_the_next_to_probe() {
        let mut breaker = opened(Instant::now());
        tokio::time::advance(OPEN_DURATION_MIN).await;
        let now = Instant::now();
        assert_eq!(breaker.admit(now), Admission::Go);
        breaker.abandoned(now);
        assert_eq!(breaker.admit(now), Admission::Go);
    }
}
