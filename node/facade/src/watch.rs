//! The feed for whoever watches: one task per node reads what has happened once, and every watcher reads on at its own
//! pace, from a ring of the latest events or, behind it, from the rows.
//!
//! ```text
//! rows (one per entry) -> Tail (one task) -> Ring -.
//!        '---------- watchers behind the ring -----+-> Watcher: filter, access -> SSE, gRPC
//! ```

mod availability;
mod filter;
mod happening;
mod pump;
mod ring;
mod tail;
mod watcher;

use std::time::Duration;

pub(crate) use availability::{PoolLeft, SlotLeft};
pub(crate) use filter::Filter;
pub(crate) use happening::Shown;
pub(crate) use pump::{Messages, pump};
pub(crate) use tail::{Bounds, Tail};
pub(crate) use watcher::{Cut, From, Item, Stopping, WatchCall};

/// Streams of one node. Each may have some hundred KiB on its way out.
const WATCHERS_MAX: usize = 4096;

/// Streams of one user at one node: an app server has some, a person a few windows.
const WATCHERS_PER_USER_MAX: usize = 64;

/// The latest events, kept in memory for those who watch: a second or two of a busy node, some MiB. Few in the simulator,
/// so that its watchers read rows too.
const RING_EVENTS_MAX: usize = if cfg!(feature = "simulation") { 16 } else { 16_384 };

/// Events that are read, and written to a watcher, together.
const PAGE_EVENTS: usize = if cfg!(feature = "simulation") { 4 } else { 256 };

/// The task looks for what is new at most so often: every look wakes all watchers.
const ROUND_INTERVAL: Duration = Duration::from_millis(5);

/// A watcher who hears of no event hears this often that the stream is alive.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// How often a watcher is asked whether what he has shown still counts: a token may be used five seconds after it has
/// expired, and no longer.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Such a question may wait for another node; who cannot be confirmed by then is cut off.
const CHECK_DURATION_MAX: Duration = Duration::from_secs(2);

/// A node that has not been ready for so long may be cut off, or far behind: who watches there is sent on to another.
const BEHIND_DURATION_MAX: Duration = Duration::from_secs(10);

/// A watcher who takes nothing for so long is cut off.
const STALLED_DURATION_MAX: Duration = Duration::from_secs(30);

/// What is left of a slot is told at most this often.
const AVAILABILITY_INTERVAL: Duration = Duration::from_millis(200);

/// Slots of which a watcher's last picture is remembered; beyond this the one that was told longest ago is forgotten.
const SLOTS_SHOWN_MAX: usize = 1024;

/// Values of one filter.
const FILTER_VALUES_MAX: usize = 64;

/// Not an event, and not in the order of the feed: what is left of a slot.
pub(crate) const AVAILABILITY: &str = "slot.availability";
