//! Guests, staff and an operator: each does one thing after the other, asks again elsewhere until he knows, and now and
//! then asks twice at once.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use holdfast_model::{Answer, Call, Door, Fate, Glance, Pass, Right, Rule, Ruling, Showing, UserId};
use serde_json::Value;

use super::accounts::name_of;
use super::answers::{answer_in, is_definite, revision_in, summary_of, told_at_entrance};
use super::guests::Guests;
use super::load::Load;
use super::park::Park;
use super::{By, Kind, Operation, Person, Wish, draw, keys, own_account, sign_in};
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
    decision: Decision,
}

/// What is known of a request that decides something about who may act.
#[derive(Default)]
struct Decision {
    invoked_at: Option<u64>,
    acknowledged_at: Option<u64>,
    may_be: bool,
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
            given_at: 0,
            old_tokens: Vec::new(),
            used_refresh_token: None,
            maybe_password: None,
            accounts: guests.load.accounts.clone(),
            recorder: guests.recorder.clone(),
            is_staff: number == 0,
            bookings: Vec::new(),
            scans: Vec::new(),
            devices: Vec::new(),
            webhooks: Vec::new(),
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
            decision: Decision::default(),
        }
    }

    pub(super) async fn live(mut self, is_crowd: bool) {
        self.arrive(is_crowd).await;
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
            if (think_ms < 50 || !is_crowd) && !self.load.is_resting() {
                let operation = draw(&mut self.chance);
                self.perform(operation, &park).await;
            }
        }
        self.load.inner.gone.fetch_add(1, Ordering::Relaxed);
    }

    /// Signs up and logs in.
    async fn arrive(&mut self, is_crowd: bool) {
        let sign_up = own_account::sign_up(&self.who.email, &self.who.password);
        let signed_up = self.insist(&sign_up).await;
        self.who.user = UserId(signed_up["userId"].as_str().and_then(|id| id.parse().ok()).unwrap_or(0));
        let wish = sign_in::log_in(&self.who.email, &self.who.password);
        let tokens = self.insist(&wish).await;
        self.who.take_tokens(&tokens);
        if self.who.is_staff {
            // Tells the operator whom to make staff.
            let told = Park { resource: self.who.user.0, ..Park::default() };
            *self.load.inner.park.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
        }
        if !self.who.is_staff {
            let door = Door { user: self.who.user.0, right: Right::ChecksIn };
            let what = Rule::Shut(door);
            self.recorder.rule(Ruling { invoked_at: 0, acknowledged_at: Some(0), what });
            if !is_crowd {
                self.load.accounts.known().people.push(self.who.user);
            }
        }
        self.load.inner.arrived.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn accept(&mut self, tokens: &Value) {
        self.who.take_tokens(tokens);
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
        self.decision = Decision::default();
        self.insist_a_while(operation, &wish, key.as_deref(), park).await;
        let Decision { invoked_at: Some(invoked_at), acknowledged_at, may_be, .. } = self.decision else {
            return;
        };
        if acknowledged_at.is_some() || may_be {
            for what in wish.rules {
                self.recorder.rule(Ruling { invoked_at, acknowledged_at, what });
            }
            if let Some(password) = wish.password {
                // It may be his, or become it.
                self.who.maybe_password = Some(password).filter(|password| *password != self.who.password);
            }
        }
    }

    async fn insist_a_while(
        &mut self,
        operation: &dyn Operation,
        wish: &Wish,
        key: Option<&str>,
        park: &Park,
    ) {
        let mut attempts = self.chance.between(1..=10);
        while attempts > 0 {
            attempts -= 1;
            let name = (operation.name(), operation.always_changes());
            let sent = self.attempt(name, wish, key).await;
            match &sent {
                Ok(reply) if reply.status < 300 => {
                    self.recorder.complain(operation.complaint(reply));
                    return operation.learn(&mut self.who, park, wish, reply);
                }
                Ok(reply) if reply.status == 401 && wish.kind != Kind::SignIn && wish.by.is_none() => {
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
        let before = std::mem::take(&mut self.decision);
        let sent = self.attempt(("log_in", false), &wish, Some(&key)).await;
        self.decision = before;
        if let Ok(reply) = sent
            && reply.status < 300
        {
            self.who.take_tokens(&reply.json);
            self.who.used_refresh_token = None;
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
        self.decision.invoked_at.get_or_insert(invoked_at);
        self.note(name, wish, key, node, (invoked_at, answered_at), &sent);
        if let Some((other, sent, answered_at)) = again {
            self.note(name, wish, key, other, (invoked_at, answered_at), &sent);
        }
        sent
    }

    fn note(
        &mut self,
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
        self.decide(wish, answered_at, sent);
        self.pass(wish, answered_at, sent);
        self.show(wish, (invoked_at, answered_at), sent);
        let Some(request) = wish.request else { return };
        let answer = answer_in(request, sent);
        let is_told = !matches!(answer, Answer::NotDone(_) | Answer::Unknown);
        self.recorder.record(Call {
            invoked_at,
            answered_at,
            user: wish.by.as_ref().map_or(self.who.user, |by| by.user),
            node: Some(node.1).filter(|_| self.load.is_there(node)),
            key: key.map(str::to_owned),
            request,
            answer,
            index: sent.as_ref().ok().and_then(|reply| reply.index).filter(|_| is_told),
        });
    }

    /// Records what was told at the entrance.
    fn pass(&self, wish: &Wish, answered_at: u64, sent: &Result<Reply, Silence>) {
        let Some((booking, act)) = wish.at_entrance.clone() else { return };
        let Some(told) = told_at_entrance(&act, sent) else { return };
        let invoked_at = self.decision.invoked_at.unwrap_or(answered_at);
        self.recorder.pass(Pass { invoked_at, answered_at, booking, act, told });
    }

    fn decide(&mut self, wish: &Wish, answered_at: u64, sent: &Result<Reply, Silence>) {
        let decision = &mut self.decision;
        match sent {
            Ok(reply) if (reply.status < 300) != wish.is_ruled_by_refusal => {
                // What the key of a node that has left has signed ends no session: it may be forged.
                let is_believed = reply.code() == "session_invalid" && !self.load.has_retired_keys();
                let is_it = !wish.is_ruled_by_refusal || is_believed;
                if is_it {
                    let first = decision.acknowledged_at.map_or(answered_at, |at| at.min(answered_at));
                    decision.acknowledged_at = Some(first);
                }
                // A node may say so of what it does not understand yet.
                decision.may_be |= !is_it;
            }
            Err(Silence::NotSent) => (),
            // Refused: whatever it may have done, another attempt did.
            Ok(Reply { status: 400..500, .. }) => (),
            Ok(_) | Err(Silence::Lost) => decision.may_be = true,
        }
        if let Ok(reply) = sent
            && reply.code() == "bad_credentials"
            && let Some(other) = self.who.maybe_password.take()
        {
            self.who.maybe_password = Some(std::mem::replace(&mut self.who.password, other));
        }
    }

    /// Records what became of somebody who asked to be let in.
    fn show(&self, wish: &Wish, (invoked_at, answered_at): (u64, u64), sent: &Result<Reply, Silence>) {
        let Ok(reply) = sent else { return };
        let is_app = wish.by.as_ref().is_some_and(|by| by.given_at == u64::MAX);
        let fate = match (reply.status, reply.code()) {
            (200..=299, _) if wish.kind != Kind::ReadStale => Fate::LetIn,
            (401, "banned") => Fate::Banned,
            (403, _) => Fate::Forbidden,
            (401, _) if is_app => Fate::Unknown,
            _ => return,
        };
        if wish.is_of_nobody {
            return;
        }
        let own = || By::new(&self.who, &self.who.token, self.who.given_at);
        let by = match wish.kind {
            Kind::SignIn => wish.by.clone(),
            Kind::Change | Kind::Read | Kind::ReadStale => Some(wish.by.clone().unwrap_or_else(own)),
        };
        let user = by.as_ref().map_or(self.who.user, |by| by.user);
        // A retry may be told what the first one did.
        let first_at = if wish.kind == Kind::Read { None } else { self.decision.invoked_at };
        self.recorder.show(Showing {
            invoked_at: first_at.unwrap_or(invoked_at),
            answered_at,
            door: Door { user: user.0, right: wish.right },
            shown: by.map(|by| (name_of(&by.token), by.given_at)),
            fate,
        });
    }

    fn ask(&self, wish: &Wish, key: Option<&str>) -> Ask {
        Ask {
            method: wish.method,
            path: wish.path.clone(),
            token: (wish.kind != Kind::SignIn)
                .then(|| wish.by.as_ref().map_or_else(|| self.who.token.clone(), |by| by.token.clone())),
            key: key.map(str::to_owned),
            body: wish.body.clone(),
        }
    }

    fn new_key(&mut self) -> String {
        keys::new_key(self.number, &mut self.chance, &self.time)
    }
}
