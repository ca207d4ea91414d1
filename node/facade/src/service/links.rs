//! Links to codes, for messages that remind parties of what they have booked, and where they lead.

use holdfast_raft::View;
use holdfast_reservations::{Booking, BookingId, Command, IssueCode, IssuedCode, Outcome, ReadTyped as _};
use tokio::time::Instant;

use crate::codes::{Format, ImageUrl, draw, unsigned};
use crate::problem::Result;
use crate::service::Service;
use crate::service::entrance::{expect_to_come, key_of, party_of};

impl Service {
    /// Where the code of a booking is drawn for whoever has the link, until its party is admitted no more. A code that was
    /// not issued yet is, under this node's key. `None` if the party is not expected, if nobody has said where guests find
    /// this cluster (`public_url`; a node's own address is for its neighbours), or if nothing is agreed by the deadline.
    pub async fn code_link(&self, booking: u64, deadline: Instant) -> Option<String> {
        let id = BookingId(booking);
        let public_url = self.parts.settings.public_url.as_deref()?.trim_end_matches('/');
        let signer = self.codes().signer().ok()?;
        let key = key_of(&signer);
        let find = |view: &View<'_>| {
            let booking = view.row::<Booking>(id)?;
            expect_to_come(&booking).ok()?;
            let issued = view.row::<IssuedCode>(id).filter(|code| code.signers.contains(&key));
            Some((party_of(view, id, &booking)?, issued.map(|code| code.revision)))
        };
        let (party, revision) = self.look(find).ok()??;
        let revision = match revision {
            Some(revision) => revision,
            None => {
                let issue = IssueCode { booking: id, signer: key, is_reissue: false };
                let issued = self.replica().propose_internal(Command::IssueCode(issue), deadline).await;
                let Outcome::Code(_, code) = issued.ok()?.outcome else { return None };
                code.revision
            }
        };
        let token = self.codes().token(&signer, &party, revision);
        let (_, admitted_until) = party.admitted;
        Some(format!("{public_url}{}", self.codes().path_until(&signer, &token, admitted_until)))
    }

    /// The image at a URL.
    pub(crate) async fn image(
        &self,
        url: &ImageUrl<'_>,
        format: Format,
        deadline: Instant,
    ) -> Result<Vec<u8>> {
        let must_count = self.codes().check_url(url, self.now(), deadline).await?;
        if let Some((booking, scanned)) = must_count {
            let issued = self.look(|view| view.row::<IssuedCode>(booking))?;
            let counts = issued.is_some_and(|code| {
                code.revision == scanned.revision && code.signers.contains(&scanned.signer)
            });
            if !counts {
                return Err(unsigned());
            }
        }
        draw(url.token, format)
    }
}
