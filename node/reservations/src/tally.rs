//! What became of the holds and the parties of a slot, counted as it happens: what reports are made of. A plain booking is
//! in the counts of its pool and costs nothing here.

use serde::{Deserialize, Serialize};

use crate::bookings::{Booking, BookingState};
use crate::context::Context;
use crate::edition::WITH_DAYS;
use crate::rows::ReadTyped as _;

/// So many bookings, with so many places together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Bookings.
    pub bookings: u64,
    /// Their places.
    pub places: u64,
}

impl Count {
    fn add(&mut self, places: u32) {
        self.bookings = self.bookings.saturating_add(1);
        self.places = self.places.saturating_add(u64::from(places));
    }

    fn take(&mut self, places: u32) {
        self.bookings = self.bookings.saturating_sub(1);
        self.places = self.places.saturating_sub(u64::from(places));
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let bookings = self.bookings.saturating_add(other.bookings);
        Self { bookings, places: self.places.saturating_add(other.places) }
    }
}

/// What became of the holds and the parties of a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotTally {
    /// Holds that were placed.
    pub holds: Count,
    /// Holds that were confirmed, with the places that stayed.
    pub confirmed: Count,
    /// Holds that were not confirmed in time.
    pub lapsed: Count,
    /// Holds that were given back.
    pub given_back: Count,
    /// Parties that were admitted.
    pub used: Count,
    /// Parties that did not come.
    pub no_shows: Count,
}

impl SlotTally {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            holds: self.holds.plus(other.holds),
            confirmed: self.confirmed.plus(other.confirmed),
            lapsed: self.lapsed.plus(other.lapsed),
            given_back: self.given_back.plus(other.given_back),
            used: self.used.plus(other.used),
            no_shows: self.no_shows.plus(other.no_shows),
        }
    }

    /// Counts what a booking has become; `before` is what it was.
    fn count(&mut self, before: Option<&Booking>, now: &Booking) {
        let was_held = before.is_some_and(|before| matches!(before.state, BookingState::Held { .. }));
        let was_used = before.filter(|before| matches!(before.state, BookingState::Used { .. }));
        if let Some(before) = was_used {
            self.used.take(before.count);
        }
        let was_missed = before.filter(|before| matches!(before.state, BookingState::NoShow { .. }));
        if let Some(before) = was_missed {
            self.no_shows.take(before.count);
        }
        match now.state {
            BookingState::Held { .. } if !was_held => self.holds.add(now.count),
            BookingState::Confirmed if was_held => self.confirmed.add(now.count),
            BookingState::Expired { .. } if was_held => self.lapsed.add(now.count),
            BookingState::Cancelled { .. } if was_held => self.given_back.add(now.count),
            BookingState::Used { .. } => self.used.add(now.count),
            BookingState::NoShow { .. } => self.no_shows.add(now.count),
            BookingState::Held { .. }
            | BookingState::Confirmed
            | BookingState::Ready { .. }
            | BookingState::Expired { .. }
            | BookingState::Cancelled { .. }
            | BookingState::Queued { .. }
            | BookingState::Rejected { .. } => (),
        }
    }
}

/// Takes a hold from the slot that it has left to the one it is in: it ends there, in one way or another.
fn moved(context: &mut Context<'_>, before: &Booking, now: &Booking) {
    let [mut left, mut entered] = [before.slot, now.slot]
        .map(|slot| context.row::<SlotTally>(slot).map(|tally| *tally).unwrap_or_default());
    left.holds.take(before.count);
    entered.holds.add(now.count);
    context.put(before.slot, left);
    context.put(now.slot, entered);
}

/// Counts what a booking has become, for its slot.
pub(crate) fn note(context: &mut Context<'_>, before: Option<&Booking>, now: &Booking) {
    if context.edition < WITH_DAYS {
        return;
    }
    if let Some(before) = before
        && before.slot != now.slot
        && let BookingState::Held { .. } = before.state
    {
        moved(context, before, now);
    }
    let known = context.row::<SlotTally>(now.slot).map(|tally| *tally).unwrap_or_default();
    let mut tally = known;
    tally.count(before, now);
    if tally != known {
        context.put(now.slot, tally);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SlotId;
    use crate::transcript::Stage;

    fn tally(script: &str) -> SlotTally {
        let mut stage = Stage::new();
        stage.run("at 0 adopt");
        stage.run("at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9");
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            stage.run(line);
        }
        assert_eq!(stage.state.check_invariants(), Vec::<String>::new());
        stage.state.rows().row::<SlotTally>(SlotId(1)).map(|tally| *tally).unwrap_or_default()
    }

    fn count(bookings: u64, places: u64) -> Count {
        Count { bookings, places }
    }

    #[test]
    fn every_hold_ends_in_one_way_and_parties_come_or_do_not() {
        let tally = tally(
            "
            at 0 mia holds slot:1 count=2 for=60
            at 0 mia holds slot:1 count=3 for=60
            at 0 tom holds slot:1 for=60
            at 0 tom holds slot:1 for=900
            at 1 mia confirms booking:1
            at 1 tom cancels booking:3
            at 60 tick
            at 61 ann books slot:1 count=2
            at 62 tom confirms booking:4
            at 1000 tick
            at 1001 sam checks in booking:1
            at 2000 tick
            at 2001 tick
            ",
        );
        assert_eq!(tally.holds, count(4, 7));
        assert_eq!(tally.confirmed, count(2, 3));
        assert_eq!((tally.lapsed, tally.given_back), (count(1, 3), count(1, 1)));
        assert_eq!((tally.used, tally.no_shows), (count(1, 2), count(2, 3)));
    }

    #[test]
    fn a_hold_counts_where_it_ends() {
        let tally = tally(
            "
            at 0 olga opens slot resource=1 from=5000 to=6000 capacity=9
            at 0 mia holds slot:1 count=2 for=900
            at 0 tom holds slot:2 count=3 for=900
            at 1 mia changes booking:1 slot=2
            at 1 tom changes booking:2 slot=1 count=1
            at 2 tom confirms booking:2
            at 2 mia confirms booking:1
            ",
        );
        assert_eq!((tally.holds, tally.confirmed), (count(1, 1), count(1, 1)));
    }

    #[test]
    fn a_party_counts_as_what_it_was_found_to_be_last() {
        let tally = tally(
            "
            at 0 olga sets policy cluster lateness=100
            at 0 mia books slot:1 count=2
            at 0 mia books slot:1 count=3
            at 2000 tick
            at 2001 tick
            at 2002 sam scans booking:1
            at 2002 sam scans booking:2
            at 2003 sam undoes scan booking:2 reason=oops
            ",
        );
        assert_eq!((tally.used, tally.no_shows), (count(1, 2), count(0, 0)));
    }

    #[test]
    fn a_slot_of_plain_bookings_has_nothing_counted_until_somebody_comes() {
        assert_eq!(tally("at 0 mia books slot:1 count=2\n at 1 mia cancels booking:1"), SlotTally::default());
    }
}
