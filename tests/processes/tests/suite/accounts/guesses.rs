//! Whoever guesses passwords waits, and nobody else does.

use std::time::Duration;

use holdfast_processes::{Stage, beside, until};

use super::{PASSWORD, Person, log_in, refresh, seen};

const FAILURES: usize = 3;

/// A wait of a second or two has ended by then.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_waits_and_who_has_a_refresh_token_does_not() {
    let _machine = beside().await;
    let settings = [("HOLDFAST_AUTH_LOGIN_FAILURES", FAILURES.to_string())];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let stage = Stage::start_with(3, &settings).await;
    let (person, other) = (Person::arrive(&stage).await, Person::arrive(&stage).await);
    for email in [person.email.as_str(), "nobody@example.com"] {
        for _ in 0..FAILURES {
            assert_eq!(seen(&log_in(&stage, 1, email, "a wrong one").await), (401, "bad_credentials"));
        }
        let refused = log_in(&stage, 1, email, PASSWORD).await;
        assert_eq!(seen(&refused), (429, "too_many_attempts"), "{email}, with any password");
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=2).contains(&wait), "{wait}");
    }
    assert_eq!(refresh(&stage, 1, &person.refresh).await.status, 200);
    assert_eq!(log_in(&stage, 1, &other.email, PASSWORD).await.status, 200, "another account");
    let name = "holdfast_log_ins_total{kind=\"throttled\"}";
    assert!(stage.cluster.figure(1, name).await.is_some_and(|throttled| throttled >= 2.0));
    until("the wait ends, and the right password is taken", PATIENCE, async || {
        let reply = log_in(&stage, 1, &person.email, PASSWORD).await;
        assert!(matches!(reply.status, 200 | 429), "{}", reply.json);
        (reply.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_made_at_once_are_counted_as_if_one_came_after_the_other() {
    let _machine = beside().await;
    let stage = Stage::start(1).await;
    let person = Person::arrive(&stage).await;
    let guesses = (0..40).map(|number| {
        let (address, email) = (stage.address(0), person.email.clone());
        tokio::spawn(async move {
            let body = serde_json::json!({"email": email, "password": format!("guess {number}")});
            let mut connection = holdfast_cluster::Connection::to(address);
            let body = Some(body.to_string().into());
            connection.send(hyper::Method::POST, "/auth/login", None, None, body).await.unwrap().status
        })
    });
    let guesses: Vec<_> = guesses.collect();
    let mut tried = 0;
    for guess in guesses {
        match guess.await.unwrap() {
            401 => tried += 1,
            status => assert_eq!(status, 429),
        }
    }
    // The wait of a second may have ended while the others were waiting.
    assert!((5..=7).contains(&tried), "{tried} passwords were tried");
}
