//! Counts how many of one kind are inside at the same time, so that one caller leaves places to others.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many of each are inside. Clones are the same.
pub struct Shares<K> {
    inside: Arc<Mutex<HashMap<K, usize>>>,
    max: usize,
}

/// A place among those of one.
pub struct Share<K: Hash + Eq> {
    inside: Arc<Mutex<HashMap<K, usize>>>,
    of: K,
}

impl<K: Hash + Eq + Copy> Shares<K> {
    /// Each may have so many places.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { inside: Arc::default(), max }
    }

    /// A place for one more of these, until it is dropped; `None` if they have theirs.
    pub fn enter(&self, of: K) -> Option<Share<K>> {
        let mut inside = lock(&self.inside);
        let count = inside.get(&of).copied().unwrap_or(0);
        if count >= self.max {
            return None;
        }
        inside.insert(of, count + 1);
        Some(Share { inside: self.inside.clone(), of })
    }

    /// Whether nobody is inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        lock(&self.inside).is_empty()
    }
}

impl<K> Clone for Shares<K> {
    fn clone(&self) -> Self {
        Self { inside: self.inside.clone(), max: self.max }
    }
}

impl<K: Hash + Eq> Drop for Share<K> {
    fn drop(&mut self) {
        let mut inside = lock(&self.inside);
        if let Some(count) = inside.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                inside.remove(&self.of);
            }
        }
    }
}

fn lock<K>(inside: &Mutex<HashMap<K, usize>>) -> MutexGuard<'_, HashMap<K, usize>> {
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
    }
}
