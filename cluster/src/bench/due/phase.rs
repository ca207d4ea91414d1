//! What happens when, and how much of it is left.

use std::time::Duration;

use crate::bench::due::figures::Figures;

/// A part of the measurement, by what is being worked off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// Nothing, and nobody counts.
    Warmup,
    /// Nothing yet.
    Before,
    /// Bookings become ready.
    Ready,
    /// They are, and what is left are messages, if any.
    Between,
    /// Parties have not come.
    Missed,
    /// All states are right, and messages are left.
    Messages,
    /// Nothing any more.
    After,
}

impl Phase {
    pub(super) const ALL: [Self; 7] =
        [Self::Warmup, Self::Before, Self::Ready, Self::Between, Self::Missed, Self::Messages, Self::After];

    /// The phase of a number.
    pub(super) fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its name in the report.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Warmup => "warmup",
            Self::Before => "before",
            Self::Ready => "ready",
            Self::Between => "between",
            Self::Missed => "noShows",
            Self::Messages => "messages",
            Self::After => "after",
        }
    }

    /// What to say when it begins.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Warmup => "warming up",
            Self::Before => "measuring without anything due",
            Self::Ready => "bookings become ready",
            Self::Between => "all are ready",
            Self::Missed => "parties have not come",
            Self::Messages => "all were released; messages are left",
            Self::After => "measuring with nothing due any more",
        }
    }

    /// Whether it ends only once something is worked off.
    pub(super) fn has_backlog(self) -> bool {
        match self {
            Self::Ready | Self::Missed | Self::Messages => true,
            Self::Warmup | Self::Before | Self::Between | Self::After => false,
        }
    }
}

/// What is to happen, by the time since the start.
pub(super) struct Plan {
    /// What was before is not counted.
    pub(super) warmup: Duration,
    /// When all bookings are to become ready.
    pub(super) ready_at: Duration,
    /// When all parties are missed.
    pub(super) missed_at: Duration,
    /// So many bookings.
    pub(super) count: u64,
}

/// How far a node is at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    /// The time since the start.
    pub(super) at: Duration,
    /// Bookings that have become ready.
    pub(super) ready: u64,
    /// Bookings whose parties were missed.
    pub(super) missed: u64,
    /// Messages that wait.
    pub(super) waiting: u64,
}

impl Plan {
    /// Which phase it is, after what was seen last.
    pub(super) fn phase(&self, now: Duration, last: &Sample) -> Phase {
        if now < self.warmup {
            Phase::Warmup
        } else if now < self.ready_at {
            Phase::Before
        } else if now < self.missed_at {
            if last.ready < self.count { Phase::Ready } else { Phase::Between }
        } else if last.ready < self.count || last.missed < self.count {
            Phase::Missed
        } else if last.waiting > 0 {
            Phase::Messages
        } else {
            Phase::After
        }
    }

    /// How long it is until something is due; nothing once all is.
    pub(super) fn next_moment(&self, now: Duration) -> Option<Duration> {
        [self.ready_at, self.missed_at].into_iter().find(|at| *at > now).map(|at| at - now)
    }

    /// What is left, in words.
    pub(super) fn left(&self, last: &Sample) -> String {
        let (ready, missed) = (self.left_to_ready(last), self.left_to_miss(last));
        format!("{ready} are not ready, {missed} not missed yet, {} messages wait", last.waiting)
    }

    pub(super) fn left_to_ready(&self, sample: &Sample) -> u64 {
        self.count.saturating_sub(sample.ready)
    }

    pub(super) fn left_to_miss(&self, sample: &Sample) -> u64 {
        self.count.saturating_sub(sample.missed)
    }
}

impl Sample {
    pub(super) fn of(at: Duration, figures: &Figures) -> Self {
        Self {
            at,
            ready: figures.events("booking.ready"),
            missed: figures.events("booking.no_show"),
            waiting: figures.get("holdfast_outbox_waiting") as u64,
        }
    }

    /// What has happened since another one.
    pub(super) fn since(self, base: &Self) -> Self {
        let (ready, missed) =
            (self.ready.saturating_sub(base.ready), self.missed.saturating_sub(base.missed));
        Self { ready, missed, ..self }
    }

    /// Whether nothing has happened since another one.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        Self { at: other.at, ..*self } == *other
    }
}

/// How long after a moment nothing was left for the first time; nothing if that was not before `until`.
pub(super) fn worked_off(
    samples: &[Sample],
    from: Duration,
    until: Duration,
    left: impl Fn(&Sample) -> u64,
) -> Option<Duration> {
    let mut seen = samples.iter().filter(|sample| sample.at >= from && sample.at < until);
    seen.find(|sample| left(sample) == 0).map(|sample| sample.at - from)
}

/// How much was left each second from a moment on, until nothing was.
pub(super) fn left_each_second(
    samples: &[Sample],
    from: Duration,
    left: impl Fn(&Sample) -> u64,
) -> Vec<u64> {
    let mut found = Vec::new();
    for second in 0.. {
        let at = from + Duration::from_secs(second);
        let behind = samples.partition_point(|sample| sample.at <= at);
        let Some(sample) = samples[..behind].last().filter(|_| behind < samples.len()) else { return found };
        found.push(left(sample));
        if found.last() == Some(&0) {
            return found;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const PLAN: Plan = Plan { warmup: secs(1), ready_at: secs(5), missed_at: secs(13), count: 10 };

    fn sample(seconds: u64, ready: u64, missed: u64, waiting: u64) -> Sample {
        Sample { at: secs(seconds), ready, missed, waiting }
    }

    #[test]
    fn a_phase_ends_with_its_time_and_with_its_backlog() {
        let phase = |seconds, ready, missed, waiting| {
            PLAN.phase(secs(seconds), &sample(seconds, ready, missed, waiting)).name()
        };
        assert_eq!(phase(0, 0, 0, 0), "warmup");
        assert_eq!(phase(1, 0, 0, 0), "before");
        assert_eq!(phase(5, 0, 0, 0), "ready");
        assert_eq!(phase(6, 9, 0, 9), "ready");
        assert_eq!(phase(7, 10, 0, 4), "between");
        assert_eq!(phase(13, 10, 0, 0), "noShows");
        assert_eq!(phase(13, 9, 0, 0), "noShows");
        assert_eq!(phase(14, 10, 10, 1), "messages");
        assert_eq!(phase(15, 10, 10, 0), "after");
    }

    #[test]
    fn a_phase_has_the_number_that_stands_for_it() {
        for phase in Phase::ALL {
            assert_eq!(Phase::of(phase as u8), Some(phase));
        }
        assert_eq!(Phase::of(u8::MAX), None);
    }

    #[test]
    fn nobody_looks_shortly_before_something_is_due() {
        assert_eq!(PLAN.next_moment(secs(4)), Some(secs(1)));
        assert_eq!(PLAN.next_moment(secs(5)), Some(secs(8)));
        assert_eq!(PLAN.next_moment(secs(13)), None);
    }

    #[test]
    fn what_is_left_is_followed_until_nothing_is() {
        let samples = [sample(4, 0, 0, 0), sample(5, 0, 0, 0), sample(6, 4, 0, 2), sample(8, 10, 0, 5)];
        let left = |sample: &Sample| PLAN.left_to_ready(sample);
        assert_eq!(worked_off(&samples, PLAN.ready_at, PLAN.missed_at, left), Some(secs(3)));
        assert_eq!(worked_off(&samples, PLAN.ready_at, secs(8), left), None);
        let with_messages = |sample: &Sample| left(sample) + sample.waiting;
        assert_eq!(worked_off(&samples, PLAN.ready_at, PLAN.missed_at, with_messages), None);
        let more = [&samples[..], &[sample(9, 10, 0, 0)]].concat();
        assert_eq!(left_each_second(&more, PLAN.ready_at, left), [10, 6, 6, 0]);
        assert_eq!(left_each_second(&samples, PLAN.ready_at, left), [10, 6, 6]);
    }
}
