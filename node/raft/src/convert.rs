//! Between openraft's types, our stored ones and the wire's. Byte for byte nothing is copied.

mod membership;

use holdfast_proto::raft as wire;
use holdfast_storage::codec::CodecError;
use holdfast_storage::log as stored;
use openraft::EntryPayload;
use openraft::entry::RaftEntry as _;
use openraft::vote::{RaftLeaderId as _, RaftVote as _};

use crate::types::{Commands, Entry, LeaderId, LogId, Payload, StoredMembership, Vote};

pub(crate) use membership::{decode_membership, encode_membership};

/// Why something that was received or read cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConvertError {
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("not a membership: {0}")]
    Membership(String),
}

pub(crate) fn to_stored_id(id: LogId) -> stored::LogId {
    stored::LogId { term: id.leader_id.term, node: id.leader_id.node_id, index: id.index }
}

pub(crate) fn from_stored_id(id: stored::LogId) -> LogId {
    LogId::new(LeaderId::new(id.term, id.node), id.index)
}

pub(crate) fn to_stored_vote(vote: &Vote) -> stored::Vote {
    let leader = vote.leader_id();
    stored::Vote { term: leader.term, node: leader.node_id, committed: vote.is_committed() }
}

pub(crate) fn from_stored_vote(vote: stored::Vote) -> Vote {
    Vote::from_leader_id(LeaderId::new(vote.term, vote.node), vote.committed)
}

pub(crate) fn to_stored_entry(entry: Entry) -> Result<stored::Entry, ConvertError> {
    let payload = match entry.payload {
        EntryPayload::Blank => stored::Payload::Blank,
        EntryPayload::Normal(Commands(bytes)) => stored::Payload::Commands(bytes),
        EntryPayload::Membership(membership) => stored::Payload::Membership(encode_membership(&membership)?),
    };
    Ok(stored::Entry { id: to_stored_id(entry.log_id), payload })
}

pub(crate) fn from_stored_entry(entry: stored::Entry) -> Result<Entry, ConvertError> {
    let payload = match entry.payload {
        stored::Payload::Blank => Payload::Blank,
        stored::Payload::Commands(bytes) => Payload::Normal(Commands(bytes)),
        stored::Payload::Membership(bytes) => Payload::Membership(decode_membership(&bytes)?),
    };
    Ok(Entry::new(from_stored_id(entry.id), payload))
}

/// The membership that a mark holds.
pub(crate) fn membership_of(mark: &holdfast_storage::mark::Mark) -> Result<StoredMembership, ConvertError> {
    let Some(id) = mark.membership_id else {
        return Ok(StoredMembership::default());
    };
    Ok(StoredMembership::new(Some(from_stored_id(id)), decode_membership(&mark.membership)?))
}

pub(crate) fn to_wire_id(id: LogId) -> wire::LogId {
    wire::LogId { term: id.leader_id.term, node: id.leader_id.node_id, index: id.index }
}

pub(crate) fn from_wire_id(id: wire::LogId) -> LogId {
    LogId::new(LeaderId::new(id.term, id.node), id.index)
}

pub(crate) fn to_wire_vote(vote: &Vote) -> wire::Ballot {
    let leader = vote.leader_id();
    wire::Ballot { term: leader.term, node: leader.node_id, committed: vote.is_committed() }
}

pub(crate) fn from_wire_vote(vote: Option<wire::Ballot>) -> Result<Vote, ConvertError> {
    let vote = vote.ok_or(ConvertError::Missing("the vote"))?;
    Ok(Vote::from_leader_id(LeaderId::new(vote.term, vote.node), vote.committed))
}

pub(crate) fn to_wire_entry(entry: Entry) -> Result<wire::Entry, ConvertError> {
    let payload = match entry.payload {
        EntryPayload::Blank => None,
        EntryPayload::Normal(Commands(bytes)) => Some(wire::entry::Payload::Commands(bytes)),
        EntryPayload::Membership(membership) => {
            Some(wire::entry::Payload::Membership(encode_membership(&membership)?))
        }
    };
    Ok(wire::Entry { id: Some(to_wire_id(entry.log_id)), payload })
}

pub(crate) fn from_wire_entry(entry: wire::Entry) -> Result<Entry, ConvertError> {
    let payload = match entry.payload {
        None => Payload::Blank,
        Some(wire::entry::Payload::Commands(bytes)) => Payload::Normal(Commands(bytes)),
        Some(wire::entry::Payload::Membership(bytes)) => Payload::Membership(decode_membership(&bytes)?),
    };
    let id = entry.id.ok_or(ConvertError::Missing("an entry's id"))?;
    Ok(Entry::new(from_wire_id(id), payload))
}

pub(crate) fn to_wire_append(
    request: openraft::raft::AppendEntriesRequest<crate::types::Types>,
) -> Result<wire::AppendRequest, ConvertError> {
    Ok(wire::AppendRequest {
        vote: Some(to_wire_vote(&request.vote)),
        previous: request.prev_log_id.map(to_wire_id),
        entries: request.entries.into_iter().map(to_wire_entry).collect::<Result<_, _>>()?,
        leader_commit: request.leader_commit.map(to_wire_id),
    })
}

pub(crate) fn from_wire_append(
    request: wire::AppendRequest,
) -> Result<openraft::raft::AppendEntriesRequest<crate::types::Types>, ConvertError> {
    Ok(openraft::raft::AppendEntriesRequest {
        vote: from_wire_vote(request.vote)?,
        prev_log_id: request.previous.map(from_wire_id),
        entries: request.entries.into_iter().map(from_wire_entry).collect::<Result<_, _>>()?,
        leader_commit: request.leader_commit.map(from_wire_id),
    })
}

/// What a follower made of an append.
pub(crate) type AppendResult = openraft::raft::StreamAppendResult<crate::types::Types>;

pub(crate) fn to_wire_append_reply(result: AppendResult) -> wire::AppendReply {
    use openraft::raft::StreamAppendError;
    use wire::append_reply::Result as Reply;
    let result = match result {
        Ok(last) => Reply::Accepted(wire::Accepted { last: last.map(to_wire_id) }),
        Err(StreamAppendError::Conflict(id)) => Reply::Conflict(to_wire_id(id)),
        Err(StreamAppendError::HigherVote(vote)) => Reply::HigherVote(to_wire_vote(&vote)),
    };
    wire::AppendReply { result: Some(result) }
}

pub(crate) fn from_wire_append_reply(reply: wire::AppendReply) -> Result<AppendResult, ConvertError> {
    use openraft::raft::StreamAppendError;
    use wire::append_reply::Result as Reply;
    Ok(match reply.result.ok_or(ConvertError::Missing("the reply"))? {
        Reply::Accepted(accepted) => Ok(accepted.last.map(from_wire_id)),
        Reply::Conflict(id) => Err(StreamAppendError::Conflict(from_wire_id(id))),
        Reply::HigherVote(vote) => Err(StreamAppendError::HigherVote(from_wire_vote(Some(vote))?)),
    })
}

pub(crate) fn to_wire_vote_request(
    request: &openraft::raft::VoteRequest<crate::types::Types>,
) -> wire::VoteRequest {
    wire::VoteRequest {
        vote: Some(to_wire_vote(&request.vote)),
        last_log: request.last_log_id.map(to_wire_id),
        leadership_transfer: request.leadership_transfer,
    }
}

pub(crate) fn from_wire_vote_request(
    request: wire::VoteRequest,
) -> Result<openraft::raft::VoteRequest<crate::types::Types>, ConvertError> {
    let vote = from_wire_vote(request.vote)?;
    let mut converted = openraft::raft::VoteRequest::new(vote, request.last_log.map(from_wire_id));
    converted.leadership_transfer = request.leadership_transfer;
    Ok(converted)
}

pub(crate) fn to_wire_vote_reply(
    reply: &openraft::raft::VoteResponse<crate::types::Types>,
) -> wire::VoteReply {
    wire::VoteReply {
        vote: Some(to_wire_vote(&reply.vote)),
        granted: reply.vote_granted,
        last_log: reply.last_log_id.map(to_wire_id),
    }
}

pub(crate) fn from_wire_vote_reply(
    reply: wire::VoteReply,
) -> Result<openraft::raft::VoteResponse<crate::types::Types>, ConvertError> {
    let vote = from_wire_vote(reply.vote)?;
    Ok(openraft::raft::VoteResponse::new(vote, reply.last_log.map(from_wire_id), reply.granted))
}
