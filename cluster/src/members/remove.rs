//! `holdfast cluster remove`.

use clap::Args;
use hyper::Method;

use super::{How, Until, Wanted, change};
use crate::failure::Failure;

/// Which node.
#[derive(Debug, Args)]
pub struct RemoveArguments {
    /// The node that goes; it stops within 10 s and never comes back
    id: u64,
    #[command(flatten)]
    how: How,
}

pub(crate) async fn run(arguments: &RemoveArguments) -> Result<(), Failure> {
    let RemoveArguments { id, how } = arguments;
    let path = format!("/v1/cluster/nodes/{id}");
    change(how, Wanted { method: Method::DELETE, path, body: None, until: Some(Until::Gone(*id)) }).await
}
