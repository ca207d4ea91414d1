//! The cluster of the demo: where it listens, and what it says once it stands.

use std::net::TcpListener;
use std::path::PathBuf;

use crate::demo::{DemoArguments, Stage, fact};
use crate::failure::Failure;
use crate::local::{LocalCluster, LocalOptions};

/// Client port of the first node, where people expect it.
const BASE_PORT: u16 = 3000;

pub(super) fn options(arguments: &DemoArguments, dir: PathBuf) -> Result<LocalOptions, Failure> {
    let is_kept = arguments.dir.is_some();
    let base_port = (!arguments.once && !is_kept && are_free(arguments.nodes)).then_some(BASE_PORT);
    Ok(LocalOptions {
        binary: std::env::current_exe()?,
        dir,
        nodes: usize::from(arguments.nodes),
        base_port,
        environment: environment(),
    })
}

/// The seeds without a log-in are to be tried as well.
fn environment() -> Vec<(String, String)> {
    let settings = [("HOLDFAST_LOG", "info"), ("HOLDFAST_FACADE_TRUST_DECLARED_IDENTITY", "true")];
    settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn are_free(nodes: u8) -> bool {
    let ports = (0..u16::from(nodes)).flat_map(|node| (0..3).map(move |port| BASE_PORT + 10 * node + port));
    ports.map(|port| TcpListener::bind(("127.0.0.1", port))).all(|bound| bound.is_ok())
}

pub(super) async fn open(cluster: LocalCluster) -> Result<Stage, Failure> {
    for (position, node) in cluster.nodes.iter().enumerate() {
        let (Some(addresses), Some(pid)) = (node.addresses, node.pid()) else { continue };
        fact(&format!("node {}  http://{}  pid {pid}", position + 1, addresses.listen));
    }
    let leader = cluster.leader().await?;
    fact(&format!("node {} leads", leader + 1));
    let operator = cluster.operator_api().await?;
    Ok(Stage { cluster, operator })
}
