//! A read that began after an answer sees what was answered, on any node, and the index of the answers never goes back.

use std::collections::BTreeMap;

use holdfast_reservations::{BookingId, SlotId};

use crate::history::{Answer, Booking, Call, Counts, History, NodeNumber, Request, Status};
use crate::ledger::{Ledger, Life, Outcome};
use crate::places::Places;
use crate::violation::Violation;

/// Compares every read with what had been answered before it began.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let known = Known::of(history);
    let mut violations: Vec<Violation> = history.calls.iter().filter_map(|call| known.judge(call)).collect();
    violations.extend(indexes_going_back(&history.calls));
    violations
}

/// What clients knew of the bookings, and when.
struct Known<'a> {
    ledger: Ledger<'a>,
    told: BTreeMap<BookingId, (&'a Call, &'a Booking)>,
    lives: BTreeMap<BookingId, Life>,
    by_slot: BTreeMap<SlotId, Vec<BookingId>>,
    places: BTreeMap<SlotId, Places>,
}

impl<'a> Known<'a> {
    fn of(history: &'a History) -> Self {
        let ledger = Ledger::of(history);
        let lives = ledger.lives();
        let places = Places::of_all(&lives);
        let booked = ledger.operations.iter().filter(|operation| operation.shape().is_some());
        let told = booked.filter_map(|operation| match operation.outcome() {
            Outcome::Acknowledged(call, booking) => Some((booking.id, (call, booking))),
            Outcome::Refused(..) | Outcome::Unknown | Outcome::NotDone => None,
        });
        let mut by_slot: BTreeMap<SlotId, Vec<BookingId>> = BTreeMap::new();
        for life in &lives {
            by_slot.entry(life.slot).or_default().extend(life.booking);
        }
        let lives = lives.into_iter().filter_map(|life| Some((life.booking?, life))).collect();
        let told = told.collect();
        Self { ledger, told, lives, by_slot, places }
    }

    /// What is wrong with a read.
    fn judge(&self, call: &Call) -> Option<Violation> {
        match (call.request, &call.answer) {
            (Request::Get(id), Answer::Refused(_)) => self.judge_missing(id, call),
            (Request::Get(_), Answer::Booking(seen)) => self.judge_booking(seen, call),
            (Request::Look(slot), Answer::Slot(counts)) => self.judge_counts(slot, counts, call),
            (Request::List(slot), Answer::List { bookings, has_more }) => {
                self.judge_list(slot, bookings, *has_more, call)
            }
            _ => None,
        }
    }

    /// The answer that named a booking before a call began.
    fn told_before(&self, id: BookingId, call: &Call) -> Option<&'a Call> {
        let (told, _) = self.told.get(&id)?;
        (told.answered_at < call.invoked_at).then_some(*told)
    }

    fn judge_missing(&self, id: BookingId, call: &Call) -> Option<Violation> {
        let told = self.told_before(id, call)?;
        Some(Violation::new(format!("{id} was not seen after it was acknowledged")).quoting([told, call]))
    }

    fn judge_booking(&self, seen: &Booking, call: &Call) -> Option<Violation> {
        let (told, booking) = self.told.get(&seen.id)?;
        let life = self.lives.get(&seen.id)?;
        let is_same = booking.owner == seen.owner && self.ledger.moves.can_look_like(booking, seen);
        let says = match seen.status {
            _ if !is_same => "was seen otherwise than acknowledged",
            Status::Cancelled if life.leaving_at.is_none_or(|leaving_at| leaving_at > call.answered_at) => {
                "was seen given back before anybody asked for that"
            }
            Status::Confirmed | Status::Used
                if life.gone_at.is_some_and(|gone_at| gone_at < call.invoked_at) =>
            {
                "was seen with its places after it was given back"
            }
            Status::Held | Status::Expired | Status::Queued | Status::Rejected | Status::NoShow => {
                "was seen held, though nobody held places there"
            }
            Status::Confirmed | Status::Used | Status::Cancelled => return None,
        };
        Some(Violation::new(format!("{} {says}", seen.id)).quoting([*told, call]))
    }

    fn judge_counts(&self, slot: SlotId, counts: &Counts, call: &Call) -> Option<Violation> {
        let (from, to) = (call.invoked_at, call.answered_at);
        let (least, most) =
            self.places.get(&slot).map_or((0, 0), |places| (places.least(from, to), places.most(from, to)));
        let says =
            format!("{slot} was seen with {} places booked: it had {least} to {most}", counts.confirmed);
        (!(least..=most).contains(&counts.confirmed)).then(|| Violation::new(says).quoting([call]))
    }

    fn judge_list(&self, slot: SlotId, seen: &[BookingId], has_more: bool, call: &Call) -> Option<Violation> {
        // Newest first: whatever is older than the last one shown may be on the next page.
        let oldest = seen.last().copied().filter(|_| has_more);
        let booked = self.by_slot.get(&slot)?.iter();
        let mut expected = booked.filter(|id| oldest.is_none_or(|oldest| **id >= oldest));
        let (id, told) = expected.find_map(|id| {
            let told = self.told_before(*id, call)?;
            // From then on it may be in another slot.
            let moving_at = self.ledger.moves.first_at(*id);
            let is_here = moving_at.is_none_or(|moving_at| moving_at > call.answered_at);
            (is_here && !seen.contains(id)).then_some((id, told))
        })?;
        Some(Violation::new(format!("{id} was not listed after it was acknowledged")).quoting([told, call]))
    }
}

/// Answers that reflect less of the log than others that were there before they were asked for: a read, less than any
/// answer of any node; a write, which may be the retry of an old one, less than any answer of its own node.
fn indexes_going_back(calls: &[Call]) -> Vec<Violation> {
    let mut by_invocation: Vec<(&Call, u64)> =
        calls.iter().filter_map(|call| Some((call, call.index?))).collect();
    let mut by_answer = by_invocation.clone();
    by_invocation.sort_by_key(|(call, _)| call.invoked_at);
    by_answer.sort_by_key(|(call, _)| call.answered_at);
    let mut answered = by_answer.into_iter().peekable();
    let mut furthest = Furthest::default();
    let mut violations = Vec::new();
    for (call, index) in by_invocation {
        while let Some((earlier, reached)) =
            answered.next_if(|(earlier, _)| earlier.answered_at < call.invoked_at)
        {
            furthest.note(earlier, reached);
        }
        if let Some((earlier, reached)) = furthest.before(call).filter(|(_, reached)| *reached > index) {
            let says = format!("index {index} was shown after index {reached}");
            violations.push(Violation::new(says).quoting([earlier, call]));
        }
    }
    violations
}

/// The answers that reflect most of the log.
#[derive(Default)]
struct Furthest<'a> {
    anywhere: Option<(&'a Call, u64)>,
    by_node: BTreeMap<Option<NodeNumber>, (&'a Call, u64)>,
}

impl<'a> Furthest<'a> {
    fn note(&mut self, call: &'a Call, index: u64) {
        let at_node = self.by_node.entry(call.node).or_insert((call, index));
        if at_node.1 < index {
            *at_node = (call, index);
        }
        if self.anywhere.is_none_or(|(_, reached)| reached < index) {
            self.anywhere = Some((call, index));
        }
    }

    /// What a call must not fall behind.
    fn before(&self, call: &Call) -> Option<(&'a Call, u64)> {
        match call.request {
            Request::Get(_) | Request::Look(_) | Request::List(_) => self.anywhere,
            Request::Book { .. } | Request::Modify { .. } | Request::Cancel(_) | Request::CheckIn(_) => {
                self.by_node.get(&call.node).copied()
            }
        }
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
    fn a_read_sees_what_was_answered_before() {
        check(
            "
            0..5 user:3 node:1 key:a book slot:1 count:2 -> booking:1 index:10
            6..7 user:4 node:2 get booking:1 -> booking:1 slot:1 owner:3 count:2 index:10
            6..7 user:4 node:3 look slot:1 -> capacity:9 available:7 confirmed:2 index:11
            6..7 user:4 node:3 list slot:1 -> booking:1
            3..4 user:4 node:2 get booking:1 -> refused booking_not_found
            3..4 user:4 node:3 look slot:1 -> capacity:9 available:9
            3..4 user:4 node:3 list slot:1 -> nothing
            9..9 user:4 node:2 get booking:1 -> not-done no_quorum
            ",
            expect![""],
        );
    }

    #[test]
    fn a_stale_read_is_found() {
        check(
            "
            0..5 user:3 node:1 key:a book slot:1 count:2 -> booking:1
            6..7 user:4 node:2 get booking:1 -> refused booking_not_found
            6..7 user:4 node:3 look slot:1 -> capacity:9 available:9
            6..7 user:4 node:3 list slot:1 -> nothing
            ",
            expect![[r#"
                booking:1 was not seen after it was acknowledged
                    0..5 user:3 node:1 key:a book slot:1 count:2 -> booking:1
                    6..7 user:4 node:2 get booking:1 -> refused booking_not_found
                slot:1 was seen with 0 places booked: it had 2 to 2
                    6..7 user:4 node:3 look slot:1 -> capacity:9 available:9
                booking:1 was not listed after it was acknowledged
                    0..5 user:3 node:1 key:a book slot:1 count:2 -> booking:1
                    6..7 user:4 node:3 list slot:1 -> nothing"#]],
        );
    }

    #[test]
    fn a_read_from_the_future_is_found() {
        check(
            "
            0..5 user:3 node:1 key:a book slot:1 -> booking:1
            6..7 user:4 node:2 get booking:1 -> booking:1 slot:1 owner:3 cancelled
            6..7 user:4 node:3 look slot:1 -> capacity:9 available:7 confirmed:2
            8..9 user:3 node:1 key:b book slot:1 -> booking:2
            10..12 user:3 node:1 key:c cancel booking:1 -> booking:1 slot:1 owner:3 cancelled
            ",
            expect![[r#"
                booking:1 was seen given back before anybody asked for that
                    0..5 user:3 node:1 key:a book slot:1 -> booking:1
                    6..7 user:4 node:2 get booking:1 -> booking:1 slot:1 owner:3 cancelled
                slot:1 was seen with 2 places booked: it had 1 to 1
                    6..7 user:4 node:3 look slot:1 -> capacity:9 available:7 confirmed:2"#]],
        );
    }

    #[test]
    fn what_was_given_back_is_seen_so() {
        check(
            "
            0..5 user:3 key:a book slot:1 -> booking:1
            6..9 user:3 key:b cancel booking:1 -> booking:1 slot:1 owner:3 cancelled
            7..8 user:4 get booking:1 -> booking:1 slot:1 owner:3
            7..8 user:4 get booking:1 -> booking:1 slot:1 owner:3 cancelled
            10..11 user:4 get booking:1 -> booking:1 slot:1 owner:3
            10..11 user:4 get booking:1 -> booking:1 slot:2 owner:3 cancelled
            10..11 user:4 look slot:1 -> capacity:9 available:8 confirmed:1
            ",
            expect![[r#"
                booking:1 was seen with its places after it was given back
                    0..5 user:3 key:a book slot:1 -> booking:1
                    10..11 user:4 get booking:1 -> booking:1 slot:1 owner:3
                booking:1 was seen otherwise than acknowledged
                    0..5 user:3 key:a book slot:1 -> booking:1
                    10..11 user:4 get booking:1 -> booking:1 slot:2 owner:3 cancelled
                slot:1 was seen with 1 places booked: it had 0 to 0
                    10..11 user:4 look slot:1 -> capacity:9 available:8 confirmed:1"#]],
        );
    }

    #[test]
    fn a_page_may_end_before_the_oldest() {
        check(
            "
            0..1 user:3 key:a book slot:1 -> booking:1
            0..1 user:3 key:b book slot:1 -> booking:2
            0..1 user:3 key:c book slot:1 -> booking:3
            2..3 user:3 list slot:1 -> booking:3 booking:2 more
            2..3 user:3 list slot:1 -> booking:3 booking:1 more
            ",
            expect![[r#"
                booking:2 was not listed after it was acknowledged
                    0..1 user:3 key:b book slot:1 -> booking:2
                    2..3 user:3 list slot:1 -> booking:3 booking:1 more"#]],
        );
    }

    #[test]
    fn indexes_never_go_back() {
        check(
            "
            0..5 user:3 node:1 key:a book slot:1 -> booking:1 index:10
            4..6 user:3 node:1 get booking:1 -> booking:1 slot:1 owner:3 index:9
            6..7 user:4 node:1 get booking:1 -> booking:1 slot:1 owner:3 index:9
            6..7 user:4 node:2 get booking:1 -> booking:1 slot:1 owner:3 index:8
            8..9 user:4 node:2 get booking:1 -> booking:1 slot:1 owner:3 index:10
            8..9 user:3 node:2 key:a book slot:1 -> booking:1 index:9
            8..9 user:3 node:1 key:a book slot:1 -> booking:1 index:9
            ",
            expect![[r#"
                index 9 was shown after index 10
                    0..5 user:3 node:1 key:a book slot:1 -> booking:1 index:10
                    6..7 user:4 node:1 get booking:1 -> booking:1 slot:1 owner:3 index:9
                index 8 was shown after index 10
                    0..5 user:3 node:1 key:a book slot:1 -> booking:1 index:10
                    6..7 user:4 node:2 get booking:1 -> booking:1 slot:1 owner:3 index:8
                index 9 was shown after index 10
                    0..5 user:3 node:1 key:a book slot:1 -> booking:1 index:10
                    8..9 user:3 node:1 key:a book slot:1 -> booking:1 index:9"#]],
        );
    }

    #[test]
    fn a_booking_that_moves_is_seen_where_it_was_or_where_it_is_to_be() {
        check(
            "
            0..1 user:3 key:a book slot:1 count:2 -> booking:1
            4..9 user:3 key:b modify booking:1 slot:2 -> booking:1 slot:2 owner:3 count:2
            5..6 user:3 get booking:1 -> booking:1 slot:1 owner:3 count:2
            5..6 user:3 get booking:1 -> booking:1 slot:2 owner:3 count:2
            5..6 user:3 list slot:1 -> nothing
            5..6 user:3 look slot:1 -> capacity:9 available:9
            5..6 user:3 look slot:2 -> capacity:9 available:7 confirmed:2
            2..3 user:3 list slot:1 -> nothing
            2..3 user:3 look slot:1 -> capacity:9 available:9
            2..3 user:3 look slot:2 -> capacity:9 available:7 confirmed:2
            5..6 user:3 get booking:1 -> booking:1 slot:3 owner:3 count:2
            5..6 user:3 get booking:1 -> booking:1 slot:2 owner:3
            ",
            expect![[r#"
                booking:1 was not listed after it was acknowledged
                    0..1 user:3 key:a book slot:1 count:2 -> booking:1
                    2..3 user:3 list slot:1 -> nothing
                slot:1 was seen with 0 places booked: it had 2 to 2
                    2..3 user:3 look slot:1 -> capacity:9 available:9
                slot:2 was seen with 2 places booked: it had 0 to 0
                    2..3 user:3 look slot:2 -> capacity:9 available:7 confirmed:2
                booking:1 was seen otherwise than acknowledged
                    0..1 user:3 key:a book slot:1 count:2 -> booking:1
                    5..6 user:3 get booking:1 -> booking:1 slot:3 owner:3 count:2
                booking:1 was seen otherwise than acknowledged
                    0..1 user:3 key:a book slot:1 count:2 -> booking:1
                    5..6 user:3 get booking:1 -> booking:1 slot:2 owner:3"#]],
        );
    }
}
