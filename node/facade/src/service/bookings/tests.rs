//! Who sees which bookings.

use holdfast_reservations::{Book, Role, SlotName};

use super::*;
use crate::access::Endpoint;
use crate::stage::{MIA, Stage, TOM};

/// A booking of Mia, and Tom, who was staff when he was last looked up.
fn stage() -> (Stage, BookingId) {
    let mut stage = Stage::new();
    stage.change_role(TOM, Role::Staff);
    stage.open_slots(&[(100, 200)]);
    let book = Book { slot: SlotName::Id(SlotId(1)), pool: None, count: 1, user: None };
    let Outcome::Booking(id, _) = stage.submit(MIA, Command::Book(book)) else { panic!("no booking") };
    (stage, id)
}

/// What Tom sees of it by its id and in lists, in the moment of these rows.
fn seen(stage: &Stage, id: BookingId) -> [std::result::Result<usize, u16>; 3] {
    let tom = Caller::remembered(TOM, Role::Staff, Endpoint::ReadBookings).seen_in(stage.rows()).unwrap();
    let list = |user| {
        let filter = BookingFilter { user, ..BookingFilter::default() };
        let page = visible_bookings(stage.rows(), tom, filter, None, 9);
        page.map(|page| page.items.len()).map_err(|problem| problem.status)
    };
    let shown = visible_booking(stage.rows(), tom, id).map(|_| 1).map_err(|problem| problem.status);
    [shown, list(None), list(Some(MIA))]
}

#[test]
fn a_role_that_was_taken_away_shows_nothing_more() {
    let (mut stage, id) = stage();
    assert_eq!(seen(&stage, id), [Ok(1), Ok(1), Ok(1)]);
    stage.change_role(TOM, Role::Guest);
    assert_eq!(seen(&stage, id), [Err(404), Ok(0), Err(403)]);
}
