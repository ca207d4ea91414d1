//! What only the leader asks of the others every half second: how far they have come, and what their clocks say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use holdfast_proto::raft as wire;
use holdfast_reservations::Edition;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::peers::{Peers, Purpose};
use crate::proposals::{AGREEMENT_MS, Reading, Stamper};
use crate::runtime::{WallClock, spawn};
use crate::store::Progress;
use crate::types::Membership;
use crate::watch::Leadership;

const PULSE_INTERVAL: Duration = Duration::from_millis(500);
const REPLY_DURATION_MAX: Duration = Duration::from_millis(400);

/// How far a node has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeProgress {
    /// Its last applied log index.
    pub applied_index: u64,
    /// Entries the leader has applied and it has not.
    pub lag: u64,
    /// The latest edition of the rules that its program knows, if this node leads and has heard; else the first.
    pub edition: Edition,
}

/// How far all nodes have come, as the leader last saw it.
pub(crate) type Table = BTreeMap<u64, NodeProgress>;

/// What the pulse needs.
pub(crate) struct Pulse {
    pub(crate) peers: Arc<Peers>,
    pub(crate) clock: Arc<dyn WallClock>,
    pub(crate) stamper: Arc<Mutex<Stamper>>,
    pub(crate) leadership: watch::Receiver<Leadership>,
    pub(crate) membership: watch::Receiver<Arc<Membership>>,
    pub(crate) progress: watch::Receiver<Progress>,
    pub(crate) table: Arc<watch::Sender<Table>>,
}

/// What a node answered.
struct Heard {
    node: u64,
    applied_index: u64,
    /// Milliseconds its clock is away from ours.
    offset_ms: u64,
    /// The latest edition of the rules that its program knows.
    edition: Edition,
}

impl Pulse {
    /// Beats for as long as this node leads, again and again.
    pub(crate) fn start(mut self) {
        drop(spawn(async move {
            loop {
                if self.leadership.wait_for(|leadership| leadership.is_own).await.is_err() {
                    return;
                }
                self.beat().await;
                let next = Instant::now() + PULSE_INTERVAL;
                tokio::select! {
                    () = tokio::time::sleep_until(next) => (),
                    changed = self.leadership.changed() => if changed.is_err() { return },
                }
            }
        }));
    }

    async fn beat(&mut self) {
        // Leadership may be seen before who votes: nobody is not a majority that disagrees.
        let seen = self.membership.wait_for(|membership| membership.voter_ids().next().is_some()).await;
        let Ok(membership) = seen.map(|membership| membership.clone()) else { return };
        let own = self.peers.own_id();
        let known: Vec<wire::NodeProgress> = self.table.borrow().iter().map(to_wire).collect();
        let others = membership.nodes().map(|(node, _)| *node).filter(|node| *node != own);
        // All are compared with one reading: what this clock does while they are asked is not agreed on.
        let reading = Reading::of(&*self.clock);
        let heard = join_all(others.map(|node| self.ask(node, known.clone(), reading))).await;
        let heard: Vec<Heard> = heard.into_iter().flatten().collect();

        let is_agreed = agrees(&membership, own, &heard);
        if !is_agreed {
            tracing::warn!("this leader's clock is not that of a majority; agreed time goes on without it");
        }
        let mut stamper = self.stamper.lock().unwrap_or_else(PoisonError::into_inner);
        stamper.agree(is_agreed.then_some(reading));
        drop(stamper);
        let applied = self.progress.borrow().applied.unwrap_or(0);
        let row = |applied_index: u64, edition| NodeProgress {
            applied_index,
            lag: applied.saturating_sub(applied_index),
            edition,
        };
        let heard = heard.iter().map(|heard| (heard.node, row(heard.applied_index, heard.edition)));
        let mut table: Table = heard.collect();
        table.insert(own, row(applied, Edition::LATEST));
        self.table.send_replace(table);
    }

    async fn ask(&self, node: u64, nodes: Vec<wire::NodeProgress>, reading: Reading) -> Option<Heard> {
        let mut client = self.peers.client(node, Purpose::Control).ok()?;
        let call = client.ping(wire::PingRequest { nodes });
        let reply = tokio::time::timeout(REPLY_DURATION_MAX, call).await.ok()?.ok()?.into_inner();
        let offset_ms = reading.distance_ms(reply.wall_clock_ms);
        let edition = Edition(reply.edition);
        Some(Heard { node, applied_index: reply.applied_index, offset_ms, edition })
    }
}

/// Whether a majority of the voters' clocks, this node's own included, are near this one's.
fn agrees(membership: &Membership, own: u64, heard: &[Heard]) -> bool {
    let is_near = |voter: &u64| {
        *voter == own || heard.iter().any(|heard| heard.node == *voter && heard.offset_ms <= AGREEMENT_MS)
    };
    let voters: Vec<u64> = membership.voter_ids().collect();
    2 * voters.iter().filter(|voter| is_near(voter)).count() > voters.len()
}

fn to_wire((node, progress): (&u64, &NodeProgress)) -> wire::NodeProgress {
    wire::NodeProgress { node: *node, applied_index: progress.applied_index, lag: progress.lag }
}

/// The table that a leader sent along.
pub(crate) fn from_wire(nodes: &[wire::NodeProgress]) -> Table {
    let row = |node: &wire::NodeProgress| {
        (
            node.node,
            NodeProgress { applied_index: node.applied_index, lag: node.lag, edition: Edition::default() },
        )
    };
    nodes.iter().map(row).collect()
}
