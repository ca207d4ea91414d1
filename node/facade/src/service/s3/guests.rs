//! Guests of seed S3: made under a number that they bring along from then on, and listed with what they have booked.

use std::collections::BTreeMap;

use holdfast_raft::{Consistency, Read, View};
use holdfast_reservations::{
    BookingId, BookingState, BookingsOf, Command, DeclareUser, Order, Outcome, Principal, ReadRows,
    ReadTyped as _, RequestId, RequestKey, User, UserId, list_bookings, user_alias, user_by_alias,
};
use tokio::time::Instant;

use crate::http::payload_hash;
use crate::problem::{Problem, Result, unexpected};
use crate::service::{Asked, CallContext, Caller, Service};

/// Bookings looked at for one list of names.
const LOOKED_AT_MAX: usize = 10_000;

/// Bookings read at once.
const PAGE: usize = 500;

/// Names of one list.
const NAMES_MAX: usize = 100_000;

/// Numbers tried for a new guest.
const NUMBERS_TRIED_MAX: u64 = 16;

/// The first number of a guest: above all ids, and those up to twice as much are safe in JSON.
const FIRST_NUMBER: u64 = 1 << 52;

/// What is booked, by who has it.
pub(crate) type BookedNames = BTreeMap<String, Vec<String>>;

impl Service {
    /// Makes a guest who says who he is by a number that we give him.
    pub(crate) async fn make_guest(&self, name: String, call: &CallContext) -> Result<String> {
        self.replica().recovered(call.deadline).await?;
        let alias = self.look(|view| free_number(view, call.id))?;
        let alias = alias.ok_or_else(|| Problem::overloaded("no number is free; nothing was done"))?;
        let declare = DeclareUser { alias: alias.to_string(), name };
        match self.submit(Principal::Internal, Command::DeclareUser(declare), call).await? {
            // A retry is answered with the number of the first time.
            (Outcome::User(id, profile), _) => {
                Ok(user_alias(&profile.email).map_or_else(|| id.0.to_string(), str::to_owned))
            }
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// What is written on the places of the newest bookings that are confirmed, for whoever may see everybody's.
    pub(crate) async fn booked_names(
        &self,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Read<BookedNames>> {
        self.read_public(consistency, deadline, |view| Ok(booked_names(view, BookingsOf::Everybody))).await
    }

    /// The same, of the bookings a caller may see.
    pub(crate) async fn booked_names_as(&self, asked: Asked) -> Result<Read<BookedNames>> {
        let with = |view: &View<'_>, caller: Caller| {
            let sees_all = caller.role.checks_in();
            let of = if sees_all { BookingsOf::Everybody } else { BookingsOf::User(caller.user) };
            Ok(booked_names(view, of))
        };
        self.read_as(asked, with).await
    }
}

/// A number that no guest has, made from what names the call.
pub(super) fn free_number(rows: &impl ReadRows, id: RequestId) -> Option<u64> {
    let numbers = (0..NUMBERS_TRIED_MAX).map(|attempt| number_of(id, attempt));
    numbers.into_iter().find(|number| user_by_alias(rows, &number.to_string()).is_none())
}

fn number_of(id: RequestId, attempt: u64) -> u64 {
    let (RequestKey::Made(key) | RequestKey::Uuid(key) | RequestKey::Named(key)) = id.key;
    let hash = payload_hash("guest", &attempt.to_string(), &key);
    FIRST_NUMBER | (hash & (FIRST_NUMBER - 1))
}

pub(super) fn booked_names(rows: &impl ReadRows, of: BookingsOf) -> BookedNames {
    let mut names = BookedNames::new();
    let (mut users, mut after, mut count) = (BTreeMap::new(), None::<BookingId>, 0);
    for _ in 0..LOOKED_AT_MAX / PAGE {
        let page = list_bookings(rows, of, after, Order::Descending, PAGE);
        let is_last = page.len() < PAGE;
        after = page.last().map(|(id, _)| *id);
        for (_, booking) in page.iter().filter(|(_, booking)| is_booked(&booking.state)) {
            if booking.seats.is_empty() {
                continue;
            }
            let user = users.entry(booking.user).or_insert_with(|| name_of(rows, booking.user));
            let booked = names.entry(user.clone()).or_default();
            booked.extend(booking.seats.iter().map(|seat| seat.label.clone()));
            count += booking.seats.len();
        }
        if is_last || count >= NAMES_MAX {
            break;
        }
    }
    names
}

fn is_booked(state: &BookingState) -> bool {
    match state {
        BookingState::Confirmed
        | BookingState::Ready { .. }
        | BookingState::Used { .. }
        | BookingState::NoShow { .. } => true,
        BookingState::Cancelled { .. }
        | BookingState::Held { .. }
        | BookingState::Expired { .. }
        | BookingState::Queued { .. }
        | BookingState::Rejected { .. } => false,
    }
}

/// What somebody is called, or how he calls himself.
fn name_of(rows: &impl ReadRows, id: UserId) -> String {
    let Some(user) = rows.row::<User>(id) else { return id.0.to_string() };
    match user_alias(&user.email) {
        _ if !user.name.is_empty() => user.name.clone(),
        Some(alias) => alias.to_owned(),
        None => id.0.to_string(),
    }
}
