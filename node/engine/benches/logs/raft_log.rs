//! The `raft-log` crate: with its own settings, by which it waits a millisecond for more to write, and without that wait.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use raft_log::api::raft_log_writer::RaftLogWriter;
use raft_log::{Callback, Config, RaftLog, Types};

use crate::candidate::{Candidate, Done};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Plain;

impl Types for Plain {
    type LogId = (u64, u64);
    type LogPayload = Vec<u8>;
    type Vote = (u64, u64);
    type Callback = Told;
    type UserData = String;

    fn log_index(id: &Self::LogId) -> u64 {
        id.1
    }

    fn payload_size(payload: &Self::LogPayload) -> u64 {
        payload.len() as u64
    }
}

struct Told(Done);

impl Callback for Told {
    fn send(self, outcome: io::Result<()>) {
        outcome.expect("raft-log is written");
        (self.0)();
    }
}

pub fn open(dir: &Path) -> Box<dyn Candidate> {
    open_with(dir, None)
}

pub fn open_eager(dir: &Path) -> Box<dyn Candidate> {
    open_with(dir, Some(Duration::ZERO))
}

fn open_with(dir: &Path, wait: Option<Duration>) -> Box<dyn Candidate> {
    let mut config = Config::new(dir.join("raft-log").display());
    config.wal.flush_batch_wait = wait;
    std::fs::create_dir_all(dir.join("raft-log")).expect("a folder for raft-log");
    Box::new(RaftLog::<Plain>::open(Arc::new(config)).expect("raft-log opens"))
}

impl Candidate for RaftLog<Plain> {
    fn append(&mut self, first: u64, entries: Vec<Bytes>, done: Done) {
        let entries = (first..).zip(entries).map(|(index, bytes)| ((1, index), bytes.to_vec()));
        RaftLogWriter::append(self, entries).expect("raft-log takes entries");
        self.flush(true, Some(Told(done))).expect("raft-log takes a flush");
    }

    fn purge(&mut self, upto: u64) {
        RaftLogWriter::purge(self, (1, upto)).expect("raft-log is purged");
    }

    fn close(self: Box<Self>) {}
}
