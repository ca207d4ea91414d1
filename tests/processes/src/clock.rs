//! Wall clocks of single nodes, set while they run: libfaketime stands between a node and the operating system. Monotonic
//! clocks, and with them timers, stay as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The library for programs with threads.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// Where it is, on Debian one folder further down.
const FOLDERS: [&str; 3] = ["/usr/lib", "/usr/lib64", "/usr/local/lib"];

/// The wall clock of one node. Clones set the same one.
#[derive(Clone, Debug)]
pub struct Clock {
    /// How far it is ahead, as libfaketime reads it whenever the node asks what time it is.
    file: PathBuf,
}

/// Sets a clock again and again, until it is ended.
#[derive(Debug)]
pub struct Strobe {
    clock: Clock,
    is_over: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Clock {
    /// A right one, in a file of its own.
    pub(crate) fn in_file(file: PathBuf) -> Self {
        let clock = Self { file };
        clock.set(SignedDuration::ZERO);
        clock
    }

    /// What a node has to be started with to go by it.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let variables = [
            ("LD_PRELOAD", library().display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("NO_FAKE_STAT", "1".to_owned()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// Sets it so far ahead of the right one, in whole seconds; behind it if that is negative.
    pub fn set(&self, ahead: SignedDuration) {
        // It may be read at any moment: never half of it.
        let written = self.file.with_extension("written");
        fs::write(&written, format!("{:+}", ahead.as_secs())).unwrap();
        fs::rename(&written, &self.file).unwrap();
    }

    /// Sets it to one after the other, over and over.
    #[must_use]
    pub fn strobe(&self, interval: Duration, aheads: Vec<SignedDuration>) -> Strobe {
        let (is_over, mut over) = watch::channel(false);
        let clock = self.clone();
        let task = tokio::spawn(async move {
            for ahead in aheads.into_iter().cycle() {
                clock.set(ahead);
                if tokio::time::timeout(interval, over.wait_for(|is_over| *is_over)).await.is_ok() {
                    return;
                }
            }
        });
        Strobe { clock: self.clone(), is_over, task }
    }
}

impl Strobe {
    /// Leaves the clock right.
    pub async fn end(self) {
        self.is_over.send_replace(true);
        self.task.await.unwrap();
        self.clock.set(SignedDuration::ZERO);
    }
}

/// Removes the names of what libfaketime would share with child processes, of which nodes have none. It leaves them behind
/// when a process is killed, and would refuse to start in another one that gets the same process id.
pub(crate) fn tidy(pid: Option<u32>) {
    let Some(pid) = pid else { return };
    for name in [format!("faketime_shm_{pid}"), format!("sem.faketime_sem_{pid}")] {
        drop(fs::remove_file(Path::new("/dev/shm").join(name)));
    }
}

fn library() -> PathBuf {
    let inside = |folder: &Path| {
        let folders = fs::read_dir(folder).into_iter().flatten().flatten();
        folders.map(|entry| entry.path()).collect::<Vec<PathBuf>>()
    };
    let folders =
        FOLDERS.iter().map(PathBuf::from).flat_map(|folder| [inside(&folder), vec![folder]].concat());
    let found = folders.map(|folder| folder.join(LIBRARY)).find(|library| library.is_file());
    found.unwrap_or_else(|| {
        panic!("{LIBRARY} is not in any of {FOLDERS:?}: install libfaketime, or run scripts/test, which does")
    })
}
