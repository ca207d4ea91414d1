//! Many nodes at once: operator verbs, the demo, the load generator, and local clusters of child processes.

mod api;
mod apps;
mod bench;
mod cert;
mod demo;
mod failure;
mod http;
mod local;
mod members;
mod output;
mod park;
mod passwords;
mod proc;
mod rotate;
mod scan;
mod sign_in;
mod status;
mod target;
mod tls;
mod token;
mod users;
mod watch;

use clap::Subcommand;

pub use api::Api;
pub use apps::{AppVerb, manage as manage_apps};
pub use bench::{BenchArguments, run as bench};
pub use cert::{CertVerb, cert};
pub use demo::{DemoArguments, run as demo};
pub use failure::Failure;
pub use http::{Connection, Reply};
pub use local::{Addresses, LocalCluster, LocalNode, LocalOptions, Operator};
pub use output::{OutputFormat, print_rows};
pub use scan::{ScanArguments, scan};
pub use tls::trust;
pub use users::{UserVerb, manage as manage_users};
pub use watch::{WatchArguments, watch};

/// What an operator can do with a cluster.
#[derive(Debug, Subcommand)]
pub enum ClusterVerb {
    /// Show the nodes, who leads, and how far each has come
    Status(status::StatusArguments),
    /// Remove a node for good; if it leads, leadership is handed over first
    Remove(members::remove::RemoveArguments),
    /// Let a learner vote, and forget what else was wanted of it
    Promote(members::promote::PromoteArguments),
    /// Let another node take the place of one that is dead, wiped, or to be retired
    Replace(members::replace::ReplaceArguments),
    /// Let another node lead
    TransferLeader(members::transfer_leader::TransferLeaderArguments),
    /// Let a node neither lead nor vote, so that it can be stopped; promote undoes it
    Drain(members::drain::DrainArguments),
    /// Give a node another key, and void the join tokens that it has made; nothing else notices
    RotateKey(rotate::RotateArguments),
    /// Make a token that lets new nodes into the cluster
    Token(token::TokenArguments),
}

/// Does an operator's verb.
///
/// # Errors
///
/// See [`Failure`].
pub fn operate(verb: &ClusterVerb) -> Result<(), Failure> {
    match verb {
        ClusterVerb::Status(arguments) => failure::block_on(status::run(arguments)),
        ClusterVerb::Remove(arguments) => failure::block_on(members::remove::run(arguments)),
        ClusterVerb::Promote(arguments) => failure::block_on(members::promote::run(arguments)),
        ClusterVerb::Replace(arguments) => failure::block_on(members::replace::run(arguments)),
        ClusterVerb::TransferLeader(arguments) => failure::block_on(members::transfer_leader::run(arguments)),
        ClusterVerb::Drain(arguments) => failure::block_on(members::drain::run(arguments)),
        ClusterVerb::RotateKey(arguments) => failure::block_on(rotate::run(arguments)),
        ClusterVerb::Token(arguments) => failure::block_on(token::run(arguments)),
    }
}
