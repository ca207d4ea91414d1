//! How many calls of a stream are in flight, and that each is answered.

use std::cell::Cell;
use std::time::Duration;

use futures_util::stream;

use super::*;

/// Pumps batches of so many calls, each of which takes a second: how many were answered, the most that were in flight at
/// a time, and how many seconds it took.
async fn pumped(batches: &[usize]) -> (usize, usize, u64) {
    let (replies, mut outgoing) = mpsc::channel(MESSAGES_WAITING_MAX);
    let (in_flight, most) = (Cell::new(0), Cell::new(0));
    let answer = |()| async {
        in_flight.set(in_flight.get() + 1);
        most.set(most.get().max(in_flight.get()));
        tokio::time::sleep(Duration::from_secs(1)).await;
        in_flight.set(in_flight.get() - 1);
        proto::Reply::default()
    };
    let started_at = Instant::now();
    let batches = stream::iter(batches.iter().map(|calls| Ok(std::iter::repeat_n((), *calls))));
    let pumping = async {
        pump(batches, answer, &replies).await.unwrap();
        drop(replies);
    };
    let counting = async {
        let mut answered = 0;
        while let Some(message) = outgoing.recv().await {
            answered += message.unwrap().replies.len();
        }
        answered
    };
    let ((), answered) = tokio::join!(pumping, counting);
    (answered, most.get(), started_at.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn every_call_is_answered_and_no_more_than_so_many_are_in_flight() {
    assert_eq!(pumped(&[]).await, (0, 0, 0));
    assert_eq!(pumped(&[0, 3, 0, 4]).await, (7, 7, 1));
    assert_eq!(pumped(&[IN_FLIGHT_MAX + 1]).await, (IN_FLIGHT_MAX + 1, IN_FLIGHT_MAX, 2));
    assert_eq!(pumped(&[3 * IN_FLIGHT_MAX, 5]).await, (3 * IN_FLIGHT_MAX + 5, IN_FLIGHT_MAX, 4));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_off_ends_with_its_status() {
    let (replies, _outgoing) = mpsc::channel(MESSAGES_WAITING_MAX);
    let broken = stream::iter([Err::<std::iter::Empty<()>, _>(Status::unauthenticated("revoked"))]);
    let ended = pump(broken, |()| async { proto::Reply::default() }, &replies).await;
    assert_eq!(ended.unwrap_err().code(), tonic::Code::Unauthenticated);
}
