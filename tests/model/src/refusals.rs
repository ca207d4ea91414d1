//! Nobody is turned away without need: a slot that was full for somebody could have been full at some moment of his call.

use holdfast_reservations::SlotId;

use crate::history::{Call, History, Request};
use crate::ledger::{Ledger, Operation, Outcome};
use crate::places::Places;
use crate::violation::Violation;

const SLOT_FULL: &str = "slot_full";

/// Compares each `slot_full` with the most that can have been booked while it was decided.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let ledger = Ledger::of(history);
    let places = Places::of_all(&ledger.lives());
    let refused = ledger.operations.iter().filter_map(|operation| Some((operation, refusal(operation)?)));
    refused
        .filter_map(|(operation, Refusal { call, slot, count })| {
            let (from, to) = (operation.began_at(), call.answered_at);
            let capacity = history.end.slots.get(&slot)?.capacity;
            let most = places.get(&slot).map_or(0, |places| places.most(from, to));
            (most + u64::from(count) <= capacity).then(|| {
                let says = format!(
                    "{count} of {slot} were refused, though from {from} to {to} at most {most} of {capacity} can have \
                     been taken"
                );
                Violation::new(says).quoting([call])
            })
        })
        .collect()
}

struct Refusal<'a> {
    call: &'a Call,
    slot: SlotId,
    count: u32,
}

fn refusal<'a>(operation: &Operation<'a>) -> Option<Refusal<'a>> {
    match (operation.outcome(), operation.request()) {
        (Outcome::Refused(call, SLOT_FULL), Request::Book { slot, count, .. }) => {
            Some(Refusal { call, slot, count })
        }
        _ => None,
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
    fn a_slot_is_full_for_whoever_comes_second() {
        check(
            "
            5..9 user:3 key:a book slot:1 -> booking:1
            0..5 user:4 key:b book slot:1 -> refused slot_full
            6..7 user:5 key:c book slot:1 -> refused slot_full
            20..21 user:6 key:d book slot:1 -> refused slot_full
            0..1 user:6 key:e book slot:2 count:2 -> refused slot_full
            0..1 user:6 key:f book slot:2 -> refused slot_not_found
            end slot:1 capacity:1 available:0 confirmed:1
            end slot:2 capacity:1 available:1
            end booking:1 slot:1 owner:3
            ",
            expect![""],
        );
    }

    #[test]
    fn a_slot_was_called_full_too_early() {
        check(
            "
            5..9 user:3 key:a book slot:1 -> booking:1
            0..4 user:4 key:b book slot:1 -> refused slot_full
            end slot:1 capacity:1 available:0 confirmed:1
            end booking:1 slot:1 owner:3
            ",
            expect![[r#"
                1 of slot:1 were refused, though from 0 to 4 at most 0 of 1 can have been taken
                    0..4 user:4 key:b book slot:1 -> refused slot_full"#]],
        );
    }

    #[test]
    fn a_slot_was_called_full_too_late() {
        let refused_at = |moments: &str| {
            format!(
                "
                0..1 user:3 key:a book slot:1 -> booking:1
                2..9 user:3 key:b cancel booking:1 -> booking:1 slot:1 owner:3 cancelled
                {moments} user:4 key:c book slot:1 -> refused slot_full
                end slot:1 capacity:1 available:1
                end booking:1 slot:1 owner:3 cancelled
                "
            )
        };
        check(&refused_at("9..11"), expect![""]);
        check(
            &refused_at("10..11"),
            expect![[r#"
                1 of slot:1 were refused, though from 10 to 11 at most 0 of 1 can have been taken
                    10..11 user:4 key:c book slot:1 -> refused slot_full"#]],
        );
    }

    #[test]
    fn a_retry_may_have_been_refused_at_its_first_attempt() {
        check(
            "
            0..1 user:3 key:a book slot:1 -> booking:1
            2..9 user:3 key:b cancel booking:1 -> booking:1 slot:1 owner:3 cancelled
            8..10 user:4 key:c book slot:1 -> unknown
            20..21 user:4 key:c book slot:1 -> refused slot_full
            8..10 user:5 key:d book slot:1 -> not-done no_quorum
            20..21 user:5 key:d book slot:1 -> refused slot_full
            end slot:1 capacity:1 available:1
            end booking:1 slot:1 owner:3 cancelled
            ",
            expect![[r#"
                1 of slot:1 were refused, though from 20 to 21 at most 0 of 1 can have been taken
                    20..21 user:5 key:d book slot:1 -> refused slot_full"#]],
        );
    }

    #[test]
    fn what_is_unknown_fills_a_slot_only_if_it_is_there_at_the_end() {
        let calls = "
            0..1 user:3 key:a book slot:1 -> unknown
            5..6 user:4 key:b book slot:1 -> refused slot_full
            end slot:1 capacity:1 available:0 confirmed:1
        ";
        check(&(calls.to_owned() + "end booking:1 slot:1 owner:3"), expect![""]);
        check(
            calls,
            expect![[r#"
                1 of slot:1 were refused, though from 5 to 6 at most 0 of 1 can have been taken
                    5..6 user:4 key:b book slot:1 -> refused slot_full"#]],
        );
    }

    #[test]
    fn who_would_change_what_was_given_back_frees_nothing() {
        check(
            "
            0..1 user:3 key:a book slot:1 -> booking:1
            2..3 user:3 key:b cancel booking:1 -> booking:1 slot:1 owner:3 cancelled
            4..5 user:3 key:c modify booking:1 count:1 -> unknown
            4..5 user:4 key:d book slot:1 -> booking:2
            6..7 user:5 key:e book slot:1 -> refused slot_full
            end slot:1 capacity:1 available:0 confirmed:1
            end booking:1 slot:1 owner:3 cancelled
            end booking:2 slot:1 owner:4
            ",
            expect![""],
        );
    }
}
