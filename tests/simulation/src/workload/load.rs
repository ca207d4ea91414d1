//! How much clients do, told to them from outside.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::accounts::Accounts;
use super::park::Park;
use crate::chance::Chance;
use crate::network::MachineNumber;

/// How much clients do; changed from outside while they do it.
#[derive(Clone, Default)]
pub struct Load {
    pub(super) accounts: Accounts,
    pub(super) inner: Arc<LoadInner>,
}

#[derive(Default)]
pub(super) struct LoadInner {
    pub(super) park: Mutex<Option<Park>>,
    pub(super) arrived: AtomicUsize,
    pub(super) began: AtomicBool,
    pub(super) is_over: AtomicBool,
    is_resting: AtomicBool,
    pub(super) gone: AtomicUsize,
    /// The crowd books until then.
    pub(super) burst_until_ms: AtomicU64,
    /// Of a hundred calls so many are asked twice at once.
    pub(super) twice_percent: AtomicU64,
    /// The machines of the nodes, and what names the node that is on each.
    nodes: Mutex<Vec<(MachineNumber, usize)>>,
    /// Some node's keys may be retired: a token that one of them has signed is believed less than others.
    has_retired_keys: AtomicBool,
}

impl Load {
    /// What there is to be booked, once it is there.
    #[must_use]
    pub fn park(&self) -> Option<Park> {
        self.inner.park.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many have signed in.
    #[must_use]
    pub fn arrived(&self) -> usize {
        self.inner.arrived.load(Ordering::Relaxed)
    }

    /// Everybody begins.
    pub fn begin(&self) {
        self.inner.began.store(true, Ordering::Relaxed);
    }

    /// Everybody ends what he is doing, and does nothing more, until he may again.
    pub fn rest(&self, is_resting: bool) {
        self.inner.is_resting.store(is_resting, Ordering::Relaxed);
    }

    pub(super) fn is_resting(&self) -> bool {
        self.inner.is_resting.load(Ordering::Relaxed)
    }

    /// Everybody ends what he is doing, and goes.
    pub fn end(&self) {
        self.inner.is_over.store(true, Ordering::Relaxed);
    }

    /// How many have gone.
    #[must_use]
    pub fn gone(&self) -> usize {
        self.inner.gone.load(Ordering::Relaxed)
    }

    /// A crowd books until then.
    pub fn burst(&self, until_ms: u64) {
        self.inner.burst_until_ms.store(until_ms, Ordering::Relaxed);
    }

    /// Of a hundred calls so many are asked twice at once.
    pub fn ask_twice(&self, percent: u64) {
        self.inner.twice_percent.store(percent, Ordering::Relaxed);
    }

    /// Where the nodes are from now on.
    pub fn set_nodes(&self, nodes: Vec<(MachineNumber, usize)>) {
        *self.inner.nodes.lock().unwrap_or_else(PoisonError::into_inner) = nodes;
    }

    /// A node has left.
    pub fn retire_keys(&self) {
        self.inner.has_retired_keys.store(true, Ordering::Relaxed);
    }

    /// Whether a node has left.
    pub(super) fn has_retired_keys(&self) -> bool {
        self.inner.has_retired_keys.load(Ordering::Relaxed)
    }

    /// The machine of some node, and what names the node on it.
    pub(crate) fn some_node(&self, chance: &mut Chance) -> (MachineNumber, usize) {
        let nodes = self.inner.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        // With all of them gone there is nobody to be found at the first one.
        if nodes.is_empty() { (0, 0) } else { *chance.pick(&nodes) }
    }

    /// Whether this node is still the one on its machine.
    pub(super) fn is_there(&self, node: (MachineNumber, usize)) -> bool {
        self.inner.nodes.lock().unwrap_or_else(PoisonError::into_inner).contains(&node)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.inner.is_over.load(Ordering::Relaxed)
    }
}
