//! `holdfast bench`: closed-loop clients book places, and what it cost is printed; or very much is due at once, while
//! others book.

mod due;
mod load;
mod report;
mod rush;
mod setup;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::api::Api;
use crate::failure::{self, Failure};
use crate::local::{LocalCluster, LocalOptions};
use crate::output::OutputFormat;
use crate::sign_in;

/// What load, on which cluster, for how long.
#[derive(Debug, Args)]
pub struct BenchArguments {
    /// Clients that book one place after the other
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) clients: u32,
    /// Seconds that are measured
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) seconds: u64,
    /// Seconds before that
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(0..=600))]
    pub(crate) warmup: u64,
    /// How the clients book
    #[arg(long, value_enum, default_value = "stream")]
    pub(crate) via: Via,
    /// Slots the bookings are spread over
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000), conflicts_with = "hot")]
    pub(crate) slots: u32,
    /// All book the same slot
    #[arg(long)]
    pub(crate) hot: bool,
    /// Places of each slot
    #[arg(long, default_value_t = 1_000_000_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    pub(crate) capacity: u32,
    /// Seats of each slot instead: every booking takes a seat of its own, by its label
    #[arg(long, value_name = "SEATS", value_parser = clap::value_parser!(u32).range(1..=100_000), conflicts_with = "capacity")]
    pub(crate) seats: Option<u32>,
    /// All clients want one seat of one slot, once: it ends when everybody has a seat or knows that there is none
    #[arg(long, requires = "seats", conflicts_with_all = ["slots", "hot"])]
    pub(crate) rush: bool,
    /// So many bookings become ready at one moment, and at another their parties have not come, while others book: how long
    /// that takes, and who waits for it
    #[arg(long, value_name = "BOOKINGS", num_args = 0..=1, default_missing_value = "100000", value_parser = clap::value_parser!(u32).range(1..=1_000_000), conflicts_with_all = ["rush", "seats", "hot", "via", "endpoints"])]
    pub(crate) due: Option<u32>,
    /// Bookings a second meanwhile, however long each takes
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=50_000), requires = "due")]
    pub(crate) rate: u32,
    /// Connections that the clients share, over the stream or unary calls
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) connections: u32,
    /// Nodes of the bench's own cluster
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=7), conflicts_with = "endpoints")]
    pub(crate) nodes: u32,
    /// Load this cluster instead of an own one; HOLDFAST_TOKEN or HOLDFAST_TOKEN_FILE is then an operator's access token
    #[arg(long, value_name = "HOST:PORT,..", value_delimiter = ',', env = "HOLDFAST_ENDPOINTS")]
    pub(crate) endpoints: Vec<String>,
    /// Where the bench's own cluster keeps its data [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// How to print
    #[arg(short, long, value_enum, default_value = "table")]
    pub(crate) output: OutputFormat,
}

/// How clients book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Via {
    /// Many calls in flight on a gRPC stream
    Stream,
    /// One gRPC call each
    Unary,
    /// One HTTP request each
    Http,
}

/// Loads a cluster and prints how fast it was.
///
/// # Errors
///
/// If the cluster cannot be set up, or what it holds afterwards is not what it acknowledged.
pub fn run(arguments: &BenchArguments) -> Result<(), Failure> {
    failure::block_on(async {
        if arguments.endpoints.is_empty() {
            return run_own(arguments).await;
        }
        eprintln!("loading the cluster at {}", arguments.endpoints.join(", "));
        let operator = Api { endpoints: arguments.endpoints.clone(), token: Some(sign_in::token()?) };
        measure(arguments, operator, None).await
    })
}

async fn run_own(arguments: &BenchArguments) -> Result<(), Failure> {
    let temporary = tempfile::tempdir()?;
    let dir = arguments.dir.clone().unwrap_or_else(|| temporary.path().to_owned());
    eprintln!("starting {} nodes in {}", arguments.nodes, dir.display());
    let mut environment = vec![("HOLDFAST_LOG".to_owned(), "warn".to_owned())];
    // What guests are told when something is due goes through everything but the network.
    environment.extend(arguments.due.map(|_| ("HOLDFAST_NOTIFICATIONS_LOG".to_owned(), "true".to_owned())));
    let options = LocalOptions {
        binary: std::env::current_exe()?,
        dir,
        nodes: arguments.nodes as usize,
        base_port: None,
        environment,
    };
    let cluster = LocalCluster::start(options).await?;
    let operator = cluster.operator_api().await?;
    measure(arguments, operator, Some(&cluster)).await
}

async fn measure(
    arguments: &BenchArguments,
    operator: Api,
    cluster: Option<&LocalCluster>,
) -> Result<(), Failure> {
    eprintln!("opening slots and signing customers up");
    let stage = setup::prepare(arguments, &operator).await?;
    let (warmup, measured) = (Duration::from_secs(arguments.warmup), Duration::from_secs(arguments.seconds));
    if let (Some(count), Some(cluster)) = (arguments.due, cluster) {
        return due::run(arguments, count, &stage, cluster).await;
    }
    if arguments.rush {
        return rush::run(arguments, &stage, &operator).await;
    }
    eprintln!("{} clients book for {} s", arguments.clients, arguments.warmup + arguments.seconds);
    let running = load::start(arguments, &stage)?;
    tokio::time::sleep(warmup).await;
    let before = report::Costs::now(cluster).await;
    running.begin();
    tokio::time::sleep(measured).await;
    running.end();
    let after = report::Costs::now(cluster).await;
    let tally = running.finish().await?;
    let booked = stage.count_booked(&operator).await?;
    let report = report::Report::new(arguments, &tally, &before, &after, booked);
    report.print(arguments.output);
    report.verdict()
}
