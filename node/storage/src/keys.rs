//! Where rows are stored: a table number, then the key's fields, big-endian, so that bytes sort as keys do.
//!
//! | table | key | | table | key |
//! | --- | --- | --- | --- | --- |
//! | 0 | node-local marks, never part of a digest | | 10 | booking by user |
//! | 1 | clock | | 11 | booking by slot |
//! | 2 | counters | | 12 | user |
//! | 3 | venue | | 13 | user by e-mail: the address itself |
//! | 4 | resource | | 14 | session |
//! | 5 | resource by venue | | 15 | session by user |
//! | 6 | slot | | 16 | node key |
//! | 7 | slot by window | | 17 | due |
//! | 8 | pool | | 18 | request |
//! | 9 | booking | | 19 | key count |
//! | 30 | ban | | 31 | app |
//! | 40 | retired node key | | 41 | seats of a pool |
//! | 42 | seat block | | 43 | seat taken |
//! | 44 | hold by pool | | 45 | hold by user |
//! | 46 | places of a user | | 47 | policy: kind of scope, id |
//! | 48 | payment by reference | | 49 | job |
//! | 50 | queue | | 51 | job that waits |
//! | 52 | venue by name | | 53 | edition of the rules |
//! | 54 | day of a slot | | 55 | late booking |
//! | 56 | feed | | 57 | effects: generation, log index |
//! | 58 | code of a booking | | 59 | admission of a booking |
//! | 60 | history: booking, version | | 61 | revoked node key |
//! | 69 | tally of a slot | | | |
//! | 70 | recipient | | 71 | device by token: platform, the token itself |
//! | 72 | webhook | | 73 | what webhooks want to hear of |
//! | 74 | outbox: channel, number | | 75 | backlog of a channel |
//! | 76 | delivery log of a webhook | | 77 | count of dead letters |
//! | 78 | dead letter by webhook | | 79 | dead letter |

use holdfast_reservations::{
    BookingId, Channel, DueKind, JobId, Key, Platform, PoolId, RequestKey, ResourceId, Scope, SessionId,
    SlotId, Timestamp, UserId, VenueId, WebhookId,
};

/// The key of the mark that says how far the rows have come. It sorts before every row.
pub const MARK: &[u8] = &[0, 1];

/// The first key that may be a row's.
pub const FIRST_ROW: &[u8] = &[1];

/// Above every key.
pub const END: &[u8] = &[0xff];

/// Appends the bytes of a key.
pub fn encode(key: &Key, into: &mut Vec<u8>) {
    let mut to = Writer(into);
    match key {
        Key::Clock => to.table(1),
        Key::Counters => to.table(2),
        Key::Venue(id) => to.table(3).u64(id.0),
        Key::Resource(id) => to.table(4).u64(id.0),
        Key::ResourceByVenue(venue, id) => to.table(5).u64(venue.0).u64(id.0),
        Key::Slot(id) => to.table(6).u64(id.0),
        Key::SlotByWindow(resource, starts_at, ends_at, id) => {
            to.table(7).u64(resource.0).u64(starts_at.0).u64(ends_at.0).u64(id.0)
        }
        Key::Pool(id) => to.table(8).u64(id.0),
        Key::Booking(id) => to.table(9).u64(id.0),
        Key::BookingByUser(user, id) => to.table(10).u64(user.0).u64(id.0),
        Key::BookingBySlot(slot, id) => to.table(11).u64(slot.0).u64(id.0),
        Key::User(id) => to.table(12).u64(id.0),
        Key::UserByEmail(email) => to.table(13).bytes(email.as_bytes()),
        Key::Session(id) => to.table(14).u64(id.0),
        Key::SessionByUser(user, id) => to.table(15).u64(user.0).u64(id.0),
        Key::NodeKey(node, generation) => to.table(16).u64(*node).u32(*generation),
        Key::Due(at, kind, subject) => to.table(17).u64(at.0).byte(due_number(*kind)).u64(*subject),
        Key::Request(generation, user, key) => {
            let (kind, bytes) = request_parts(key);
            to.table(18).u32(*generation).u64(*user).byte(kind).bytes(bytes)
        }
        Key::KeyCount(generation, user) => to.table(19).u32(*generation).u64(*user),
        Key::Ban(user) => to.table(30).u64(user.0),
        Key::App(user) => to.table(31).u64(user.0),
        Key::RetiredNodeKey(node, generation) => to.table(40).u64(*node).u32(*generation),
        Key::Seats(pool) => to.table(41).u64(pool.0),
        Key::SeatBlock(pool, block) => to.table(42).u64(pool.0).u32(*block),
        Key::SeatTaken(pool, seat) => to.table(43).u64(pool.0).u32(*seat),
        Key::HoldByPool(pool, at, id) => to.table(44).u64(pool.0).u64(at.0).u64(id.0),
        Key::HoldByUser(user, resource, at, id) => {
            to.table(45).u64(user.0).u64(resource.0).u64(at.0).u64(id.0)
        }
        Key::UserPlaces(user, resource) => to.table(46).u64(user.0).u64(resource.0),
        Key::Policy(scope) => {
            let (kind, id) = scope_parts(*scope);
            to.table(47).byte(kind).u64(id)
        }
        Key::PaymentByReference(reference) => to.table(48).bytes(reference.as_bytes()),
        Key::Job(id) => to.table(49).u64(id.0),
        Key::Queue(resource) => to.table(50).u64(resource.0),
        Key::JobWaiting(resource, lane, sequence) => to.table(51).u64(resource.0).byte(*lane).u64(*sequence),
        Key::VenueByName(name) => to.table(52).bytes(name.as_bytes()),
        Key::Edition => to.table(53),
        Key::SlotDay(id) => to.table(54).u64(id.0),
        Key::LateBooking(id) => to.table(55).u64(id.0),
        Key::Feed => to.table(56),
        Key::SlotTally(id) => to.table(69).u64(id.0),
        Key::Effects(generation, index) => to.table(57).u32(*generation).u64(*index),
        Key::Code(id) => to.table(58).u64(id.0),
        Key::Admission(id) => to.table(59).u64(id.0),
        Key::History(id, version) => to.table(60).u64(id.0).u32(*version),
        Key::RevokedNodeKey(node, generation) => to.table(61).u64(*node).u32(*generation),
        Key::Recipient(user) => to.table(70).u64(user.0),
        Key::DeviceByToken(platform, token) => {
            to.table(71).byte(platform_number(*platform)).bytes(token.as_bytes())
        }
        Key::Webhook(id) => to.table(72).u64(id.0),
        Key::WebhookKinds => to.table(73),
        Key::Outbox(channel, number) => {
            let (kind, id) = channel_parts(*channel);
            to.table(74).byte(kind).u64(id).u64(*number)
        }
        Key::Backlog(channel) => {
            let (kind, id) = channel_parts(*channel);
            to.table(75).byte(kind).u64(id)
        }
        Key::DeliveryLog(webhook, number) => to.table(76).u64(webhook.0).u64(*number),
        Key::DeadLetters => to.table(77),
        Key::DeadLetterByWebhook(webhook, id) => to.table(78).u64(webhook.0).u64(*id),
        Key::DeadLetter(id) => to.table(79).u64(*id),
    };
}

/// The key of these bytes; `None` if they are none's.
pub fn decode(bytes: &[u8]) -> Option<Key> {
    let (table, rest) = bytes.split_first()?;
    let mut from = Reader(rest);
    let key = match table {
        1 => Key::Clock,
        2 => Key::Counters,
        3 => Key::Venue(VenueId(from.u64()?)),
        4 => Key::Resource(ResourceId(from.u64()?)),
        5 => Key::ResourceByVenue(VenueId(from.u64()?), ResourceId(from.u64()?)),
        6 => Key::Slot(SlotId(from.u64()?)),
        7 => {
            let (resource, starts_at) = (ResourceId(from.u64()?), Timestamp(from.u64()?));
            Key::SlotByWindow(resource, starts_at, Timestamp(from.u64()?), SlotId(from.u64()?))
        }
        8 => Key::Pool(PoolId(from.u64()?)),
        9 => Key::Booking(BookingId(from.u64()?)),
        10 => Key::BookingByUser(UserId(from.u64()?), BookingId(from.u64()?)),
        11 => Key::BookingBySlot(SlotId(from.u64()?), BookingId(from.u64()?)),
        12 => Key::User(UserId(from.u64()?)),
        13 => Key::UserByEmail(String::from_utf8(from.rest().to_vec()).ok()?),
        14 => Key::Session(SessionId(from.u64()?)),
        15 => Key::SessionByUser(UserId(from.u64()?), SessionId(from.u64()?)),
        16 => Key::NodeKey(from.u64()?, from.u32()?),
        17 => Key::Due(Timestamp(from.u64()?), due_kind(from.byte()?)?, from.u64()?),
        18 => {
            let (generation, user, kind) = (from.u32()?, from.u64()?, from.byte()?);
            Key::Request(generation, user, request_key(kind, from.chunk()?)?)
        }
        19 => Key::KeyCount(from.u32()?, from.u64()?),
        30 => Key::Ban(UserId(from.u64()?)),
        31 => Key::App(UserId(from.u64()?)),
        40 => Key::RetiredNodeKey(from.u64()?, from.u32()?),
        41 => Key::Seats(PoolId(from.u64()?)),
        42 => Key::SeatBlock(PoolId(from.u64()?), from.u32()?),
        43 => Key::SeatTaken(PoolId(from.u64()?), from.u32()?),
        44 => Key::HoldByPool(PoolId(from.u64()?), Timestamp(from.u64()?), BookingId(from.u64()?)),
        45 => {
            let (user, resource) = (UserId(from.u64()?), ResourceId(from.u64()?));
            Key::HoldByUser(user, resource, Timestamp(from.u64()?), BookingId(from.u64()?))
        }
        46 => Key::UserPlaces(UserId(from.u64()?), ResourceId(from.u64()?)),
        47 => Key::Policy(scope(from.byte()?, from.u64()?)?),
        48 => Key::PaymentByReference(String::from_utf8(from.rest().to_vec()).ok()?),
        49 => Key::Job(JobId(from.u64()?)),
        50 => Key::Queue(ResourceId(from.u64()?)),
        51 => Key::JobWaiting(ResourceId(from.u64()?), from.byte()?, from.u64()?),
        52 => Key::VenueByName(String::from_utf8(from.rest().to_vec()).ok()?),
        53 => Key::Edition,
        54 => Key::SlotDay(SlotId(from.u64()?)),
        55 => Key::LateBooking(BookingId(from.u64()?)),
        56 => Key::Feed,
        69 => Key::SlotTally(SlotId(from.u64()?)),
        57 => Key::Effects(from.u32()?, from.u64()?),
        58 => Key::Code(BookingId(from.u64()?)),
        59 => Key::Admission(BookingId(from.u64()?)),
        60 => Key::History(BookingId(from.u64()?), from.u32()?),
        61 => Key::RevokedNodeKey(from.u64()?, from.u32()?),
        70 => Key::Recipient(UserId(from.u64()?)),
        71 => {
            let platform = platform(from.byte()?)?;
            Key::DeviceByToken(platform, String::from_utf8(from.rest().to_vec()).ok()?)
        }
        72 => Key::Webhook(WebhookId(from.u64()?)),
        73 => Key::WebhookKinds,
        74 => Key::Outbox(channel(from.byte()?, from.u64()?)?, from.u64()?),
        75 => Key::Backlog(channel(from.byte()?, from.u64()?)?),
        76 => Key::DeliveryLog(WebhookId(from.u64()?), from.u64()?),
        77 => Key::DeadLetters,
        78 => Key::DeadLetterByWebhook(WebhookId(from.u64()?), from.u64()?),
        79 => Key::DeadLetter(from.u64()?),
        _ => return None,
    };
    from.0.is_empty().then_some(key)
}

/// The stored number of a kind. Never reuse or reorder one.
fn due_number(kind: DueKind) -> u8 {
    match kind {
        DueKind::SlotStarts => 0,
        DueKind::SlotEnds => 1,
        DueKind::HoldExpires => 2,
        DueKind::JobsAdmitted => 3,
        DueKind::JobDue => 4,
        DueKind::JobForgotten => 5,
        DueKind::SlotReady => 6,
        DueKind::NoShows => 7,
        DueKind::BookingReady => 8,
        DueKind::BookingMissed => 9,
        DueKind::DaysPlanned => 10,
        DueKind::OutboxCleared => 20,
        DueKind::DeadLetterForgotten => 21,
        DueKind::NodeKeyRevoked => 22,
    }
}

fn due_kind(number: u8) -> Option<DueKind> {
    match number {
        0 => Some(DueKind::SlotStarts),
        1 => Some(DueKind::SlotEnds),
        2 => Some(DueKind::HoldExpires),
        3 => Some(DueKind::JobsAdmitted),
        4 => Some(DueKind::JobDue),
        5 => Some(DueKind::JobForgotten),
        6 => Some(DueKind::SlotReady),
        7 => Some(DueKind::NoShows),
        8 => Some(DueKind::BookingReady),
        9 => Some(DueKind::BookingMissed),
        10 => Some(DueKind::DaysPlanned),
        20 => Some(DueKind::OutboxCleared),
        21 => Some(DueKind::DeadLetterForgotten),
        22 => Some(DueKind::NodeKeyRevoked),
        _ => None,
    }
}

/// The stored number of a kind of scope, and its id. Never reuse or reorder a number.
fn scope_parts(scope: Scope) -> (u8, u64) {
    match scope {
        Scope::Cluster => (0, 0),
        Scope::Venue(id) => (1, id.0),
        Scope::Resource(id) => (2, id.0),
        Scope::Slot(id) => (3, id.0),
        Scope::Pool(id) => (4, id.0),
    }
}

fn scope(kind: u8, id: u64) -> Option<Scope> {
    match (kind, id) {
        (0, 0) => Some(Scope::Cluster),
        (1, id) => Some(Scope::Venue(VenueId(id))),
        (2, id) => Some(Scope::Resource(ResourceId(id))),
        (3, id) => Some(Scope::Slot(SlotId(id))),
        (4, id) => Some(Scope::Pool(PoolId(id))),
        _ => None,
    }
}

/// The stored number of a platform. Never reuse or reorder one.
fn platform_number(platform: Platform) -> u8 {
    match platform {
        Platform::Apns => 0,
        Platform::Fcm => 1,
    }
}

fn platform(number: u8) -> Option<Platform> {
    match number {
        0 => Some(Platform::Apns),
        1 => Some(Platform::Fcm),
        _ => None,
    }
}

/// The stored number of a kind of channel, and the webhook it is of. Never reuse or reorder a number.
fn channel_parts(channel: Channel) -> (u8, u64) {
    match channel {
        Channel::Apns => (0, 0),
        Channel::Fcm => (1, 0),
        Channel::Email => (2, 0),
        Channel::Webhook(id) => (3, id.0),
    }
}

fn channel(kind: u8, id: u64) -> Option<Channel> {
    match (kind, id) {
        (0, 0) => Some(Channel::Apns),
        (1, 0) => Some(Channel::Fcm),
        (2, 0) => Some(Channel::Email),
        (3, id) => Some(Channel::Webhook(WebhookId(id))),
        _ => None,
    }
}

/// Whether rows under such a key may be of an earlier shape: counters, resources, slots, bookings and requests.
pub fn has_changed_shape(key: &[u8]) -> bool {
    matches!(key.first(), Some(2 | 4 | 6 | 9 | 18))
}

/// The stored number of a key's kind, and its bytes. Never reuse or reorder a number.
fn request_parts(key: &RequestKey) -> (u8, &[u8; 16]) {
    match key {
        RequestKey::Made(bytes) => (0, bytes),
        RequestKey::Uuid(bytes) => (1, bytes),
        RequestKey::Named(bytes) => (2, bytes),
    }
}

fn request_key(kind: u8, bytes: [u8; 16]) -> Option<RequestKey> {
    match kind {
        0 => Some(RequestKey::Made(bytes)),
        1 => Some(RequestKey::Uuid(bytes)),
        2 => Some(RequestKey::Named(bytes)),
        _ => None,
    }
}

struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    fn table(&mut self, number: u8) -> &mut Self {
        self.byte(number)
    }

    fn byte(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (chunk, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*chunk)
    }

    fn byte(&mut self) -> Option<u8> {
        self.chunk::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.chunk().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.chunk().map(u64::from_be_bytes)
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}
