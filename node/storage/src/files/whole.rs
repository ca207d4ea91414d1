//! Whole small files: read, write once, replace atomically.

use std::io;
use std::path::Path;

use super::{File, Files};

/// Longest file `read_all` takes: these are pointers, labels and identities, not data.
const WHOLE_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

pub fn read_all<F: Files>(files: &F, path: &Path) -> io::Result<Vec<u8>> {
    let file = files.open(path)?;
    let length = file.length()?;
    if length > WHOLE_FILE_BYTES_MAX {
        let problem = format!("{}: {length} bytes are too many for a small file", path.display());
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
    }
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(0, &mut bytes)?;
    Ok(bytes)
}

/// Writes a new file and syncs its bytes; its name is durable after `sync_dir` of its folder.
pub async fn write_new<F: Files>(files: &F, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = files.create(path, 0)?;
    file.write_at(0, bytes)?;
    file.sync().await
}

/// Puts `bytes` in the place of the file at `path`, if any: whatever happens, the old or the new one is there, whole.
/// Durable when it returns. One caller at a time for one path.
pub async fn replace<F: Files>(files: &F, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_added_extension("new");
    if files.exists(&unfinished)? {
        files.remove_file(&unfinished)?;
    }
    write_new(files, &unfinished, bytes).await?;
    files.rename(&unfinished, path)?;
    sync_parent(files, path).await
}

/// Makes the folder and those missing above it, each durable in the one above it before the next is made.
pub async fn create_dir_durably<F: Files>(files: &F, dir: &Path) -> io::Result<()> {
    let mut doubtful = Vec::new();
    for dir in dir.ancestors().filter(|dir| dir.file_name().is_some()) {
        doubtful.push(dir);
        // One that is there may be left by a killed process that never synced its name, but did so above it.
        if files.exists(dir)? {
            break;
        }
    }
    for dir in doubtful.into_iter().rev() {
        files.create_dir_all(dir)?;
        sync_parent(files, dir).await?;
    }
    Ok(())
}

/// Makes the names in the folder above durable.
pub(crate) async fn sync_parent<F: Files>(files: &F, path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    files.sync_dir(parent.unwrap_or(Path::new("."))).await
}
