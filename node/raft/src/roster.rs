//! Whose key is whose: what every connection between nodes is judged by.
//!
//! A key is a node's if the membership says so, or if the node has published it as its next one. A node that was away
//! may know less than it must to be led again: then it believes what the members it does know tell it, until its own log
//! has come as far.

mod learn;
#[cfg(test)]
mod tests;
mod trust;

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_reservations::{Key, NodeKey, Order, ReadRows as _, ReadTyped as _};
use holdfast_storage::engine::Engine;
use holdfast_storage::identity::{Introduced, Introduction, Membership as NodeIdentity};
use holdfast_storage::rows::View;
use tokio::sync::{Notify, watch};

use crate::own_key::PublicKey;
use crate::types::{Membership, StoredMembership};

pub(crate) use trust::STRANGER_DURATION_MAX;

pub(crate) use learn::{from_wire, start as start_learning, to_wire};

/// Keys of one node that are looked at: it has one, or two while it changes them.
const KEYS_OF_A_NODE_MAX: usize = 64;

/// The members as this node's log has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// One more than the log index of the membership; 0 before there is one.
    pub(crate) index: u64,
    pub(crate) membership: Arc<Membership>,
    /// The last one that is certain to stay: what others may be told.
    pub(crate) committed: Arc<StoredMembership>,
}

/// The members as others tell them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    index: u64,
    members: BTreeMap<u64, Introduction>,
}

/// Tells the published keys of a node, with their generations.
pub(crate) type Published = Arc<dyn Fn(u64) -> Vec<(u32, PublicKey)> + Send + Sync>;

/// Whose key is whose.
pub(crate) struct Roster {
    own: NodeIdentity,
    seen: watch::Receiver<Seen>,
    told: watch::Sender<Told>,
    published: Published,
    /// Somebody came whose key is nobody's here.
    wonders: Notify,
}

/// Where a node is found, and whose address that is.
pub(crate) struct Found {
    pub(crate) peer_address: String,
}

impl Roster {
    pub(crate) fn new(
        own: NodeIdentity,
        seen: watch::Receiver<Seen>,
        introduced: Option<&Introduced>,
        published: Published,
    ) -> Self {
        let roster =
            Self { own, seen, told: watch::channel(Told::default()).0, published, wonders: Notify::new() };
        if let Some(introduced) = introduced {
            roster.believe(introduced);
        }
        roster
    }

    pub(crate) fn own(&self) -> NodeIdentity {
        self.own
    }

    /// Tells what this node's log has.
    pub(crate) fn watch(&self) -> watch::Receiver<Seen> {
        self.seen.clone()
    }

    /// Where a member is found.
    pub(crate) fn find(&self, node: u64) -> Option<Found> {
        let known = self.seen.borrow().membership.get_node(&node).map(|member| member.peer_address.clone());
        let told = || self.told_of(node).map(|told| told.peer_address);
        known.or_else(told).map(|peer_address| Found { peer_address })
    }

    /// Whether a key is a node's.
    pub(crate) fn is_key_of(&self, node: u64, key: &PublicKey) -> bool {
        let known = self.key_in_membership(node);
        known.is_some_and(|known| known == *key || self.is_next_key(node, &known, key))
            || self.told_of(node).is_some_and(|told| told.public_key == *key)
    }

    /// The key that the membership has for a node.
    pub(crate) fn key_in_membership(&self, node: u64) -> Option<PublicKey> {
        self.seen.borrow().membership.get_node(&node).map(|member| member.public_key)
    }

    /// The member whose key it is.
    pub(crate) fn node_of(&self, key: &PublicKey) -> Option<u64> {
        let has_it = |node: &u64| {
            self.key_in_membership(*node) == Some(*key)
                || self.told_of(*node).is_some_and(|told| told.public_key == *key)
        };
        let members = self.members();
        // Nearly always it is there, and nothing has to be read from the rows.
        let known = members.iter().find(|node| has_it(node)).copied();
        known.or_else(|| members.into_iter().find(|node| self.is_key_of(*node, key)))
    }

    /// A key that a member has published, while it is the member's: one that was changed for another lets nobody in.
    pub(crate) fn published_key(&self, node: u64, generation: u32) -> Option<PublicKey> {
        let published = (self.published)(node).into_iter();
        let mut keys = published.filter(|(known, _)| *known == generation).map(|(_, key)| key);
        keys.find(|key| self.is_key_of(node, key))
    }

    /// Whether a node is a member, whatever its key.
    pub(crate) fn is_member(&self, node: u64) -> bool {
        self.find(node).is_some()
    }

    /// The members as this node knows them, for one that knows less. A membership that is not committed may never be, and
    /// whoever was told of it would wait for it.
    pub(crate) fn to_introduced(&self) -> Introduced {
        let committed = self.seen.borrow().committed.clone();
        let index = committed.log_id().map_or(0, |id| id.index + 1);
        let peers = committed.membership().nodes().map(|(node, member)| Introduction {
            node: *node,
            public_key: member.public_key,
            peer_address: member.peer_address.clone(),
        });
        Introduced { index, peers: peers.collect() }
    }

    /// Takes over what was told of the others, if it is newer than what is known.
    pub(crate) fn believe(&self, introduced: &Introduced) {
        let told = self.told.borrow().index;
        if introduced.index > told {
            self.believe_instead(introduced);
        }
    }

    /// Takes over what the members tell now, also if it is older: what was told before was never true.
    pub(crate) fn believe_instead(&self, introduced: &Introduced) {
        let is_news = introduced.index > self.seen.borrow().index;
        let members = introduced.peers.iter().map(|peer| (peer.node, peer.clone()));
        let now = match is_news {
            true => Told { index: introduced.index, members: members.collect() },
            false => Told::default(),
        };
        self.told.send_if_modified(|told| {
            let is_other = *told != now;
            *told = now;
            is_other
        });
    }

    /// Whether something counts only because others have told it.
    pub(crate) fn is_told(&self) -> bool {
        self.told.borrow().index > self.seen.borrow().index
    }

    fn members(&self) -> Vec<u64> {
        let mut members: Vec<u64> = self.seen.borrow().membership.nodes().map(|(node, _)| *node).collect();
        if self.is_told() {
            members.extend(self.told.borrow().members.keys());
        }
        members
    }

    fn told_of(&self, node: u64) -> Option<Introduction> {
        match self.is_told() {
            true => self.told.borrow().members.get(&node).cloned(),
            false => None,
        }
    }

    /// Whether a key was published to follow the one that the membership has.
    fn is_next_key(&self, node: u64, known: &PublicKey, key: &PublicKey) -> bool {
        let published = (self.published)(node);
        let generation = |key: &PublicKey| {
            published.iter().rev().find(|(_, known)| known == key).map(|(generation, _)| *generation)
        };
        generation(known).zip(generation(key)).is_some_and(|(known, next)| next > known)
    }
}

/// The published keys in a store's rows.
pub(crate) fn published_in(engine: impl Fn() -> Arc<dyn Engine> + Send + Sync + 'static) -> Published {
    Arc::new(move |node| {
        let mut found = Vec::new();
        engine().read(&mut |reader| {
            let view = View::of(reader);
            let range = Key::NodeKey(node, 0)..Key::NodeKey(node, u32::MAX);
            let rows = view.scan(range, Order::Descending, KEYS_OF_A_NODE_MAX).into_iter();
            found = rows
                .filter_map(|(key, _)| {
                    let Key::NodeKey(node, generation) = key else { return None };
                    Some((generation, view.row::<NodeKey>((node, generation))?.public_key))
                })
                .rev()
                .collect();
        });
        found
    })
}
