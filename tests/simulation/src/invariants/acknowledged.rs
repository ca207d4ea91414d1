//! INV-10: what a client was told is in an entry that is committed, and on the disks of a quorum.

use holdfast_storage::codec;
use holdfast_storage::log::Payload;

use super::{Invariant, Scene};
use crate::observation::Acknowledged;

#[derive(Default)]
pub(super) struct AcknowledgedStays;

impl Invariant for AcknowledgedStays {
    fn name(&self) -> &'static str {
        "acknowledged stays (INV-10)"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        scene.seen.acknowledged.iter().try_for_each(|told| judge(scene, told))
    }
}

fn judge(scene: &Scene<'_>, told: &Acknowledged) -> Result<(), String> {
    let revision = told.revision;
    let Some(entry) = scene.committed.entry(revision.index) else {
        return Err(format!("{revision} was acknowledged, but nobody knows it to be committed"));
    };
    let Payload::Commands(bytes) = &entry.payload else {
        return Err(format!("{revision} was acknowledged, but entry {} has no commands", entry.id));
    };
    let commands = codec::decode_entry(bytes).map_err(|error| format!("entry {}: {error}", entry.id))?;
    // A command has a revision for each of its events, and clients name but one.
    let has = |key| commands.requests.iter().any(|request| request.id.is_some_and(|id| id.key == key));
    if told.key.is_some_and(|key| !has(key)) {
        return Err(format!("{revision} was acknowledged to a request that is not there"));
    }
    let is_there = |node| scene.logs.holds_durably(node, entry.id);
    // By what those know who know of the entry; if all of them are down by now, their disks were judged when it was
    // committed.
    let mut witnesses = scene
        .seen
        .running()
        .filter(|(_, _, running)| {
            running.committed.is_some_and(|committed| committed.index >= entry.id.index)
        })
        .peekable();
    // A change that was begun since asks for more than there was to be asked for.
    let agreed = scene.memberships.newest().filter(|members| members.is_quorum(is_there));
    let is_durable = witnesses.peek().is_none()
        || agreed.is_some()
        || witnesses.any(|(_, _, running)| running.members.is_quorum(is_there));
    match is_durable {
        true => Ok(()),
        false => Err(format!("{revision} was acknowledged, but is not on the disks of a quorum")),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use holdfast_reservations::{Command, Entry, Principal, Request, RequestId, RequestKey, Tick, Timestamp};

    use super::*;
    use crate::invariants::testing::{self, observations, verdict};

    const KEY: RequestKey = RequestKey::Named([7; 16]);

    /// The text's observations, with an entry of one request at index 1 wherever it says `1.1.1`.
    fn told(text: &str, key: RequestKey) -> String {
        let id = Some(RequestId { key: KEY, payload_hash: 0 });
        let request = Request { id, principal: Principal::Internal, command: Command::Tick(Tick) };
        let commands = Entry { proposed_at: Timestamp(1), requests: vec![request] };
        let mut bytes = Vec::new();
        codec::encode(codec::ENTRY_VERSION, &commands, &mut bytes).unwrap();
        let mut seen = observations(text);
        for seen in &mut seen {
            seen.acknowledged.iter_mut().for_each(|told| told.key = Some(key));
            let running = seen.nodes.values_mut().filter_map(|node| node.running.as_mut());
            for entry in running.flat_map(|running| &mut running.log.entries) {
                if entry.id == testing::id("1.1.1") {
                    entry.payload = Payload::Commands(bytes.clone().into());
                }
            }
        }
        verdict(&mut AcknowledgedStays, &seen)
    }

    #[test]
    fn what_is_committed_and_durable_may_be_told() {
        let text = "
            node:1 leads log=1.1.0,1.1.1 | node:2 log=1.1.0,1.1.1 durable=1.1.1 | node:3 log=1.1.0,1.1.1 durable=1.1.1
            node:1 committed=1.1.1 | told=1-0
        ";
        assert_eq!(told(text, KEY), "");
    }

    #[test]
    fn nothing_else_may() {
        let on_one_disk = "
            node:1 leads log=1.1.0,1.1.1 durable=1.1.1 | node:2 log=1.1.0,1.1.1
            node:1 committed=1.1.1 | told=1-0
        ";
        let uncommitted = "node:1 leads log=1.1.0,1.1.1 durable=1.1.1 | told=1-0";
        let others = "node:1 leads voters=1 log=1.1.0,1.1.1 durable=1.1.1 committed=1.1.1";
        let expected = expect![[r#"
            2: 1-0 was acknowledged, but is not on the disks of a quorum
            1: 1-0 was acknowledged, but nobody knows it to be committed
            1: 0-0 was acknowledged, but entry 1.1.0 has no commands
            1: 1-0 was acknowledged to a request that is not there"#]];
        expected.assert_eq(
            &[
                told(on_one_disk, KEY),
                told(uncommitted, KEY),
                told(&format!("{others} | told=0-0"), KEY),
                told(&format!("{others} | told=1-0"), RequestKey::Named([8; 16])),
            ]
            .join("\n"),
        );
    }
}
