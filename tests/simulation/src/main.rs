//! Runs seeds one after the other and says what became of each, one line of JSON a seed. `cargo xtask simulate` runs one
//! such process a core.

use std::io::Write as _;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use clap::Parser;
use holdfast_simulation::run::{FAULTS_MS, RunOptions, run};
use serde_json::{Value, json};

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
    /// Show all that happens on stderr; for one seed, in this very process
    #[arg(long)]
    show: bool,
    /// Run one seed in this very process
    #[arg(long)]
    here: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if std::env::var_os("RUST_LOG").is_some() {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        let logging = tracing_subscriber::fmt().with_env_filter(filter).without_time().with_ansi(false);
        logging.with_writer(std::io::stderr).init();
    }
    if arguments.here || arguments.show {
        let options =
            RunOptions { seed: arguments.seed, faults_ms: arguments.faults_ms, is_shown: arguments.show };
        let report = run(&options);
        say(&report.to_json());
        return if report.failure.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
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

/// Runs a seed, perhaps twice; whether it held.
fn one(seed: u64, arguments: &Arguments) -> bool {
    let began_at = Instant::now();
    let mut report = apart(seed, arguments);
    let runs_twice = report["failure"].is_null() && (arguments.twice || seed.is_multiple_of(TWICE_EVERY));
    if runs_twice {
        let (first, again) = (report["hash"].clone(), apart(seed, arguments)["hash"].clone());
        if again != first {
            report["failure"] = format!("not deterministic: trace {first}, then {again}").into();
        }
    }
    report["twice"] = runs_twice.into();
    report["wallMs"] = u64::try_from(began_at.elapsed().as_millis()).unwrap_or(u64::MAX).into();
    say(&report);
    report["failure"].is_null()
}

/// Runs a seed in a process of its own: nothing that happened before can change what happens there, and nothing that it
/// does can end the others.
fn apart(seed: u64, arguments: &Arguments) -> Value {
    let failed = |why: String| json!({"seed": seed, "failure": why});
    let ran = std::env::current_exe().and_then(|own| {
        let mut command = Command::new(own);
        command.args(["--here", "--seed", &seed.to_string()]);
        command.args(["--faults-ms", &arguments.faults_ms.to_string()]);
        command.env_remove("RUST_LOG").output()
    });
    match ran {
        Err(error) => failed(format!("it did not run: {error}")),
        Ok(output) => serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            failed(format!("its process ended with {}: {said}", output.status))
        }),
    }
}

fn say(line: &Value) {
    let mut out = std::io::stdout().lock();
    // Whoever listened is gone, and so soon are we.
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}
