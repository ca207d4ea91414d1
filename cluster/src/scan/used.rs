//! The file of used codes: one JSON line an admission, shared by the scanners of one machine.
//!
//! Whoever admits holds the file's lock, reads what others have added, appends, and syncs. A line without its end was
//! never heard of by anybody: the power went while it was written, and it is cut off.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use holdfast_codes::Code;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// A longer file is refused: some 500,000 admissions. Begin another one; what ended long ago need not be kept.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A longer name is refused, so that a line stays short.
const NAME_BYTES_MAX: usize = 64;

/// How every line begins: a file that has another one is none of ours, and is not touched.
const OPENING: &[u8] = br#"{"usedAt":"#;

/// When and by which scanner a booking was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) at: Timestamp,
    pub(crate) by: String,
}

pub(crate) struct UsedCodes {
    path: PathBuf,
    file: File,
    /// How far the file was read.
    length: u64,
    /// By cluster and booking: a newer code of a booking lets nobody in again.
    first: HashMap<(u64, u64), Used>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    used_at: String,
    used_by: String,
    cluster: String,
    booking_id: u64,
    code_revision: u32,
}

impl Line {
    fn read(self) -> Option<((u64, u64), Used)> {
        let cluster = u64::from_str_radix(&self.cluster, 16).ok()?;
        let used = Used { at: self.used_at.parse().ok()?, by: self.used_by };
        Some(((cluster, self.booking_id), used))
    }
}

/// What a scanner may be called.
pub(crate) fn name(text: &str) -> Result<String, String> {
    let is_fine = !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control);
    is_fine.then(|| text.to_owned()).ok_or(format!("1 to {NAME_BYTES_MAX} bytes, no control characters"))
}

impl UsedCodes {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let at_path = |error| unusable(path, error);
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(at_path)?;
        // The name too must outlast a loss of power.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).map_err(at_path)?;
        let mut codes = Self { path: path.to_owned(), file, length: 0, first: HashMap::new() };
        codes.locked(Self::read_on)?;
        Ok(codes)
    }

    /// Notes that a code was used, durably when it returns; or says when its booking was let in before.
    pub(crate) fn admit(&mut self, code: &Code, used: Used) -> Result<Option<Used>, Failure> {
        self.locked(|codes| {
            codes.read_on()?;
            let id = (code.cluster, code.booking);
            if let Some(first) = codes.first.get(&id) {
                return Ok(Some(first.clone()));
            }
            codes.append(&Line {
                used_at: used.at.to_string(),
                used_by: used.by.clone(),
                cluster: format!("{:016x}", code.cluster),
                booking_id: code.booking,
                code_revision: code.revision,
            })?;
            codes.first.insert(id, used);
            Ok(None)
        })
    }

    fn locked<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        self.file.lock().map_err(|error| unusable(&self.path, error))?;
        let done = work(self);
        self.file.unlock().map_err(|error| unusable(&self.path, error))?;
        done
    }

    /// Takes note of what the file has gained.
    fn read_on(&mut self) -> Result<(), Failure> {
        let broken = |error| unusable(&self.path, error);
        let end = self.file.metadata().map_err(broken)?.len();
        if end > FILE_BYTES_MAX {
            return Err(self.wrong("it is full; begin another file"));
        }
        if end < self.length {
            return Err(self.wrong("somebody has shortened it"));
        }
        let mut added = Vec::new();
        self.file.seek(SeekFrom::Start(self.length)).map_err(broken)?;
        self.file.read_to_end(&mut added).map_err(broken)?;
        let whole = added.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let (lines, torn) = added.split_at(whole);
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            self.note(line)?;
        }
        self.length += whole as u64;
        if torn.is_empty() {
            return Ok(());
        }
        if !(torn.starts_with(OPENING) || OPENING.starts_with(torn)) {
            return Err(self.wrong("it is not a file of used codes"));
        }
        self.file.set_len(self.length).map_err(|error| unusable(&self.path, error))
    }

    fn note(&mut self, line: &[u8]) -> Result<(), Failure> {
        let Some((id, used)) = serde_json::from_slice(line).ok().and_then(Line::read) else {
            return Err(self.wrong("a line of it is not of a file of used codes, or is damaged"));
        };
        self.first.entry(id).or_insert(used);
        Ok(())
    }

    fn append(&mut self, line: &Line) -> Result<(), Failure> {
        let mut text = serde_json::to_string(line).map_err(Failure::other)?;
        text.push('\n');
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| unusable(&self.path, error))?;
        self.length += text.len() as u64;
        Ok(())
    }

    fn wrong(&self, problem: &str) -> Failure {
        Failure::Usage(format!("{}: {problem}", self.path.display()))
    }
}

/// Without the file nobody is let in: that is no mistake of the command line, whatever the disk says.
fn unusable(path: &Path, error: std::io::Error) -> Failure {
    Failure::Other(format!("{}: {error}", path.display()))
}
