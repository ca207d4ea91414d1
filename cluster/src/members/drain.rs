//! `holdfast cluster drain`.

use clap::Args;

use super::{How, Wanted, change};
use crate::failure::Failure;

/// Which node.
#[derive(Debug, Args)]
pub struct DrainArguments {
    /// The node that is neither to lead nor to vote until it is promoted
    id: u64,
    #[command(flatten)]
    how: How,
}

pub(crate) async fn run(arguments: &DrainArguments) -> Result<(), Failure> {
    let DrainArguments { id, how } = arguments;
    change(how, Wanted::post(format!("/v1/cluster/nodes/{id}/drain"))).await
}
