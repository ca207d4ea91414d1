//! A request key has at most one effect, and every answer to it is the first one.

use std::collections::BTreeMap;

use holdfast_reservations::{BookingId, UserId};

use crate::history::{Answer, Call, History, Request};
use crate::ledger::{Ledger, Operation, Outcome};
use crate::violation::Violation;

/// Compares the answers to each key with one another, and the effects of different keys.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let operations = Ledger::of(history).operations;
    let mut violations: Vec<Violation> = operations.iter().filter_map(differing_answers).collect();
    violations.extend(reused_keys(&operations));
    violations.extend(shared_bookings(&operations));
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

/// Two keys were acknowledged the same booking.
fn shared_bookings(operations: &[Operation<'_>]) -> Vec<Violation> {
    let mut by_booking: BTreeMap<BookingId, Vec<&Call>> = BTreeMap::new();
    for operation in operations.iter().filter(|operation| matches!(operation.request(), Request::Book { .. }))
    {
        if let Outcome::Acknowledged(call, booking) = operation.outcome() {
            by_booking.entry(booking.id).or_default().push(call);
        }
    }
    let shared = by_booking.into_iter().filter(|(_, calls)| calls.len() > 1);
    let violation = |(booking, calls): (BookingId, Vec<&Call>)| {
        Violation::new(format!("{booking} was acknowledged under more than one key")).quoting(calls)
    };
    shared.map(violation).collect()
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
}
