//! The cluster as operators run it over gRPC: what HTTP shows and refuses, and the same changes.

use std::time::Duration;

use holdfast_processes::{Grpc, GrpcReply, Recorder, Stage, arrive, beside, until};
use holdfast_proto::v1 as proto;
use prost::Message;
use serde_json::Value;

/// A change of members, and what was to be heard of it, has come by then.
const PATIENCE: Duration = Duration::from_secs(30);

async fn ask(stage: &Stage, node: usize, token: &str, method: &str, message: &impl Message) -> GrpcReply {
    let bearer = format!("Bearer {token}");
    let mut grpc = Grpc::connect(&stage.address(node)).await;
    grpc.call(&format!("holdfast.v1.Cluster/{method}"), &[("authorization", &bearer)], message).await
}

/// Calls a node as the operator.
async fn operate<T: Message + Default>(
    stage: &Stage,
    node: usize,
    method: &str,
    message: &impl Message,
) -> Result<T, String> {
    let token = stage.operator.token.as_deref().unwrap();
    let reply = ask(stage, node, token, method, message).await;
    match reply.status {
        "OK" => Ok(T::decode(reply.messages[0].clone()).unwrap()),
        refused => Err(format!("{refused} {}", reply.reason)),
    }
}

async fn status(stage: &Stage, node: usize) -> proto::ClusterStatus {
    operate(stage, node, "GetStatus", &proto::GetStatusRequest {}).await.unwrap()
}

async fn id_of(stage: &Stage, node: usize) -> u64 {
    let (_, ready) = stage.cluster.nodes[node].look("/readyz").await.unwrap();
    ready["node"].as_u64().unwrap()
}

/// What HTTP shows of a node, in the same order.
fn shown(node: &Value) -> (u64, String, String, String, String) {
    let text = |name: &str| node[name].as_str().unwrap().to_owned();
    (node["id"].as_u64().unwrap(), text("role"), text("listen"), text("peer"), text("wanted"))
}

fn seen(node: &proto::ClusterNode) -> (u64, String, String, String, String) {
    let last = |name: &str| name.rsplit('_').next().unwrap().to_lowercase();
    let (role, wanted) = (last(node.role().as_str_name()), last(node.wanted().as_str_name()));
    (node.id, role, node.listen.clone(), node.peer.clone(), wanted)
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_shows_and_refuses_what_http_does() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let guest = arrive(&stage, &Recorder::default(), 1).await.remove(0);
    let over_http = stage.operator.get("/v1/cluster").await.unwrap();
    let nodes: Vec<_> = over_http["nodes"].as_array().unwrap().iter().map(shown).collect();
    for node in 0..3 {
        let status = status(&stage, node).await;
        assert_eq!(
            (status.cluster_id.as_str(), status.changing),
            (over_http["clusterId"].as_str().unwrap(), false)
        );
        assert_eq!(status.leader, over_http["leader"].as_u64());
        assert_eq!(status.nodes.iter().map(seen).collect::<Vec<_>>(), nodes);
    }
    let (nobody, dry_run) = (proto::RemoveNodeRequest { node: 999, dry_run: false }, true);
    let methods = [
        ("GetStatus", proto::GetStatusRequest {}.encode_to_vec()),
        ("MakeJoinToken", proto::MakeJoinTokenRequest::default().encode_to_vec()),
        ("RemoveNode", nobody.encode_to_vec()),
        ("PromoteNode", proto::PromoteNodeRequest { node: 999, dry_run }.encode_to_vec()),
        ("DrainNode", proto::DrainNodeRequest { node: 999, dry_run }.encode_to_vec()),
        ("ReplaceNode", proto::ReplaceNodeRequest { node: 999, by: None, dry_run }.encode_to_vec()),
        ("TransferLeader", proto::TransferLeaderRequest { to: Some(999), dry_run }.encode_to_vec()),
        ("RotateKey", proto::RotateKeyRequest { node: 999 }.encode_to_vec()),
    ];
    for (method, body) in methods {
        let mut grpc = Grpc::connect(&stage.address(1)).await;
        let body = holdfast_processes::framed(&body);
        let method = format!("holdfast.v1.Cluster/{method}");
        let mut verdict = async |bearer: &str| {
            let reply = grpc.call_bytes(&method, &[("authorization", bearer)], body.clone()).await;
            format!("{} {}", reply.status, reply.reason)
        };
        assert_eq!(verdict("Bearer nobody").await, "UNAUTHENTICATED unauthenticated", "{method}");
        let guest = format!("Bearer {}", guest.token);
        assert_eq!(verdict(&guest).await, "PERMISSION_DENIED forbidden", "{method}");
        let operator = format!("Bearer {}", stage.operator.token.as_deref().unwrap());
        let expected = match method.as_str() {
            "holdfast.v1.Cluster/GetStatus" | "holdfast.v1.Cluster/MakeJoinToken" => "OK ",
            _ => "NOT_FOUND node_not_found",
        };
        assert_eq!(verdict(&operator).await, expected, "{method}");
    }
    let refused = operate::<proto::JoinToken>(
        &stage,
        0,
        "MakeJoinToken",
        &proto::MakeJoinTokenRequest { ttl_seconds: Some(0) },
    );
    assert_eq!(refused.await.unwrap_err(), "INVALID_ARGUMENT invalid");
    let other = proto::RotateKeyRequest { node: id_of(&stage, 1).await };
    let refused = operate::<proto::RotateKeyReply>(&stage, 0, "RotateKey", &other).await;
    assert_eq!(refused.unwrap_err(), "FAILED_PRECONDITION other_node");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_over_grpc() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let token: proto::JoinToken =
        operate(&stage, 2, "MakeJoinToken", &proto::MakeJoinTokenRequest { ttl_seconds: Some(60) })
            .await
            .unwrap();
    assert_eq!(token.cluster_id, status(&stage, 0).await.cluster_id);
    assert!(!token.token.is_empty() && token.expires_at_ms > 0);

    let (leader, follower) = (stage.cluster.leader().await.unwrap(), stage.follower().await);
    let (old, new) = (id_of(&stage, leader).await, id_of(&stage, follower).await);
    let transfer = |dry_run| proto::TransferLeaderRequest { to: Some(new), dry_run };
    let planned: proto::MembersChange =
        operate(&stage, leader, "TransferLeader", &transfer(true)).await.unwrap();
    assert!(planned.dry_run && !planned.steps.is_empty(), "{planned:?}");
    assert_eq!(status(&stage, leader).await.leader, Some(old), "nothing was done");
    let moved: proto::MembersChange =
        operate(&stage, leader, "TransferLeader", &transfer(false)).await.unwrap();
    assert!(moved.done && !moved.dry_run, "{moved:?}");
    until("the other one leads", PATIENCE, async || {
        (status(&stage, follower).await.leader == Some(new)).then_some(())
    })
    .await;

    let key = until("the key is changed", PATIENCE, async || {
        let rotate = proto::RotateKeyRequest { node: new };
        let rotated = operate::<proto::RotateKeyReply>(&stage, follower, "RotateKey", &rotate).await;
        let waits = ["FAILED_PRECONDITION nodes_away", "UNAVAILABLE no_quorum"];
        rotated.inspect_err(|refused| assert!(waits.contains(&refused.as_str()), "{refused}")).ok()
    })
    .await;
    assert_eq!((key.node, key.kid), (new, format!("{new}-2")));

    let drain = proto::DrainNodeRequest { node: old, dry_run: false };
    let promote = proto::PromoteNodeRequest { node: old, dry_run: false };
    let remove = proto::RemoveNodeRequest { node: old, dry_run: false };
    let wanted = async |what: &str| {
        until(what, PATIENCE, async || {
            let status = status(&stage, follower).await;
            let node = status.nodes.iter().find(|node| node.id == old);
            let is_so = match node.map(seen) {
                None => what == "removed",
                Some((_, role, _, _, wanted)) => role == what && wanted == what,
            };
            (is_so && !status.changing).then_some(())
        })
        .await;
    };
    operate::<proto::MembersChange>(&stage, follower, "DrainNode", &drain).await.unwrap();
    wanted("learner").await;
    operate::<proto::MembersChange>(&stage, follower, "PromoteNode", &promote).await.unwrap();
    wanted("voter").await;
    operate::<proto::MembersChange>(&stage, follower, "RemoveNode", &remove).await.unwrap();
    wanted("removed").await;
}
