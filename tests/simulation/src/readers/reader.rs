//! One reader: opens a stream, reads for a while, breaks off or is broken off, and goes on elsewhere.

use std::io;
use std::time::Duration;

use holdfast_model::{Interest, Revision};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::blocks::{Block, Blocks, revision_in};
use super::{Readers, Seen, Who, interest};
use crate::chance::Chance;
use crate::client::{Ask, Client, Fidelity, open_stream};
use crate::network::{MachineNet, MachineNumber};
use crate::node::{OPERATOR_EMAIL, OPERATOR_PASSWORD};
use crate::workload::{Load, Park};

/// One attempt at a call, or at a stream.
const PATIENCE: Duration = Duration::from_secs(3);

/// Between two attempts.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 5..=120;

pub(super) struct Reader {
    who: Who,
    network: MachineNet,
    client: Client,
    chance: Chance,
    readers: Readers,
    load: Load,
    seen: Seen,
    token: Option<String>,
    calls: u64,
    interest: Interest,
    query: String,
    start: Start,
}

/// Where a stream is to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Now,
    /// Behind all of an entry, as after an answer that showed what was there.
    Entry(u64),
    /// Behind what was seen before, in what is followed already or in something new.
    Behind {
        at: Revision,
        is_new: bool,
    },
}

/// Whether to read on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    On,
    Enough,
}

impl Reader {
    pub(super) fn new(readers: &Readers, number: usize, mut chance: Chance) -> Self {
        let is_guest = number == 3;
        let (email, password) = match is_guest {
            true => (format!("reader{number}@park.example"), "down-by-the-lake".to_owned()),
            false => (OPERATOR_EMAIL.to_owned(), OPERATOR_PASSWORD.to_owned()),
        };
        let network = readers.net.of(readers.machine);
        Self {
            who: Who { number, email, password, is_guest, is_slow: number == 1 },
            client: Client::new(network.clone(), Fidelity::Fast),
            network,
            chance: chance.fork(),
            load: readers.load.clone(),
            seen: readers.seen.clone(),
            readers: readers.clone(),
            token: None,
            calls: 0,
            interest: Interest::default(),
            query: String::new(),
            start: Start::Now,
        }
    }

    pub(super) async fn run(mut self) {
        let user = self.arrive().await;
        let park = self.opened().await;
        (self.interest, self.query) = interest(self.who.number, user, &park, &mut self.chance);
        if self.chance.percent(20) {
            // Of long ago, or before anything was kept.
            self.start = Start::Entry(self.chance.between(0..=20));
        }
        loop {
            let (node, _) = self.load.some_node(&mut self.chance);
            // A stream that breaks off is no news.
            drop(self.stream(node).await);
            self.start = self.next_start();
            let pause_ms = self.chance.between(PAUSE_MS);
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
    }

    /// Signs up, if he has to; his user.
    async fn arrive(&mut self) -> u64 {
        if !self.who.is_guest {
            return 0;
        }
        let body = json!({"email": self.who.email, "password": self.who.password, "name": "Reader"});
        let ask = self.call("/auth/signup", body);
        loop {
            if let Some(user) = self.ask(&ask).await.and_then(|json| json["userId"].as_str()?.parse().ok()) {
                return user;
            }
        }
    }

    async fn opened(&mut self) -> Park {
        loop {
            match self.load.park().filter(|park| !park.days.is_empty()) {
                Some(park) => return park,
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Asks some node; nothing if it does not do so.
    async fn ask(&mut self, ask: &Ask) -> Option<Value> {
        let (node, _) = self.load.some_node(&mut self.chance);
        match self.client.ask(node, ask, PATIENCE).await {
            Ok(reply) if reply.status < 300 => Some(reply.json),
            Ok(_) | Err(_) => {
                let pause_ms = self.chance.between(PAUSE_MS);
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                None
            }
        }
    }

    fn call(&mut self, path: &str, body: Value) -> Ask {
        self.calls += 1;
        let key = Some(format!("reader-{}-{:016x}", self.who.number, self.calls));
        Ask { method: "POST", path: path.to_owned(), token: None, key, body: Some(body) }
    }

    async fn token(&mut self) -> Option<String> {
        if self.token.is_none() {
            let body = json!({"email": self.who.email, "password": self.who.password});
            let ask = self.call("/auth/login", body);
            let tokens = self.ask(&ask).await?;
            self.token = tokens["accessToken"].as_str().map(str::to_owned);
        }
        self.token.clone()
    }

    /// How far he is in what he follows.
    fn at(&self) -> Option<Revision> {
        let mut at = None;
        self.seen.change(self.who.number, |followed, _| at = Some(followed.at));
        at
    }

    /// Mostly he goes on where he is, if he follows anything yet.
    fn next_start(&mut self) -> Start {
        let mut next = self.start;
        let is_again = self.chance.percent(6) && !self.load.is_over();
        self.seen.change(self.who.number, |followed, _| {
            next = match is_again && !followed.shown.is_empty() {
                // He reads something once more.
                true => Start::Behind { at: self.chance.pick(&followed.shown).revision, is_new: true },
                false => Start::Behind { at: followed.at, is_new: false },
            };
        });
        next
    }

    /// Reads a stream of a node, for as long as he cares.
    async fn stream(&mut self, node: MachineNumber) -> io::Result<()> {
        let Some(token) = self.token().await else { return Ok(()) };
        let mut path = format!("/v1/watch?{}", self.query);
        let mut headers = vec![("authorization".to_owned(), format!("Bearer {token}"))];
        let asks_by_path = self.chance.percent(50);
        match self.start {
            Start::Now => (),
            Start::Entry(index) => path = format!("{path}&after={index}"),
            Start::Behind { at, .. } if asks_by_path => path = format!("{path}&after={at}"),
            Start::Behind { at, .. } => headers.push(("last-event-id".to_owned(), at.to_string())),
        }
        let opened = timeout(PATIENCE, open_stream(&self.network, node, &path, &headers)).await??;
        let (status, body) = opened;
        let outcome = format!("reader {} node {node} {:?} {status}", self.who.number, self.start);
        self.readers.trace.note(|| outcome);
        match status {
            200 => self.read(body).await,
            _ => self.refused(status, body).await,
        }
    }

    async fn refused(&mut self, status: u16, body: Incoming) -> io::Result<()> {
        let body = timeout(PATIENCE, body.collect()).await?.map_err(io::Error::other)?.to_bytes();
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        match status {
            401 => self.token = None,
            410 => {
                let behind = match self.start {
                    Start::Now => u64::MAX,
                    Start::Entry(index) => index,
                    Start::Behind { at, .. } => at.index,
                };
                self.seen.lock().refused.push((behind, problem["firstIndex"].as_u64().unwrap_or(0)));
                self.seen.lock().current[self.who.number] = None;
                self.start = Start::Now;
            }
            429 | 503 | 504 => (),
            _ => self.complain(format!("watching from {:?} was answered {status} {problem}", self.start)),
        }
        Ok(())
    }

    async fn read(&mut self, mut body: Incoming) -> io::Result<()> {
        let mut left = self.chance.between(1..=80);
        let silence = Duration::from_millis(self.chance.between(500..=4000));
        let mut blocks = Blocks::default();
        let mut is_first = true;
        loop {
            let Some(frame) = timeout(silence, body.frame()).await? else { return Ok(()) };
            let frame = frame.map_err(io::Error::other)?;
            blocks.add(frame.data_ref().map(|data| &data[..]).unwrap_or_default());
            while let Some(block) = blocks.next() {
                if self.take(&block, std::mem::take(&mut is_first)) == Step::Enough {
                    return Ok(());
                }
                left -= 1;
                if left == 0 {
                    return Ok(());
                }
            }
            // He hurries in the end.
            if self.who.is_slow && !self.load.is_over() {
                let pause_ms = self.chance.between(20..=900);
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            }
        }
    }

    /// Takes in what a stream says.
    fn take(&mut self, block: &Block, is_first: bool) -> Step {
        let number = self.who.number;
        self.readers
            .trace
            .note(|| format!("reader {number} {} {}", block.event, block.id.as_deref().unwrap_or("-")));
        let at = block.id.as_deref().and_then(revision_in);
        match (block.event.as_str(), is_first) {
            ("hello", true) => return self.greeted(at, block),
            (_, true) | ("hello", false) => {
                self.complain(format!("a stream has {block:?} where it has not, or has to, begin"));
                return Step::Enough;
            }
            ("slot.availability", _) => (),
            ("cut", _) => {
                self.cut(at, block);
                return Step::Enough;
            }
            ("", _) => self.reach(at),
            _ => match block.happened() {
                None => self.complain(format!("a stream has {block:?}")),
                Some(happened) => {
                    self.reach(at);
                    self.seen.change(number, |followed, counts| {
                        followed.shown.push(happened);
                        counts.events += 1;
                    });
                }
            },
        }
        Step::On
    }

    /// A stream begins where it was asked to.
    fn greeted(&mut self, at: Option<Revision>, block: &Block) -> Step {
        let Some(at) = at else {
            self.complain(format!("a stream begins with {block:?}"));
            return Step::Enough;
        };
        self.seen.lock().counts.streams += 1;
        let is_right = match self.start {
            Start::Now => true,
            Start::Entry(index) => at.index == index,
            Start::Behind { at: asked, .. } => at == asked,
        };
        if !is_right {
            self.complain(format!("a stream that was to begin at {:?} begins at {at}", self.start));
        }
        if !matches!(self.start, Start::Behind { is_new: false, .. }) {
            self.seen.begin(self.who.number, &self.interest, at);
        }
        self.start = Start::Behind { at, is_new: false };
        Step::On
    }

    /// A stream was cut, and says how to go on.
    fn cut(&mut self, at: Option<Revision>, block: &Block) {
        match block.data["reason"].as_str() {
            Some("revision_gone") => {
                let Some(at) = self.at() else { return };
                let first_index = block.data["firstIndex"].as_u64().unwrap_or(0);
                self.seen.lock().refused.push((at.index, first_index));
                self.seen.lock().current[self.who.number] = None;
                self.start = Start::Now;
            }
            Some("unauthenticated") => {
                self.token = None;
                self.reach(at);
            }
            Some("stopping" | "removed" | "behind" | "too_slow") => self.reach(at),
            _ => self.complain(format!("a stream was cut by {block:?}")),
        }
    }

    /// He is told how far he is, which never goes back.
    fn reach(&self, at: Option<Revision>) {
        let Some(at) = at else { return };
        let mut before = None;
        self.seen.change(self.who.number, |followed, _| {
            before = Some(followed.at).filter(|before| *before > at);
            followed.at = followed.at.max(at);
        });
        if let Some(before) = before {
            self.complain(format!("a stream goes back from {before} to {at}"));
        }
    }

    fn complain(&self, says: String) {
        self.readers.recorder.complain(Some(format!("reader {}: {says}", self.who.number)));
    }
}
