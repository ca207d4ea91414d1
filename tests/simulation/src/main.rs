//! Runs seeds one after the other and says what became of each, one line of JSON a seed. `cargo xtask simulate` runs one
//! such process a core.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use holdfast_simulation::run::{FAULTS_MS, RunOptions, run};
use serde_json::json;

/// One seed in so many is run twice; the traces must agree.
const TWICE_EVERY: u64 = 50;

/// Simulates clusters under faults; see `cargo xtask simulate`.
#[derive(Parser)]
struct Arguments {
    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// From one seed to the next
    #[arg(long, default_value_t = 1)]
    step: u64,
    /// Stop after so many seconds
    #[arg(long)]
    seconds: Option<u64>,
    /// How long things go wrong, in simulated milliseconds
    #[arg(long, default_value_t = FAULTS_MS)]
    faults_ms: u64,
    /// Run every seed twice
    #[arg(long)]
    twice: bool,
    /// Show all that happens on stderr
    #[arg(long)]
    show: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if std::env::var_os("RUST_LOG").is_some() {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        let logging = tracing_subscriber::fmt().with_env_filter(filter).without_time().with_ansi(false);
        logging.with_writer(std::io::stderr).init();
    }
    let ends_at = arguments.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut has_failed = false;
    for number in 0..arguments.seeds {
        if ends_at.is_some_and(|ends_at| Instant::now() >= ends_at) {
            break;
        }
        has_failed |= !one(arguments.seed + number * arguments.step, &arguments);
    }
    if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn one(seed: u64, arguments: &Arguments) -> bool {
    say(&json!({"begins": seed}));
    let options = RunOptions { seed, faults_ms: arguments.faults_ms, is_shown: arguments.show };
    let began_at = Instant::now();
    let mut report = run(&options);
    let mut ran_twice = false;
    if report.failure.is_none() && (arguments.twice || seed.is_multiple_of(TWICE_EVERY)) {
        ran_twice = true;
        let again = run(&options);
        if again.hash != report.hash {
            let why = format!("not deterministic: trace {:016x}, then {:016x}", report.hash, again.hash);
            report.failure = Some(why);
        }
    }
    let mut line = report.to_json();
    line["twice"] = ran_twice.into();
    line["wallMs"] = u64::try_from(began_at.elapsed().as_millis()).unwrap_or(u64::MAX).into();
    say(&line);
    report.failure.is_none()
}

fn say(line: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    // Whoever listened is gone, and so soon are we.
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}
