//! openraft's network over gRPC.

mod append;
mod snapshot;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use holdfast_proto::raft as wire;
use openraft::alias::SnapshotOf;
use openraft::errors::{NetworkError, ReplicationClosed, StreamingError, Timeout, Unreachable};
use openraft::network::{
    Backoff, NetBackoff, NetSnapshot, NetTransferLeader, NetVote, RPCOption, RPCTypes, RaftNetworkFactory,
};
use openraft::raft::{
    SnapshotResponse, TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};
use tonic::{Code, Request, Status};

use crate::convert::{ConvertError, from_wire_vote_reply, to_wire_id, to_wire_vote, to_wire_vote_request};
use crate::own_key::PublicKey;
use crate::peers::{Client, Peers, Purpose};
use crate::runtime::Placement;
use crate::store::{Purged, SnapshotFiles};
use crate::types::{Member, RpcError, Types, Vote};

/// First and longest wait before a peer that cannot be reached is tried again.
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_millis(500);

/// Makes openraft's connections.
pub(crate) struct Transport {
    pub(crate) peers: Arc<Peers>,
    /// Where snapshots are read.
    pub(crate) placement: Placement,
    /// Entries that can be sent no more.
    pub(crate) purged: Purged,
}

/// One of openraft's connections to one peer.
pub(crate) struct Link {
    peers: Arc<Peers>,
    placement: Placement,
    purged: Purged,
    target: u64,
    address: String,
    key: PublicKey,
    purpose: Purpose,
}

impl RaftNetworkFactory<Types> for Transport {
    type Network = Link;

    async fn new_client(&mut self, target: u64, node: &Member) -> Link {
        self.link(target, node, Purpose::Entries)
    }

    async fn new_heartbeat_client(&mut self, target: u64, node: &Member) -> Link {
        self.link(target, node, Purpose::Control)
    }

    async fn new_snapshot_client(&mut self, target: u64, node: &Member) -> Link {
        self.link(target, node, Purpose::Snapshots)
    }
}

impl Transport {
    fn link(&self, target: u64, node: &Member, purpose: Purpose) -> Link {
        let (peers, placement, purged) = (self.peers.clone(), self.placement, self.purged.clone());
        let (address, key) = (node.peer_address.clone(), node.public_key);
        Link { peers, placement, purged, target, address, key, purpose }
    }
}

impl Link {
    fn client(&self) -> Result<Client, RpcError> {
        self.client_for(self.purpose)
    }

    /// Votes never wait behind entries.
    fn control(&self) -> Result<Client, RpcError> {
        self.client_for(Purpose::Control)
    }

    fn client_for(&self, purpose: Purpose) -> Result<Client, RpcError> {
        let client = self.peers.client_at(self.target, &self.address, Some(self.key), purpose);
        client.map_err(|status| unreachable(&status))
    }

    /// A call that takes longer than it may counts as failed.
    async fn within<T>(
        &self,
        option: &RPCOption,
        action: RPCTypes,
        call: impl Future<Output = Result<tonic::Response<T>, Status>> + Send,
    ) -> Result<T, RpcError> {
        let timeout = option.soft_ttl();
        match tokio::time::timeout(timeout, call).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(failed(&status)),
            Err(_) => Err(Timeout { action, id: self.peers.own_id(), target: self.target, timeout }.into()),
        }
    }
}

impl NetVote<Types> for Link {
    async fn vote(
        &mut self,
        request: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, RpcError> {
        let mut client = self.control()?;
        let call = client.vote(Request::new(to_wire_vote_request(&request)));
        from_wire_vote_reply(self.within(&option, RPCTypes::Vote, call).await?).map_err(malformed)
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, RpcError> {
        let mut client = self.control()?;
        let call = client.pre_vote(Request::new(to_wire_vote_request(&request)));
        from_wire_vote_reply(self.within(&option, RPCTypes::Vote, call).await?).map_err(malformed)
    }
}

impl NetTransferLeader<Types> for Link {
    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<Types>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<Types>, RpcError> {
        let mut client = self.control()?;
        let call = client.transfer_leader(Request::new(wire::TransferLeaderRequest {
            from_leader: Some(to_wire_vote(request.from_leader())),
            to_node: *request.to_node_id(),
            last_log: request.last_log_id().copied().map(to_wire_id),
        }));
        let reply = self.within(&option, RPCTypes::TransferLeader, call).await?;
        match reply.refused {
            None => Ok(Ok(())),
            Some(why) => Err(NetworkError::from_string(why).into()),
        }
    }
}

impl NetSnapshot<Types> for Link {
    type SnapshotData = Arc<dyn SnapshotFiles>;

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: SnapshotOf<Types, Self::SnapshotData>,
        cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        let client = self.client()?;
        tokio::select! {
            reply = snapshot::send(client, vote, snapshot.snapshot, self.placement) => reply.map_err(StreamingError::from),
            closed = cancel => Err(closed.into()),
        }
    }
}

impl NetBackoff<Types> for Link {
    fn backoff(&self) -> Option<Backoff> {
        let doubled = std::iter::successors(Some(BACKOFF_FIRST), |last| Some((*last * 2).min(BACKOFF_MAX)));
        Some(Backoff::new(doubled))
    }
}

/// What a failed call means to openraft: a peer out of reach is left alone for a while, others are tried again at once.
fn failed(status: &Status) -> RpcError {
    let is_out_of_reach = [
        Code::Unavailable,
        Code::FailedPrecondition,
        Code::Unauthenticated,
        Code::NotFound,
        // It still writes another snapshot down.
        Code::ResourceExhausted,
    ];
    if is_out_of_reach.contains(&status.code()) {
        unreachable(status)
    } else {
        NetworkError::from_string(describe(status)).into()
    }
}

fn unreachable(status: &Status) -> RpcError {
    Unreachable::from_string(describe(status)).into()
}

fn malformed(error: ConvertError) -> RpcError {
    NetworkError::from_string(format!("a peer's reply cannot be used: {error}")).into()
}

fn describe(status: &Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}
