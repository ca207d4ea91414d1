//! `Watch`: the stream of `/v1/watch`, with the same content.

use std::io;
use std::pin::Pin;

use holdfast_proto::v1 as proto;
use holdfast_proto::v1::watch_reply::Item as Body;
use holdfast_proto::v1::watch_request::Start;
use holdfast_proto::v1::watch_server::Watch;
use holdfast_raft::Consistency;
use holdfast_reservations::{Event, Revision};
use tokio::time::Instant;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use crate::grpc::{Grpc, bearer, remote};
use crate::problem::Result;
use crate::watch::{Cut, Filter, From, Item, Messages, PoolLeft, Shown, SlotLeft, WatchCall, pump};

type Message = std::result::Result<proto::WatchReply, Status>;

impl Grpc {
    async fn watched(&self, request: Request<proto::WatchRequest>) -> Result<Messages<Message>> {
        self.service.limits().count_address(remote(&request))?;
        let deadline = self.deadline(&request);
        let token = bearer(request.metadata())?.map(str::to_owned);
        let stopping = request.extensions().get().cloned();
        let proto::WatchRequest { start, slot_ids, resource_ids, user_ids, kinds } = request.into_inner();
        let from = match start {
            None => From::Now,
            Some(Start::After(proto::Revision { index, ordinal })) => {
                From::Revision(Revision { index, ordinal })
            }
            Some(Start::AfterIndex(index)) => From::Index(index),
        };
        let filter = Filter::new(slot_ids, resource_ids, user_ids, kinds)?;
        let asked = WatchCall { token, from, filter, consistency: Consistency::Linearizable, stopping };
        let watching = self.service.watch(asked, deadline).await?;
        let hello = message(Body::Hello(revision(watching.0.at())));
        Ok(pump(watching, hello, |item| io::Result::Ok(message(body_of(item)))))
    }
}

#[tonic::async_trait]
impl Watch for Grpc {
    type WatchStream = Pin<Box<dyn Stream<Item = Message> + Send>>;

    async fn watch(
        &self,
        request: Request<proto::WatchRequest>,
    ) -> std::result::Result<Response<Self::WatchStream>, Status> {
        let started_at = Instant::now();
        let watched = self.watched(request).await;
        let stream = |messages| Box::pin(messages) as Self::WatchStream;
        self.answer(watched.map(stream), started_at)
    }
}

fn message(item: Body) -> Message {
    Ok(proto::WatchReply { item: Some(item) })
}

fn body_of(item: &Item) -> Body {
    match item {
        Item::Events(events) => {
            Body::Events(proto::WatchEvents { events: events.iter().map(event).collect() })
        }
        Item::KeepAlive(at) => Body::Progress(revision(*at)),
        Item::Availability(slots) => {
            Body::Availability(proto::WatchAvailability { slots: slots.iter().map(slot).collect() })
        }
        Item::Cut(Cut { reason, detail, resume_after, first_index }) => Body::Cut(proto::WatchCut {
            reason: (*reason).to_owned(),
            detail: detail.clone(),
            resume_after: resume_after.map(revision),
            first_index: *first_index,
        }),
    }
}

fn revision(Revision { index, ordinal }: Revision) -> proto::Revision {
    proto::Revision { index, ordinal }
}

fn event(Shown { revision: at, event, resource }: &Shown) -> proto::WatchEvent {
    let (booking_id, slot_id, venue_id, user_id) = match event {
        Event::Booking { booking, slot, user, .. } => (Some(booking.0), Some(slot.0), None, Some(user.0)),
        Event::Slot { slot, .. } => (None, Some(slot.0), None, None),
        Event::VenueCreated(venue) => (None, None, Some(venue.0), None),
        Event::ResourceCreated(_) | Event::ResourceChanged(_) | Event::ResourceWithdrawn(_) => {
            (None, None, None, None)
        }
    };
    proto::WatchEvent {
        revision: Some(revision(*at)),
        kind: event.name().to_owned(),
        booking_id,
        slot_id,
        resource_id: resource.map(|resource| resource.0),
        venue_id,
        user_id,
    }
}

fn slot(SlotLeft { slot, index, pools }: &SlotLeft) -> proto::SlotAvailability {
    let pool = |left: &PoolLeft| proto::PoolAvailability {
        id: left.pool.0,
        available: left.available,
        held: left.held,
        confirmed: left.confirmed,
    };
    proto::SlotAvailability { slot_id: slot.0, index: *index, pools: pools.iter().map(pool).collect() }
}
