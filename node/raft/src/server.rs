//! What other nodes may ask of this one.

mod join;
mod receive;

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use holdfast_proto::raft as wire;
use holdfast_proto::raft::peer_server::{Peer, PeerServer};
use holdfast_reservations::Edition;
use holdfast_storage::codec;
use holdfast_storage::identity::Membership as NodeIdentity;
use openraft::raft::TransferLeaderRequest;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use crate::convert::{
    ConvertError, from_wire_append, from_wire_id, from_wire_vote, from_wire_vote_request,
    to_wire_append_reply, to_wire_vote_reply,
};
use crate::introduction;
use crate::members::{self, Attempt, Members};
use crate::net::{IS_SECURED, OtherEnd, Shares};
use crate::one_at_a_time::OneAtATime;
use crate::one_in_a_while::OneInAWhile;
use crate::own_key::PublicKey;
use crate::peers::{MESSAGE_BYTES_MAX, Peers};
use crate::proposals::{Group, Identity, Notify, ProposeError, Proposer, Stamper, Verdict};
use crate::pulse;
use crate::reads::{own_index, own_time};
use crate::removal::was_removed;
use crate::roster;
use crate::runtime::{Placement, WallClock};
use crate::store::{Library, Progress};
use crate::types::{Raft, StoredMembership};
use crate::watch::Leadership;

use self::join::{APPLICANTS_MAX, APPLICANTS_OF_NETWORK_MAX};
use self::receive::receive;

/// Batches of one follower that are proposed at the same time.
const BATCHES_AT_ONCE_MAX: usize = 16;

/// Nobody waits longer for a change of the members.
const CONTROL_DURATION_MAX: Duration = Duration::from_secs(10);

/// What the service needs.
pub(crate) struct PeerParts {
    pub(crate) own: NodeIdentity,
    pub(crate) group: u32,
    pub(crate) raft: Raft,
    pub(crate) peers: Arc<Peers>,
    pub(crate) refusals: OneInAWhile,
    pub(crate) members: Arc<Members>,
    pub(crate) proposer: Proposer,
    pub(crate) library: Arc<dyn Library>,
    pub(crate) clock: Arc<dyn WallClock>,
    pub(crate) placement: Placement,
    pub(crate) stamper: Arc<Mutex<Stamper>>,
    pub(crate) leadership: watch::Receiver<Leadership>,
    pub(crate) committed: watch::Receiver<Arc<StoredMembership>>,
    pub(crate) progress: watch::Receiver<Progress>,
    pub(crate) table: Arc<watch::Sender<pulse::Table>>,
    pub(crate) room: crate::proposals::Room,
}

/// The service. Clones are the same.
#[derive(Clone)]
pub(crate) struct PeerService {
    parts: Arc<PeerParts>,
    snapshots: Arc<OneAtATime>,
    applicants: Shares<Option<IpAddr>>,
}

impl PeerService {
    pub(crate) fn new(parts: PeerParts) -> PeerServer<Self> {
        let service = Self {
            parts: Arc::new(parts),
            snapshots: Arc::new(OneAtATime::new()),
            applicants: Shares::new(APPLICANTS_OF_NETWORK_MAX).at_most(APPLICANTS_MAX),
        };
        PeerServer::new(service)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Who calls, if it is the member that it says it is.
    fn check<T>(&self, request: &Request<T>) -> Result<u64, Status> {
        let caller = other_end(request);
        let introduced = introduction::check(request.metadata(), self.parts.own, self.parts.group);
        let checked = introduced.and_then(|from| self.check_standing(from, caller).map(|()| from));
        checked.inspect_err(|refused| self.log_refusal(caller, refused.message()))
    }

    /// Whether a node is a member, and the caller has its key.
    fn check_standing(&self, from: u64, caller: OtherEnd) -> Result<(), Status> {
        if was_removed(from, &self.parts.committed.borrow()) {
            return Err(Status::failed_precondition(format!("node {from} was removed from the cluster")));
        }
        self.parts.peers.roster().check(from, caller)
    }

    fn log_refusal(&self, caller: OtherEnd, why: &str) {
        if let Some(passed_over) = self.parts.refusals.may_speak() {
            let remote = caller.remote.map(|remote| remote.to_string()).unwrap_or_default();
            tracing::warn!(remote, why, passed_over, "a call on the peer port was refused");
        }
    }

    /// Proposes what a follower collected.
    async fn propose(&self, batch: wire::HandOverBatch) -> wire::HandOverVerdict {
        let verdict = self.verdict(batch.requests).await;
        wire::HandOverVerdict { number: batch.number, verdict: verdict.into() }
    }

    async fn verdict(&self, requests: Vec<bytes::Bytes>) -> wire::Verdict {
        if !self.parts.leadership.borrow().is_own {
            return wire::Verdict::NotLeader;
        }
        if !requests.iter().all(|request| is_acceptable(request)) {
            return wire::Verdict::Malformed;
        }
        let (sender, verdict) = oneshot::channel();
        self.parts.proposer.push(Group { requests, notify: Notify::Follower(sender) });
        match verdict.await {
            Ok(Verdict::Applied) => wire::Verdict::Applied,
            Ok(Verdict::Failed(ProposeError::NotLeader | ProposeError::NoLeader)) => wire::Verdict::NotLeader,
            Ok(Verdict::Failed(ProposeError::Overloaded)) => wire::Verdict::Overloaded,
            Ok(Verdict::Failed(ProposeError::Malformed)) => wire::Verdict::Malformed,
            Ok(Verdict::Failed(ProposeError::OutcomeUnknown)) | Err(_) => wire::Verdict::Unknown,
        }
    }
}

type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Peer for PeerService {
    type AppendStream = Replies<wire::AppendReply>;
    type HandOverStream = Replies<wire::HandOverVerdict>;

    async fn append(
        &self,
        request: Request<Streaming<wire::AppendRequest>>,
    ) -> Result<Response<Self::AppendStream>, Status> {
        self.check(&request)?;
        let service = self.clone();
        // The stream ends with the first request that cannot be used; the leader opens another.
        let requests = futures_util::stream::unfold(request.into_inner(), move |mut requests| {
            let service = service.clone();
            async move {
                let request = requests.message().await.ok()??;
                let request = from_wire_append(request)
                    .inspect_err(|error| tracing::error!(%error, "an append cannot be used"))
                    .ok()?;
                (service.parts.room)().await;
                Some((request, requests))
            }
        });
        let replies = self.parts.raft.stream_append(requests).map(|result| match result {
            Ok(result) => Ok(to_wire_append_reply(result)),
            Err(error) => Err(Status::unavailable(error.to_string())),
        });
        Ok(Response::new(Box::pin(replies)))
    }

    async fn heartbeat(
        &self,
        request: Request<wire::AppendRequest>,
    ) -> Result<Response<wire::AppendReply>, Status> {
        self.check(&request)?;
        let request = request.into_inner();
        let previous = request.previous;
        let request = from_wire_append(request).map_err(malformed)?;
        let reply = self.parts.raft.append_entries(request).await;
        let reply = reply.map_err(|error| Status::unavailable(error.to_string()))?;
        let previous = previous.map(from_wire_id);
        Ok(Response::new(to_wire_append_reply(reply.into_stream_result(previous, previous))))
    }

    async fn vote(&self, request: Request<wire::VoteRequest>) -> Result<Response<wire::VoteReply>, Status> {
        self.check(&request)?;
        let request = from_wire_vote_request(request.into_inner()).map_err(malformed)?;
        let reply = self.parts.raft.vote(request).await;
        let reply = reply.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(Response::new(to_wire_vote_reply(&reply)))
    }

    async fn pre_vote(
        &self,
        request: Request<wire::VoteRequest>,
    ) -> Result<Response<wire::VoteReply>, Status> {
        self.check(&request)?;
        let request = from_wire_vote_request(request.into_inner()).map_err(malformed)?;
        let reply = self.parts.raft.pre_vote(request).await;
        let reply = reply.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(Response::new(to_wire_vote_reply(&reply)))
    }

    async fn transfer_leader(
        &self,
        request: Request<wire::TransferLeaderRequest>,
    ) -> Result<Response<wire::TransferLeaderReply>, Status> {
        self.check(&request)?;
        let request = request.into_inner();
        let from = from_wire_vote(request.from_leader).map_err(malformed)?;
        let last_log = request.last_log.map(from_wire_id);
        let transfer = TransferLeaderRequest::new(from, request.to_node, last_log);
        let reply = self.parts.raft.handle_transfer_leader(transfer).await;
        let reply = reply.map_err(|error| Status::unavailable(error.to_string()))?;
        let refused = reply.err().map(|error| error.to_string());
        Ok(Response::new(wire::TransferLeaderReply { refused }))
    }

    async fn install_snapshot(
        &self,
        request: Request<Streaming<wire::SnapshotPiece>>,
    ) -> Result<Response<wire::SnapshotReply>, Status> {
        self.check(&request)?;
        let parts = self.parts.clone();
        let received = async move { receive(&parts, request.into_inner()).await };
        // All are received in one folder: even when its sender has gone, the next one waits until this one has ended.
        let received = self.snapshots.run(received).await;
        let busy = || Status::resource_exhausted("another snapshot is being received");
        received.ok_or_else(busy)?.map(Response::new)
    }

    async fn hand_over(
        &self,
        request: Request<Streaming<wire::HandOverBatch>>,
    ) -> Result<Response<Self::HandOverStream>, Status> {
        self.check(&request)?;
        let service = self.clone();
        let batches = request.into_inner().take_while(|batch| std::future::ready(batch.is_ok()));
        let batches = batches.filter_map(|batch| std::future::ready(batch.ok()));
        let verdicts = batches
            .map(move |batch| {
                let service = service.clone();
                async move { Ok(service.propose(batch).await) }
            })
            .buffer_unordered(BATCHES_AT_ONCE_MAX);
        Ok(Response::new(Box::pin(verdicts)))
    }

    async fn read_index(
        &self,
        request: Request<wire::ReadIndexRequest>,
    ) -> Result<Response<wire::ReadIndexReply>, Status> {
        self.check(&request)?;
        let reply = match own_index(&self.parts.raft).await {
            Ok(index) => {
                let agreed_ms = own_time(&self.parts.stamper).0;
                wire::ReadIndexReply { index: Some(index), refused: String::new(), agreed_ms }
            }
            Err(error) => wire::ReadIndexReply { index: None, refused: error.to_string(), agreed_ms: 0 },
        };
        Ok(Response::new(reply))
    }

    async fn ping(&self, request: Request<wire::PingRequest>) -> Result<Response<wire::PingReply>, Status> {
        self.check(&request)?;
        let wall_clock_ms = self.parts.clock.now_ms();
        self.parts.table.send_replace(pulse::from_wire(&request.into_inner().nodes));
        let applied_index = self.parts.progress.borrow().applied.unwrap_or(0);
        let edition = Edition::LATEST.0;
        Ok(Response::new(wire::PingReply { applied_index, wall_clock_ms, edition }))
    }

    async fn join(&self, request: Request<wire::JoinRequest>) -> Result<Response<wire::JoinReply>, Status> {
        self.answer_applicant(request).await.map(Response::new)
    }

    async fn control(
        &self,
        request: Request<wire::ControlRequest>,
    ) -> Result<Response<wire::ControlReply>, Status> {
        let from = self.check(&request)?;
        let wire::ControlRequest { goal, dry_run, patience_ms } = request.into_inner();
        let goal = members::goal_from_wire(goal);
        let goal = goal.ok_or_else(|| Status::invalid_argument("the goal is of a newer version"))?;
        let deadline = Instant::now() + Duration::from_millis(patience_ms).min(CONTROL_DURATION_MAX);
        let is_leader = self.parts.leadership.borrow().is_own;
        let attempt = match is_leader {
            false => Attempt::NotLeader { is_begun: false },
            true if dry_run => self.parts.members.planned(goal, deadline).await,
            true => {
                tracing::info!(%goal, from, "an operator wants");
                self.parts.members.change(goal, deadline).await
            }
        };
        Ok(Response::new(members::attempt_to_wire(attempt)))
    }

    async fn standing(
        &self,
        request: Request<wire::StandingRequest>,
    ) -> Result<Response<wire::StandingReply>, Status> {
        let from = introduction::check(request.metadata(), self.parts.own, self.parts.group)?;
        let is_removed = was_removed(from, &self.parts.committed.borrow());
        Ok(Response::new(wire::StandingReply { is_removed }))
    }

    async fn roster(
        &self,
        request: Request<wire::RosterRequest>,
    ) -> Result<Response<wire::RosterReply>, Status> {
        self.check(&request)?;
        let roster = roster::to_wire(self.parts.peers.roster().to_introduced());
        Ok(Response::new(wire::RosterReply { roster: Some(roster) }))
    }

    async fn show_key(
        &self,
        request: Request<wire::ShowKeyRequest>,
    ) -> Result<Response<wire::ShowKeyReply>, Status> {
        let known = introduction::check(request.metadata(), self.parts.own, self.parts.group)
            .ok()
            .and_then(|from| self.parts.peers.roster().key_in_membership(from));
        // Looked at before the caller is judged: whoever had the right to follow that key, and no other.
        let (from, caller) = (self.check(&request)?, other_end(&request));
        let shown = PublicKey::try_from(request.into_inner().public_key.as_ref());
        // A connection may be older than the key: only one that the key itself secures says that the node has it.
        let shown = shown.ok().filter(|shown| !IS_SECURED || caller.key == Some(*shown));
        let shown = shown.ok_or_else(|| Status::failed_precondition("this connection is not the key's"))?;
        let known = known.ok_or_else(|| Status::unavailable("this node does not see the member yet"))?;
        let replaced = self.parts.members.replace_key(from, known, shown).await;
        replaced.map(|()| Response::new(wire::ShowKeyReply {})).map_err(Status::unavailable)
    }
}

fn other_end<T>(request: &Request<T>) -> OtherEnd {
    request.extensions().get::<OtherEnd>().copied().unwrap_or_default()
}

/// What is committed must be readable by all: nothing unreadable gets into an entry. And what a follower hands over is
/// always somebody's, never the cluster's own.
fn is_acceptable(request: &[u8]) -> bool {
    codec::decode_request(request).is_ok_and(|request| Identity::of(&request).is_some())
}

fn malformed(error: ConvertError) -> Status {
    Status::invalid_argument(error.to_string())
}

fn failed(error: std::io::Error) -> Status {
    Status::internal(error.to_string())
}
