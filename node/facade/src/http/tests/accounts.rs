//! Signing up and in.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_of_an_account_is_a_problem_and_in_the_words_of_s1() {
    let node = Node::start().await;
    let mia = json!({"email": "mia@example.com", "password": "correct horse", "name": "Mia"});
    assert_eq!(node.say("POST /auth/signup").body(mia.clone()).told().await.status, 201);
    for (call, body, status, error, code) in [
        ("POST /auth/signup", Some(mia), 409, "Conflict", "email_taken"),
        ("POST /auth/signup", Some(json!({"email": 7})), 400, "Bad Request", "malformed"),
        (
            "POST /auth/login",
            Some(json!({"email": "mia@example.com", "password": "?"})),
            401,
            "Unauthorized",
            "bad_credentials",
        ),
        ("POST /auth/refresh", None, 415, "Unsupported Media Type", "unsupported_media_type"),
        ("POST /auth/logout", None, 401, "Unauthorized", "unauthenticated"),
    ] {
        let say = node.say(call);
        let told = match body {
            Some(body) => say.body(body).told().await,
            None => say.told().await,
        };
        assert_eq!(told.says(), (status, code), "{call}");
        assert_eq!(
            (&told.body["statusCode"], &told.body["status"]),
            (&json!(status), &json!(status)),
            "{call}"
        );
        assert_eq!(
            (&told.body["message"], &told.body["error"]),
            (&told.body["detail"], &json!(error)),
            "{call}"
        );
        assert_eq!(told.headers["content-type"], "application/problem+json", "{call}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_signs_up_as_one_who_only_says_who_he_is() {
    let node = Node::start().await;
    for email in ["declared:zz@q.com", " Declared:zz@q.com"] {
        let body = json!({"email": email, "password": "correct horse", "name": "Z"});
        assert_eq!(node.say("POST /auth/signup").body(body).told().await.says(), (422, "invalid"), "{email}");
    }
    let body = json!({"email": "un:declared:zz@q.com", "password": "correct horse", "name": "Z"});
    assert_eq!(node.say("POST /auth/signup").body(body).told().await.status, 201);
}
