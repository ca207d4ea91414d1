//! What a snapshot is, as it is stored beside its files and sent before them.

use std::io;
use std::path::Path;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::codec::{self, CodecError};
use crate::files::{File as _, Files};
use crate::identity::ClusterId;
use crate::mark::Mark;

/// The version of [`Manifest`].
const MANIFEST_VERSION: u8 = 1;

/// Bytes of a file read at once, at most.
const READ_BYTES: usize = 1 << 20;

/// What a snapshot is: whose, how far its rows have come, and which files hold them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The cluster it was taken in.
    pub cluster: ClusterId,
    /// How far its rows have come.
    pub mark: Mark,
    /// Its files, in the order in which they are sent.
    pub files: Vec<ManifestFile>,
}

/// A file of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its name; never a path.
    pub name: String,
    /// Its length in bytes.
    pub length: u64,
    /// The CRC32C of its bytes.
    pub checksum: u32,
}

/// A file that is not what the manifest says.
#[derive(Debug, thiserror::Error)]
pub enum DamagedFile {
    /// It cannot be read.
    #[error("a file of a snapshot: {0}")]
    Io(#[from] io::Error),
    /// It is shorter or longer.
    #[error("{path}: the snapshot's manifest says {expected} bytes, there are {found}")]
    Length {
        /// The file.
        path: String,
        /// What the manifest says.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// Its bytes are others.
    #[error("{path}: the checksum is {found:08x}, the snapshot's manifest says {expected:08x}")]
    Checksum {
        /// The file.
        path: String,
        /// What the manifest says.
        expected: u32,
        /// What the bytes give.
        found: u32,
    },
}

/// The bytes of a manifest, as they are stored and sent.
pub fn encode_manifest(manifest: &Manifest) -> Result<Bytes, CodecError> {
    let mut bytes = Vec::new();
    codec::encode(MANIFEST_VERSION, manifest, &mut bytes)?;
    Ok(bytes.into())
}

/// The manifest of these bytes.
pub fn decode_manifest(bytes: &[u8]) -> Result<Manifest, CodecError> {
    codec::decode(bytes, MANIFEST_VERSION)
}

/// The files in a folder, with what is in them.
pub(super) fn describe<F: Files>(files: &F, rows: &Path) -> io::Result<Vec<ManifestFile>> {
    let describe = |name: String| {
        let (length, checksum) = read_through(files, &rows.join(&name))?;
        Ok(ManifestFile { name, length, checksum })
    };
    files.list(rows)?.into_iter().map(describe).collect()
}

impl ManifestFile {
    /// Looks whether the file is there, in its length.
    pub(super) fn check_length<F: Files>(&self, files: &F, rows: &Path) -> Result<(), DamagedFile> {
        let path = rows.join(&self.name);
        let found = files.open(&path)?.length()?;
        if found == self.length {
            Ok(())
        } else {
            Err(DamagedFile::Length { path: path.display().to_string(), expected: self.length, found })
        }
    }

    /// Reads the file through: it must be byte for byte what was described.
    pub(crate) fn check<F: Files>(&self, files: &F, rows: &Path) -> Result<(), DamagedFile> {
        self.check_length(files, rows)?;
        let path = rows.join(&self.name);
        let (_, found) = read_through(files, &path)?;
        if found == self.checksum {
            Ok(())
        } else {
            Err(DamagedFile::Checksum { path: path.display().to_string(), expected: self.checksum, found })
        }
    }
}

fn read_through<F: Files>(files: &F, path: &Path) -> io::Result<(u64, u32)> {
    let file = files.open(path)?;
    let bytes = usize::try_from(file.length()?).unwrap_or(READ_BYTES);
    let mut buffer = vec![0; bytes.clamp(1, READ_BYTES)];
    let (mut length, mut checksum) = (0, 0);
    loop {
        let count = file.read_at(length, &mut buffer)?;
        if count == 0 {
            return Ok((length, checksum));
        }
        checksum = crc32c::crc32c_append(checksum, &buffer[..count]);
        length += count as u64;
    }
}
