//! The rules over stored rows must do what they do over a sorted map, however small the cache, wherever a node restarts.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

#[path = "rows_over_an_engine/accounts.rs"]
mod accounts;
#[path = "rows_over_an_engine/seats.rs"]
mod seats;

use std::sync::Arc;

use bytes::Bytes;
use expect_test::{ExpectFile, expect_file};
use holdfast_reservations::*;
use holdfast_storage::codec;
use holdfast_storage::engine::{Engine, OpenEngine, ReadEngine};
use holdfast_storage::files::{RealFiles, block_on};
use holdfast_storage::log::LogId;
use holdfast_storage::mark::Mark;
use holdfast_storage::rows::{Digest, EngineRows, View, digest};
use holdfast_storage::sorted_map::SortedMaps;
use proptest::prelude::*;

fn mark(index: u64) -> Mark {
    let applied = LogId { term: 1, node: 1, index };
    Mark { group: 0, applied, membership_id: None, membership: Bytes::new() }
}

fn open(dir: &std::path::Path) -> Arc<dyn Engine> {
    SortedMaps(RealFiles).open(dir).unwrap()
}

fn digest_of(engine: &Arc<dyn Engine>) -> Digest {
    let mut found = None;
    engine.read(&mut |reader: &dyn ReadEngine| found = Some(digest(reader).unwrap()));
    found.unwrap()
}

/// A morning at a park: everything a log can hold, in a fixed order.
fn morning() -> Vec<Entry> {
    let hour = 3_600_000;
    let operator = Principal::User { user: UserId(1), token_version: 0 };
    let guest = |user| Principal::User { user: UserId(user), token_version: 0 };
    let venue = Venue {
        name: "Lakeside".into(),
        region: "North".into(),
        time_zone: "Europe/Paris".into(),
        opens_at_minute: 540,
        closes_at_minute: 1320,
    };
    let resource = |name: &str| NewResource {
        venue: VenueId(1),
        kind: ResourceKind::Ride,
        name: name.into(),
        description: String::new(),
    };
    let slot = |from: u64, capacity| NewSlot {
        window: Window::new(Timestamp(from), Timestamp(from + hour)).unwrap(),
        pools: vec![NewPool { name: "standard".into(), places: NewPlaces::Counter { capacity } }],
    };
    let sign_up = |name: &str| {
        Command::SignUp(SignUp {
            email: format!("{name}@example.com"),
            name: name.into(),
            password_hash: "$h".into(),
        })
    };
    let book =
        |slot, count| Command::Book(Book { slot: SlotName::Id(SlotId(slot)), pool: None, count, user: None });
    let booking = BookingId(1);
    let entries = [
        (
            0,
            vec![(
                Principal::Internal,
                Command::CreateOperator(CreateOperator {
                    email: "o@example.com".into(),
                    name: "O".into(),
                    password_hash: "$h".into(),
                }),
            )],
        ),
        (
            1,
            vec![
                (
                    Principal::Internal,
                    Command::RegisterNodeKey(RegisterNodeKey { node: 1, generation: 1, public_key: [1; 32] }),
                ),
                (operator, Command::CreateVenue(CreateVenue { venue })),
                (operator, Command::CreateResource(CreateResource { resource: resource("Comet") })),
                (operator, Command::CreateResource(CreateResource { resource: resource("Carousel") })),
                (
                    operator,
                    Command::OpenSlots(OpenSlots {
                        resource: ResourceId(1),
                        slots: vec![slot(hour, 3), slot(2 * hour, 2)],
                    }),
                ),
            ],
        ),
        (2, (0..5).map(|guest| (Principal::Anonymous, sign_up(&format!("guest{guest}")))).collect()),
        (
            3,
            vec![
                (operator, Command::ChangeRole(ChangeRole { user: UserId(2), role: Role::Staff })),
                (
                    Principal::Internal,
                    Command::OpenSession(OpenSession { user: UserId(3), token_version: 0 }),
                ),
                (
                    Principal::Internal,
                    Command::RefreshSession(RefreshSession { session: SessionId(1), sequence: 0 }),
                ),
                (guest(4), Command::CloseSessions(CloseSessions)),
            ],
        ),
        (4, (3..7).map(|user| (guest(user), book(1, 1))).collect()),
        (
            5,
            vec![
                (
                    guest(3),
                    Command::Modify(Modify {
                        booking,
                        expected_version: Some(1),
                        slot: Some(SlotChoice::Id(SlotId(2))),
                        pool: None,
                        count: Some(2),
                    }),
                ),
                (guest(6), book(1, 1)),
                (guest(4), Command::Cancel(Cancel { booking: BookingId(2), expected_version: None })),
            ],
        ),
        (
            hour + 1,
            vec![
                (Principal::Internal, Command::Tick(Tick)),
                (
                    guest(2),
                    Command::CheckIn(CheckIn {
                        booking: BookingId(3),
                        expected_version: None,
                        scanned_at: None,
                    }),
                ),
            ],
        ),
        (30 * hour, vec![(Principal::Internal, Command::Tick(Tick))]),
        (60 * hour, vec![(guest(3), book(2, 1))]),
    ];
    let mut number = 0;
    let mut request = |(principal, command): (Principal, Command)| {
        number += 1;
        let is_internal = matches!(command, Command::Tick(_) | Command::RegisterNodeKey(_));
        let id = RequestId { key: RequestKey::Uuid([number; 16]), payload_hash: u64::from(number) };
        Request { id: (!is_internal).then_some(id), principal, command }
    };
    let entries = entries.into_iter().map(|(at, requests)| Entry {
        proposed_at: Timestamp(at),
        requests: requests.into_iter().map(&mut request).collect(),
    });
    entries.collect()
}

#[test]
fn a_log_gives_the_same_rows_for_ever() {
    check_log(
        morning(),
        include_str!("golden/morning_v1.log"),
        expect_file!["golden/morning_v1.log"],
        expect_file!["golden/morning_v1.txt"],
    );
}

#[test]
fn a_log_of_accounts_gives_the_same_rows_for_ever() {
    check_log(
        accounts::history(),
        include_str!("golden/accounts_v1.log"),
        expect_file!["golden/accounts_v1.log"],
        expect_file!["golden/accounts_v1.txt"],
    );
}

#[test]
fn a_log_of_seats_holds_and_jobs_gives_the_same_rows_for_ever() {
    check_log(
        seats::history(),
        include_str!("golden/seats_v1.log"),
        expect_file!["golden/seats_v1.log"],
        expect_file!["golden/seats_v1.txt"],
    );
}

/// A log gives these answers and these rows, on every node and for ever. The log itself is stored beside the answers and
/// read back from there, so that old logs stay readable.
fn check_log(entries: Vec<Entry>, stored: &str, log: ExpectFile, answers: ExpectFile) {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let encoded = entries.into_iter().map(|entry| {
        let mut bytes = Vec::new();
        codec::encode(codec::ENTRY_VERSION, &entry, &mut bytes).unwrap();
        hex(&bytes) + "\n"
    });
    log.assert_eq(&encoded.collect::<String>());

    let stored = stored.lines().map(|line| {
        let bytes = (0..line.len()).step_by(2).map(|at| u8::from_str_radix(&line[at..at + 2], 16).unwrap());
        codec::decode_entry(&bytes.collect::<Vec<u8>>()).unwrap()
    });
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let mut state = State::over(EngineRows::over(engine.clone(), 4));
    let mut transcript = String::new();
    for (index, entry) in (1..).zip(stored) {
        for applied in state.apply(index, &entry) {
            transcript += &format!("{} {:?} {:?}\n", applied.revision, applied.outcome, applied.events);
        }
        state.rows_mut().commit(&mark(index)).unwrap();
        assert_eq!(state.check_invariants(), Vec::<String>::new());
        transcript += &format!("after entry {index}: digest {}\n", digest_of(&engine));
    }
    answers.assert_eq(&transcript);
}

#[derive(Clone, Debug)]
enum Step {
    Book { user: u64, slot: u64, count: u32, key: u8 },
    Cancel { user: u64, booking: u64, key: u8 },
    OpenSlots { capacity: u32 },
    Later { hours: u64 },
    Commit,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (2..6_u64, 1..5_u64, 1..3_u32, any::<u8>())
            .prop_map(|(user, slot, count, key)| Step::Book { user, slot, count, key }),
        3 => (2..6_u64, 1..9_u64, any::<u8>()).prop_map(|(user, booking, key)| Step::Cancel { user, booking, key }),
        2 => (0..9_u32).prop_map(|capacity| Step::OpenSlots { capacity }),
        1 => (1..40_u64).prop_map(|hours| Step::Later { hours }),
        3 => Just(Step::Commit),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stored_rows_are_what_a_sorted_map_would_hold(
        steps in prop::collection::vec(step(), 1..80),
        cached in 1..12_usize,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut engine = open(dir.path());
        let mut stored = State::over(EngineRows::over(engine.clone(), cached));
        let mut plain = State::over(MemoryRows::default());
        let mut now = 0;
        let mut index = 0;
        for entry in &morning()[..5] {
            index += 1;
            prop_assert_eq!(stored.apply(index, entry), plain.apply(index, entry));
        }
        for step in steps {
            let user = |user| Principal::User { user: UserId(user), token_version: 0 };
            let id = |key: u8| Some(RequestId { key: RequestKey::Named([key; 16]), payload_hash: 0 });
            let request = match step {
                Step::Book { user: who, slot, count, key } => {
                    let command = Command::Book(Book { slot: SlotName::Id(SlotId(slot)), pool: None, count, user: None });
                    Request { id: id(key), principal: user(who), command }
                }
                Step::Cancel { user: who, booking, key } => {
                    let command = Command::Cancel(Cancel { booking: BookingId(booking), expected_version: None });
                    Request { id: id(key), principal: user(who), command }
                }
                Step::OpenSlots { capacity } => {
                    let window = Window::new(Timestamp(now), Timestamp(now + 100 * 3_600_000)).unwrap();
                    let pools = vec![NewPool { name: "p".into(), places: NewPlaces::Counter { capacity } }];
                    let slots = vec![NewSlot { window, pools }];
                    let command = Command::OpenSlots(OpenSlots { resource: ResourceId(1), slots });
                    Request { id: None, principal: user(1), command }
                }
                Step::Later { hours } => {
                    now += hours * 3_600_000;
                    Request { id: None, principal: Principal::Internal, command: Command::Tick(Tick) }
                }
                Step::Commit => {
                    stored.rows_mut().commit(&mark(index)).unwrap();
                    continue;
                }
                Step::Restart => {
                    stored.rows_mut().commit(&mark(index)).unwrap();
                    block_on(engine.flush()).unwrap();
                    engine = open(dir.path());
                    stored = State::over(EngineRows::over(engine.clone(), cached));
                    prop_assert_eq!(stored.rows().mark().unwrap(), Some(mark(index)));
                    continue;
                }
            };
            index += 1;
            let entry = Entry { proposed_at: Timestamp(now), requests: vec![request] };
            prop_assert_eq!(stored.apply(index, &entry), plain.apply(index, &entry));
        }

        stored.rows_mut().commit(&mark(index)).unwrap();
        prop_assert_eq!(stored.check_invariants(), Vec::<String>::new());
        let mut read = Vec::new();
        engine.read(&mut |reader: &dyn ReadEngine| {
            let view = View::of(reader);
            read = view.scan(Key::all(), Order::Ascending, usize::MAX);
            assert!(view.failure().is_none());
        });
        let expected: Vec<_> = plain.rows().iter().map(|(key, row)| (key.clone(), row.clone())).collect();
        prop_assert_eq!(read, expected);
    }
}
