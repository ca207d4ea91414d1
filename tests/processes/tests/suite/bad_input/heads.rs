//! Heads of calls that are too large, or say nothing that can be understood.

use holdfast_processes::{RawReply, beside, fresh_key, raw_call};

use super::scene::{Scene, problem_in, verdict};

#[tokio::test(flavor = "multi_thread")]
async fn senseless_headers_are_refused() {
    let _machine = beside().await;
    let mut scene = Scene::open(1).await;
    let seen = scene.visible().await;
    let (bearer, body) = (scene.bearer(), format!("{{\"slotId\":{}}}", scene.slot.0));
    let long_key = "k".repeat(256);
    let cases: [(&str, &str, &str); 16] = [
        ("content-type", "text/plain", "415 unsupported_media_type"),
        ("content-type", "application/x-www-form-urlencoded", "415 unsupported_media_type"),
        ("content-type", "", "415 unsupported_media_type"),
        ("idempotency-key", "", "400 malformed"),
        ("idempotency-key", &long_key, "400 malformed"),
        ("idempotency-key", "two words", "400 malformed"),
        ("idempotency-key", "k\u{e9}y", "400 malformed"),
        ("x-idempotency-key", "", "400 malformed"),
        ("holdfast-timeout-ms", "0", "400 malformed"),
        ("holdfast-timeout-ms", "-1", "400 malformed"),
        ("holdfast-timeout-ms", "soon", "400 malformed"),
        ("authorization", "", "401 unauthenticated"),
        ("authorization", "Bearer", "401 unauthenticated"),
        ("authorization", "Bearer ", "401 unauthenticated"),
        ("authorization", "Basic b3BlcmF0b3I6b3BlcmF0b3I=", "401 unauthenticated"),
        ("authorization", "Bearer \u{ff}", "401 unauthenticated"),
    ];
    for (name, value, expected) in cases {
        let usual = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let mut headers: Vec<_> = usual.into_iter().filter(|(usual, _)| *usual != name).collect();
        headers.push((name, value));
        let reply = scene.call("POST", "/v1/bookings", &headers, body.clone()).await;
        assert_eq!(verdict(&reply), expected, "{name}: {value}");
    }
    let mine = format!("/v1/bookings/{}/cancel", scene.word("$mine"));
    for (version, expected) in [("one", "400 malformed"), ("\"99\"", "412 version"), ("-1", "400 malformed")]
    {
        let headers = [("authorization", bearer.as_str()), ("if-match", version)];
        let reply = scene.call("POST", &mine, &headers, "").await;
        assert_eq!(verdict(&reply), expected, "if-match: {version}");
    }
    let no_type = scene.call("POST", "/v1/bookings", &[("authorization", &bearer)], body).await;
    assert_eq!(verdict(&no_type), "415 unsupported_media_type");
    scene.expect_unharmed(&seen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_heads_are_refused() {
    let _machine = beside().await;
    let mut scene = Scene::open(1).await;
    let seen = scene.visible().await;
    let cases = [
        ("a large header", with_headers(1, 17 << 10), "431 headers_too_large"),
        ("many headers", with_headers(40, 450), "431 headers_too_large"),
        ("a long path", with_path(9 << 10), "414 uri_too_long"),
        ("a long query", with_query(9 << 10), "414 uri_too_long"),
    ];
    for (what, request, expected) in cases {
        let reply = raw_call(&scene.stage.address(0), &request).await;
        assert_eq!(judged(&reply), expected, "{what}");
    }
    // So large that nobody reads them to their end.
    let cases = [
        ("a huge header", with_headers(1, 1 << 20), 431),
        ("thousands of headers", with_headers(5_000, 10), 431),
        ("a huge path", with_path(1 << 20), 414),
    ];
    for (what, request, expected) in cases {
        let RawReply { status, .. } = raw_call(&scene.stage.address(0), &request).await;
        assert!([0, 431, expected].contains(&status), "{what}: {status}");
    }
    scene.expect_unharmed(&seen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_cut_off() {
    let _machine = beside().await;
    let mut scene = Scene::open(1).await;
    let seen = scene.visible().await;
    let (bearer, key) = (scene.bearer(), fresh_key());
    let smuggled = format!(
        "POST /v1/bookings HTTP/1.1\r\nHost: h\r\nAuthorization: {bearer}\r\nIdempotency-Key: {key}\r\n\
         Content-Type: application/json\r\nContent-Length: 4\r\nContent-Length: 12\r\n\r\n{{\"slotId\":{}}}",
        scene.slot.0
    );
    let cases: [(&str, Vec<u8>); 7] = [
        ("noise", (0..=255).cycle().take(4096).collect()),
        ("TLS", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n".to_vec()),
        ("no version", b"GET /livez\r\n\r\n".to_vec()),
        ("another version", b"GET /livez HTTP/9.9\r\n\r\n".to_vec()),
        ("a header without a name", b"GET /livez HTTP/1.1\r\n: x\r\n\r\n".to_vec()),
        ("two lengths", smuggled.into_bytes()),
        ("a negative length", b"POST /v1/bookings HTTP/1.1\r\nContent-Length: -1\r\n\r\n".to_vec()),
    ];
    for (what, request) in cases {
        let RawReply { status, .. } = raw_call(&scene.stage.address(0), &request).await;
        assert!([0, 400, 505].contains(&status), "{what}: {status}");
    }
    scene.expect_unharmed(&seen).await;
}

fn with_headers(count: usize, value_length: usize) -> Vec<u8> {
    let headers = (0..count).map(|nth| format!("X-Filler-{nth}: {}\r\n", "v".repeat(value_length)));
    format!("GET /v1/bookings HTTP/1.1\r\nHost: h\r\n{}\r\n", headers.collect::<String>()).into_bytes()
}

fn with_path(length: usize) -> Vec<u8> {
    format!("GET /v1/bookings/{} HTTP/1.1\r\nHost: h\r\n\r\n", "7".repeat(length)).into_bytes()
}

fn with_query(length: usize) -> Vec<u8> {
    format!("GET /v1/bookings?slotId={} HTTP/1.1\r\nHost: h\r\n\r\n", "7".repeat(length)).into_bytes()
}

fn judged(reply: &RawReply) -> String {
    problem_in(reply.status, reply.header("content-type"), &reply.json)
}
