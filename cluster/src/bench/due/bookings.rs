//! The bookings that fall due: made at leisure, and only then are their slots moved to where they all start at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use holdfast_client::{Book, Client};
use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::api::Api;
use crate::bench::setup;
use crate::failure::Failure;
use crate::http::{Connection, Reply};

/// Bookings of each slot, of one place each.
pub(super) const BOOKINGS_PER_SLOT: u32 = 100;

/// Slots that are moved, or looked at, at the same time.
const AT_ONCE: usize = 8;

/// The slots end so long after they start: places of parties that have not come are free again.
const SLOT_DURATION: SignedDuration = SignedDuration::from_hours(1);

/// Customers to be told of their bookings, and so at most.
const CUSTOMERS: u32 = 32;

/// A cluster that has just started takes some calls only once every node has said that it knows them.
const READY_DURATION_MAX: Duration = Duration::from_secs(30);

/// Between two such calls, and between two lines about progress.
const PAUSE: Duration = Duration::from_millis(100);
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

/// Bookings of slots that are still a day away.
pub(super) struct Bookings {
    pub(super) count: u32,
    resource: u64,
    slots: Vec<u64>,
}

impl Bookings {
    /// Makes so many, by so many clients at once. Their slots will be ready so many seconds before their start, and their
    /// parties missed as many after it.
    pub(super) async fn make(
        count: u32,
        clients: u32,
        apart: Duration,
        lines: &[Client],
        operator: &Api,
    ) -> Result<Self, Failure> {
        let resource = setup::make_resource(operator).await?;
        let seconds = apart.as_secs();
        // Nobody comes, and nobody has to decide about that.
        let policy =
            json!({"reminderLeadSeconds": seconds, "noShowGraceSeconds": seconds, "noShowShareMax": 100});
        insist(operator, Method::PUT, &format!("/v1/policies/resource/{resource}"), policy).await?;
        let pool = json!({"name": "places", "capacity": BOOKINGS_PER_SLOT});
        let slots = setup::open_slots(operator, resource, count.div_ceil(BOOKINGS_PER_SLOT), &pool).await?;
        let customers = setup::sign_customers_up(operator, CUSTOMERS).await?;
        let bookings = Self { count, resource, slots };
        bookings.book(clients, &customers, lines).await?;
        // Only now: nobody is told of what he has just booked.
        for (number, customer) in customers.iter().enumerate() {
            let platform = if number % 2 == 0 { "apns" } else { "fcm" };
            let device =
                json!({"userId": customer, "platform": platform, "token": format!("{customer:016x}")});
            insist(operator, Method::POST, "/v1/devices", device).await?;
        }
        Ok(bookings)
    }

    async fn book(&self, clients: u32, customers: &[u64], lines: &[Client]) -> Result<(), Failure> {
        let next = Arc::new(AtomicU32::new(0));
        let (slots, customers): (Arc<[u64]>, Arc<[u64]>) = (self.slots.as_slice().into(), customers.into());
        let mut booking = JoinSet::<Result<(), Failure>>::new();
        for number in 0..clients as usize {
            let (line, next, count) = (lines[number % lines.len()].clone(), next.clone(), self.count);
            let (slots, customers) = (slots.clone(), customers.clone());
            booking.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return Ok(());
                    }
                    let slot = slots[(number / BOOKINGS_PER_SLOT) as usize];
                    let customer = customers[number as usize % customers.len()];
                    line.book(Book::in_slot(slot).user(customer)).await.map_err(Failure::other)?;
                }
            });
        }
        loop {
            match tokio::time::timeout(PROGRESS_INTERVAL, booking.join_next()).await {
                Ok(None) => return Ok(()),
                Ok(Some(ended)) => ended.map_err(Failure::other)??,
                Err(_) => eprintln!("{} of {}", next.load(Ordering::Relaxed).min(self.count), self.count),
            }
        }
    }

    /// How long it takes at most to move the slots.
    pub(super) fn move_duration(&self) -> Duration {
        Duration::from_secs(5)
            + Duration::from_millis(10) * u32::try_from(self.slots.len()).unwrap_or(u32::MAX)
    }

    /// Moves all slots to the same time.
    pub(super) async fn start_at(&self, starts_at: Timestamp, operator: &Api) -> Result<(), Failure> {
        let window =
            json!({"startTime": starts_at.to_string(), "endTime": (starts_at + SLOT_DURATION).to_string()});
        let window = Bytes::from(window.to_string());
        self.of_each_slot(operator, |slot| {
            (Method::PATCH, format!("/v1/slots/{slot}"), Some(window.clone()))
        })
        .await?;
        Ok(())
    }

    /// Whether every booking is a no-show that was made ready before, each once, and the counts say the same; otherwise
    /// what is not so.
    pub(super) async fn check(&self, operator: &Api) -> Result<(), Failure> {
        let page = |slot: u64| (Method::GET, format!("/v1/bookings?slotId={slot}&limit=200"), None);
        let pages = self.of_each_slot(operator, page).await?;
        let found = pages.iter().flat_map(|page| page["items"].as_array().into_iter().flatten());
        let mut count = 0;
        for booking in found {
            count += 1;
            // Version 1 is confirmed, 2 is ready, and 3 is the last.
            if booking["status"] != "no_show" || booking["version"] != 3 {
                return Err(Failure::Unhealthy(format!("a booking is not what it should be: {booking}")));
            }
        }
        let report = operator.get("/v1/reports/resources?limit=200").await?;
        let reports = report["items"].as_array().into_iter().flatten();
        let missed = reports.filter(|report| report["resourceId"] == self.resource);
        let missed: Vec<&Value> = missed.map(|report| &report["noShows"]).collect();
        if count != self.count || missed != [&json!(self.count)] {
            let (made, missed) = (self.count, json!(missed));
            return Err(Failure::Unhealthy(format!(
                "{made} bookings were made, {count} are there, and the report says {missed}"
            )));
        }
        let buried = operator.get("/v1/dead-letters?limit=1").await?;
        match buried["items"].as_array().is_some_and(Vec::is_empty) {
            true => Ok(()),
            false => Err(Failure::Unhealthy(format!("notifications could not be sent: {buried}"))),
        }
    }

    /// Makes a call about each slot, without a key: a user has not so many, and these may be made twice.
    async fn of_each_slot(
        &self,
        operator: &Api,
        call: impl Fn(u64) -> (Method, String, Option<Bytes>),
    ) -> Result<Vec<Value>, Failure> {
        let mut calling = JoinSet::new();
        for number in 0..AT_ONCE {
            let calls: Vec<_> =
                self.slots.iter().skip(number).step_by(AT_ONCE).map(|slot| call(*slot)).collect();
            let endpoint = &operator.endpoints[number % operator.endpoints.len()];
            let (mut connection, token) = (Connection::to(endpoint), operator.token.clone());
            calling.spawn(async move {
                let mut answers = Vec::with_capacity(calls.len());
                for (method, path, body) in calls {
                    let reply = connection.send(method, &path, token.as_deref(), None, body).await?;
                    answers.push(reply.success()?);
                }
                Ok::<_, Failure>(answers)
            });
        }
        let mut answers = Vec::with_capacity(self.slots.len());
        while let Some(some) = calling.join_next().await {
            answers.extend(some.map_err(Failure::other)??);
        }
        Ok(answers)
    }
}

/// Makes a call until the cluster takes it.
async fn insist(operator: &Api, method: Method, path: &str, body: Value) -> Result<(), Failure> {
    let until = Instant::now() + READY_DURATION_MAX;
    loop {
        match operator.call(method.clone(), path, Some(body.clone())).await.and_then(Reply::success) {
            Ok(_) => return Ok(()),
            Err(Failure::Unhealthy(_)) if Instant::now() < until => tokio::time::sleep(PAUSE).await,
            Err(failure) => return Err(failure),
        }
    }
}
