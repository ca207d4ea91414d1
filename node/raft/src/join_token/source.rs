//! Where a node finds the join token that it was given: looked at only when it is needed.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use super::{JoinToken, JoinTokenError};

/// Where a join token is.
#[derive(Clone)]
pub enum JoinTokenSource {
    /// Here.
    Text(String),
    /// In a file.
    File(PathBuf),
}

impl JoinTokenSource {
    /// The token; `None` if its place is empty.
    pub(crate) fn read(&self) -> Result<Option<JoinToken>, JoinTokenError> {
        let text = match self {
            Self::Text(text) => text.clone(),
            Self::File(path) => {
                let unreadable = |error: std::io::Error| JoinTokenError::Unreadable {
                    path: path.display().to_string(),
                    cause: error.to_string(),
                };
                fs::read_to_string(path).map_err(unreadable)?
            }
        };
        match text.trim() {
            "" => Ok(None),
            text => text.parse().map(Some),
        }
    }
}

/// Leaves the secret out.
impl fmt::Debug for JoinTokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_place_holds_no_token_and_a_missing_file_is_named() {
        for empty in ["", " \n"] {
            assert!(JoinTokenSource::Text(empty.to_owned()).read() == Ok(None));
        }
        let nonsense = JoinTokenSource::Text("nonsense".to_owned());
        assert!(
            nonsense.read() == Err(JoinTokenError::Malformed)
                && !format!("{nonsense:?}").contains("nonsense")
        );
        let missing = JoinTokenSource::File("/nowhere/token".into()).read().unwrap_err().to_string();
        assert!(
            missing.contains("/nowhere/token") && missing.contains("holdfast cluster token"),
            "{missing}"
        );
    }
}
