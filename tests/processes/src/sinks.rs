//! Sinks: servers on loopback that take notifications as the real ones would, check all of it, and remember it.
//!
//! ```text
//! Authority (TLS) <- ApnsSink, FcmSink, WebhookSink, SmtpSink: Plans (what to do instead) -> Seen (what came, in order)
//! ```

mod apns;
mod authority;
mod fcm;
mod https;
mod plan;
mod seen;
mod smtp;
mod time;
mod tokens;
mod webhook;

pub use apns::{ApnsSink, Push};
pub use authority::Authority;
pub use fcm::{FcmPush, FcmSink};
pub use plan::{Plan, Plans};
pub use seen::Seen;
pub use smtp::{Letter, SmtpSecurity, SmtpSink};
pub use time::now;
pub use webhook::{Hook, WebhookSink};
