//! `/v1/cluster`: the nodes, as this one sees them; answered without a quorum too.

use axum::extract::State;
use holdfast_raft::{ClusterStatus, NodeStatus, Wish};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Endpoint;
use crate::http::{Answer, Call, Reply};
use crate::openapi::words;
use crate::service::Service;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Cluster)]
pub(crate) struct ClusterBody {
    cluster_id: String,
    /// The node that leads, as far as this one knows.
    leader: Option<u64>,
    term: u64,
    /// A change of voters was begun and is not finished.
    changing: bool,
    nodes: Vec<NodeBody>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Node)]
struct NodeBody {
    id: u64,
    #[schema(schema_with = words::node_role)]
    role: &'static str,
    /// Where it takes clients.
    listen: String,
    /// Where it takes other nodes.
    peer: String,
    applied_index: Option<u64>,
    /// Entries of the log that it has not applied yet, as the leader knows.
    lag: Option<u64>,
    /// What it is to be: voter, learner, removed, or replaced.
    #[schema(schema_with = words::node_wish)]
    wanted: &'static str,
    /// By whom it is to be replaced, if an operator said so.
    replaced_by: Option<u64>,
}

pub(crate) async fn show(State(service): State<Service>, call: Call) -> Answer {
    call.caller_here(&service, Endpoint::ReadCluster).await?;
    let ClusterStatus { cluster, leadership, is_changing, nodes, .. } = service.cluster();
    Reply::ok(&ClusterBody {
        cluster_id: cluster.to_string(),
        leader: leadership.leader,
        term: leadership.term,
        changing: is_changing,
        nodes: nodes.into_iter().map(node_body).collect(),
    })
}

fn node_body(node: NodeStatus) -> NodeBody {
    let (wanted, replaced_by) = match node.wish {
        Wish::Votes => ("voter", None),
        Wish::Learns => ("learner", None),
        Wish::Removed => ("removed", None),
        Wish::Replaced { by } => ("replaced", by),
    };
    NodeBody {
        id: node.id,
        role: if node.is_voter { "voter" } else { "learner" },
        listen: node.client_address,
        peer: node.peer_address,
        applied_index: node.progress.map(|progress| progress.applied_index),
        lag: node.progress.map(|progress| progress.lag),
        wanted,
        replaced_by,
    }
}
