//! Who belongs to the cluster: the leader admits nodes as learners, one at a time, and promotes them once they have
//! caught up.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use holdfast_proto::raft as wire;
use holdfast_storage::identity::{ClusterId, Membership as NodeIdentity};
use openraft::ChangeMembers;
use tokio::sync::watch;

use crate::one_at_a_time::OneAtATime;
use crate::reads::own_index;
use crate::runtime::spawn;
use crate::types::{Member, Membership, Metrics, Raft};
use crate::watch::{Leadership, metrics, present};

/// Voters at most: every commit waits for a majority of them.
pub const VOTERS_MAX: usize = 5;

/// A learner this close to the leader's log is promoted.
const PROMOTE_LAG_MAX: u64 = 200;

/// How often a learner's progress is looked at.
const PROMOTE_INTERVAL: Duration = Duration::from_millis(200);

/// A change that takes longer is left to itself; the loop looks again.
const CHANGE_DURATION_MAX: Duration = Duration::from_secs(10);

/// A leader that is not confirmed within this time decides nothing.
const CONFIRM_DURATION_MAX: Duration = Duration::from_secs(1);

/// The members, as the leader changes them.
pub(crate) struct Members {
    own: NodeIdentity,
    raft: Raft,
    change: OneAtATime,
}

/// What a node that asks to be let in is told.
pub(crate) enum Admission {
    Admitted(NodeIdentity),
    Refused(String),
    TryLater(String),
}

/// A node that asks to be let in.
pub(crate) struct Applicant {
    pub(crate) member: Member,
    /// The node that its folder says it is, and of which cluster.
    pub(crate) claims: Option<NodeIdentity>,
}

impl Members {
    pub(crate) fn new(own: NodeIdentity, raft: Raft) -> Self {
        Self { own, raft, change: OneAtATime::new() }
    }

    /// Decides on an applicant; on the leader only. The applicant may go away meanwhile: an admission is not left
    /// halfway.
    pub(crate) async fn admit(self: &Arc<Self>, applicant: Applicant) -> Admission {
        let members = self.clone();
        let decided = self.change.run(async move { members.decide(applicant).await }).await;
        decided.unwrap_or_else(under_way)
    }

    async fn decide(&self, applicant: Applicant) -> Admission {
        // A node that leads no more and does not know it must not send anybody away for good.
        let confirmed = tokio::time::timeout(CONFIRM_DURATION_MAX, own_index(&self.raft)).await;
        let Ok(Ok(_)) = confirmed else {
            return Admission::TryLater("no quorum confirms that this node leads".to_owned());
        };
        let seen = self.raft.with_raft_state(|state| {
            let members = &state.membership_state;
            (members.committed().clone(), members.effective().clone())
        });
        let Ok((committed, effective)) = seen.await else {
            return Admission::TryLater("this node is stopping".to_owned());
        };
        // What is not committed yet may never be.
        if committed != effective {
            return under_way();
        }
        match judge(self.own.cluster, committed.membership(), &applicant) {
            Some(answer) => answer,
            None => self.add(applicant.member).await,
        }
    }

    async fn add(&self, member: Member) -> Admission {
        // Ids come from committed log indexes: none is ever given twice.
        let blank = tokio::time::timeout(CHANGE_DURATION_MAX, self.raft.write_blank()).await;
        let Ok(Ok(written)) = blank else {
            return Admission::TryLater("no quorum to give a node id".to_owned());
        };
        let node = written.log_id.index;
        let added = self.raft.add_learner(node, member, false);
        match tokio::time::timeout(CHANGE_DURATION_MAX, added).await {
            Ok(Ok(_)) => {
                tracing::info!(node, "a node was admitted as learner");
                Admission::Admitted(NodeIdentity { cluster: self.own.cluster, node })
            }
            Ok(Err(error)) => Admission::TryLater(error.to_string()),
            Err(_) => Admission::TryLater("no quorum to admit a node".to_owned()),
        }
    }

    /// Promotes learners that have caught up, and finishes changes a crash left half done, for as long as this node
    /// leads.
    pub(crate) fn start_promoting(self: Arc<Self>, mut leadership: watch::Receiver<Leadership>) {
        drop(spawn(async move {
            loop {
                if leadership.wait_for(|leadership| leadership.is_own).await.is_err() {
                    return;
                }
                let members = self.clone();
                self.change.run(async move { members.promote_next().await }).await;
                tokio::time::sleep(PROMOTE_INTERVAL).await;
            }
        }));
    }

    async fn promote_next(&self) {
        let metrics = metrics(&self.raft);
        let membership = metrics.membership_config.membership();
        let change = match membership.get_joint_config().len() {
            // Adding nobody turns a joint configuration into the plain one it was to become.
            2.. => ChangeMembers::AddVoterIds(BTreeSet::new()),
            _ => match next_to_promote(&metrics) {
                Some(node) => ChangeMembers::AddVoterIds(BTreeSet::from([node])),
                None => return,
            },
        };
        let described = format!("{change:?}");
        let changed = self.raft.change_membership(change, true);
        match tokio::time::timeout(CHANGE_DURATION_MAX, changed).await {
            Ok(Ok(_)) => tracing::info!(change = described, "the voters changed"),
            Ok(Err(error)) => tracing::warn!(change = described, %error, "the voters did not change"),
            Err(_) => tracing::warn!(change = described, "the change of voters takes long"),
        }
    }
}

fn under_way() -> Admission {
    Admission::TryLater("another change of members is under way".to_owned())
}

/// A learner that is there, has caught up, and wants to vote. One that is gone would only make the majority larger.
fn next_to_promote(metrics: &Metrics) -> Option<u64> {
    let membership = metrics.membership_config.membership();
    if membership.voter_ids().count() >= VOTERS_MAX {
        return None;
    }
    let last = metrics.last_log_index.unwrap_or(0);
    let present = present(metrics);
    let has_caught_up = |node: &u64| {
        present.get(node).is_some_and(|matched| last.saturating_sub(*matched) <= PROMOTE_LAG_MAX)
    };
    let wants_to = |node: &u64| membership.get_node(node).is_some_and(|member| !member.stays_learner);
    membership.learner_ids().find(|node| wants_to(node) && has_caught_up(node))
}

/// What can be said about an applicant from the members alone.
fn judge(cluster: ClusterId, membership: &Membership, applicant: &Applicant) -> Option<Admission> {
    let Applicant { member, claims } = applicant;
    let by_key = membership.nodes().find(|(_, known)| known.public_key == member.public_key);
    let by_address = membership.nodes().find(|(_, known)| known.peer_address == member.peer_address);
    if let Some(claims) = claims {
        let refused = match by_key {
            _ if claims.cluster != cluster => format!(
                "this data folder is node {} of cluster {}, which is another cluster than {cluster}; start it with an \
                 empty folder to join this one",
                claims.node, claims.cluster
            ),
            Some((node, _)) if *node == claims.node => match by_address {
                Some((other, _)) if *other != claims.node => format!(
                    "{} is the address of node {other}, but this data folder is node {}: a copy of another node's disk \
                     must not run",
                    member.peer_address, claims.node
                ),
                Some(_) | None => return Some(Admission::Admitted(*claims)),
            },
            _ => format!(
                "node {} was removed from the cluster; start it with an empty data folder to join as a new node",
                claims.node
            ),
        };
        return Some(Admission::Refused(refused));
    }
    // The same folder asks again: its first answer was lost.
    if let Some((node, _)) = by_key {
        return Some(Admission::Admitted(NodeIdentity { cluster, node: *node }));
    }
    let (node, _) = by_address?;
    Some(Admission::Refused(format!(
        "node {node} of the cluster has the address {}, but this data folder is not its own: its data was wiped. A node \
         that forgot what it acknowledged must not vote. Put its data back, or replace it: holdfast cluster replace {node}",
        member.peer_address
    )))
}

/// An applicant as the wire names it.
pub(crate) fn from_wire(request: wire::JoinRequest) -> Result<Applicant, String> {
    let public_key = <[u8; 32]>::try_from(request.public_key.as_ref());
    let public_key = public_key.map_err(|_| "the public key is not 32 bytes long".to_owned())?;
    let claims = match request.node {
        None => None,
        Some(node) => {
            let cluster = request.cluster.parse().map_err(|_| "the cluster's name is damaged".to_owned())?;
            Some(NodeIdentity { cluster, node })
        }
    };
    let (peer_address, client_address) = (request.peer_address, request.client_address);
    let stays_learner = request.stays_learner;
    Ok(Applicant { member: Member { peer_address, client_address, public_key, stays_learner }, claims })
}

/// An answer as the wire says it.
pub(crate) fn to_wire(admission: Admission) -> wire::JoinReply {
    use wire::join_reply::Result as Reply;
    let result = match admission {
        Admission::Admitted(NodeIdentity { cluster, node }) => {
            Reply::Admitted(wire::Admission { cluster: cluster.to_string(), node, roster: None })
        }
        Admission::Refused(why) => Reply::Refused(why),
        Admission::TryLater(why) => Reply::TryLater(why),
    };
    wire::JoinReply { result: Some(result) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use openraft::Instant as _;

    use super::*;
    use crate::types::{LeaderId, LogId, StoredMembership};

    type Instant = <crate::runtime::Runtime as openraft::AsyncRuntime>::Instant;

    const CLUSTER: ClusterId = ClusterId(7);

    fn member(port: u16, key: u8) -> Member {
        Member {
            peer_address: format!("127.0.0.1:{port}"),
            client_address: String::new(),
            public_key: [key; 32],
            stays_learner: false,
        }
    }

    fn say(member: Member, claims: Option<NodeIdentity>) -> String {
        let nodes = BTreeMap::from([(1, self::member(3001, 1)), (5, self::member(3011, 5))]);
        let membership = Membership::new(vec![BTreeSet::from([1])], nodes).unwrap();
        match judge(CLUSTER, &membership, &Applicant { member, claims }) {
            None => "new".to_owned(),
            Some(Admission::Admitted(NodeIdentity { node, .. })) => format!("node {node}"),
            Some(Admission::Refused(why)) => format!("refused: {why}"),
            Some(Admission::TryLater(why)) => format!("later: {why}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_learner_that_fell_silent_is_not_promoted() {
        let nodes = BTreeMap::from([(1, member(3001, 1)), (5, member(3011, 5))]);
        let membership = Membership::new(vec![BTreeSet::from([1])], nodes).unwrap();
        let mut metrics = Metrics::new_initial(1);
        metrics.membership_config = Arc::new(StoredMembership::new(None, membership));
        metrics.last_log_index = Some(1000);
        let acknowledged = |index| {
            let id = LogId::new(LeaderId { term: 1, node_id: 1 }, index);
            Some(BTreeMap::from([(1, Some(id)), (5, Some(id))]))
        };
        metrics.heartbeat = Some(BTreeMap::from([(5, Some(Instant::now().into()))]));
        metrics.replication = acknowledged(700);
        assert_eq!(next_to_promote(&metrics), None, "it has not caught up");
        metrics.replication = acknowledged(900);
        assert_eq!(next_to_promote(&metrics), Some(5));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(next_to_promote(&metrics), None, "it may be gone");
    }

    #[test]
    fn a_folder_gets_the_same_answer_again_and_nobody_takes_anothers_place() {
        assert_eq!(say(member(3021, 9), None), "new");
        assert_eq!(say(member(3011, 5), None), "node 5");
        let wiped = say(member(3011, 9), None);
        assert!(wiped.starts_with("refused: node 5 of the cluster"), "{wiped}");
        assert!(wiped.contains("wiped") && wiped.ends_with("holdfast cluster replace 5"), "{wiped}");
    }

    #[test]
    fn a_folder_that_was_a_node_is_that_node_or_none() {
        let claims = |cluster, node| Some(NodeIdentity { cluster: ClusterId(cluster), node });
        assert_eq!(say(member(3011, 5), claims(7, 5)), "node 5");
        assert!(say(member(3011, 5), claims(8, 5)).contains("another cluster"));
        assert!(say(member(3031, 9), claims(7, 9)).contains("was removed"));
        assert_eq!(say(member(3041, 5), claims(7, 5)), "node 5", "it has moved");
        assert!(say(member(3001, 5), claims(7, 5)).contains("a copy of another node's disk"));
    }
}
