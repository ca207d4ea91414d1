//! `/v1/cluster`, described.

use serde_json::{Value, json};

use crate::access::Endpoint;
use crate::http::v1::cluster::ClusterBody;
use crate::http::v1::members::{ChangeBody, ReplaceBody, TransferBody};
use crate::http::v1::node_keys::Body as JoinTokenBody;
use crate::openapi::answers::answer;
use crate::openapi::codes::{
    ALREADY_LEADS, CANNOT_REPLACE, CHANGE_UNDER_WAY, Code, INVALID, LAST_VOTER, NO_SUCCESSOR, NODE_LAGS,
    NODE_LEAVES, NODE_NOT_FOUND, NODE_SILENT, NODES_AWAY, NOT_A_VOTER, OLD_COPY, OTHER_NODE, OUTCOME_UNKNOWN,
    OVERLOADED, TOO_SOON, TRANSFER_FAILED, VOTERS_FULL, WOULD_LOSE_QUORUM,
};
use crate::openapi::operation::{Operation, delete, get, post};
use crate::openapi::parameters::{id, query};
use crate::openapi::schemas::{Shape, flag, moment, number, object, of, text};

/// Why members stay as they are.
const OF_MEMBERS: &[Code] = &[
    NODE_NOT_FOUND,
    WOULD_LOSE_QUORUM,
    LAST_VOTER,
    VOTERS_FULL,
    NODE_LAGS,
    NODE_SILENT,
    NOT_A_VOTER,
    ALREADY_LEADS,
    NODE_LEAVES,
    NO_SUCCESSOR,
    CANNOT_REPLACE,
    CHANGE_UNDER_WAY,
    TRANSFER_FAILED,
    TOO_SOON,
    OUTCOME_UNKNOWN,
];

const JOIN_TOKEN: Shape = |_| object(&[("token", text()), ("clusterId", text()), ("expiresAt", moment())]);
const NODE_KEY: Shape = |_| object(&[("node", number()), ("kid", text())]);

pub(in crate::openapi) fn operations() -> Vec<Operation> {
    vec![
        get("/v1/cluster", "Show the nodes, as this one sees them")
            .about("Answered without a quorum too.")
            .by(Endpoint::ReadCluster)
            .answers(answer(200, "The cluster.", of::<ClusterBody>, cluster())),
        wished(post("/v1/cluster/transfer", "Let another node lead"))
            .body_if_any(of::<TransferBody>, json!({"to": 2})),
        of_node(delete("/v1/cluster/nodes/{id}", "Remove a node for good")),
        of_node(post("/v1/cluster/nodes/{id}/promote", "Let a learner vote")),
        of_node(post("/v1/cluster/nodes/{id}/drain", "Let a node neither lead nor vote")),
        of_node(post("/v1/cluster/nodes/{id}/replace", "Let another node take the place of one"))
            .body_if_any(of::<ReplaceBody>, json!({"by": 4})),
        post("/v1/cluster/nodes/{id}/rotate-key", "Give this node another key")
            .about("Asked of the node itself; voids the join tokens that it has made.")
            .by(Endpoint::ChangeNodeKey)
            .with(id("id", "The node."))
            .answers(answer(
                200,
                "The key it signs with from now on.",
                NODE_KEY,
                json!({"node": 1, "kid": "1-2"}),
            ))
            .refuses(&[
                NODE_NOT_FOUND,
                OTHER_NODE,
                NODES_AWAY,
                CHANGE_UNDER_WAY,
                OLD_COPY,
                OVERLOADED,
                OUTCOME_UNKNOWN,
            ]),
        post("/v1/cluster/tokens", "Make what lets new nodes into the cluster")
            .by(Endpoint::MakeJoinToken)
            .body(of::<JoinTokenBody>, json!({"ttlSeconds": 3600}))
            .answers(answer(201, "The join token.", JOIN_TOKEN, join_token()))
            .refuses(&[INVALID]),
    ]
}

fn of_node(operation: Operation) -> Operation {
    wished(operation.with(id("id", "The node.")))
}

/// What all calls have in common by which operators say what they want of members.
fn wished(operation: Operation) -> Operation {
    let about = "Asking for the same again is safe, at any node.";
    operation
        .about(about)
        .by(Endpoint::ChangeMembers)
        .with(query("dryRun", "Only say what would be done.", flag()))
        .answers(answer(200, "It is done, or this is what would be.", of::<ChangeBody>, change(true)))
        .answers(answer(202, "It is taken up; the leader goes on with it.", of::<ChangeBody>, change(false)))
        .refuses(OF_MEMBERS)
}

fn change(done: bool) -> Value {
    match done {
        true => json!({"dryRun": false, "done": true, "steps": [], "waitsFor": null}),
        false => {
            json!({"dryRun": false, "done": false, "steps": ["node 4 votes"], "waitsFor": "node 4 has 120 entries to go"})
        }
    }
}

fn join_token() -> Value {
    let id = "4f1d7c52-30d2-4c3a-9d70-5f0f2a6f3b11";
    json!({"token": "hfj1_...", "clusterId": id, "expiresAt": "2030-06-20T09:30:00Z"})
}

fn cluster() -> Value {
    json!({
        "clusterId": "4f1d7c52-30d2-4c3a-9d70-5f0f2a6f3b11",
        "leader": 1,
        "term": 3,
        "changing": false,
        "nodes": [{
            "id": 1, "role": "voter", "listen": "10.0.0.1:3000", "peer": "10.0.0.1:3001", "appliedIndex": 1042,
            "lag": 0, "wanted": "voter", "replacedBy": null,
        }],
    })
}
