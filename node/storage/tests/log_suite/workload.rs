//! Random or written operations on a log, the states they pass through, and what may be left after a crash.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use holdfast_storage::files::Files;
use holdfast_storage::log::{Entry, Log, LogId, LogOptions, Payload, Vote};

use crate::node::Node;

#[derive(Debug, Clone)]
pub enum Operation {
    Vote,
    Append {
        sizes: Vec<usize>,
    },
    /// Drops so many of the newest entries.
    Truncate {
        count: u64,
    },
    /// Keeps so many of the newest entries.
    Purge {
        kept: u64,
    },
    /// Purges beyond the end, as after an installed snapshot.
    Jump {
        distance: u64,
    },
    Commit,
    /// The writer writes what waits.
    Write,
    Reopen,
}

impl Operation {
    fn records(&self) -> usize {
        if let Operation::Append { sizes } = self { sizes.len() } else { 1 }
    }
}

/// A naive log.
#[derive(Clone, Default, PartialEq)]
pub struct Model {
    pub vote: Option<Vote>,
    pub purged: Option<LogId>,
    pub last: Option<LogId>,
    pub entries: VecDeque<Entry>,
}

/// One operation a line: a verb and its numbers.
pub fn operations(text: &str) -> Vec<Operation> {
    text.lines().filter(|line| !line.trim().is_empty()).map(operation).collect()
}

fn operation(line: &str) -> Operation {
    let mut words = line.split_whitespace();
    let verb = words.next().unwrap();
    let numbers: Vec<usize> = words.map(|word| word.parse().unwrap()).collect();
    let number = || numbers[0] as u64;
    match verb {
        "vote" => Operation::Vote,
        "append" => Operation::Append { sizes: numbers },
        "truncate" => Operation::Truncate { count: number() },
        "purge" => Operation::Purge { kept: number() },
        "jump" => Operation::Jump { distance: number() },
        "commit" => Operation::Commit,
        "write" => Operation::Write,
        "reopen" => Operation::Reopen,
        unknown => panic!("{unknown}?"),
    }
}

/// What was asked of a log since it was opened.
pub struct Workload {
    /// The state after each operation; the log is in the last one.
    states: Vec<Model>,
    /// Each answer says which state it makes durable.
    durable: Arc<AtomicUsize>,
    serial: u64,
}

impl fmt::Debug for Model {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vote = self.vote.map(|vote| vote.to_string());
        let purged = self.purged.map(|purged| purged.to_string());
        write!(formatter, "vote {vote:?} purged {purged:?}")?;
        self.entries
            .iter()
            .try_for_each(|entry| write!(formatter, " {}:{}", entry.id, entry.payload.bytes().len()))
    }
}

impl Model {
    pub fn of<F: Files>(log: &Log<F>) -> Model {
        let state = log.state();
        let entries = log.entries(0..u64::MAX, None).unwrap();
        Model { vote: state.vote, purged: state.purged, last: state.last, entries: entries.into() }
    }

    fn next_index(&self) -> u64 {
        self.last.map_or(0, |last| last.index + 1)
    }

    fn append(&mut self, entry: &Entry) {
        self.entries.push_back(entry.clone());
        self.last = Some(entry.id);
    }

    fn keep(&mut self, count: u64) {
        self.entries.truncate(count as usize);
        self.last = self.entries.back().map_or(self.purged, |entry| Some(entry.id));
    }

    fn purge(&mut self, id: LogId) {
        self.entries.retain(|entry| entry.id.index > id.index);
        self.purged = Some(id);
        self.last = self.entries.back().map_or(self.purged, |entry| Some(entry.id));
    }
}

impl Workload {
    pub fn new() -> Workload {
        Workload { states: vec![Model::default()], durable: Arc::default(), serial: 0 }
    }

    fn now(&self) -> Model {
        self.states.last().unwrap().clone()
    }

    /// False if the log can do no more.
    pub fn run<F: Files>(
        &mut self,
        node: &mut Node<F>,
        options: &dyn Fn() -> LogOptions,
        operation: &Operation,
    ) -> bool {
        match operation {
            Operation::Write => return node.write(),
            Operation::Reopen => {
                node.log.close();
                node.write();
                if node.error.is_some() {
                    return false;
                }
                // A clean close makes everything durable, the operations without an answer too.
                self.durable.store(self.states.len() - 1, Ordering::Relaxed);
                match Node::open(&node.files, &node.root, options()) {
                    Ok(reopened) => *node = reopened,
                    Err(_) => return false,
                }
                assert_eq!(Model::of(&node.log), self.now());
            }
            Operation::Vote
            | Operation::Append { .. }
            | Operation::Truncate { .. }
            | Operation::Purge { .. }
            | Operation::Jump { .. }
            | Operation::Commit => self.change(node, operation),
        }
        true
    }

    fn change<F: Files>(&mut self, node: &Node<F>, operation: &Operation) {
        self.serial += 1;
        let mut model = self.now();
        let state = self.states.len() - 1 + operation.records();
        let durable = Arc::clone(&self.durable);
        let done = Box::new(move |result: std::io::Result<()>| {
            if result.is_ok() {
                assert!(durable.swap(state, Ordering::Relaxed) < state, "answers in order");
            }
        });
        match operation {
            Operation::Vote => {
                let vote = Vote { term: self.serial, node: 1, committed: self.serial.is_multiple_of(2) };
                model.vote = Some(vote);
                node.log.save_vote(vote, done);
            }
            Operation::Append { sizes } => {
                let entries: Vec<Entry> =
                    (model.next_index()..).zip(sizes).map(|(index, size)| self.entry(index, *size)).collect();
                // A crash may leave the first entries of an append.
                for entry in &entries[..entries.len() - 1] {
                    model.append(entry);
                    self.states.push(model.clone());
                }
                model.append(&entries[entries.len() - 1]);
                node.log.append(entries, done);
            }
            Operation::Truncate { count } => {
                model.keep((model.entries.len() as u64).saturating_sub(*count));
                node.log.truncate_after(model.last.map(|last| last.index)).unwrap();
            }
            Operation::Purge { kept } => {
                let gone = model.entries.len().saturating_sub(*kept as usize);
                if let Some(entry) = gone.checked_sub(1).and_then(|gone| model.entries.get(gone)) {
                    let id = entry.id;
                    model.purge(id);
                    node.log.purge(id).unwrap();
                }
            }
            Operation::Jump { distance } => {
                let id = LogId { term: self.serial, node: 2, index: model.next_index() + distance };
                model.purge(id);
                node.log.purge(id).unwrap();
            }
            Operation::Commit => {
                // Somewhere in the log, sometimes its end.
                let nth = self.serial as usize % (model.entries.len() + 1);
                let committed = model.entries.get(nth).map(|entry| entry.id).or(model.last);
                node.log.save_committed(committed).unwrap();
                assert_eq!(node.log.committed(), committed);
            }
            Operation::Write | Operation::Reopen => unreachable!("these change nothing"),
        }
        self.states.push(model);
        assert_eq!(Model::of(&node.log), self.now(), "readable at once");
    }

    fn entry(&self, index: u64, size: usize) -> Entry {
        let bytes: Vec<u8> = (0..size).map(|at| (self.serial as usize * 31 + at) as u8).collect();
        let payload = match self.serial % 7 {
            0 => Payload::Blank,
            1 => Payload::Membership(Bytes::from(bytes)),
            _ => Payload::Commands(Bytes::from(bytes)),
        };
        Entry { id: LogId { term: self.serial, node: 1, index }, payload }
    }

    /// After a crash the log must be in one of the states since the last one reported durable. Goes on from there.
    pub fn recover<F: Files>(&mut self, node: &Node<F>, context: &dyn Fn() -> String) {
        let recovered = Model::of(&node.log);
        let durable = self.durable.load(Ordering::Relaxed);
        assert!(
            self.states[durable..].contains(&recovered),
            "{}:\nrecovered {recovered:?}\ndurable {:?}\nasked for {:?}",
            context(),
            self.states[durable],
            self.now(),
        );
        let state = node.log.state();
        assert!(state.committed <= state.last, "{}: {state:?}", context());
        check_readable(node, &recovered);
        self.states = vec![recovered];
        self.durable = Arc::default();
    }
}

/// One by one, in ranges and by id, not only all at once.
fn check_readable<F: Files>(node: &Node<F>, model: &Model) {
    for (nth, entry) in model.entries.iter().enumerate() {
        let index = entry.id.index;
        assert_eq!(node.log.entries(index..index + 1, Some(0)).unwrap(), std::slice::from_ref(entry));
        let pair: Vec<Entry> = model.entries.iter().skip(nth).take(2).cloned().collect();
        assert_eq!(node.log.entries(index..index + 2, None).unwrap(), pair);
        assert_eq!(node.log.id_at(index), Some(entry.id));
    }
    assert_eq!(node.log.id_at(model.last.map_or(0, |last| last.index + 1)), None);
}
