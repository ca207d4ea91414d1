//! Books places in a Holdfast cluster.
//!
//! ```no_run
//! # async fn book() -> Result<(), holdfast_client::Error> {
//! use holdfast_client::{Book, Client};
//!
//! let client = Client::builder().endpoints(["10.0.0.1:3000", "10.0.0.2:3000"]).token("ey...").build()?;
//! match client.book(Book::in_slot(17).count(2).user(4711)).await {
//!     Ok(booking) => println!("booked: {}", booking.id),
//!     Err(holdfast_client::Error::Refused(refusal)) => println!("no: {}", refusal.code),
//!     Err(error) => println!("{error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! All calls share one stream. A call that is cut off is sent again under the same request id, to whichever node answers,
//! until its deadline: it takes effect at most once, and what came of it is told.

mod booking;
mod builder;
mod calls;
mod driver;
mod error;
mod line;
mod unary;
mod watch;

use std::time::Duration;

use holdfast_proto::v1 as proto;
use holdfast_proto::v1::call::Command;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

pub use booking::{Book, Booking, BookingState, Modify, Revision};
pub use builder::Builder;
use calls::Operation;
pub use error::{Error, Refusal};
use unary::Unary;
use watch::Reach;
pub use watch::{Event, PoolAvailability, SlotAvailability, Watch, Watched, Watching};

/// A connection to a cluster. Clones share it.
#[derive(Clone, Debug)]
pub struct Client {
    operations: mpsc::Sender<Operation>,
    unary: Unary,
    reach: Reach,
    deadline: Duration,
}

impl Client {
    /// Says where the cluster is and who calls.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Books places, all of them or none.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn book(&self, book: Book) -> Result<Booking, Error> {
        self.call(new_request_id(), Command::Book(book.into_proto())).await
    }

    /// Books places under a request id of the caller's, which he has kept somewhere safe: after a crash the same id
    /// tells what became of it. Of a refusal only a remembered one does so ([`Refusal::is_remembered`]).
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn book_as(&self, request_id: Uuid, book: Book) -> Result<Booking, Error> {
        self.call(request_id, Command::Book(book.into_proto())).await
    }

    /// Books places by a call of its own instead of on the shared stream: one attempt, at one of the endpoints.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn book_alone(&self, book: Book) -> Result<Booking, Error> {
        self.unary.book(new_request_id(), book.into_proto(), self.deadline).await
    }

    /// Changes a booking's slot, pool or count.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn modify(&self, modify: Modify) -> Result<Booking, Error> {
        self.call(new_request_id(), Command::Modify(modify.into_proto())).await
    }

    /// Gives a booking back.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn cancel(&self, booking_id: u64) -> Result<Booking, Error> {
        let cancel = proto::CancelRequest { booking_id, expected_version: None };
        self.call(new_request_id(), Command::Cancel(cancel)).await
    }

    /// Makes a hold a booking.
    ///
    /// # Errors
    ///
    /// See [`Error`]; refused with `hold_expired` when its deadline has passed.
    pub async fn confirm(&self, booking_id: u64) -> Result<Booking, Error> {
        let confirm = proto::ConfirmRequest { booking_id, ..proto::ConfirmRequest::default() };
        self.call(new_request_id(), Command::Confirm(confirm)).await
    }

    /// Moves the deadline of a hold to so many seconds from now.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn extend(&self, booking_id: u64, seconds: u32) -> Result<Booking, Error> {
        let extend = proto::ExtendRequest { booking_id, expected_version: None, seconds: Some(seconds) };
        self.call(new_request_id(), Command::Extend(extend)).await
    }

    /// Admits a party at the entrance; for staff.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn check_in(&self, booking_id: u64) -> Result<Booking, Error> {
        let check_in = proto::CheckInRequest { booking_id, expected_version: None, scanned_at_ms: None };
        self.call(new_request_id(), Command::CheckIn(check_in)).await
    }

    /// Watches what happens, from now on or from wherever [`Watch`] says, for as long as the stream is kept. Call it
    /// within a tokio runtime.
    #[must_use]
    pub fn watch(&self, watch: Watch) -> Watching {
        watch::watch(self.reach.clone(), watch)
    }

    async fn call(&self, request_id: Uuid, command: Command) -> Result<Booking, Error> {
        let (answer, answered) = oneshot::channel();
        let deadline = Instant::now() + self.deadline;
        let operation = Operation { request_id, command, deadline, answer };
        let closed = |_| Error::Unavailable("the client was closed".to_owned());
        self.operations.send(operation).await.map_err(closed)?;
        // Without an answer nobody knows how far the call came.
        answered.await.unwrap_or(Err(Error::Unknown { request_id }))
    }
}

/// Time-ordered, so that a cluster can tell a retry from long ago from a new call.
fn new_request_id() -> Uuid {
    Uuid::now_v7()
}
