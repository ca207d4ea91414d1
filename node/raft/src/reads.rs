//! Linearizable reads: one question to the leader at a time answers everybody who had arrived before it was asked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use holdfast_proto::raft as wire;
use holdfast_reservations::Timestamp;
use openraft::ReadPolicy;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::Instant;
use tonic::Code;

use crate::agreed_time::AgreedTime;
use crate::freshness::Freshness;
use crate::peers::{Peers, Purpose};
use crate::proposals::Stamper;
use crate::runtime::spawn;
use crate::store::Progress;
use crate::types::Raft;
use crate::watch::Leadership;

/// Readers that may wait for the next round; beyond this the answer is "overloaded".
const READERS_MAX: usize = 65_536;

/// A round that takes longer is given up; its readers ask again.
const ROUND_DURATION_MAX: Duration = Duration::from_millis(1000);

/// Why a read cannot be linearizable now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No leader can be asked, or it could not reach a quorum.
    #[error("no quorum confirmed the read")]
    Unavailable,
    /// Too many readers wait.
    #[error("too many readers wait")]
    Overloaded,
    /// The state here is older than the caller accepts.
    #[error("the state here is {age_ms} ms old")]
    TooStale {
        /// How old it is.
        age_ms: u64,
    },
    /// The rows could not be read: the node is about to stop.
    #[error("the rows could not be read")]
    Broken,
}

type Answer = Result<u64, ReadError>;

/// What finding read indexes needs.
pub(crate) struct ReadParts {
    pub(crate) raft: Raft,
    pub(crate) peers: Arc<Peers>,
    pub(crate) leadership: watch::Receiver<Leadership>,
    pub(crate) stamper: Arc<Mutex<Stamper>>,
    pub(crate) time: Arc<AgreedTime>,
    pub(crate) freshness: Arc<Freshness>,
    pub(crate) progress: watch::Receiver<Progress>,
    /// Woken when the leader does not want to know this node.
    pub(crate) doubt: Arc<Notify>,
}

/// Finds read indexes.
#[derive(Clone)]
pub(crate) struct ReadIndex {
    readers: mpsc::Sender<oneshot::Sender<Answer>>,
}

impl ReadIndex {
    /// Starts to answer.
    pub(crate) fn start(mut parts: ReadParts) -> Self {
        let (readers, mut queue) = mpsc::channel::<oneshot::Sender<Answer>>(READERS_MAX);
        drop(spawn(async move {
            let mut round = Vec::new();
            while queue.recv_many(&mut round, READERS_MAX).await > 0 {
                // Nobody who comes from here on is served by this round.
                let asked_at = Instant::now();
                let asked = parts.ask();
                let answer = match tokio::time::timeout(ROUND_DURATION_MAX, asked).await {
                    Ok(answer) => answer,
                    Err(_) => Err(ReadError::Unavailable),
                };
                if let Ok(index) = answer {
                    let applied = parts.progress.borrow().applied;
                    parts.freshness.confirmed(index, asked_at, applied);
                }
                for reader in round.drain(..) {
                    let _ = reader.send(answer);
                }
            }
        }));
        Self { readers }
    }

    /// A log index such that a state that has applied it shows everything that was answered before this call.
    pub(crate) async fn get(&self) -> Answer {
        let (sender, answer) = oneshot::channel();
        self.readers.try_send(sender).map_err(|_| ReadError::Overloaded)?;
        answer.await.unwrap_or(Err(ReadError::Unavailable))
    }
}

impl ReadParts {
    /// Asks whoever leads; with the index comes what time it is.
    async fn ask(&mut self) -> Answer {
        let leadership = *self.leadership.borrow_and_update();
        if leadership.is_own {
            let index = own_index(&self.raft).await?;
            self.time.heard(own_time(&self.stamper), Instant::now());
            return Ok(index);
        }
        let leader = leadership.leader.ok_or(ReadError::Unavailable)?;
        let mut client = self.peers.client(leader, Purpose::Control).map_err(|_| ReadError::Unavailable)?;
        let reply = client.read_index(wire::ReadIndexRequest {}).await.map_err(|status| {
            if matches!(status.code(), Code::FailedPrecondition | Code::PermissionDenied) {
                self.doubt.notify_one();
            }
            ReadError::Unavailable
        })?;
        let reply = reply.into_inner();
        let index = reply.index.ok_or(ReadError::Unavailable)?;
        self.time.heard(Timestamp(reply.agreed_ms), Instant::now());
        Ok(index)
    }
}

/// Agreed time as this leader would stamp it now.
pub(crate) fn own_time(stamper: &Mutex<Stamper>) -> Timestamp {
    stamper.lock().unwrap_or_else(PoisonError::into_inner).at(Instant::now())
}

/// The read index of a leader that a quorum has just confirmed.
pub(crate) async fn own_index(raft: &Raft) -> Answer {
    let linearizer = raft.get_read_linearizer(ReadPolicy::ReadIndex).await;
    linearizer.map(|linearizer| linearizer.read_log_id().index()).map_err(|_| ReadError::Unavailable)
}
