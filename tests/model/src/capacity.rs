//! No slot is oversold: what is booked never exceeds what there is, and the counters say what the bookings say.

use std::collections::BTreeMap;

use holdfast_reservations::SlotId;

use crate::history::{Answer, Call, Counts, History};
use crate::ledger::Ledger;
use crate::places::Places;
use crate::violation::Violation;

/// Compares places, counters and bookings.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let mut booked: BTreeMap<SlotId, u64> = BTreeMap::new();
    for booking in history.end.bookings.values().filter(|booking| booking.is_live()) {
        *booked.entry(booking.slot).or_default() += u64::from(booking.count);
    }
    let places = Places::of_all(&Ledger::of(history).lives());
    let mut violations = Vec::new();
    for (slot, counts) in &history.end.slots {
        violations.extend(judge_end(*slot, counts, booked.remove(slot).unwrap_or(0)));
        violations.extend(places.get(slot).and_then(|places| judge_peak(*slot, counts.capacity, places)));
    }
    let unread =
        |(slot, count)| Violation::new(format!("{count} places are booked in {slot}, which was not read"));
    violations.extend(booked.into_iter().map(unread));
    violations.extend(history.calls.iter().filter_map(|call| judge_look(call, &history.end.slots)));
    violations
}

fn judge_end(slot: SlotId, counts: &Counts, booked: u64) -> Vec<Violation> {
    let Counts { capacity, available, held, confirmed } = *counts;
    let mut violations = Vec::new();
    if booked > capacity {
        violations
            .push(Violation::new(format!("{slot} is oversold: {booked} of {capacity} places are booked")));
    }
    if booked != confirmed {
        let says = format!("{slot} counts {confirmed} booked places, but its bookings have {booked}");
        violations.push(Violation::new(says));
    }
    if !counts.adds_up() {
        let says = format!(
            "{slot} does not add up: {available} available + {held} held + {confirmed} confirmed are not {capacity}"
        );
        violations.push(Violation::new(says));
    }
    violations
}

/// More was acknowledged at one moment than there is, whatever was given back later.
fn judge_peak(slot: SlotId, capacity: u64, places: &Places) -> Option<Violation> {
    let (peak, moment) = places.peak().filter(|(peak, _)| *peak > capacity)?;
    Some(Violation::new(format!(
        "{slot} was oversold at {moment}: {peak} of {capacity} places were acknowledged"
    )))
}

fn judge_look(call: &Call, slots: &BTreeMap<SlotId, Counts>) -> Option<Violation> {
    let (Answer::Slot(counts), crate::Request::Look(slot)) = (&call.answer, call.request) else {
        return None;
    };
    let capacity = slots.get(&slot).map_or(counts.capacity, |end| end.capacity);
    let is_right = counts.adds_up() && counts.capacity == capacity;
    (!is_right).then(|| Violation::new(format!("{slot} did not add up to {capacity}")).quoting([call]))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::testing;

    fn check(history: &str, expected: expect_test::Expect) {
        testing::check(super::check, history, &expected);
    }

    #[test]
    fn counters_equal_bookings() {
        check(
            "
            end slot:1 capacity:3 available:1 confirmed:2
            end slot:2 capacity:1 available:1
            end booking:1 slot:1 owner:3
            end booking:2 slot:1 owner:3 used
            end booking:3 slot:1 owner:3 count:2 cancelled
            ",
            expect![""],
        );
        check(
            "
            end slot:1 capacity:3 available:1 confirmed:2
            end slot:2 capacity:3 available:1 confirmed:1
            end booking:1 slot:1 owner:3
            end booking:2 slot:2 owner:3
            end booking:3 slot:3 owner:3 count:2
            ",
            expect![[r#"
                slot:1 counts 2 booked places, but its bookings have 1
                slot:2 does not add up: 1 available + 0 held + 1 confirmed are not 3
                2 places are booked in slot:3, which was not read"#]],
        );
    }

    #[test]
    fn one_place_is_sold_twice() {
        check(
            "
            0..5 user:3 key:a book slot:1 -> booking:1
            1..4 user:4 key:b book slot:1 -> booking:2
            end slot:1 capacity:1 available:0 confirmed:1
            end booking:1 slot:1 owner:3
            end booking:2 slot:1 owner:4
            ",
            expect![[r#"
                slot:1 is oversold: 2 of 1 places are booked
                slot:1 counts 1 booked places, but its bookings have 2
                slot:1 was oversold at 5: 2 of 1 places were acknowledged"#]],
        );
    }

    #[test]
    fn a_place_is_sold_again_only_when_it_was_given_back() {
        let resold_at = |moments: &str| {
            format!(
                "
                0..5 user:3 key:a book slot:1 -> booking:1
                10..15 user:3 key:b cancel booking:1 -> booking:1 slot:1 owner:3 cancelled
                {moments} user:4 key:c book slot:1 -> booking:2
                end slot:1 capacity:1 available:0 confirmed:1
                end booking:1 slot:1 owner:3 cancelled
                end booking:2 slot:1 owner:4
                "
            )
        };
        check(&resold_at("9..11"), expect![""]);
        check(&resold_at("7..9"), expect!["slot:1 was oversold at 9: 2 of 1 places were acknowledged"]);
    }

    #[test]
    fn every_look_adds_up() {
        check(
            "
            0..1 user:3 look slot:1 -> capacity:2 available:1 confirmed:1
            2..3 user:3 look slot:1 -> capacity:2 available:1 confirmed:2
            4..5 user:3 look slot:1 -> capacity:3 available:1 confirmed:2
            end slot:1 capacity:2 available:2
            ",
            expect![[r#"
                slot:1 did not add up to 2
                    2..3 user:3 look slot:1 -> capacity:2 available:1 confirmed:2
                slot:1 did not add up to 2
                    4..5 user:3 look slot:1 -> capacity:3 available:1 confirmed:2"#]],
        );
    }
}
