//! gRPC as app servers use it: unary calls, many calls in flight on one stream, health and reflection.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use bytes::Bytes;
use holdfast_model::SlotId;
use holdfast_processes::{
    Grpc, GrpcReply, Guest, Park, Recorder, Stage, arrive, arrive_app, beside, framed, fresh_key, give_role,
    until,
};
use holdfast_proto::v1 as proto;
use holdfast_proto::v1::call::Command;
use holdfast_proto::v1::reply::Result as Outcome;
use jiff::{SignedDuration, Timestamp};
use prost::Message;

const SERVICE: &str = "holdfast.v1.Reservations";

/// Calls on one stream at once.
const IN_FLIGHT: usize = 3_000;
const CALLS_PER_MESSAGE: usize = 500;

/// By then a node says that it has lost its quorum.
const NOT_SERVING_DURATION_MAX: Duration = Duration::from_secs(10);

#[derive(Clone, PartialEq, Message)]
struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Clone, PartialEq, Message)]
struct HealthCheckResponse {
    #[prost(int32, tag = "1")]
    status: i32,
}

const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;

#[derive(Clone, PartialEq, Message)]
struct ReflectionRequest {
    #[prost(string, tag = "7")]
    list_services: String,
}

#[derive(Clone, PartialEq, Message)]
struct ReflectionResponse {
    #[prost(message, tag = "6")]
    list_services_response: Option<ListServices>,
}

#[derive(Clone, PartialEq, Message)]
struct ListServices {
    #[prost(message, repeated, tag = "1")]
    service: Vec<ServiceResponse>,
}

#[derive(Clone, PartialEq, Message)]
struct ServiceResponse {
    #[prost(string, tag = "1")]
    name: String,
}

/// A signed-in caller and a connection to one node.
struct Caller {
    grpc: Grpc,
    bearer: String,
}

impl Caller {
    async fn connect(stage: &Stage, node: usize, guest: &Guest) -> Self {
        let grpc = Grpc::connect(&stage.address(node)).await;
        Self { grpc, bearer: format!("Bearer {}", guest.token) }
    }

    async fn call<T: Message + Default>(&mut self, method: &str, message: &impl Message) -> T {
        let key = fresh_key();
        let metadata = [("authorization", self.bearer.as_str()), ("idempotency-key", key.as_str())];
        let reply = self.grpc.call(&format!("{SERVICE}/{method}"), &metadata, message).await;
        assert_eq!((reply.http_status, reply.status, reply.messages.len()), (200, "OK", 1), "{reply:?}");
        T::decode(reply.messages[0].clone()).unwrap()
    }

    async fn submit(&mut self, calls: &[proto::Call]) -> (GrpcReply, Vec<proto::Reply>) {
        let messages = calls.chunks(CALLS_PER_MESSAGE).flat_map(|calls| {
            framed(&proto::SubmitRequest { calls: calls.to_vec() }.encode_to_vec()).to_vec()
        });
        let metadata = [("authorization", self.bearer.as_str())];
        let reply = self.grpc.call_bytes(&format!("{SERVICE}/Submit"), &metadata, messages.collect()).await;
        assert_eq!(reply.status, "OK", "{}", reply.message);
        let decoded =
            reply.messages.iter().map(|message| proto::SubmitReply::decode(message.clone()).unwrap());
        let replies = decoded.flat_map(|message| message.replies).collect();
        (reply, replies)
    }
}

fn book(slot: SlotId, count: u32) -> proto::BookRequest {
    proto::BookRequest { slot_id: slot.0, count: Some(count), ..proto::BookRequest::default() }
}

fn list(slot: SlotId, limit: u32, after: Option<u64>) -> proto::ListRequest {
    proto::ListRequest { limit: Some(limit), after, slot_id: Some(slot.0), user_id: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_takes_unary_calls_and_shows_what_the_others_took() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let park = Park::open(&stage.operator).await;
    let now = Timestamp::now();
    let hour = SignedDuration::from_hours(1);
    // It is not ready while this goes on, and its gate is open.
    let slot = park.slot(&stage.operator, now + hour, now + 2 * hour, 100).await;
    let early = Some(serde_json::json!({"checkInEarlySeconds": 7200}));
    let policy = format!("/v1/policies/resource/{}", park.ride);
    stage.operator.call(hyper::Method::PUT, &policy, early).await.unwrap().success().unwrap();
    let mut guests = arrive(&stage, &Recorder::default(), 2).await;
    let (staff, guest) = (guests.remove(1), guests.remove(0));
    give_role(&stage, staff.user, "staff").await;
    for node in 0..3 {
        let mut here = Caller::connect(&stage, node, &guest).await;
        let mut there = Caller::connect(&stage, (node + 1) % 3, &guest).await;
        let booked: proto::Booking = here.call("Book", &book(slot, 2)).await;
        assert_eq!((booked.count, booked.version, booked.state()), (2, 1, proto::BookingState::Confirmed));
        assert_eq!((booked.slot_id, booked.user_id), (slot.0, guest.user.0));
        let get = proto::GetRequest { booking_id: booked.id };
        assert_eq!(there.call::<proto::Booking>("Get", &get).await, booked);

        let modify = proto::ModifyRequest {
            booking_id: booked.id,
            slot_id: None,
            pool_id: None,
            count: Some(3),
            expected_version: Some(1),
        };
        let changed: proto::Booking = there.call("Modify", &modify).await;
        assert_eq!((changed.count, changed.version), (3, 2));
        assert!(position(&changed) > position(&booked), "revisions rise");
        assert_eq!(here.call::<proto::Booking>("Get", &get).await, changed);

        let check_in =
            proto::CheckInRequest { booking_id: booked.id, expected_version: None, scanned_at_ms: Some(1) };
        let mut gate = Caller::connect(&stage, (node + 2) % 3, &staff).await;
        let used: proto::Booking = gate.call("CheckIn", &check_in).await;
        assert_eq!((used.state(), used.version), (proto::BookingState::Used, 3));

        let other: proto::Booking = here.call("Book", &book(slot, 1)).await;
        let cancel = proto::CancelRequest { booking_id: other.id, expected_version: None };
        let cancelled: proto::Booking = there.call("Cancel", &cancel).await;
        assert_eq!(cancelled.state(), proto::BookingState::Cancelled);

        let first: proto::ListReply = here.call("List", &list(slot, 1, None)).await;
        assert_eq!((first.items, first.next), (vec![cancelled.clone()], Some(cancelled.id)));
        let rest: proto::ListReply = here.call("List", &list(slot, 200, first.next)).await;
        assert_eq!((rest.items.first(), rest.items.len(), rest.next), (Some(&used), 2 * node + 1, None));
    }
    stage.digest().await;
}

fn position(booking: &proto::Booking) -> (u64, u32) {
    let revision = booking.revision.unwrap();
    (revision.index, revision.ordinal)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_answers_each_of_many_calls_once() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let capacity = 2 * IN_FLIGHT as u64;
    let slot = Park::open(&stage.operator).await.slots(&stage.operator, &[capacity]).await[0];
    let app = arrive_app(&stage, &Recorder::default()).await;
    let leader = stage.address(stage.cluster.leader().await.unwrap());
    let mut booked = HashSet::new();
    for node in 0..3 {
        let calls: Vec<proto::Call> = (0..IN_FLIGHT)
            .map(|_| proto::Call {
                request_id: Bytes::copy_from_slice(&uuid::Uuid::now_v7().into_bytes()),
                command: Some(Command::Book(book(slot, 1))),
            })
            .collect();
        let (reply, replies) = Caller::connect(&stage, node, &app).await.submit(&calls).await;
        assert_eq!(reply.metadata["holdfast-leader"], leader.as_str(), "a client is told who leads");
        let asked: BTreeSet<&Bytes> = calls.iter().map(|call| &call.request_id).collect();
        let answered: BTreeSet<&Bytes> = replies.iter().map(|reply| &reply.request_id).collect();
        assert_eq!((answered == asked, replies.len()), (true, calls.len()), "each is answered once");
        for reply in &replies {
            match &reply.result {
                Some(Outcome::Booking(booking)) => assert!(booked.insert(booking.id), "{booking:?} twice"),
                Some(Outcome::Problem(problem)) => {
                    assert_eq!((problem.status, node), (409, 2), "{problem:?}")
                }
                None => panic!("an empty reply"),
            }
        }
    }
    assert_eq!(booked.len() as u64, capacity, "the third stream finds the slot full");
    let counts = stage.operator.get(&format!("/v1/slots/{}", slot.0)).await.unwrap();
    assert_eq!(counts["pools"][0]["confirmed"], capacity);
    stage.digest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_what_readyz_says_and_reflection_names_the_services() {
    let _machine = beside().await;
    let mut stage = Stage::start(3).await;
    for address in stage.addresses() {
        for service in ["", SERVICE, "holdfast.v1.Cluster"] {
            assert_eq!(health(&address, service).await, Ok(SERVING));
        }
        assert_eq!(health(&address, "nobody").await, Err("NOT_FOUND"));
        let services = services(&address).await;
        let others = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"];
        for service in [SERVICE, "holdfast.v1.Cluster"].into_iter().chain(others) {
            assert!(services.iter().any(|known| known == service), "no {service} in {services:?}");
        }
    }
    stage.cluster.kill(0).await.unwrap();
    stage.cluster.kill(1).await.unwrap();
    let alone = stage.address(2);
    until("the node serves no more", NOT_SERVING_DURATION_MAX, async || {
        (health(&alone, SERVICE).await == Ok(NOT_SERVING)).then_some(())
    })
    .await;
}

async fn health(address: &str, service: &str) -> Result<i32, &'static str> {
    let request = HealthCheckRequest { service: service.to_owned() };
    let reply = Grpc::connect(address).await.call("grpc.health.v1.Health/Check", &[], &request).await;
    match reply.status {
        "OK" => Ok(HealthCheckResponse::decode(reply.messages[0].clone()).unwrap().status),
        refused => Err(refused),
    }
}

async fn services(address: &str) -> Vec<String> {
    let method = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let request = ReflectionRequest { list_services: "*".to_owned() };
    let reply = Grpc::connect(address).await.call(method, &[], &request).await;
    assert_eq!(reply.status, "OK", "{}", reply.message);
    let response = ReflectionResponse::decode(reply.messages[0].clone()).unwrap();
    response.list_services_response.unwrap().service.into_iter().map(|service| service.name).collect()
}
