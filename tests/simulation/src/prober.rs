//! Proves that each of some nodes serves: an operator who asks this one node, and no other, logs in, makes something new,
//! and reads what is current.

use std::collections::BTreeMap;
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
    /// The path of what is read.
    path: String,
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
    /// Lets each of these be asked; what is read is at this path.
    pub fn begin(&self, nodes: Vec<MachineNumber>, path: String) {
        let mut inner = self.lock();
        inner.steps = nodes.iter().map(|node| (*node, Step::LogIn)).collect();
        (inner.wanted, inner.path) = (nodes, path);
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
        self.insist(node, &mut client, &self.call("/v1/venues", venue, token.clone())).await;
        self.reach(node, Step::Read);
        let path = self.lock().path.clone();
        let read = Ask { method: "GET", path, token, key: None, body: None };
        self.insist(node, &mut client, &read).await;
        self.reach(node, Step::Done);
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
