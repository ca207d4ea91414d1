//! Tests against the real binary: clusters of child processes on loopback, what clients are told, and faults.
//!
//! ```text
//! Stage (a cluster in a folder of its own) <- Guests (retry until they know) -> Recorder -> History -> judge
//! ```
//!
//! Here is what the tests share; the tests themselves are in `tests/suite`, one file a subject.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test panics when it fails")]

mod answers;
mod clock;
mod diary;
mod ending;
mod grpc;
mod guest;
mod load;
mod machine;
mod park;
mod program;
mod provider;
mod raw;
mod recorder;
pub mod sinks;
mod sse;
mod stage;
mod traffic;
mod until;

pub use clock::{Clock, Strobe};
pub use diary::{Diary, Told, Watcher, revision_in};
pub use ending::{judge, read_end};
pub use grpc::{Grpc, GrpcReply, GrpcStream, framed};
pub use guest::{Guest, arrive, arrive_app, fresh_key, give_role};
pub use load::Load;
pub use machine::{alone, beside};
pub use park::Park;
pub use program::{Ended, Program};
pub use provider::Provider;
pub use raw::{RawReply, raw_call};
pub use recorder::Recorder;
pub use sse::{Opened, Sse, SseCall, SseEvent};
pub use stage::Stage;
pub use traffic::{Acknowledged, Traffic};
pub use until::until;
