//! The one task of a node that reads what is new, as long as anybody watches, and the places for those who do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holdfast_raft::{Replica, View};
use holdfast_reservations::{Feed, FeedRead, ReadTyped as _, Revision, UserId, read_feed};
use tokio::sync::{Notify, watch};

use super::happening::Happening;
use super::ring::{Page, Ring, end_of, seen_until};
use super::{
    BEHIND_DURATION_MAX, KEEP_ALIVE_INTERVAL, PAGE_EVENTS, RING_EVENTS_MAX, ROUND_INTERVAL, WATCHERS_MAX,
    WATCHERS_PER_USER_MAX,
};
use crate::metrics::Metrics;
use crate::problem::{Problem, Result};

/// How much is kept, for how many, and how long what is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) ring_events: usize,
    pub(crate) watchers: usize,
    pub(crate) watchers_per_user: usize,
    /// Who hears of no event hears this often that the stream is alive.
    pub(crate) keep_alive_interval: Duration,
    /// Who watches at a node that has not been ready for so long is sent on.
    pub(crate) behind_duration: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            ring_events: RING_EVENTS_MAX,
            watchers: WATCHERS_MAX,
            watchers_per_user: WATCHERS_PER_USER_MAX,
            keep_alive_interval: KEEP_ALIVE_INTERVAL,
            behind_duration: BEHIND_DURATION_MAX,
        }
    }
}

/// What has lately happened, for all watchers of this node.
pub(crate) struct Tail {
    replica: Replica,
    metrics: Metrics,
    bounds: Bounds,
    state: Mutex<State>,
    /// How far the ring has come.
    reached: watch::Sender<u64>,
    /// Told when the last watcher has left.
    is_left: Notify,
}

struct State {
    ring: Ring,
    watchers: usize,
    of_user: HashMap<UserId, usize>,
    is_followed: bool,
}

/// A watcher's place, until it is dropped.
pub(crate) struct Place {
    tail: Arc<Tail>,
    user: UserId,
}

/// Events behind a revision are not kept any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone {
    /// The first entry whose events are.
    pub(super) first_index: u64,
}

impl Tail {
    pub(crate) fn new(replica: Replica, metrics: Metrics, bounds: Bounds) -> Arc<Self> {
        let ring = Ring::behind(0, bounds.ring_events);
        let state = State { ring, watchers: 0, of_user: HashMap::new(), is_followed: false };
        let (reached, is_left) = (watch::Sender::new(0), Notify::new());
        Arc::new(Self { replica, metrics, bounds, state: Mutex::new(state), reached, is_left })
    }

    /// A place for another watcher; the first one starts the task.
    pub(super) fn enter(self: &Arc<Self>, user: UserId) -> Result<Place> {
        let Bounds { watchers, watchers_per_user, .. } = self.bounds;
        let mut state = self.lock();
        if state.watchers >= watchers {
            let detail = "this node has as many watchers as it takes; another may have room";
            return Err(Problem::new(503, "watchers_full", detail));
        }
        let of_user = state.of_user.entry(user).or_default();
        if *of_user >= watchers_per_user {
            let detail = format!("you have {watchers_per_user} streams at this node; close some");
            return Err(Problem::new(429, "too_many_watches", detail));
        }
        *of_user += 1;
        state.watchers += 1;
        self.metrics.watchers(1);
        if !std::mem::replace(&mut state.is_followed, true) {
            state.ring = Ring::behind(self.replica.applied(), self.bounds.ring_events);
            tokio::spawn(follow(self.clone()));
        }
        Ok(Place { tail: self.clone(), user })
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Tells when there is more.
    pub(super) fn reached(&self) -> watch::Receiver<u64> {
        self.reached.subscribe()
    }

    /// The next events behind a revision: from the ring, else from the rows.
    pub(super) fn read(&self, at: Revision) -> Result<std::result::Result<Page, Gone>> {
        if let Some(page) = self.lock().ring.read(at, PAGE_EVENTS) {
            return Ok(Ok(page));
        }
        let (read, index) = self.replica.look(|view| read_feed(view, at, PAGE_EVENTS))?;
        Ok(match read {
            FeedRead::Events(events) => {
                let is_last = events.len() < PAGE_EVENTS;
                let last = events.last().map_or(at, |event| event.revision);
                let at = if is_last { seen_until(last, index) } else { last };
                Ok(Page { events: events.into_iter().map(Happening::of).collect(), at, is_last })
            }
            FeedRead::Behind { first_index } => Err(Gone { first_index }),
        })
    }

    /// How far the task is, unless nobody watches any more: then it ends.
    fn until(&self) -> Option<u64> {
        let mut state = self.lock();
        state.is_followed = state.watchers > 0;
        if !state.is_followed {
            state.ring = Ring::behind(0, self.bounds.ring_events);
        }
        state.is_followed.then(|| state.ring.until())
    }

    /// Reads what is new into the ring. `false` if the rows cannot be read.
    fn read_new(&self, mut until: u64) -> bool {
        loop {
            let look = |view: &View<'_>| read_feed(view, end_of(until), PAGE_EVENTS);
            let Ok((read, index)) = self.replica.look(look) else { return false };
            let is_last = match read {
                FeedRead::Events(events) => {
                    let is_last = events.len() < PAGE_EVENTS;
                    // The events of an entry come together.
                    let last = events.last().map_or(index, |event| event.revision.index);
                    until = if is_last { index } else { last };
                    self.lock().ring.push(events.into_iter().map(Happening::of), until);
                    is_last
                }
                // A snapshot has brought this node further than events are kept.
                FeedRead::Behind { .. } => {
                    self.lock().ring = Ring::behind(index, self.bounds.ring_events);
                    until = index;
                    true
                }
            };
            self.reached.send_replace(until);
            if is_last {
                return true;
            }
        }
    }

    fn leave(&self, user: UserId) {
        let mut state = self.lock();
        state.watchers -= 1;
        if let Some(of_user) = state.of_user.get_mut(&user) {
            *of_user -= 1;
            if *of_user == 0 {
                state.of_user.remove(&user);
            }
        }
        if state.watchers == 0 {
            self.is_left.notify_one();
        }
        self.metrics.watchers(-1);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.tail.leave(self.user);
    }
}

/// Where the feed stands in these rows: at the last event of their last entry. `None` if no events are kept yet.
pub(super) fn now_in(view: &View<'_>) -> Option<Revision> {
    view.row::<Feed>(())?;
    let index = view.mark().ok().flatten().map_or(0, |mark| mark.applied.index);
    Some(last_of(view, index))
}

/// The last event of an entry; its first ordinal if it has none.
pub(super) fn last_of(view: &View<'_>, index: u64) -> Revision {
    let first = Revision { index, ordinal: 0 };
    let last = match read_feed(view, end_of(index.saturating_sub(1)), 1) {
        FeedRead::Events(events) => events.into_iter().rev().find(|event| event.revision.index == index),
        FeedRead::Behind { .. } => None,
    };
    last.map_or(first, |event| event.revision)
}

/// Reads what is new until nobody watches any more, or nothing new will come.
async fn follow(tail: Arc<Tail>) {
    while let Some(until) = tail.until() {
        let has_more = tokio::select! {
            applied = tail.replica.applied_past(until) => applied.is_some() && tail.read_new(until),
            () = tail.is_left.notified() => true,
        };
        if !has_more {
            tail.lock().is_followed = false;
            return;
        }
        tokio::time::sleep(ROUND_INTERVAL).await;
    }
}
