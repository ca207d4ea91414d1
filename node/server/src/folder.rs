//! What the process keeps in the data folder for itself: a lock, and the ports it was given.

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::exit::Exit;

const ADDRESSES: &str = "addresses.json";

/// Held for as long as the process lives.
pub(crate) struct Lock {
    _folder: File,
}

/// Makes the folder if need be, and makes sure that no other process uses it.
pub(crate) fn lock(dir: &Path) -> Result<Lock, Exit> {
    let unusable = |error: std::io::Error| Exit::other(format!("{}: {error}", dir.display()));
    std::fs::create_dir_all(dir).map_err(unusable)?;
    let folder = File::open(dir).map_err(unusable)?;
    match folder.try_lock() {
        Ok(()) => Ok(Lock { _folder: folder }),
        Err(TryLockError::WouldBlock) => {
            Err(Exit::other(format!("{} is in use by another process", dir.display())))
        }
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// Where the node listened last, for a start with port 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Addresses {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) admin: Option<SocketAddr>,
}

impl Addresses {
    /// What was remembered; nothing if there is nothing readable.
    pub(crate) fn read(dir: &Path) -> Self {
        let text = std::fs::read(dir.join(ADDRESSES)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    pub(crate) fn write(&self, dir: &Path) -> Result<(), Exit> {
        let text = serde_json::to_vec_pretty(self).map_err(Exit::other)?;
        std::fs::write(dir.join(ADDRESSES), text).map_err(Exit::other)
    }
}

/// The address to listen at: port 0 is the port it was last time, if any.
pub(crate) fn remembered(wanted: &str, known: Option<SocketAddr>) -> String {
    match (wanted.strip_suffix(":0"), known) {
        (Some(host), Some(known)) => format!("{host}:{}", known.port()),
        (Some(_) | None, _) => wanted.to_owned(),
    }
}
