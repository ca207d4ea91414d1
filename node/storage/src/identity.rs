//! Who a data folder belongs to: its cluster, its node, and the node's key. A small text file, written when the node is
//! made, when it is let in, and when its key changes.

use std::fmt;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files::{Files, read_all, replace, sync_parent};
use crate::sealed::{seal, unseal};

/// Written for as long as there is nothing that only the second can say.
const FIRST_FORMAT: &str = "holdfast identity, format 1";
const SECOND_FORMAT: &str = "holdfast identity, format 2";

/// Names a cluster: drawn at random when it is founded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClusterId(pub u128);

/// Who a data folder belongs to.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Of which cluster; `None` while the node asks to be let in.
    pub membership: Option<Membership>,
    /// The secret half of the node's Ed25519 key. It proves that this is the folder that once asked to be let in.
    pub secret_key: [u8; 32],
    /// Which of the node's keys this is.
    pub key_generation: u32,
    /// The secret half of the key that is to replace it, of the next generation, while a change of keys is under way.
    pub next_key: Option<[u8; 32]>,
    /// The members that the node was told of when it was let in: whom it believes until its log tells it more.
    pub introduced: Option<Introduced>,
}

/// Members of a cluster, as one of them told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduced {
    /// One more than the log index of the membership that they are of.
    pub index: u64,
    /// The members.
    pub peers: Vec<Introduction>,
}

/// A member of a cluster, as another one told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// Its id.
    pub node: u64,
    /// The public half of its key.
    pub public_key: [u8; 32],
    /// HOST:PORT for other nodes.
    pub peer_address: String,
}

/// Which node of which cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The cluster.
    pub cluster: ClusterId,
    /// The node in it.
    pub node: u64,
}

/// Why a folder's identity cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file could not be read or written.
    #[error("the identity: {0}")]
    Io(#[from] io::Error),
    /// It is not an identity this version knows.
    #[error("{path}: not an identity of this version of Holdfast ({problem})")]
    Malformed {
        /// The file.
        path: String,
        /// What is wrong.
        problem: &'static str,
    },
}

impl Identity {
    /// The identity of a folder that is no node yet.
    #[must_use]
    pub fn new(secret_key: [u8; 32]) -> Self {
        Self { membership: None, secret_key, key_generation: 1, next_key: None, introduced: None }
    }

    /// The identity in a file, durable when it is returned; `None` if there is no such file.
    pub async fn read<F: Files>(files: &F, path: &Path) -> Result<Option<Self>, IdentityError> {
        if !files.exists(path)? {
            return Ok(None);
        }
        // A killed process may have named it and not synced the name; from here on others hear of it.
        sync_parent(files, path).await?;
        let malformed = |problem| IdentityError::Malformed { path: path.display().to_string(), problem };
        parse(&read_all(files, path)?).map(Some).map_err(malformed)
    }

    /// Writes the identity; durable when it returns.
    pub async fn write<F: Files>(&self, files: &F, path: &Path) -> Result<(), IdentityError> {
        Ok(replace(files, path, self.to_text().as_bytes()).await?)
    }

    fn to_text(&self) -> String {
        let is_plain = self.next_key.is_none() && self.introduced.is_none();
        let first_line = if is_plain { FIRST_FORMAT } else { SECOND_FORMAT };
        let mut text = format!("{first_line}\nkey {} {}\n", self.key_generation, hex(&self.secret_key));
        if let Some(next) = &self.next_key {
            text.push_str(&format!("next-key {}\n", hex(next)));
        }
        if let Some(Membership { cluster, node }) = self.membership {
            text.push_str(&format!("node {node} of {cluster}\n"));
        }
        if let Some(Introduced { index, peers }) = &self.introduced {
            text.push_str(&format!("introduced at {index}\n"));
            for Introduction { node, public_key, peer_address } in peers {
                text.push_str(&format!("peer {node} {} {peer_address}\n", hex(public_key)));
            }
        }
        seal(text)
    }
}

fn parse(bytes: &[u8]) -> Result<Identity, &'static str> {
    let is_second = bytes.starts_with(SECOND_FORMAT.as_bytes());
    let mut lines = unseal(bytes, if is_second { SECOND_FORMAT } else { FIRST_FORMAT })?.peekable();
    let key = lines.next().and_then(|line| line.strip_prefix("key ")?.split_once(' '));
    let (generation, secret) = key.ok_or("it has no key")?;
    let key_generation = generation.parse().map_err(|_| "its key has no generation")?;
    let secret_key = parse_key(secret).ok_or("its key is damaged")?;
    let next = lines.next_if(|line| is_second && line.starts_with("next-key "));
    let next_key = match next.and_then(|line| line.strip_prefix("next-key ")) {
        None => None,
        Some(next) => Some(parse_key(next).ok_or("its next key is damaged")?),
    };
    let node = lines.next_if(|line| !(is_second && line.starts_with("introduced ")));
    let membership = match node {
        None => None,
        Some(line) => Some(parse_membership(line).ok_or("its node is damaged")?),
    };
    let introduced = match lines.next_if(|_| is_second) {
        None => None,
        Some(line) => Some(parse_introduced(line, &mut lines).ok_or("its peers are damaged")?),
    };
    match lines.next() {
        None => Ok(Identity { membership, secret_key, key_generation, next_key, introduced }),
        Some(_) => Err("it has more lines than it should"),
    }
}

fn parse_introduced<'a>(first: &str, lines: &mut impl Iterator<Item = &'a str>) -> Option<Introduced> {
    let index = first.strip_prefix("introduced at ")?.parse().ok()?;
    let peers = lines.map(|line| {
        let (node, rest) = line.strip_prefix("peer ")?.split_once(' ')?;
        let (public_key, peer_address) = rest.split_once(' ')?;
        let (node, public_key) = (node.parse().ok()?, parse_key(public_key)?);
        Some(Introduction { node, public_key, peer_address: peer_address.to_owned() })
    });
    Some(Introduced { index, peers: peers.collect::<Option<_>>()? })
}

fn hex(key: &[u8; 32]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse_key(hex: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if hex.len() != 2 * key.len() {
        return None;
    }
    for (position, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * position..2 * position + 2)?, 16).ok()?;
    }
    Some(key)
}

fn parse_membership(line: &str) -> Option<Membership> {
    let (node, cluster) = line.strip_prefix("node ")?.split_once(" of ")?;
    Some(Membership { cluster: cluster.parse().ok()?, node: node.parse().ok()? })
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl std::str::FromStr for ClusterId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

/// Leaves the secret out.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("membership", &self.membership).finish_non_exhaustive()
    }
}
