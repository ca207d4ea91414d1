//! The few file operations our storage needs, in our words: the real file system and the simulated disk both offer them.
//!
//! Nothing is durable before its sync: `File::sync` covers a file's bytes and length, `sync_dir` the names in a folder.
//! Only syncs are async, so that the simulated disk can complete them late and in any order; real ones block inside.

mod block_on;
mod real;
mod whole;

use std::io;
use std::path::Path;

pub use block_on::block_on;
pub use real::{RealFile, RealFiles};
pub(crate) use whole::sync_parent;
pub use whole::{create_dir_durably, read_all, replace, write_new};

/// Folders and names. Names in a folder are durable after `sync_dir` of that folder, not before.
pub trait Files: Clone + Send + Sync + 'static {
    type File: File;

    /// Makes a new file of `length` zero bytes. A file that is already there is an error, never emptied:
    /// it may be linked into a snapshot.
    fn create(&self, path: &Path, length: u64) -> io::Result<Self::File>;

    fn open(&self, path: &Path) -> io::Result<Self::File>;

    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Names of the files and folders in `dir`, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;

    /// Moves a file or a folder. A file at `to` is replaced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives the file `from` a second name.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn remove_file(&self, path: &Path) -> io::Result<()>;

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()>;

    fn sync_dir(&self, dir: &Path) -> impl Future<Output = io::Result<()>> + Send;
}

/// An open file. It stays readable after its name is gone.
pub trait File: Send + Sync + 'static {
    fn length(&self) -> io::Result<u64>;

    /// Cuts the file, or extends it with zeros.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// Reads what is there, at most `buffer.len()` bytes; 0 means the end of the file.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes`.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes durable every write issued before this call. An error is final: a second sync may succeed without the data.
    fn sync(&self) -> impl Future<Output = io::Result<()>> + Send;

    /// Fills the whole buffer; a file that ends too early is an error.
    fn read_exact_at(&self, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            let count = self.read_at(offset, buffer)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            offset += count as u64;
            buffer = &mut buffer[count..];
        }
        Ok(())
    }
}
