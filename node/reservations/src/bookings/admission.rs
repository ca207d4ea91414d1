//! How a party came in.

use serde::{Deserialize, Serialize};

use crate::bookings::{Booking, BookingState};
use crate::codes::ScannedCode;
use crate::ids::UserId;
use crate::time::Timestamp;

/// Characters of a nonce.
pub const NONCE_CHARS_MAX: usize = 64;

/// Characters of a place.
pub const PLACE_CHARS_MAX: usize = 100;

/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 200;

/// How the party of a booking was admitted, if need be by mistake: it stays when the admission is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// When, in agreed time.
    pub at: Timestamp,
    /// By which member of staff.
    pub by: UserId,
    /// Where, in his words.
    pub place: Option<String>,
    /// Names the scan, for whoever makes it again.
    pub nonce: Option<String>,
    /// The code that was shown, if one was.
    pub code: Option<ScannedCode>,
    /// Why it was admitted all the same.
    pub override_reason: Option<String>,
}

impl Admission {
    /// Whether somebody has made this very scan.
    pub(super) fn is_scan(&self, by: UserId, nonce: Option<&str>) -> bool {
        nonce.is_some() && self.nonce.as_deref() == nonce && self.by == by
    }

    /// Whether it is how this booking was used.
    pub(crate) fn is_of(&self, booking: &Booking) -> bool {
        matches!(booking.state, BookingState::Used { at, by, .. } if (at, by) == (self.at, self.by))
    }
}
