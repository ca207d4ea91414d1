//! `holdfast cluster promote`.

use clap::Args;

use super::{How, Wanted, change};
use crate::failure::Failure;

/// Which node.
#[derive(Debug, Args)]
pub struct PromoteArguments {
    /// The learner that is to vote; also undoes drain, and remove or replace as long as the node is listed
    id: u64,
    #[command(flatten)]
    how: How,
}

pub(crate) async fn run(arguments: &PromoteArguments) -> Result<(), Failure> {
    let PromoteArguments { id, how } = arguments;
    change(how, Wanted::post(format!("/v1/cluster/nodes/{id}/promote"))).await
}
