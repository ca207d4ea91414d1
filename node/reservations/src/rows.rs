//! What the state is made of: typed rows under ordered keys, read and written through two small traits.
//!
//! A node keeps them in RocksDB behind a cache of decoded rows; tests, the model and the simulator keep them in a
//! sorted map. The rules cannot tell which.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::apps::App;
use crate::bookings::{Admission, Booking, HistoryEntry};
use crate::clock::Clock;
use crate::codes::IssuedCode;
use crate::counters::Counters;
use crate::day::{LateBooking, SlotDay};
use crate::due::DueKind;
use crate::edition::Edition;
use crate::feed::{Effects, Feed};
use crate::ids::{BookingId, JobId, PoolId, ResourceId, SessionId, SlotId, UserId, VenueId, WebhookId};
use crate::jobs::{Job, Queue};
use crate::node_keys::{NodeKey, NodeKeyId, RetiredNodeKey, RevokedNodeKey};
use crate::outbox::{Backlog, Channel, DeadLetter, DeadLetters, Delivery, Logged};
use crate::policies::{Policy, Scope, UserPlaces};
use crate::pools::PoolCounts;
use crate::recipients::{Platform, Recipient};
use crate::requests::{KeyCount, Remembered, RequestKey};
use crate::resources::Resource;
use crate::seats::{SeatBlock, Seats};
use crate::sessions::Session;
use crate::slots::Slot;
use crate::tally::SlotTally;
use crate::time::Timestamp;
use crate::users::{Ban, User};
use crate::venues::Venue;
use crate::webhooks::{Webhook, WebhookKinds};

/// Where a row is found. The order of the variants and of their fields is the order of the stored bytes, so a scan
/// means the same over a sorted map and over a disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Replicated time.
    Clock,
    /// The next id of each kind.
    Counters,
    /// A venue.
    Venue(VenueId),
    /// A resource.
    Resource(ResourceId),
    /// Index: the resources of a venue.
    ResourceByVenue(VenueId, ResourceId),
    /// A slot as it was opened, and its status.
    Slot(SlotId),
    /// Index: the slots of a resource by start and end.
    SlotByWindow(ResourceId, Timestamp, Timestamp, SlotId),
    /// What is left of a pool; apart from its slot because it changes with every booking.
    Pool(PoolId),
    /// A booking.
    Booking(BookingId),
    /// Index: the bookings of a user.
    BookingByUser(UserId, BookingId),
    /// Index: the bookings that have places in a slot, or had them when they ended.
    BookingBySlot(SlotId, BookingId),
    /// A user.
    User(UserId),
    /// Index: the user of an e-mail address, in lower case.
    UserByEmail(String),
    /// A log-in.
    Session(SessionId),
    /// Index: the sessions of a user.
    SessionByUser(UserId, SessionId),
    /// The public key of a node, by node and generation.
    NodeKey(u64, u32),
    /// What is due, by moment.
    Due(Timestamp, DueKind, u64),
    /// The answer to a request: generation, acting user (0 is anonymous), key.
    Request(u32, u64, RequestKey),
    /// How many keys an app used: generation, acting user.
    KeyCount(u32, u64),
    /// The ban of a user.
    Ban(UserId),
    /// What makes a user an app: its secrets.
    App(UserId),
    /// Says that the key of a node and generation is retired.
    RetiredNodeKey(u64, u32),
    /// The seats of a pool, as they were opened.
    Seats(PoolId),
    /// What became of some of the seats of a pool: the number of the block.
    SeatBlock(PoolId, u32),
    /// Who has a seat, if somebody has: its number in the pool.
    SeatTaken(PoolId, u32),
    /// Index: the holds of a pool by deadline.
    HoldByPool(PoolId, Timestamp, BookingId),
    /// Index: the holds a user has of a resource by deadline.
    HoldByUser(UserId, ResourceId, Timestamp, BookingId),
    /// How many places a user has of a resource, where a limit has asked.
    UserPlaces(UserId, ResourceId),
    /// What operators decided for a scope.
    Policy(Scope),
    /// Index: the booking of a payment, by the provider's reference.
    PaymentByReference(String),
    /// An accepted command.
    Job(JobId),
    /// How far the queue of a resource has come.
    Queue(ResourceId),
    /// A job that waits: resource, priority counted from the highest, number in it.
    JobWaiting(ResourceId, u8, u64),
    /// Index: the venue of a name.
    VenueByName(String),
    /// The edition of the rules that counts.
    Edition,
    /// How far the day of a slot has come.
    SlotDay(SlotId),
    /// When a booking was confirmed whose slot had started by then.
    LateBooking(BookingId),
    /// Since when events are kept.
    Feed,
    /// The events of an entry: generation, log index.
    Effects(u32, u64),
    /// The code of a booking.
    Code(BookingId),
    /// How the party of a booking was admitted.
    Admission(BookingId),
    /// What a change made of a booking: the version it has had since.
    History(BookingId, u32),
    /// Says that the key of a node and generation is revoked.
    RevokedNodeKey(u64, u32),
    /// What became of the holds and parties of a slot.
    SlotTally(SlotId),
    /// Whom to tell of a user's bookings.
    Recipient(UserId),
    /// Index: who has a device, by what the service of its platform calls it.
    DeviceByToken(Platform, String),
    /// A webhook.
    Webhook(WebhookId),
    /// What webhooks want to hear of.
    WebhookKinds,
    /// A delivery that waits: its channel, and its number there.
    Outbox(Channel, u64),
    /// How far a channel has come.
    Backlog(Channel),
    /// What became of a delivery to a webhook.
    DeliveryLog(WebhookId, u64),
    /// How many dead letters there are.
    DeadLetters,
    /// Index: the dead letters of a webhook.
    DeadLetterByWebhook(WebhookId, u64),
    /// A delivery that was given up.
    DeadLetter(u64),
}

impl Key {
    /// Every key there is: for whoever reads all rows.
    #[must_use]
    pub fn all() -> Range<Self> {
        // No dead letter has as high an id.
        Self::Clock..Self::DeadLetter(u64::MAX)
    }
}

/// A row behind its key. Cloning shares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// An index row: all it says is in its key.
    Index,
    /// See [`Key::Clock`].
    Clock(Arc<Clock>),
    /// See [`Key::Counters`].
    Counters(Arc<Counters>),
    /// See [`Key::Venue`].
    Venue(Arc<Venue>),
    /// See [`Key::Resource`].
    Resource(Arc<Resource>),
    /// See [`Key::Slot`].
    Slot(Arc<Slot>),
    /// See [`Key::Pool`].
    Pool(Arc<PoolCounts>),
    /// See [`Key::Booking`].
    Booking(Arc<Booking>),
    /// See [`Key::User`].
    User(Arc<User>),
    /// See [`Key::UserByEmail`].
    UserByEmail(UserId),
    /// See [`Key::Session`].
    Session(Arc<Session>),
    /// See [`Key::NodeKey`].
    NodeKey(Arc<NodeKey>),
    /// See [`Key::Request`].
    Request(Arc<Remembered>),
    /// See [`Key::KeyCount`].
    KeyCount(KeyCount),
    /// See [`Key::Ban`].
    Ban(Arc<Ban>),
    /// See [`Key::App`].
    App(Arc<App>),
    /// See [`Key::RetiredNodeKey`].
    RetiredNodeKey(Arc<RetiredNodeKey>),
    /// See [`Key::Seats`].
    Seats(Arc<Seats>),
    /// See [`Key::SeatBlock`].
    SeatBlock(Arc<SeatBlock>),
    /// See [`Key::SeatTaken`].
    SeatTaken(BookingId),
    /// See [`Key::UserPlaces`].
    UserPlaces(UserPlaces),
    /// See [`Key::Policy`].
    Policy(Arc<Policy>),
    /// See [`Key::PaymentByReference`].
    PaymentByReference(BookingId),
    /// See [`Key::Job`].
    Job(Arc<Job>),
    /// See [`Key::Queue`].
    Queue(Arc<Queue>),
    /// See [`Key::JobWaiting`].
    JobWaiting(JobId),
    /// See [`Key::VenueByName`].
    VenueByName(VenueId),
    /// See [`Key::Edition`].
    Edition(Arc<Edition>),
    /// See [`Key::SlotDay`].
    SlotDay(Arc<SlotDay>),
    /// See [`Key::LateBooking`].
    LateBooking(Arc<LateBooking>),
    /// See [`Key::Feed`].
    Feed(Arc<Feed>),
    /// See [`Key::Effects`].
    Effects(Arc<Effects>),
    /// See [`Key::SlotTally`].
    SlotTally(Arc<SlotTally>),
    /// See [`Key::Recipient`].
    Recipient(Arc<Recipient>),
    /// See [`Key::DeviceByToken`].
    DeviceByToken(UserId),
    /// See [`Key::Webhook`].
    Webhook(Arc<Webhook>),
    /// See [`Key::WebhookKinds`].
    WebhookKinds(Arc<WebhookKinds>),
    /// See [`Key::Outbox`].
    Delivery(Arc<Delivery>),
    /// See [`Key::Backlog`].
    Backlog(Arc<Backlog>),
    /// See [`Key::DeliveryLog`].
    Logged(Arc<Logged>),
    /// See [`Key::DeadLetters`].
    DeadLetters(Arc<DeadLetters>),
    /// See [`Key::DeadLetter`].
    DeadLetter(Arc<DeadLetter>),
    /// See [`Key::Code`].
    Code(Arc<IssuedCode>),
    /// See [`Key::Admission`].
    Admission(Arc<Admission>),
    /// See [`Key::History`].
    History(Arc<HistoryEntry>),
    /// See [`Key::RevokedNodeKey`].
    RevokedNodeKey(Arc<RevokedNodeKey>),
}

/// Which end of a range a scan starts at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first.
    Ascending,
    /// Largest key first.
    Descending,
}

/// Rows that can be read.
pub trait ReadRows {
    /// The row under a key.
    fn get(&self, key: &Key) -> Option<Row>;

    /// At most `limit` rows of a range of keys, from the end that `order` names.
    fn scan(&self, range: Range<Key>, order: Order, limit: usize) -> Vec<(Key, Row)>;
}

/// Rows that can be changed.
pub trait Rows: ReadRows {
    /// Writes a row, or deletes it (`None`).
    fn set(&mut self, key: Key, row: Option<Row>);

    /// Deletes every row of a range at once, however many there are.
    fn delete_range(&mut self, range: Range<Key>);
}

/// A kind of row that is stored under a key of its own kind.
pub trait Stored: Sized {
    /// What identifies one.
    type Id;

    /// The key of a row.
    fn key(id: Self::Id) -> Key;
    /// The row of a value.
    fn into_row(self) -> Row;
    /// The value of a row; `None` if it is of another kind.
    fn from_row(row: Row) -> Option<Arc<Self>>;
}

/// Implements [`Stored`] for the kinds that are kept whole.
macro_rules! stored {
    ($($variant:ident: $row:ty, $id_type:ty, $id:pat_param => $key:expr;)*) => {$(
        impl Stored for $row {
            type Id = $id_type;

            fn key($id: $id_type) -> Key {
                $key
            }

            fn into_row(self) -> Row {
                Row::$variant(Arc::new(self))
            }

            fn from_row(row: Row) -> Option<Arc<Self>> {
                match row {
                    Row::$variant(value) => Some(value),
                    _ => None,
                }
            }
        }
    )*};
}

stored! {
    Clock: Clock, (), () => Key::Clock;
    Counters: Counters, (), () => Key::Counters;
    Venue: Venue, VenueId, id => Key::Venue(id);
    Resource: Resource, ResourceId, id => Key::Resource(id);
    Slot: Slot, SlotId, id => Key::Slot(id);
    Pool: PoolCounts, PoolId, id => Key::Pool(id);
    Booking: Booking, BookingId, id => Key::Booking(id);
    User: User, UserId, id => Key::User(id);
    Session: Session, SessionId, id => Key::Session(id);
    NodeKey: NodeKey, (u64, u32), (node, generation) => Key::NodeKey(node, generation);
    Ban: Ban, UserId, id => Key::Ban(id);
    App: App, UserId, id => Key::App(id);
    Seats: Seats, PoolId, id => Key::Seats(id);
    SeatBlock: SeatBlock, (PoolId, u32), (pool, block) => Key::SeatBlock(pool, block);
    Policy: Policy, Scope, scope => Key::Policy(scope);
    Job: Job, JobId, id => Key::Job(id);
    Queue: Queue, ResourceId, id => Key::Queue(id);
    Recipient: Recipient, UserId, id => Key::Recipient(id);
    Webhook: Webhook, WebhookId, id => Key::Webhook(id);
    WebhookKinds: WebhookKinds, (), () => Key::WebhookKinds;
    Delivery: Delivery, (Channel, u64), (channel, number) => Key::Outbox(channel, number);
    Backlog: Backlog, Channel, channel => Key::Backlog(channel);
    Logged: Logged, (WebhookId, u64), (webhook, number) => Key::DeliveryLog(webhook, number);
    DeadLetters: DeadLetters, (), () => Key::DeadLetters;
    DeadLetter: DeadLetter, u64, id => Key::DeadLetter(id);
    RetiredNodeKey: RetiredNodeKey, (u64, u32), (node, generation) => Key::RetiredNodeKey(node, generation);
    Edition: Edition, (), () => Key::Edition;
    SlotDay: SlotDay, SlotId, id => Key::SlotDay(id);
    LateBooking: LateBooking, BookingId, id => Key::LateBooking(id);
    Feed: Feed, (), () => Key::Feed;
    SlotTally: SlotTally, SlotId, id => Key::SlotTally(id);
    Effects: Effects, (u32, u64), (generation, index) => Key::Effects(generation, index);
    Code: IssuedCode, BookingId, id => Key::Code(id);
    Admission: Admission, BookingId, id => Key::Admission(id);
    History: HistoryEntry, (BookingId, u32), (id, version) => Key::History(id, version);
    RevokedNodeKey: RevokedNodeKey, NodeKeyId, id => Key::RevokedNodeKey(id.node, id.generation);
    Request: Remembered, (u32, u64, RequestKey), (generation, user, key) => Key::Request(generation, user, key);
}

/// Reading by kind instead of by key.
pub trait ReadTyped: ReadRows {
    /// The row of an id.
    fn row<S: Stored>(&self, id: S::Id) -> Option<Arc<S>> {
        self.get(&S::key(id)).and_then(S::from_row)
    }
}

impl<R: ReadRows + ?Sized> ReadTyped for R {}

/// Rows in a sorted map: for tests, the model and the simulator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryRows {
    rows: BTreeMap<Key, Row>,
}

impl MemoryRows {
    /// Every row, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Row)> {
        self.rows.iter()
    }
}

impl ReadRows for MemoryRows {
    fn get(&self, key: &Key) -> Option<Row> {
        self.rows.get(key).cloned()
    }

    fn scan(&self, range: Range<Key>, order: Order, limit: usize) -> Vec<(Key, Row)> {
        if range.start >= range.end {
            return Vec::new();
        }
        let found = self.rows.range(range).map(|(key, row)| (key.clone(), row.clone()));
        match order {
            Order::Ascending => found.take(limit).collect(),
            Order::Descending => found.rev().take(limit).collect(),
        }
    }
}

impl Rows for MemoryRows {
    fn set(&mut self, key: Key, row: Option<Row>) {
        match row {
            Some(row) => self.rows.insert(key, row),
            None => self.rows.remove(&key),
        };
    }

    fn delete_range(&mut self, range: Range<Key>) {
        if range.start >= range.end {
            return;
        }
        let doomed: Vec<Key> = self.rows.range(range).map(|(key, _)| key.clone()).collect();
        for key in doomed {
            self.rows.remove(&key);
        }
    }
}

/// The rows of a scan as they are once `changes` (already limited to the same range) lie over them: changed rows
/// replace stored ones, deleted ones vanish. `below` reads the stored rows.
pub fn merge_changes<'a>(
    changes: impl DoubleEndedIterator<Item = (&'a Key, &'a Option<Row>)> + Clone,
    below: impl FnOnce(usize) -> Vec<(Key, Row)>,
    order: Order,
    limit: usize,
) -> Vec<(Key, Row)> {
    let changed = changes.clone().count();
    if changed == 0 {
        return below(limit);
    }
    // Each change can hide at most one stored row, so this many are enough.
    let mut merged: BTreeMap<Key, Row> = below(limit.saturating_add(changed)).into_iter().collect();
    for (key, row) in changes {
        match row {
            Some(row) => merged.insert(key.clone(), row.clone()),
            None => merged.remove(key),
        };
    }
    match order {
        Order::Ascending => merged.into_iter().take(limit).collect(),
        Order::Descending => merged.into_iter().rev().take(limit).collect(),
    }
}
