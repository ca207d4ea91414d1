//! Places for nodes that ask to be let in: few, and fewer for each network, so that nobody can take them all.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Applicants who are answered at the same time; one more is told to come again.
const PLACES_MAX: usize = 16;

/// Of these, from one network.
const PLACES_OF_ONE_MAX: usize = 4;

/// Who is being answered. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Applicants(Arc<Mutex<BTreeMap<Option<IpAddr>, usize>>>);

/// A place, for as long as it is kept.
pub(super) struct Place {
    of: Option<IpAddr>,
    applicants: Applicants,
}

impl Applicants {
    /// A place for somebody who calls from this network, if there is one.
    pub(super) fn admit(&self, of: Option<IpAddr>) -> Option<Place> {
        let mut places = self.lock();
        let taken: usize = places.values().sum();
        let own = places.get(&of).copied().unwrap_or(0);
        if taken >= PLACES_MAX || own >= PLACES_OF_ONE_MAX {
            return None;
        }
        places.insert(of, own + 1);
        Some(Place { of, applicants: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Option<IpAddr>, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.applicants.lock();
        let left = places.get(&self.of).map_or(0, |own| own.saturating_sub(1));
        match left {
            0 => places.remove(&self.of),
            left => places.insert(self.of, left),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn one_address_cannot_take_the_places_of_others() {
        let applicants = Applicants::default();
        let mut places: Vec<Place> = (0..4).map(|_| applicants.admit(address(1)).unwrap()).collect();
        assert!(applicants.admit(address(1)).is_none(), "it has enough");
        assert!(applicants.admit(address(2)).is_some(), "others have theirs");
        places.pop();
        assert!(applicants.admit(address(1)).is_some(), "who leaves gives his place back");
    }

    #[test]
    fn all_together_have_no_more_than_there_are() {
        let applicants = Applicants::default();
        let places: Vec<Place> = (0..PLACES_MAX).filter_map(|n| applicants.admit(address(n as u8))).collect();
        assert_eq!(places.len(), PLACES_MAX);
        assert!(applicants.admit(address(100)).is_none());
        drop(places);
        assert!(applicants.admit(address(100)).is_some() && applicants.lock().len() <= 1);
    }
}
