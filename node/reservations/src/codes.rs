//! The codes of bookings: which one counts, and which keys have signed it. The codes themselves are made where the keys
//! are; here they are numbers.

pub mod issue;
mod void;

use serde::{Deserialize, Serialize};

pub use issue::IssueCode;
pub(crate) use void::sweep;

use crate::bookings::Booking;
use crate::context::Context;
use crate::ids::BookingId;
use crate::node_keys::{NodeKeyId, RetiredNodeKey, RevokedNodeKey};
use crate::outcome::{Halt, Rejection};
use crate::policies::{Chain, PolicyField};
use crate::rows::{Key, Order, ReadRows, ReadTyped as _, Stored as _};
use crate::slots::Slot;
use crate::time::{Millis, Timestamp};

/// The revision of a booking's first code, and of one that nobody has asked for yet.
const FIRST_REVISION: u32 = 1;

/// Keys that are remembered to have signed a code. Beyond this the one that did so first is forgotten: what it signed
/// counts only until it is retired.
const SIGNERS_MAX: usize = 64;

/// The code of a booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedCode {
    /// Rises when the booking gets another code; older ones are void then.
    pub revision: u32,
    /// The keys that sign it: each node has its own. None yet if nobody has asked since it became void.
    pub signers: Vec<NodeKeyId>,
    /// Since when this revision counts.
    pub issued_at: Timestamp,
}

/// What a scanner has read, and whoever calls has verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScannedCode {
    /// Which code of the booking.
    pub revision: u32,
    /// The key that signed it.
    pub signer: NodeKeyId,
}

/// A booking whose codes are void: those below a revision, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoidCodes {
    /// Which.
    pub booking: BookingId,
    /// The oldest revision that counts, if one does.
    pub counts_from: Option<u32>,
}

/// Refuses a code that does not count, or not any more.
pub(crate) fn expect_current(
    context: &Context<'_>,
    booking: BookingId,
    scanned: ScannedCode,
) -> Result<(), Halt> {
    let signer = scanned.signer;
    if context.row::<RevokedNodeKey>(signer).is_some() {
        return Err(Rejection::CodeRevoked.into());
    }
    let code = context.row::<IssuedCode>(booking);
    let current = code.as_ref().map_or(FIRST_REVISION, |code| code.revision);
    let is_known_signer = code.is_some_and(|code| code.signers.contains(&signer));
    // Whoever has a key that is retired can sign whatever he likes with it: what it is known to have signed counts.
    let is_retired = || context.row::<RetiredNodeKey>((signer.node, signer.generation)).is_some();
    if scanned.revision != current || (!is_known_signer && is_retired()) {
        return Err(Rejection::CodeStale { current }.into());
    }
    Ok(())
}

/// From when on, and until when, a booking's party is admitted; that moment is too late.
pub fn admission_window(rows: &dyn ReadRows, booking: &Booking) -> Option<(Timestamp, Timestamp)> {
    let slot = rows.row::<Slot>(booking.slot)?;
    let chain = Chain::of_pool(rows, booking.pool, booking.slot, &slot);
    let length = |field| Millis(chain.field(rows, field).unwrap_or_default());
    let opens_at = slot.window.starts_at().0.saturating_sub(length(PolicyField::CheckInEarly).0);
    Some((Timestamp(opens_at), slot.window.ends_at().plus(length(PolicyField::CheckInLate))))
}

/// Bookings whose codes are void although their time has not passed, behind one, in the order of their ids: of at most
/// `limit` codes that are looked at. The other part of the answer is the booking looked at last, if there may be more.
pub fn void_codes(
    rows: &dyn ReadRows,
    behind: BookingId,
    now: Timestamp,
    limit: usize,
) -> (Vec<VoidCodes>, Option<BookingId>) {
    let page = codes_behind(rows, behind, limit);
    let last = page.last().map(|(id, _)| *id).filter(|_| page.len() == limit);
    let void = page.into_iter().filter_map(|(id, code)| {
        let booking = rows.row::<Booking>(id)?;
        admission_window(rows, &booking).filter(|(_, ends_at)| now < *ends_at)?;
        let counts_from = booking.state.has_places().then_some(code.revision);
        let is_void = counts_from.is_none_or(|revision| revision > FIRST_REVISION);
        is_void.then_some(VoidCodes { booking: id, counts_from })
    });
    (void.collect(), last)
}

fn codes_behind(
    rows: &(impl ReadRows + ?Sized),
    BookingId(behind): BookingId,
    limit: usize,
) -> Vec<(BookingId, std::sync::Arc<IssuedCode>)> {
    let range = Key::Code(BookingId(behind.saturating_add(1)))..Key::Code(BookingId(u64::MAX));
    let found = rows.scan(range, Order::Ascending, limit).into_iter();
    let codes = found.filter_map(|(key, row)| {
        let Key::Code(id) = key else { return None };
        Some((id, IssuedCode::from_row(row)?))
    });
    codes.collect()
}
