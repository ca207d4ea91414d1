//! `holdfast cluster rotate-key`.

use clap::Args;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::{OutputFormat, print_line};
use crate::target::Target;
use crate::tls;

/// Which node, of which cluster, and how to print.
#[derive(Debug, Args)]
pub struct RotateArguments {
    /// The id of the node
    id: u64,
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(arguments: &RotateArguments) -> Result<(), Failure> {
    let id = arguments.id;
    let mut api = arguments.target.api()?;
    let cluster = api.get("/v1/cluster").await?;
    let address =
        address_of(&cluster, id).ok_or_else(|| Failure::Refused(format!("there is no node {id}")))?;
    // Only the node itself has its key.
    let is_secured = arguments.target.endpoints.iter().any(|endpoint| tls::parts(endpoint).0);
    api.endpoints = vec![if is_secured { format!("https://{address}") } else { address }];
    let changed = api.post(&format!("/v1/cluster/nodes/{id}/rotate-key"), json!({})).await?;
    match arguments.target.output {
        OutputFormat::Json => print_line(&changed.to_string()),
        OutputFormat::Table => {
            let kid = changed["kid"].as_str().unwrap_or_default();
            print_line(&format!(
                "node {id} signs with key {kid}; what the one before has signed stays valid, but for join tokens"
            ));
        }
    }
    Ok(())
}

fn address_of(cluster: &Value, id: u64) -> Option<String> {
    let node = cluster["nodes"].as_array()?.iter().find(|node| node["id"] == id)?;
    node["listen"].as_str().map(str::to_owned)
}
