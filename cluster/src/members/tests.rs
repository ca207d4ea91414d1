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
    let to_come = Some(Until::Gone(3));
    assert_eq!(judge(gone(), to_come).unwrap(), Verdict::Done);
    assert_eq!(judge(gone(), None).unwrap_err().exit_code(), 6);
    assert_eq!(judge(gone(), Some(Until::Leads(3))).unwrap_err().exit_code(), 6);
    assert_eq!(judge(reply(404, json!({"code": "no_such_path"})), to_come).unwrap_err().exit_code(), 6);
}

#[test]
fn who_leads_already_was_given_leadership_if_another_led_before() {
    let leads = || reply(409, json!({"code": "already_leads"}));
    assert_eq!(judge(leads(), Some(Until::Leads(3))).unwrap(), Verdict::Done);
    assert_eq!(judge(leads(), None).unwrap_err().exit_code(), 6);
    let until = Until::Leads(3);
    assert!(until.is_to_come(&json!({"leader": 1})) && until.is_to_come(&json!({"leader": null})));
    assert!(!until.is_to_come(&json!({"leader": 3})));
}

#[test]
fn every_answer_has_its_exit_code() {
    assert_eq!(judge(reply(200, Value::Null), None).unwrap(), Verdict::Done);
    assert_eq!(judge(reply(202, left()), None).unwrap(), Verdict::Left(left()));
    let code = |status| judge(reply(status, json!({"code": "x"})), None).unwrap_err().exit_code();
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
