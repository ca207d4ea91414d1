//! The public keys of a cluster, and the whole verdict on a code.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;

use crate::code::{Code, decode};
use crate::key_id::KeyId;
use crate::refusal::Refusal;
use crate::revoked::RevokedList;

/// What a key is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// It signs.
    Valid,
    /// It signs nothing new; what it has signed is good until it ends.
    Retired,
    /// Whatever it signed is void, whatever the clock says: a thief dates what he signs as he likes.
    Revoked {
        /// When it was revoked, if that is known, in Unix milliseconds: for people.
        at_ms: Option<u64>,
    },
}

/// The moment in which a code is shown, and how far off its time it is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// Now, in Unix milliseconds.
    pub now_ms: u64,
    /// So much too early is still let in.
    pub early_ms: u64,
    /// So much too late is still let in.
    pub late_ms: u64,
}

/// Everything that is needed to judge a code.
#[derive(Clone, Debug)]
pub struct Keyring {
    cluster: u64,
    keys: BTreeMap<KeyId, (VerifyingKey, KeyStatus)>,
    revoked: RevokedList,
}

impl Keyring {
    /// A keyring without keys, of the cluster that codes call so ([`crate::cluster_prefix`]).
    #[must_use]
    pub fn new(cluster: u64) -> Self {
        Self { cluster, keys: BTreeMap::new(), revoked: RevokedList::default() }
    }

    /// Adds a key, or changes what it is good for.
    pub fn insert(&mut self, id: KeyId, key: VerifyingKey, status: KeyStatus) {
        self.keys.insert(id, (key, status));
    }

    /// The same keys, with what was revoked.
    #[must_use]
    pub fn with_revoked(self, revoked: RevokedList) -> Self {
        Self { revoked, ..self }
    }

    /// What codes call the cluster of these keys.
    #[must_use]
    pub fn cluster(&self) -> u64 {
        self.cluster
    }

    /// What a key is good for, if it is known.
    #[must_use]
    pub fn status(&self, id: KeyId) -> Option<KeyStatus> {
        self.keys.get(&id).map(|(_, status)| *status)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The code, if it is to be let in. Whether it was let in before is not known here.
    ///
    /// # Errors
    ///
    /// The first of the reasons of [`Refusal`] that applies.
    pub fn verify(&self, text: &str, gate: Gate) -> Result<Code, Refusal> {
        let unverified = decode(text)?;
        if unverified.claims().cluster != self.cluster {
            return Err(Refusal::WrongCluster);
        }
        let id = unverified.key();
        let (key, status) = self.keys.get(&id).ok_or(Refusal::UnknownKey(id))?;
        if let KeyStatus::Revoked { .. } = status {
            return Err(Refusal::RevokedKey(id));
        }
        let code = unverified.verify_with(key)?;
        if self.revoked.contains(&code) {
            return Err(Refusal::Revoked);
        }
        code.check_time(gate)?;
        Ok(code)
    }
}

impl Code {
    /// Refuses a code whose time has not come or is over. The start belongs to its time, the end does not.
    ///
    /// # Errors
    ///
    /// [`Refusal::TooEarly`] and [`Refusal::TooLate`].
    pub fn check_time(&self, gate: Gate) -> Result<(), Refusal> {
        let Gate { now_ms, early_ms, late_ms } = gate;
        let Self { valid_from_ms, valid_until_ms, .. } = *self;
        if now_ms < valid_from_ms.saturating_sub(early_ms) {
            return Err(Refusal::TooEarly { valid_from_ms });
        }
        if now_ms >= valid_until_ms.saturating_add(late_ms) {
            return Err(Refusal::TooLate { valid_until_ms });
        }
        Ok(())
    }
}
