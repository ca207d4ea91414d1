//! How each kind of row is stored: its version, and the envelope around it. Index rows are stored as nothing at all:
//! what they say is in their key.

use std::borrow::Cow;
use std::sync::Arc;

use holdfast_reservations::{Key, Row};
use serde::de::DeserializeOwned;

use super::v1::{BookingV1, CountersV1, RememberedV1, ResourceV1, SlotV1};
use crate::codec::{self, CodecError};
use crate::keys;

/// The version in which most rows are written: their shape has never changed. A changed shape takes the next number for
/// its kind, and `decode` goes on reading the earlier ones.
const FIRST: u8 = 1;

/// The version of the rows that seats, holds, owners and jobs have changed.
const SECOND: u8 = 2;

/// Appends the stored bytes of a row.
pub fn encode(row: &Row, into: &mut Vec<u8>) -> Result<(), CodecError> {
    match row {
        Row::Index => Ok(()),
        Row::Clock(row) => codec::encode(FIRST, &**row, into),
        Row::Counters(row) => codec::encode(SECOND, &**row, into),
        Row::Venue(row) => codec::encode(FIRST, &**row, into),
        Row::Resource(row) => codec::encode(SECOND, &**row, into),
        Row::Slot(row) => codec::encode(SECOND, &**row, into),
        Row::Pool(row) => codec::encode(FIRST, &**row, into),
        Row::Booking(row) => codec::encode(SECOND, &**row, into),
        Row::User(row) => codec::encode(FIRST, &**row, into),
        Row::UserByEmail(row) => codec::encode(FIRST, row, into),
        Row::Session(row) => codec::encode(FIRST, &**row, into),
        Row::NodeKey(row) => codec::encode(FIRST, &**row, into),
        Row::Request(row) => codec::encode(SECOND, &**row, into),
        Row::KeyCount(row) => codec::encode(FIRST, row, into),
        Row::Ban(row) => codec::encode(FIRST, &**row, into),
        Row::App(row) => codec::encode(FIRST, &**row, into),
        Row::RetiredNodeKey(row) => codec::encode(FIRST, &**row, into),
        Row::Seats(row) => codec::encode(FIRST, &**row, into),
        Row::SeatBlock(row) => codec::encode(FIRST, &**row, into),
        Row::SeatTaken(row) | Row::PaymentByReference(row) => codec::encode(FIRST, row, into),
        Row::UserPlaces(row) => codec::encode(FIRST, row, into),
        Row::Policy(row) => codec::encode(FIRST, &**row, into),
        Row::Job(row) => codec::encode(FIRST, &**row, into),
        Row::Queue(row) => codec::encode(FIRST, &**row, into),
        Row::JobWaiting(row) => codec::encode(FIRST, row, into),
        Row::VenueByName(row) => codec::encode(FIRST, row, into),
        Row::Edition(row) => codec::encode(FIRST, &**row, into),
        Row::SlotDay(row) => codec::encode(FIRST, &**row, into),
        Row::LateBooking(row) => codec::encode(FIRST, &**row, into),
        Row::Feed(row) => codec::encode(FIRST, &**row, into),
        Row::SlotTally(row) => codec::encode(FIRST, &**row, into),
        Row::Effects(row) => codec::encode(FIRST, &**row, into),
        Row::Recipient(row) => codec::encode(FIRST, &**row, into),
        Row::DeviceByToken(row) => codec::encode(FIRST, row, into),
        Row::Webhook(row) => codec::encode(FIRST, &**row, into),
        Row::WebhookKinds(row) => codec::encode(FIRST, &**row, into),
        Row::Delivery(row) => codec::encode(FIRST, &**row, into),
        Row::Backlog(row) => codec::encode(FIRST, &**row, into),
        Row::Logged(row) => codec::encode(FIRST, &**row, into),
        Row::DeadLetters(row) => codec::encode(FIRST, &**row, into),
        Row::DeadLetter(row) => codec::encode(FIRST, &**row, into),
        Row::Code(row) => codec::encode(FIRST, &**row, into),
        Row::Admission(row) => codec::encode(FIRST, &**row, into),
        Row::History(row) => codec::encode(FIRST, &**row, into),
        Row::RevokedNodeKey(row) => codec::encode(FIRST, &**row, into),
    }
}

/// The row of stored bytes; the key says of which kind it is.
pub fn decode(key: &Key, bytes: &[u8]) -> Result<Row, CodecError> {
    match key {
        Key::ResourceByVenue(..)
        | Key::SlotByWindow(..)
        | Key::BookingByUser(..)
        | Key::BookingBySlot(..)
        | Key::SessionByUser(..)
        | Key::HoldByPool(..)
        | Key::HoldByUser(..)
        | Key::DeadLetterByWebhook(..)
        | Key::Due(..) => match bytes {
            [] => Ok(Row::Index),
            _ => Err(CodecError::Length { expected: 0, found: bytes.len() }),
        },
        Key::Clock => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Clock),
        Key::Counters => since_v1::<_, CountersV1>(bytes).map(Arc::new).map(Row::Counters),
        Key::Venue(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Venue),
        Key::Resource(_) => since_v1::<_, ResourceV1>(bytes).map(Arc::new).map(Row::Resource),
        Key::Slot(_) => since_v1::<_, SlotV1>(bytes).map(Arc::new).map(Row::Slot),
        Key::Pool(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Pool),
        Key::Booking(_) => since_v1::<_, BookingV1>(bytes).map(Arc::new).map(Row::Booking),
        Key::User(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::User),
        Key::UserByEmail(_) => codec::decode(bytes, FIRST).map(Row::UserByEmail),
        Key::Session(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Session),
        Key::NodeKey(..) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::NodeKey),
        Key::Request(..) => since_v1::<_, RememberedV1>(bytes).map(Arc::new).map(Row::Request),
        Key::KeyCount(..) => codec::decode(bytes, FIRST).map(Row::KeyCount),
        Key::Ban(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Ban),
        Key::App(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::App),
        Key::RetiredNodeKey(..) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::RetiredNodeKey),
        Key::Seats(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Seats),
        Key::SeatBlock(..) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::SeatBlock),
        Key::SeatTaken(..) => codec::decode(bytes, FIRST).map(Row::SeatTaken),
        Key::UserPlaces(..) => codec::decode(bytes, FIRST).map(Row::UserPlaces),
        Key::Policy(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Policy),
        Key::PaymentByReference(_) => codec::decode(bytes, FIRST).map(Row::PaymentByReference),
        Key::Job(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Job),
        Key::Queue(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Queue),
        Key::JobWaiting(..) => codec::decode(bytes, FIRST).map(Row::JobWaiting),
        Key::VenueByName(_) => codec::decode(bytes, FIRST).map(Row::VenueByName),
        Key::Edition => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Edition),
        Key::SlotDay(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::SlotDay),
        Key::LateBooking(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::LateBooking),
        Key::Feed => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Feed),
        Key::SlotTally(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::SlotTally),
        Key::Effects(..) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Effects),
        Key::Recipient(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Recipient),
        Key::DeviceByToken(..) => codec::decode(bytes, FIRST).map(Row::DeviceByToken),
        Key::Webhook(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Webhook),
        Key::WebhookKinds => codec::decode(bytes, FIRST).map(Arc::new).map(Row::WebhookKinds),
        Key::Outbox(..) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Delivery),
        Key::Backlog(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Backlog),
        Key::DeliveryLog(..) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Logged),
        Key::DeadLetters => codec::decode(bytes, FIRST).map(Arc::new).map(Row::DeadLetters),
        Key::DeadLetter(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::DeadLetter),
        Key::Code(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Code),
        Key::Admission(_) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::Admission),
        Key::History(..) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::History),
        Key::RevokedNodeKey(..) => codec::decode(bytes, FIRST).map(Arc::new).map(Row::RevokedNodeKey),
    }
}

/// A value in its second shape, or in its first.
fn since_v1<New: DeserializeOwned, Old: DeserializeOwned + Into<New>>(
    bytes: &[u8],
) -> Result<New, CodecError> {
    match codec::version(bytes) {
        Some(FIRST) => codec::decode::<Old>(bytes, FIRST).map(Into::into),
        Some(_) | None => codec::decode(bytes, SECOND),
    }
}

/// The bytes a stored row has once it is written again: those it has, unless they are of an earlier shape. So rows are
/// equal whichever version of Holdfast has written them.
pub(super) fn as_written_now<'a>(key: &[u8], bytes: &'a [u8]) -> Cow<'a, [u8]> {
    let is_changed_shape = keys::has_changed_shape(key) && codec::version(bytes) == Some(FIRST);
    let rewrite = || {
        let row = decode(&keys::decode(key)?, bytes).ok()?;
        let mut written = Vec::with_capacity(bytes.len() + 8);
        encode(&row, &mut written).ok()?;
        Some(written)
    };
    // What cannot be read is not equal to anything, and is found by whoever reads it.
    is_changed_shape.then(rewrite).flatten().map_or(Cow::Borrowed(bytes), Cow::Owned)
}
