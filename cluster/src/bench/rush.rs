//! A rush: all clients want one seat of the same slot at the same moment, and each of them is told how it went.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use holdfast_client::{Book, Client, Error};
use rand::RngExt as _;
use serde_json::json;
use tokio::sync::Barrier;

use crate::api::Api;
use crate::bench::BenchArguments;
use crate::bench::setup::Stage;
use crate::failure::Failure;
use crate::output::{OutputFormat, print_line};

/// Seats a client asks for by name before he takes any.
const CHOICES: usize = 3;

/// How it went for one client.
struct Went {
    seat: Option<String>,
    /// Calls he made.
    calls: u64,
}

/// Lets all clients ask at once, and prints how long it took until the last of them knew.
pub(super) async fn run(arguments: &BenchArguments, stage: &Stage, operator: &Api) -> Result<(), Failure> {
    let seats = arguments.seats.unwrap_or(1);
    eprintln!("{} clients want one of {seats} seats each", arguments.clients);
    let lines = stage.clients(arguments.connections.min(arguments.clients))?;
    let slot = stage.slots.first().copied().ok_or_else(|| Failure::other("no slot was opened"))?;
    let start = Arc::new(Barrier::new(arguments.clients as usize + 1));
    let clients = (0..arguments.clients as usize).map(|number| {
        let (line, start) = (lines[number % lines.len()].clone(), start.clone());
        let customer = stage.customers[number % stage.customers.len()];
        tokio::spawn(async move {
            start.wait().await;
            want(&line, slot, customer, seats).await
        })
    });
    let clients: Vec<_> = clients.collect();
    start.wait().await;
    let started_at = Instant::now();
    let (mut owners, mut calls) = (BTreeMap::<String, u64>::new(), 0);
    for client in clients {
        let went = client.await.map_err(Failure::other)??;
        calls += went.calls;
        if let Some(seat) = went.seat {
            *owners.entry(seat).or_default() += 1;
        }
    }
    let seconds = started_at.elapsed().as_secs_f64();
    let sold: u64 = owners.values().sum();
    let found = stage.count_booked(operator).await?;
    let figures = json!({
        "clients": arguments.clients,
        "seats": seats,
        "sold": sold,
        "found": found,
        "calls": calls,
        "secondsToTheLastAnswer": (seconds * 1000.0).round() / 1000.0,
        "answersPerSecond": (calls as f64 / seconds).round(),
    });
    match arguments.output {
        OutputFormat::Json => print_line(&figures.to_string()),
        OutputFormat::Table => {
            for (name, value) in figures.as_object().into_iter().flatten() {
                print_line(&format!("{name:32} {value}"));
            }
        }
    }
    if let Some((seat, owners)) = owners.iter().find(|(_, owners)| **owners > 1) {
        return Err(Failure::Unhealthy(format!("seat {seat} was sold {owners} times")));
    }
    let expected = u64::from(seats.min(arguments.clients));
    if sold != expected || found != expected {
        return Err(Failure::Unhealthy(format!("{sold} seats were sold and {found} are, not {expected}")));
    }
    Ok(())
}

/// Wants some seats by name, then any, until he has one or there is none.
async fn want(line: &Client, slot: u64, customer: u64, seats: u32) -> Result<Went, Failure> {
    let mut calls = 0;
    loop {
        let book = Book::in_slot(slot).user(customer);
        let book = match calls < CHOICES as u64 {
            true => book.seats([rand::rng().random_range(1..=seats).to_string()]),
            false => book.count(1),
        };
        calls += 1;
        match line.book(book).await {
            Ok(booking) => return Ok(Went { seat: booking.seats.first().cloned(), calls }),
            Err(Error::Refused(refusal)) if refusal.code == "seat_taken" => (),
            Err(Error::Refused(refusal)) if refusal.code == "slot_full" => {
                return Ok(Went { seat: None, calls });
            }
            Err(other) => return Err(Failure::other(other)),
        }
    }
}
