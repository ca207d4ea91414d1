//! Agreement: propose a command, read agreed state, talk to peers. openraft stays inside.
//!
//! ```text
//! Replica::propose -> leader?  proposer: one entry of many requests, stamped -> openraft -> log, peers
//!                     follower: hand-over, one stream to the leader's proposer
//! committed -> applier (own thread): rules -> rows, in one batch -> whoever waits at this node
//! Replica::read    -> read index, one round at a time -> wait until applied -> one moment of the rows
//! ```

#[cfg(all(feature = "simulation", not(tokio_unstable)))]
compile_error!(
    "the feature `simulation` takes away what keeps strangers out: it is for tests/simulation alone"
);

mod agreed_time;
#[cfg(feature = "alone")]
pub mod alone;
mod compaction;
mod convert;
mod freshness;
mod introduction;
mod join_token;
mod members;
pub mod net;
mod one_at_a_time;
mod one_in_a_while;
mod own_key;
mod peers;
#[cfg(feature = "simulation")]
mod probe;
mod proposals;
mod pulse;
mod reads;
mod removal;
mod replica;
mod roster;
mod runtime;
mod server;
mod settings;
mod start;
mod store;
mod transport;
mod types;
mod watch;

/// One moment of the rows: what a read sees.
pub use holdfast_storage::rows::View;
pub use join_token::{JoinToken, JoinTokenError, JoinTokenSource};
pub use members::{Change, ChangeError, Goal, RefusalCode, VOTERS_MAX, Wish};
pub use own_key::OwnKey;
#[cfg(feature = "simulation")]
pub use probe::{Moment, Probe, ProbedMembership, ProbedRole};
pub use proposals::ProposeError;
pub use pulse::NodeProgress;
pub use reads::ReadError;
pub use removal::Removed;
pub use replica::{ChangeKeyError, ClusterStatus, Consistency, KeyInMembership, NodeStatus, Read, Replica};
#[cfg(feature = "simulation")]
pub use runtime::Runtime;
pub use runtime::{Machine, Placement, SystemClock, WallClock};
pub use settings::RaftSettings;
#[cfg(feature = "simulation")]
pub use start::start_simulated;
pub use start::{Node, NodeOptions, StartError, start};
pub use store::Observer;
#[cfg(feature = "suite")]
pub use store::suite;
pub use watch::Leadership;
