//! Admits the party of a booking without its code; by staff.

use holdfast_model::{Act, Request, Right, Scan};

use super::{Operation, Park, Person, Wish};
use crate::chance::Chance;

pub(super) struct CheckIn;

impl Operation for CheckIn {
    fn name(&self) -> &'static str {
        "check_in"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let (booking, slot) = who.any_booking(chance)?;
        let scan = Scan { by: who.user, nonce: None, code: None };
        // Whoever may not is told so.
        (who.is_staff || chance.percent(25)).then(|| Wish {
            method: "POST",
            path: format!("/v1/bookings/{}/check-in", booking.0),
            right: Right::ChecksIn,
            request: park.records(slot).then_some(Request::CheckIn(booking)),
            at_entrance: Some((booking, Act::Scans(scan))),
            ..Wish::default()
        })
    }
}
