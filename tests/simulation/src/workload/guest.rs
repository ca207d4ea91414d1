//! Guests, staff and an operator: each does one thing after the other, asks again elsewhere until he knows, and now and
//! then asks twice at once.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use holdfast_model::{Answer, Call, Glance, UserId};
use serde_json::{Value, json};

use super::answers::{answer_in, is_definite, revision_in, summary_of};
use super::guests::Guests;
use super::load::Load;
use super::park::Park;
use super::{Kind, Operation, Person, Wish, draw, keys, sign_in};
use crate::chance::Chance;
use crate::client::{Ask, Client, Reply, Silence};
use crate::network::MachineNumber;
use crate::recorder::Recorder;
use crate::time::WorldTime;
use crate::trace::Trace;

/// One attempt while everything is being set up.
const SETUP_PATIENCE: Duration = Duration::from_secs(3);

const PASSWORD: &str = "down-by-the-lake";

/// What an operation is called, and whether it always changes something.
type Name = (&'static str, bool);

/// Somebody with connections of his own.
pub(super) struct Guest {
    number: usize,
    client: Client,
    /// For what is asked twice at once.
    second: Client,
    pub(super) chance: Chance,
    recorder: Recorder,
    time: WorldTime,
    trace: Trace,
    load: Load,
    think_ms: u64,
    who: Person,
}

impl Guest {
    pub(super) fn new(guests: &Guests, number: usize, chance: Chance) -> Self {
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

    pub(super) async fn live(mut self, is_crowd: bool) {
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

    pub(super) fn take_tokens(&mut self, tokens: &Value) {
        let text = |name: &str| tokens[name].as_str().unwrap_or_default().to_owned();
        (self.who.token, self.who.refresh_token) = (text("accessToken"), text("refreshToken"));
    }

    /// Asks until it is done, for what everything else begins with.
    pub(super) async fn insist(&mut self, wish: &Wish) -> Value {
        let key = self.new_key();
        loop {
            let (node, _) = self.load.some_node(&mut self.chance);
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
        let node = self.load.some_node(&mut self.chance);
        let twice = self.load.inner.twice_percent.load(Ordering::Relaxed);
        let other = self.chance.percent(twice).then(|| self.load.some_node(&mut self.chance));
        let invoked_at = self.recorder.now();
        let own = async {
            let sent = self.client.ask(node.0, &ask, patience).await;
            (sent, self.recorder.now())
        };
        let again = async {
            match other {
                Some(other) => {
                    Some((other, self.second.ask(other.0, &ask, patience).await, self.recorder.now()))
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
        node: (MachineNumber, usize),
        (invoked_at, answered_at): (u64, u64),
        sent: &Result<Reply, Silence>,
    ) {
        let summary = summary_of(sent);
        self.trace.note(|| format!("guest {} node {} {} {}", self.number, node.0, wish.path, summary));
        self.recorder.count(&self.trace, name.0, &summary);
        if let Ok(reply) = sent
            && reply.status < 300
            && wish.kind == Kind::Change
            && let Some(revision) = revision_in(&reply.json)
        {
            self.recorder.acknowledge(revision, key.filter(|_| name.1).map(keys::request_key));
        }
        if let Ok(Reply { index: Some(index), .. }) = sent
            && wish.kind == Kind::ReadStale
            // Otherwise another one may have answered.
            && self.load.is_there(node)
        {
            self.recorder.glance(Glance { invoked_at, answered_at, node: node.1, index: *index });
        }
        let Some(request) = wish.request else { return };
        let answer = answer_in(request, sent);
        let is_told = !matches!(answer, Answer::NotDone(_) | Answer::Unknown);
        self.recorder.record(Call {
            invoked_at,
            answered_at,
            user: self.who.user,
            node: Some(node.1).filter(|_| self.load.is_there(node)),
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

    fn new_key(&mut self) -> String {
        keys::new_key(self.number, &mut self.chance, &self.time)
    }
}
