//! What an operator can want of the members, and what can be said to it.

use std::fmt;
use std::time::Duration;

use super::HOW_TO_JOIN;

/// What an operator wants of the members. Wanting the same again changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// A node is no member any more, and never will be again.
    Remove {
        /// Its id.
        node: u64,
    },
    /// A node votes; whatever was wanted of it before is forgotten.
    Promote {
        /// Its id.
        node: u64,
    },
    /// Another node votes in the place of one, which is then removed.
    Replace {
        /// The one that goes.
        node: u64,
        /// The one that comes; whoever is there or joins, if `None`.
        by: Option<u64>,
    },
    /// A node neither leads nor votes until it is promoted.
    Drain {
        /// Its id.
        node: u64,
    },
    /// Another node leads.
    Transfer {
        /// Which; the one that is furthest, if `None`.
        to: Option<u64>,
    },
}

/// What is wanted of a member, whatever it is so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// It votes as soon as it has caught up.
    Votes,
    /// It does not vote.
    Learns,
    /// It is to be removed.
    Removed,
    /// It is to be removed when another has taken its place.
    Replaced {
        /// Which; whoever is there or joins, if `None`.
        by: Option<u64>,
    },
}

/// How far the way to a goal has been gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The steps that are left, in order.
    pub steps: Vec<String>,
    /// Why the next step cannot be taken yet; whoever leads goes on by himself as soon as it can.
    pub waits_for: Option<String>,
}

impl Change {
    /// Nothing is left to do.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.steps.is_empty()
    }
}

/// Why nothing is done for a goal: the rules of membership forbid it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No member has this id.
    #[error("there is no node {0} in the cluster; holdfast cluster status lists them")]
    UnknownNode(u64),
    /// The voters that would be left could not decide anything.
    #[error(
        "the voters would be {}, of which {} not answer: no majority could decide anything. Bring {them} back or \
         replace {them} first: holdfast cluster replace {}",
        list(.voters), does(.silent), .silent.first().copied().unwrap_or_default(), them = them(.silent)
    )]
    WouldLoseQuorum {
        /// Who would vote.
        voters: Vec<u64>,
        /// Who of them does not answer.
        silent: Vec<u64>,
    },
    /// Nobody else votes.
    #[error(
        "node {0} is the only voter: without it there is no cluster. Add another node first: {HOW_TO_JOIN}"
    )]
    LastVoter(u64),
    /// There are as many voters as there may be.
    #[error(
        "there are {voters} voters already, and more would only make every commit slower; drain or remove one first: \
         holdfast cluster drain ID"
    )]
    VotersFull {
        /// How many.
        voters: usize,
    },
    /// The node has not caught up.
    #[error(
        "node {node} lacks {lag} entries of the log; wait until it has caught up (holdfast cluster status)"
    )]
    Lags {
        /// Which.
        node: u64,
        /// By how many entries.
        lag: u64,
    },
    /// The node does not answer the leader.
    #[error("node {0} does not answer the leader; start it, or see what cuts it off")]
    Silent(u64),
    /// The node does not vote.
    #[error(
        "node {0} is a learner, and only a voter can lead; promote it first: holdfast cluster promote {0}"
    )]
    NotAVoter(u64),
    /// The node leads already.
    #[error("node {0} leads already")]
    AlreadyLeads(u64),
    /// The node is on its way out.
    #[error("node {0} is on its way out; to keep it: holdfast cluster promote {0}")]
    Leaves(u64),
    /// Nobody could lead instead.
    #[error(
        "node {0} leads, and no other voter that could is there and has caught up; start one, or wait until it has"
    )]
    NoSuccessor(u64),
    /// A node cannot take its own place, nor that of one of which it is not known.
    #[error("node {by} cannot take the place of node {node}: {why}")]
    CannotReplace {
        /// The one that was to go.
        node: u64,
        /// The one that was to come.
        by: u64,
        /// Why not.
        why: &'static str,
    },
    /// Something else is being done.
    #[error("node {0} is being removed or drained; wait until that is done (holdfast cluster status)")]
    UnderWay(u64),
    /// Leadership has only just moved.
    #[error("leadership has only just moved; ask again in {} s", .0.as_secs() + 1)]
    TooSoon(Duration),
    /// Leadership was handed over, and did not arrive.
    #[error(
        "leadership was offered to node {to}, which did not take it; {}",
        .leader.map_or("nobody leads at the moment".to_owned(), |leader| format!("node {leader} leads"))
    )]
    TransferFailed {
        /// To whom.
        to: u64,
        /// Who leads instead.
        leader: Option<u64>,
    },
}

/// Why a goal came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// It is refused; nothing was done, but for a hand-over that failed.
    #[error("{says}")]
    Refused {
        /// Stable, for programs.
        code: RefusalCode,
        /// Why, and the way out.
        says: String,
    },
    /// Nothing was done: nobody leads, or no majority is there.
    #[error("{0}")]
    Unavailable(String),
    /// It may have been begun. Wanting the same again finds out.
    #[error("it may have been begun; ask for the same again")]
    Unknown,
}

/// [`Refusal`] without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalCode {
    /// [`Refusal::UnknownNode`].
    UnknownNode,
    /// [`Refusal::WouldLoseQuorum`].
    WouldLoseQuorum,
    /// [`Refusal::LastVoter`].
    LastVoter,
    /// [`Refusal::VotersFull`].
    VotersFull,
    /// [`Refusal::Lags`].
    Lags,
    /// [`Refusal::Silent`].
    Silent,
    /// [`Refusal::NotAVoter`].
    NotAVoter,
    /// [`Refusal::AlreadyLeads`].
    AlreadyLeads,
    /// [`Refusal::Leaves`].
    Leaves,
    /// [`Refusal::NoSuccessor`].
    NoSuccessor,
    /// [`Refusal::CannotReplace`].
    CannotReplace,
    /// [`Refusal::UnderWay`].
    UnderWay,
    /// [`Refusal::TooSoon`].
    TooSoon,
    /// [`Refusal::TransferFailed`].
    TransferFailed,
}

/// Each code as programs know it, on every wire.
const CODES: [(RefusalCode, &str); 14] = [
    (RefusalCode::UnknownNode, "node_not_found"),
    (RefusalCode::WouldLoseQuorum, "would_lose_quorum"),
    (RefusalCode::LastVoter, "last_voter"),
    (RefusalCode::VotersFull, "voters_full"),
    (RefusalCode::Lags, "node_lags"),
    (RefusalCode::Silent, "node_silent"),
    (RefusalCode::NotAVoter, "not_a_voter"),
    (RefusalCode::AlreadyLeads, "already_leads"),
    (RefusalCode::Leaves, "node_leaves"),
    (RefusalCode::NoSuccessor, "no_successor"),
    (RefusalCode::CannotReplace, "cannot_replace"),
    (RefusalCode::UnderWay, "change_under_way"),
    (RefusalCode::TooSoon, "too_soon"),
    (RefusalCode::TransferFailed, "transfer_failed"),
];

impl RefusalCode {
    /// As programs know it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        CODES.iter().find(|(code, _)| *code == self).map_or("refused", |(_, text)| text)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        CODES.iter().find(|(_, known)| *known == text).map(|(code, _)| *code)
    }
}

impl Refusal {
    fn code(&self) -> RefusalCode {
        match self {
            Self::UnknownNode(_) => RefusalCode::UnknownNode,
            Self::WouldLoseQuorum { .. } => RefusalCode::WouldLoseQuorum,
            Self::LastVoter(_) => RefusalCode::LastVoter,
            Self::VotersFull { .. } => RefusalCode::VotersFull,
            Self::Lags { .. } => RefusalCode::Lags,
            Self::Silent(_) => RefusalCode::Silent,
            Self::NotAVoter(_) => RefusalCode::NotAVoter,
            Self::AlreadyLeads(_) => RefusalCode::AlreadyLeads,
            Self::Leaves(_) => RefusalCode::Leaves,
            Self::NoSuccessor(_) => RefusalCode::NoSuccessor,
            Self::CannotReplace { .. } => RefusalCode::CannotReplace,
            Self::UnderWay(_) => RefusalCode::UnderWay,
            Self::TooSoon(_) => RefusalCode::TooSoon,
            Self::TransferFailed { .. } => RefusalCode::TransferFailed,
        }
    }
}

impl From<Refusal> for ChangeError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused { code: refusal.code(), says: refusal.to_string() }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remove { node } => write!(f, "remove node {node}"),
            Self::Promote { node } => write!(f, "promote node {node}"),
            Self::Replace { node, by: None } => write!(f, "replace node {node}"),
            Self::Replace { node, by: Some(by) } => write!(f, "replace node {node} by node {by}"),
            Self::Drain { node } => write!(f, "drain node {node}"),
            Self::Transfer { to: None } => write!(f, "hand leadership over"),
            Self::Transfer { to: Some(to) } => write!(f, "hand leadership to node {to}"),
        }
    }
}

fn list(nodes: &[u64]) -> String {
    nodes.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}

fn does(nodes: &[u64]) -> String {
    format!("{} {}", list(nodes), if nodes.len() == 1 { "does" } else { "do" })
}

fn them(nodes: &[u64]) -> &'static str {
    if nodes.len() == 1 { "it" } else { "them" }
}
