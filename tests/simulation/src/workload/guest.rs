//! Guests, staff and an operator: each does one thing after the other, asks again elsewhere until he knows, and now and
//! then asks twice at once.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use holdfast_model::{Answer, BookingId, Call, Glance, SlotId, UserId};
use holdfast_reservations::RequestKey;
use serde_json::{Value, json};

use super::answers::{answer_in, is_definite, revision_in, summary_of};
use super::park::{Park, SLOTS};
use super::{Kind, Operation, Person, Wish, draw, sign_in};
use crate::chance::Chance;
use crate::client::{Ask, Client, Fidelity, Reply, Silence};
use crate::network::{MachineNumber, Net};
use crate::node::{OPERATOR_EMAIL, OPERATOR_PASSWORD};
use crate::recorder::Recorder;
use crate::time::{EPOCH_MS, WorldTime};
use crate::trace::Trace;

/// One attempt while everything is being set up.
const SETUP_PATIENCE: Duration = Duration::from_secs(3);

const PASSWORD: &str = "down-by-the-lake";

/// How much clients do; changed from outside while they do it.
#[derive(Clone, Default)]
pub struct Load {
    inner: Arc<LoadInner>,
}

#[derive(Default)]
struct LoadInner {
    park: Mutex<Option<Park>>,
    arrived: AtomicUsize,
    began: AtomicBool,
    is_over: AtomicBool,
    gone: AtomicUsize,
    /// The crowd books until then.
    burst_until_ms: AtomicU64,
    /// Of a hundred calls so many are asked twice at once.
    twice_percent: AtomicU64,
}

/// Who there is, and how they reach the nodes.
#[derive(Clone)]
pub struct Guests {
    /// How many have things to do all the time; the first is staff.
    pub count: usize,
    /// How many more come when there is a burst.
    pub crowd: usize,
    /// Milliseconds between two things that somebody does.
    pub think_ms: u64,
    /// The machines of the nodes.
    pub nodes: Vec<MachineNumber>,
    /// The machine they are at.
    pub machine: MachineNumber,
    /// The network.
    pub net: Net,
    /// How calls are carried.
    pub fidelity: Fidelity,
    /// What they do is drawn from it.
    pub chance: Chance,
    /// What they are told goes there.
    pub recorder: Recorder,
    /// Right time.
    pub time: WorldTime,
    /// All that happens.
    pub trace: Trace,
    /// What is wanted of them.
    pub load: Load,
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

    fn is_over(&self) -> bool {
        self.inner.is_over.load(Ordering::Relaxed)
    }
}

impl Guests {
    /// Lets everybody come, and do things until it is over.
    pub async fn run(mut self) {
        let mut chance = self.chance.fork();
        for number in 0..self.count + self.crowd {
            let guest = Guest::new(&self, number, chance.fork());
            drop(tokio::spawn(guest.live(number >= self.count)));
        }
        self.open_park().await;
        std::future::pending::<()>().await;
    }

    /// The operator opens slots.
    async fn open_park(&mut self) {
        let chance = self.chance.fork();
        let mut operator = Guest::new(self, usize::MAX, chance);
        let wish = sign_in::log_in(OPERATOR_EMAIL, OPERATOR_PASSWORD);
        let tokens = operator.insist(&wish).await;
        operator.take_tokens(&tokens);
        let post = |path: &str, body: Value| Wish {
            method: "POST",
            path: path.to_owned(),
            body: Some(body),
            kind: Kind::Change,
            request: None,
        };
        let venue = json!({
            "name": "Lake", "region": "North", "timeZone": "Europe/Berlin", "openAt": "08:00", "closeAt": "20:00"
        });
        let venue = operator.insist(&post("/v1/venues", venue)).await;
        let resource = json!({"venueId": venue["id"], "kind": "ride", "name": "Boat"});
        let resource = operator.insist(&post("/v1/resources", resource)).await;
        let mut park = Park { resource: resource["id"].as_u64().unwrap_or(0), ..Park::default() };
        // Those the history is about stay open; of the others some end soon.
        let slots: Vec<Value> = (0..2 * SLOTS)
            .map(|number| match number < SLOTS {
                true => park.new_slot(36_000, operator.chance.between(1..=8)),
                false => park.new_slot(operator.chance.between(8..=60), operator.chance.between(1..=8)),
            })
            .collect();
        let path = format!("/v1/resources/{}/slots", park.resource);
        let opened = operator.insist(&post(&path, Value::Array(slots))).await;
        let ids = opened.as_array().into_iter().flatten().filter_map(|slot| slot["id"].as_u64()).map(SlotId);
        let ids: Vec<SlotId> = ids.collect();
        (park.recorded, park.changing) = (ids[..SLOTS].to_vec(), ids[SLOTS..].to_vec());
        let staff_id = loop {
            let known = self.load.inner.park.lock().unwrap_or_else(PoisonError::into_inner).take();
            match known {
                Some(known) => break known.resource,
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        let path = format!("/v1/users/{staff_id}/role");
        let role =
            Wish { method: "PUT", body: Some(json!({"role": "operator"})), ..post(&path, Value::Null) };
        operator.insist(&role).await;
        *self.load.inner.park.lock().unwrap_or_else(PoisonError::into_inner) = Some(park);
    }
}

/// What an operation is called, and whether it always changes something.
type Name = (&'static str, bool);

/// Somebody with connections of his own.
struct Guest {
    number: usize,
    nodes: Vec<MachineNumber>,
    client: Client,
    /// For what is asked twice at once.
    second: Client,
    chance: Chance,
    recorder: Recorder,
    time: WorldTime,
    trace: Trace,
    load: Load,
    think_ms: u64,
    who: Person,
}

impl Guest {
    fn new(guests: &Guests, number: usize, chance: Chance) -> Self {
        let client = || Client::new(guests.net.of(guests.machine), guests.fidelity);
        let who = Person {
            user: UserId(0),
            email: format!("guest{number}@park.example"),
            password: PASSWORD.to_owned(),
            token: String::new(),
            refresh_token: String::new(),
            is_staff: number == 0,
            bookings: Vec::new(),
        };
        Self {
            number,
            nodes: guests.nodes.clone(),
            client: client(),
            second: client(),
            chance,
            recorder: guests.recorder.clone(),
            time: guests.time.clone(),
            trace: guests.trace.clone(),
            load: guests.load.clone(),
            think_ms: guests.think_ms,
            who,
        }
    }

    async fn live(mut self, is_crowd: bool) {
        self.arrive().await;
        let park = loop {
            match self.load.park().filter(|park| !park.recorded.is_empty()) {
                Some(park) if self.load.inner.began.load(Ordering::Relaxed) => break park,
                Some(_) | None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        while !self.load.is_over() {
            let think_ms = match is_crowd {
                false => self.chance.around(self.think_ms),
                true if self.time.now_ms() < self.load.inner.burst_until_ms.load(Ordering::Relaxed) => 1,
                true => 50,
            };
            tokio::time::sleep(Duration::from_millis(think_ms)).await;
            if think_ms < 50 || !is_crowd {
                let operation = draw(&mut self.chance);
                self.perform(operation, &park).await;
            }
        }
        self.load.inner.gone.fetch_add(1, Ordering::Relaxed);
    }

    /// Signs up and logs in.
    async fn arrive(&mut self) {
        let body = json!({"email": self.who.email, "password": self.who.password, "name": "Guest"});
        let sign_up = Wish {
            method: "POST",
            path: "/auth/signup".to_owned(),
            body: Some(body),
            kind: Kind::SignIn,
            request: None,
        };
        let signed_up = self.insist(&sign_up).await;
        self.who.user = UserId(signed_up["userId"].as_str().and_then(|id| id.parse().ok()).unwrap_or(0));
        let wish = sign_in::log_in(&self.who.email, &self.who.password);
        let tokens = self.insist(&wish).await;
        self.take_tokens(&tokens);
        if self.who.is_staff {
            // Tells the operator whom to make staff.
            let told = Park { resource: self.who.user.0, ..Park::default() };
            *self.load.inner.park.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
        }
        self.load.inner.arrived.fetch_add(1, Ordering::Relaxed);
    }

    fn take_tokens(&mut self, tokens: &Value) {
        let text = |name: &str| tokens[name].as_str().unwrap_or_default().to_owned();
        (self.who.token, self.who.refresh_token) = (text("accessToken"), text("refreshToken"));
    }

    /// Asks until it is done, for what everything else begins with.
    async fn insist(&mut self, wish: &Wish) -> Value {
        let key = self.new_key();
        loop {
            let node = *self.chance.pick(&self.nodes);
            let ask = self.ask(wish, Some(&key));
            match self.client.ask(node, &ask, SETUP_PATIENCE).await {
                Ok(reply) if reply.status < 300 => return reply.json,
                Ok(reply) if ![401, 429, 503, 504].contains(&reply.status) => {
                    panic!("setting up, {wish:?} gets {reply:?}")
                }
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Does one thing, for as long as he cares.
    async fn perform(&mut self, operation: &dyn Operation, park: &Park) {
        let Some(wish) = operation.draw(&self.who, park, &mut self.chance) else { return };
        let key = matches!(wish.kind, Kind::Change | Kind::SignIn).then(|| self.new_key());
        let mut attempts = self.chance.between(1..=10);
        while attempts > 0 {
            attempts -= 1;
            let name = (operation.name(), operation.always_changes());
            let sent = self.attempt(name, &wish, key.as_deref()).await;
            match &sent {
                Ok(reply) if reply.status < 300 => return operation.learn(&mut self.who, park, &wish, reply),
                Ok(reply) if reply.status == 401 && wish.kind != Kind::SignIn => {
                    return self.come_back().await;
                }
                _ if is_definite(&sent) => return,
                Ok(_) | Err(_) => (),
            }
            let pause_ms = self.chance.around(60);
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
    }

    /// A token that is good no more is replaced by a new one.
    async fn come_back(&mut self) {
        let wish = sign_in::log_in(&self.who.email, &self.who.password);
        let key = self.new_key();
        if let Ok(reply) = self.attempt(("log_in", false), &wish, Some(&key)).await
            && reply.status < 300
        {
            self.take_tokens(&reply.json);
        }
    }

    /// Makes one attempt, or two at once.
    async fn attempt(&mut self, name: Name, wish: &Wish, key: Option<&str>) -> Result<Reply, Silence> {
        let (ask, patience) = (self.ask(wish, key), Duration::from_millis(self.chance.between(100..=4000)));
        let node = *self.chance.pick(&self.nodes);
        let twice = self.load.inner.twice_percent.load(Ordering::Relaxed);
        let other = self.chance.percent(twice).then(|| *self.chance.pick(&self.nodes));
        let invoked_at = self.recorder.now();
        let own = async {
            let sent = self.client.ask(node, &ask, patience).await;
            (sent, self.recorder.now())
        };
        let again = async {
            match other {
                Some(other) => {
                    Some((other, self.second.ask(other, &ask, patience).await, self.recorder.now()))
                }
                None => None,
            }
        };
        let ((sent, answered_at), again) = futures_util::future::join(own, again).await;
        self.note(name, wish, key, node, (invoked_at, answered_at), &sent);
        if let Some((other, sent, answered_at)) = again {
            self.note(name, wish, key, other, (invoked_at, answered_at), &sent);
        }
        sent
    }

    fn note(
        &self,
        name: Name,
        wish: &Wish,
        key: Option<&str>,
        node: MachineNumber,
        (invoked_at, answered_at): (u64, u64),
        sent: &Result<Reply, Silence>,
    ) {
        let summary = summary_of(sent);
        self.trace.note(|| format!("guest {} node {node} {} {}", self.number, wish.path, summary));
        self.recorder.count(&self.trace, name.0, &summary);
        if let Ok(reply) = sent
            && reply.status < 300
            && wish.kind == Kind::Change
            && let Some(revision) = revision_in(&reply.json)
        {
            self.recorder.acknowledge(revision, key.filter(|_| name.1).map(request_key));
        }
        if let Ok(Reply { index: Some(index), .. }) = sent
            && wish.kind == Kind::ReadStale
        {
            self.recorder.glance(Glance { invoked_at, answered_at, node: node + 1, index: *index });
        }
        let Some(request) = wish.request else { return };
        let answer = answer_in(request, sent);
        let is_told = !matches!(answer, Answer::NotDone(_) | Answer::Unknown);
        self.recorder.record(Call {
            invoked_at,
            answered_at,
            user: self.who.user,
            node: Some(node + 1),
            key: key.map(str::to_owned),
            request,
            answer,
            index: sent.as_ref().ok().and_then(|reply| reply.index).filter(|_| is_told),
        });
    }

    fn ask(&self, wish: &Wish, key: Option<&str>) -> Ask {
        Ask {
            method: wish.method,
            path: wish.path.clone(),
            token: (wish.kind != Kind::SignIn).then(|| self.who.token.clone()),
            key: key.map(str::to_owned),
            body: wish.body.clone(),
        }
    }

    /// A key that no other call has: now a name, now a UUID that says when it was made.
    fn new_key(&mut self) -> String {
        let (high, low) = (self.chance.draw(), self.chance.draw());
        match self.chance.percent(30) {
            true => format!("{}-{high:016x}", self.number),
            false => {
                let millis = EPOCH_MS + self.time.now_ms();
                let bits = (millis << 16) | 0x7000 | (high & 0xfff);
                let low = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
                let (a, b, c) = (bits >> 32, (bits >> 16) & 0xffff, bits & 0xffff);
                format!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
            }
        }
    }
}

/// A key as the cluster keeps it.
pub(crate) fn request_key(text: &str) -> RequestKey {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    match u128::from_str_radix(&digits, 16) {
        Ok(number) if text.len() == 36 => RequestKey::Uuid(number.to_be_bytes()),
        Ok(_) | Err(_) => RequestKey::Named(xxhash_rust::xxh3::xxh3_128(text.as_bytes()).to_be_bytes()),
    }
}

impl Person {
    /// One of the bookings he knows.
    pub(super) fn any_booking(&self, chance: &mut Chance) -> Option<(BookingId, SlotId)> {
        self.any_booking_where(chance, |_| true)
    }

    /// One of those in such slots; mostly one of the last.
    pub(super) fn any_booking_where(
        &self,
        chance: &mut Chance,
        is_such: impl Fn(SlotId) -> bool,
    ) -> Option<(BookingId, SlotId)> {
        let such: Vec<_> = self.bookings.iter().rev().filter(|(_, slot)| is_such(*slot)).take(8).collect();
        (!such.is_empty()).then(|| **chance.pick(&such))
    }
}
