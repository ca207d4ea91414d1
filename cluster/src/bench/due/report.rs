//! How it went, as figures.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::bench::BenchArguments;
use crate::bench::due::figures::Ticks;
use crate::bench::due::foreground::Tally;
use crate::bench::due::phase::{Phase, Plan, Sample, left_each_second, worked_off};
use crate::bench::due::{Seen, bookings};
use crate::failure::Failure;
use crate::output::{OutputFormat, print_line};

/// The figures of one run.
pub(super) struct Report {
    figures: Map<String, Value>,
    verdict: Result<(), String>,
}

impl Report {
    pub(super) fn new(
        arguments: &BenchArguments,
        plan: &Plan,
        seen: &Seen,
        tally: &Tally,
        found: u64,
    ) -> Self {
        let mut figures = Map::new();
        let mut put = |name: &str, value: Value| drop(figures.insert(name.to_owned(), value));
        put("due", json!(plan.count));
        put("slots", json!(plan.count.div_ceil(bookings::BOOKINGS_PER_SLOT.into())));
        put("foregroundPerSecond", json!(arguments.rate));
        put("secondsFromReadyToNoShows", json!((plan.missed_at - plan.ready_at).as_secs()));
        let to_ready = |sample: &Sample| plan.left_to_ready(sample);
        let to_miss = |sample: &Sample| plan.left_to_miss(sample);
        put("ready", backlog(plan, seen, Phase::Ready, (plan.ready_at, plan.missed_at), to_ready));
        put("noShows", backlog(plan, seen, Phase::Missed, (plan.missed_at, Duration::MAX), to_miss));
        let phases = seen.phases.iter().filter(|(phase, _)| *phase != Phase::Warmup);
        let foreground = phases.map(|(phase, _)| (phase.name().to_owned(), tally.latencies(*phase)));
        put("foreground", Value::Object(foreground.collect()));
        put("foregroundFailed", json!(tally.failed));
        put("leaderChanges", json!(seen.leader_changes));
        put("acknowledged", json!(tally.booked));
        put("found", json!(found));
        let verdict = match (tally.booked..=tally.booked + tally.unknown).contains(&found) {
            true => Ok(()),
            false => Err(format!(
                "{} bookings were acknowledged meanwhile and {} have unknown outcomes, but {found} are there",
                tally.booked, tally.unknown
            )),
        };
        Self { figures, verdict }
    }

    pub(super) fn print(&self, format: OutputFormat) {
        match format {
            OutputFormat::Json => print_line(&Value::Object(self.figures.clone()).to_string()),
            OutputFormat::Table => {
                for (name, value) in &self.figures {
                    print_figure(name, value);
                }
            }
        }
    }

    pub(super) fn verdict(self) -> Result<(), Failure> {
        self.verdict.map_err(Failure::Unhealthy)
    }
}

/// How what was due from a moment on was worked off.
fn backlog(
    plan: &Plan,
    seen: &Seen,
    phase: Phase,
    (from, until): (Duration, Duration),
    left: impl Fn(&Sample) -> u64,
) -> Value {
    let samples = &seen.samples;
    let seconds = |took: Option<Duration>| took.map(|took| round(took.as_secs_f64()));
    let meanwhile = samples.iter().filter(|sample| sample.at >= from && sample.at < until);
    let mut figures = json!({
        "seconds": seconds(worked_off(samples, from, Duration::MAX, &left)),
        "leftEachSecond": left_each_second(samples, from, &left),
        "messagesSeconds": seconds(worked_off(samples, from, until, |sample| left(sample) + sample.waiting)),
        "messagesWaitingMax": meanwhile.map(|sample| sample.waiting).max(),
    });
    if let Some(ticks) = ticks_of(seen, phase) {
        figures["ticks"] = json!(ticks.count());
        figures["bookingsPerTick"] = json!(round(plan.count as f64 / ticks.count().max(1) as f64));
        figures["tickMeanMs"] = json!(round(ticks.mean().as_secs_f64() * 1000.0));
        for (name, share) in [("tickP50Ms", 0.5), ("tickP99Ms", 0.99), ("tickMaxMs", 1.0)] {
            figures[name] = json!(round(ticks.quantile(share) * 1000.0));
        }
    }
    figures
}

/// The ticks of a phase that has ended.
fn ticks_of(seen: &Seen, wanted: Phase) -> Option<Ticks> {
    let position = seen.phases.iter().position(|(phase, _)| *phase == wanted)?;
    let (_, before) = &seen.phases[position];
    let (_, after) = seen.phases.get(position + 1)?;
    Some(after.since(before))
}

fn print_figure(name: &str, value: &Value) {
    match value.as_object().filter(|inner| !inner.is_empty()) {
        None => print_line(&format!("{name:32} {value}")),
        Some(inner) => {
            for (more, value) in inner {
                print_figure(&format!("{name}.{more}"), value);
            }
        }
    }
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
