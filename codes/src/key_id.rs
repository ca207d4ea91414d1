//! Names the key of a node: its id and which of its keys, written `NODE-GENERATION`.

use std::fmt;
use std::str::FromStr;

/// A node and which of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    /// The node.
    pub node: u64,
    /// Which of its keys, from 1.
    pub generation: u32,
}

/// The text names no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key id, which is NODE-GENERATION in plain digits")]
pub struct NotAKeyId;

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.node, self.generation)
    }
}

impl FromStr for KeyId {
    type Err = NotAKeyId;

    /// One spelling each: no sign, no zeros in front.
    fn from_str(text: &str) -> Result<Self, NotAKeyId> {
        let (node, generation) = text.split_once('-').ok_or(NotAKeyId)?;
        let id = Self {
            node: node.parse().map_err(|_| NotAKeyId)?,
            generation: generation.parse().map_err(|_| NotAKeyId)?,
        };
        Some(id).filter(|id| id.to_string() == text).ok_or(NotAKeyId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_has_one_spelling() {
        let id = KeyId { node: 3, generation: 12 };
        assert_eq!(id.to_string(), "3-12");
        assert_eq!("3-12".parse(), Ok(id));
        for text in ["", "3", "3-", "-12", "03-12", "+3-12", "3-12 ", "3-4294967296", "3-12-1"] {
            assert_eq!(text.parse::<KeyId>(), Err(NotAKeyId), "{text}");
        }
    }
}
