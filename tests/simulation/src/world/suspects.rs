//! Hosts whose disks have done something that a node may stop for.

use std::collections::{BTreeMap, BTreeSet};

use crate::network::Holder;

/// Stands for a loss: no fault has this number.
const LOSS: Holder = Holder::MAX;

/// As long as a disk is at fault its node may end by itself, and afterwards the process that has seen the fault may: not one
/// that was started since.
#[derive(Default)]
pub struct Suspects {
    at_fault: BTreeSet<(usize, Holder)>,
    /// The incarnation that has seen the end of a fault.
    have_seen: BTreeMap<usize, u32>,
}

impl Suspects {
    /// Its disk is at fault from now on.
    pub fn suspect(&mut self, position: usize, by: Holder) {
        self.at_fault.insert((position, by));
    }

    /// Its disk has lost what it held, and is at fault until another node is on it.
    pub fn lose(&mut self, position: usize) {
        self.at_fault.insert((position, LOSS));
    }

    /// Another node is on it, with a disk of its own.
    pub fn regain(&mut self, position: usize) {
        self.at_fault.remove(&(position, LOSS));
    }

    /// This fault is over; `incarnation` has seen it.
    pub fn release(&mut self, position: usize, by: Holder, incarnation: u32) {
        if self.at_fault.remove(&(position, by)) {
            self.have_seen.insert(position, incarnation);
        }
    }

    /// Nothing is wrong with its disk any more; whether anything was.
    pub fn acquit(&mut self, position: usize) -> bool {
        let was_at_fault = self.is_at_fault(position);
        self.at_fault.retain(|(host, _)| *host != position);
        self.have_seen.remove(&position).is_some() | was_at_fault
    }

    /// Whether its disk is at fault now.
    #[must_use]
    pub fn is_at_fault(&self, position: usize) -> bool {
        self.at_fault.range((position, Holder::MIN)..=(position, Holder::MAX)).next().is_some()
    }

    /// Whether this incarnation of its node has a reason to end by itself.
    #[must_use]
    pub fn may_end(&self, position: usize, incarnation: u32) -> bool {
        self.is_at_fault(position) || self.have_seen.get(&position) == Some(&incarnation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_excuses_as_long_as_it_lasts_and_then_the_process_that_saw_it() {
        let mut suspects = Suspects::default();
        assert!(!suspects.may_end(1, 10));
        suspects.suspect(1, 7);
        suspects.suspect(1, 8);
        suspects.release(1, 7, 10);
        assert!(suspects.may_end(1, 11) && !suspects.may_end(2, 11));
        suspects.release(1, 8, 12);
        assert!(suspects.may_end(1, 12) && !suspects.may_end(1, 13));
        assert!(suspects.acquit(1));
        suspects.release(1, 8, 13);
        assert!(!suspects.may_end(1, 13) && !suspects.acquit(1));
    }

    #[test]
    fn a_loss_excuses_the_node_that_was_there_and_none_after_it() {
        let mut suspects = Suspects::default();
        suspects.lose(1);
        suspects.suspect(1, 7);
        assert!(suspects.may_end(1, 10));
        suspects.regain(1);
        assert!(suspects.may_end(1, 10), "another fault goes on");
        suspects.release(1, 7, 11);
        assert!(!suspects.may_end(1, 10) && suspects.may_end(1, 11));
    }
}
