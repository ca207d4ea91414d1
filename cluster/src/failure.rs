//! Why a verb did not do what it should, and the exit code that says so to scripts.

use std::future::Future;

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No node could be reached.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The cluster refused.
    #[error("refused: {0}")]
    Refused(String),
    /// The cluster is not well, or a check failed.
    #[error("{0}")]
    Unhealthy(String),
    /// Nobody knows whether it took effect.
    #[error(
        "the outcome is unknown: it may have been done (request id {0}); look at what is there before asking again"
    )]
    Unknown(String),
    /// The command line or the environment is wrong.
    #[error("{0}")]
    Usage(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// The exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Other(_) => 1,
            Self::Usage(_) => 2,
            Self::Connect(_) => 3,
            Self::Refused(_) => 6,
            Self::Unhealthy(_) => 7,
            Self::Unknown(_) => 8,
        }
    }

    /// Any error without a kind of its own.
    pub fn other(error: impl ToString) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::other(error)
    }
}

/// Runs a verb on a runtime of its own.
pub(crate) fn block_on<T>(verb: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(Failure::other)?.block_on(verb)
}
