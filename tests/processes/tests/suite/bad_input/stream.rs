//! Nonsense on a `Submit` stream: refused call by call, and the stream goes on.

use bytes::Bytes;
use holdfast_processes::{Grpc, beside, framed};
use holdfast_proto::v1 as proto;
use holdfast_proto::v1::call::Command;
use holdfast_proto::v1::reply::Result as Outcome;
use prost::Message as _;

use super::scene::Scene;

const SUBMIT: &str = "holdfast.v1.Reservations/Submit";

/// One call of a stream.
fn call(request_id: impl Into<Bytes>, command: Option<Command>) -> proto::Call {
    proto::Call { request_id: request_id.into(), command }
}

fn book(slot_id: u64, count: u32) -> Option<Command> {
    Some(Command::Book(proto::BookRequest { slot_id, count: Some(count), ..proto::BookRequest::default() }))
}

/// A request id that nobody else has.
fn fresh() -> Bytes {
    uuid::Uuid::now_v7().into_bytes().to_vec().into()
}

/// `STATUS CODE`, or `booked`.
fn verdict(reply: &proto::Reply) -> String {
    match &reply.result {
        Some(Outcome::Booking(_)) => "booked".to_owned(),
        Some(Outcome::Problem(problem)) => format!("{} {}", problem.status, problem.code),
        None => "nothing".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn senseless_calls_of_a_stream_are_refused_one_by_one() {
    let _machine = beside().await;
    let mut scene = Scene::open(3).await;
    let seen = scene.visible().await;
    let (slot, mine, theirs) = (scene.slot.0, number(&scene, "$mine"), number(&scene, "$theirs"));
    let cancel =
        |booking_id| Some(Command::Cancel(proto::CancelRequest { booking_id, expected_version: None }));
    let check_in = proto::CheckInRequest { booking_id: mine, expected_version: None, scanned_at_ms: None };
    let cases = [
        (call(Bytes::new(), book(slot, 1)), "400 malformed"),
        (call(vec![1; 15], book(slot, 1)), "400 malformed"),
        (call(vec![1; 17], book(slot, 1)), "400 malformed"),
        (call(fresh(), None), "400 malformed"),
        (call(fresh(), book(slot, 0)), "422 invalid"),
        (call(fresh(), book(slot, u32::MAX)), "409 slot_full"),
        (call(fresh(), book(0, 1)), "404 slot_not_found"),
        (call(fresh(), cancel(theirs)), "404 booking_not_found"),
        (call(fresh(), cancel(999_999)), "404 booking_not_found"),
        (call(fresh(), Some(Command::CheckIn(check_in))), "403 forbidden"),
    ];
    let calls: Vec<proto::Call> = cases.iter().map(|(call, _)| call.clone()).collect();
    for address in scene.stage.addresses() {
        let replies = submit(&address, &scene.bearer(), std::slice::from_ref(&calls)).await;
        assert_eq!(replies.len(), cases.len(), "each call is answered once");
        for (call, expected) in &cases {
            let reply = replies.iter().find(|reply| reply.request_id == call.request_id).unwrap();
            assert_eq!(verdict(reply), *expected, "{call:?}");
        }
    }
    scene.expect_unharmed(&seen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_of_a_stream_is_good_for_one_call() {
    let _machine = beside().await;
    let mut scene = Scene::open(3).await;
    let (slot, id) = (scene.slot.0, fresh());
    let bearer = scene.bearer();
    let first = submit(&scene.stage.address(0), &bearer, &[vec![call(id.clone(), book(slot, 1))]]).await;
    assert_eq!(verdict(&first[0]), "booked");
    let seen = scene.visible().await;
    let same = vec![call(id.clone(), book(slot, 1)); 3];
    let again = submit(&scene.stage.address(1), &bearer, &[same.clone(), same]).await;
    assert_eq!(again, vec![first[0].clone(); 6], "a retry gets the first answer");
    let other = submit(&scene.stage.address(2), &bearer, &[vec![call(id, book(slot, 2))]]).await;
    assert_eq!(verdict(&other[0]), "422 key_reused");
    scene.expect_unharmed(&seen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_makes_no_sense_is_ended() {
    let _machine = beside().await;
    let mut scene = Scene::open(1).await;
    let seen = scene.visible().await;
    let bearer = scene.bearer();
    let calls = vec![call(fresh(), book(scene.slot.0, 1)); 20_000];
    let too_large = framed(&proto::SubmitRequest { calls: calls.clone() }.encode_to_vec());
    let few = framed(&proto::SubmitRequest { calls: calls[..1].to_vec() }.encode_to_vec());
    let cases: [(&str, Option<&str>, Bytes, &str); 4] = [
        ("nobody", None, few.clone(), "UNAUTHENTICATED"),
        ("no token", Some("Bearer x"), few, "UNAUTHENTICATED"),
        ("noise", Some(&bearer), framed(&[0xff; 64]), "INTERNAL"),
        ("a message that is too large", Some(&bearer), too_large, "OUT_OF_RANGE"),
    ];
    for (what, token, body, expected) in cases {
        let metadata: Vec<_> = token.into_iter().map(|token| ("authorization", token)).collect();
        let mut grpc = Grpc::connect(&scene.stage.address(0)).await;
        let reply = grpc.call_bytes(SUBMIT, &metadata, body).await;
        assert_eq!((reply.status, reply.messages.len()), (expected, 0), "{what}: {}", reply.message);
    }
    scene.expect_unharmed(&seen).await;
}

/// Sends messages on one stream, and ends it; all that comes back.
async fn submit(address: &str, bearer: &str, messages: &[Vec<proto::Call>]) -> Vec<proto::Reply> {
    let frames = messages
        .iter()
        .flat_map(|calls| framed(&proto::SubmitRequest { calls: calls.clone() }.encode_to_vec()).to_vec());
    let mut grpc = Grpc::connect(address).await;
    let reply = grpc.call_bytes(SUBMIT, &[("authorization", bearer)], frames.collect()).await;
    assert_eq!(reply.status, "OK", "{}", reply.message);
    let messages = reply.messages.into_iter().map(|message| proto::SubmitReply::decode(message).unwrap());
    messages.flat_map(|message| message.replies).collect()
}

fn number(scene: &Scene, word: &str) -> u64 {
    scene.word(word).parse().unwrap()
}
