//! Counts how many of one kind are inside at the same time, so that one caller leaves places to others.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many of each are inside. Clones are the same.
pub struct Shares<K> {
    inside: Arc<Mutex<Counts<K>>>,
    of_one_max: usize,
    all_max: usize,
}

/// A place among those of one.
pub struct Share<K: Hash + Eq> {
    inside: Arc<Mutex<Counts<K>>>,
    of: K,
}

struct Counts<K> {
    of: HashMap<K, usize>,
    all: usize,
}

impl<K: Hash + Eq + Copy> Shares<K> {
    /// Each may have so many places.
    #[must_use]
    pub fn new(of_one_max: usize) -> Self {
        let counts = Counts { of: HashMap::new(), all: 0 };
        Self { inside: Arc::new(Mutex::new(counts)), of_one_max, all_max: usize::MAX }
    }

    /// All together may have so many.
    #[must_use]
    pub fn at_most(self, all_max: usize) -> Self {
        Self { all_max, ..self }
    }

    /// A place for one more of these, until it is dropped; `None` if they have theirs, or all are taken.
    #[must_use]
    pub fn enter(&self, of: K) -> Option<Share<K>> {
        let mut inside = lock(&self.inside);
        let count = inside.of.get(&of).copied().unwrap_or(0);
        if count >= self.of_one_max || inside.all >= self.all_max {
            return None;
        }
        inside.of.insert(of, count + 1);
        inside.all += 1;
        Some(Share { inside: self.inside.clone(), of })
    }

    /// Whether nobody is inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        lock(&self.inside).all == 0
    }
}

impl<K> Clone for Shares<K> {
    fn clone(&self) -> Self {
        Self { inside: self.inside.clone(), ..*self }
    }
}

impl<K: Hash + Eq> Drop for Share<K> {
    fn drop(&mut self) {
        let mut inside = lock(&self.inside);
        inside.all -= 1;
        if let Some(count) = inside.of.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                inside.of.remove(&self.of);
            }
        }
    }
}

fn lock<K>(inside: &Mutex<Counts<K>>) -> MutexGuard<'_, Counts<K>> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_his_share_waits_and_nobody_else() {
        let shares = Shares::new(2);
        let mut held: Vec<_> = (0..2).filter_map(|_| shares.enter("one")).collect();
        assert_eq!(held.len(), 2);
        assert!(shares.enter("one").is_none() && shares.enter("other").is_some());
        held.pop();
        assert!(shares.enter("one").is_some(), "a place that was given back");
        held.clear();
        assert!(shares.is_empty(), "nobody is remembered");
        assert_eq!(lock(&shares.inside).of.len(), 0, "nor by name");
    }

    #[test]
    fn all_together_have_no_more_than_there_are() {
        let shares = Shares::new(2).at_most(5);
        let mut held: Vec<_> = (0..3).flat_map(|of| [shares.enter(of), shares.enter(of)]).collect();
        assert!(held.pop().unwrap().is_none(), "the sixth");
        assert!(shares.enter(9).is_none(), "nor anybody else");
        held.pop();
        assert!(shares.enter(9).is_some(), "a place that was given back");
    }
}
