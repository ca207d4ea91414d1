//! Refresh tokens, and logging out.

use holdfast_processes::{Stage, beside, fresh_key};
use hyper::Method;
use serde_json::json;

use super::{PASSWORD, Person, ask, ask_again, refresh, seen, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_used_once_and_a_thief_ends_the_session() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let mut person = Person::arrive(&stage).await;
    let stolen = person.refresh.clone();
    for node in [1, 2, 0, 1] {
        let pair = refresh(&stage, node, &person.refresh).await;
        assert_eq!(pair.status, 200, "{}", pair.json);
        person.keep(&pair);
        let own = person.ask(&stage, (node + 1) % 3, Method::GET, &person.path(""), None).await;
        assert_eq!((own.status, own.json["id"].as_u64()), (200, Some(person.id)), "{}", own.json);
    }
    // Another log-in is another family.
    let mut elsewhere = Person { email: person.email.clone(), ..Person::arrive(&stage).await };
    elsewhere.log_in(&stage, 2).await;
    assert_eq!(seen(&refresh(&stage, 2, &stolen).await), (401, "session_invalid"));
    assert_eq!(seen(&refresh(&stage, 0, &person.refresh).await), (401, "session_invalid"), "the family ends");
    assert_eq!(refresh(&stage, 1, &elsewhere.refresh).await.status, 200, "and no other");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_whose_answer_got_lost_can_be_asked_again_anywhere() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let mut person = Person::arrive(&stage).await;
    let (key, body) = (fresh_key(), json!({"refreshToken": person.refresh}));
    let mut pairs = Vec::new();
    for node in [0, 1, 2, 0] {
        let pair =
            ask_again(&stage, node, None, Method::POST, "/auth/refresh", Some(body.clone()), &key).await;
        assert_eq!(pair.status, 200, "{}", pair.json);
        pairs.push(pair);
    }
    assert_eq!(pairs[0].bytes, pairs[3].bytes, "the same node gives the very same tokens");
    for pair in &pairs {
        // Each node signs with its own key; what is signed is the same.
        let claims = |token: String| token.split('.').nth(1).unwrap().to_owned();
        for name in ["accessToken", "refreshToken"] {
            assert_eq!(claims(text(&pair.json, name)), claims(text(&pairs[0].json, name)));
        }
    }
    person.keep(&pairs[1]);
    assert_eq!(refresh(&stage, 2, &person.refresh).await.status, 200, "the session goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_refresh_token_of_this_cluster_is_refused() {
    let _machine = beside().await;
    let stage = Stage::start(1).await;
    let person = Person::arrive(&stage).await;
    let other = Stage::start(1).await;
    let foreign = Person::arrive(&other).await;
    let mut damaged = person.refresh.clone().into_bytes();
    let last = damaged.len() - 10;
    damaged[last] = if damaged[last] == b'A' { b'B' } else { b'A' };
    let unsigned = person.refresh.rsplit_once('.').unwrap().0.to_owned() + ".";
    let cases = [
        ("foreign", foreign.refresh.clone()),
        ("damaged", String::from_utf8(damaged).unwrap()),
        ("unsigned", unsigned),
        ("an access token", person.token.clone()),
        ("nonsense", "nonsense".to_owned()),
        ("empty", String::new()),
        ("long", "x".repeat(5000)),
    ];
    for (what, token) in cases {
        assert_eq!(seen(&refresh(&stage, 0, &token).await), (401, "unauthenticated"), "{what}");
    }
    for body in [json!({}), json!({"refreshToken": 7})] {
        let refused = ask(&stage, 0, None, Method::POST, "/auth/refresh", Some(body)).await;
        assert_eq!(refused.status, 400, "{}", refused.json);
    }
    assert_eq!(refresh(&stage, 0, &person.refresh).await.status, 200, "none of that ended the session");
    let as_access = ask(&stage, 0, Some(&person.refresh), Method::GET, &person.path(""), None).await;
    assert_eq!(as_access.status, 401, "{}", as_access.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_logs_out_is_logged_out_everywhere_at_once() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let mut person = Person::arrive(&stage).await;
    let first = Person { email: person.email.clone(), id: person.id, ..Person::arrive(&stage).await };
    let first = Person { token: person.token.clone(), refresh: person.refresh.clone(), ..first };
    person.log_in(&stage, 1).await;
    let key = fresh_key();
    let log_out = async |node| {
        ask_again(&stage, node, Some(&person.token), Method::POST, "/auth/logout", None, &key).await
    };
    assert_eq!(log_out(2).await.status, 200);
    for node in 0..3 {
        for tokens in [&first, &person] {
            for path in [person.path(""), "/v1/venues".to_owned(), "/v1/bookings".to_owned()] {
                let reply = tokens.ask(&stage, node, Method::GET, &path, None).await;
                assert_eq!(seen(&reply), (401, "unauthenticated"), "{path} at node {node}");
            }
            assert_eq!(seen(&refresh(&stage, node, &tokens.refresh).await), (401, "session_invalid"));
        }
        assert_eq!(log_out(node).await.status, 200, "the same call again gets the first answer");
    }
    let other_call = person.ask(&stage, 0, Method::POST, "/auth/logout", None).await;
    assert_eq!(seen(&other_call), (401, "unauthenticated"));
    person.log_in(&stage, 0).await;
    assert_eq!(person.ask(&stage, 1, Method::GET, &person.path(""), None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_can_be_asked_again_and_its_key_belongs_to_it() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let key = fresh_key();
    let sign_up = async |node, password: &str| {
        let body = json!({"email": "mia@example.com", "password": password, "name": "Mia"});
        ask_again(&stage, node, None, Method::POST, "/auth/signup", Some(body), &key).await
    };
    let first = sign_up(0, PASSWORD).await;
    assert_eq!(first.status, 201, "{}", first.json);
    for node in 0..3 {
        assert_eq!(sign_up(node, PASSWORD).await.bytes, first.bytes);
        assert_eq!(seen(&sign_up(node, "another password").await), (422, "key_reused"));
    }
}
