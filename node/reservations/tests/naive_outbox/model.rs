//! Who hears of what, in plain lists.

use std::collections::BTreeMap;

use holdfast_reservations::*;

pub const OPERATOR: u64 = 1;
pub const GUESTS: std::ops::Range<u64> = 2..4;
pub const APP: u64 = 4;
pub const USERS: std::ops::Range<u64> = 1..5;
pub const TOKENS: [&str; 3] = ["phone", "tablet", "watch"];
pub const KINDS: [&str; 4] = ["*", "booking.*", "booking.cancelled", "slot.*"];

#[derive(Clone, Debug)]
pub enum Action {
    OpenSlot,
    Book(u64),
    Cancel(u64),
    AddDevice(usize, Platform),
    RemoveDevice(u32),
    Prefer {
        push: bool,
        email: Option<bool>,
    },
    AddWebhook(usize),
    RemoveWebhook(u64),
    EnableWebhook(u64),
    /// What became of the delivery that is so far behind the first, if there are as many.
    Settle(usize, Settled),
    /// What became of one that is not there.
    SettleNothing,
    Replay(Replay),
    Tick {
        days: u64,
    },
}

/// A delivery: its name, its receiver, since when it waits, how often it was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub channel: Channel,
    pub number: u64,
    pub event: Revision,
    pub kind: String,
    pub booking: Option<u64>,
    pub target: Target,
    pub put_at: u64,
    pub attempts: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub id: u64,
    pub forgotten_at: u64,
    pub delivery: Waiting,
}

#[derive(Clone, Debug, Default)]
struct Person {
    devices: Vec<(u32, Platform, &'static str)>,
    devices_made: u32,
    push: Option<bool>,
    email: Option<bool>,
}

struct Hook {
    kinds: &'static str,
    owner: u64,
    is_enabled: bool,
}

#[derive(Default)]
pub struct Model {
    pub now: u64,
    people: BTreeMap<u64, Person>,
    hooks: BTreeMap<u64, Hook>,
    hooks_made: u64,
    /// Of each booking: whose it is, and who made it.
    pub bookings: BTreeMap<u64, (u64, u64)>,
    pub waiting: Vec<Waiting>,
    made: BTreeMap<Channel, u64>,
    pub letters: Vec<Letter>,
    letters_made: u64,
    /// Webhooks whose channels are to be emptied, and since when.
    clearing: Vec<(u64, u64)>,
}

impl Model {
    fn put(&mut self, delivery: Waiting) {
        // A channel of a webhook begins anew with its id, which is given once.
        let made = self.made.entry(delivery.channel).or_default();
        *made += 1;
        self.waiting.push(Waiting { number: *made, put_at: self.now, attempts: 0, ..delivery });
    }

    fn bury(&mut self, delivery: Waiting) {
        let Target::Webhook(WebhookId(id)) = delivery.target else { return self.keep(delivery) };
        if self.hooks.contains_key(&id) {
            self.keep(delivery);
        }
    }

    fn keep(&mut self, delivery: Waiting) {
        self.letters_made += 1;
        let forgotten_at = self.now + DEAD_LETTER_DURATION.0;
        self.letters.push(Letter { id: self.letters_made, forgotten_at, delivery });
    }

    pub fn hear(&mut self, revision: Revision, event: &Event) {
        let (booking, user) = match *event {
            Event::Booking { booking, user, .. } => (Some(booking.0), Some(user.0)),
            Event::Slot { .. } => (None, None),
            _ => return,
        };
        let kind = event.name();
        let mut targets = Vec::new();
        if let Some(user) = user.filter(|_| kind != "booking.held" && kind != "booking.used") {
            let person = self.people.entry(user).or_default();
            for (number, platform, _) in person.devices.iter().filter(|_| person.push != Some(false)) {
                let channel = if *platform == Platform::Apns { Channel::Apns } else { Channel::Fcm };
                targets.push((channel, Target::Device { user: UserId(user), device: *number }));
            }
            if person.email == Some(true) {
                targets.push((Channel::Email, Target::Address(UserId(user))));
            }
        }
        for (id, hook) in self.hooks.iter().filter(|(_, hook)| hook.is_enabled) {
            let wants = hook.kinds == kind || kind.starts_with(hook.kinds.trim_end_matches('*'));
            let is_own = booking.is_some_and(|booking| {
                let (user, by) = self.bookings[&booking];
                user == hook.owner || by == hook.owner
            });
            if wants && (hook.owner == OPERATOR || is_own) {
                targets.push((Channel::Webhook(WebhookId(*id)), Target::Webhook(WebhookId(*id))));
            }
        }
        for (channel, target) in targets {
            let (kind, event) = (kind.to_owned(), revision);
            self.put(Waiting { channel, number: 0, event, kind, booking, target, put_at: 0, attempts: 0 });
        }
    }

    fn clear_later(&mut self, id: u64) {
        if self.waiting.iter().any(|delivery| delivery.channel == Channel::Webhook(WebhookId(id))) {
            self.clearing.push((self.now, id));
        }
    }

    fn hook(&self, user: u64, id: u64) -> Result<(), Rejection> {
        if GUESTS.contains(&user) {
            return Err(Rejection::Forbidden);
        }
        let hook = self.hooks.get(&id).filter(|hook| user == OPERATOR || hook.owner == user);
        hook.map(|_| ()).ok_or(Rejection::WebhookNotFound(WebhookId(id)))
    }

    /// What a command does to those who listen; `Err` if it is to be refused.
    pub fn act(&mut self, user: u64, action: &Action) -> Result<(), Rejection> {
        match action {
            Action::AddDevice(token, platform) => return self.add_device(user, TOKENS[*token], *platform),
            Action::RemoveDevice(number) => {
                let devices = &mut self.people.entry(user).or_default().devices;
                let at = devices.iter().position(|device| device.0 == *number);
                devices.remove(at.ok_or(Rejection::DeviceNotFound(*number))?);
            }
            Action::Prefer { push, email } => {
                let person = self.people.entry(user).or_default();
                (person.push, person.email) = (Some(*push), *email);
            }
            Action::AddWebhook(kinds) => {
                if GUESTS.contains(&user) {
                    return Err(Rejection::Forbidden);
                }
                let own = self.hooks.values().filter(|hook| hook.owner == user).count();
                if user == APP && own >= WEBHOOKS_PER_APP_MAX {
                    return Err(Rejection::TooManyWebhooks);
                }
                self.hooks_made += 1;
                let hook = Hook { kinds: KINDS[*kinds], owner: user, is_enabled: true };
                self.hooks.insert(self.hooks_made, hook);
            }
            Action::RemoveWebhook(id) => {
                self.hook(user, *id)?;
                self.hooks.remove(id);
                self.clearing.retain(|(_, other)| other != id);
                self.clear_later(*id);
            }
            Action::EnableWebhook(id) => {
                self.hook(user, *id)?;
                self.hooks.get_mut(id).unwrap().is_enabled = true;
                self.clearing.retain(|(_, other)| other != id);
            }
            Action::Settle(at, settled) => self.settle(*at, settled),
            Action::Replay(_) if user != OPERATOR => return Err(Rejection::Forbidden),
            Action::Replay(which) => self.replay(which),
            Action::Tick { .. } => self.tick(),
            Action::OpenSlot | Action::Book(_) | Action::Cancel(_) | Action::SettleNothing => (),
        }
        Ok(())
    }

    fn add_device(&mut self, user: u64, token: &'static str, platform: Platform) -> Result<(), Rejection> {
        let person = self.people.entry(user).or_default();
        if person.devices.iter().any(|device| (device.1, device.2) == (platform, token)) {
            return Ok(());
        }
        for person in self.people.values_mut() {
            person.devices.retain(|device| (device.1, device.2) != (platform, token));
        }
        let person = self.people.entry(user).or_default();
        person.devices_made += 1;
        person.devices.push((person.devices_made, platform, token));
        Ok(())
    }

    fn settle(&mut self, at: usize, settled: &Settled) {
        if at >= self.waiting.len() {
            return;
        }
        if let Settled::Retry { attempts, .. } = settled {
            let known = &mut self.waiting[at].attempts;
            *known = (*known).max(*attempts);
            return;
        }
        let mut delivery = self.waiting.remove(at);
        delivery.attempts += 1;
        match (settled, delivery.target) {
            (Settled::Dead { .. }, _) => self.bury(delivery),
            (Settled::Gone { .. }, Target::Device { user, device }) => {
                self.people.entry(user.0).or_default().devices.retain(|other| other.0 != device);
            }
            (Settled::Gone { .. }, Target::Address(user)) => {
                self.people.entry(user.0).or_default().email = Some(false);
            }
            (Settled::Gone { .. }, Target::Webhook(WebhookId(id))) => {
                self.bury(delivery);
                if self.hooks.get(&id).is_some_and(|hook| hook.is_enabled) {
                    self.hooks.get_mut(&id).unwrap().is_enabled = false;
                    self.clear_later(id);
                }
            }
            _ => (),
        }
    }

    fn replay(&mut self, which: &Replay) {
        let letters = std::mem::take(&mut self.letters);
        for letter in letters {
            let is_meant = match which {
                Replay::Letters(ids) => ids.contains(&letter.id),
                Replay::All { after } => letter.id > *after,
                Replay::Webhook { webhook, after } => {
                    letter.delivery.target == Target::Webhook(*webhook) && letter.id > *after
                }
            };
            let has_destination = match letter.delivery.target {
                Target::Webhook(WebhookId(id)) => self.hooks.get(&id).is_some_and(|hook| hook.is_enabled),
                Target::Address(_) => true,
                Target::Device { user, device } => {
                    self.people.entry(user.0).or_default().devices.iter().any(|other| other.0 == device)
                }
            };
            if is_meant && has_destination { self.put(letter.delivery) } else { self.letters.push(letter) }
        }
    }

    fn tick(&mut self) {
        let now = self.now;
        self.letters.retain(|letter| letter.forgotten_at > now);
        let mut clearing = std::mem::take(&mut self.clearing);
        clearing.sort_unstable();
        for (_, id) in clearing {
            let is_its = |delivery: &Waiting| delivery.channel == Channel::Webhook(WebhookId(id));
            let (cleared, kept) = std::mem::take(&mut self.waiting).into_iter().partition(is_its);
            self.waiting = kept;
            let cleared: Vec<Waiting> = cleared;
            for delivery in cleared {
                self.bury(delivery);
            }
        }
    }
}
