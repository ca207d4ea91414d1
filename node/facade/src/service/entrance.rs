//! The entrance: codes, scans, no-shows, and what bookings remember.

use std::sync::Arc;

use holdfast_raft::{Consistency, Read, View};
use holdfast_reservations::{
    Booking, BookingId, BookingState, Command, DecideNoShows, HistoryEntry, IssueCode, IssuedCode, NodeKeyId,
    Outcome, ReadTyped as _, Resource, RevokeNodeKey, RevokedNodeKey, Slot, SlotDay, SlotId, Timestamp,
    VoidCodes, admission_window, history, void_codes,
};

use crate::accounts::keys::Signer;
use crate::codes::Party;
use crate::problem::{Problem, Result, unexpected};
use crate::service::bookings::visible_booking;
use crate::service::{Asked, CallContext, Caller, Service};

/// Codes looked at for one page of those that are void; the page may then be short, and `next` goes on.
const LOOKED_AT_MAX: usize = 2_000;

/// The code of a booking, and where it is drawn.
pub(crate) struct BookingCode {
    pub(crate) token: String,
    pub(crate) url: String,
    /// Until when the URL is valid.
    pub(crate) expires_at: Timestamp,
}

/// A version of a booking.
pub(crate) type Version = (u32, Arc<HistoryEntry>);

/// A part of the list of codes that are void, and where it goes on.
pub(crate) struct RevokedCodes {
    pub(crate) items: Vec<VoidCodes>,
    pub(crate) next: Option<BookingId>,
}

impl Service {
    /// The code of a booking, at a URL that is signed anew. Whoever asks a node for the first time has it agreed that this
    /// node's key signs it too.
    pub(crate) async fn code(
        &self,
        asked: Asked,
        id: BookingId,
        call: &CallContext,
    ) -> Result<Read<BookingCode>> {
        let signer = self.codes().signer()?;
        let key = key_of(&signer);
        let find = |view: &View<'_>, caller: Caller| {
            let party = expected_party(view, caller, id)?;
            let issued = view.row::<IssuedCode>(id);
            Ok((party, issued.filter(|code| code.signers.contains(&key)).map(|code| code.revision)))
        };
        let Read { value: (party, revision), index, age } = self.read_as(asked, find).await?;
        let revision = match revision {
            Some(revision) => revision,
            None => self.issue(asked.caller, (id, key), false, call).await?.revision,
        };
        let value = self.signed(&signer, &party, revision, self.now());
        Ok(Read { value, index, age })
    }

    /// Gives a booking another code; the one before is void.
    pub(crate) async fn another_code(
        &self,
        caller: Caller,
        id: BookingId,
        call: &CallContext,
    ) -> Result<BookingCode> {
        let signer = self.codes().signer()?;
        let issued = self.issue(caller, (id, key_of(&signer)), true, call).await?;
        let asked = Asked { caller, consistency: Consistency::Linearizable, deadline: call.deadline };
        let party = self.read_as(asked, |view, caller| party(view, caller, id)).await?.value;
        // As old as the code: a retry gets the first answer.
        Ok(self.signed(&signer, &party, issued.revision, issued.issued_at))
    }

    async fn issue(
        &self,
        caller: Caller,
        (booking, signer): (BookingId, NodeKeyId),
        is_reissue: bool,
        call: &CallContext,
    ) -> Result<IssuedCode> {
        let command = Command::IssueCode(IssueCode { booking, signer, is_reissue });
        match self.submit(caller.principal(), command, call).await? {
            (Outcome::Code(_, code), _) => Ok(code),
            (other, _) => Err(unexpected(&other)),
        }
    }

    fn signed(&self, signer: &Signer, party: &Party, revision: u32, at: Timestamp) -> BookingCode {
        let token = self.codes().token(signer, party, revision);
        let (path, expires_at) = self.codes().path(signer, &token, at);
        BookingCode { token, url: format!("{}{path}", self.public_url()), expires_at }
    }

    /// At most `limit` versions of a booking, newest first, below one.
    pub(crate) async fn booking_history(
        &self,
        asked: Asked,
        id: BookingId,
        below: Option<u32>,
        limit: usize,
    ) -> Result<Read<Vec<Version>>> {
        let find = |view: &View<'_>, caller: Caller| {
            visible_booking(view, caller, id)?;
            Ok(history(view, id, below, limit))
        };
        self.read_as(asked, find).await
    }

    /// Codes that do not count any more although they are signed and in time: at most `limit`, or as many as are found
    /// at once.
    pub(crate) async fn revoked_codes(
        &self,
        asked: Asked,
        after: BookingId,
        limit: Option<usize>,
    ) -> Result<Read<RevokedCodes>> {
        let find = |view: &View<'_>, _| {
            let (mut items, mut next) = void_codes(view, after, view.now(), LOOKED_AT_MAX);
            if let Some(limit) = limit.filter(|limit| *limit < items.len()) {
                items.truncate(limit);
                next = items.last().map(|void| void.booking);
            }
            Ok(RevokedCodes { items, next })
        };
        self.read_as(asked, find).await
    }

    /// Decides about no-shows that were too many to be true.
    pub(crate) async fn decide_no_shows(
        &self,
        caller: Caller,
        decision: DecideNoShows,
        call: &CallContext,
    ) -> Result<(SlotId, SlotDay)> {
        match self.submit(caller.principal(), Command::DecideNoShows(decision), call).await? {
            (Outcome::SlotDay(id, day), _) => Ok((id, day)),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// Revokes a key of a node: whatever it has signed is void.
    pub(crate) async fn revoke_key(
        &self,
        caller: Caller,
        key: NodeKeyId,
        call: &CallContext,
    ) -> Result<(NodeKeyId, RevokedNodeKey)> {
        let command = Command::RevokeNodeKey(RevokeNodeKey { key });
        match self.submit(caller.principal(), command, call).await? {
            (Outcome::NodeKeyRevoked(key, revoked), _) => Ok((key, revoked)),
            (other, _) => Err(unexpected(&other)),
        }
    }
}

pub(super) fn key_of(signer: &Signer) -> NodeKeyId {
    NodeKeyId { node: signer.id.node, generation: signer.id.generation }
}

/// The party of a booking, if it is still to come.
fn expected_party(view: &View<'_>, caller: Caller, id: BookingId) -> Result<Party> {
    expect_to_come(&*visible_booking(view, caller, id)?)?;
    party(view, caller, id)
}

fn party(view: &View<'_>, caller: Caller, id: BookingId) -> Result<Party> {
    let missing = || Problem::not_found("booking_not_found", id);
    let booking = visible_booking(view, caller, id)?;
    party_of(view, id, &booking).ok_or_else(missing)
}

/// What the code of a booking says.
pub(super) fn party_of(view: &View<'_>, id: BookingId, booking: &Booking) -> Option<Party> {
    let resource = view.row::<Resource>(view.row::<Slot>(booking.slot)?.resource)?;
    let admitted = admission_window(view, booking)?;
    Some(Party { booking: id, venue: resource.venue, slot: booking.slot, count: booking.count, admitted })
}

/// Refuses a booking whose party is not expected.
pub(super) fn expect_to_come(booking: &Booking) -> Result<()> {
    match booking.state {
        BookingState::Confirmed | BookingState::Ready { .. } => Ok(()),
        BookingState::NoShow { .. } => Err(Problem::new(409, "no_show", "the party did not come in time")),
        BookingState::Used { .. } => Err(Problem::new(409, "already_used", "the party was admitted")),
        BookingState::Cancelled { .. } => {
            Err(Problem::new(409, "already_cancelled", "the booking was cancelled"))
        }
        BookingState::Held { .. } | BookingState::Queued { .. } => {
            Err(Problem::new(409, "not_confirmed", "the booking is not confirmed yet"))
        }
        BookingState::Expired { .. } | BookingState::Rejected { .. } => {
            Err(Problem::new(409, "hold_expired", "the booking was not confirmed in time"))
        }
    }
}
