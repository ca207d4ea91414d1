use std::pin::Pin;
use std::time::Duration;

use holdfast_proto::v1::reply::Result as Outcome;
use holdfast_proto::v1::reservations_server::{Reservations, ReservationsServer};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Streaming};

use super::*;
use crate::unary::Unary;
use crate::watch::Reach;
use crate::{Book, Client, Error};

/// A node that books, or one that takes calls and says nothing.
#[derive(Clone, Copy, PartialEq)]
enum Fake {
    Books,
    IsMute,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Reservations for Fake {
    type SubmitStream = Pin<Box<dyn Stream<Item = Result<proto::SubmitReply, Status>> + Send>>;

    async fn submit(&self, request: Request<Streaming<proto::SubmitRequest>>) -> Answer<Self::SubmitStream> {
        let (fake, mut requests) = (*self, request.into_inner());
        let (replies, outgoing) = mpsc::channel(8);
        tokio::spawn(async move {
            while let Some(Ok(request)) = requests.next().await {
                let reply = |call: proto::Call| proto::Reply {
                    request_id: call.request_id,
                    result: Some(Outcome::Booking(proto::Booking { id: 1, ..Default::default() })),
                };
                let all = proto::SubmitReply { replies: request.calls.into_iter().map(reply).collect() };
                if fake == Fake::Books && replies.send(Ok(all)).await.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(outgoing))))
    }

    async fn book(&self, _: Request<proto::BookRequest>) -> Answer<proto::Booking> {
        match self {
            Self::Books => Ok(Response::new(proto::Booking::default())),
            Self::IsMute => std::future::pending().await,
        }
    }

    async fn modify(&self, _: Request<proto::ModifyRequest>) -> Answer<proto::Booking> {
        Err(Status::unimplemented(""))
    }

    async fn cancel(&self, _: Request<proto::CancelRequest>) -> Answer<proto::Booking> {
        Err(Status::unimplemented(""))
    }

    async fn check_in(&self, _: Request<proto::CheckInRequest>) -> Answer<proto::Booking> {
        Err(Status::unimplemented(""))
    }

    async fn confirm(&self, _: Request<proto::ConfirmRequest>) -> Answer<proto::Booking> {
        Err(Status::unimplemented(""))
    }

    async fn extend(&self, _: Request<proto::ExtendRequest>) -> Answer<proto::Booking> {
        Err(Status::unimplemented(""))
    }

    async fn get(&self, _: Request<proto::GetRequest>) -> Answer<proto::Booking> {
        Err(Status::unimplemented(""))
    }

    async fn list(&self, _: Request<proto::ListRequest>) -> Answer<proto::ListReply> {
        Err(Status::unimplemented(""))
    }
}

impl Fake {
    /// Serves on a port of its own; where.
    async fn serve(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = tonic::transport::Server::builder().add_service(ReservationsServer::new(self));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }
}

/// A process that was stopped in its tracks: the kernel takes connections, and nobody says anything.
async fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// A client that tries these nodes in turn.
fn client(endpoints: Vec<String>, deadline: Duration) -> Client {
    let token = AsciiMetadataValue::from_static("Bearer t");
    let (operations, queue) = mpsc::channel(1);
    let unary = Unary::new(&endpoints, None, token.clone()).unwrap();
    let reach = Reach { endpoints: endpoints.clone().into(), authority: None, token: token.clone() };
    let driver = Driver { position: 0, ..Driver::new(endpoints, None, token, queue) };
    tokio::spawn(driver.run());
    Client { operations, unary, reach, deadline }
}

#[tokio::test]
async fn nodes_that_take_a_call_and_say_nothing_are_left() {
    let (_listener, silent) = silent().await;
    let endpoints = vec![silent, Fake::IsMute.serve().await, Fake::Books.serve().await];
    let client = client(endpoints, Duration::from_secs(20));
    let booked = client.book(Book::in_slot(17)).await;
    assert_eq!(booked.map(|booking| booking.id), Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_at_its_deadline_whatever_the_node_does() {
    let (_listener, silent) = silent().await;
    let client = client(vec![silent], Duration::from_secs(5));
    let started_at = Instant::now();
    let booked = client.book(Book::in_slot(17)).await;
    assert!(matches!(booked, Err(Error::Unavailable(_))), "it was never sent: {booked:?}");
    let took = started_at.elapsed();
    assert!(took < Duration::from_secs(5) + 2 * SWEEP_INTERVAL, "{took:?}");
}

#[tokio::test]
async fn a_call_of_its_own_is_answered_at_its_deadline_too() {
    let (_listener, silent) = silent().await;
    for endpoint in [silent, Fake::IsMute.serve().await] {
        let booked = client(vec![endpoint], Duration::from_millis(200)).book_alone(Book::in_slot(17)).await;
        assert!(matches!(booked, Err(Error::Unknown { .. })), "{booked:?}");
    }
}

#[tokio::test]
async fn a_call_that_nobody_will_answer_is_unknown_and_one_that_nobody_takes_is_not() {
    let (operations, mut queue) = mpsc::channel(1);
    let (endpoints, token) = (["127.0.0.1:1".to_owned()], AsciiMetadataValue::from_static("Bearer t"));
    let unary = Unary::new(&endpoints, None, token.clone()).unwrap();
    let reach = Reach { endpoints: endpoints.into(), authority: None, token };
    let client = Client { operations, unary, reach, deadline: Duration::from_secs(5) };
    let (booked, ()) = tokio::join!(client.book(Book::in_slot(17)), async { drop(queue.recv().await) });
    assert!(matches!(booked, Err(Error::Unknown { .. })), "{booked:?}");
    drop(queue);
    let booked = client.book(Book::in_slot(17)).await;
    assert!(matches!(booked, Err(Error::Unavailable(_))), "{booked:?}");
}
