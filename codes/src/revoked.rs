//! Which codes no longer count although they are signed and in time: those of cancelled bookings, and older ones of
//! bookings that got another.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::code::Code;

/// More bookings are refused: a million take some 50 MB.
pub const REVOKED_MAX: usize = 1_000_000;

/// The codes that no longer count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevokedList {
    /// The oldest revision of each booking that counts; none if none does.
    counts_from: BTreeMap<u64, Option<u32>>,
}

/// Why answers give no list. A list is had whole or not at all.
#[derive(Debug, thiserror::Error)]
pub enum RevokedError {
    /// There are too many bookings in it.
    #[error("more than {REVOKED_MAX} bookings")]
    TooMany,
    /// It is not JSON of this shape.
    #[error("not a list of revoked codes: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The last page says that another one follows.
    #[error("the list is not whole: its last page names a next one")]
    NotWhole,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Item>,
    #[serde(default)]
    next: serde_json::Value,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "bookingId")]
    booking: u64,
    #[serde(default, rename = "codeRevision")]
    revision: Option<u32>,
}

impl RevokedList {
    /// A list that came in one answer.
    ///
    /// # Errors
    ///
    /// See [`RevokedError`].
    pub fn from_json(text: &str) -> Result<Self, RevokedError> {
        Self::from_pages([text])
    }

    /// A list that came in several: `{"items":[{"bookingId":7,"codeRevision":2},..],"next":..}`. Codes of the booking
    /// with a revision below `codeRevision` are void; without one, or with `null`, all are. Of a booking that is listed
    /// twice, what revokes more counts.
    ///
    /// # Errors
    ///
    /// See [`RevokedError`].
    pub fn from_pages<'a>(pages: impl IntoIterator<Item = &'a str>) -> Result<Self, RevokedError> {
        let mut list = Self::default();
        let mut is_whole = true;
        for page in pages {
            let page: Page = serde_json::from_str(page)?;
            is_whole = page.next.is_null();
            for Item { booking, revision } in page.items {
                list.revoke(booking, revision);
            }
            if list.counts_from.len() > REVOKED_MAX {
                return Err(RevokedError::TooMany);
            }
        }
        if is_whole { Ok(list) } else { Err(RevokedError::NotWhole) }
    }

    /// Revokes the codes of a booking: those below a revision, or all.
    pub fn revoke(&mut self, booking: u64, below: Option<u32>) {
        let counts_from = self.counts_from.entry(booking).or_insert(below);
        *counts_from = match (*counts_from, below) {
            (Some(before), Some(below)) => Some(before.max(below)),
            (None, _) | (_, None) => None,
        };
    }

    /// Whether a code no longer counts.
    #[must_use]
    pub fn contains(&self, code: &Code) -> bool {
        let counts_from = self.counts_from.get(&code.booking);
        counts_from.is_some_and(|from| from.is_none_or(|from| code.revision < from))
    }
}
