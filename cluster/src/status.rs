//! `holdfast cluster status`.

use clap::Args;
use serde_json::Value;

use crate::api::Api;
use crate::failure::Failure;
use crate::output::{OutputFormat, print_line, print_rows};
use crate::sign_in;

/// Which cluster, and how to print.
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// Client addresses of some nodes
    #[arg(
        long,
        value_name = "HOST:PORT,..",
        value_delimiter = ',',
        env = "HOLDFAST_ENDPOINTS",
        default_value = "127.0.0.1:3000"
    )]
    endpoints: Vec<String>,
    /// How to print
    #[arg(short, long, value_enum, default_value = "table")]
    output: OutputFormat,
}

pub(crate) async fn run(arguments: &StatusArguments) -> Result<(), Failure> {
    let api = Api { endpoints: arguments.endpoints.clone(), token: Some(sign_in::token()?) };
    let cluster = api.get("/v1/cluster").await?;
    match arguments.output {
        OutputFormat::Json => print_line(&cluster.to_string()),
        OutputFormat::Table => print_table(&cluster),
    }
    verdict(&cluster)
}

fn verdict(cluster: &Value) -> Result<(), Failure> {
    match cluster["leader"].is_u64() {
        true => Ok(()),
        false => {
            let says = "the cluster has no leader: most of its voters are out of reach";
            Err(Failure::Unhealthy(says.to_owned()))
        }
    }
}

fn print_table(cluster: &Value) {
    let leader = &cluster["leader"];
    print_line(&format!(
        "cluster {}  term {}",
        cluster["clusterId"].as_str().unwrap_or("-"),
        cluster["term"]
    ));
    let nodes = cluster["nodes"].as_array().cloned().unwrap_or_default();
    let rows = nodes.into_iter().map(|mut node| {
        if node["wanted"] == node["role"] {
            // Nothing else is wanted of it.
            node["wanted"] = Value::Null;
        }
        if node["id"] == *leader {
            node["role"] = "leader".into();
        }
        node
    });
    let rows: Vec<Value> = rows.collect();
    print_rows(
        &rows,
        &["id", "role", "wanted", "listen", "peer", "appliedIndex", "lag"],
        OutputFormat::Table,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cluster_without_a_leader_is_not_well() {
        assert!(verdict(&json!({"leader": 2, "nodes": []})).is_ok());
        for without in [json!({"leader": null, "nodes": []}), json!({})] {
            assert_eq!(verdict(&without).unwrap_err().exit_code(), 7);
        }
    }
}
