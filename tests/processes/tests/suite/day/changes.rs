//! Leadership moves again and again while reminders and the ends of holds are due: each reminder is sent under one id, and
//! no hold ends before its time or lives on after it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use holdfast_cluster::Api;
use holdfast_model::SlotId;
use holdfast_processes::sinks::Push;
use holdfast_processes::{Guest, alone, arrive, arrive_app, fresh_key, until};
use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{PATIENCE, World, apple_token, moment, registers};

/// Those who book at once, and how often each does.
const CALLERS: usize = 20;
const CALLS: usize = 50;
const BOOKED: usize = CALLERS * CALLS;

/// Moments at which something is due: as many slots are about to start, and as many lengths have holds. Each caller books
/// as often for one as for another.
const ROUNDS: usize = 10;

/// From one such moment to the next.
const INTERVAL_SECONDS: u64 = 3;

/// From when all is booked until the first slot is about to start.
const READY_SECONDS: u64 = 3;

/// The shortest hold.
const HOLD_SECONDS: u64 = 6;

/// At least so many changes there are, and of them while something is due of either kind.
const CHANGES_MIN: usize = 10;
const CHANGES_AMIDST_MIN: usize = 5;

/// CONTRACT.md: what has ended is gone for every read so much later at the latest, when another node has come to lead.
const LATE: SignedDuration = SignedDuration::from_secs(3);

/// Moments are told in whole milliseconds.
const TICK: SignedDuration = SignedDuration::from_millis(1);

/// The last hold ends after half a minute; all is over soon after.
const OVER_DURATION_MAX: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn ten_leader_changes_during_a_thousand_reminders_and_a_thousand_holds() {
    let _machine = alone().await;
    let world = World::begin().await;
    let operator = &world.stage.operator;
    let guests = arrive(&world.stage, &world.recorder, 1).await;
    let app = arrive_app(&world.stage, &world.recorder).await;
    registers(&guests[0], "apns", &apple_token(7)).await;
    let days = open_days(&world).await;
    let far = world.park.slots(operator, &[BOOKED as u64]).await[0];
    let user = guests[0].user.0;
    let reminded = book(&app, |round| json!({"slotId": days[round].slot.0, "userId": user})).await;
    let reminded: BTreeSet<u64> = reminded.into_iter().map(|booked| booked.id).collect();
    assert_eq!(reminded.len(), BOOKED);
    let hold = |round| json!({"slotId": far.0, "hold": true, "holdSeconds": hold_seconds(round)});
    let held = book(&app, hold).await;
    begin_days(&world, &days).await;

    let (changes, ()) = tokio::join!(change_leaders(&world, far), see_the_end_of_holds(operator, far, &held));
    // The sink refuses an event under two ids, and two events under one.
    assert_eq!(world.apns.refused.all(), Vec::<String>::new());

    let mut are_ready = BTreeSet::new();
    for day in &days {
        are_ready.extend(expect_all(operator, day.slot, "ready").await);
    }
    assert_eq!(are_ready, reminded);
    let ready = moments(operator, reminded, "ready").await;
    expect_amidst(&changes, &ready, "ready");

    let have_expired = expect_all(operator, far, "expired").await;
    assert_eq!(have_expired.len(), BOOKED);
    assert_eq!(have_expired, held.iter().map(|hold| hold.id).collect::<BTreeSet<_>>());
    let expired = moments(operator, have_expired, "expired").await;
    let late = held.iter().map(|hold| hold.ends_by().duration_until(expired[&hold.id])).max();
    println!("the latest hold ended {:?} after it was due", late.unwrap());
    for hold in &held {
        hold.expect_ended_in_time(expired[&hold.id]);
    }
    expect_amidst(&changes, &expired, "expired");
    world.stage.digest().await;
}

/// A slot that is about to start some time after all is booked.
struct Day {
    slot: SlotId,
    starts_at: Timestamp,
}

/// A booking of a round, when it was asked for, and when that was acknowledged.
struct Booked {
    id: u64,
    round: usize,
    sent_at: Timestamp,
    answered_at: Timestamp,
}

impl Booked {
    /// When it ends at the latest, as a hold.
    fn ends_by(&self) -> Timestamp {
        self.answered_at + self.hold_duration()
    }

    fn hold_duration(&self) -> SignedDuration {
        SignedDuration::from_secs(hold_seconds(self.round) as i64)
    }

    fn expect_ended_in_time(&self, at: Timestamp) {
        let Self { id, sent_at, .. } = self;
        assert!(at + TICK > *sent_at + self.hold_duration(), "{id} was sent at {sent_at} and ended at {at}");
        let by = self.ends_by() + LATE;
        assert!(at <= by, "{id} ended at {at}, and not by {by}");
    }
}

fn hold_seconds(round: usize) -> u64 {
    HOLD_SECONDS + INTERVAL_SECONDS * round as u64
}

/// Slots of an hour later: nothing is due there yet.
async fn open_days(world: &World) -> Vec<Day> {
    let first = Timestamp::now() + SignedDuration::from_hours(1);
    let mut days = Vec::new();
    for minute in (0..).take(ROUNDS) {
        let starts_at = first + SignedDuration::from_mins(minute);
        let ends_at = starts_at + SignedDuration::from_mins(10);
        let capacity = (BOOKED / ROUNDS) as u64;
        let slot = world.park.slot(&world.stage.operator, starts_at, ends_at, capacity).await;
        days.push(Day { slot, starts_at });
    }
    days
}

/// Has the slots become ready soon, one after the other: long enough before they start.
async fn begin_days(world: &World, days: &[Day]) {
    let first = Timestamp::now() + SignedDuration::from_secs(READY_SECONDS as i64);
    for (day, round) in days.iter().zip(0..) {
        let ready_at = first + SignedDuration::from_secs(INTERVAL_SECONDS as i64) * round;
        let lead = ready_at.duration_until(day.starts_at).as_secs();
        world.decide(&format!("slot/{}", day.slot.0), json!({"reminderLeadSeconds": lead})).await;
    }
}

/// Books as often in each round, for many callers at once, who come to the next round at about the same time.
async fn book(app: &Guest, wish: impl Fn(usize) -> Value) -> Vec<Booked> {
    let wishes: Vec<Value> = (0..ROUNDS).map(wish).collect();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (api, wishes) = (app.api(), wishes.clone());
        callers.spawn(async move {
            let mut made = Vec::new();
            for call in 0..CALLS {
                let round = call * ROUNDS / CALLS;
                let wish = Some(wishes[round].clone());
                let sent_at = Timestamp::now();
                let reply =
                    api.call_with_key(Method::POST, "/v1/bookings", wish, &fresh_key()).await.unwrap();
                let answered_at = Timestamp::now();
                assert_eq!(reply.status, 201, "{}", reply.json);
                made.push(Booked { id: reply.json["id"].as_u64().unwrap(), round, sent_at, answered_at });
            }
            made
        });
    }
    callers.join_all().await.into_iter().flatten().collect()
}

/// Moves leadership until all is over, and often enough. The answer is when it moved.
async fn change_leaders(world: &World, far: SlotId) -> Vec<Timestamp> {
    let started_at = Instant::now();
    let mut changes = Vec::new();
    while changes.len() < CHANGES_MIN || !is_over(world, far).await {
        let reminders = reminders(&world.apns.seen.all());
        let count = changes.len();
        assert!(started_at.elapsed() < OVER_DURATION_MAX, "{reminders} reminders after {count} changes");
        world.stage.another_leads(PATIENCE).await;
        changes.push(Timestamp::now());
    }
    changes
}

async fn is_over(world: &World, far: SlotId) -> bool {
    held_in(&world.stage.operator, far).await == Some(0) && reminders(&world.apns.seen.all()) == BOOKED
}

fn reminders(seen: &[Push]) -> usize {
    let reminders = seen.iter().filter(|push| push.payload["type"] == "booking.ready");
    reminders.map(|push| push.id).collect::<BTreeSet<_>>().len()
}

/// Places of a slot that are held, if any node knows.
async fn held_in(operator: &Api, slot: SlotId) -> Option<u64> {
    let shown = operator.get(&format!("/v1/slots/{}", slot.0)).await.ok()?;
    shown["pools"][0]["held"].as_u64()
}

/// Looks on until nothing is held any more, which is to be so for whoever asks soon after the last deadline.
async fn see_the_end_of_holds(operator: &Api, slot: SlotId, holds: &[Booked]) {
    let by = holds.iter().map(Booked::ends_by).max().unwrap() + LATE;
    until("the end of all holds", OVER_DURATION_MAX, async || {
        let asked_at = Timestamp::now();
        let held = held_in(operator, slot).await?;
        assert!(held == 0 || asked_at <= by, "{held} are held at {asked_at}, and none is to be by {by}");
        (held == 0).then_some(())
    })
    .await;
}

/// The bookings of a slot, all of which came to one thing, and to that once.
async fn expect_all(operator: &Api, slot: SlotId, status: &str) -> BTreeSet<u64> {
    let (mut found, mut after) = (BTreeSet::new(), String::new());
    loop {
        let page = operator.get(&format!("/v1/bookings?slotId={}&limit=200{after}", slot.0)).await.unwrap();
        for booking in page["items"].as_array().unwrap() {
            assert!(booking["status"] == status && booking["version"] == 2, "not {status}: {booking}");
            found.insert(booking["id"].as_u64().unwrap());
        }
        let Some(next) = page["next"].as_u64() else { return found };
        after = format!("&after={next}");
    }
}

/// When bookings came to something, as their histories tell.
async fn moments(operator: &Api, bookings: BTreeSet<u64>, kind: &'static str) -> BTreeMap<u64, Timestamp> {
    let bookings: Vec<u64> = bookings.into_iter().collect();
    let mut callers = JoinSet::new();
    for bookings in bookings.chunks(BOOKED.div_ceil(CALLERS)) {
        let (operator, bookings) = (operator.clone(), bookings.to_vec());
        callers.spawn(async move {
            let mut moments = Vec::new();
            for id in bookings {
                let history = operator.get(&format!("/v1/bookings/{id}/history")).await.unwrap();
                let mut items = history["items"].as_array().unwrap().iter();
                let Some(item) = items.find(|item| item["kind"] == kind) else {
                    panic!("{id} was never {kind}: {history}")
                };
                moments.push((id, moment(&item["at"])));
            }
            moments
        });
    }
    callers.join_all().await.into_iter().flatten().collect()
}

/// Makes sure that leadership moved while something was due.
fn expect_amidst(changes: &[Timestamp], moments: &BTreeMap<u64, Timestamp>, what: &str) {
    let (first, last) = (moments.values().min().unwrap(), moments.values().max().unwrap());
    let amidst = changes.iter().filter(|at| (first..=last).contains(at)).count();
    println!("{amidst} of {} changes while bookings became {what}, {first} to {last}", changes.len());
    assert!(amidst >= CHANGES_AMIDST_MIN, "{what} from {first} to {last}: {changes:?}");
}
