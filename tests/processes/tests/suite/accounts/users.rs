//! Bans, roles and passwords: what counts from the next request on, at every node.

use holdfast_processes::{Park, Stage, beside, fresh_key};
use hyper::Method;
use serde_json::json;

use super::{PASSWORD, Person, ask_again, log_in, operate, refresh, seen};

/// How often somebody is banned, or given a role: a node may be late only now and then.
const ROUNDS: usize = 15;

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_counts_from_the_next_request_on_every_node() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let slot = Park::open(&stage.operator).await.slots(&stage.operator, &[1000]).await[0];
    let mut person = Person::arrive(&stage).await;
    for round in 0..ROUNDS {
        let book = json!({"slotId": slot.0});
        let booked = person.ask(&stage, round % 3, Method::POST, "/v1/bookings", Some(book.clone())).await;
        assert_eq!(booked.status, 201, "{}", booked.json);
        for node in 0..3 {
            // Each node knows him by now.
            assert_eq!(person.ask(&stage, node, Method::GET, "/v1/venues", None).await.status, 200);
        }
        let reason = json!({"reason": "scalping"});
        let banned = operate(&stage, round % 3, Method::PUT, &person.path("/ban"), Some(reason)).await;
        assert_eq!((banned.status, &banned.json["banned"]["reason"]), (200, &json!("scalping")));
        for node in [1, 2, 0].map(|shift| (round + shift) % 3) {
            let list = person.ask(&stage, node, Method::GET, "/v1/venues", None).await;
            assert_eq!(seen(&list), (401, "unauthenticated"), "round {round}, node {node}");
            let list = person.ask(&stage, node, Method::GET, "/v1/bookings", None).await;
            assert_eq!(seen(&list), (401, "unauthenticated"), "round {round}, node {node}");
            let booked = person.ask(&stage, node, Method::POST, "/v1/bookings", Some(book.clone())).await;
            assert_eq!(seen(&booked), (401, "unauthenticated"), "round {round}, node {node}");
        }
        let refused = log_in(&stage, round % 3, &person.email, PASSWORD).await;
        assert_eq!(seen(&refused), (401, "banned"));
        let refused = log_in(&stage, round % 3, &person.email, "wrong password").await;
        assert_eq!(seen(&refused), (401, "bad_credentials"), "only he himself learns of it");
        assert_eq!(seen(&refresh(&stage, 0, &person.refresh).await), (401, "session_invalid"));

        let lifted = operate(&stage, (round + 1) % 3, Method::DELETE, &person.path("/ban"), None).await;
        assert_eq!((lifted.status, &lifted.json["banned"]), (200, &json!(null)));
        let old = person.ask(&stage, 0, Method::GET, "/v1/bookings", None).await;
        assert_eq!(seen(&old), (401, "unauthenticated"), "what was revoked stays so");
        person.log_in(&stage, (round + 2) % 3).await;
    }
    let bookings = person.ask(&stage, 0, Method::GET, "/v1/bookings", None).await;
    assert_eq!(bookings.json["items"].as_array().unwrap().len(), ROUNDS, "he keeps what he has booked");
    stage.digest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_that_was_refused_for_a_ban_is_judged_anew_under_its_key() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let person = Person::arrive(&stage).await;
    let (key, body) = (fresh_key(), json!({"email": person.email, "password": PASSWORD}));
    let log_in = async |node| {
        ask_again(&stage, node, None, Method::POST, "/auth/login", Some(body.clone()), &key).await
    };
    operate(&stage, 0, Method::PUT, &person.path("/ban"), None).await.success().unwrap();
    for node in 0..3 {
        assert_eq!(seen(&log_in(node).await), (401, "banned"));
    }
    operate(&stage, 0, Method::DELETE, &person.path("/ban"), None).await.success().unwrap();
    let first = log_in(1).await;
    assert_eq!(first.status, 200, "{}", first.json);
    assert_eq!(log_in(1).await.bytes, first.bytes, "a retry of what succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_counts_from_the_next_request_on_every_node() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let person = Person::arrive(&stage).await;
    let set_role = async |node, role: &str| {
        let set =
            operate(&stage, node, Method::PUT, &person.path("/role"), Some(json!({"role": role}))).await;
        assert_eq!((set.status, &set.json["role"]), (200, &json!(role)), "{}", set.json);
    };
    let venue = json!({
        "name": "Park", "region": "-", "timeZone": "UTC", "openAt": "09:00", "closeAt": "22:00",
    });
    for round in 0..ROUNDS {
        for (role, [read, write]) in [("operator", [200, 201]), ("staff", [403, 403])] {
            set_role(round % 3, role).await;
            for node in [1, 2, 0].map(|shift| (round + shift) % 3) {
                let listed = person.ask(&stage, node, Method::GET, "/v1/users", None).await;
                assert_eq!(listed.status, read, "round {round}, node {node}, {role}: {}", listed.json);
                let made = person.ask(&stage, node, Method::POST, "/v1/venues", Some(venue.clone())).await;
                assert_eq!(made.status, write, "round {round}, node {node}, {role}: {}", made.json);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_can_always_operate_the_cluster() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let mut person = Person::arrive(&stage).await;
    let operator = operate(&stage, 0, Method::GET, "/v1/users?email=operator@holdfast.local", None).await;
    let id = operator.json["items"][0]["id"].as_u64().unwrap();
    let demote = Some(json!({"role": "guest"}));
    let (role, ban) = (format!("/v1/users/{id}/role"), format!("/v1/users/{id}/ban"));
    for node in 0..3 {
        let refused = operate(&stage, node, Method::PUT, &role, demote.clone()).await;
        assert_eq!(seen(&refused), (409, "last_operator"));
        assert_eq!(seen(&operate(&stage, node, Method::PUT, &ban, None).await), (409, "last_operator"));
    }
    let promote = Some(json!({"role": "operator"}));
    let body = Some(json!({"email": "ghost@example.com", "name": "Ghost"}));
    let ghost = operate(&stage, 0, Method::POST, "/v1/users", body).await.success().unwrap();
    let path = format!("/v1/users/{}/role", ghost["id"]);
    let refused = operate(&stage, 1, Method::PUT, &path, promote.clone()).await;
    assert_eq!(seen(&refused), (409, "no_password"), "nobody could log in as that one");
    operate(&stage, 0, Method::PUT, &person.path("/role"), promote).await.success().unwrap();
    operate(&stage, 1, Method::PUT, &person.path("/ban"), None).await.success().unwrap();
    let refused = operate(&stage, 2, Method::PUT, &role, demote.clone()).await;
    assert_eq!(seen(&refused), (409, "last_operator"), "the other one is banned");
    operate(&stage, 1, Method::DELETE, &person.path("/ban"), None).await.success().unwrap();
    operate(&stage, 2, Method::PUT, &role, demote).await.success().unwrap();
    person.log_in(&stage, 1).await;
    assert_eq!(person.ask(&stage, 0, Method::GET, "/v1/users", None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_by_who_knows_the_old_one_or_by_an_operator() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let (mut person, other) = (Person::arrive(&stage).await, Person::arrive(&stage).await);
    let path = person.path("/password");
    let change = |old: Option<&str>| match old {
        Some(old) => json!({"password": "by the new lake", "oldPassword": old}),
        None => json!({"password": "by the new lake"}),
    };
    let refused = other.ask(&stage, 0, Method::PUT, &path, Some(change(Some(PASSWORD)))).await;
    assert_eq!(seen(&refused), (404, "user_not_found"), "somebody else's");
    let refused = other.ask(&stage, 0, Method::GET, &person.path(""), None).await;
    assert_eq!(seen(&refused), (404, "user_not_found"), "somebody else's");
    let refused = person.ask(&stage, 1, Method::PUT, &path, Some(change(None))).await;
    assert_eq!(seen(&refused), (422, "invalid"));
    let refused = person.ask(&stage, 1, Method::PUT, &path, Some(change(Some("not the old one")))).await;
    assert_eq!(seen(&refused), (401, "bad_credentials"));

    let (key, body) = (fresh_key(), Some(change(Some(PASSWORD))));
    let changed = ask_again(&stage, 2, Some(&person.token), Method::PUT, &path, body.clone(), &key).await;
    assert_eq!(changed.status, 200, "{}", changed.json);
    for node in 0..3 {
        let again =
            ask_again(&stage, node, Some(&person.token), Method::PUT, &path, body.clone(), &key).await;
        assert_eq!(again.bytes, changed.bytes, "a retry gets the first answer at node {node}");
        let refused = person.ask(&stage, node, Method::GET, &person.path(""), None).await;
        assert_eq!(seen(&refused), (401, "unauthenticated"));
        assert_eq!(seen(&refresh(&stage, node, &person.refresh).await), (401, "session_invalid"));
    }
    assert_eq!(seen(&log_in(&stage, 0, &person.email, PASSWORD).await), (401, "bad_credentials"));
    let logged_in = log_in(&stage, 1, &person.email, "by the new lake").await;
    person.keep(&logged_in);

    let reset = Some(json!({"password": PASSWORD}));
    operate(&stage, 0, Method::PUT, &path, reset).await.success().unwrap();
    let refused = person.ask(&stage, 2, Method::GET, &person.path(""), None).await;
    assert_eq!(seen(&refused), (401, "unauthenticated"));
    person.log_in(&stage, 2).await;
}
