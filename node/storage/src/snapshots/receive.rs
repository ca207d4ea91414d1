//! Receives a snapshot piece by piece into a folder that counts for nothing until it is whole.

use std::io;
use std::path::PathBuf;

use crate::files::{File as _, Files};
use crate::log::LogId;
use crate::snapshots::{Manifest, ROWS, SnapshotError};

/// Files a manifest may name: many times what a store of 10^8 rows has.
const FILES_MAX: usize = 100_000;

/// Why a snapshot cannot be received. Its sender may try again.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// It could not be stored.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The manifest names something that is no plain file name, or too many.
    #[error("the manifest of a snapshot names {0:?}")]
    Manifest(String),
    /// A piece is not the one that comes next.
    #[error("{file} at {offset}: that piece of a snapshot was not expected")]
    OutOfOrder {
        /// The position of the file in the manifest.
        file: usize,
        /// The piece's first byte.
        offset: u64,
    },
    /// A piece or a file was damaged on its way.
    #[error("{0}: the checksum is wrong")]
    Checksum(String),
    /// The sender stopped before the end.
    #[error("{0}: it is not whole")]
    Incomplete(String),
    /// The rows do not say of themselves what the manifest says of them.
    #[error("a snapshot's manifest says {expected}, its rows say {found}")]
    Label {
        /// The last entry, as the manifest has it.
        expected: LogId,
        /// The last entry, as the rows have it; nothing if they have none.
        found: String,
    },
}

impl From<io::Error> for ReceiveError {
    fn from(error: io::Error) -> Self {
        Self::Snapshot(error.into())
    }
}

/// A snapshot on its way. Pieces come in the order of the manifest, each file followed by its checksum.
pub struct Receiving<F: Files> {
    files: F,
    dir: PathBuf,
    manifest: Manifest,
    /// The file being received, the bytes of it that are here, and their CRC32C so far.
    position: usize,
    file: Option<F::File>,
    length: u64,
    checksum: u32,
}

impl<F: Files> Receiving<F> {
    pub(super) fn start(files: F, dir: PathBuf, manifest: Manifest) -> Result<Self, ReceiveError> {
        let is_plain = |name: &str| !name.is_empty() && name != "." && name != ".." && !name.contains('/');
        if let Some(file) = manifest.files.iter().find(|file| !is_plain(&file.name)) {
            return Err(ReceiveError::Manifest(file.name.clone()));
        }
        if manifest.files.len() > FILES_MAX {
            return Err(ReceiveError::Manifest(format!("{} files", manifest.files.len())));
        }
        if files.exists(&dir)? {
            files.remove_dir_all(&dir)?;
        }
        files.create_dir_all(&dir.join(ROWS))?;
        Ok(Self { files, dir, manifest, position: 0, file: None, length: 0, checksum: 0 })
    }

    /// Takes the next piece of the file at a position of the manifest.
    pub fn piece(&mut self, position: usize, offset: u64, bytes: &[u8]) -> Result<(), ReceiveError> {
        let Some(file) = self.manifest.files.get(self.position) else {
            return Err(ReceiveError::OutOfOrder { file: position, offset });
        };
        // The offset is the sender's: anything but the one expected is not even added to.
        let end = self.length + bytes.len() as u64;
        if position != self.position || offset != self.length || end > file.length {
            return Err(ReceiveError::OutOfOrder { file: position, offset });
        }
        let path = self.dir.join(ROWS).join(&file.name);
        let handle = match self.file.take() {
            Some(handle) => handle,
            None => self.files.create(&path, 0)?,
        };
        handle.write_at(offset, bytes)?;
        self.file = Some(handle);
        self.length = end;
        self.checksum = crc32c::crc32c_append(self.checksum, bytes);
        Ok(())
    }

    /// Ends the file at a position of the manifest: all of it must be here, with this CRC32C and the manifest's.
    pub async fn end_file(&mut self, position: usize, checksum: u32) -> Result<(), ReceiveError> {
        if position != self.position || self.position >= self.manifest.files.len() {
            return Err(ReceiveError::OutOfOrder { file: position, offset: self.length });
        }
        if self.file.is_none() {
            self.piece(position, 0, &[])?;
        }
        let file = &self.manifest.files[self.position];
        if self.length != file.length {
            return Err(ReceiveError::Incomplete(file.name.clone()));
        }
        if self.checksum != checksum || checksum != file.checksum {
            return Err(ReceiveError::Checksum(file.name.clone()));
        }
        if let Some(handle) = self.file.take() {
            handle.sync().await?;
        }
        (self.position, self.length, self.checksum) = (position + 1, 0, 0);
        Ok(())
    }

    /// The folder and its manifest, once every file is here.
    pub(super) async fn finish(self) -> Result<(PathBuf, Manifest), ReceiveError> {
        if let Some(missing) = self.manifest.files.get(self.position) {
            return Err(ReceiveError::Incomplete(missing.name.clone()));
        }
        self.files.sync_dir(&self.dir.join(ROWS)).await?;
        Ok((self.dir, self.manifest))
    }
}
