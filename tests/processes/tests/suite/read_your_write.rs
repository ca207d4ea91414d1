//! Whoever has booked sees it at once, on whichever node he looks, also while leaders die and step down.

use std::sync::Arc;

use holdfast_model::{Answer, Request, SlotId, UserId};
use holdfast_processes::{
    Guest, Park, Recorder, Stage, alone, arrive, arrive_app, fresh_key, judge, read_end,
};
use tokio::task::JoinSet;

/// Bookings, each read at once on another node.
const TIMES: usize = 10_000;
const CLIENTS: usize = 20;
const SLOTS: usize = 100;
const CAPACITY: u64 = 1_000;

/// While they book, the leader is killed, asked to stop, killed, and so on.
const LEADERS_LOST: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_bookings_are_seen_at_once_on_another_node() {
    let _machine = alone().await;
    let mut stage = Stage::start(3).await;
    let recorder = Recorder::default();
    let slots = Park::open(&stage.operator).await.slots(&stage.operator, &[CAPACITY; SLOTS]).await;
    let customers: Vec<UserId> = arrive(&stage, &recorder, 3).await.iter().map(|guest| guest.user).collect();
    let app = arrive_app(&stage, &recorder).await;

    let shared: Arc<[SlotId]> = slots.clone().into();
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let owner = customers[number % customers.len()];
        clients.spawn(book_and_look(app.another(), shared.clone(), owner));
    }
    for nth in 0..LEADERS_LOST {
        // Each booking and each read of one is acknowledged.
        recorder.acknowledgements(TIMES / (LEADERS_LOST + 1)).await;
        let leader = stage.cluster.leader().await.unwrap();
        match nth % 2 {
            0 => stage.cluster.kill(leader).await.unwrap(),
            _ => assert!(stage.cluster.stop(leader).await.unwrap().is_some_and(|ended| ended.success())),
        }
        stage.restart(leader).await;
    }
    clients.join_all().await;

    let calls = recorder.take();
    let seen = calls.iter().filter(|call| matches!(call.request, Request::Get(_))).count();
    assert!(seen >= TIMES, "{seen} reads");
    stage.digest().await;
    judge(&stage, calls, read_end(&stage, &slots).await);
}

async fn book_and_look(mut client: Guest, slots: Arc<[SlotId]>, owner: UserId) {
    for nth in 0..TIMES / CLIENTS {
        let slot = slots[rand::random_range(0..slots.len())];
        let (node, other) = two_nodes();
        let request = Request::Book { slot, count: 1, owner };
        let answer = client.insist_from(node, request, Some(&fresh_key())).await;
        let Answer::Booking(booking) = answer else { panic!("{answer:?}") };
        let seen = client.insist_from(other, Request::Get(booking.id), None).await;
        assert_eq!(
            seen,
            Answer::Booking(booking),
            "read on node {} after booking on {}",
            other + 1,
            node + 1
        );
        match nth % 10 {
            3 => drop(client.insist_from(other, Request::Look(slot), None).await),
            7 => drop(client.insist_from(other, Request::List(slot), None).await),
            _ => (),
        }
    }
}

fn two_nodes() -> (usize, usize) {
    let node = rand::random_range(0..3);
    (node, (node + rand::random_range(1..3)) % 3)
}
