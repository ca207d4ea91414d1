//! One node whose log, and the rows it makes, grow by entries of requests.

use std::collections::BTreeSet;
use std::sync::Arc;

use holdfast_reservations::{
    Command, Entry, Key, MemoryRows, Principal, Request, RequestId, RequestKey, Row, SignUp, State, Timestamp,
};
use holdfast_storage::codec;
use holdfast_storage::log::{self, LogId, Payload};

use crate::observation::{Members, NodeSeen, Observation, Role, Running, StateSeen};

/// A log of one node.
pub(crate) struct Scenario {
    state: State<MemoryRows>,
    next: u64,
}

impl Scenario {
    pub(crate) fn new() -> Self {
        Self { state: State::over(MemoryRows::default()), next: 0 }
    }

    /// Commits one more entry; the node after it, with all its rows.
    pub(crate) fn commits(&mut self, requests: Vec<Request>) -> Observation {
        let id = LogId { term: 1, node: 1, index: self.next };
        self.next += 1;
        let entry = Entry { proposed_at: Timestamp(id.index * 1000 + 1), requests };
        let mut bytes = Vec::new();
        codec::encode(codec::ENTRY_VERSION, &entry, &mut bytes).unwrap();
        drop(self.state.apply(id.index, &entry));

        let rows = self.state.rows().iter().map(|(key, row)| (key.clone(), row.clone())).collect();
        let mut running = Running {
            role: Role::Leader,
            term: 1,
            committed: Some(id),
            members: Members { voters: vec![BTreeSet::from([1])], learners: BTreeSet::new() },
            state: StateSeen { applied: Some(id), now: self.state.now(), ..StateSeen::default() },
            ..Running::default()
        };
        running.state.rows = Some(Arc::new(rows));
        running.log.changed_from = id.index;
        running.log.entries = vec![log::Entry { id, payload: Payload::Commands(bytes.into()) }];
        running.log.last = Some(id);
        running.log.durable = Some(id);
        running.log.on_disk = Some(id);
        let mut seen = Observation::default();
        seen.nodes.insert(1, NodeSeen { running: Some(running), ..NodeSeen::default() });
        seen
    }

    /// A second node that is only where the first was at an earlier observation.
    pub(crate) fn trails(seen: &mut Observation, earlier: &Observation) {
        let state = earlier.running().next().map(|(_, _, running)| running.state.clone());
        let running = Running { state: state.unwrap_or_default(), ..Running::default() };
        seen.nodes.insert(2, NodeSeen { running: Some(running), ..NodeSeen::default() });
    }

    /// Changes what was read of the node's rows.
    pub(crate) fn spoil(seen: &mut Observation, change: impl FnOnce(&mut Vec<(Key, Row)>)) {
        let running = seen.nodes.get_mut(&1).and_then(|node| node.running.as_mut());
        let rows = running.and_then(|running| running.state.rows.as_mut()).map(Arc::make_mut);
        change(rows.unwrap());
    }
}

/// A sign-up under a key.
pub(crate) fn sign_up(key: u8, guest: u8) -> Request {
    let command = SignUp {
        email: format!("guest{guest}@park.example"),
        name: "Guest".to_owned(),
        password_hash: String::new(),
    };
    Request {
        id: Some(RequestId { key: RequestKey::Named([key; 16]), payload_hash: guest.into() }),
        principal: Principal::Anonymous,
        command: Command::SignUp(command),
    }
}
