//! The request table: what became of every request, so that a retry gets the first answer and has no second effect.

mod age;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::command::Request;
use crate::ids::Revision;
use crate::outcome::{Outcome, Rejection};
use crate::principal::{Principal, Role};
use crate::rows::{Key, Order, ReadRows, ReadTyped as _, Row};
use crate::time::Millis;
use crate::users::User;
use age::{Age, age};

/// How long one generation of request rows is written. Two are kept, so a key is remembered for 24 to 48 hours.
pub const GENERATION_DURATION: Millis = Millis::from_hours(24);

/// How far a caller's clock may be ahead of agreed time. A key of a later moment would still look young when its row is
/// dropped, so it is refused; and a key counts as old so much earlier.
pub const KEY_AHEAD_MAX: Millis = Millis::from_minutes(10);

/// Keys a user may use in a generation: many times what a person clicks, few enough to count by looking.
pub const KEYS_MAX: usize = 1000;

/// Keys an app server, or everybody who has not signed in together, may use in a generation.
pub const KEYS_MAX_APP: u64 = 50_000_000;

/// Identifies a request of one principal, and what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId {
    /// The caller's key, or one made for him.
    pub key: RequestKey,
    /// A hash of method, path and body: the same key with another payload is another caller's mistake.
    pub payload_hash: u64,
}

/// The key of a request. The order is a stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RequestKey {
    /// Made by the node because the caller sent none; it does not count to the caller's keys.
    Made([u8; 16]),
    /// A UUID the caller sent.
    Uuid([u8; 16]),
    /// A hash of any other key the caller sent.
    Named([u8; 16]),
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// What it asked for.
    pub payload_hash: u64,
    /// Where it took effect.
    pub revision: Revision,
    /// What it came to.
    pub outcome: Outcome,
}

/// How many keys an app used in a generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyCount(pub u64);

/// What is known of a request before it is tried.
pub(crate) enum Recalled {
    /// Nothing: it is new.
    New,
    /// It was answered before.
    Answered(Revision, Outcome),
    /// It cannot be tried.
    Refused(Rejection),
}

/// Looks a request up in both generations.
pub(crate) fn recall(
    rows: &dyn ReadRows,
    clock: &Clock,
    principal: Principal,
    id: Option<RequestId>,
) -> Recalled {
    let Some(id) = id else {
        return Recalled::New;
    };
    let scope = principal.scope();
    let generations = [Some(clock.generation), clock.generation.checked_sub(1)];
    let mut rows_found = generations
        .into_iter()
        .flatten()
        .filter_map(|generation| rows.row::<Remembered>((generation, scope, id.key)));
    match rows_found.next() {
        Some(first) if first.payload_hash != id.payload_hash => Recalled::Refused(Rejection::KeyReused),
        Some(first) => Recalled::Answered(first.revision, first.outcome.clone()),
        None => match age(id.key, clock.now) {
            Age::Unknown | Age::Young => Recalled::New,
            Age::Old => Recalled::Refused(Rejection::KeyExpired),
            Age::ToCome => Recalled::Refused(Rejection::KeyAhead),
        },
    }
}

/// What a request of a principal came to, if it is remembered.
pub fn answered(rows: &dyn ReadRows, principal: Principal, id: RequestId) -> Option<(Revision, Outcome)> {
    let clock = rows.row::<Clock>(())?;
    match recall(rows, &clock, principal, Some(id)) {
        Recalled::Answered(revision, outcome) => Some((revision, outcome)),
        Recalled::New | Recalled::Refused(_) => None,
    }
}

/// Whether a request of a principal would be tried: none came under its key, and the key is neither too old nor of a moment
/// to come.
pub fn is_new(rows: &dyn ReadRows, principal: Principal, id: RequestId) -> bool {
    let Some(clock) = rows.row::<Clock>(()) else { return true };
    match recall(rows, &clock, principal, Some(id)) {
        Recalled::New => true,
        Recalled::Answered(..) | Recalled::Refused(_) => false,
    }
}

/// The row that remembers a request.
pub(crate) fn row(
    clock: &Clock,
    request: &Request,
    revision: Revision,
    outcome: &Outcome,
) -> Option<(Key, Row)> {
    let id = request.id?;
    let key = Key::Request(clock.generation, request.principal.scope(), id.key);
    let remembered = Remembered { payload_hash: id.payload_hash, revision, outcome: outcome.clone() };
    Some((key, Row::Request(std::sync::Arc::new(remembered))))
}

/// The rows of the generation before one: dropped whole when a new one starts.
pub(crate) fn generation_before(generation: u32) -> Range<Key> {
    let first = RequestKey::Made([0; 16]);
    Key::Request(generation.saturating_sub(1), 0, first)..Key::Request(generation, 0, first)
}

/// The key counts of the generation before one.
pub(crate) fn key_counts_before(generation: u32) -> Range<Key> {
    Key::KeyCount(generation.saturating_sub(1), 0)..Key::KeyCount(generation, 0)
}

/// How a principal's keys are counted.
pub(crate) enum Counting {
    /// Not at all.
    Free,
    /// By looking at the rows, few as they are; what is found is kept in memory.
    ByLooking,
    /// By a row of its own, because there may be millions.
    ByRow,
}

/// How the keys of a request's principal are counted.
pub(crate) fn counting(rows: &dyn ReadRows, request: &Request) -> Counting {
    match (request.id.map(|id| id.key), request.principal) {
        (None | Some(RequestKey::Made(_)), _) | (_, Principal::Internal) => Counting::Free,
        (Some(_), Principal::Anonymous | Principal::App { .. }) => Counting::ByRow,
        (Some(_), Principal::User { user, .. }) => match rows.row::<User>(user).map(|user| user.role) {
            Some(Role::App) => Counting::ByRow,
            Some(Role::Guest | Role::Staff | Role::Operator) | None => Counting::ByLooking,
        },
    }
}

/// The keys a principal has used in this generation, by looking.
pub(crate) fn count_keys(rows: &dyn ReadRows, generation: u32, scope: u64) -> usize {
    let first = Key::Request(generation, scope, RequestKey::Uuid([0; 16]));
    let end = Key::Request(generation, scope.saturating_add(1), RequestKey::Made([0; 16]));
    rows.scan(first..end, Order::Ascending, KEYS_MAX).len()
}

/// The keys a principal has used in this generation, by its row.
pub(crate) fn counted_keys(rows: &dyn ReadRows, generation: u32, scope: u64) -> KeyCount {
    match rows.get(&Key::KeyCount(generation, scope)) {
        Some(Row::KeyCount(count)) => count,
        _ => KeyCount::default(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::{GENERATION_DURATION, KEYS_MAX, is_new};
    use crate::transcript::{Stage, check, open_slot, principal, request_id};
    use crate::{Book, Command, Outcome, Rejection, SlotId, SlotName};

    #[test]
    fn a_retry_gets_the_first_answer_and_has_no_second_effect() {
        check(
            "
            at 0 olga opens slot resource=1 from=100 to=200 capacity=2
            at 1 mia books slot:1 count=2 key=a
            at 2 mia books slot:1 count=2 key=a
            at 3 tom books slot:1 key=a
            at 4 mia cancels booking:1 key=b
            at 5 tom books slot:1 key=a
            at 6 tom books slot:1 key=c
            at 7 mia cancels booking:1 key=b
            at 8 mia books slot:1 count=2 key=a
            at 8 look slot:1
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=2 -> slot:1 [slot.opened]
                mia books slot:1 count=2 key=a -> booking:1 confirmed slot:1 pool:1 user:3 count=2 version=1 [booking.confirmed]
                mia books slot:1 count=2 key=a -> booking:1 confirmed slot:1 pool:1 user:3 count=2 version=1
                tom books slot:1 key=a -> slot_full available=0 sold_out_at=1
                mia cancels booking:1 key=b -> booking:1 cancelled slot:1 pool:1 user:3 count=2 version=2 [booking.cancelled]
                tom books slot:1 key=a -> slot_full available=0 sold_out_at=1
                tom books slot:1 key=c -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
                mia cancels booking:1 key=b -> booking:1 cancelled slot:1 pool:1 user:3 count=2 version=2
                mia books slot:1 count=2 key=a -> booking:1 confirmed slot:1 pool:1 user:3 count=2 version=1
                look slot:1 -> open 100..200 pool:1 available=1 held=0 confirmed=1
            "#]],
        );
    }

    #[test]
    fn a_key_belongs_to_one_payload_and_one_principal() {
        check(
            "
            at 0 olga opens slot resource=1 from=100 to=200 capacity=9
            at 1 mia books slot:1 key=a payload=x
            at 2 mia books slot:1 key=a payload=y
            at 3 tom books slot:1 key=a payload=y
            at 4 mia books slot:1 key=a payload=x
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=9 -> slot:1 [slot.opened]
                mia books slot:1 key=a payload=x -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia books slot:1 key=a payload=y -> key_reused
                tom books slot:1 key=a payload=y -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
                mia books slot:1 key=a payload=x -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1
            "#]],
        );
    }

    #[test]
    fn a_request_is_new_until_its_key_is_used() {
        let now = 2 * GENERATION_DURATION.0;
        let mut stage = Stage::new();
        stage.submit(now, principal("olga"), None, open_slot(1, now, now + 100, 9));
        let is_new = |stage: &Stage, who: &str, key: &str, payload: &str| {
            is_new(stage.state.rows(), principal(who), request_id(key, payload))
        };
        assert!(is_new(&stage, "mia", "a", "x"));
        let book = Command::Book(Book { slot: SlotName::Id(SlotId(1)), pool: None, count: 1, user: None });
        stage.submit(now, principal("mia"), Some(request_id("a", "x")), book);
        assert!(!is_new(&stage, "mia", "a", "x") && !is_new(&stage, "mia", "a", "y"));
        assert!(is_new(&stage, "tom", "a", "x") && is_new(&stage, "mia", "b", "x"));
        assert!(!is_new(&stage, "mia", "v7@0", "x"), "too old to tell");
    }

    #[test]
    fn answers_that_say_nothing_of_the_command_are_not_remembered() {
        check(
            "
            at 0 mia creates venue name=Mine key=a
            at 0 olga makes mia operator
            at 0 mia creates venue name=Mine key=a
            at 0 mia creates venue name=Mine key=a
            ",
            &expect![[r#"
                mia creates venue name=Mine key=a -> forbidden
                olga makes mia operator -> user:3 operator
                mia creates venue name=Mine key=a -> venue:2 [venue.created]
                mia creates venue name=Mine key=a -> venue:2
            "#]],
        );
    }

    /// A day is 86,400,000 ms: a key is known for one to two days, and a UUID says by itself when it is too old.
    #[test]
    fn a_key_is_known_for_a_day_and_an_old_uuid_is_never_tried_again() {
        check(
            "
            at 1000      olga opens slot resource=1 from=900000000 to=990000000 capacity=9
            at 1000      mia books slot:1 key=v7@1000
            at 1000      mia books slot:1 key=a
            at 86400000  mia books slot:1 key=v7@1000
            at 172700000 mia books slot:1 key=v7@1000
            at 172700000 mia books slot:1 key=a
            at 172800000 tick
            at 259300000 mia books slot:1 key=v7@1000
            at 259300000 mia books slot:1 key=a
            at 259300000 mia books slot:1 key=v7@259300000
            ",
            &expect![[r#"
                olga opens slot resource=1 from=900000000 to=990000000 capacity=9 -> slot:1 [slot.opened]
                mia books slot:1 key=v7@1000 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia books slot:1 key=a -> booking:2 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia books slot:1 key=v7@1000 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1
                mia books slot:1 key=v7@1000 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1
                mia books slot:1 key=a -> booking:2 confirmed slot:1 pool:1 user:3 count=1 version=1
                tick -> ticked 0
                mia books slot:1 key=v7@1000 -> key_expired
                mia books slot:1 key=a -> booking:3 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia books slot:1 key=v7@259300000 -> booking:4 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
            "#]],
        );
    }

    #[test]
    fn a_user_has_so_many_keys_a_day_and_no_more() {
        let mut stage = Stage::new();
        stage.submit(0, principal("olga"), None, open_slot(1, 100, 200, 5000));
        let mut book = |who: &str, at: u64, key: Option<usize>| {
            let id = key.map(|key| request_id(&format!("k{key}"), ""));
            let user = None;
            let command = Command::Book(Book { slot: SlotName::Id(SlotId(1)), pool: None, count: 1, user });
            stage.submit(at, principal(who), id, command).outcome
        };
        for key in 0..KEYS_MAX {
            assert!(matches!(book("mia", 1, Some(key)), Outcome::Booking(..)), "key {key}");
        }
        assert_eq!(book("mia", 1, Some(KEYS_MAX)), Outcome::Rejected(Rejection::TooManyKeys));
        // A retry is no new key, a call without one counts nothing, and others have keys of their own.
        assert!(matches!(book("mia", 1, Some(7)), Outcome::Booking(..)));
        assert!(matches!(book("mia", 1, None), Outcome::Booking(..)));
        assert!(matches!(book("tom", 1, Some(7)), Outcome::Booking(..)));
        for key in 0..=KEYS_MAX {
            assert!(matches!(book("ann", 1, Some(key)), Outcome::Booking(..)), "an app has more");
        }
        // A new generation starts counting anew; the slot has ended by then, which is an answer like any other.
        let next_day = GENERATION_DURATION.0 + 1;
        assert!(matches!(
            book("mia", next_day, Some(KEYS_MAX)),
            Outcome::Rejected(Rejection::TooLate { .. })
        ));
    }

    #[test]
    fn a_change_of_role_does_not_make_nodes_count_differently() {
        let outcome = |restarts: bool| {
            let mut stage = Stage::new();
            stage.submit(0, principal("olga"), None, open_slot(1, 100, 200, 5000));
            let command =
                Command::Book(Book { slot: SlotName::Id(SlotId(1)), pool: None, count: 1, user: None });
            let book = |stage: &mut Stage, key: String| {
                stage.submit(1, principal("mia"), Some(request_id(&key, "")), command.clone()).outcome
            };
            book(&mut stage, "as a guest".to_owned());
            stage.run("at 1 olga makes mia app");
            for key in 0..KEYS_MAX {
                book(&mut stage, format!("as an app {key}"));
            }
            if restarts {
                stage.restart();
            }
            stage.run("at 1 olga makes mia guest");
            book(&mut stage, "as a guest again".to_owned())
        };
        assert_eq!(outcome(false), outcome(true));
        assert_eq!(outcome(false), Outcome::Rejected(Rejection::TooManyKeys));
    }

    #[test]
    fn a_uuid_of_a_later_day_is_refused_and_one_of_a_clock_that_is_a_little_ahead_is_not() {
        check(
            "
            at 1000 olga opens slot resource=1 from=900000000 to=990000000 capacity=9
            at 1000 mia books slot:1 key=v7@601000
            at 1000 mia books slot:1 key=v7@601001
            ",
            &expect![[r#"
                olga opens slot resource=1 from=900000000 to=990000000 capacity=9 -> slot:1 [slot.opened]
                mia books slot:1 key=v7@601000 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia books slot:1 key=v7@601001 -> key_ahead
            "#]],
        );
    }

    #[test]
    fn what_is_counted_in_memory_is_what_the_rows_say() {
        let mut stage = Stage::new();
        stage.submit(0, principal("olga"), None, open_slot(1, 100, 200, 5000));
        let command = Command::Book(Book { slot: SlotName::Id(SlotId(1)), pool: None, count: 1, user: None });
        for key in 0..KEYS_MAX {
            // A node that restarts now and then counts again.
            if key % 97 == 0 {
                stage.restart();
            }
            let id = Some(request_id(&format!("k{key}"), ""));
            stage.submit(1, principal("mia"), id, command.clone());
        }
        let id = Some(request_id("more", ""));
        let refused = stage.submit(1, principal("mia"), id, command.clone()).outcome;
        stage.restart();
        assert_eq!(refused, stage.submit(1, principal("mia"), id, command).outcome);
        assert_eq!(refused, Outcome::Rejected(Rejection::TooManyKeys));
    }
}
