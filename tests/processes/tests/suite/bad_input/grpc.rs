//! Nonsense over gRPC: unary calls.

use bytes::Bytes;
use holdfast_processes::{Grpc, GrpcReply, beside, framed, fresh_key};
use holdfast_proto::v1 as proto;
use prost::Message as _;

use super::scene::Scene;

const SERVICE: &str = "holdfast.v1.Reservations";

type Metadata<'a> = &'a [(&'a str, &'a str)];

fn method(name: &str) -> String {
    format!("{SERVICE}/{name}")
}

fn verdict(reply: &GrpcReply) -> String {
    format!("{} {}", reply.status, reply.reason)
}

fn book(slot_id: u64, count: u32) -> proto::BookRequest {
    proto::BookRequest { slot_id, count: Some(count), ..proto::BookRequest::default() }
}

fn modify(booking_id: u64, count: Option<u32>) -> proto::ModifyRequest {
    proto::ModifyRequest { booking_id, slot_id: None, pool_id: None, count, expected_version: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn senseless_unary_calls_are_refused() {
    let _machine = beside().await;
    let mut scene = Scene::open(3).await;
    let seen = scene.visible().await;
    let (slot, mine, theirs) = (scene.slot.0, number(&scene, "$mine"), number(&scene, "$theirs"));
    let other_pool = proto::BookRequest { pool_id: Some(999_999), ..book(slot, 1) };
    let other_user = proto::BookRequest { user_id: Some(number(&scene, "$stranger")), ..book(slot, 1) };
    let cancel = |booking_id, expected_version| proto::CancelRequest { booking_id, expected_version };
    let list = |limit| proto::ListRequest { limit: Some(limit), after: None, slot_id: None, user_id: None };
    let check_in = proto::CheckInRequest { booking_id: mine, expected_version: None, scanned_at_ms: None };
    let cases: [(&str, Vec<u8>, &str); 18] = [
        ("Book", book(0, 1).encode_to_vec(), "NOT_FOUND slot_not_found"),
        ("Book", book(u64::MAX, 1).encode_to_vec(), "NOT_FOUND slot_not_found"),
        ("Book", book(slot, 0).encode_to_vec(), "INVALID_ARGUMENT invalid"),
        ("Book", book(slot, 11).encode_to_vec(), "FAILED_PRECONDITION slot_full"),
        ("Book", book(slot, u32::MAX).encode_to_vec(), "FAILED_PRECONDITION slot_full"),
        ("Book", other_pool.encode_to_vec(), "NOT_FOUND pool_not_found"),
        ("Book", other_user.encode_to_vec(), "PERMISSION_DENIED forbidden"),
        ("Get", proto::GetRequest { booking_id: 0 }.encode_to_vec(), "NOT_FOUND booking_not_found"),
        ("Get", proto::GetRequest { booking_id: theirs }.encode_to_vec(), "NOT_FOUND booking_not_found"),
        ("Cancel", cancel(999_999, None).encode_to_vec(), "NOT_FOUND booking_not_found"),
        ("Cancel", cancel(theirs, None).encode_to_vec(), "NOT_FOUND booking_not_found"),
        ("Cancel", cancel(mine, Some(99)).encode_to_vec(), "ABORTED version"),
        ("Modify", modify(theirs, Some(2)).encode_to_vec(), "NOT_FOUND booking_not_found"),
        ("Modify", modify(mine, None).encode_to_vec(), "INVALID_ARGUMENT invalid"),
        ("Modify", modify(mine, Some(0)).encode_to_vec(), "INVALID_ARGUMENT invalid"),
        ("List", list(0).encode_to_vec(), "INVALID_ARGUMENT invalid"),
        ("List", list(u32::MAX).encode_to_vec(), "INVALID_ARGUMENT invalid"),
        ("CheckIn", check_in.encode_to_vec(), "PERMISSION_DENIED forbidden"),
    ];
    let bearer = scene.bearer();
    for (nth, (name, message, expected)) in cases.into_iter().enumerate() {
        let mut grpc = Grpc::connect(&scene.stage.address(nth % 3)).await;
        let reply = grpc.call_bytes(&method(name), &[("authorization", &bearer)], framed(&message)).await;
        assert_eq!(verdict(&reply), expected, "{nth}: {name}: {reply:?}");
    }
    scene.expect_unharmed(&seen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_is_refused() {
    let _machine = beside().await;
    let mut scene = Scene::open(1).await;
    let seen = scene.visible().await;
    let bearer = scene.bearer();
    let whole = framed(&book(scene.slot.0, 1).encode_to_vec());
    let mut compressed = whole.to_vec();
    compressed[0] = 1;
    let cases: [(&str, &str, Bytes); 8] = [
        ("no message", "Book", Bytes::new()),
        ("noise", "Book", framed(&[0xff; 64])),
        ("another type of field", "Book", framed(b"\x0a\x03abc")),
        ("a cut message", "Book", whole.slice(..whole.len() - 1)),
        ("a message of four gigabytes", "Book", Bytes::from_static(b"\x00\xff\xff\xff\xff")),
        ("a large message", "Book", framed(&vec![0; 300 << 10])),
        ("a compressed message that is none", "Book", compressed.into()),
        ("a method that is none", "Steal", whole),
    ];
    for (what, name, body) in cases {
        let mut grpc = Grpc::connect(&scene.stage.address(0)).await;
        let reply = grpc.call_bytes(&method(name), &[("authorization", &bearer)], body).await;
        let is_refusal = !matches!(reply.status, "" | "OK" | "UNKNOWN") && reply.messages.is_empty();
        assert!(is_refusal, "{what}: {reply:?}");
    }
    scene.expect_unharmed(&seen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn senseless_metadata_is_refused() {
    let _machine = beside().await;
    let mut scene = Scene::open(1).await;
    let bearer = scene.bearer();
    let mut grpc = Grpc::connect(&scene.stage.address(0)).await;
    let key = fresh_key();
    let keyed = [("authorization", bearer.as_str()), ("idempotency-key", key.as_str())];
    let first = grpc.call(&method("Book"), &keyed, &book(scene.slot.0, 1)).await;
    assert_eq!(first.status, "OK", "{first:?}");

    let seen = scene.visible().await;
    let again = grpc.call(&method("Book"), &keyed, &book(scene.slot.0, 1)).await;
    assert_eq!(again.messages, first.messages, "a retry gets the first answer");
    let long_key = "k".repeat(256);
    let cases: [(Metadata<'_>, u32, &str); 5] = [
        (&keyed, 2, "INVALID_ARGUMENT key_reused"),
        (&[("authorization", &bearer), ("idempotency-key", "")], 1, "INVALID_ARGUMENT malformed"),
        (&[("authorization", &bearer), ("idempotency-key", &long_key)], 1, "INVALID_ARGUMENT malformed"),
        (&[], 1, "UNAUTHENTICATED unauthenticated"),
        (&[("authorization", "Basic b3A6b3A=")], 1, "UNAUTHENTICATED unauthenticated"),
    ];
    for (metadata, count, expected) in cases {
        let reply = grpc.call(&method("Book"), metadata, &book(scene.slot.0, count)).await;
        assert_eq!(verdict(&reply), expected, "{metadata:?}");
    }
    scene.expect_unharmed(&seen).await;
}

fn number(scene: &Scene, word: &str) -> u64 {
    scene.word(word).parse().unwrap()
}
