//! How the process ends: a code that scripts can rely on, and a line for people.

use std::fmt;
use std::process::ExitCode;

use holdfast_raft::{JoinTokenError, StartError};

/// Why the process ends other than well.
#[derive(Debug)]
pub(crate) struct Exit {
    code: u8,
    says: String,
}

/// Anything without a code of its own.
const OTHER: u8 = 1;
/// Wrong or missing flags or settings.
const USAGE: u8 = 2;
/// Refused by the rules or by the cluster.
const REFUSED: u8 = 6;

impl Exit {
    pub(crate) fn other(says: impl ToString) -> Self {
        Self { code: OTHER, says: says.to_string() }
    }

    pub(crate) fn usage(says: impl ToString) -> Self {
        Self { code: USAGE, says: says.to_string() }
    }

    pub(crate) fn refused(says: impl ToString) -> Self {
        Self { code: REFUSED, says: says.to_string() }
    }

    /// For the command line's own messages, which are printed already.
    pub(crate) fn usage_unless(is_fine: bool) -> Self {
        Self { code: if is_fine { 0 } else { USAGE }, says: String::new() }
    }

    pub(crate) fn report(&self) {
        if !self.says.is_empty() {
            eprintln!("holdfast: {self}");
        }
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code.into()
    }
}

impl From<StartError> for Exit {
    fn from(error: StartError) -> Self {
        let code = match error {
            StartError::NothingToDo(_)
            | StartError::Token(JoinTokenError::Missing | JoinTokenError::Unreadable { .. }) => USAGE,
            StartError::Refused(_) | StartError::Token(_) => REFUSED,
            StartError::LostAcknowledged { .. }
            | StartError::Identity(_)
            | StartError::Log(_)
            | StartError::Generations(_)
            | StartError::Snapshots(_)
            | StartError::Other(_) => OTHER,
        };
        Self { code, says: error.to_string() }
    }
}

/// The end of a verb that `cluster` does.
pub(crate) fn of_cluster(done: Result<(), holdfast_cluster::Failure>) -> Result<(), Exit> {
    done.map_err(|failure| Exit { code: failure.exit_code(), says: failure.to_string() })
}
