//! The leader is killed while guests book: what was acknowledged stays, the others go on, and it comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::demo::guests::{Guest, fresh_key};
use crate::demo::loading::OpenPark;
use crate::demo::{Stage, check, fact};
use crate::failure::Failure;

/// Bookings before the leader is killed, and after.
const BEFORE: usize = 200;
const AFTER: usize = 400;

/// The digests agree by then, or something is wrong.
const AGREE_DURATION_MAX: Duration = Duration::from_secs(30);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// A booking that was acknowledged.
#[derive(Clone, Copy)]
struct Acknowledged {
    id: u64,
    guest: usize,
    asked_at: Instant,
    answered_at: Instant,
}

pub(super) async fn play(stage: &mut Stage, park: &OpenPark, guests: &[Guest]) -> Result<(), Failure> {
    let leader = stage.cluster.leader().await?;
    let mut booking = Load::start(park, guests);
    booking.until(BEFORE).await?;
    let killed_at = Instant::now();
    stage.cluster.kill(leader).await?;
    let before = booking.acknowledged.len();
    fact(&format!("{before} bookings are acknowledged; node {} led, and is dead now", leader + 1));

    booking.until(before + AFTER).await?;
    let successor = stage.cluster.leader().await?;
    let acknowledged = booking.stop().await?;
    let after = acknowledged.iter().filter(|booking| booking.asked_at >= killed_at);
    let gap = after.map(|booking| booking.answered_at).min();
    let gap = gap.map_or(Duration::ZERO, |answered_at| answered_at - killed_at);
    fact(&format!(
        "node {} leads now; the first booking asked for after the kill was acknowledged {} ms after it; {} in all",
        successor + 1,
        gap.as_millis(),
        acknowledged.len()
    ));

    nothing_is_lost(guests, &acknowledged).await?;
    fact("every acknowledged booking is there, once");
    stage.cluster.run(leader, &[])?;
    stage.cluster.ready(leader).await?;
    let digest = agreed_digest(stage).await?;
    fact(&format!(
        "node {} is back and has caught up: all nodes hold the same rows, digest {digest}",
        leader + 1
    ));
    Ok(())
}

/// Guests who book one place after the other.
struct Load {
    acknowledged: Vec<Acknowledged>,
    answers: tokio::sync::mpsc::Receiver<Result<Acknowledged, Failure>>,
    is_over: Arc<AtomicBool>,
    clients: JoinSet<()>,
}

impl Load {
    fn start(park: &OpenPark, guests: &[Guest]) -> Self {
        let (answered, answers) = tokio::sync::mpsc::channel(1024);
        let is_over = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for (number, guest) in guests.iter().enumerate() {
            let (answered, is_over, guest) = (answered.clone(), is_over.clone(), guest.at(number));
            let rides: Vec<u64> = park.rides.iter().map(|ride| ride.id).collect();
            let window = park.last_window();
            clients.spawn(async move {
                for ride in rides.iter().cycle().skip(number) {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let asked_at = Instant::now();
                    let (starts_at, ends_at) = (window.0.to_string(), window.1.to_string());
                    let wish = json!({"rideId": ride, "cnt": 1, "startTime": starts_at, "endTime": ends_at});
                    let reply = guest.insist(Method::POST, "/rides/book", wish, &fresh_key()).await;
                    let booked = match reply {
                        // The ride is full: no place, no promise.
                        Ok(reply) if reply.code() == "slot_full" => continue,
                        Ok(reply) => reply.success(),
                        Err(failure) => Err(failure),
                    };
                    let acknowledged = booked.map(|booked| Acknowledged {
                        id: booked["bookingId"].as_u64().unwrap_or_default(),
                        guest: number,
                        asked_at,
                        answered_at: Instant::now(),
                    });
                    if answered.send(acknowledged).await.is_err() {
                        return;
                    }
                }
            });
        }
        Self { acknowledged: Vec::new(), answers, is_over, clients }
    }

    /// Waits until so many bookings are acknowledged.
    async fn until(&mut self, count: usize) -> Result<(), Failure> {
        while self.acknowledged.len() < count {
            let answer = self.answers.recv().await;
            self.acknowledged.push(answer.ok_or_else(|| Failure::other("all guests went home"))??);
        }
        Ok(())
    }

    /// Everything that was acknowledged, once nobody asks any more.
    async fn stop(mut self) -> Result<Vec<Acknowledged>, Failure> {
        self.is_over.store(true, Ordering::Relaxed);
        while let Some(answer) = self.answers.recv().await {
            self.acknowledged.push(answer?);
        }
        drop(self.clients.join_all().await);
        Ok(self.acknowledged)
    }
}

/// Compares what the guests were told with what the cluster has of each.
async fn nothing_is_lost(guests: &[Guest], acknowledged: &[Acknowledged]) -> Result<(), Failure> {
    for (number, guest) in guests.iter().enumerate() {
        let mut promised: Vec<u64> =
            acknowledged.iter().filter(|booking| booking.guest == number).map(|booking| booking.id).collect();
        promised.sort_unstable();
        let kept = bookings_of(guest).await?;
        let lost = promised.iter().find(|id| !kept.contains(id));
        check(lost.is_none(), || format!("booking {lost:?} of {} is lost", guest.email))?;
        // The one place more is of the rush.
        check(kept.len() <= promised.len() + 1, || {
            format!("{} has {} bookings and was told of {}", guest.email, kept.len(), promised.len())
        })?;
    }
    Ok(())
}

async fn bookings_of(guest: &Guest) -> Result<Vec<u64>, Failure> {
    let mut ids = Vec::new();
    let mut after = String::new();
    loop {
        let page = guest.get(&format!("/rides/book?size=100{after}")).await?;
        let page: Vec<u64> = page["bookings"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| row["bookingId"].as_u64())
            .collect();
        let Some(last) = page.last() else { return Ok(ids) };
        after = format!("&lastReceivedBookingId={last}");
        ids.extend(page);
    }
}

/// Waits until all nodes have the same rows at the same index.
async fn agreed_digest(stage: &Stage) -> Result<String, Failure> {
    let started_at = Instant::now();
    loop {
        let mut digests = Vec::new();
        for position in 0..stage.cluster.nodes.len() {
            digests.extend(stage.cluster.digest(position).await);
        }
        let is_same = digests.windows(2).all(|pair| pair[0] == pair[1]);
        if is_same && digests.len() == stage.cluster.nodes.len() {
            return Ok(digests.swap_remove(0).1);
        }
        check(started_at.elapsed() < AGREE_DURATION_MAX, || format!("the nodes differ: {digests:?}"))?;
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}
