//! `holdfast cluster status`.

use clap::Args;
use serde_json::Value;

use crate::failure::Failure;
use crate::output::{OutputFormat, print_line, print_rows};
use crate::target::Target;

/// Which cluster, and how to print.
#[derive(Debug, Args)]
pub struct StatusArguments {
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(arguments: &StatusArguments) -> Result<(), Failure> {
    let api = arguments.target.api()?;
    let cluster = api.get("/v1/cluster").await?;
    match arguments.target.output {
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
