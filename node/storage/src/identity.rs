//! Who a data folder belongs to: its cluster, its node, and the node's key. A small text file, written once.

use std::fmt;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files::{Files, read_all, replace, sync_parent};
use crate::sealed::{seal, unseal};

const FIRST_LINE: &str = "holdfast identity, format 1";

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
        let secret: String = self.secret_key.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut text = format!("{FIRST_LINE}\nkey {} {secret}\n", self.key_generation);
        if let Some(Membership { cluster, node }) = self.membership {
            text.push_str(&format!("node {node} of {cluster}\n"));
        }
        seal(text)
    }
}

fn parse(bytes: &[u8]) -> Result<Identity, &'static str> {
    let mut lines = unseal(bytes, FIRST_LINE)?;
    let key = lines.next().and_then(|line| line.strip_prefix("key ")?.split_once(' '));
    let (generation, secret) = key.ok_or("it has no key")?;
    let key_generation = generation.parse().map_err(|_| "its key has no generation")?;
    let secret_key = parse_secret(secret).ok_or("its key is damaged")?;
    let membership = match lines.next() {
        None => None,
        Some(line) => Some(parse_membership(line).ok_or("its node is damaged")?),
    };
    match lines.next() {
        None => Ok(Identity { membership, secret_key, key_generation }),
        Some(_) => Err("it has more lines than it should"),
    }
}

fn parse_secret(hex: &str) -> Option<[u8; 32]> {
    let mut secret = [0; 32];
    if hex.len() != 2 * secret.len() {
        return None;
    }
    for (position, byte) in secret.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * position..2 * position + 2)?, 16).ok()?;
    }
    Some(secret)
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
