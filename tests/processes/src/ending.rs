//! What is there when all is over, and the judgement on a history.

use std::fmt::Write as _;

use holdfast_model::{Booking, Call, End, History, SlotId};

use crate::answers::{counts_in, page_in};
use crate::stage::Stage;

/// Violations shown; a broken cluster breaks everything at once.
const SHOWN_MAX: usize = 20;

/// Reads slots and all bookings in them, each slot at another node.
pub async fn read_end(stage: &Stage, slots: &[SlotId]) -> End {
    let mut end = End::default();
    let mut operator = stage.operator.clone();
    operator.endpoints = stage.cluster.endpoints();
    for slot in slots {
        operator.endpoints.rotate_left(1);
        let counts = operator.get(&format!("/v1/slots/{}", slot.0)).await.unwrap();
        end.slots.insert(*slot, counts_in(&counts));
        let mut after = String::new();
        loop {
            let path = format!("/v1/bookings?slotId={}&limit=200{after}", slot.0);
            let (bookings, next) = page_in(&operator.get(&path).await.unwrap());
            end.bookings.extend(bookings.into_iter().map(|booking: Booking| (booking.id, booking)));
            let Some(next) = next else { break };
            after = format!("&after={next}");
        }
    }
    end
}

/// Makes sure that nothing is wrong with a history.
///
/// # Panics
///
/// With what is wrong; the whole history is then kept beside the nodes' logs.
pub fn judge(stage: &Stage, calls: Vec<Call>, end: End) {
    let history = History { calls, end };
    let violations = holdfast_model::check(&history);
    if violations.is_empty() {
        return;
    }
    let path = stage.dir().join("history.txt");
    std::fs::write(&path, history.to_string()).unwrap();
    let mut says = format!("{} violations; the history is in {}", violations.len(), path.display());
    for violation in violations.iter().take(SHOWN_MAX) {
        write!(says, "\n{violation}").unwrap();
    }
    panic!("{says}");
}
