//! `holdfast cluster replace`.

use clap::Args;
use serde_json::json;

use super::{How, Until, Wanted, change};
use crate::failure::Failure;

/// Which node, and by whom.
#[derive(Debug, Args)]
pub struct ReplaceArguments {
    /// The node that goes when another has taken its place: dead, wiped, or to be retired
    id: u64,
    /// The node that comes [default: the next that joins and has caught up]
    #[arg(long, value_name = "ID")]
    by: Option<u64>,
    #[command(flatten)]
    how: How,
}

pub(crate) async fn run(arguments: &ReplaceArguments) -> Result<(), Failure> {
    let ReplaceArguments { id, by, how } = arguments;
    let path = format!("/v1/cluster/nodes/{id}/replace");
    change(
        how,
        Wanted { body: by.map(|by| json!({"by": by})), until: Some(Until::Gone(*id)), ..Wanted::post(path) },
    )
    .await
}
