//! What a load came to: speed, latency, and what it cost in processor time, syncs and bytes.

use serde_json::{Map, Value, json};

use crate::bench::load::Tally;
use crate::bench::{BenchArguments, Via};
use crate::failure::Failure;
use crate::local::LocalCluster;
use crate::output::{OutputFormat, print_line};
use crate::proc::{Used, used};

/// What everything had used at some moment.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    generator: Used,
    nodes: Vec<Option<Used>>,
    syncs: u64,
    leader: Option<usize>,
}

impl Costs {
    /// What everything has used by now. Of a cluster that is not ours only our own use is known.
    pub(crate) async fn now(cluster: Option<&LocalCluster>) -> Self {
        let generator = used(std::process::id()).unwrap_or_default();
        let Some(cluster) = cluster else { return Self { generator, ..Self::default() } };
        let mut syncs = 0;
        for position in 0..cluster.nodes.len() {
            let figure = cluster.figure(position, "holdfast_log_syncs_total").await;
            syncs += figure.unwrap_or(0.0) as u64;
        }
        let nodes = cluster.nodes.iter().map(|node| node.pid().and_then(used)).collect();
        Self { generator, nodes, syncs, leader: cluster.leader().await.ok() }
    }
}

/// The figures of one load.
pub(crate) struct Report {
    figures: Map<String, Value>,
    verdict: Result<(), String>,
}

impl Report {
    pub(crate) fn new(
        arguments: &BenchArguments,
        tally: &Tally,
        before: &Costs,
        after: &Costs,
        booked: u64,
    ) -> Self {
        let measured = tally.latencies.len();
        let per_booking = |amount: u64| round(amount as f64 / measured.max(1) as f64);
        let via = match arguments.via {
            Via::Stream => "stream",
            Via::Unary => "unary",
            Via::Http => "http",
        };
        let percentile = |quantile: f64| round(tally.latencies.value_at_quantile(quantile) as f64 / 1000.0);
        let mut figures = Map::new();
        let mut put = |name: &str, value: Value| drop(figures.insert(name.to_owned(), value));
        put("via", json!(via));
        put("clients", json!(arguments.clients));
        put("slots", json!(if arguments.hot { 1 } else { arguments.slots }));
        if let Some(seats) = arguments.seats {
            put("seatsPerSlot", json!(seats));
        }
        put("seconds", json!(arguments.seconds));
        put("bookings", json!(measured));
        put("bookingsPerSecond", json!(measured / arguments.seconds));
        for (name, quantile) in [("p50Ms", 0.5), ("p95Ms", 0.95), ("p99Ms", 0.99), ("p999Ms", 0.999)] {
            put(name, json!(percentile(quantile)));
        }
        put("maxMs", json!(round(tally.latencies.max() as f64 / 1000.0)));
        put("refusals", json!(tally.refusals));
        put("errors", json!(tally.errors));
        let generator = after.generator.cpu_us.saturating_sub(before.generator.cpu_us);
        put("cpuUsPerBookingGenerator", json!(per_booking(generator)));
        if !after.nodes.is_empty() {
            let spent: Vec<Used> =
                before.nodes.iter().zip(&after.nodes).map(|(old, new)| difference(*old, *new)).collect();
            let total: u64 = spent.iter().map(|used| used.cpu_us).sum();
            let bytes: u64 = spent.iter().map(|used| used.written_bytes).sum();
            put(
                "cpuUsPerBookingNodes",
                json!(spent.iter().map(|used| per_booking(used.cpu_us)).collect::<Vec<_>>()),
            );
            put("leaderNode", json!(after.leader.map(|position| position + 1)));
            put("cpuUsPerBookingAll", json!(per_booking(total + generator)));
            put("syncsPerBookingAllNodes", json!(per_booking(after.syncs.saturating_sub(before.syncs))));
            put("bytesWrittenPerBookingAllNodes", json!(per_booking(bytes)));
        }
        put("acknowledged", json!(tally.booked));
        put("found", json!(booked));

        // Every acknowledged booking is there, and none that nobody asked for.
        let verdict = match (tally.booked..=tally.booked + tally.unknown).contains(&booked) {
            true => Ok(()),
            false => Err(format!(
                "{} bookings were acknowledged and {} have unknown outcomes, but {booked} are there",
                tally.booked, tally.unknown
            )),
        };
        Self { figures, verdict }
    }

    pub(crate) fn print(&self, format: OutputFormat) {
        match format {
            OutputFormat::Json => print_line(&Value::Object(self.figures.clone()).to_string()),
            OutputFormat::Table => {
                for (name, value) in &self.figures {
                    print_line(&format!("{name:32} {value}"));
                }
            }
        }
    }

    pub(crate) fn verdict(self) -> Result<(), Failure> {
        self.verdict.map_err(Failure::Unhealthy)
    }
}

fn difference(old: Option<Used>, new: Option<Used>) -> Used {
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    Used {
        cpu_us: new.cpu_us.saturating_sub(old.cpu_us),
        written_bytes: new.written_bytes.saturating_sub(old.written_bytes),
    }
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
