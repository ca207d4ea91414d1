//! Many clients race for one place, also while the leader is killed: one gets it, and whoever was refused stays so.

use holdfast_model::{Answer, SlotId};
use holdfast_processes::{Guest, Park, Recorder, Stage, alone, arrive, fresh_key, judge, read_end};
use tokio::task::JoinSet;

const CLIENTS: usize = 500;
const ROUNDS: usize = 100;

/// In every third round the leader is killed.
const KILL_EVERY: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn of_five_hundred_clients_one_gets_the_last_place() {
    let _machine = alone().await;
    let mut stage = Stage::start(3).await;
    let recorder = Recorder::default();
    let slots = Park::open(&stage.operator).await.slots(&stage.operator, &[1; ROUNDS]).await;
    let mut guests = arrive(&stage, &recorder, CLIENTS).await;

    let mut calls = Vec::new();
    for (round, slot) in slots.iter().enumerate() {
        // The kill comes at another moment of each race.
        let kill_after = (round % KILL_EVERY == 0).then_some(1 + round * 37 % CLIENTS);
        guests = race(&mut stage, &recorder, guests, *slot, kill_after).await;
        let raced = recorder.take();
        judge(&stage, raced.clone(), read_end(&stage, &[*slot]).await);
        calls.extend(raced);
    }

    // Nobody turns up later.
    stage.cluster.kill_all().await.unwrap();
    stage.restart_all().await;
    stage.digest().await;
    judge(&stage, calls, read_end(&stage, &slots).await);
}

/// One round; the guests come back when all of them know.
async fn race(
    stage: &mut Stage,
    recorder: &Recorder,
    guests: Vec<Guest>,
    slot: SlotId,
    kill_after: Option<usize>,
) -> Vec<Guest> {
    let leader = stage.cluster.leader().await.unwrap();
    let enough = recorder.invocations(kill_after.unwrap_or(0));
    let mut racers = JoinSet::new();
    for mut guest in guests {
        racers.spawn(async move {
            let answer = guest.insist(guest.books(slot, 1), Some(&fresh_key())).await;
            (guest, answer)
        });
    }
    if kill_after.is_some() {
        enough.await;
        stage.cluster.kill(leader).await.unwrap();
    }
    let (guests, answers): (Vec<Guest>, Vec<Answer>) = racers.join_all().await.into_iter().unzip();
    if kill_after.is_some() {
        stage.restart(leader).await;
    }
    let winners = answers.iter().filter(|answer| matches!(answer, Answer::Booking(_))).count();
    let refused = answers.iter().filter(|answer| **answer == Answer::Refused("slot_full".to_owned())).count();
    assert_eq!((winners, refused), (1, CLIENTS - 1), "one gets the place, all others are refused");
    guests
}
