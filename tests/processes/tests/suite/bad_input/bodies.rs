//! Bodies that are too large, or no text at all.

use holdfast_processes::{RawReply, beside, raw_call};
use serde_json::{Value, json};

use super::scene::{Scene, problem_in};

/// What the contract allows one thing, and many.
const BODY_BYTES_MAX: usize = 64 << 10;
const BULK_BODY_BYTES_MAX: usize = 4 << 20;

const ONE: &str = "/v1/bookings";

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_text_or_too_deep_are_malformed() {
    let _machine = beside().await;
    let mut scene = Scene::open(1).await;
    let seen = scene.visible().await;
    let bodies: [(&str, Vec<u8>); 7] = [
        ("nothing", Vec::new()),
        ("zeros", vec![0; 100]),
        ("no UTF-8", b"{\"slotId\":\"\xff\xfe\"}".to_vec()),
        ("half a character", b"{\"slotId\":\"\\ud800\"}".to_vec()),
        ("a byte order mark", b"\xef\xbb\xbf{\"slotId\":1}".to_vec()),
        ("a deep nest", vec![b'['; BODY_BYTES_MAX]),
        ("a deep nest of objects", b"{\"slotId\":".repeat(6_000)),
    ];
    for (what, body) in bodies {
        let reply = announced(&scene, ONE, body.len(), &body).await;
        assert_eq!(judged(&reply), "400 malformed", "{what}");
    }
    scene.expect_unharmed(&seen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_bodies_are_refused_before_they_are_read() {
    let _machine = beside().await;
    let mut scene = Scene::open(1).await;
    let seen = scene.visible().await;
    let many = format!("/v1/resources/{}/slots", scene.word("$ride"));
    let cases = [
        (ONE, BODY_BYTES_MAX, "400 malformed"),
        (ONE, BODY_BYTES_MAX + 1, "413 too_large"),
        (ONE, BULK_BODY_BYTES_MAX, "413 too_large"),
        (&many, BULK_BODY_BYTES_MAX, "400 malformed"),
        (&many, BULK_BODY_BYTES_MAX + 1, "413 too_large"),
        (ONE, usize::MAX / 2, "413 too_large"),
    ];
    for (path, length, expected) in cases {
        // Nothing is sent of what is too large: the answer comes all the same.
        let is_sent = !expected.starts_with("413");
        let body = vec![b'x'; if is_sent { length } else { 0 }];
        let reply = announced(&scene, path, length, &body).await;
        assert_eq!(judged(&reply), expected, "{length} bytes to {path}");
    }
    scene.expect_unharmed(&seen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_an_end_is_cut_off() {
    let _machine = beside().await;
    let mut scene = Scene::open(1).await;
    let seen = scene.visible().await;
    let mut request = head(&scene, ONE, "Transfer-Encoding: chunked");
    let chunk = [b"1000\r\n".to_vec(), vec![b' '; 0x1000], b"\r\n".to_vec()].concat();
    request.extend(chunk.repeat(1_000));
    let reply = raw_call(&scene.stage.address(0), &request).await;
    // Refused, or the connection is closed while we still talk.
    assert!(reply.status == 0 || judged(&reply) == "413 too_large", "{reply:?}");
    scene.expect_unharmed(&seen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_ends_its_call() {
    let _machine = beside().await;
    let mut scene = Scene::open(1).await;
    let seen = scene.visible().await;
    let reply = announced(&scene, ONE, 100, b"{\"slotId\":").await;
    let Value::Object(problem) = &reply.json else { panic!("no problem: {reply:?}") };
    assert_eq!((reply.status, &problem["code"]), (408, &json!("too_slow")));
    // Nothing was done, so the same call may come again.
    assert_eq!(problem["retryable"], true);
    assert_eq!(reply.header("connection"), "close");
    scene.expect_unharmed(&seen).await;
}

/// Sends a body with a length that need not be its own.
async fn announced(scene: &Scene, path: &str, length: usize, body: &[u8]) -> RawReply {
    let mut request = head(scene, path, &format!("Content-Length: {length}"));
    request.extend_from_slice(body);
    raw_call(&scene.stage.address(0), &request).await
}

fn head(scene: &Scene, path: &str, length: &str) -> Vec<u8> {
    let operator = scene.stage.operator.token.clone().unwrap();
    format!(
        "POST {path} HTTP/1.1\r\nHost: holdfast\r\nAuthorization: Bearer {operator}\r\n\
         Content-Type: application/json\r\n{length}\r\n\r\n"
    )
    .into_bytes()
}

fn judged(reply: &RawReply) -> String {
    problem_in(reply.status, reply.header("content-type"), &reply.json)
}
