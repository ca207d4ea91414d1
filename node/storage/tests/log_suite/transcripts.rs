//! What each call does to the log, as a conversation.

use std::path::Path;

use expect_test::{Expect, expect};
use holdfast_storage::log::{Entry, LogId, Vote};
use holdfast_storage::simulated::SimulatedDisk;

use crate::node::{Node, entry, small};

fn check(script: &str, expected: Expect) {
    let disk = SimulatedDisk::new(1);
    let mut node = Node::open(&disk, Path::new("/data"), small()).unwrap();
    let mut transcript = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut said = Vec::new();
        if line == "reopen" {
            node = node.reopen(small()).unwrap();
        } else {
            said.extend(play(&mut node, line));
        }
        said.extend(node.take_answers());
        let said = if said.is_empty() { String::new() } else { format!(" -> {}", said.join(", ")) };
        transcript.push_str(&format!("{line}{said}\n"));
    }
    expected.assert_eq(&transcript);
}

fn play(node: &mut Node<SimulatedDisk>, line: &str) -> Option<String> {
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        ["append", id, count, size] => {
            let (first, count) = (log_id(id), number(count));
            let entries = (0..count).map(|nth| {
                let entry = entry(first.term, first.index + nth, number(size) as usize, 0);
                Entry { id: LogId { node: first.node, ..entry.id }, ..entry }
            });
            node.log.append(entries.collect(), node.done("done"));
            None
        }
        ["vote", vote] => {
            let LogId { term, node: candidate, .. } = log_id(&format!("{vote}.0"));
            node.log.save_vote(Vote { term, node: candidate, committed: false }, node.done("done"));
            None
        }
        ["truncate", "all"] => node.log.truncate_after(None).err().map(|error| error.to_string()),
        ["truncate", index] => {
            node.log.truncate_after(Some(number(index))).err().map(|error| error.to_string())
        }
        ["purge", id] => node.log.purge(log_id(id)).err().map(|error| error.to_string()),
        ["commit", id] => node.log.save_committed(Some(log_id(id))).err().map(|error| error.to_string()),
        ["write"] => {
            node.write();
            None
        }
        ["read", start, end] => Some(read(node, start, end, None)),
        ["read", start, end, limit] => Some(read(node, start, end, Some(number(limit)))),
        ["id", index] => Some(shown(node.log.id_at(number(index)))),
        ["state"] => {
            let state = node.log.state();
            Some(format!(
                "purged {} last {} vote {} committed {}",
                shown(state.purged),
                shown(state.last),
                shown(state.vote),
                shown(state.committed)
            ))
        }
        ["size"] => {
            let size = node.log.size();
            Some(format!("{} entries, {} bytes", size.entries, size.entry_bytes))
        }
        _ => panic!("{line}?"),
    }
}

fn read(node: &Node<SimulatedDisk>, start: &str, end: &str, limit: Option<u64>) -> String {
    match node.log.entries(number(start)..number(end), limit) {
        Ok(entries) if entries.is_empty() => "nothing".to_owned(),
        Ok(entries) => {
            let ids: Vec<String> = entries.iter().map(|entry| entry.id.to_string()).collect();
            ids.join(" ")
        }
        Err(error) => error.to_string(),
    }
}

fn shown<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

fn log_id(text: &str) -> LogId {
    let parts: Vec<u64> = text.split('.').map(number).collect();
    LogId { term: parts[0], node: parts[1], index: parts[2] }
}

#[test]
fn a_new_log_is_empty() {
    check(
        "
        state
        read 0 9
        id 0
        ",
        expect![[r#"
            state -> purged none last none vote none committed none
            read 0 9 -> nothing
            id 0 -> none
        "#]],
    );
}

#[test]
fn entries_are_readable_at_once_and_durable_after_a_write() {
    check(
        "
        append 1.2.0 3 10
        read 0 9
        write
        vote 2.3
        state
        reopen
        state
        read 0 9
        ",
        expect![[r#"
            append 1.2.0 3 10
            read 0 9 -> 1.2.0 1.2.1 1.2.2
            write -> done
            vote 2.3
            state -> purged none last 1.2.2 vote 2.3 committed none
            reopen
            state -> purged none last 1.2.2 vote none committed none
            read 0 9 -> 1.2.0 1.2.1 1.2.2
        "#]],
    );
}

#[test]
fn an_append_must_follow_the_last_entry() {
    check(
        "
        append 1.1.1 1 10
        append 1.1.0 2 10
        append 1.1.1 1 10
        append 1.1.3 1 10
        state
        ",
        expect![[r#"
            append 1.1.1 1 10 -> done: entry 1.1.1 does not follow, 0 does
            append 1.1.0 2 10
            append 1.1.1 1 10 -> done: entry 1.1.1 does not follow, 2 does
            append 1.1.3 1 10 -> done: entry 1.1.3 does not follow, 2 does
            state -> purged none last 1.1.1 vote none committed none
        "#]],
    );
}

#[test]
fn a_truncated_tail_is_replaced() {
    check(
        "
        append 1.1.0 4 10
        write
        truncate 1
        append 2.2.2 1 10
        read 0 9
        truncate 9
        write
        reopen
        read 0 9
        truncate all
        state
        append 3.1.0 1 10
        write
        reopen
        read 0 9
        ",
        expect![[r#"
            append 1.1.0 4 10
            write -> done
            truncate 1
            append 2.2.2 1 10
            read 0 9 -> 1.1.0 1.1.1 2.2.2
            truncate 9
            write -> done
            reopen
            read 0 9 -> 1.1.0 1.1.1 2.2.2
            truncate all
            state -> purged none last none vote none committed none
            append 3.1.0 1 10
            write -> done
            reopen
            read 0 9 -> 3.1.0
        "#]],
    );
}

#[test]
fn entries_truncated_before_they_were_written_stay_away() {
    check(
        "
        append 1.1.0 3 400
        truncate 0
        append 2.1.1 1 400
        write
        read 0 9
        reopen
        read 0 9
        ",
        expect![[r#"
            append 1.1.0 3 400
            truncate 0
            append 2.1.1 1 400
            write -> done, done
            read 0 9 -> 1.1.0 2.1.1
            reopen
            read 0 9 -> 1.1.0 2.1.1
        "#]],
    );
}

#[test]
fn purged_entries_are_absent_and_the_purged_id_is_known() {
    check(
        "
        append 1.1.0 5 10
        purge 1.1.2
        read 0 9
        read 0 2
        id 1
        id 2
        state
        purge 1.1.1
        purge 9.9.3
        truncate 1
        write
        reopen
        state
        read 0 9
        truncate 2
        state
        append 2.1.3 1 10
        read 0 9
        ",
        expect![[r#"
            append 1.1.0 5 10
            purge 1.1.2
            read 0 9 -> 1.1.3 1.1.4
            read 0 2 -> nothing
            id 1 -> none
            id 2 -> 1.1.2
            state -> purged 1.1.2 last 1.1.4 vote none committed none
            purge 1.1.1
            purge 9.9.3 -> entry 9.9.3 cannot be purged: 1.1.3 is in its place
            truncate 1 -> the log cannot be truncated after entry 1: it is purged
            write -> done
            reopen
            state -> purged 1.1.2 last 1.1.4 vote none committed none
            read 0 9 -> 1.1.3 1.1.4
            truncate 2
            state -> purged 1.1.2 last 1.1.2 vote none committed none
            append 2.1.3 1 10
            read 0 9 -> 2.1.3
        "#]],
    );
}

#[test]
fn a_purge_beyond_the_end_is_where_the_log_goes_on() {
    check(
        "
        append 1.1.0 2 10
        purge 3.1.100
        state
        append 3.1.2 1 10
        append 3.1.101 1 10
        write
        reopen
        state
        read 0 999
        ",
        expect![[r#"
            append 1.1.0 2 10
            purge 3.1.100
            state -> purged 3.1.100 last 3.1.100 vote none committed none
            append 3.1.2 1 10 -> done: entry 3.1.2 does not follow, 101 does
            append 3.1.101 1 10
            write -> done, done
            reopen
            state -> purged 3.1.100 last 3.1.101 vote none committed none
            read 0 999 -> 3.1.101
        "#]],
    );
}

#[test]
fn a_byte_limit_gives_a_prefix_and_at_least_one_entry() {
    // A record is 42 bytes longer than its payload.
    check(
        "
        append 1.1.0 4 58
        read 0 9 0
        read 1 9 100
        read 0 9 299
        read 0 9 300
        write
        reopen
        read 0 9 0
        read 0 9 299
        read 0 9 300
        size
        ",
        expect![[r#"
            append 1.1.0 4 58
            read 0 9 0 -> 1.1.0
            read 1 9 100 -> 1.1.1
            read 0 9 299 -> 1.1.0 1.1.1
            read 0 9 300 -> 1.1.0 1.1.1 1.1.2
            write -> done
            reopen
            read 0 9 0 -> 1.1.0
            read 0 9 299 -> 1.1.0 1.1.1
            read 0 9 300 -> 1.1.0 1.1.1 1.1.2
            size -> 4 entries, 400 bytes
        "#]],
    );
}

#[test]
fn an_entry_longer_than_a_segment_gets_its_own() {
    check(
        "
        append 1.1.0 1 10
        append 1.1.1 1 5000
        append 1.1.2 2 400
        write
        read 0 9
        reopen
        read 0 9
        size
        ",
        expect![[r#"
            append 1.1.0 1 10
            append 1.1.1 1 5000
            append 1.1.2 2 400
            write -> done, done, done
            read 0 9 -> 1.1.0 1.1.1 1.1.2 1.1.3
            reopen
            read 0 9 -> 1.1.0 1.1.1 1.1.2 1.1.3
            size -> 4 entries, 5978 bytes
        "#]],
    );
}

#[test]
fn reads_span_files_and_memory() {
    check(
        "
        append 1.1.0 3 200
        write
        append 1.1.3 3 200
        write
        append 1.1.6 2 400
        read 0 9
        read 4 7
        write
        read 4 7
        ",
        expect![[r#"
            append 1.1.0 3 200
            write -> done
            append 1.1.3 3 200
            write -> done
            append 1.1.6 2 400
            read 0 9 -> 1.1.0 1.1.1 1.1.2 1.1.3 1.1.4 1.1.5 1.1.6 1.1.7
            read 4 7 -> 1.1.4 1.1.5 1.1.6
            write -> done
            read 4 7 -> 1.1.4 1.1.5 1.1.6
        "#]],
    );
}

#[test]
fn a_committed_hint_is_readable_at_once() {
    check(
        "
        append 1.1.0 2 10
        commit 1.1.1
        state
        write
        reopen
        state
        ",
        expect![[r#"
            append 1.1.0 2 10
            commit 1.1.1
            state -> purged none last 1.1.1 vote none committed 1.1.1
            write -> done
            reopen
            state -> purged none last 1.1.1 vote none committed 1.1.1
        "#]],
    );
}
