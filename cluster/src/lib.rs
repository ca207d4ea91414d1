//! Many nodes at once: operator verbs, the demo, the load generator, and local clusters of child processes.

mod api;
mod bench;
mod cert;
mod demo;
mod failure;
mod http;
mod local;
mod output;
mod park;
mod proc;
mod rotate;
mod sign_in;
mod status;
mod tls;
mod token;

use clap::Subcommand;

pub use api::Api;
pub use bench::{BenchArguments, run as bench};
pub use cert::{CertVerb, cert};
pub use demo::{DemoArguments, run as demo};
pub use failure::Failure;
pub use http::{Connection, Reply};
pub use local::{Addresses, LocalCluster, LocalNode, LocalOptions, Operator};
pub use output::{OutputFormat, print_rows};
pub use tls::trust;

/// What an operator can do with a cluster.
#[derive(Debug, Subcommand)]
pub enum ClusterVerb {
    /// Show the nodes, who leads, and how far each has come
    Status(status::StatusArguments),
    /// Give a node another key; no caller and no other node notices
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
        ClusterVerb::RotateKey(arguments) => failure::block_on(rotate::run(arguments)),
        ClusterVerb::Token(arguments) => failure::block_on(token::run(arguments)),
    }
}
