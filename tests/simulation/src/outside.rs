//! The world outside: phones, mailboxes and servers that take what they are sent, fail, stall, and lose their answers.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holdfast_leader::Post;
use holdfast_leader::senders::{Attempt, Delivery, Message, Target};

use crate::chance::Chance;
use crate::network::MachineNumber;
use crate::time::WorldTime;
use crate::trace::Trace;

/// Messages of one channel that a node may have under way at once.
const UNDER_WAY_MAX: usize = 32;

/// A message fails so often at most: what fails comes back later and later, and a seed ends.
const FAILURES_MAX: usize = 3;

/// The world outside. Clones are the same.
#[derive(Clone)]
pub struct Outside(Arc<Mutex<Inner>>);

struct Inner {
    time: WorldTime,
    trace: Trace,
    chance: Chance,
    /// How likely each fate is.
    habits: Vec<(u64, Fate)>,
    /// Numbers everything that happens.
    moment: u64,
    attempts: Vec<Sent>,
    under_way: BTreeMap<(MachineNumber, Way), usize>,
    /// Ways that are left alone until then.
    down_until_ms: BTreeMap<Way, u64>,
    most_under_way: usize,
}

/// An attempt to send something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Of which event.
    pub event: String,
    /// What happened.
    pub kind: String,
    /// To which booking; 0 if to none.
    pub booking: u64,
    /// In which slot.
    pub slot: u64,
    /// To whom.
    pub to: Recipient,
    /// When it began, in the order of all that happens outside.
    pub began: u64,
    /// When it arrived, if it did.
    pub arrived: Option<u64>,
    /// The sender was told that nobody is there.
    pub is_gone: bool,
}

/// To whom something is sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recipient {
    /// An Apple device.
    Apple(String),
    /// An Android device.
    Google(String),
    /// A mailbox.
    Mailbox(String),
    /// A webhook.
    Hook(u64),
}

/// What fails as one, and has messages of its own under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Apple,
    Google,
    Mail,
    Hook(u64),
}

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrives,
    Fails,
    /// It arrives, and nobody hears of it.
    LosesAnswer,
    /// It takes long, and then it has arrived or not.
    Stalls,
    /// Nobody is there any more.
    Gone,
    Refused,
    /// The way is left alone.
    Down,
}

/// The way out of one node.
pub struct Gate {
    outside: Outside,
    machine: MachineNumber,
}

impl Outside {
    /// A world with habits of its own.
    #[must_use]
    pub fn new(mut chance: Chance, time: WorldTime, trace: Trace) -> Self {
        let harm = *chance.pick(&[0, 4, 12, 30]);
        let habits = vec![
            (100, Fate::Arrives),
            (harm, Fate::Fails),
            (harm, Fate::LosesAnswer),
            (harm / 3, Fate::Stalls),
            (harm / 12, Fate::Gone),
            (harm / 4, Fate::Refused),
            (harm / 4, Fate::Down),
        ];
        Self(Arc::new(Mutex::new(Inner {
            time,
            trace,
            chance,
            habits,
            moment: 0,
            attempts: Vec::new(),
            under_way: BTreeMap::new(),
            down_until_ms: BTreeMap::new(),
            most_under_way: 0,
        })))
    }

    /// The way out of a node.
    #[must_use]
    pub fn of(&self, machine: MachineNumber) -> Gate {
        Gate { outside: self.clone(), machine }
    }

    /// From now on everything arrives.
    pub fn mend(&self) {
        let mut inner = self.lock();
        inner.habits = vec![(1, Fate::Arrives)];
        inner.down_until_ms.clear();
    }

    /// All that anybody tried to send, in its order.
    #[must_use]
    pub fn attempts(&self) -> Vec<Sent> {
        self.lock().attempts.clone()
    }

    /// Whether no node ever had too much under way.
    ///
    /// # Errors
    ///
    /// If one had.
    pub fn check(&self) -> Result<(), String> {
        match self.lock().most_under_way {
            ..=UNDER_WAY_MAX => Ok(()),
            most => Err(format!("{most} messages of one channel were under way at once")),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Post for Gate {
    fn attempt<'a>(&'a self, message: &'a Message) -> Pin<Box<dyn Future<Output = Attempt> + Send + 'a>> {
        Box::pin(self.send(message))
    }
}

impl Gate {
    async fn send(&self, message: &Message) -> Attempt {
        let (number, fate, wait) = match self.outside.lock().begin(self.machine, message) {
            Ok(begun) => begun,
            Err(wait) => return Attempt::Waits(wait),
        };
        // Whatever ends it: it is under way no more.
        let _under_way = UnderWay { gate: self, way: Way::of(&message.target) };
        tokio::time::sleep(wait).await;
        Attempt::Made(self.outside.lock().end(number, fate))
    }
}

struct UnderWay<'a> {
    gate: &'a Gate,
    way: Way,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut inner = self.gate.outside.lock();
        if let Some(count) = inner.under_way.get_mut(&(self.gate.machine, self.way)) {
            *count -= 1;
        }
    }
}

impl Inner {
    /// Begins an attempt: which one, what becomes of it, and how long that takes; or how long to leave it alone.
    fn begin(
        &mut self,
        machine: MachineNumber,
        message: &Message,
    ) -> Result<(usize, Fate, Duration), Duration> {
        let (way, now_ms) = (Way::of(&message.target), self.time.now_ms());
        if let Some(until_ms) = self.down_until_ms.get(&way).filter(|until_ms| **until_ms > now_ms) {
            return Err(Duration::from_millis(until_ms - now_ms));
        }
        let to = Recipient::of(&message.target);
        let before = self.attempts.iter().filter(|sent| sent.event == message.event_id && sent.to == to);
        let fate = if before.count() < FAILURES_MAX { self.draw() } else { Fate::Arrives };
        let Message { event_id, kind, booking_id, slot_id, .. } = message;
        self.trace.note(|| format!("{now_ms} machine {machine} sends {event_id} {kind} to {to:?}: {fate:?}"));
        if fate == Fate::Down {
            let wait_ms = self.chance.between(200..=3000);
            self.down_until_ms.insert(way, now_ms + wait_ms);
            return Err(Duration::from_millis(wait_ms));
        }
        let wait_ms = match fate {
            Fate::Stalls => self.chance.between(1000..=10_000),
            Fate::Arrives | Fate::Fails | Fate::LosesAnswer | Fate::Gone | Fate::Refused | Fate::Down => {
                self.chance.around(20)
            }
        };
        let under_way = self.under_way.entry((machine, way)).or_default();
        *under_way += 1;
        self.most_under_way = self.most_under_way.max(*under_way);
        self.moment += 1;
        self.attempts.push(Sent {
            event: event_id.clone(),
            kind: kind.clone(),
            booking: *booking_id,
            slot: *slot_id,
            to,
            began: self.moment,
            arrived: None,
            is_gone: false,
        });
        Ok((self.attempts.len() - 1, fate, Duration::from_millis(wait_ms)))
    }

    fn end(&mut self, number: usize, fate: Fate) -> Delivery {
        self.moment += 1;
        let arrives = match fate {
            Fate::Arrives | Fate::LosesAnswer => true,
            Fate::Stalls => self.chance.percent(50),
            Fate::Fails | Fate::Gone | Fate::Refused | Fate::Down => false,
        };
        let sent = &mut self.attempts[number];
        sent.arrived = arrives.then_some(self.moment);
        sent.is_gone = fate == Fate::Gone;
        let why = || format!("{fate:?}").to_lowercase();
        match fate {
            Fate::Arrives => Delivery::Delivered,
            Fate::Gone => Delivery::Gone { why: why() },
            Fate::Refused => Delivery::Refused { why: why() },
            Fate::Fails | Fate::LosesAnswer | Fate::Stalls | Fate::Down => {
                let after_ms = self.chance.percent(50).then(|| self.chance.between(100..=1500));
                Delivery::Retry { after: after_ms.map(Duration::from_millis), why: why() }
            }
        }
    }

    fn draw(&mut self) -> Fate {
        let all: u64 = self.habits.iter().map(|(weight, _)| weight).sum();
        let mut drawn = self.chance.between(0..=all - 1);
        for (weight, fate) in &self.habits {
            if drawn < *weight {
                return *fate;
            }
            drawn -= weight;
        }
        Fate::Arrives
    }
}

impl Recipient {
    fn of(target: &Target) -> Self {
        match target {
            Target::Apns { device_token } => Self::Apple(device_token.clone()),
            Target::Fcm { registration_token } => Self::Google(registration_token.clone()),
            Target::Email { address } => Self::Mailbox(address.clone()),
            Target::Webhook { id, .. } => Self::Hook(*id),
            Target::Log => Self::Mailbox(String::new()),
        }
    }
}

impl Way {
    fn of(target: &Target) -> Self {
        match target {
            Target::Apns { .. } => Self::Apple,
            Target::Fcm { .. } => Self::Google,
            Target::Email { .. } | Target::Log => Self::Mail,
            Target::Webhook { id, .. } => Self::Hook(*id),
        }
    }
}
