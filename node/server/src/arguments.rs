//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A reservation store that neither oversells nor forgets: one binary, replicated through Raft.
#[derive(Debug, Parser)]
#[command(name = "holdfast", version, about, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Who has signed the certificates of the nodes at https:// endpoints, in PEM [default: whom this machine trusts]
    #[arg(long, global = true, value_name = "FILE", env = "HOLDFAST_CA", help_heading = "TLS")]
    pub(crate) ca: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a node of a cluster
    Start(StartArguments),
    /// Run one node in a temporary folder, for trying things out
    Dev(DevArguments),
    /// Start a local cluster, play a guest's day over real HTTP, kill the leader, and show that nothing was lost
    Demo(holdfast_cluster::DemoArguments),
    /// Load a cluster with bookings and print how fast it is
    Bench(holdfast_cluster::BenchArguments),
    /// Look at a cluster and change it
    #[command(subcommand)]
    Cluster(holdfast_cluster::ClusterVerb),
    /// Look at users and change them
    #[command(subcommand)]
    User(holdfast_cluster::UserVerb),
    /// Look at app servers and their secrets, and change them
    #[command(subcommand)]
    App(holdfast_cluster::AppVerb),
    /// Verify check-in codes without a network, with the keys of a file
    Scan(holdfast_cluster::ScanArguments),
    /// Print what happens, a line each, until stopped
    Watch(holdfast_cluster::WatchArguments),
    /// Make certificates for trying TLS out
    #[command(subcommand)]
    Cert(holdfast_cluster::CertVerb),
    /// Look at the settings
    #[command(subcommand)]
    Config(ConfigVerb),
}

#[derive(Debug, Args)]
pub(crate) struct StartArguments {
    /// Where this node keeps its data: identity, log/, state/, snapshots/
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// Where clients connect, HTTP and gRPC [default: 127.0.0.1:3000]; port 0 takes any and remembers it
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<String>,
    /// Where other nodes connect [default: 127.0.0.1:3001]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) peer_listen: Option<String>,
    /// Where operators' tools connect: /metrics, /livez, /readyz, /digest [default: 127.0.0.1:3002]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) admin_listen: Option<String>,
    /// What clients are told to connect to [default: the address of --listen]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) advertise: Option<String>,
    /// What other nodes are told to connect to [default: the address of --peer-listen]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) peer_advertise: Option<String>,
    /// Found a cluster of one, if the folder is empty
    #[arg(long)]
    pub(crate) init: bool,
    /// Peer addresses of a cluster to join, if the folder is empty; dead ones are passed over
    #[arg(long, value_name = "HOST:PORT,..", value_delimiter = ',')]
    pub(crate) join: Vec<String>,
    /// The join token of the cluster to join (holdfast cluster token); among loopback addresses none is needed. A secret:
    /// better in a file or in HOLDFAST_JOIN_TOKEN, as others on this machine can see command lines
    #[arg(long, value_name = "TOKEN")]
    pub(crate) join_token: Option<String>,
    /// A file with the join token, also HOLDFAST_JOIN_TOKEN_FILE; flags win over variables. A folder that is in a cluster
    /// already does not need it
    #[arg(long, value_name = "FILE")]
    pub(crate) join_token_file: Option<OsString>,
    /// Learn and serve reads, and do not vote until promoted: holdfast cluster promote ID
    #[arg(long)]
    pub(crate) learner: bool,
    /// A TOML file with settings; flags and HOLDFAST_* variables win over it
    #[arg(long, value_name = "FILE", env = "HOLDFAST_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The certificate that clients are shown, with its chain, in PEM; looked at again every two seconds
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<String>,
    /// Its private key in PEM, which nobody but its owner may be able to read
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<String>,
    /// Listen beyond loopback without TLS for clients; between nodes there is always TLS
    #[arg(long)]
    pub(crate) insecure: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DevArguments {
    /// Where clients connect
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:3000")]
    pub(crate) listen: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Print every setting, its value, and where the value comes from
    Show {
        /// A TOML file with settings
        #[arg(long, value_name = "FILE", env = "HOLDFAST_CONFIG")]
        config: Option<PathBuf>,
        /// How to print
        #[arg(short, long, value_enum, default_value = "table")]
        output: holdfast_cluster::OutputFormat,
    },
}
