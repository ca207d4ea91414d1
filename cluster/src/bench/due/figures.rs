//! What a node says of itself at one moment, and what became of it since another.

use std::time::Duration;

/// The figures of a node at one moment.
pub(super) struct Figures(String);

/// Ticks that had something to work off, by how long they took.
pub(super) struct Ticks {
    /// So many took at most so many seconds; each counts those before it.
    buckets: Vec<(f64, f64)>,
    seconds: f64,
}

impl Figures {
    pub(super) fn of(text: String) -> Self {
        Self(text)
    }

    /// A figure by its name, labels included; 0 if there is none yet.
    pub(super) fn get(&self, name: &str) -> f64 {
        let mut lines = self.0.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok()).unwrap_or(0.0)
    }

    /// Changes of the agreed state of a kind.
    pub(super) fn events(&self, kind: &str) -> u64 {
        self.get(&format!("holdfast_events_total{{kind=\"{kind}\"}}")) as u64
    }

    pub(super) fn ticks(&self) -> Ticks {
        let bucket = |line: &str| {
            let (bound, count) =
                line.strip_prefix("holdfast_tick_seconds_bucket{le=\"")?.split_once("\"} ")?;
            Some((bound.parse().ok()?, count.parse().ok()?))
        };
        Ticks {
            buckets: self.0.lines().filter_map(bucket).collect(),
            seconds: self.get("holdfast_tick_seconds_sum"),
        }
    }
}

impl Ticks {
    /// Those since an earlier moment.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let counts = earlier.buckets.iter().map(|(_, count)| *count).chain(std::iter::repeat(0.0));
        let buckets =
            self.buckets.iter().zip(counts).map(|((bound, count), before)| (*bound, count - before));
        Self { buckets: buckets.collect(), seconds: self.seconds - earlier.seconds }
    }

    pub(super) fn count(&self) -> u64 {
        self.buckets.last().map_or(0, |(_, count)| *count as u64)
    }

    /// How long one took, on average.
    pub(super) fn mean(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.max(0.0) / self.count().max(1) as f64)
    }

    /// This share of them took at most so many seconds: as exact as the buckets are.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let wanted = (self.count() as f64 * share).ceil();
        let bucket = self.buckets.iter().find(|(_, count)| *count >= wanted);
        bucket.filter(|_| self.count() > 0).map_or(0.0, |(bound, _)| *bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(counts: [u32; 3], seconds: f64) -> Figures {
        let [fast, slow, all] = counts;
        Figures::of(format!(
            "# TYPE holdfast_tick_seconds histogram\n\
             holdfast_tick_seconds_sum {seconds}\n\
             holdfast_tick_seconds_count {all}\n\
             holdfast_tick_seconds_bucket{{le=\"0.001\"}} {fast}\n\
             holdfast_tick_seconds_bucket{{le=\"0.002\"}} {slow}\n\
             holdfast_tick_seconds_bucket{{le=\"+Inf\"}} {all}\n\
             holdfast_events_total{{kind=\"booking.ready\"}} 17\n\
             # EOF\n"
        ))
    }

    #[test]
    fn a_figure_is_found_by_its_name_and_labels() {
        let figures = figures([1, 2, 3], 0.5);
        assert_eq!(figures.events("booking.ready"), 17);
        assert_eq!(figures.events("booking.rea"), 0);
        assert_eq!(figures.get("holdfast_tick_seconds_sum"), 0.5);
    }

    #[test]
    fn ticks_are_those_since_then_and_their_quantiles_the_bounds_of_buckets() {
        let ticks = figures([60, 109, 110], 0.3).ticks().since(&figures([10, 10, 10], 0.1).ticks());
        assert_eq!((ticks.count(), ticks.mean()), (100, Duration::from_millis(2)));
        assert_eq!((ticks.quantile(0.5), ticks.quantile(0.51), ticks.quantile(0.99)), (0.001, 0.002, 0.002));
        assert_eq!(ticks.quantile(1.0), f64::INFINITY);
    }

    #[test]
    fn a_node_that_has_not_ticked_yet_has_no_time_of_ticks() {
        let ticks = Figures::of("# EOF\n".to_owned()).ticks();
        let ticks = figures([0, 0, 0], 0.0).ticks().since(&ticks);
        assert_eq!((ticks.count(), ticks.quantile(0.99), ticks.mean()), (0, 0.0, Duration::ZERO));
    }
}
