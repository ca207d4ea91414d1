//! What a node was told is done, and what it only began: what may be found after a crash, and what must.

use holdfast_storage::identity::{ClusterId, Identity, Membership};

use crate::node::Node;

/// How many of an identity's writes were reported, and how many began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Writes {
    pub reported: u64,
    pub begun: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub identity: Writes,
    /// The newest rows that were flushed, saved in a snapshot or installed.
    pub rows_durable: u64,
    pub applied: u64,
    /// The newest snapshot that was reported saved.
    pub saved: u64,
    /// Snapshots that may be there.
    pub begun: Vec<u64>,
    /// Snapshots whose install began.
    pub installing: Vec<u64>,
}

/// The n-th identity that is written; 0 is none.
pub fn identity(number: u64) -> Option<Identity> {
    let membership = number.checked_sub(2).map(|node| Membership { cluster: ClusterId(7), node });
    let secret_key = [if number == 1 { 1 } else { 2 }; 32];
    let key_generation = number as u32;
    (number > 0).then_some(Identity { membership, key_generation, ..Identity::new(secret_key) })
}

impl Ledger {
    /// Checks what was found and goes on from there.
    pub fn recover(&mut self, node: &Node, context: &dyn Fn() -> String) {
        let written = (self.identity.reported..=self.identity.begun).find(|n| identity(*n) == node.identity);
        let Some(written) = written else {
            panic!("{}: identity {:?}, {:?}", context(), node.identity, self.identity)
        };
        self.identity = Writes { reported: written, begun: written };

        let applied = node.applied();
        let applied_max = self.installing.iter().copied().fold(self.applied, u64::max);
        assert!(
            (self.rows_durable..=applied_max).contains(&applied),
            "{}: rows of {applied}, {self:?}",
            context()
        );
        // Rows may be flushed once more or not; a generation that was shown stays.
        let installed = self.installing.iter().copied().filter(|index| *index <= applied);
        self.rows_durable = installed.fold(self.rows_durable, u64::max);
        self.applied = applied;
        self.installing.clear();

        let latest = node.snapshots.latest();
        let saved = latest.as_ref().map_or(0, |latest| latest.manifest.mark.applied.index);
        assert!(saved >= self.saved, "{}: snapshot {saved}, {self:?}", context());
        assert!(saved == self.saved || self.begun.contains(&saved), "{}: {saved}, {self:?}", context());
        if let Some(latest) = latest {
            node.check_snapshot(&latest);
        }
        self.saved = saved;
        self.begun.clear();

        let folders = node.folders();
        assert_eq!(folders.len(), 1 + usize::from(saved > 0), "{}: {folders:?}", context());
    }
}
