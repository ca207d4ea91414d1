//! The senders: they bring messages to phones, servers and mailboxes, and say what became of each.
//!
//! ```text
//! outbox -> Message -> Senders (one breaker a destination) -> Sender of the target -> Delivery
//! ```
//!
//! A message goes out at least once. Every attempt bears the same id, so that whoever gets it twice can tell.

mod apns;
mod breaker;
mod email;
mod fcm;
mod guard;
mod http;
mod jwt;
mod log;
mod message;
mod retries;
mod router;
mod secret;
mod settings;
mod templates;
mod webhook;

use std::pin::Pin;

pub use apns::Apns;
pub use email::Email;
pub use fcm::Fcm;
pub use log::Log;
pub use message::{Delivery, Facts, Message, Target};
pub use retries::{AGE_MAX, ATTEMPTS_MAX, backoff, is_given_up, wait_after};
pub use router::{Attempt, Senders};
pub use secret::Secret;
pub use settings::{ApnsSettings, EmailSettings, FcmSettings, Settings, SettingsError};
pub use webhook::{Webhooks, new_webhook_secret};

/// An attempt under way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Delivery> + Send + 'a>>;

/// Brings messages to targets of one kind.
pub trait Sender: Send + Sync {
    /// Makes one attempt.
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a>;
}
