//! Every acknowledged booking is there at the end, and none that nobody asked for or that was refused. What is unknown
//! may be there or not.

use std::collections::BTreeMap;

use holdfast_reservations::BookingId;

use crate::history::{Booking, Call, History, Status};
use crate::ledger::{Admission, Ledger, Life, Operation, Outcome, Shape};
use crate::violation::Violation;

/// Compares what was acknowledged with what is there.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let ledger = Ledger::of(history);
    let lives: BTreeMap<BookingId, Life> =
        ledger.lives().into_iter().filter_map(|life| Some((life.booking?, life))).collect();
    let admissions = ledger.admissions();
    let booked = ledger.operations.iter().filter(|operation| operation.shape().is_some());
    let mut violations: Vec<Violation> = booked
        .filter_map(|operation| match operation.outcome() {
            Outcome::Acknowledged(call, booking) => {
                let found = history.end.bookings.get(&booking.id);
                let known = Known { life: lives.get(&booking.id), admission: admissions.get(&booking.id) };
                judge(&ledger, call, booking, found, known)
            }
            Outcome::Refused(..) | Outcome::Unknown | Outcome::NotDone => None,
        })
        .collect();
    for (shape, found) in &ledger.unnamed {
        violations.extend(unasked(*shape, found, &ledger.operations));
    }
    violations
}

/// What is known of a booking besides.
struct Known<'a> {
    life: Option<&'a Life>,
    admission: Option<&'a Admission>,
}

/// What is wrong with an acknowledged booking.
fn judge(
    ledger: &Ledger<'_>,
    call: &Call,
    told: &Booking,
    found: Option<&Booking>,
    known: Known<'_>,
) -> Option<Violation> {
    let id = told.id;
    let Some(found) = found else {
        return Some(Violation::new(format!("{id} was acknowledged, but is not there")).quoting([call]));
    };
    if found.owner != told.owner || !ledger.moves.can_end_like(told, found) {
        let (slot, owner, count) = (found.slot, found.owner, found.count);
        let says = format!("{id} is not what was acknowledged: there it is {count} of {slot} for {owner}");
        return Some(Violation::new(says).quoting([call]));
    }
    let life = known.life?;
    let says = match found.status {
        Status::Cancelled if life.leaving_at.is_none() => "was given back, though nobody asked for that",
        Status::Confirmed | Status::Cancelled if known.admission.is_some_and(|it| it.is_done) => {
            "is not used, though its party was admitted"
        }
        Status::Used if known.admission.is_none() => "is used, though nobody was to be admitted",
        Status::Confirmed | Status::Used if life.gone_at.is_some() => {
            "still has its places, though it was given back"
        }
        Status::Held | Status::Expired | Status::Queued | Status::Rejected | Status::NoShow => {
            "is held, though nobody held places there"
        }
        Status::Confirmed | Status::Used | Status::Cancelled => return None,
    };
    Some(Violation::new(format!("{id} {says}")).quoting([call]))
}

/// Bookings that no answer named, beyond those that calls with an unknown outcome can have made.
fn unasked(shape: Shape, found: &[&Booking], operations: &[Operation<'_>]) -> Vec<Violation> {
    let alike = || operations.iter().filter(|operation| operation.shape() == Some(shape));
    let unknown = alike().filter(|operation| matches!(operation.outcome(), Outcome::Unknown)).count();
    let without_effect = alike().filter(|operation| match operation.outcome() {
        Outcome::Refused(..) | Outcome::NotDone => true,
        Outcome::Acknowledged(..) | Outcome::Unknown => false,
    });
    let quotes: Vec<&Call> =
        without_effect.flat_map(|operation| operation.attempts.iter().copied()).collect();
    let says = match (unknown, quotes.is_empty()) {
        (0, true) => "is there, though nobody asked for it",
        (0, false) => "is there, though whoever asked for one like it was told no",
        (_, _) => "is there, though fewer calls with an unknown outcome asked for one like it than there are",
    };
    let violation = |found: &&Booking| {
        let Booking { id, slot, owner, count, .. } = **found;
        Violation::new(format!("{id}, {count} of {slot} for {owner}, {says}")).quoting(quotes.iter().copied())
    };
    found.iter().skip(unknown).map(violation).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::testing;

    fn check(history: &str, expected: expect_test::Expect) {
        testing::check(super::check, history, &expected);
    }

    #[test]
    fn what_was_acknowledged_is_there() {
        check(
            "
            0..5 user:3 node:1 key:a book slot:1 count:2 -> booking:1
            1..9 user:4 node:2 key:b book slot:1 -> refused slot_full
            2..7 user:4 node:2 key:c book slot:2 -> not-done no_quorum
            9..9 user:4 node:2 key:c book slot:2 -> booking:2
            end booking:1 slot:1 owner:3 count:2
            end booking:2 slot:2 owner:4
            ",
            expect![""],
        );
    }

    #[test]
    fn what_is_unknown_may_be_there_or_not() {
        check(
            "
            0..5 user:3 node:1 key:a book slot:1 -> unknown
            0..5 user:3 node:1 key:b book slot:2 -> unknown
            end booking:1 slot:1 owner:3
            ",
            expect![""],
        );
    }

    #[test]
    fn an_acknowledged_booking_is_lost() {
        check(
            "
            0..5 user:3 node:1 key:a book slot:1 count:2 -> unknown
            6..8 user:3 node:2 key:a book slot:1 count:2 -> booking:1
            ",
            expect![[r#"
                booking:1 was acknowledged, but is not there
                    6..8 user:3 node:2 key:a book slot:1 count:2 -> booking:1"#]],
        );
    }

    #[test]
    fn a_refused_booking_turns_up() {
        check(
            "
            0..5 user:3 node:1 key:a book slot:1 -> unknown
            6..8 user:3 node:2 key:a book slot:1 -> refused slot_full
            0..5 user:4 node:1 key:b book slot:1 -> not-done no_quorum
            end booking:1 slot:1 owner:3
            end booking:2 slot:1 owner:4
            end booking:3 slot:1 owner:5
            ",
            expect![[r#"
                booking:1, 1 of slot:1 for user:3, is there, though whoever asked for one like it was told no
                    0..5 user:3 node:1 key:a book slot:1 -> unknown
                    6..8 user:3 node:2 key:a book slot:1 -> refused slot_full
                booking:2, 1 of slot:1 for user:4, is there, though whoever asked for one like it was told no
                    0..5 user:4 node:1 key:b book slot:1 -> not-done no_quorum
                booking:3, 1 of slot:1 for user:5, is there, though nobody asked for it"#]],
        );
    }

    #[test]
    fn a_call_takes_effect_twice() {
        check(
            "
            0..5 user:3 node:1 key:a book slot:1 -> unknown
            6..8 user:3 node:2 key:a book slot:1 -> booking:2
            0..5 user:4 node:1 key:b book slot:1 -> unknown
            end booking:1 slot:1 owner:3
            end booking:2 slot:1 owner:3
            end booking:3 slot:1 owner:4
            end booking:4 slot:1 owner:4
            ",
            expect![[r#"
                booking:1, 1 of slot:1 for user:3, is there, though nobody asked for it
                booking:4, 1 of slot:1 for user:4, is there, though fewer calls with an unknown outcome asked for one like it than there are"#]],
        );
    }

    #[test]
    fn a_booking_is_what_was_acknowledged() {
        check(
            "
            0..5 user:3 key:a book slot:1 count:2 -> booking:1
            0..5 user:3 key:b book slot:1 owner:4 -> booking:2
            end booking:1 slot:1 owner:3 count:1
            end booking:2 slot:1 owner:3 count:1
            ",
            expect![[r#"
                booking:1 is not what was acknowledged: there it is 1 of slot:1 for user:3
                    0..5 user:3 key:a book slot:1 count:2 -> booking:1
                booking:2 is not what was acknowledged: there it is 1 of slot:1 for user:3
                    0..5 user:3 key:b book slot:1 owner:4 -> booking:2"#]],
        );
    }

    #[test]
    fn what_was_given_back_stays_so() {
        let calls = "
            0..1 user:3 key:a book slot:1 -> booking:1
            0..1 user:3 key:b book slot:1 -> booking:2
            0..1 user:3 key:c book slot:1 -> booking:3
            2..3 user:3 key:d cancel booking:1 -> booking:1 slot:1 owner:3 cancelled
            2..3 user:3 key:e cancel booking:2 -> unknown
            2..3 user:3 key:f cancel booking:3 -> not-done no_quorum
        ";
        let end = |first: &str, second: &str, third: &str| {
            let bookings = [(1, first), (2, second), (3, third)];
            let line = |(id, status)| format!("end booking:{id} slot:1 owner:3 {status}\n");
            calls.to_owned() + &bookings.map(line).concat()
        };
        check(&end("cancelled", "cancelled", ""), expect![""]);
        check(&end("cancelled", "", ""), expect![""]);
        check(
            &end("", "", "cancelled"),
            expect![[r#"
                booking:1 still has its places, though it was given back
                    0..1 user:3 key:a book slot:1 -> booking:1
                booking:3 was given back, though nobody asked for that
                    0..1 user:3 key:c book slot:1 -> booking:3"#]],
        );
    }

    #[test]
    fn a_changed_booking_is_as_its_last_change_left_it() {
        let calls = "
            0..1 user:3 key:a book slot:1 -> booking:1
            2..3 user:3 key:b modify booking:1 slot:2 -> booking:1 slot:2 owner:3
            4..6 user:3 key:c modify booking:1 count:2 -> booking:1 slot:2 owner:3 count:2
            5..7 user:3 key:d modify booking:1 count:3 -> booking:1 slot:2 owner:3 count:3
            0..1 user:4 key:e book slot:1 -> booking:2
            2..3 user:4 key:f modify booking:2 count:4 -> unknown
            4..5 user:4 key:g modify booking:2 slot:2 -> refused slot_full
        ";
        let end = |first: &str, second: &str| {
            format!("{calls}\nend booking:1 {first} owner:3\nend booking:2 {second} owner:4\n")
        };
        check(&end("slot:2 count:2", "slot:1"), expect![""]);
        check(&end("slot:2 count:3", "slot:1 count:4"), expect![""]);
        check(
            &end("slot:2", "slot:2 count:4"),
            expect![[r#"
            booking:1 is not what was acknowledged: there it is 1 of slot:2 for user:3
                0..1 user:3 key:a book slot:1 -> booking:1
            booking:2 is not what was acknowledged: there it is 4 of slot:2 for user:4
                0..1 user:4 key:e book slot:1 -> booking:2"#]],
        );
    }

    #[test]
    fn who_was_admitted_stays_so() {
        let calls = "
            0..1 user:3 key:a book slot:1 -> booking:1
            0..1 user:3 key:b book slot:1 -> booking:2
            0..1 user:3 key:c book slot:1 -> booking:3
            2..3 user:2 key:d check-in booking:1 -> booking:1 slot:1 owner:3 used
            2..3 user:2 key:e check-in booking:2 -> unknown
        ";
        let end = |first: &str, second: &str, third: &str| {
            let bookings = [(1, first), (2, second), (3, third)];
            let line = |(id, status)| format!("end booking:{id} slot:1 owner:3 {status}\n");
            calls.to_owned() + &bookings.map(line).concat()
        };
        check(&end("used", "used", ""), expect![""]);
        check(&end("used", "", ""), expect![""]);
        check(
            &end("", "", "used"),
            expect![[r#"
            booking:1 is not used, though its party was admitted
                0..1 user:3 key:a book slot:1 -> booking:1
            booking:3 is used, though nobody was to be admitted
                0..1 user:3 key:c book slot:1 -> booking:3"#]],
        );
    }
}
