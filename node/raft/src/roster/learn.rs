//! A node that was away asks the members it knows who the others are: the one that calls it with a key it has never seen
//! may have come meanwhile, and may even lead.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use holdfast_proto::raft as wire;
use holdfast_storage::identity::{Introduced, Introduction};

use super::Roster;
use crate::peers::{Peers, Purpose};
use crate::runtime::spawn;

/// Between two times of asking.
const ASK_INTERVAL: Duration = Duration::from_millis(500);

/// Between two times of asking whether what was told still is.
const CONFIRM_INTERVAL: Duration = Duration::from_secs(5);

/// One member's answer.
const REPLY_DURATION_MAX: Duration = Duration::from_secs(1);

/// Asks whenever there is something to wonder about; and, as long as anybody is believed only because others told of
/// him, again and again: none of it is believed for longer than it is told.
pub(crate) fn start(roster: Arc<Roster>, peers: Arc<Peers>) {
    drop(spawn(async move {
        loop {
            let wonders = tokio::time::timeout(CONFIRM_INTERVAL, roster.wonders.notified()).await.is_ok();
            if wonders || roster.is_told() {
                let Answers { asked, told } = ask_all(&roster, &peers).await;
                // Of few that answer none may be up to date.
                let are_many = 2 * told.len() > asked;
                match told.into_iter().max_by_key(|told| told.index) {
                    Some(told) if are_many => roster.believe_instead(&told),
                    Some(told) => roster.believe(&told),
                    None => (),
                }
                tokio::time::sleep(ASK_INTERVAL).await;
            }
        }
    }));
}

/// What the members tell; each shows its own key.
struct Answers {
    asked: usize,
    told: Vec<Introduced>,
}

async fn ask_all(roster: &Roster, peers: &Peers) -> Answers {
    let members: BTreeSet<u64> = roster.members().into_iter().collect();
    let others = members.into_iter().filter(|node| *node != roster.own.node);
    let asked: FuturesUnordered<_> = others.map(|node| ask(peers, node)).collect();
    let answers: Vec<Option<Introduced>> = asked.collect().await;
    Answers { asked: answers.len(), told: answers.into_iter().flatten().collect() }
}

async fn ask(peers: &Peers, node: u64) -> Option<Introduced> {
    let mut client = peers.client(node, Purpose::Control).ok()?;
    let asked = client.roster(wire::RosterRequest {});
    let reply = tokio::time::timeout(REPLY_DURATION_MAX, asked).await.ok()?.ok()?;
    from_wire(reply.into_inner().roster?)
}

pub(crate) fn to_wire(introduced: Introduced) -> wire::Roster {
    let members = introduced.peers.into_iter().map(|peer| wire::RosterMember {
        node: peer.node,
        public_key: peer.public_key.to_vec().into(),
        peer_address: peer.peer_address,
    });
    wire::Roster { index: introduced.index, members: members.collect() }
}

pub(crate) fn from_wire(roster: wire::Roster) -> Option<Introduced> {
    let peers = roster.members.into_iter().map(|member| {
        let public_key = member.public_key.as_ref().try_into().ok()?;
        Some(Introduction { node: member.node, public_key, peer_address: member.peer_address })
    });
    Some(Introduced { index: roster.index, peers: peers.collect::<Option<_>>()? })
}
