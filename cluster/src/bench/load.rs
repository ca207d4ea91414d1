//! The clients: each books one place after the other, over a stream, by unary calls, or over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use bytes::Bytes;
use hdrhistogram::Histogram;
use holdfast_client::{Book, Client, Error};
use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use tokio::task::JoinHandle;

use crate::bench::setup::Stage;
use crate::bench::{BenchArguments, Via};
use crate::failure::Failure;
use crate::http::Connection;

/// What became of all calls.
pub(crate) struct Tally {
    /// Microseconds of the successes that were measured.
    pub(crate) latencies: Histogram<u64>,
    /// Places booked in all, measured or not.
    pub(crate) booked: u64,
    /// Calls whose outcome nobody knows.
    pub(crate) unknown: u64,
    /// Refusals that were measured, by code.
    pub(crate) refusals: BTreeMap<String, u64>,
    /// Errors in all, by kind.
    pub(crate) errors: BTreeMap<String, u64>,
}

/// How one call went.
enum Went {
    Booked,
    Refused(String),
    Failed(String),
    Unknown,
}

/// Clients that run.
pub(crate) struct Running {
    phase: Arc<AtomicU8>,
    clients: Vec<JoinHandle<Tally>>,
}

const WARMUP: u8 = 0;
const MEASURED: u8 = 1;
const OVER: u8 = 2;

impl Running {
    /// From now on it counts.
    pub(crate) fn begin(&self) {
        self.phase.store(MEASURED, Ordering::Relaxed);
    }

    /// No more calls.
    pub(crate) fn end(&self) {
        self.phase.store(OVER, Ordering::Relaxed);
    }

    /// What became of all calls, once they are all answered.
    pub(crate) async fn finish(self) -> Result<Tally, Failure> {
        let mut total = Tally::new()?;
        for client in self.clients {
            total.add(&client.await.map_err(Failure::other)?)?;
        }
        Ok(total)
    }
}

/// Starts the clients.
pub(crate) fn start(arguments: &BenchArguments, stage: &Stage) -> Result<Running, Failure> {
    let phase = Arc::new(AtomicU8::new(WARMUP));
    let slots: Arc<[u64]> = stage.slots.clone().into();
    let streams = match arguments.via {
        Via::Http => Vec::new(),
        Via::Stream | Via::Unary => stage.clients(arguments.connections.min(arguments.clients))?,
    };
    let mut clients = Vec::new();
    for number in 0..arguments.clients as usize {
        let line = match arguments.via {
            Via::Stream => Line::Stream(streams[number % streams.len()].clone()),
            Via::Unary => Line::Unary(streams[number % streams.len()].clone()),
            Via::Http => Line::Http {
                connection: Connection::to(&stage.endpoints[number % stage.endpoints.len()]),
                token: stage.app_token.clone(),
            },
        };
        let worker = Worker {
            line,
            slots: slots.clone(),
            seats: arguments.seats,
            customer: stage.customers[number % stage.customers.len()],
            random: SmallRng::seed_from_u64(number as u64),
            tally: Tally::new()?,
        };
        clients.push(tokio::spawn(worker.run(phase.clone())));
    }
    Ok(Running { phase, clients })
}

enum Line {
    Stream(Client),
    Unary(Client),
    Http { connection: Connection, token: String },
}

struct Worker {
    line: Line,
    slots: Arc<[u64]>,
    /// Seats of each slot, if they have any.
    seats: Option<u32>,
    customer: u64,
    random: SmallRng,
    tally: Tally,
}

impl Worker {
    async fn run(mut self, phase: Arc<AtomicU8>) -> Tally {
        while phase.load(Ordering::Relaxed) != OVER {
            let slot = self.slots[self.random.random_range(0..self.slots.len())];
            let started_at = Instant::now();
            let went = self.book(slot).await;
            let is_measured = phase.load(Ordering::Relaxed) == MEASURED;
            self.tally.count(went, started_at, is_measured);
        }
        self.tally
    }

    async fn book(&mut self, slot: u64) -> Went {
        let seat = self.seats.map(|seats| self.random.random_range(1..=seats).to_string());
        let book = Book::in_slot(slot).user(self.customer);
        let book = match &seat {
            Some(label) => book.seats([label]),
            None => book,
        };
        match &mut self.line {
            Line::Stream(client) => went(client.book(book).await.err()),
            Line::Unary(client) => went(client.book_alone(book).await.err()),
            Line::Http { connection, token } => {
                let seats = seat.map(|label| format!(",\"seats\":[\"{label}\"]")).unwrap_or_default();
                let body = format!("{{\"slotId\":{slot},\"userId\":{}{seats}}}", self.customer);
                let key = uuid::Uuid::now_v7().to_string();
                let body = Some(Bytes::from(body));
                match connection
                    .send(hyper::Method::POST, "/v1/bookings", Some(token), Some(&key), body)
                    .await
                {
                    Ok(reply) => match reply.status {
                        201 => Went::Booked,
                        500 | 504 => Went::Unknown,
                        503 => Went::Failed(reply.code().to_owned()),
                        _ => Went::Refused(reply.code().to_owned()),
                    },
                    Err(Failure::Connect(_)) => Went::Failed("connect".to_owned()),
                    Err(_) => Went::Unknown,
                }
            }
        }
    }
}

fn went(error: Option<Error>) -> Went {
    match error {
        None => Went::Booked,
        Some(Error::Refused(refusal)) => Went::Refused(refusal.code),
        Some(Error::Unknown { .. }) => Went::Unknown,
        Some(Error::Unavailable(_)) => Went::Failed("unavailable".to_owned()),
        Some(other) => Went::Failed(other.to_string()),
    }
}

impl Tally {
    fn new() -> Result<Self, Failure> {
        // Up to a minute, to three digits.
        let latencies = Histogram::new_with_bounds(1, 60_000_000, 3).map_err(Failure::other)?;
        let (refusals, errors) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { latencies, booked: 0, unknown: 0, refusals, errors })
    }

    fn count(&mut self, went: Went, started_at: Instant, is_measured: bool) {
        match went {
            Went::Booked => {
                self.booked += 1;
                if is_measured {
                    let micros = u64::try_from(started_at.elapsed().as_micros()).unwrap_or(u64::MAX);
                    self.latencies.saturating_record(micros);
                }
            }
            Went::Refused(code) if is_measured => *self.refusals.entry(code).or_default() += 1,
            Went::Refused(_) => (),
            Went::Failed(kind) => *self.errors.entry(kind).or_default() += 1,
            Went::Unknown => {
                self.unknown += 1;
                *self.errors.entry("outcome_unknown".to_owned()).or_default() += 1;
            }
        }
    }

    fn add(&mut self, other: &Self) -> Result<(), Failure> {
        self.latencies.add(&other.latencies).map_err(Failure::other)?;
        self.booked += other.booked;
        self.unknown += other.unknown;
        for (code, count) in &other.refusals {
            *self.refusals.entry(code.clone()).or_default() += count;
        }
        for (kind, count) in &other.errors {
            *self.errors.entry(kind.clone()).or_default() += count;
        }
        Ok(())
    }
}
