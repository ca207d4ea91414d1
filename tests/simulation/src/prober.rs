//! Proves that each of some nodes serves: an operator who asks this one node, and no other, logs in, makes something new,
//! and reads what is current.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Ask, Client, Fidelity, Reply, Silence};
use crate::network::{MachineNet, MachineNumber};
use crate::node::{OPERATOR_EMAIL, OPERATOR_PASSWORD};

/// One attempt.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two attempts, and between two looks at what is wanted.
const PAUSE: Duration = Duration::from_millis(50);

/// What each node is to be asked, and how far that has come. Clones are the same.
#[derive(Clone, Default)]
pub struct Probes(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// What was made, as it was acknowledged.
    made: BTreeSet<u64>,
    /// An answer that lacks what was acknowledged before it was asked for.
    contradiction: Option<String>,
    /// How many answers were judged.
    judged: u64,
    /// Those that nobody asks yet.
    wanted: Vec<MachineNumber>,
    steps: BTreeMap<MachineNumber, Step>,
    /// Numbers every call under a key.
    calls: u64,
}

/// What a node has still to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// That it lets somebody log in, which is written.
    LogIn,
    /// That it takes a change.
    Change,
    /// That it answers what is current.
    Read,
    /// Nothing.
    Done,
}

impl Probes {
    /// Lets each of these be asked.
    pub fn begin(&self, nodes: Vec<MachineNumber>) {
        let mut inner = self.lock();
        inner.steps = nodes.iter().map(|node| (*node, Step::LogIn)).collect();
        inner.wanted = nodes;
    }

    /// What a node has answered that it must not.
    #[must_use]
    pub fn contradiction(&self) -> Option<String> {
        self.lock().contradiction.clone()
    }

    /// How many answers were compared with what was acknowledged.
    #[must_use]
    pub fn judged(&self) -> u64 {
        self.lock().judged
    }

    /// Those that have not shown everything yet, and what is next.
    #[must_use]
    pub fn missing(&self) -> Vec<(MachineNumber, Step)> {
        let steps = self.lock().steps.clone();
        steps.into_iter().filter(|(_, step)| *step != Step::Done).collect()
    }

    /// Asks whatever is wanted, for ever, from this place of the network.
    pub async fn run(self, network: MachineNet) {
        loop {
            for node in std::mem::take(&mut self.lock().wanted) {
                drop(tokio::spawn(self.clone().probe(node, Client::new(network.clone(), Fidelity::Fast))));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn probe(self, node: MachineNumber, mut client: Client) {
        let body = json!({"email": OPERATOR_EMAIL, "password": OPERATOR_PASSWORD});
        let log_in = self.call("/auth/login", body, None);
        let tokens = self.insist(node, &mut client, &log_in).await;
        self.reach(node, Step::Change);
        let token = tokens["accessToken"].as_str().map(str::to_owned);
        let venue = json!({
            "name": "Pier", "region": "South", "timeZone": "Europe/Berlin", "openAt": "08:00", "closeAt": "20:00"
        });
        let made = self.insist(node, &mut client, &self.call("/v1/venues", venue, token.clone())).await;
        self.lock().made.extend(made["id"].as_u64());
        self.reach(node, Step::Read);
        let path = "/v1/venues?limit=200".to_owned();
        let read = Ask { method: "GET", path, token, key: None, body: None };
        let known = self.lock().made.clone();
        let listed = self.insist(node, &mut client, &read).await;
        self.compare(node, &known, &listed);
        self.reach(node, Step::Done);
    }

    /// What was acknowledged before it was asked for is there.
    fn compare(&self, node: MachineNumber, known: &BTreeSet<u64>, listed: &Value) {
        let ids = listed["items"].as_array().into_iter().flatten().filter_map(|venue| venue["id"].as_u64());
        let listed: BTreeSet<u64> = ids.collect();
        let mut inner = self.lock();
        inner.judged += 1;
        // Its own is among them.
        if known.is_empty() || !known.is_subset(&listed) {
            let says = format!("node {node} lists the venues {listed:?}; acknowledged before were {known:?}");
            inner.contradiction.get_or_insert(says);
        }
    }

    async fn insist(&self, node: MachineNumber, client: &mut Client, ask: &Ask) -> Value {
        loop {
            match client.ask(node, ask, PATIENCE).await {
                Ok(Reply { status: 200..=299, json, .. }) => return json,
                Ok(_) | Err(Silence::Lost | Silence::NotSent) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    fn call(&self, path: &str, body: Value, token: Option<String>) -> Ask {
        let mut inner = self.lock();
        inner.calls += 1;
        let key = Some(format!("probe-{:016x}", inner.calls));
        Ask { method: "POST", path: path.to_owned(), token, key, body: Some(body) }
    }

    fn reach(&self, node: MachineNumber, step: Step) {
        self.lock().steps.insert(node, step);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
