//! The router: to each target its sender, and to each destination a breaker.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::breaker::{Admission, Breaker};
use super::message::{Delivery, Message, Target};
use super::settings::{Settings, SettingsError};
use super::{Apns, Email, Fcm, Log, Sender, Webhooks};

/// Destinations that have lately failed and are watched; one more is tried as if it never failed.
const WATCHED_MAX: usize = 10_000;

/// What this node has no sender for waits so long for a node that has one.
const NO_SENDER_WAIT: Duration = Duration::from_secs(60);

/// All senders of a node.
pub struct Senders {
    apns: Option<Box<dyn Sender>>,
    fcm: Option<Box<dyn Sender>>,
    email: Option<Box<dyn Sender>>,
    webhooks: Box<dyn Sender>,
    log: Option<Log>,
    /// Of destinations whose last attempt failed.
    breakers: Mutex<BTreeMap<Destination, Breaker>>,
    /// Without a sender, and the operator was told.
    told: Mutex<BTreeSet<Destination>>,
}

/// What became of a message that was to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    Made(Delivery),
    /// Its destination is left alone for so long; this was no attempt.
    Waits(Duration),
}

/// What fails as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Destination {
    Apns,
    Fcm,
    Email,
    Webhook(u64),
}

impl Senders {
    /// Reads the keys that the settings name.
    ///
    /// # Errors
    ///
    /// A setting that cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        fn boxed(sender: impl Sender + 'static) -> Box<dyn Sender> {
            Box::new(sender)
        }
        let apns = settings.apns.as_ref().map(|account| Apns::new(account, settings)).transpose()?;
        let fcm = settings.fcm.as_ref().map(|account| Fcm::new(account, settings)).transpose()?;
        let email = settings.email.as_ref().map(|server| Email::new(server, settings)).transpose()?;
        settings.check_authorities()?;
        Ok(Self {
            apns: apns.map(boxed),
            fcm: fcm.map(boxed),
            email: email.map(boxed),
            webhooks: boxed(Webhooks::new(settings)?),
            log: settings.log.then_some(Log),
            breakers: Mutex::default(),
            told: Mutex::default(),
        })
    }

    /// Makes one attempt, unless the destination has failed too often of late.
    pub async fn send(&self, message: &Message) -> Attempt {
        let Some(destination) = Destination::of(&message.target) else {
            return Attempt::Made(Log.send(message).await);
        };
        let Some(sender) = self.sender(destination) else {
            return self.without_sender(destination);
        };
        if let Admission::Wait(wait) = self.admit(destination) {
            return Attempt::Waits(wait);
        }
        let mut ending = Ending { senders: self, destination, delivery: None };
        let delivery = sender.send(message).await;
        ending.delivery = Some(delivery.clone());
        Attempt::Made(delivery)
    }

    /// Another node may have a sender, or this one when it is started again.
    fn without_sender(&self, destination: Destination) -> Attempt {
        if self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(destination) {
            tracing::warn!(?destination, "this node leads and is not configured to send what waits");
        }
        Attempt::Waits(NO_SENDER_WAIT)
    }

    fn sender(&self, destination: Destination) -> Option<&dyn Sender> {
        let own = match destination {
            Destination::Apns => self.apns.as_deref(),
            Destination::Fcm => self.fcm.as_deref(),
            Destination::Email => self.email.as_deref(),
            Destination::Webhook(_) => Some(&*self.webhooks),
        };
        own.or(self.log.as_ref().map(|log| log as &dyn Sender))
    }

    fn admit(&self, destination: Destination) -> Admission {
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        breakers.get_mut(&destination).map_or(Admission::Go, |breaker| breaker.admit(Instant::now()))
    }

    fn note(&self, destination: Destination, delivery: Option<&Delivery>) {
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        match delivery {
            Some(Delivery::Retry { why, .. }) => {
                let is_watched = breakers.contains_key(&destination) || breakers.len() < WATCHED_MAX;
                if is_watched {
                    let breaker = breakers.entry(destination).or_insert(Breaker::NEW);
                    let was_open = matches!(breaker, Breaker::Open { .. });
                    breaker.failed(Instant::now());
                    if !was_open && matches!(breaker, Breaker::Open { .. }) {
                        tracing::warn!(
                            ?destination,
                            why,
                            "a destination of messages fails and is left alone"
                        );
                    }
                }
            }
            // It answers, whatever it says of this message.
            Some(
                Delivery::Delivered
                | Delivery::NotNow { .. }
                | Delivery::Gone { .. }
                | Delivery::Refused { .. },
            ) => {
                breakers.remove(&destination);
            }
            None => {
                if let Some(breaker) = breakers.get_mut(&destination) {
                    breaker.abandoned(Instant::now());
                }
            }
        }
    }
}

impl Destination {
    fn of(target: &Target) -> Option<Self> {
        match target {
            Target::Apns { .. } => Some(Self::Apns),
            Target::Fcm { .. } => Some(Self::Fcm),
            Target::Email { .. } => Some(Self::Email),
            Target::Webhook { id, .. } => Some(Self::Webhook(*id)),
            Target::Log => None,
        }
    }
}

/// Tells the breaker how an attempt ended, also if nobody waited for its end.
struct Ending<'a> {
    senders: &'a Senders,
    destination: Destination,
    delivery: Option<Delivery>,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.senders.note(self.destination, self.delivery.as_ref());
    }
}

impl std::fmt::Debug for Senders {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is = |sender: &Option<Box<dyn Sender>>| sender.is_some();
        let (apns, fcm, email) = (is(&self.apns), is(&self.fcm), is(&self.email));
        write!(formatter, "Senders(apns {apns}, fcm {fcm}, email {email}, log {})", self.log.is_some())
    }
}

#[cfg(test)]
mod tests;
