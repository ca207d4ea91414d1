//! A node that was away asks the members it knows who the others are: the one that calls it with a key it has never seen
//! may have come meanwhile, and may even lead.

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

/// One member's answer.
const REPLY_DURATION_MAX: Duration = Duration::from_secs(1);

/// Asks whenever there is something to wonder about.
pub(crate) fn start(roster: Arc<Roster>, peers: Arc<Peers>) {
    drop(spawn(async move {
        loop {
            roster.wonders.notified().await;
            let known = roster.seen.borrow().index;
            if let Some(told) = ask_all(&roster, &peers).await.filter(|told| told.index > known) {
                tracing::info!(index = told.index, "learned of newer members from others");
                roster.believe(&told);
            }
            tokio::time::sleep(ASK_INTERVAL).await;
        }
    }));
}

/// The newest that any member tells; each shows its own key.
async fn ask_all(roster: &Roster, peers: &Peers) -> Option<Introduced> {
    let others = roster.members().into_iter().filter(|node| *node != roster.own.node);
    let asked: FuturesUnordered<_> = others.map(|node| ask(peers, node)).collect();
    let answers: Vec<Option<Introduced>> = asked.collect().await;
    answers.into_iter().flatten().max_by_key(|told| told.index)
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
