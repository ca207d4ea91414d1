//! What a node counts about itself, in the words of OpenMetrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use holdfast_raft::{Observer, Replica};
use holdfast_reservations::{Applied, Outcome, outbox_channels};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// What a node counts. Clones count together.
#[derive(Clone)]
pub struct Metrics {
    calls: Family<CallLabels, Counter>,
    call_seconds: Histogram,
    outcomes: Family<KindLabels, Counter>,
    events: Family<KindLabels, Counter>,
    contradictions: Counter,
    tick_seconds: Histogram,
    log_ins: Family<KindLabels, Counter>,
    certificate_expires_at: Gauge<u64, AtomicU64>,
    watchers: Gauge,
    watch_events: Counter,
    watch_cuts: Family<ReasonLabels, Counter>,
    /// Rises whenever a user may have changed here: what was remembered of users is looked up again.
    users_epoch: Arc<AtomicU64>,
    /// Rises whenever a key of a node may have been retired here.
    keys_epoch: Arc<AtomicU64>,
    policies_epoch: Arc<AtomicU64>,
    registry: Arc<Registry>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CallLabels {
    protocol: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("holdfast");
        let calls = Family::default();
        registry.register("calls", "Calls answered, by protocol and status", calls.clone());
        let call_seconds = Histogram::new(exponential_buckets(0.000_25, 2.0, 16));
        registry.register_with_unit("call", "Time to answer a call", Unit::Seconds, call_seconds.clone());
        let outcomes = Family::default();
        registry.register("commands_applied", "Commands applied, by what they came to", outcomes.clone());
        let events = Family::default();
        registry.register("events", "Changes of the agreed state, by kind", events.clone());
        let contradictions = Counter::default();
        registry.register(
            "contradictions",
            "Commands dropped because they would have broken an invariant: any is an alarm",
            contradictions.clone(),
        );
        let tick_seconds = Histogram::new(exponential_buckets(0.000_25, 1.25, 40));
        registry.register_with_unit(
            "tick",
            "Time to apply a tick that had something to work off, with what was applied together with it",
            Unit::Seconds,
            tick_seconds.clone(),
        );
        let log_ins = Family::default();
        registry.register("log_ins", "Passwords tried, by what came of them", log_ins.clone());
        let certificate_expires_at = Gauge::default();
        registry.register_with_unit(
            "tls_certificate_expires_at",
            "When the certificate that clients are shown expires, since 1970; 0 without TLS",
            Unit::Seconds,
            certificate_expires_at.clone(),
        );
        let watchers = Gauge::default();
        registry.register("watchers", "Streams of the feed that are open", watchers.clone());
        let watch_events = Counter::default();
        registry.register("watch_events", "Events given to watchers", watch_events.clone());
        let watch_cuts = Family::default();
        registry.register(
            "watch_cuts",
            "Streams of the feed that this node ended, by why",
            watch_cuts.clone(),
        );
        Self {
            calls,
            call_seconds,
            outcomes,
            events,
            contradictions,
            tick_seconds,
            log_ins,
            certificate_expires_at,
            watchers,
            watch_events,
            watch_cuts,
            users_epoch: Arc::default(),
            keys_epoch: Arc::default(),
            policies_epoch: Arc::default(),
            registry: Arc::new(registry),
        }
    }
}

impl Metrics {
    pub(crate) fn answered(&self, protocol: &'static str, status: u16, took: Duration) {
        self.calls.get_or_create(&CallLabels { protocol, status }).inc();
        self.call_seconds.observe(took.as_secs_f64());
    }

    /// Counts a password that was tried: `right`, `wrong` or `throttled`.
    pub(crate) fn log_in(&self, kind: &'static str) {
        self.log_ins.get_or_create(&KindLabels { kind }).inc();
    }

    /// Counts watchers that came, or went.
    pub(crate) fn watchers(&self, more: i64) {
        self.watchers.inc_by(more);
    }

    /// Counts events that a watcher was given.
    pub(crate) fn watched(&self, events: usize) {
        self.watch_events.inc_by(events as u64);
    }

    /// Counts a stream that this node ended.
    pub(crate) fn watch_cut(&self, reason: &'static str) {
        self.watch_cuts.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Notes when the certificate that clients are shown expires, in seconds since 1970.
    pub fn certificate_expires_at(&self, seconds: u64) {
        self.certificate_expires_at.set(seconds);
    }

    pub(crate) fn users_epoch(&self) -> u64 {
        self.users_epoch.load(Ordering::Acquire)
    }

    pub(crate) fn keys_epoch(&self) -> u64 {
        self.keys_epoch.load(Ordering::Acquire)
    }

    pub(crate) fn policies_epoch(&self) -> u64 {
        self.policies_epoch.load(Ordering::Acquire)
    }

    /// All figures as text, those of the replica included.
    ///
    /// # Errors
    ///
    /// Never, as far as we know: text can always be written.
    pub fn to_text(&self, replica: &Replica) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        let mut of_replica = Registry::with_prefix("holdfast");
        of_replica.register_collector(Box::new(ReplicaFigures(replica.clone())));
        prometheus_client::encoding::text::encode_registry(&mut text, &self.registry)?;
        prometheus_client::encoding::text::encode(&mut text, &of_replica)?;
        Ok(text)
    }
}

impl Observer for Metrics {
    fn applied(&self, applied: &[Applied]) {
        for applied in applied {
            let kind = match &applied.outcome {
                Outcome::Rejected(_) => "rejected",
                Outcome::Contradicted(_) => "contradicted",
                Outcome::Venue(..) => "venue",
                Outcome::Resource(..) => "resource",
                Outcome::Slots(_) => "slots",
                Outcome::User(..) | Outcome::Account(..) => "user",
                Outcome::Session { .. } | Outcome::SessionsClosed(_) => "session",
                Outcome::Booking(..) => "booking",
                Outcome::Ticked { .. } => "tick",
                Outcome::NodeKeyRegistered | Outcome::NodeKeysRetired(_) | Outcome::NodeKeyRevoked(..) => {
                    "node_key"
                }
                Outcome::Code(..) => "code",
                Outcome::App(..) | Outcome::AppDeleted(_) => "app",
                Outcome::Policy(..) => "policy",
                Outcome::Job(..) => "job",
                Outcome::ResourceWithdrawn(_) => "resource",
                Outcome::SlotWithdrawn(_) | Outcome::SlotDay(..) => "slots",
                Outcome::EditionAdopted(_) => "edition",
                Outcome::Device(..) | Outcome::DeviceRemoved(..) | Outcome::Preferences(..) => "recipient",
                Outcome::Webhook(..) | Outcome::WebhookRemoved(_) => "webhook",
                Outcome::DeliveriesSettled(_) | Outcome::DeadLettersReplayed { .. } => "outbox",
            };
            self.outcomes.get_or_create(&KindLabels { kind }).inc();
            for event in &applied.events {
                self.events.get_or_create(&KindLabels { kind: event.name() }).inc();
            }
            if let Outcome::Contradicted(_) = applied.outcome {
                self.contradictions.inc();
            }
            if let Outcome::Ticked { contradicted, .. } = applied.outcome {
                self.contradictions.inc_by(contradicted.into());
            }
            if changes_users(&applied.outcome) {
                self.users_epoch.fetch_add(1, Ordering::AcqRel);
            }
            if let Outcome::NodeKeysRetired(_) | Outcome::NodeKeyRevoked(..) = applied.outcome {
                self.keys_epoch.fetch_add(1, Ordering::AcqRel);
            }
            if let Outcome::Policy(..) = applied.outcome {
                self.policies_epoch.fetch_add(1, Ordering::AcqRel);
            }
        }
    }

    fn worked_off(&self, took: Duration) {
        self.tick_seconds.observe(took.as_secs_f64());
    }

    fn replaced(&self) {
        self.users_epoch.fetch_add(1, Ordering::AcqRel);
        self.keys_epoch.fetch_add(1, Ordering::AcqRel);
        self.policies_epoch.fetch_add(1, Ordering::AcqRel);
    }
}

/// Whether what was remembered of users may be wrong from here on.
fn changes_users(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::User(..)
            | Outcome::Account(..)
            | Outcome::SessionsClosed(_)
            | Outcome::App(..)
            | Outcome::AppDeleted(_)
    )
}

/// Figures that are read when they are asked for.
#[derive(Debug)]
struct ReplicaFigures(Replica);

impl Collector for ReplicaFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let log = self.0.log_counters();
        let leadership = self.0.leadership();
        let gauges = [
            ("applied_index", "The last applied log index", self.0.applied()),
            ("term", "The term of the leader this node knows", leadership.term),
            ("leader", "The node id of the leader, 0 if unknown", leadership.leader.unwrap_or(0)),
            ("is_leader", "1 if this node leads", u64::from(leadership.is_own)),
            ("is_ready", "1 if this node serves linearizable reads", u64::from(self.0.is_ready())),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let (due_at, now) = self.0.due();
        let late = ConstGauge::new(due_at.map_or(0, |due_at| now.since(due_at).0) as f64 / 1000.0);
        let help = "For how long the oldest of what is due has been: 0 while nothing is";
        late.encode(encoder.encode_descriptor(
            "due_late",
            help,
            Some(&Unit::Seconds),
            late.metric_type(),
        )?)?;
        if let Ok((channels, _)) = self.0.look(|view| outbox_channels(view)) {
            let waiting = ConstGauge::new(channels.iter().map(|(_, backlog)| backlog.waiting).sum::<u64>());
            let help = "Notifications that wait to be sent, or to be sent again";
            let figure = encoder.encode_descriptor("outbox_waiting", help, None, waiting.metric_type())?;
            waiting.encode(figure)?;
        }
        let counters = [
            ("log_records", "Records written to the log", log.records),
            ("log_bytes", "Bytes written to the log", log.bytes),
            ("log_syncs", "Syncs of the log", log.syncs),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use holdfast_reservations::Revision;

    use super::*;

    #[test]
    fn what_was_verified_counts_no_more_when_a_key_may_have_been_retired() {
        let metrics = Metrics::default();
        let apply = |outcome| {
            let revision = Revision { index: 1, ordinal: 0 };
            metrics.applied(&[Applied { revision, outcome, events: Vec::new() }]);
            metrics.keys_epoch()
        };
        assert_eq!(apply(Outcome::NodeKeyRegistered), 0);
        assert_eq!(apply(Outcome::NodeKeysRetired(1)), 1);
        metrics.replaced();
        assert_eq!(metrics.keys_epoch(), 2, "a snapshot may bring retirements");
    }
}
