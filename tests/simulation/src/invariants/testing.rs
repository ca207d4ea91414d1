//! Lets the invariants' tests read like a conversation: observations as text, one a line, nodes apart by `|`.
//!
//! ```text
//! node:1 leads term=1 log=1.1.0,1.1.1 durable=1.1.1 committed=1.1.0 | node:2 log=1.1.0
//! node:2 down
//! node:2 restarts log=1.1.0
//! ```
//!
//! What a line does not say is as it was. An entry is `TERM.NODE.INDEX`, with other contents `TERM.NODE.INDEX:WORD`.

pub(crate) mod log;

use std::collections::BTreeSet;
use std::time::Duration;

use expect_test::Expect;
use holdfast_reservations::{PoolCounts, PoolId, Revision, Timestamp};
use holdfast_storage::log::{Entry, LogId, Payload, Vote};

use super::{Committed, Invariant, Logs, Memberships, Scene};
use crate::observation::{Acknowledged, Ending, Members, NodeSeen, Observation, Role, Running};

/// Shows an invariant these observations, and compares what it says with what it should.
pub(crate) fn check(invariant: &mut impl Invariant, text: &str, expected: &Expect) {
    expected.assert_eq(&verdict(invariant, &observations(text)));
}

/// What an invariant says of these observations: the first violation, or nothing.
pub(crate) fn verdict(invariant: &mut impl Invariant, observations: &[Observation]) -> String {
    let (mut logs, mut committed) = (Logs::default(), Committed::default());
    let mut memberships = Memberships::default();
    for (line, seen) in observations.iter().enumerate() {
        logs.observe(seen).unwrap();
        committed.observe(seen, &logs);
        memberships.observe(&committed).unwrap();
        let scene = Scene { seen, logs: &logs, committed: &committed, memberships: &memberships };
        if let Err(says) = invariant.check(&scene) {
            return format!("{}: {says}", line + 1);
        }
    }
    String::new()
}

/// The id in `1.2.3`.
pub(crate) fn id(text: &str) -> LogId {
    let numbers: Vec<u64> = text.split('.').map(|number| number.parse().unwrap()).collect();
    LogId { term: numbers[0], node: numbers[1], index: numbers[2] }
}

/// The observations that a text tells.
pub(crate) fn observations(text: &str) -> Vec<Observation> {
    let mut seen = Observation { true_ms: 1_000_000, ..Observation::default() };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let tell = |line: &str| {
        let next = seen.at + Duration::from_millis(1);
        pass(&mut seen, next);
        seen.acknowledged.clear();
        for node in seen.nodes.values_mut().filter_map(|node| node.running.as_mut()) {
            node.log.changed_from = node.log.last.map_or(0, |last| last.index + 1);
            node.log.entries.clear();
            node.state.pools.clear();
        }
        line.split(" | ").for_each(|part| tell(&mut seen, part));
        seen.clone()
    };
    lines.map(tell).collect()
}

fn pass(seen: &mut Observation, at: Duration) {
    let millis = at.saturating_sub(seen.at).as_millis() as u64;
    seen.at = at;
    seen.true_ms += millis;
    seen.nodes.values_mut().for_each(|node| node.clock_ms += millis);
}

fn tell(seen: &mut Observation, part: &str) {
    let (mut words, mut own) = (Vec::new(), None);
    for word in part.split_whitespace() {
        match word.split_once([':', '=']) {
            Some(("node", id)) => own = Some(id.parse().unwrap()),
            Some(("at", millis)) => pass(seen, Duration::from_millis(millis.parse().unwrap())),
            Some(("told", revision)) => {
                let (index, ordinal) = revision.split_once('-').unwrap();
                let revision = Revision { index: index.parse().unwrap(), ordinal: ordinal.parse().unwrap() };
                seen.acknowledged.push(Acknowledged { revision, key: None });
            }
            _ => words.push(word),
        }
    }
    let Some(own) = own else { return assert!(words.is_empty(), "of which node is {part}?") };
    let clock_ms = seen.true_ms;
    let node = seen.nodes.entry(own).or_insert_with(|| NodeSeen { clock_ms, ..NodeSeen::default() });
    words.into_iter().for_each(|word| apply(node, word));
}

fn apply(node: &mut NodeSeen, word: &str) {
    let (name, value) = word.split_once('=').unwrap_or((word, ""));
    match name {
        "down" => node.running = None,
        "restarts" => restart(node, Ending::Kept),
        "returns-from-power-loss" => restart(node, Ending::PowerLost),
        "returns-from-disk-loss" => restart(node, Ending::DiskLost),
        "slow-disk" => node.has_slow_disk = true,
        "clock" => node.clock_ms = value.parse().unwrap(),
        _ => run(node.running.get_or_insert_with(fresh), name, value),
    }
}

fn restart(node: &mut NodeSeen, ended: Ending) {
    node.incarnation += 1;
    node.ended = ended;
    node.running = Some(fresh());
}

fn fresh() -> Running {
    let voters = vec![BTreeSet::from([1, 2, 3])];
    Running {
        role: Role::Follower,
        members: Members { voters, learners: BTreeSet::new() },
        ..Running::default()
    }
}

fn run(running: &mut Running, name: &str, value: &str) {
    let at = |value: &str| Some(id(value));
    match name {
        "leads" => running.role = Role::Leader,
        "follows" => running.role = Role::Follower,
        "term" => running.term = value.parse().unwrap(),
        "vote" => (running.vote, running.vote_on_disk) = (Some(vote(value)), Some(vote(value))),
        "vote-on-disk" => running.vote_on_disk = Some(vote(value)),
        "log" => whole_log(running, value),
        "purged" => running.log.purged = at(value),
        "durable" => (running.log.durable, running.log.on_disk) = (at(value), at(value)),
        "on-disk" => running.log.on_disk = at(value),
        "committed" => running.committed = at(value),
        "snapshot" => running.snapshot = at(value),
        "applied" => running.state.applied = at(value),
        "digest" => running.state.digest = Some(value.parse().unwrap()),
        "now" => running.state.now = Timestamp(value.parse().unwrap()),
        "due" => running.state.due_at = value.parse().ok().map(Timestamp),
        "acked" => running.quorum_acked_ago = Some(Duration::from_millis(value.parse().unwrap())),
        "pool" => running.state.pools.push(pool(value)),
        "voters" => {
            let set = |set: &str| set.split(',').map(|node| node.parse().unwrap()).collect();
            running.members.voters = value.split('/').map(set).collect();
        }
        _ => panic!("not understood: {name}"),
    }
}

/// `1.2` or, committed, `1.2c`.
fn vote(text: &str) -> Vote {
    let (vote, committed) = text.strip_suffix('c').map_or((text, false), |vote| (vote, true));
    let (term, node) = vote.split_once('.').unwrap();
    Vote { term: term.parse().unwrap(), node: node.parse().unwrap(), committed }
}

/// The whole log: what of it is new follows from what it was.
fn whole_log(running: &mut Running, text: &str) {
    let entries: Vec<Entry> = text.split(',').filter(|entry| !entry.is_empty()).map(entry).collect();
    let log = &mut running.log;
    log.changed_from = entries.first().map_or(0, |entry| entry.id.index);
    log.last = entries.last().map(|entry| entry.id);
    log.entries = entries;
}

fn entry(text: &str) -> Entry {
    match text.split_once(':') {
        None => Entry { id: id(text), payload: Payload::Blank },
        Some((text, word)) => {
            Entry { id: id(text), payload: Payload::Commands(word.as_bytes().to_vec().into()) }
        }
    }
}

/// `ID:CAPACITY,AVAILABLE,HELD,CONFIRMED`.
fn pool(text: &str) -> (PoolId, PoolCounts) {
    let numbers: Vec<u32> = text.split([':', ',']).map(|number| number.parse().unwrap()).collect();
    let [id, capacity, available, held, confirmed] = numbers[..] else { panic!("no pool: {text}") };
    (PoolId(id.into()), PoolCounts { capacity, available, held, confirmed, sold_out_at: None })
}
