//! How each kind of row is stored: its version, and the envelope around it. Index rows are stored as nothing at all:
//! what they say is in their key.

use std::sync::Arc;

use holdfast_reservations::{Key, Row};

use crate::codec::{self, CodecError};

/// The version in which rows are written. A changed shape takes the next number for its kind, and `decode` goes on
/// reading the earlier ones.
const VERSION: u8 = 1;

/// Appends the stored bytes of a row.
pub fn encode(row: &Row, into: &mut Vec<u8>) -> Result<(), CodecError> {
    match row {
        Row::Index => Ok(()),
        Row::Clock(row) => codec::encode(VERSION, &**row, into),
        Row::Counters(row) => codec::encode(VERSION, &**row, into),
        Row::Venue(row) => codec::encode(VERSION, &**row, into),
        Row::Resource(row) => codec::encode(VERSION, &**row, into),
        Row::Slot(row) => codec::encode(VERSION, &**row, into),
        Row::Pool(row) => codec::encode(VERSION, &**row, into),
        Row::Booking(row) => codec::encode(VERSION, &**row, into),
        Row::User(row) => codec::encode(VERSION, &**row, into),
        Row::UserByEmail(row) => codec::encode(VERSION, row, into),
        Row::Session(row) => codec::encode(VERSION, &**row, into),
        Row::NodeKey(row) => codec::encode(VERSION, &**row, into),
        Row::Request(row) => codec::encode(VERSION, &**row, into),
        Row::KeyCount(row) => codec::encode(VERSION, row, into),
        Row::Ban(row) => codec::encode(VERSION, &**row, into),
        Row::App(row) => codec::encode(VERSION, &**row, into),
        Row::RetiredNodeKey(row) => codec::encode(VERSION, &**row, into),
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
        | Key::Due(..) => match bytes {
            [] => Ok(Row::Index),
            _ => Err(CodecError::Length { expected: 0, found: bytes.len() }),
        },
        Key::Clock => codec::decode(bytes, VERSION).map(Arc::new).map(Row::Clock),
        Key::Counters => codec::decode(bytes, VERSION).map(Arc::new).map(Row::Counters),
        Key::Venue(_) => codec::decode(bytes, VERSION).map(Arc::new).map(Row::Venue),
        Key::Resource(_) => codec::decode(bytes, VERSION).map(Arc::new).map(Row::Resource),
        Key::Slot(_) => codec::decode(bytes, VERSION).map(Arc::new).map(Row::Slot),
        Key::Pool(_) => codec::decode(bytes, VERSION).map(Arc::new).map(Row::Pool),
        Key::Booking(_) => codec::decode(bytes, VERSION).map(Arc::new).map(Row::Booking),
        Key::User(_) => codec::decode(bytes, VERSION).map(Arc::new).map(Row::User),
        Key::UserByEmail(_) => codec::decode(bytes, VERSION).map(Row::UserByEmail),
        Key::Session(_) => codec::decode(bytes, VERSION).map(Arc::new).map(Row::Session),
        Key::NodeKey(..) => codec::decode(bytes, VERSION).map(Arc::new).map(Row::NodeKey),
        Key::Request(..) => codec::decode(bytes, VERSION).map(Arc::new).map(Row::Request),
        Key::KeyCount(..) => codec::decode(bytes, VERSION).map(Row::KeyCount),
        Key::Ban(_) => codec::decode(bytes, VERSION).map(Arc::new).map(Row::Ban),
        Key::App(_) => codec::decode(bytes, VERSION).map(Arc::new).map(Row::App),
        Key::RetiredNodeKey(..) => codec::decode(bytes, VERSION).map(Arc::new).map(Row::RetiredNodeKey),
    }
}
