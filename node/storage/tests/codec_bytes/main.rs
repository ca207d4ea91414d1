//! The envelope, keys and rows as bytes. Stored bytes outlive the code: a change here takes a new version, and the old
//! golden lines stay readable.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

mod days;
mod entrance;
mod later;
mod outbox;
mod samples;

use std::fmt::Write as _;

use bytes::Bytes;
use expect_test::{expect, expect_file};
use holdfast_reservations::*;
use holdfast_storage::codec::{self, CodecError};
use holdfast_storage::keys;
use holdfast_storage::rows::{decode_row, encode_row};
use proptest::prelude::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn an_envelope_refuses_everything_but_its_own_bytes() {
    let mut bytes = Vec::new();
    codec::encode(1, &("seat", 300_u32), &mut bytes).unwrap();
    expect!["01010804736561"].assert_eq(&hex(&bytes[..7]));
    assert_eq!(codec::decode::<(String, u32)>(&bytes, 1), Ok(("seat".to_owned(), 300)));

    let is_refused = |bytes: &[u8]| codec::decode::<(String, u32)>(bytes, 1).is_err();
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[position] ^= 1 << bit;
            assert!(is_refused(&damaged), "bit {bit} of byte {position}");
        }
        assert!(is_refused(&bytes[..position]), "cut at {position}");
    }
    assert!(is_refused(&[bytes.as_slice(), &[0]].concat()), "a byte too many");
    assert_eq!(codec::decode::<(String, u32)>(&bytes, 2), Err(CodecError::Unknown { format: 1, version: 1 }));
}

#[test]
fn a_body_with_bytes_left_over_is_refused() {
    let mut bytes = Vec::new();
    codec::encode(1, &(1_u8, 2_u8), &mut bytes).unwrap();
    assert_eq!(codec::decode::<u8>(&bytes, 1), Err(CodecError::Length { expected: 1, found: 2 }));
}

#[test]
fn an_entry_put_together_from_pieces_is_the_entry() {
    let entry = Entry { proposed_at: Timestamp(1_800_000_000_000), requests: samples::requests() };
    let pieces: Vec<Bytes> =
        entry.requests.iter().map(|request| codec::encode_request(request).unwrap()).collect();
    let bytes = codec::encode_entry(entry.proposed_at, &pieces).unwrap();
    let mut whole = Vec::new();
    codec::encode(codec::ENTRY_VERSION, &entry, &mut whole).unwrap();
    assert_eq!(hex(&bytes), hex(&whole));
    assert_eq!(codec::decode_entry(&bytes), Ok(entry));
}

#[test]
fn every_command_keeps_its_bytes() {
    let mut lines = String::new();
    for request in samples::requests() {
        let bytes = codec::encode_request(&request).unwrap();
        assert_eq!(codec::decode_request(&bytes).as_ref(), Ok(&request));
        writeln!(lines, "{} {}", request.command.name(), hex(&bytes)).unwrap();
    }
    expect_file!["../golden/commands_v1.txt"].assert_eq(&lines);
}

#[test]
fn every_row_keeps_its_key_and_its_bytes() {
    let mut lines = String::new();
    let later = later::rows().into_iter().chain(days::rows()).chain(outbox::rows()).chain(entrance::rows());
    for (key, row) in samples::rows().into_iter().chain(later) {
        let (mut key_bytes, mut value) = (Vec::new(), Vec::new());
        keys::encode(&key, &mut key_bytes);
        encode_row(&row, &mut value).unwrap();
        assert_eq!(keys::decode(&key_bytes).as_ref(), Some(&key));
        assert_eq!(decode_row(&key, &value).as_ref(), Ok(&row));
        writeln!(lines, "{} {}", hex(&key_bytes), hex(&value)).unwrap();
    }
    expect_file!["../golden/rows_v2.txt"].assert_eq(&lines);
}

#[test]
fn rows_of_the_first_shapes_are_read_for_ever() {
    let expected: Vec<(Key, Row)> = samples::rows().into_iter().collect();
    let lines: Vec<&str> = include_str!("../golden/rows_v1.txt").lines().collect();
    assert_eq!(lines.len(), expected.len());
    for (line, expected) in lines.into_iter().zip(expected) {
        let (key, value) = line.split_once(' ').unwrap();
        let key = keys::decode(&bytes_of(key)).unwrap();
        let row = decode_row(&key, &bytes_of(value));
        assert_eq!((key, row), (expected.0, Ok(expected.1)), "{line}");
    }
}

#[test]
fn every_outcome_keeps_its_bytes() {
    let mut lines = String::new();
    let later = later::outcomes()
        .into_iter()
        .chain(days::outcomes())
        .chain(outbox::outcomes())
        .chain(entrance::outcomes());
    for outcome in samples::outcomes().into_iter().chain(later) {
        let bytes = codec::encode_bare(&outcome).unwrap();
        assert_eq!(codec::decode_bare::<Outcome>(&bytes).as_ref(), Ok(&outcome));
        writeln!(lines, "{}", hex(&bytes)).unwrap();
    }
    expect_file!["../golden/outcomes_v2.txt"].assert_eq(&lines);
}

/// Outcomes are stored in the rows of requests.
#[test]
fn outcomes_of_the_first_shapes_are_read_for_ever() {
    let lines: Vec<&str> = include_str!("../golden/outcomes_v1.txt").lines().collect();
    let revision = Revision { index: 1042, ordinal: 3 };
    let key = Key::Request(5, 70_000, RequestKey::Made([1; 16]));
    assert_eq!(lines.len(), samples::outcomes().len());
    for (line, outcome) in lines.into_iter().zip(samples::outcomes()) {
        let mut body = codec::encode_bare(&(7_u64, revision)).unwrap();
        body.extend(bytes_of(line));
        let mut stored = Vec::new();
        codec::encode_raw(1, &body, &mut stored);
        let remembered = Remembered { payload_hash: 7, revision, outcome };
        assert_eq!(decode_row(&key, &stored), Ok(Row::Request(remembered.into())), "{line}");
    }
}

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

proptest! {
    #[test]
    fn bytes_sort_as_keys_do(mut keys in prop::collection::vec(key(), 2..40)) {
        keys.sort();
        let encoded: Vec<Vec<u8>> = keys.iter().map(|key| {
            let mut bytes = Vec::new();
            keys::encode(key, &mut bytes);
            bytes
        }).collect();
        prop_assert!(encoded.is_sorted());
        for (key, bytes) in keys.iter().zip(&encoded) {
            prop_assert_eq!(keys::decode(bytes), Some(key.clone()));
            prop_assert!(bytes.as_slice() > keys::MARK && bytes.as_slice() < keys::END);
        }
    }

    #[test]
    fn no_bytes_at_all_make_a_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), seal in any::<bool>()) {
        let mut sealed = Vec::new();
        if seal {
            // A body with a right checksum reaches the decoder behind the envelope.
            codec::encode_raw(1, &bytes, &mut sealed);
        } else {
            sealed.clone_from(&bytes);
        }
        let _ = codec::decode_entry(&sealed);
        let _ = codec::decode::<Booking>(&sealed, 1);
        let _ = codec::decode_request(&bytes);
        let _ = keys::decode(&bytes);
    }
}

fn channel() -> impl Strategy<Value = Channel> {
    prop_oneof![
        Just(Channel::Apns),
        Just(Channel::Fcm),
        Just(Channel::Email),
        prop_oneof![0..5_u64, any::<u64>()].prop_map(|id| Channel::Webhook(WebhookId(id))),
    ]
}

fn key() -> impl Strategy<Value = Key> {
    let id = || prop_oneof![0..5_u64, any::<u64>()];
    let bytes = any::<[u8; 16]>();
    prop_oneof![
        Just(Key::Clock),
        Just(Key::Counters),
        id().prop_map(|id| Key::Venue(VenueId(id))),
        (id(), id()).prop_map(|(venue, id)| Key::ResourceByVenue(VenueId(venue), ResourceId(id))),
        id().prop_map(|id| Key::Slot(SlotId(id))),
        (id(), id(), id(), id()).prop_map(|(r, s, e, id)| Key::SlotByWindow(
            ResourceId(r),
            Timestamp(s),
            Timestamp(e),
            SlotId(id)
        )),
        id().prop_map(|id| Key::Pool(PoolId(id))),
        id().prop_map(|id| Key::Booking(BookingId(id))),
        id().prop_map(|id| Key::Ban(UserId(id))),
        id().prop_map(|id| Key::App(UserId(id))),
        (id(), id()).prop_map(|(user, id)| Key::BookingByUser(UserId(user), BookingId(id))),
        "[a-z]{0,4}".prop_map(Key::UserByEmail),
        (id(), any::<u32>()).prop_map(|(node, generation)| Key::RetiredNodeKey(node, generation)),
        (id(), 0..14_usize, id()).prop_map(|(at, kind, id)| {
            let kinds = [
                DueKind::SlotStarts,
                DueKind::SlotEnds,
                DueKind::HoldExpires,
                DueKind::JobsAdmitted,
                DueKind::JobDue,
                DueKind::JobForgotten,
                DueKind::SlotReady,
                DueKind::NoShows,
                DueKind::BookingReady,
                DueKind::BookingMissed,
                DueKind::DaysPlanned,
                DueKind::OutboxCleared,
                DueKind::DeadLetterForgotten,
                DueKind::NodeKeyRevoked,
            ];
            Key::Due(Timestamp(at), kinds[kind], id)
        }),
        id().prop_map(|id| Key::Seats(PoolId(id))),
        (id(), any::<u32>()).prop_map(|(pool, block)| Key::SeatBlock(PoolId(pool), block)),
        (id(), any::<u32>()).prop_map(|(pool, seat)| Key::SeatTaken(PoolId(pool), seat)),
        (id(), id(), id()).prop_map(|(pool, at, id)| Key::HoldByPool(
            PoolId(pool),
            Timestamp(at),
            BookingId(id)
        )),
        (id(), id(), id(), id()).prop_map(|(user, resource, at, id)| {
            Key::HoldByUser(UserId(user), ResourceId(resource), Timestamp(at), BookingId(id))
        }),
        (id(), id()).prop_map(|(user, id)| Key::UserPlaces(UserId(user), ResourceId(id))),
        (0..5_u8, id()).prop_map(|(kind, id)| {
            Key::Policy(match kind {
                0 => Scope::Cluster,
                1 => Scope::Venue(VenueId(id)),
                2 => Scope::Resource(ResourceId(id)),
                3 => Scope::Slot(SlotId(id)),
                _ => Scope::Pool(PoolId(id)),
            })
        }),
        "[a-z]{0,4}".prop_map(Key::PaymentByReference),
        id().prop_map(|id| Key::Job(JobId(id))),
        id().prop_map(|id| Key::Queue(ResourceId(id))),
        (id(), any::<u8>(), id()).prop_map(|(resource, lane, id)| Key::JobWaiting(
            ResourceId(resource),
            lane,
            id
        )),
        "[a-z]{0,4}".prop_map(Key::VenueByName),
        Just(Key::Edition),
        id().prop_map(|id| Key::SlotTally(SlotId(id))),
        Just(Key::Feed),
        id().prop_map(|id| Key::SlotDay(SlotId(id))),
        id().prop_map(|id| Key::LateBooking(BookingId(id))),
        (any::<u32>(), id()).prop_map(|(generation, index)| Key::Effects(generation, index)),
        id().prop_map(|id| Key::Recipient(UserId(id))),
        (any::<bool>(), "[a-z]{0,4}").prop_map(|(is_apns, token)| {
            Key::DeviceByToken(if is_apns { Platform::Apns } else { Platform::Fcm }, token)
        }),
        id().prop_map(|id| Key::Webhook(WebhookId(id))),
        Just(Key::WebhookKinds),
        (channel(), id()).prop_map(|(channel, number)| Key::Outbox(channel, number)),
        channel().prop_map(Key::Backlog),
        (id(), id()).prop_map(|(webhook, number)| Key::DeliveryLog(WebhookId(webhook), number)),
        Just(Key::DeadLetters),
        (id(), id()).prop_map(|(webhook, id)| Key::DeadLetterByWebhook(WebhookId(webhook), id)),
        id().prop_map(Key::DeadLetter),
        id().prop_map(|id| Key::Code(BookingId(id))),
        id().prop_map(|id| Key::Admission(BookingId(id))),
        (id(), any::<u32>()).prop_map(|(id, version)| Key::History(BookingId(id), version)),
        (id(), any::<u32>()).prop_map(|(node, generation)| Key::RevokedNodeKey(node, generation)),
        (any::<u32>(), id(), 0..3_u8, bytes).prop_map(|(generation, user, kind, bytes)| {
            let key = match kind {
                0 => RequestKey::Made(bytes),
                1 => RequestKey::Uuid(bytes),
                _ => RequestKey::Named(bytes),
            };
            Key::Request(generation, user, key)
        }),
    ]
}
