//! What is measured, and the median of several runs.

use std::fs;

/// One load on one log.
#[derive(Clone, Copy)]
pub struct Figures {
    pub entries_per_second: f64,
    pub p50_micros: f64,
    pub p99_micros: f64,
    /// Of all threads of the process.
    pub cpu_micros_per_entry: f64,
    /// As the kernel charges them to the process: metadata, padding and rewritten pages included.
    pub disk_bytes_per_entry: f64,
}

impl Figures {
    pub const HEADER: &str =
        "| log | entries/s | p50 µs | p99 µs | CPU µs/entry | disk bytes/entry |\n|---|---|---|---|---|---|";

    pub fn median(runs: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| middle(runs.iter().map(figure).collect());
        Self {
            entries_per_second: of(|run| run.entries_per_second),
            p50_micros: of(|run| run.p50_micros),
            p99_micros: of(|run| run.p99_micros),
            cpu_micros_per_entry: of(|run| run.cpu_micros_per_entry),
            disk_bytes_per_entry: of(|run| run.disk_bytes_per_entry),
        }
    }

    pub fn row(&self, name: &str) -> String {
        let Self { entries_per_second, p50_micros, p99_micros, .. } = self;
        let Self { cpu_micros_per_entry, disk_bytes_per_entry, .. } = self;
        format!(
            "| {name} | {entries_per_second:.0} | {p50_micros:.0} | {p99_micros:.0} | {cpu_micros_per_entry:.1} | \
             {disk_bytes_per_entry:.0} |"
        )
    }
}

pub fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What this process has used so far.
pub struct Usage {
    pub cpu_micros: f64,
    pub disk_bytes: f64,
}

impl Usage {
    pub fn now() -> Self {
        Self { cpu_micros: cpu_micros(), disk_bytes: disk_bytes() }
    }
}

/// User and system time, which the kernel counts in hundredths of a second.
fn cpu_micros() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("the process's times");
    let after_name = stat.rsplit_once(')').expect("a name in parentheses").1;
    let ticks =
        after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<f64>().expect("ticks"));
    ticks.sum::<f64>() * 1e4
}

fn disk_bytes() -> f64 {
    let io = fs::read_to_string("/proc/self/io").expect("the process's input and output");
    let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    written.and_then(|bytes| bytes.parse().ok()).expect("bytes written")
}
