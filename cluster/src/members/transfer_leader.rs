//! `holdfast cluster transfer-leader`.

use clap::Args;
use serde_json::json;

use super::{How, Wanted, change};
use crate::failure::Failure;

/// To whom.
#[derive(Debug, Args)]
pub struct TransferLeaderArguments {
    /// The voter that is to lead [default: the one that has come furthest]
    id: Option<u64>,
    #[command(flatten)]
    how: How,
}

pub(crate) async fn run(arguments: &TransferLeaderArguments) -> Result<(), Failure> {
    let TransferLeaderArguments { id, how } = arguments;
    let body = id.map(|id| json!({"to": id}));
    change(how, Wanted { body, ..Wanted::post("/v1/cluster/transfer".to_owned()) }).await
}
