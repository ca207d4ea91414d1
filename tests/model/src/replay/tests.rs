//! Logs and what clients were told of them, as text.

use expect_test::{Expect, expect};
use holdfast_reservations::{
    Book, Cancel, CheckIn, Command, CreateOperator, CreateResource, CreateVenue, Entry, Modify, NewPlaces,
    NewPool, NewResource, NewSlot, OpenSlots, Principal, Request, RequestId, RequestKey, ResourceId,
    ResourceKind, SignUp, SlotChoice, SlotName, Timestamp, Venue, VenueId, Window,
};

use super::check as check_log;
use crate::UserId;
use crate::history::{History, Request as Asked};
use crate::violation::Violation;

/// Compares what clients were told with a log: lines such as `log 10 key:a user:2 book slot:1 -> booking:1`, of which
/// only what was asked counts. Entry 1 makes the operator `user:1`, `slot:1` with 2 places, `slot:2` with 9, and three guests.
fn check(text: &str, expected: &Expect) {
    let (entries, history) = read(text);
    let says: Vec<String> = check_log(&entries, &history, key_of).iter().map(Violation::to_string).collect();
    expected.assert_eq(&says.join("\n"));
}

/// The log and the history in a text.
fn read(text: &str) -> (Vec<(u64, Entry)>, History) {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (log, told): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with("log "));
    let history: History = told.join("\n").parse().unwrap();
    let mut entries = vec![(1, opening())];
    for line in log {
        let (index, asked) = line["log ".len()..].split_once(' ').unwrap();
        let index: u64 = index.parse().unwrap();
        if entries.last().is_none_or(|(last, _)| *last < index) {
            entries.push((index, Entry { proposed_at: Timestamp(index * 100), requests: Vec::new() }));
        }
        entries.last_mut().unwrap().1.requests.push(request(asked));
    }
    (entries, history)
}

fn opening() -> Entry {
    let internal = |command| Request { id: None, principal: Principal::Internal, command };
    let name = |name: &str| (format!("{name}@park.example"), name.to_owned());
    let (email, operator) = name("olga");
    let make = CreateOperator { email, name: operator, password_hash: String::new() };
    let by_operator = |command| Request { id: None, principal: principal(UserId(1)), command };
    let zone = "Europe/Berlin".to_owned();
    let region = "Berlin".to_owned();
    let venue =
        Venue { name: "Park".to_owned(), region, time_zone: zone, opens_at_minute: 0, closes_at_minute: 1 };
    let (kind, description) = (ResourceKind::Ride, String::new());
    let resource = NewResource { venue: VenueId(1), kind, name: "Coaster".to_owned(), description };
    let slot = |capacity| NewSlot {
        window: Window::new(Timestamp(1000), Timestamp(100_000)).unwrap(),
        pools: vec![NewPool { name: "standard".to_owned(), places: NewPlaces::Counter { capacity } }],
    };
    let slots = OpenSlots { resource: ResourceId(1), slots: vec![slot(2), slot(9)] };
    let mut requests = vec![
        internal(Command::CreateOperator(make)),
        by_operator(Command::CreateVenue(CreateVenue { venue })),
        by_operator(Command::CreateResource(CreateResource { resource })),
        by_operator(Command::OpenSlots(slots)),
    ];
    for guest in ["mia", "tom", "ann"] {
        let (email, name) = name(guest);
        let sign_up = SignUp { email, name, password_hash: String::new() };
        requests.push(Request {
            id: None,
            principal: Principal::Anonymous,
            command: Command::SignUp(sign_up),
        });
    }
    Entry { proposed_at: Timestamp(1), requests }
}

fn principal(user: UserId) -> Principal {
    Principal::User { user, token_version: 0 }
}

fn key_of(key: &str) -> RequestKey {
    let mut bytes = [0; 16];
    bytes[..key.len()].copy_from_slice(key.as_bytes());
    RequestKey::Named(bytes)
}

/// Reads a request as histories spell it.
fn request(asked: &str) -> Request {
    let history: History = format!("0..0 {asked} -> unknown").parse().unwrap();
    let call = &history.calls[0];
    let key = call.key.as_ref().map(|key| RequestId { key: key_of(key), payload_hash: 0 });
    let expected_version = None;
    let command = match call.request {
        Asked::Book { slot, count, owner } => {
            let user = (owner != call.user).then_some(owner);
            Command::Book(Book { slot: SlotName::Id(slot), pool: None, count, user })
        }
        Asked::Modify { booking, slot, count } => {
            let slot = slot.map(SlotChoice::Id);
            Command::Modify(Modify { booking, expected_version, slot, pool: None, count })
        }
        Asked::Cancel(booking) => Command::Cancel(Cancel { booking, expected_version }),
        Asked::CheckIn(booking) => Command::CheckIn(CheckIn { booking, expected_version, scanned_at: None }),
        Asked::Get(_) | Asked::Look(_) | Asked::List(_) => panic!("a read is not in the log"),
    };
    Request { id: key, principal: principal(call.user), command }
}

#[test]
fn every_answer_is_what_the_log_says_at_its_place() {
    check(
        "
        log 10 user:2 key:a book slot:1
        log 10 user:3 key:b book slot:1
        log 11 user:4 key:c book slot:1
        log 12 user:2 key:d modify booking:1 slot:2 count:3
        log 13 user:1 key:e check-in booking:2
        log 14 user:2 key:a book slot:1
        log 15 user:2 key:f cancel booking:1
        0..5 user:2 key:a book slot:1 -> booking:1 revision:10-0 index:10
        0..9 user:3 key:b book slot:1 -> booking:2 revision:10-1 index:12
        6..7 user:4 key:c book slot:1 -> refused slot_full
        6..7 user:2 get booking:1 -> booking:1 slot:1 owner:2 revision:10-0 index:10
        6..7 user:2 get booking:2 -> refused booking_not_found index:10
        6..7 user:2 get booking:1 -> booking:1 slot:2 owner:2 count:3 index:12
        6..7 user:2 look slot:1 -> capacity:2 available:0 confirmed:2 index:11
        6..7 user:2 look slot:1 -> capacity:2 available:2 index:9
        6..7 user:1 list slot:1 -> booking:2 booking:1 index:11
        6..7 user:1 list slot:1 -> booking:2 more index:11
        6..7 user:1 list slot:1 -> booking:2 index:12
        6..7 user:3 list slot:2 -> nothing index:12
        8..9 user:2 key:d modify booking:1 slot:2 count:3 -> booking:1 slot:2 owner:2 count:3 revision:12-0
        8..9 user:2 key:a book slot:1 -> booking:1 revision:10-0 index:14
        8..9 user:1 key:e check-in booking:2 -> booking:2 slot:1 owner:3 used revision:13-0
        end slot:1 capacity:2 available:1 confirmed:1
        end slot:2 capacity:9 available:9
        end booking:1 slot:2 owner:2 count:3 cancelled revision:15-0
        end booking:2 slot:1 owner:3 used
        ",
        &expect![""],
    );
}

#[test]
fn an_answer_that_the_log_does_not_say() {
    check(
        "
        log 10 user:2 key:a book slot:1
        log 11 user:3 key:b book slot:1 count:2
        0..5 user:2 key:a book slot:1 count:2 -> booking:1 revision:10-0
        0..5 user:3 key:b book slot:1 count:2 -> booking:2 revision:11-0
        0..5 user:4 key:c book slot:1 -> booking:3 revision:12-0
        ",
        &expect![[r#"
            10-0 was told otherwise than it came out: Booking { id: BookingId(1), slot: SlotId(1), owner: UserId(2), count: 1, status: Confirmed, revision: Some(Revision { index: 10, ordinal: 0 }) }
                0..5 user:2 key:a book slot:1 count:2 -> booking:1 revision:10-0
            11-0 was acknowledged, but the log has no such change
                0..5 user:3 key:b book slot:1 count:2 -> booking:2 revision:11-0
            12-0 was acknowledged, but the log has no such change
                0..5 user:4 key:c book slot:1 -> booking:3 revision:12-0"#]],
    );
}

#[test]
fn a_refusal_that_the_log_does_not_say() {
    check(
        "
        log 10 user:2 key:a book slot:1
        log 11 user:2 key:b cancel booking:1
        log 12 user:2 key:c cancel booking:1
        0..5 user:2 key:a book slot:1 -> refused slot_full
        0..5 user:2 key:c cancel booking:1 -> refused already_used
        0..5 user:2 key:c cancel booking:1 -> refused already_cancelled
        0..5 user:3 key:d book slot:1 -> refused slot_full
        0..5 user:3 key:e book slot:1 -> refused pool_not_found
        ",
        &expect![[r#"
            it was refused otherwise than it came out: [Booking(Booking { id: BookingId(1), slot: SlotId(1), owner: UserId(2), count: 1, status: Confirmed, revision: Some(Revision { index: 10, ordinal: 0 }) })]
                0..5 user:2 key:a book slot:1 -> refused slot_full
            it was refused otherwise than it came out: [Refused("already_cancelled")]
                0..5 user:2 key:c cancel booking:1 -> refused already_used
            it was refused, but the log has no such request
                0..5 user:3 key:d book slot:1 -> refused slot_full"#]],
    );
}

#[test]
fn a_read_that_shows_another_moment() {
    check(
        "
        log 10 user:2 key:a book slot:1
        0..5 user:2 get booking:1 -> refused booking_not_found index:10
        0..5 user:2 get booking:1 -> booking:1 slot:1 owner:2 index:9
        0..5 user:3 get booking:1 -> booking:1 slot:1 owner:2 index:10
        0..5 user:2 look slot:1 -> capacity:2 available:2 index:10
        0..5 user:1 list slot:1 -> nothing index:10
        0..5 user:1 list slot:1 -> booking:1 more index:10
        ",
        &expect![[r#"
            the log has Refused("booking_not_found") at that index
                0..5 user:2 get booking:1 -> booking:1 slot:1 owner:2 index:9
            the log has Booking(Booking { id: BookingId(1), slot: SlotId(1), owner: UserId(2), count: 1, status: Confirmed, revision: None }) at that index
                0..5 user:2 get booking:1 -> refused booking_not_found index:10
            the log has Refused("booking_not_found") at that index
                0..5 user:3 get booking:1 -> booking:1 slot:1 owner:2 index:10
            the log has Slot(Counts { capacity: 2, available: 1, held: 0, confirmed: 1 }) at that index
                0..5 user:2 look slot:1 -> capacity:2 available:2 index:10
            the log has List { bookings: [BookingId(1)], has_more: true } at that index
                0..5 user:1 list slot:1 -> nothing index:10
            the log has List { bookings: [BookingId(1)], has_more: false } at that index
                0..5 user:1 list slot:1 -> booking:1 more index:10"#]],
    );
}

#[test]
fn what_is_there_at_the_end_is_what_the_log_makes() {
    check(
        "
        log 10 user:2 key:a book slot:1
        end slot:1 capacity:2 available:2
        end booking:1 slot:1 owner:2 cancelled
        end booking:2 slot:1 owner:2
        ",
        &expect![[r#"
            slot:1 was Counts { capacity: 2, available: 2, held: 0, confirmed: 0 } at the end, the log has Some(Counts { capacity: 2, available: 1, held: 0, confirmed: 1 })
            booking:1 was Booking { id: BookingId(1), slot: SlotId(1), owner: UserId(2), count: 1, status: Cancelled, revision: None } at the end, the log has Some(Booking { id: BookingId(1), slot: SlotId(1), owner: UserId(2), count: 1, status: Confirmed, revision: None })
            booking:2 was Booking { id: BookingId(2), slot: SlotId(1), owner: UserId(2), count: 1, status: Confirmed, revision: None } at the end, the log has None"#]],
    );
}

#[test]
fn whoever_asks_after_an_answer_comes_after_it() {
    check(
        "
        log 10 user:2 key:a book slot:1
        log 11 user:3 key:b book slot:1
        log 12 user:4 key:c book slot:2
        0..5 user:3 key:b book slot:1 -> booking:2 revision:11-0
        6..7 user:2 key:a book slot:1 -> booking:1 revision:10-0
        6..7 user:4 key:c book slot:2 -> booking:3 revision:12-0
        ",
        &expect![[r#"
            10-0 took effect before 11-0, though it was asked for after its answer
                0..5 user:3 key:b book slot:1 -> booking:2 revision:11-0
                6..7 user:2 key:a book slot:1 -> booking:1 revision:10-0"#]],
    );
}

#[test]
fn what_clients_never_learned_is_in_the_log_or_never_was() {
    let (log, history) = read(
        "
        log 10 user:2 key:a book slot:1 count:2
        log 11 user:3 key:b book slot:1
        0..5 user:2 key:a book slot:1 count:2 -> unknown
        0..6 user:3 key:b book slot:1 -> unknown
        0..7 user:3 key:c book slot:1 -> unknown
        0..8 user:3 look slot:1 -> unknown
        ",
    );
    expect![[r#"
        0..8 user:2 key:a book slot:1 count:2 -> booking:1 revision:10-0
        0..8 user:3 key:b book slot:1 -> refused slot_full
        0..8 user:3 key:c book slot:1 -> not-done not in the log
        0..8 user:3 look slot:1 -> unknown
    "#]]
    .assert_eq(&super::resolve(&log, &history, key_of).to_string());
}
