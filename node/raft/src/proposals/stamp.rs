//! The leader's stamp: replicated time as the leader proposes it.
//!
//! It follows the wall clock only while a majority of the voters' clocks agree with that, and otherwise moves at the
//! pace of the monotonic clock: one mad clock can neither expire holds nor stop time (CONTRACT, Time).

use std::sync::Arc;
use std::time::Duration;

use holdfast_reservations::Timestamp;
use tokio::time::Instant;

use crate::runtime::WallClock;

/// Clocks agree when they are no further apart than this.
pub(crate) const AGREEMENT_MS: u64 = 1000;

/// An agreement counts for so long; the clocks are compared more often.
const AGREEMENT_DURATION: Duration = Duration::from_secs(5);

/// What a wall clock said, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    wall_ms: u64,
    at: Instant,
}

impl Reading {
    /// What the clock says now.
    pub(crate) fn of(clock: &dyn WallClock) -> Self {
        Self { wall_ms: clock.now_ms(), at: Instant::now() }
    }

    /// How far a clock is away that was read at some time between this reading and now.
    pub(crate) fn distance_ms(&self, wall_ms: u64) -> u64 {
        self.expected_ms(self.at + self.at.elapsed() / 2).abs_diff(wall_ms)
    }

    /// What a clock that goes on as it should says at a later moment.
    fn expected_ms(&self, at: Instant) -> u64 {
        self.wall_ms.saturating_add(millis(at.saturating_duration_since(self.at)))
    }
}

/// Makes stamps.
pub(crate) struct Stamper {
    clock: Arc<dyn WallClock>,
    /// The newest moment that was agreed or stamped, since 1970, and when that was. It is finer than stamps are: however many
    /// there are in a millisecond, time goes on.
    last: (Duration, Instant),
    /// The last reading of the wall clock that a majority agreed with.
    agreed: Option<Reading>,
}

impl Stamper {
    /// Stamps with a wall clock, from nothing.
    pub(crate) fn new(clock: Arc<dyn WallClock>) -> Self {
        Self { clock, last: (Duration::ZERO, Instant::now()), agreed: None }
    }

    /// Notes what has been applied: stamps go on from there.
    pub(crate) fn applied(&mut self, now: Timestamp, at: Instant) {
        let now = Duration::from_millis(now.0);
        if now > self.last.0 {
            self.last = (now, at);
        }
    }

    /// Notes which reading of this wall clock a majority of voters (this node included) agrees with; `None` if they
    /// disagree. It is the one they were compared with: the clock may have jumped since.
    pub(crate) fn agree(&mut self, agreed: Option<Reading>) {
        self.agreed = agreed;
    }

    /// The next stamp.
    pub(crate) fn stamp(&mut self) -> Timestamp {
        let now = Instant::now();
        self.last = (self.moment(now), now);
        Timestamp(millis(self.last.0))
    }

    /// What the next stamp would be.
    pub(crate) fn at(&self, now: Instant) -> Timestamp {
        Timestamp(millis(self.moment(now)))
    }

    /// Since 1970.
    fn moment(&self, now: Instant) -> Duration {
        let (last, at) = self.last;
        let elapsed = now.saturating_duration_since(at);
        let wall_ms = self.clock.now_ms();
        match self.is_trusted(wall_ms, now) {
            true => Duration::from_millis(wall_ms).max(last.saturating_add(elapsed - elapsed / 100)),
            false => last.saturating_add(elapsed),
        }
    }

    /// Whether the wall clock has gone on as it should since a majority agreed with it.
    fn is_trusted(&self, wall_ms: u64, now: Instant) -> bool {
        self.agreed.is_some_and(|agreed| {
            now.saturating_duration_since(agreed.at) <= AGREEMENT_DURATION
                && wall_ms.abs_diff(agreed.expected_ms(now)) <= AGREEMENT_MS
        })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Default)]
    struct SetClock(AtomicU64);

    impl WallClock for SetClock {
        fn now_ms(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    const DAY_MS: u64 = 86_400_000;
    const TODAY: u64 = 20_000 * DAY_MS;

    async fn pass(clock: &SetClock, millis: u64) {
        tokio::time::advance(Duration::from_millis(millis)).await;
        clock.0.fetch_add(millis, Ordering::Relaxed);
    }

    fn stamper() -> (Arc<SetClock>, Stamper) {
        let clock = Arc::new(SetClock(TODAY.into()));
        let mut stamper = Stamper::new(clock.clone());
        stamper.agree(Some(Reading::of(&*clock)));
        assert_eq!(stamper.stamp(), Timestamp(TODAY));
        (clock, stamper)
    }

    #[tokio::test(start_paused = true)]
    async fn an_agreed_clock_is_followed() {
        let (clock, mut stamper) = stamper();
        pass(&clock, 700).await;
        assert_eq!(stamper.stamp(), Timestamp(TODAY + 700));
        clock.0.fetch_add(250, Ordering::Relaxed);
        assert_eq!(stamper.stamp(), Timestamp(TODAY + 950));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_jumps_ahead_is_not_followed_until_others_agree() {
        let (clock, mut stamper) = stamper();
        clock.0.fetch_add(DAY_MS, Ordering::Relaxed);
        pass(&clock, 1000).await;
        assert_eq!(stamper.stamp(), Timestamp(TODAY + 1000));
        stamper.agree(None);
        pass(&clock, 1000).await;
        assert_eq!(stamper.stamp(), Timestamp(TODAY + 2000));
        stamper.agree(Some(Reading::of(&*clock)));
        assert_eq!(stamper.stamp(), Timestamp(TODAY + DAY_MS + 2000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_jumps_while_others_are_asked_is_not_followed() {
        let (clock, mut stamper) = stamper();
        let reading = Reading::of(&*clock);
        pass(&clock, 200).await;
        assert_eq!(reading.distance_ms(TODAY + 100), 0, "their clocks were read midway");
        clock.0.fetch_add(DAY_MS, Ordering::Relaxed);
        pass(&clock, 200).await;
        stamper.agree(Some(reading));
        assert_eq!(stamper.stamp(), Timestamp(TODAY + 400));
    }

    #[tokio::test(start_paused = true)]
    async fn time_goes_on_under_a_clock_that_stands_still_or_is_behind() {
        let (_, mut stamper) = stamper();
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(stamper.stamp(), Timestamp(TODAY + 10_000));
        stamper.applied(Timestamp(TODAY + DAY_MS), Instant::now());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(stamper.stamp(), Timestamp(TODAY + DAY_MS + 1000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trusted_clock_that_is_behind_agreed_time_is_waited_for() {
        let (clock, mut stamper) = stamper();
        stamper.applied(Timestamp(TODAY + 500), Instant::now());
        pass(&clock, 1000).await;
        assert_eq!(stamper.stamp(), Timestamp(TODAY + 1490));
    }

    #[tokio::test(start_paused = true)]
    async fn time_goes_on_however_many_stamps_there_are() {
        for (is_agreed, passed_ms) in [(true, 2970), (false, 3000)] {
            let (clock, mut stamper) = stamper();
            stamper.applied(Timestamp(TODAY + DAY_MS), Instant::now());
            stamper.agree(is_agreed.then(|| Reading::of(&*clock)));
            for stamp in 0..10_000 {
                tokio::time::advance(Duration::from_micros(300)).await;
                clock.0.fetch_add(if stamp % 10 == 0 { 3 } else { 0 }, Ordering::Relaxed);
                stamper.stamp();
            }
            assert_eq!(stamper.stamp(), Timestamp(TODAY + DAY_MS + passed_ms), "agreed: {is_agreed}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_agreement_counts_for_nothing() {
        let (clock, mut stamper) = stamper();
        tokio::time::advance(Duration::from_secs(6)).await;
        clock.0.fetch_add(6900, Ordering::Relaxed);
        assert_eq!(stamper.stamp(), Timestamp(TODAY + 6000));
    }
}
