//! Whose connections end when there are too many.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use tokio::sync::oneshot;

use super::network_of;

/// Those who are inside, the oldest first: one more ends the oldest of the network that has the most, so that nobody can
/// shut out others, by staying or by coming again and again.
pub(crate) struct Inside {
    places: VecDeque<(Option<IpAddr>, oneshot::Sender<()>)>,
    max: usize,
}

impl Inside {
    /// There are so many places.
    pub(crate) fn new(max: usize) -> Self {
        Self { places: VecDeque::new(), max }
    }

    /// Takes one more in; what it gives is its place, and ends when another needs it more. Dropped, it is free.
    pub(crate) fn admit(&mut self, from: Option<SocketAddr>) -> oneshot::Receiver<()> {
        self.places.retain(|(_, place)| !place.is_closed());
        if self.places.len() >= self.max
            && let Some(position) = self.position_to_end()
        {
            self.places.remove(position);
        }
        let (kept, place) = oneshot::channel();
        self.places.push_back((from.map(|from| network_of(from.ip())), kept));
        place
    }

    fn position_to_end(&self) -> Option<usize> {
        let mut counts: BTreeMap<Option<IpAddr>, usize> = BTreeMap::new();
        self.places.iter().for_each(|(from, _)| *counts.entry(*from).or_default() += 1);
        let most = counts.values().max()?;
        self.places.iter().position(|(from, _)| counts.get(from) == Some(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 64;

    fn from(last: u8) -> Option<SocketAddr> {
        Some(SocketAddr::from(([192, 0, 2, last], 1)))
    }

    #[test]
    fn the_newest_have_a_place_and_who_gives_his_back_costs_nobody_his() {
        let mut inside = Inside::new(MAX);
        let mut places: Vec<_> = (0..MAX).map(|_| inside.admit(None)).collect();
        let is_cut =
            |place: &mut oneshot::Receiver<()>| place.try_recv() == Err(oneshot::error::TryRecvError::Closed);
        drop(places.pop());
        places.push(inside.admit(None));
        assert!(!places.iter_mut().any(is_cut), "there was a place");
        places.push(inside.admit(None));
        let cut: Vec<usize> = (0..places.len()).filter(|place| is_cut(&mut places[*place])).collect();
        assert_eq!(cut, [0], "the oldest");
    }

    #[test]
    fn whoever_comes_again_and_again_costs_only_himself_his_places() {
        let mut inside = Inside::new(MAX);
        let mut quiet = inside.admit(from(1));
        let pushing: Vec<_> = (0..2 * MAX).map(|_| inside.admit(from(2))).collect();
        assert_eq!(quiet.try_recv(), Err(oneshot::error::TryRecvError::Empty), "it is the oldest, and stays");
        assert_eq!(inside.places.len(), MAX);
        drop(pushing);
    }
}
