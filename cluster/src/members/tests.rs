//! What an answer means for a verb, and what it prints.

use bytes::Bytes;
use hyper::HeaderMap;
use serde_json::json;

use super::*;

fn reply(status: u16, json: Value) -> Reply {
    Reply { status, json, bytes: Bytes::new(), index: None, headers: HeaderMap::new(), key: None }
}

fn left() -> Value {
    json!({"dryRun": false, "done": false, "steps": ["make node 3 a learner", "forget it"], "waitsFor": null})
}

#[test]
fn an_unknown_node_is_refused_and_one_that_has_gone_is_done() {
    let gone = || reply(404, json!({"code": "node_not_found", "detail": "there is no node 3"}));
    assert_eq!(judge(gone(), true).unwrap(), Verdict::Done);
    assert_eq!(judge(gone(), false).unwrap_err().exit_code(), 6);
    assert_eq!(judge(reply(404, json!({"code": "no_such_path"})), true).unwrap_err().exit_code(), 6);
}

#[test]
fn every_answer_has_its_exit_code() {
    assert_eq!(judge(reply(200, Value::Null), false).unwrap(), Verdict::Done);
    assert_eq!(judge(reply(202, left()), false).unwrap(), Verdict::Left(left()));
    let code = |status| judge(reply(status, json!({"code": "x"})), false).unwrap_err().exit_code();
    assert_eq!([403, 409, 429, 503].map(code), [6, 6, 6, 7]);
}

#[test]
fn what_is_left_is_a_numbered_list() {
    assert_eq!(lines(&left()), ["1. make node 3 a learner", "2. forget it"]);
    assert_eq!(lines(&json!({"done": true, "steps": []})), ["done"]);
    assert_eq!(progress(&left()), "make node 3 a learner");
    let waits = json!({"steps": ["wait"], "waitsFor": "start one: holdfast start --data-dir DIR"});
    assert_eq!(progress(&waits), "start one: holdfast start --data-dir DIR");
    assert!(needs_newcomer(&waits) && !needs_newcomer(&left()));
}

#[test]
fn who_is_listed_was_there() {
    let cluster = json!({"nodes": [{"id": 1}, {"id": 12}]});
    assert!(is_listed(&cluster, 12) && !is_listed(&cluster, 2) && !is_listed(&Value::Null, 1));
}
