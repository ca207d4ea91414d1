//! The threads of the process (proc(5)). Some work on the rows, and when the process ends while one does, RocksDB's
//! destructors take the ground from under it: it aborts.

use std::ffi::OsString;
use std::time::{Duration, Instant};

/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// RocksDB's own; they end with the process.
const OF_ROCKSDB: &str = "rocksdb";

/// Waits until this thread is the only one of ours; the names of those that are left after all.
pub(crate) fn wait_for_others(at_most: Duration) -> Vec<String> {
    let started_at = Instant::now();
    loop {
        let left = others();
        if left.is_empty() || started_at.elapsed() > at_most {
            return left;
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
}

fn others() -> Vec<String> {
    let own = std::fs::read_link("/proc/thread-self").unwrap_or_default();
    let own = own.file_name().map(OsString::from).unwrap_or_default();
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let threads = threads.filter(|thread| thread.file_name() != own);
    // One that cannot be read has ended meanwhile.
    let names = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).filter(|name| !name.starts_with(OF_ROCKSDB)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread::Builder;

    use super::*;

    #[test]
    fn a_thread_is_seen_until_it_has_ended() {
        let (go_on, waits) = channel::<()>();
        let ours = Builder::new().name("straggler".to_owned()).spawn(move || waits.recv()).unwrap();
        let has = |left: &[String]| left.iter().any(|name| name == "straggler");
        assert!(has(&wait_for_others(Duration::from_millis(5))));
        drop(go_on);
        assert!(ours.join().unwrap().is_err());
        assert!(!has(&wait_for_others(Duration::from_millis(100))));
    }
}
