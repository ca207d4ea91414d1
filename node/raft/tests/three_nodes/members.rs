//! What operators want of the members, asked at any node: done, refused, or gone on with by the next leader.

use std::path::Path;
use std::time::Duration;

use holdfast_raft::{Change, ChangeError, Goal, RefusalCode, Replica, StartError, start};
use holdfast_storage::files::RealFiles;
use tokio::time::Instant;

use crate::replicas::{deadline, find, node, options, sign_up, until, voters};

struct Cluster {
    dir: tempfile::TempDir,
    nodes: Vec<Replica>,
}

impl Cluster {
    async fn of(count: usize) -> Self {
        let mut cluster = Self { dir: tempfile::tempdir().unwrap(), nodes: Vec::new() };
        for _ in 0..count {
            cluster.join().await;
        }
        until("all vote", || cluster.nodes.iter().all(|node| voters(node) == count)).await;
        cluster
    }

    fn folder(&self, position: usize) -> std::path::PathBuf {
        self.dir.path().join(position.to_string())
    }

    async fn join(&mut self) -> usize {
        let position = self.nodes.len();
        let members: Vec<&Replica> = self.nodes.iter().collect();
        let node = node(&self.folder(position), &members).await;
        self.nodes.push(node);
        position
    }

    fn leader(&self) -> usize {
        self.nodes.iter().position(|node| node.leadership().is_own).unwrap()
    }

    fn id(&self, position: usize) -> u64 {
        self.nodes[position].identity().node
    }
}

async fn change(at: &Replica, goal: Goal) -> Change {
    at.change_members(goal, deadline()).await.unwrap()
}

async fn refused(at: &Replica, goal: Goal) -> RefusalCode {
    let planned = at.plan_members(goal, deadline()).await.unwrap_err();
    let error = at.change_members(goal, deadline()).await.unwrap_err();
    assert_eq!(planned, error, "a dry run says what would happen");
    let ChangeError::Refused { code, .. } = error else { panic!("{error}") };
    code
}

fn roles(at: &Replica) -> Vec<(u64, bool)> {
    at.cluster().nodes.iter().map(|node| (node.id, node.is_voter)).collect()
}

async fn refusal_of(folder: &Path) -> String {
    let Err(StartError::Refused(says)) = start(RealFiles, options(folder).await).await else {
        panic!("it must not start");
    };
    says
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_leader_hands_over_and_never_comes_back() {
    let cluster = Cluster::of(3).await;
    sign_up(&cluster.nodes[1], 1).await;
    let leader = cluster.leader();
    let (removed, other) = (cluster.id(leader), &cluster.nodes[(leader + 1) % 3]);
    let goal = Goal::Remove { node: removed };
    let planned = other.plan_members(goal, deadline()).await.unwrap();
    assert_eq!(planned.steps.len(), 4, "{planned:?}");
    assert_eq!(cluster.leader(), leader, "a dry run changes nothing");

    assert!(change(other, goal).await.is_done());
    until("it is gone", || roles(other).iter().all(|(id, _)| *id != removed)).await;
    let told = cluster.nodes[leader].removed().await;
    assert_eq!((told.node, told.has_served), (removed, true));
    assert!(refusal_of(&cluster.folder(leader)).await.contains("was removed"));
    assert_eq!(refused(other, goal).await, RefusalCode::UnknownNode);
    sign_up(other, 2).await;
    assert!(find(other, 1).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_asked_to_take_itself_away_says_when_it_is_gone() {
    let cluster = Cluster::of(3).await;
    let asked = (cluster.leader() + 1) % 3;
    let (removed, other) = (cluster.id(asked), &cluster.nodes[(asked + 1) % 3]);
    // The leader cuts its connections before it could answer.
    assert!(change(&cluster.nodes[asked], Goal::Remove { node: removed }).await.is_done());
    until("it is gone", || roles(other).iter().all(|(id, _)| *id != removed)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_node_learns_until_it_is_promoted() {
    let cluster = Cluster::of(3).await;
    let leader = cluster.leader();
    let drained = cluster.id(leader);
    let other = &cluster.nodes[(leader + 1) % 3];
    for _ in 0..2 {
        assert!(change(other, Goal::Drain { node: drained }).await.is_done());
    }
    assert!(!cluster.nodes[leader].leadership().is_own);
    let kept = |id: &u64| roles(other).contains(&(*id, false));
    assert!(kept(&drained));
    let code = refused(other, Goal::Transfer { to: Some(drained) }).await;
    assert_eq!(code, RefusalCode::NotAVoter);
    // Many rounds of the leader, who would promote it if it did not know better.
    let index = cluster.nodes[leader].applied();
    for number in 0..20 {
        sign_up(other, number).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    until("it follows", || cluster.nodes[leader].applied() >= index + 20).await;
    assert!(kept(&drained));

    assert!(change(&cluster.nodes[leader], Goal::Promote { node: drained }).await.is_done());
    until("it votes", || roles(other).contains(&(drained, true))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_node_is_replaced_by_the_next_that_joins_whoever_leads_by_then() {
    let mut cluster = Cluster::of(3).await;
    let leader = cluster.leader();
    let (dead, other) = ((leader + 1) % 3, (leader + 2) % 3);
    let goal = Goal::Replace { node: cluster.id(dead), by: None };
    cluster.nodes[dead].shut_down().await;
    let left = loop {
        let soon = Instant::now() + Duration::from_millis(500);
        match cluster.nodes[other].change_members(goal, soon).await {
            // A busy machine, whose leader could not say in that time how far it is.
            Err(ChangeError::Unknown) => (),
            left => break left.unwrap(),
        }
    };
    assert!(!left.is_done());
    assert!(left.waits_for.unwrap().contains("holdfast start --data-dir"), "{:?}", left.steps);

    cluster.nodes[leader].step_down().await;
    until("the other leads", || cluster.leader() == other).await;
    let newcomer = cluster.join().await;
    // At first it may not even be known to the leader.
    while !change(&cluster.nodes[leader], goal).await.is_done() {}
    let roles = roles(&cluster.nodes[other]);
    assert_eq!(roles.len(), 3);
    assert!(roles.contains(&(cluster.id(newcomer), true)), "{roles:?}");
    sign_up(&cluster.nodes[newcomer], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_lose_the_quorum_is_refused_and_changes_nothing() {
    let cluster = Cluster::of(3).await;
    let leader = cluster.leader();
    let (dead, other) = ((leader + 1) % 3, (leader + 2) % 3);
    let at = &cluster.nodes[other];
    assert_eq!(refused(at, Goal::Remove { node: 999 }).await, RefusalCode::UnknownNode);
    assert_eq!(refused(at, Goal::Transfer { to: Some(cluster.id(leader)) }).await, RefusalCode::AlreadyLeads);

    cluster.nodes[dead].shut_down().await;
    let before = roles(at);
    // It is noticed after a second.
    let is_refused = async |goal| {
        let given_up_at = Instant::now() + Duration::from_secs(5);
        while at.plan_members(goal, deadline()).await.is_ok() && Instant::now() < given_up_at {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        refused(at, goal).await
    };
    for survivor in [leader, other] {
        let node = cluster.id(survivor);
        assert_eq!(is_refused(Goal::Remove { node }).await, RefusalCode::WouldLoseQuorum);
        assert_eq!(is_refused(Goal::Drain { node }).await, RefusalCode::WouldLoseQuorum);
    }
    let to = Some(cluster.id(dead));
    assert_eq!(is_refused(Goal::Transfer { to }).await, RefusalCode::Silent);
    assert_eq!(roles(at), before);
    // The dead one itself may go.
    assert!(change(at, Goal::Remove { node: cluster.id(dead) }).await.is_done());
    assert_eq!(voters(&cluster.nodes[leader]), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_voter_stays() {
    let cluster = Cluster::of(1).await;
    let node = cluster.id(0);
    assert_eq!(refused(&cluster.nodes[0], Goal::Remove { node }).await, RefusalCode::LastVoter);
    assert_eq!(refused(&cluster.nodes[0], Goal::Drain { node }).await, RefusalCode::LastVoter);
    assert_eq!(refused(&cluster.nodes[0], Goal::Transfer { to: None }).await, RefusalCode::NoSuccessor);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_goes_where_it_is_sent_and_then_rests() {
    let cluster = Cluster::of(3).await;
    let leader = cluster.leader();
    let target = (leader + 1) % 3;
    let goal = Goal::Transfer { to: Some(cluster.id(target)) };
    let bystander = &cluster.nodes[(leader + 2) % 3];
    assert!(change(bystander, goal).await.is_done());
    assert_eq!(cluster.leader(), target);
    let back = Goal::Transfer { to: Some(cluster.id(leader)) };
    let soon = Instant::now() + Duration::from_millis(100);
    let error = cluster.nodes[target].change_members(back, soon).await.unwrap_err();
    assert!(error.is(RefusalCode::TooSoon), "{error}");
    assert!(change(bystander, back).await.is_done(), "who has time waits");
    assert_eq!(cluster.leader(), leader);
    sign_up(bystander, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_quorum_nothing_is_begun() {
    let cluster = Cluster::of(3).await;
    let leader = cluster.leader();
    for position in [(leader + 1) % 3, (leader + 2) % 3] {
        cluster.nodes[position].shut_down().await;
    }
    let goal = Goal::Remove { node: cluster.id((leader + 1) % 3) };
    let soon = Instant::now() + Duration::from_secs(2);
    let error = cluster.nodes[leader].change_members(goal, soon).await.unwrap_err();
    assert!(matches!(error, ChangeError::Unavailable(_)), "{error}");
}
