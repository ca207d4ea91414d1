//! A request key has at most one effect, every answer to it is the first one, and no two keys share an effect.

use std::collections::BTreeMap;

use holdfast_reservations::{BookingId, Revision, UserId};

use crate::history::{Answer, Booking, Call, History, Request};
use crate::ledger::{Ledger, Operation, Outcome};
use crate::violation::Violation;

/// Compares the answers to each key with one another, and the effects of different keys.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let operations = Ledger::of(history).operations;
    let mut violations: Vec<Violation> = operations.iter().filter_map(differing_answers).collect();
    violations.extend(reused_keys(&operations));
    violations.extend(shared_effects(&operations));
    violations
}

/// Two attempts got different answers.
fn differing_answers(operation: &Operation<'_>) -> Option<Violation> {
    let mut told =
        operation.attempts.iter().copied().filter(|call| is_final(&call.answer)).collect::<Vec<_>>();
    told.sort_by_key(|call| call.answered_at);
    let (first, retries) = told.split_first()?;
    let other = retries.iter().find(|retry| retry.answer != first.answer)?;
    let key = first.key.as_deref().unwrap_or_default();
    let says = format!("{} was told different things under key {key}", first.user);
    Some(Violation::new(says).quoting([*first, *other]))
}

/// Two different requests took effect under one key.
fn reused_keys(operations: &[Operation<'_>]) -> Vec<Violation> {
    let mut by_key: BTreeMap<(UserId, &str), Vec<&Call>> = BTreeMap::new();
    for operation in operations {
        if let Outcome::Acknowledged(call, _) = operation.outcome()
            && let Some(key) = &call.key
        {
            by_key.entry((call.user, key)).or_default().push(call);
        }
    }
    let reused = by_key.into_iter().filter(|(_, calls)| calls.len() > 1);
    let violation = |((user, key), calls): ((UserId, &str), Vec<&Call>)| {
        Violation::new(format!("{user} had more than one request done under key {key}")).quoting(calls)
    };
    reused.map(violation).collect()
}

/// Two operations were acknowledged what can be done only once, or the same change.
fn shared_effects(operations: &[Operation<'_>]) -> Vec<Violation> {
    let mut by_effect: BTreeMap<Effect, Vec<&Call>> = BTreeMap::new();
    let mut by_revision: BTreeMap<Revision, Vec<&Call>> = BTreeMap::new();
    for operation in operations {
        let Outcome::Acknowledged(call, booking) = operation.outcome() else { continue };
        by_effect.entry(Effect::of(operation.request(), booking)).or_default().push(call);
        // A change to what it is already changes nothing, and tells of the last change.
        if !matches!(call.request, Request::Modify { .. }) {
            booking.revision.iter().for_each(|revision| by_revision.entry(*revision).or_default().push(call));
        }
    }
    let by_effect = by_effect.into_iter().filter(|(effect, calls)| effect.is_unique() && calls.len() > 1);
    let twice = |(effect, calls): (Effect, Vec<&Call>)| Violation::new(effect.says()).quoting(calls);
    let violations: Vec<Violation> = by_effect.map(twice).collect();
    if !violations.is_empty() {
        return violations;
    }
    let by_revision = by_revision.into_iter().filter(|(_, calls)| calls.len() > 1);
    let same = |(revision, calls): (Revision, Vec<&Call>)| {
        Violation::new(format!("the change {revision} was acknowledged to more than one request"))
            .quoting(calls)
    };
    by_revision.map(same).collect()
}

/// What an operation did.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    Made(BookingId),
    Changed(BookingId),
    GivenBack(BookingId),
    Admitted(BookingId),
}

impl Effect {
    fn of(request: Request, booking: &Booking) -> Self {
        match request {
            Request::Book { .. } => Self::Made(booking.id),
            Request::Cancel(_) => Self::GivenBack(booking.id),
            Request::CheckIn(_) => Self::Admitted(booking.id),
            Request::Modify { .. } | Request::Get(_) | Request::Look(_) | Request::List(_) => {
                Self::Changed(booking.id)
            }
        }
    }

    fn is_unique(self) -> bool {
        match self {
            Self::Made(_) | Self::GivenBack(_) | Self::Admitted(_) => true,
            Self::Changed(_) => false,
        }
    }

    fn says(self) -> String {
        match self {
            Self::Made(booking) => format!("{booking} was acknowledged under more than one key"),
            Self::Changed(booking) => format!("{booking} was changed under more than one key"),
            Self::GivenBack(booking) => format!("{booking} was given back under more than one key"),
            Self::Admitted(booking) => format!("{booking} was admitted under more than one key"),
        }
    }
}

fn is_final(answer: &Answer) -> bool {
    match answer {
        Answer::Booking(_) | Answer::Slot(_) | Answer::List { .. } | Answer::Refused(_) => true,
        Answer::NotDone(_) | Answer::Unknown => false,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::testing;

    fn check(history: &str, expected: expect_test::Expect) {
        testing::check(super::check, history, &expected);
    }

    #[test]
    fn a_retry_gets_the_first_answer() {
        check(
            "
            0..5 user:3 node:1 key:a book slot:1 -> unknown
            6..7 user:3 node:2 key:a book slot:1 -> not-done no_quorum
            8..9 user:3 node:3 key:a book slot:1 -> booking:1 revision:10-2 index:12
            9..9 user:3 node:1 key:a book slot:1 -> booking:1 revision:10-2 index:15
            0..5 user:4 node:1 key:a book slot:1 -> refused slot_full
            6..7 user:4 node:1 key:a book slot:1 -> refused slot_full
            0..5 user:5 node:1 book slot:1 -> booking:2
            6..7 user:5 node:1 book slot:1 -> booking:3
            ",
            expect![""],
        );
    }

    #[test]
    fn a_retry_books_again() {
        check(
            "
            0..5 user:3 node:1 key:a book slot:1 -> booking:1
            6..7 user:3 node:2 key:a book slot:1 -> booking:2
            ",
            expect![[r#"
                user:3 was told different things under key a
                    0..5 user:3 node:1 key:a book slot:1 -> booking:1
                    6..7 user:3 node:2 key:a book slot:1 -> booking:2"#]],
        );
    }

    #[test]
    fn a_retry_is_told_something_else() {
        check(
            "
            0..5 user:3 node:1 key:a book slot:1 -> unknown
            8..9 user:3 node:2 key:a book slot:1 -> booking:2
            6..7 user:3 node:2 key:a book slot:1 -> refused slot_full
            0..5 user:4 node:1 key:b book slot:1 -> booking:1 revision:10-2
            6..7 user:4 node:2 key:b book slot:1 -> booking:1 revision:11-0
            ",
            expect![[r#"
                user:3 was told different things under key a
                    6..7 user:3 node:2 key:a book slot:1 -> refused slot_full
                    8..9 user:3 node:2 key:a book slot:1 -> booking:2
                user:4 was told different things under key b
                    0..5 user:4 node:1 key:b book slot:1 -> booking:1 revision:10-2
                    6..7 user:4 node:2 key:b book slot:1 -> booking:1 revision:11-0"#]],
        );
    }

    #[test]
    fn a_key_names_one_request() {
        check(
            "
            0..5 user:3 key:a book slot:1 -> booking:1
            6..7 user:3 key:a book slot:2 -> refused key_reused
            0..5 user:4 key:a book slot:1 -> booking:2
            6..7 user:4 key:a book slot:2 -> booking:3
            ",
            expect![[r#"
                user:4 had more than one request done under key a
                    0..5 user:4 key:a book slot:1 -> booking:2
                    6..7 user:4 key:a book slot:2 -> booking:3"#]],
        );
    }

    #[test]
    fn a_booking_belongs_to_one_key() {
        check(
            "
            0..5 user:3 key:a book slot:1 -> booking:1
            0..5 user:3 key:b book slot:1 -> booking:1
            ",
            expect![[r#"
                booking:1 was acknowledged under more than one key
                    0..5 user:3 key:a book slot:1 -> booking:1
                    0..5 user:3 key:b book slot:1 -> booking:1"#]],
        );
    }

    #[test]
    fn what_can_be_done_once_is_done_once() {
        check(
            "
            0..5 user:3 key:a book slot:1 -> booking:1
            6..7 user:3 key:b cancel booking:1 -> booking:1 slot:1 owner:3 cancelled
            6..9 user:3 key:c cancel booking:1 -> booking:1 slot:1 owner:3 cancelled
            0..5 user:3 key:d book slot:1 -> booking:2
            6..7 user:2 key:e check-in booking:2 -> booking:2 slot:1 owner:3 used
            6..7 user:2 key:f check-in booking:2 -> booking:2 slot:1 owner:3 used
            6..7 user:2 key:f check-in booking:2 -> booking:2 slot:1 owner:3 used
            0..5 user:3 key:g modify booking:2 count:2 -> booking:2 slot:1 owner:3 count:2
            0..5 user:3 key:h modify booking:2 count:2 -> booking:2 slot:1 owner:3 count:2
            ",
            expect![[r#"
                booking:1 was given back under more than one key
                    6..7 user:3 key:b cancel booking:1 -> booking:1 slot:1 owner:3 cancelled
                    6..9 user:3 key:c cancel booking:1 -> booking:1 slot:1 owner:3 cancelled
                booking:2 was admitted under more than one key
                    6..7 user:2 key:e check-in booking:2 -> booking:2 slot:1 owner:3 used
                    6..7 user:2 key:f check-in booking:2 -> booking:2 slot:1 owner:3 used"#]],
        );
    }

    #[test]
    fn two_requests_never_have_the_same_revision() {
        check(
            "
            0..5 user:3 key:a book slot:1 -> booking:1 revision:10-0
            0..5 user:3 key:b book slot:1 -> booking:2 revision:10-0
            ",
            expect![[r#"
                the change 10-0 was acknowledged to more than one request
                    0..5 user:3 key:a book slot:1 -> booking:1 revision:10-0
                    0..5 user:3 key:b book slot:1 -> booking:2 revision:10-0"#]],
        );
    }
}
