//! Bookings that are made, held, changed, confirmed and cancelled all the time, each change acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use holdfast_cluster::{Api, Reply};
use holdfast_model::{Revision, SlotId, UserId};
use hyper::Method;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::diary::revision_in;
use crate::guest::{Guest, fresh_key};

/// Callers, each with one call at a time.
const CALLERS: usize = 8;

/// Without a definite answer by then, something is wrong with the cluster; its nodes may all have been started anew.
const PATIENCE_DURATION: Duration = Duration::from_secs(60);

/// Between two attempts.
const PAUSE_DURATION: Duration = Duration::from_millis(20);

/// A change of a booking that somebody was told of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Acknowledged {
    /// Names the change.
    pub revision: Revision,
    /// As the feed calls it.
    pub kind: &'static str,
    /// Of which booking.
    pub booking: u64,
}

/// Callers that change bookings until they are told to end.
pub struct Traffic {
    callers: JoinSet<Vec<Acknowledged>>,
    is_over: Arc<AtomicBool>,
    acknowledged: watch::Sender<usize>,
}

struct Caller {
    api: Api,
    slots: Arc<[SlotId]>,
    customers: Arc<[UserId]>,
    is_over: Arc<AtomicBool>,
    acknowledged: watch::Sender<usize>,
    changes: Vec<Acknowledged>,
}

impl Traffic {
    /// Begins; an app books for its customers, in slots that never fill up.
    #[must_use]
    pub fn start(app: &Guest, slots: &[SlotId], customers: &[UserId]) -> Self {
        let (is_over, acknowledged) = (Arc::new(AtomicBool::new(false)), watch::Sender::new(0));
        let (slots, customers): (Arc<[_]>, Arc<[_]>) = (slots.into(), customers.into());
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let caller = Caller {
                api: app.api(),
                slots: slots.clone(),
                customers: customers.clone(),
                is_over: is_over.clone(),
                acknowledged: acknowledged.clone(),
                changes: Vec::new(),
            };
            callers.spawn(caller.run());
        }
        Self { callers, is_over, acknowledged }
    }

    /// Waits for so many more changes.
    ///
    /// # Panics
    ///
    /// If they take too long, or a caller has given up.
    pub async fn goes_on(&mut self, more: usize) {
        let mut count = self.acknowledged.subscribe();
        let wanted = *count.borrow_and_update() + more;
        let reached = tokio::time::timeout(4 * PATIENCE_DURATION, count.wait_for(|count| *count >= wanted));
        tokio::select! {
            reached = reached => assert!(reached.is_ok(), "not {more} changes in {:?}", 4 * PATIENCE_DURATION),
            Some(ended) = self.callers.join_next() => panic!("a caller gave up: {ended:?}"),
        }
    }

    /// Ends it once everything is answered; all changes that were acknowledged.
    pub async fn end(self) -> Vec<Acknowledged> {
        self.is_over.store(true, Ordering::Relaxed);
        self.callers.join_all().await.concat()
    }
}

impl Caller {
    async fn run(mut self) -> Vec<Acknowledged> {
        while !self.is_over.load(Ordering::Relaxed) {
            self.play().await;
        }
        self.changes
    }

    /// The life of one booking.
    async fn play(&mut self) {
        let slot = self.slots[rand::random_range(0..self.slots.len())].0;
        let user = self.customers[rand::random_range(0..self.customers.len())].0;
        let mut wish = json!({"slotId": slot, "userId": user, "count": rand::random_range(1..=3)});
        let seconds = match rand::random_range(0..4) {
            0 => Some(600),
            // Nobody confirms it in time.
            1 => Some(1),
            _ => None,
        };
        if let Some(seconds) = seconds {
            wish["hold"] = true.into();
            wish["holdSeconds"] = seconds.into();
        }
        let first = if seconds.is_some() { "booking.held" } else { "booking.confirmed" };
        let made = self.change(Method::POST, "/v1/bookings", wish, first).await;
        let path = format!("/v1/bookings/{}", made["id"]);
        if seconds == Some(1) {
            return;
        }
        if seconds.is_some() {
            self.change(Method::POST, &format!("{path}/confirm"), json!({}), "booking.confirmed").await;
        }
        if rand::random_bool(0.5) {
            let other = self.slots[rand::random_range(0..self.slots.len())].0;
            let count = 1 + made["count"].as_u64().unwrap() % 3;
            let wish = json!({"slotId": other, "count": count});
            self.change(Method::PATCH, &path, wish, "booking.changed").await;
        }
        if rand::random_bool(0.5) {
            self.change(Method::POST, &format!("{path}/cancel"), json!({}), "booking.cancelled").await;
        }
    }

    /// Asks until there is a definite answer, at one node after the other.
    async fn change(&mut self, method: Method, path: &str, body: Value, kind: &'static str) -> Value {
        let (key, started_at) = (fresh_key(), Instant::now());
        let reply: Reply = loop {
            self.api.endpoints.rotate_left(1);
            match self.api.call_with_key(method.clone(), path, Some(body.clone()), &key).await {
                Ok(reply) => break reply,
                Err(failure) => {
                    assert!(started_at.elapsed() < PATIENCE_DURATION, "{path} still gets {failure}");
                    tokio::time::sleep(PAUSE_DURATION).await;
                }
            }
        };
        let shown = reply.success().unwrap();
        let revision = revision_in(shown["revision"].as_str().unwrap());
        self.changes.push(Acknowledged { revision, kind, booking: shown["id"].as_u64().unwrap() });
        self.acknowledged.send_modify(|count| *count += 1);
        shown
    }
}
