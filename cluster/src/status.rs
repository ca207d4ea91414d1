//! `holdfast cluster status`.

use clap::Args;
use serde_json::Value;

use crate::failure::Failure;
use crate::http::Api;
use crate::output::{OutputFormat, print_line, print_rows};

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
    let api = Api { endpoints: arguments.endpoints.clone(), token: Some(token()?) };
    let cluster = api.get("/v1/cluster").await?;
    match arguments.output {
        OutputFormat::Json => print_line(&cluster.to_string()),
        OutputFormat::Table => print_table(&cluster),
    }
    if cluster["leader"].is_null() {
        let says = "the cluster has no leader: most of its voters are out of reach";
        return Err(Failure::Unhealthy(says.to_owned()));
    }
    Ok(())
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
        if node["id"] == *leader {
            node["role"] = "leader".into();
        }
        node
    });
    let rows: Vec<Value> = rows.collect();
    print_rows(&rows, &["id", "role", "listen", "peer", "appliedIndex", "lag"], OutputFormat::Table);
}

/// The operator's token, from the environment: never on a command line, where others could read it.
fn token() -> Result<String, Failure> {
    if let Ok(token) = std::env::var("HOLDFAST_TOKEN") {
        return Ok(token);
    }
    match std::env::var("HOLDFAST_TOKEN_FILE") {
        Ok(path) => {
            let unreadable = |error: std::io::Error| Failure::Usage(format!("HOLDFAST_TOKEN_FILE: {path}: {error}"));
            Ok(std::fs::read_to_string(&path).map_err(unreadable)?.trim().to_owned())
        }
        Err(_) => Err(Failure::Usage(
            "who asks? set HOLDFAST_TOKEN or HOLDFAST_TOKEN_FILE to an operator's access token (POST /auth/login gives one)"
                .to_owned(),
        )),
    }
}
