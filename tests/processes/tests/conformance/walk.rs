//! A cluster of three nodes, people who call it, and words for what they were told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use holdfast_cluster::Reply;
use holdfast_model::UserId;
use holdfast_processes::{Stage, beside, fresh_key, give_role, until};
use hyper::Method;
use serde_json::{Value, json};
use tokio::sync::RwLockReadGuard;

use crate::client::{Ask, Caller, Client, PATIENCE};
use crate::pattern::{Words, spelled};
use crate::table::{Due, Statement, statements};

/// With this, S2's `UUID` and S3's `uid` say who calls.
pub const TRUST: (&str, &str) = ("HOLDFAST_FACADE_TRUST_DECLARED_IDENTITY", "true");

const NODES: usize = 3;
const PASSWORD: &str = "down-by-the-lake";

/// A cluster and those who call it. `nobody` and `operator` are there from the start.
pub struct Walk {
    pub stage: Stage,
    callers: BTreeMap<String, Caller>,
    words: Words,
    _machine: RwLockReadGuard<'static, ()>,
}

impl Walk {
    /// Whoever calls needs a token.
    pub async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// Who calls is taken from what he declares, if he has no token.
    pub async fn open_trusting() -> Self {
        Self::open_with(&[TRUST]).await
    }

    pub async fn open_with(settings: &[(&str, &str)]) -> Self {
        let machine = beside().await;
        Self::on(Stage::start_with(NODES, settings).await, machine)
    }

    /// The nodes' wall clocks can be set.
    pub async fn open_with_clocks() -> Self {
        let machine = beside().await;
        Self::on(Stage::start_with_clocks(NODES).await, machine)
    }

    fn on(stage: Stage, machine: RwLockReadGuard<'static, ()>) -> Self {
        let operator = Caller::Token(stage.operator.token.clone().unwrap_or_default());
        let callers = [("nobody".to_owned(), Caller::Nobody), ("operator".to_owned(), operator)];
        Self { stage, callers: callers.into(), words: Words::new(), _machine: machine }
    }

    /// Somebody signs up and logs in. The word of his name is his id, as digits in a text.
    pub async fn arrives(&mut self, name: &str) {
        let email = format!("{:016x}@guests.local", rand::random::<u64>());
        let nobody = self.client("nobody");
        let body = json!({"email": email, "password": PASSWORD, "name": name});
        let signed_up = nobody.ask(&Ask::post("/auth/signup", &body)).await;
        assert_eq!(signed_up.status, 201, "{name} signs up: {}", signed_up.json);
        let logged_in = nobody.ask(&Ask::post("/auth/login", &body)).await;
        assert_eq!(logged_in.status, 200, "{name} logs in: {}", logged_in.json);
        let token = logged_in.json["accessToken"].as_str().unwrap_or_default().to_owned();
        self.knows(name, signed_up.json["userId"].clone());
        self.is_called(name, Caller::Token(token));
    }

    /// Somebody with another role than a guest's signs up and logs in.
    pub async fn serves(&mut self, name: &str, role: &str) {
        self.arrives(name).await;
        give_role(&self.stage, UserId(self.number(name)), role).await;
    }

    /// Somebody whom nobody knows declares who he is, by a UUID of his own. The word of his name is the UUID.
    pub fn declares(&mut self, name: &str) {
        let uuid = uuid::Uuid::new_v4().to_string();
        self.knows(name, uuid.as_str());
        self.is_called(name, Caller::Cookie(uuid));
    }

    /// Somebody calls so from here on.
    pub fn is_called(&mut self, name: &str, caller: Caller) {
        self.callers.insert(name.to_owned(), caller);
    }

    /// From here on a word stands for something.
    pub fn knows(&mut self, word: &str, value: impl Into<Value>) {
        self.words.insert(word.to_owned(), value.into());
    }

    /// What a word stands for.
    pub fn word(&self, word: &str) -> &Value {
        self.words.get(word).unwrap_or_else(|| panic!("no word {word}"))
    }

    /// What a word stands for, as it is written.
    pub fn text(&self, word: &str) -> String {
        let value = self.word(word);
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }

    /// What a word stands for, as a number.
    pub fn number(&self, word: &str) -> u64 {
        self.text(word)
            .parse()
            .unwrap_or_else(|_| panic!("{word} is {}, which is no number", self.word(word)))
    }

    /// A text with words put in.
    pub fn spelled(&self, text: &str) -> String {
        let spelled = spelled(text, &self.words);
        assert!(!spelled.contains('$'), "a word is not known: {spelled}");
        spelled
    }

    /// The access token of somebody.
    pub fn token(&self, name: &str) -> String {
        match &self.callers[name] {
            Caller::Token(token) | Caller::TokenAndCookie(token, _) => token.clone(),
            Caller::Nobody | Caller::Cookie(_) => panic!("{name} has no token"),
        }
    }

    /// Somebody by himself, at all nodes that run.
    pub fn client(&self, who: &str) -> Client {
        let caller = self.callers.get(who).unwrap_or_else(|| panic!("nobody is called {who}"));
        Client::new(self.stage.cluster.endpoints(), caller.clone())
    }

    /// Plays a conversation, each call at a node of chance, every other under a key; the last answer.
    pub async fn converse(&mut self, table: &str) -> Reply {
        let mut last = None;
        for statement in statements(table) {
            last = Some(match statement.due {
                Due::AtOnce => self.play(&statement).await,
                Due::InTheEnd => self.play_on(&statement).await,
            });
        }
        let Some(last) = last else { panic!("nothing was said") };
        last
    }

    async fn play(&mut self, statement: &Statement) -> Reply {
        let ask = self.asked(statement);
        let reply = self.client(&statement.who).ask(&ask).await;
        if let Err(misfit) = statement.judge(&reply, &mut self.words) {
            panic!(
                "{misfit}\n  in {}\n  asked {ask:?}\n  told {} {}",
                statement.text, reply.status, reply.json
            );
        }
        reply
    }

    async fn play_on(&mut self, statement: &Statement) -> Reply {
        assert_eq!(statement.method, Method::GET, "only reading can be repeated: {}", statement.text);
        let (ask, client) = (self.asked(statement), self.client(&statement.who));
        client.insist_on(&ask, &statement.text, |reply| statement.judge(reply, &mut self.words)).await
    }

    fn asked(&self, statement: &Statement) -> Ask {
        let mut ask = Ask::new(statement.method.clone(), self.spelled(&statement.path));
        if let Some(body) = &statement.body {
            ask = ask.with_body(self.spelled(body));
        }
        let is_keyed = statement.method != Method::GET && rand::random_bool(0.5);
        if is_keyed { ask.with_key(&fresh_key()) } else { ask }
    }
}

/// Waits until so much time has passed.
pub async fn passed(duration: Duration, since: Instant) {
    until("time passes", duration + PATIENCE, async || (since.elapsed() >= duration).then_some(())).await;
}

/// A length of time that clocks of the cluster, which may go by a hundredth too fast, have surely not made shorter.
pub fn hardly(duration: Duration) -> Duration {
    duration * 99 / 100
}
