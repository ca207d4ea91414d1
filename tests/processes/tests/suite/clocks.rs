//! Nodes whose wall clocks are a day off, or jump to and fro: no hold ends before its time or lives on after it, nobody is
//! taken for missing before he is, and what is due comes. Time is told by this process, whose clock is right.

use std::time::{Duration, Instant};

use holdfast_model::SlotId;
use holdfast_processes::{Guest, Park, Recorder, Stage, alone, arrive_app, fresh_key, until};
use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Holds last so long, and so many are placed at a time.
const HOLD_DURATION: Duration = Duration::from_secs(5);
const HOLDS: usize = 5;

/// Slots of guests who do not come start in so long, and wait for them so much longer.
const LEAD: SignedDuration = SignedDuration::from_secs(3);
const GRACE: SignedDuration = SignedDuration::from_secs(1);

/// Parties in a slot: too few to think that the entrance is to blame when all are missing.
const PARTIES: u64 = 10;

/// CONTRACT.md: what has ended is gone for every read so much later at the latest, when another node has come to lead.
const LATE: Duration = Duration::from_secs(3);

/// Clocks agree when they are no further apart. Who comes to lead with a wrong clock goes on from what it applied last, a
/// little late; once its clock is right, time is set right by as much at most.
const AGREEMENT: Duration = Duration::from_secs(1);

/// Clocks that are right again are agreed on within so long.
const SETTLE_DURATION: Duration = Duration::from_secs(5);

/// Moments are told in whole milliseconds.
const TICK: Duration = Duration::from_millis(2);

const PATIENCE: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread")]
async fn a_leaders_clock_a_day_off_ends_nothing_early_and_nothing_late() {
    let _machine = alone().await;
    let mut scene = Scene::open().await;
    let leader = scene.stage.cluster.leader().await.unwrap();
    let clock = scene.stage.clock(leader);
    for ahead in [DAY, -DAY] {
        scene.place_holds().await;
        clock.set(ahead);
        scene.is_warned_by(leader).await;
        scene.goes_on().await;
    }
    clock.set(SignedDuration::ZERO);
    scene.unsettled();
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_whose_clock_is_a_day_off_may_come_to_lead() {
    let _machine = alone().await;
    let mut scene = Scene::open().await;
    for ahead in [DAY, -DAY] {
        let follower = scene.stage.follower().await;
        let clock = scene.stage.clock(follower);
        clock.set(ahead);
        scene.goes_on().await;
        scene.place_holds().await;
        scene.lets_lead(follower).await;
        scene.is_warned_by(follower).await;
        scene.goes_on().await;
        scene.place_holds().await;
        clock.set(SignedDuration::ZERO);
        scene.unsettled();
    }
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_to_and_fro_moves_nothing() {
    const INTERVAL: Duration = Duration::from_millis(150);
    let _machine = alone().await;
    let mut scene = Scene::open().await;
    let leader = scene.stage.cluster.leader().await.unwrap();
    let strobe = scene
        .stage
        .clock(leader)
        .strobe(INTERVAL, vec![DAY, SignedDuration::ZERO, -DAY, SignedDuration::ZERO]);
    scene.is_warned_by(leader).await;
    scene.goes_on().await;
    strobe.end().await;

    let follower = scene.stage.follower().await;
    let strobe = scene.stage.clock(follower).strobe(INTERVAL, vec![DAY, -DAY]);
    scene.goes_on().await;
    scene.place_holds().await;
    scene.lets_lead(follower).await;
    scene.goes_on().await;
    strobe.end().await;
    scene.unsettled();
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_with_a_clock_a_day_off_may_come_to_lead() {
    let _machine = alone().await;
    let mut scene = Scene::open().await;
    let node = scene.stage.follower().await;
    for ahead in [DAY, -DAY] {
        scene.place_holds().await;
        scene.stage.cluster.kill(node).await.unwrap();
        scene.stage.clock(node).set(ahead);
        scene.stage.restart(node).await;
        scene.lets_lead(node).await;
        scene.is_warned_by(node).await;
        scene.goes_on().await;
    }
    scene.end().await;
}

/// Three nodes whose clocks can be set, and what is watched there.
struct Scene {
    stage: Stage,
    app: Guest,
    park: Park,
    /// Where holds are placed.
    held: SlotId,
    holds: Vec<Hold>,
    days: Vec<Day>,
    /// Slots that end in half a day, one of which has begun, and their guests: nothing is due there.
    calm: [SlotId; 2],
    /// Until when time may still be set right, since leadership was handed to a node whose clock was off or a clock was set.
    unsettled_until: Instant,
    looks: usize,
}

#[derive(Clone, Copy)]
struct Hold {
    id: u64,
    sent_at: Instant,
    answered_at: Instant,
    /// The term in which it was placed.
    term: f64,
    is_over: bool,
}

/// A slot whose guests do not come, and when that is known, at the earliest and at the latest.
struct Day {
    slot: SlotId,
    due: [Timestamp; 2],
    is_over: bool,
}

impl Scene {
    async fn open() -> Self {
        let stage = Stage::start_with_clocks(3).await;
        let app = arrive_app(&stage, &Recorder::default()).await;
        let (park, calm_park) = (Park::open(&stage.operator).await, Park::open(&stage.operator).await);
        let grace = json!({"noShowGraceSeconds": GRACE.as_secs()});
        let path = format!("/v1/policies/resource/{}", park.ride);
        stage.operator.call(Method::PUT, &path, Some(grace)).await.unwrap().success().unwrap();
        let held = park.slots(&stage.operator, &[1000]).await[0];
        let now = Timestamp::now();
        let later = now + DAY / 2;
        let begun = now - SignedDuration::from_mins(1);
        let calm = [
            calm_park.slot(&stage.operator, begun, later, PARTIES).await,
            calm_park.slot(&stage.operator, later, later + SignedDuration::from_mins(1), PARTIES).await,
        ];
        let mut scene = Self {
            stage,
            app,
            park,
            held,
            holds: Vec::new(),
            days: Vec::new(),
            calm,
            unsettled_until: Instant::now(),
            looks: 0,
        };
        for slot in calm {
            scene.book_all(slot).await;
        }
        scene
    }

    /// Asks under one key, at one node after the other, until one knows.
    async fn ask(&mut self, body: Value) -> u64 {
        let (app, key) = (self.app.api(), fresh_key());
        until("a booking", PATIENCE, async || {
            let reply =
                app.call_with_key(Method::POST, "/v1/bookings", Some(body.clone()), &key).await.ok()?;
            assert_eq!(reply.status, 201, "{}", reply.json);
            reply.json["id"].as_u64()
        })
        .await
    }

    async fn book_all(&mut self, slot: SlotId) {
        for _ in 0..PARTIES {
            self.ask(json!({"slotId": slot.0})).await;
        }
    }

    async fn place_holds(&mut self) {
        let term = self.term().await;
        for _ in 0..HOLDS {
            let sent_at = Instant::now();
            let seconds = HOLD_DURATION.as_secs();
            let id = self.ask(json!({"slotId": self.held.0, "hold": true, "holdSeconds": seconds})).await;
            self.holds.push(Hold { id, sent_at, answered_at: Instant::now(), term, is_over: false });
        }
    }

    /// A slot that starts soon, with guests who will not come.
    async fn open_day(&mut self) {
        let starts_at = Timestamp::now() + LEAD;
        let ends_at = starts_at + SignedDuration::from_mins(10);
        let slot = self.park.slot(&self.stage.operator, starts_at, ends_at, PARTIES).await;
        self.book_all(slot).await;
        // Whoever is confirmed after the start is given his time from then on.
        let due = [starts_at + GRACE, starts_at.max(Timestamp::now()) + GRACE];
        self.days.push(Day { slot, due, is_over: false });
    }

    /// Whatever is placed now and was before comes to its end in time, and nothing else happens.
    async fn goes_on(&mut self) {
        self.place_holds().await;
        self.open_day().await;
        until("the ends of holds and slots", PATIENCE, async || {
            self.look().await;
            let are_over =
                self.holds.iter().all(|hold| hold.is_over) && self.days.iter().all(|day| day.is_over);
            are_over.then_some(())
        })
        .await;
    }

    async fn look(&mut self) {
        self.looks += 1;
        self.look_at_holds().await;
        for day in 0..self.days.len() {
            if !self.days[day].is_over {
                self.look_at_day(day).await;
            }
        }
        for slot in self.calm {
            let Some((_, bookings)) = self.read(slot).await else { continue };
            let are_expected = bookings.iter().all(is_expected);
            assert!(bookings.len() == PARTIES as usize && are_expected, "nothing is due there: {bookings:?}");
        }
    }

    async fn look_at_holds(&mut self) {
        let asked_at = Instant::now();
        let Some((answered_at, bookings)) = self.read(self.held).await else { return };
        for at in 0..self.holds.len() {
            let Hold { id, sent_at, answered_at: placed_at, term, is_over } = self.holds[at];
            if is_over {
                continue;
            }
            let seen = bookings.iter().find(|booking| booking["id"] == id);
            match seen.and_then(|booking| booking["status"].as_str()) {
                Some("held") => {
                    let age = asked_at.saturating_duration_since(placed_at);
                    assert!(age <= HOLD_DURATION + LATE, "{id} is still held after {age:?}");
                }
                Some("expired") => {
                    let age = answered_at.saturating_duration_since(sent_at);
                    let is_early = age + TICK < HOLD_DURATION;
                    if is_early {
                        let may_jump = sent_at < self.unsettled_until || self.term().await > term;
                        let may_be = may_jump && age + AGREEMENT >= HOLD_DURATION;
                        assert!(may_be, "{id} was held for {age:?}");
                    }
                    self.holds[at].is_over = true;
                }
                other => panic!("{id} is {other:?}"),
            }
        }
    }

    async fn look_at_day(&mut self, day: usize) {
        let asked_at = Timestamp::now();
        let Some((_, bookings)) = self.read(self.days[day].slot).await else { return };
        let answered_at = Timestamp::now();
        let Day { due: [from, by], is_over, .. } = &mut self.days[day];
        let missing = bookings.iter().filter(|booking| booking["status"] == "no_show").count();
        assert!(
            missing == 0 || answered_at + TICK >= *from,
            "missing already at {answered_at}: {bookings:?}"
        );
        *is_over = missing == PARTIES as usize;
        assert!(*is_over || asked_at <= *by + LATE, "expected still at {asked_at}: {bookings:?}");
        assert!(bookings.iter().all(|booking| booking["status"] == "no_show" || is_expected(booking)));
    }

    /// The bookings of a slot, at another node each time, and when the answer was there; nothing while nobody knows.
    async fn read(&self, slot: SlotId) -> Option<(Instant, Vec<Value>)> {
        let mut operator = self.stage.operator.clone();
        operator.endpoints.rotate_left(self.looks % 3);
        let page = operator.get(&format!("/v1/bookings?slotId={}&limit=200", slot.0)).await.ok()?;
        let answered_at = Instant::now();
        assert!(page["next"].is_null(), "more than a page");
        Some((answered_at, page["items"].as_array()?.clone()))
    }

    /// The latest term that any node knows.
    async fn term(&self) -> f64 {
        until("a term", PATIENCE, async || {
            let mut terms = Vec::new();
            for node in 0..self.stage.cluster.nodes.len() {
                terms.extend(self.stage.cluster.figure(node, "holdfast_term").await);
            }
            terms.into_iter().max_by(f64::total_cmp)
        })
        .await
    }

    /// Hands leadership to a node.
    async fn lets_lead(&mut self, node: usize) {
        self.unsettled();
        until("leadership", PATIENCE, async || {
            self.look().await;
            self.leads(node).await
        })
        .await;
        self.unsettled();
    }

    /// Holds that are there, or are placed within the next seconds, may end with a time that is set right.
    fn unsettled(&mut self) {
        self.unsettled_until = Instant::now() + SETTLE_DURATION;
    }

    /// Whether a node leads; if it does not, it is asked to.
    async fn leads(&mut self, node: usize) -> Option<()> {
        if self.stage.cluster.leader().await.ok()? == node {
            return Some(());
        }
        self.unsettled();
        let (_, ready) = self.stage.cluster.nodes[node].look("/readyz").await?;
        drop(self.stage.operator.post("/v1/cluster/transfer", json!({"to": ready["node"]})).await);
        None
    }

    /// Waits until a node, which leads, says that its clock is not that of the others.
    async fn is_warned_by(&mut self, node: usize) {
        let warnings = |stage: &Stage| stage.log_of(node).matches("clock is not that of a majority").count();
        let before = warnings(&self.stage);
        until("a leader's word on its clock", PATIENCE, async || {
            self.look().await;
            self.leads(node).await?;
            (warnings(&self.stage) > before).then_some(())
        })
        .await;
    }

    async fn end(mut self) {
        self.look().await;
        self.stage.digest().await;
    }
}

/// Whether a party may come still.
fn is_expected(booking: &Value) -> bool {
    ["confirmed", "ready"].iter().any(|status| booking["status"] == *status)
}
