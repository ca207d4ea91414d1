//! The real file system; its errors name the path. What it makes is the owner's alone: the node's key is among it, and so
//! are its users' password hashes.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{File, Files};

const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;

#[derive(Debug, Clone, Copy, Default)]
pub struct RealFiles;

#[derive(Debug)]
pub struct RealFile {
    file: fs::File,
    path: PathBuf,
}

impl Files for RealFiles {
    type File = RealFile;

    fn create(&self, path: &Path, length: u64) -> io::Result<RealFile> {
        let create = || {
            let mut options = fs::File::options();
            let file = options.read(true).write(true).create_new(true).mode(FILE_MODE).open(path)?;
            file.set_len(length)?;
            Ok(file)
        };
        named(path, create()).map(|file| RealFile { file, path: path.to_owned() })
    }

    fn open(&self, path: &Path) -> io::Result<RealFile> {
        let opened = fs::File::options().read(true).write(true).open(path);
        named(path, opened).map(|file| RealFile { file, path: path.to_owned() })
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        named(path, path.try_exists())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in named(dir, fs::read_dir(dir))? {
            let name = named(dir, entry)?.file_name().into_string();
            names.push(name.map_err(|name| io::Error::other(format!("{name:?} is not a name of ours")))?);
        }
        names.sort_unstable();
        Ok(names)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        named(dir, fs::DirBuilder::new().recursive(true).mode(DIR_MODE).create(dir))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        named(from, fs::rename(from, to))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        named(to, fs::hard_link(from, to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        named(path, fs::remove_file(path))
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        named(dir, fs::remove_dir_all(dir))
    }

    async fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        named(dir, fs::File::open(dir).and_then(|dir| dir.sync_all()))
    }
}

impl File for RealFile {
    fn length(&self) -> io::Result<u64> {
        named(&self.path, self.file.metadata()).map(|metadata| metadata.len())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        named(&self.path, self.file.set_len(length))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                read => return named(&self.path, read),
            }
        }
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        named(&self.path, self.file.write_all_at(bytes, offset))
    }

    // fdatasync: the bytes and the length, without the times nobody reads.
    async fn sync(&self) -> io::Result<()> {
        named(&self.path, self.file.sync_data())
    }
}

fn named<T>(path: &Path, result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}
