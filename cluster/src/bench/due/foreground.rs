//! Those who book meanwhile: so many a second, whether or not those before them have been answered, so that a stall is
//! seen by all who would have come during it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use holdfast_client::{Book, Client, Error};
use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};

use crate::bench::due::Phase;
use crate::bench::setup::Stage;
use crate::failure::Failure;

/// Calls under way; beyond this the next ones wait here, which counts as their time.
const UNDER_WAY_MAX: usize = 10_000;

/// Between two looks at who is to come.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// Bookings that go on until they are told to end.
pub(super) struct Foreground {
    phase: Arc<AtomicU8>,
    calls: JoinHandle<Result<Tally, Failure>>,
}

/// What became of them.
pub(super) struct Tally {
    /// Microseconds from when a booking was to be made until it was, by phase.
    latencies: [Histogram<u64>; Phase::ALL.len()],
    pub(super) booked: u64,
    /// Calls whose outcome nobody knows.
    pub(super) unknown: u64,
    /// Calls that did not end in a booking, by kind.
    pub(super) failed: BTreeMap<String, u64>,
}

struct Went {
    phase: Phase,
    took: Duration,
    error: Option<Error>,
}

impl Foreground {
    /// Starts so many bookings a second.
    pub(super) fn start(rate: u32, stage: &Stage, lines: &[Client]) -> Result<Self, Failure> {
        let phase = Arc::new(AtomicU8::new(Phase::Warmup as u8));
        let (slots, customers) = (stage.slots.clone(), stage.customers.clone());
        let (lines, seen, mut tally) = (lines.to_vec(), phase.clone(), Tally::new()?);
        let calls = tokio::spawn(async move {
            let mut under_way = JoinSet::new();
            let (started_at, mut come) = (Instant::now(), 0u32);
            while let Some(phase) = Phase::of(seen.load(Ordering::Relaxed)) {
                while comes_at(come, rate) <= started_at.elapsed() && under_way.len() < UNDER_WAY_MAX {
                    let at = started_at + comes_at(come, rate);
                    let line = lines[come as usize % lines.len()].clone();
                    let slot = slots[rand::rng().random_range(0..slots.len())];
                    let book = Book::in_slot(slot).user(customers[come as usize % customers.len()]);
                    under_way.spawn(async move {
                        let error = line.book(book).await.err();
                        Went { phase, took: at.elapsed(), error }
                    });
                    come += 1;
                }
                while let Some(went) = under_way.try_join_next() {
                    tally.count(went.map_err(Failure::other)?);
                }
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
            while let Some(went) = under_way.join_next().await {
                tally.count(went.map_err(Failure::other)?);
            }
            Ok(tally)
        });
        Ok(Self { phase, calls })
    }

    /// Who comes from now on comes in this phase.
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Nobody else comes; what became of all, once they are all answered.
    pub(super) async fn end(self) -> Result<Tally, Failure> {
        self.phase.store(u8::MAX, Ordering::Relaxed);
        self.calls.await.map_err(Failure::other)?
    }
}

/// When this one comes, by the time since the start.
fn comes_at(number: u32, rate: u32) -> Duration {
    Duration::from_secs(number.into()) / rate
}

impl Tally {
    fn new() -> Result<Self, Failure> {
        // Up to a minute, to three digits.
        let empty = Histogram::new_with_bounds(1, 60_000_000, 3).map_err(Failure::other)?;
        let latencies = std::array::from_fn(|_| empty.clone());
        Ok(Self { latencies, booked: 0, unknown: 0, failed: BTreeMap::new() })
    }

    fn count(&mut self, went: Went) {
        let failed = match went.error {
            None => {
                self.booked += 1;
                let micros = u64::try_from(went.took.as_micros()).unwrap_or(u64::MAX);
                self.latencies[went.phase as usize].saturating_record(micros);
                return;
            }
            Some(Error::Refused(refusal)) => refusal.code,
            Some(Error::Unknown { .. }) => {
                self.unknown += 1;
                "outcome_unknown".to_owned()
            }
            Some(Error::Unavailable(_)) => "unavailable".to_owned(),
            Some(other) => other.to_string(),
        };
        *self.failed.entry(failed).or_default() += 1;
    }

    /// How long bookings took that were to be made in a phase.
    pub(super) fn latencies(&self, phase: Phase) -> Value {
        let latencies = &self.latencies[phase as usize];
        let at = |quantile: f64| latencies.value_at_quantile(quantile) as f64 / 1000.0;
        json!({
            "bookings": latencies.len(),
            "p50Ms": at(0.5),
            "p99Ms": at(0.99),
            "p999Ms": at(0.999),
            "maxMs": latencies.max() as f64 / 1000.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_comes_at_once_and_each_next_one_as_long_after() {
        assert_eq!(comes_at(0, 20), Duration::ZERO);
        assert_eq!(comes_at(1, 20), Duration::from_millis(50));
        assert_eq!(comes_at(u32::MAX, 50_000), Duration::from_micros(u64::from(u32::MAX) * 20));
    }
}
