//! Changes the key of this node. Each step can be done again, and between any two of them every node takes the key that
//! this one shows:
//!
//! - the next key is kept in the identity file;
//! - it is published: from here on others take both;
//! - every member has heard of it;
//! - it replaces the one in use, in the file and then in memory;
//! - the membership gets it: from here on others take it alone.
//!
//! The rules retire the old one, and what it has signed stays valid until it expires, but for join tokens: nobody comes in with
//! one that a key has signed which is nobody's any more.

use std::time::Duration;

use holdfast_proto::raft as wire;
use holdfast_reservations::{
    Command, NodeKey, Outcome, Principal, ReadTyped as _, RegisterNodeKey, Request, RequestId, RequestKey,
};
use openraft::AsyncRuntime as _;
use rand::Rng as _;
use tokio::time::Instant;

use super::Replica;
use crate::own_key::{OwnKey, PublicKey};
use crate::peers::Purpose;
use crate::proposals::ProposeError;
use crate::runtime::{Runtime, spawn};

/// Between two looks at how far the others are, and between two attempts of what failed.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
const ATTEMPT_INTERVAL: Duration = Duration::from_secs(1);

/// One attempt to have the membership changed.
const ATTEMPT_DURATION_MAX: Duration = Duration::from_secs(5);

/// Why a key was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeKeyError {
    /// Some members would not know the new key.
    #[error("nodes {0:?} are away and would not know the new key: start them, or remove them, and ask again")]
    Away(Vec<u64>),
    /// Another change of it is not over.
    #[error("this node's key is being changed already; ask again in a few seconds")]
    UnderWay,
    /// The cluster did not take it up.
    #[error(transparent)]
    Propose(#[from] ProposeError),
    /// The data folder is older than the cluster remembers.
    #[error(
        "generation {0} of this node's key was published before, with another key: this data folder is an old copy"
    )]
    OldCopy(u32),
    /// The identity file cannot be written.
    #[error("the identity: {0}")]
    Io(String),
}

impl Replica {
    /// Gives this node another key; the generation of that key. A change that was broken off is gone on with.
    ///
    /// # Errors
    ///
    /// See [`ChangeKeyError`]. Both keys are taken until it has succeeded.
    pub async fn change_key(&self, deadline: Instant) -> Result<u32, ChangeKeyError> {
        let held = tokio::time::timeout_at(deadline, self.parts.keys.hold()).await;
        let mut keys = held.map_err(|_| ChangeKeyError::UnderWay)?;
        if keys.next().is_none() {
            self.check_nobody_is_away(0)?;
            let mut secret_key = [0; 32];
            for chunk in secret_key.chunks_mut(8) {
                chunk.copy_from_slice(&Runtime::thread_rng().next_u64().to_le_bytes());
            }
            keys.prepare(secret_key).await.map_err(|error| ChangeKeyError::Io(error.to_string()))?;
        }
        let Some(next) = keys.next() else { return Ok(self.own_key().generation) };
        // Others take the next key only because they know the one that it follows.
        self.publish(&self.own_key(), deadline).await?;
        let index = self.publish(&next, deadline).await?;
        while let Err(away) = self.check_nobody_is_away(index) {
            if Instant::now() + LOOK_INTERVAL >= deadline {
                return Err(away);
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        keys.advance().await.map_err(|error| ChangeKeyError::Io(error.to_string()))?;
        tracing::info!(generation = next.generation, "this node has another key");
        Ok(next.generation)
    }

    /// Publishes a key; the log index from which on it is known.
    async fn publish(&self, key: &OwnKey, deadline: Instant) -> Result<u64, ChangeKeyError> {
        let (node, generation, public_key) = (self.identity().node, key.generation, key.public_key());
        let mut drawn = [0; 16];
        for chunk in drawn.chunks_mut(8) {
            chunk.copy_from_slice(&Runtime::thread_rng().next_u64().to_le_bytes());
        }
        let id = Some(RequestId { key: RequestKey::Made(drawn), payload_hash: 0 });
        let command = Command::RegisterNodeKey(RegisterNodeKey { node, generation, public_key });
        let applied =
            self.propose(&Request { id, principal: Principal::Internal, command }, deadline).await?;
        debug_assert_eq!(applied.outcome, Outcome::NodeKeyRegistered);
        let known = self.look(|view| view.row::<NodeKey>((node, generation)).map(|row| row.public_key));
        match known {
            Ok((Some(known), _)) if known == public_key => Ok(applied.revision.index),
            Ok(_) | Err(_) => Err(ChangeKeyError::OldCopy(generation)),
        }
    }

    /// Makes sure that all members have applied an entry.
    fn check_nobody_is_away(&self, index: u64) -> Result<(), ChangeKeyError> {
        let nodes = self.cluster().nodes.into_iter();
        let is_away = |progress: Option<crate::NodeProgress>| {
            progress.is_none_or(|progress| progress.applied_index < index.max(1))
        };
        let away: Vec<u64> = nodes.filter(|node| is_away(node.progress)).map(|node| node.id).collect();
        if away.is_empty() { Ok(()) } else { Err(ChangeKeyError::Away(away)) }
    }

    /// Goes on with a change of keys that was broken off, and sees to it that the membership has the key in use.
    pub(crate) fn start_keeping_key(&self) {
        let replica = self.clone();
        drop(spawn(async move {
            while replica.parts.keys.hold().await.next().is_some() {
                let deadline = Instant::now() + ATTEMPT_DURATION_MAX;
                if let Err(error) = replica.change_key(deadline).await {
                    tracing::info!(%error, "the change of this node's key is not over yet");
                    tokio::time::sleep(ATTEMPT_INTERVAL).await;
                }
            }
            let (mut seen, mut key) = (replica.parts.roster.watch(), replica.parts.keys.watch());
            loop {
                let own = key.borrow_and_update().public_key();
                let known = seen.borrow_and_update().membership.get_node(&replica.identity().node).cloned();
                if let Some(known) = known.filter(|known| known.public_key != own) {
                    if let Err(why) = replica.show_key(known.public_key, own).await {
                        tracing::info!(why, "the membership has not this node's new key yet");
                    }
                    tokio::time::sleep(ATTEMPT_INTERVAL).await;
                    continue;
                }
                let changed = tokio::select! {
                    changed = seen.changed() => changed,
                    changed = key.changed() => changed,
                };
                if changed.is_err() {
                    return;
                }
            }
        }));
    }

    /// Has the leader put the key in use into the membership, in place of the one that is known there.
    async fn show_key(&self, known: PublicKey, own: PublicKey) -> Result<(), String> {
        let leadership = self.leadership();
        let node = self.identity().node;
        if leadership.is_own {
            let replaced = self.parts.members.replace_key(node, known, own);
            let replaced = tokio::time::timeout(ATTEMPT_DURATION_MAX, replaced).await;
            return replaced.unwrap_or_else(|_| Err("no quorum".to_owned()));
        }
        let leader = leadership.leader.ok_or("nobody leads")?;
        let mut client =
            self.parts.peers.client(leader, Purpose::Control).map_err(|status| status.to_string())?;
        let request = wire::ShowKeyRequest { public_key: own.to_vec().into() };
        let asked = tokio::time::timeout(ATTEMPT_DURATION_MAX, client.show_key(request)).await;
        let reply = asked.map_err(|_| "the leader does not answer".to_owned())?;
        reply.map(drop).map_err(|status| status.message().to_owned())
    }
}
