//! `Cluster`: the calls of `/v1/cluster`, with the same answers.

#[cfg(test)]
mod tests;

use holdfast_proto::v1 as proto;
use holdfast_proto::v1::cluster_server::Cluster;
use holdfast_raft::{Change, ClusterStatus, Goal, NodeStatus, Wish};
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use crate::access::Endpoint;
use crate::grpc::{Grpc, bearer, remote};
use crate::problem::Result;

type Answer<T> = std::result::Result<Response<T>, Status>;

impl Grpc {
    async fn change_members<T>(
        &self,
        request: Request<T>,
        goal: impl FnOnce(T) -> (Goal, bool),
    ) -> Answer<proto::MembersChange> {
        let started_at = Instant::now();
        let changed = async {
            let deadline = self.deadline(&request);
            let caller = self.caller(&request, Endpoint::ChangeMembers, deadline).await?;
            let (goal, dry_run) = goal(request.into_inner());
            let change = self.service.change_members(caller, goal, dry_run, deadline).await?;
            Ok(change_of(change, dry_run))
        };
        self.answer(changed.await, started_at)
    }

    async fn status(&self, request: &Request<proto::GetStatusRequest>) -> Result<proto::ClusterStatus> {
        self.service.limits().count_address(remote(request))?;
        let token = bearer(request.metadata())?;
        self.service.admit_here(Endpoint::ReadCluster, token, self.deadline(request)).await?;
        Ok(status_of(self.service.cluster()))
    }

    async fn join_token(&self, request: &Request<proto::MakeJoinTokenRequest>) -> Result<proto::JoinToken> {
        let deadline = self.deadline(request);
        let caller = self.caller(request, Endpoint::MakeJoinToken, deadline).await?;
        let token = self.service.make_join_token(caller, request.get_ref().ttl_seconds, deadline).await?;
        Ok(proto::JoinToken {
            token: token.to_string(),
            cluster_id: self.service.cluster().cluster.to_string(),
            expires_at_ms: token.expires_at().0,
        })
    }

    async fn rotated_key(&self, request: &Request<proto::RotateKeyRequest>) -> Result<proto::RotateKeyReply> {
        let deadline = self.deadline(request);
        let caller = self.caller(request, Endpoint::ChangeNodeKey, deadline).await?;
        let node = request.get_ref().node;
        let kid = self.service.rotate_key(caller, node, deadline).await?;
        Ok(proto::RotateKeyReply { node, kid })
    }
}

#[tonic::async_trait]
impl Cluster for Grpc {
    async fn get_status(&self, request: Request<proto::GetStatusRequest>) -> Answer<proto::ClusterStatus> {
        let started_at = Instant::now();
        self.answer(self.status(&request).await, started_at)
    }

    async fn make_join_token(
        &self,
        request: Request<proto::MakeJoinTokenRequest>,
    ) -> Answer<proto::JoinToken> {
        let started_at = Instant::now();
        self.answer(self.join_token(&request).await, started_at)
    }

    async fn remove_node(&self, request: Request<proto::RemoveNodeRequest>) -> Answer<proto::MembersChange> {
        self.change_members(request, |asked| (Goal::Remove { node: asked.node }, asked.dry_run)).await
    }

    async fn promote_node(
        &self,
        request: Request<proto::PromoteNodeRequest>,
    ) -> Answer<proto::MembersChange> {
        self.change_members(request, |asked| (Goal::Promote { node: asked.node }, asked.dry_run)).await
    }

    async fn drain_node(&self, request: Request<proto::DrainNodeRequest>) -> Answer<proto::MembersChange> {
        self.change_members(request, |asked| (Goal::Drain { node: asked.node }, asked.dry_run)).await
    }

    async fn replace_node(
        &self,
        request: Request<proto::ReplaceNodeRequest>,
    ) -> Answer<proto::MembersChange> {
        let goal = |asked: proto::ReplaceNodeRequest| Goal::Replace { node: asked.node, by: asked.by };
        self.change_members(request, |asked| (goal(asked), asked.dry_run)).await
    }

    async fn transfer_leader(
        &self,
        request: Request<proto::TransferLeaderRequest>,
    ) -> Answer<proto::MembersChange> {
        self.change_members(request, |asked| (Goal::Transfer { to: asked.to }, asked.dry_run)).await
    }

    async fn rotate_key(&self, request: Request<proto::RotateKeyRequest>) -> Answer<proto::RotateKeyReply> {
        let started_at = Instant::now();
        self.answer(self.rotated_key(&request).await, started_at)
    }
}

fn change_of(change: Change, dry_run: bool) -> proto::MembersChange {
    let done = change.is_done();
    let Change { steps, waits_for } = change;
    proto::MembersChange { dry_run, done, steps, waits_for }
}

fn status_of(status: ClusterStatus) -> proto::ClusterStatus {
    let ClusterStatus { cluster, leadership, is_changing, nodes, .. } = status;
    proto::ClusterStatus {
        cluster_id: cluster.to_string(),
        leader: leadership.leader,
        term: leadership.term,
        changing: is_changing,
        nodes: nodes.into_iter().map(node_of).collect(),
    }
}

fn node_of(node: NodeStatus) -> proto::ClusterNode {
    let role = if node.is_voter { proto::NodeRole::Voter } else { proto::NodeRole::Learner };
    let (wanted, replaced_by) = match node.wish {
        Wish::Votes => (proto::NodeWish::Voter, None),
        Wish::Learns => (proto::NodeWish::Learner, None),
        Wish::Removed => (proto::NodeWish::Removed, None),
        Wish::Replaced { by } => (proto::NodeWish::Replaced, by),
    };
    proto::ClusterNode {
        id: node.id,
        role: role.into(),
        listen: node.client_address,
        peer: node.peer_address,
        applied_index: node.progress.map(|progress| progress.applied_index),
        lag: node.progress.map(|progress| progress.lag),
        wanted: wanted.into(),
        replaced_by,
    }
}
