//! Bookings over gRPC streams, many in flight, for as long as it is wanted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use holdfast_client::{Book, BookingState, Client, Error};
use holdfast_model::{Answer, Booking, BookingId, Call, Request, Revision, SlotId, Status, UserId};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::guest::Guest;
use crate::recorder::Recorder;
use crate::stage::Stage;

/// Streams, and calls in flight on each.
const STREAMS: usize = 4;
const IN_FLIGHT: usize = 256;

/// Of those on one stream, how many go on when the load is eased.
const EASED_IN_FLIGHT: usize = 16;

/// What the callers share.
#[derive(Clone)]
struct Park {
    slots: Arc<[SlotId]>,
    customers: Arc<[UserId]>,
    recorder: Recorder,
    /// So many callers of each stream go on.
    wanted: Arc<AtomicUsize>,
}

/// Callers that book one place after the other.
pub struct Load {
    callers: JoinSet<()>,
    wanted: Arc<AtomicUsize>,
}

impl Load {
    /// Starts to book for an app's customers.
    #[must_use]
    pub fn start(
        stage: &Stage,
        app: &Guest,
        recorder: &Recorder,
        slots: &[SlotId],
        customers: &[UserId],
    ) -> Self {
        let wanted = Arc::new(AtomicUsize::new(IN_FLIGHT));
        let (slots, customers) = (slots.into(), customers.into());
        let park = Park { slots, customers, recorder: recorder.clone(), wanted: wanted.clone() };
        let mut callers = JoinSet::new();
        for _ in 0..STREAMS {
            let client = Client::builder().endpoints(stage.addresses()).token(&app.token).build().unwrap();
            for number in 0..IN_FLIGHT {
                callers.spawn(book(number, client.clone(), app.user, park.clone()));
            }
        }
        Self { callers, wanted }
    }

    /// Leaves a machine that is shared by all nodes the time to do more than this. At full load everybody is as fast as
    /// the leader, and who is behind stays behind.
    pub fn ease(&self) {
        self.wanted.store(EASED_IN_FLIGHT, Ordering::Relaxed);
    }

    /// Ends it once everything is answered.
    pub async fn end(self) {
        self.wanted.store(0, Ordering::Relaxed);
        self.callers.join_all().await;
    }
}

async fn book(number: usize, client: Client, user: UserId, park: Park) {
    while number < park.wanted.load(Ordering::Relaxed) {
        let slot = park.slots[rand::random_range(0..park.slots.len())];
        let owner = park.customers[rand::random_range(0..park.customers.len())];
        let (id, request) = (Uuid::now_v7(), Request::Book { slot, count: 1, owner });
        loop {
            let invoked_at = park.recorder.invoke();
            let answer = answer_in(client.book_as(id, Book::in_slot(slot.0).user(owner.0)).await);
            let is_definite = !matches!(answer, Answer::NotDone(_) | Answer::Unknown);
            let (key, answered_at) = (Some(id.to_string()), park.recorder.now());
            let call = Call { invoked_at, answered_at, user, node: None, key, request, answer, index: None };
            park.recorder.record(call);
            if is_definite {
                break;
            }
        }
    }
}

fn answer_in(booked: Result<holdfast_client::Booking, Error>) -> Answer {
    match booked {
        Ok(booking) => Answer::Booking(booking_in(&booking)),
        Err(Error::Refused(refusal)) => Answer::Refused(refusal.code),
        Err(Error::Unavailable(why)) => Answer::NotDone(why.replace(' ', "-")),
        Err(Error::Unknown { .. }) => Answer::Unknown,
        Err(other) => panic!("{other}"),
    }
}

fn booking_in(booking: &holdfast_client::Booking) -> Booking {
    assert_eq!(booking.state, BookingState::Confirmed, "{booking:?}");
    Booking {
        id: BookingId(booking.id),
        slot: SlotId(booking.slot_id),
        owner: UserId(booking.user_id),
        count: booking.count,
        status: Status::Confirmed,
        revision: Some(Revision { index: booking.revision.index, ordinal: booking.revision.ordinal }),
    }
}
