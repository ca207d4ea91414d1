//! kill -9 under load: of the leader, of a follower, of all nodes at once. What was acknowledged is there, what was
//! retried had one effect, and all replicas hold the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use holdfast_model::{Answer, Call, Request, SlotId, UserId};
use holdfast_processes::{
    Guest, Park, Recorder, Stage, alone, arrive, arrive_app, fresh_key, judge, read_end,
};
use tokio::task::JoinSet;

/// Rounds of each kind.
const ROUNDS: usize = 20;
const CLIENTS: usize = 32;

/// Slots of a round: most have room for everybody, a few are sold out at once.
const WIDE_SLOTS: usize = 20;
const WIDE_CAPACITY: u64 = 1_000_000;
const HOT_SLOTS: usize = 4;
const HOT_CAPACITY: u64 = 25;

/// Calls that are acknowledged before the kill, and after it.
const ACKNOWLEDGED_BEFORE: usize = 300;
const ACKNOWLEDGED_AFTER: usize = 150;

/// The promise: a killed leader is missed for no longer.
const FAILOVER_DURATION_MAX: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Leader,
    Follower,
    All,
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leader_is_killed_under_load() {
    let pauses = play(Victim::Leader).await;
    let longest = pauses.iter().max().copied().unwrap_or_default();
    println!("from the kill of a leader to the first success: at most {longest:?}, {pauses:?}");
    assert!(longest <= FAILOVER_DURATION_MAX, "a killed leader was missed for {longest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_is_killed_under_load() {
    let pauses = play(Victim::Follower).await;
    println!("from the kill of a follower to the first success: at most {:?}", pauses.iter().max());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_nodes_are_killed_at_once_under_load() {
    let pauses = play(Victim::All).await;
    println!("from the kill of all nodes to the first success: at most {:?}", pauses.iter().max());
}

/// Plays all rounds of a kind; how long after each kill the first call that came later succeeded.
async fn play(victim: Victim) -> Vec<Duration> {
    let _machine = alone().await;
    let mut stage = Stage::start(3).await;
    let recorder = Recorder::default();
    let park = Park::open(&stage.operator).await;
    let customers: Vec<UserId> = arrive(&stage, &recorder, 8).await.iter().map(|guest| guest.user).collect();
    let mut round = Round { app: arrive_app(&stage, &recorder).await, recorder, customers: customers.into() };

    let (mut pauses, mut all_calls, mut all_slots) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let capacities = [vec![WIDE_CAPACITY; WIDE_SLOTS], vec![HOT_CAPACITY; HOT_SLOTS]].concat();
        let slots = park.slots(&stage.operator, &capacities).await;
        let (calls, killed_at) = round.play(&mut stage, &slots, victim).await;
        pauses.push(first_success_after(killed_at, &calls));
        stage.digest().await;
        judge(&stage, calls.clone(), read_end(&stage, &slots).await);
        all_calls.extend(calls);
        all_slots.extend(slots);
    }
    println!("{} calls in {ROUNDS} rounds", all_calls.len());
    judge(&stage, all_calls, read_end(&stage, &all_slots).await);
    pauses
}

/// What all rounds share.
struct Round {
    app: Guest,
    customers: Arc<[UserId]>,
    recorder: Recorder,
}

impl Round {
    /// Kills under load; the calls, and when the victim was gone.
    async fn play(&mut self, stage: &mut Stage, slots: &[SlotId], victim: Victim) -> (Vec<Call>, u64) {
        let is_over = Arc::new(AtomicBool::new(false));
        let enough = self.recorder.acknowledgements(ACKNOWLEDGED_BEFORE);
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let client = Client {
                guest: self.app.another(),
                customers: self.customers.clone(),
                slots: slots.into(),
                is_over: is_over.clone(),
            };
            clients.spawn(client.run());
        }
        enough.await;
        let killed = match victim {
            Victim::Leader => Some(stage.cluster.leader().await.unwrap()),
            Victim::Follower => Some(stage.follower().await),
            Victim::All => None,
        };
        match killed {
            Some(node) => stage.cluster.kill(node).await.unwrap(),
            None => stage.cluster.kill_all().await.unwrap(),
        }
        let killed_at = self.recorder.now();
        if victim != Victim::All {
            self.recorder.acknowledgements(ACKNOWLEDGED_AFTER).await;
        }
        stage.restart_all().await;
        self.recorder.acknowledgements(ACKNOWLEDGED_AFTER).await;
        is_over.store(true, Ordering::Relaxed);
        clients.join_all().await;
        (self.recorder.take(), killed_at)
    }
}

/// One of the app's workers.
struct Client {
    guest: Guest,
    customers: Arc<[UserId]>,
    slots: Arc<[SlotId]>,
    is_over: Arc<AtomicBool>,
}

impl Client {
    async fn run(mut self) {
        while !self.is_over.load(Ordering::Relaxed) {
            let (slot, count, owner) = self.wish();
            let (request, key) = (Request::Book { slot, count, owner }, fresh_key());
            let Answer::Booking(booking) = self.guest.insist(request, Some(&key)).await else { continue };
            match rand::random_range(0..10) {
                // A retry that nobody needed, perhaps at another node.
                0 => drop(self.guest.insist(request, Some(&key)).await),
                1 => drop(self.guest.insist(Request::Cancel(booking.id), Some(&fresh_key())).await),
                _ => (),
            }
        }
    }

    fn wish(&self) -> (SlotId, u32, UserId) {
        let among = match rand::random_bool(0.2) {
            true => WIDE_SLOTS..self.slots.len(),
            false => 0..WIDE_SLOTS,
        };
        let owner = self.customers[rand::random_range(0..self.customers.len())];
        (self.slots[rand::random_range(among)], rand::random_range(1..=3), owner)
    }
}

/// How long after a moment the first call that was made later succeeded.
fn first_success_after(moment: u64, calls: &[Call]) -> Duration {
    let later =
        calls.iter().filter(|call| call.invoked_at > moment && matches!(call.answer, Answer::Booking(_)));
    Duration::from_nanos(later.map(|call| call.answered_at).min().unwrap() - moment)
}
