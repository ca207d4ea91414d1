//! What the process keeps in the data folder for itself: a lock, and the ports it was given.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use holdfast_storage::files::{self, RealFiles};
use serde::{Deserialize, Serialize};

use crate::exit::Exit;

const ADDRESSES: &str = "addresses.json";

/// Whoever can read it may make the first operator, through the admin port.
const OWNER_TOKEN: &str = "owner-token";

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
    /// What was remembered; nothing if nothing was. Others may know this node by it, so what is damaged is not passed over.
    pub(crate) fn read(dir: &Path) -> Result<Self, Exit> {
        let path = dir.join(ADDRESSES);
        let damaged = |error: String| {
            Exit::other(format!(
                "{} does not say where this node listened: {error}. Correct it, or remove it if --listen, --peer-listen \
                 and --admin-listen name ports",
                path.display()
            ))
        };
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| damaged(error.to_string())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(damaged(error.to_string())),
        }
    }

    /// Remembers them, whole and durably.
    pub(crate) async fn write(&self, dir: &Path) -> Result<(), Exit> {
        let text = serde_json::to_vec_pretty(self).map_err(Exit::other)?;
        files::replace(&RealFiles, &dir.join(ADDRESSES), &text).await.map_err(Exit::other)
    }
}

/// Makes a token that only those can read who may read the node's own files, anew at each start.
pub(crate) fn write_owner_token(dir: &Path) -> Result<String, Exit> {
    let path = dir.join(OWNER_TOKEN);
    let unusable = |error: std::io::Error| Exit::other(format!("{}: {error}", path.display()));
    let token = format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
    // Into a new file: whoever has the old one open, or has put a link in its place, reads nothing of it.
    let unfinished = path.with_added_extension("new");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(unusable(error)),
        Ok(()) | Err(_) => (),
    }
    let file = File::options().write(true).create_new(true).mode(0o600).open(&unfinished);
    file.and_then(|mut file| file.write_all(token.as_bytes())).map_err(unusable)?;
    std::fs::rename(&unfinished, &path).map_err(unusable)?;
    Ok(token)
}

/// The address to listen at: port 0 is the port it was last time, if any.
pub(crate) fn remembered(wanted: &str, known: Option<SocketAddr>) -> String {
    match (wanted.strip_suffix(":0"), known) {
        (Some(host), Some(known)) => format!("{host}:{}", known.port()),
        (Some(_) | None, _) => wanted.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_owners_token_is_for_the_owner_and_new_at_each_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(OWNER_TOKEN);
        std::fs::write(&path, "left by somebody, readable by all").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let opened_before = File::open(&path).unwrap();
        std::fs::write(path.with_added_extension("new"), "left by a start that failed").unwrap();
        let token = write_owner_token(dir.path()).unwrap();
        let seen = std::io::read_to_string(opened_before).unwrap();
        assert_eq!(seen, "left by somebody, readable by all", "who had it open before");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), token);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_ne!(write_owner_token(dir.path()).unwrap(), token);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing unfinished is left");
    }

    #[tokio::test]
    async fn ports_are_remembered_or_said_to_be_lost() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Addresses::read(dir.path()).unwrap(), Addresses::default());
        for port in [4000, 5000] {
            let addresses = Addresses { peer: Some(([127, 0, 0, 1], port).into()), ..Addresses::default() };
            addresses.write(dir.path()).await.unwrap();
            assert_eq!(Addresses::read(dir.path()).unwrap(), addresses);
            assert_eq!(remembered("127.0.0.1:0", addresses.peer), format!("127.0.0.1:{port}"));
        }
        let names: Vec<_> =
            std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [ADDRESSES], "nothing unfinished is left");

        for damage in ["", "{\"peer\": \"127.0."] {
            std::fs::write(dir.path().join(ADDRESSES), damage).unwrap();
            let says = Addresses::read(dir.path()).unwrap_err().to_string();
            assert!(says.contains(ADDRESSES), "{says}");
        }
    }
}
