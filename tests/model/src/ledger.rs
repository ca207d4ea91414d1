//! The calls of one key as one operation, and what that says about each booking's life.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_reservations::{BookingId, SlotId, UserId};

use crate::history::{Answer, Booking, Call, History, Request};
use crate::moves::Moves;

/// All attempts to get one thing done.
pub(crate) struct Operation<'a> {
    /// At least one, by the time they were invoked.
    pub(crate) attempts: Vec<&'a Call>,
}

/// What became of an operation.
pub(crate) enum Outcome<'a> {
    /// It took effect; the first call that said so.
    Acknowledged(&'a Call, &'a Booking),
    /// It never will; the first call that said so.
    Refused(&'a Call, &'a str),
    /// Nobody knows.
    Unknown,
    /// No attempt has had an effect or ever will.
    NotDone,
}

/// What can be said of a booking's time.
#[derive(Clone, Copy)]
pub(crate) struct Life {
    pub(crate) slot: SlotId,
    /// `None` if nobody was told.
    pub(crate) booking: Option<BookingId>,
    pub(crate) count: u32,
    /// It was not there before.
    pub(crate) began_at: u64,
    /// It was there by then.
    pub(crate) booked_at: Option<u64>,
    /// It was not given back before.
    pub(crate) leaving_at: Option<u64>,
    /// It was given back by then.
    pub(crate) gone_at: Option<u64>,
    /// It was not moved before: from here on it may have other places.
    pub(crate) moving_at: Option<u64>,
}

/// A party that was admitted, or may have been.
#[derive(Clone, Copy, Default)]
pub(crate) struct Admission {
    /// It surely was.
    pub(crate) is_done: bool,
}

/// What a booking looks like when its id was never told.
pub(crate) type Shape = (UserId, SlotId, u32);

/// The operations of a history, and the bookings they explain.
pub(crate) struct Ledger<'a> {
    pub(crate) operations: Vec<Operation<'a>>,
    /// Bookings found at the end that no answer named.
    pub(crate) unnamed: BTreeMap<Shape, Vec<&'a Booking>>,
    /// What may have given bookings other places.
    pub(crate) moves: Moves<'a>,
}

impl<'a> Operation<'a> {
    pub(crate) fn request(&self) -> Request {
        self.attempts[0].request
    }

    /// No effect can have been earlier.
    pub(crate) fn began_at(&self) -> u64 {
        let effective = |call: &&&Call| !matches!(call.answer, Answer::NotDone(_));
        let first = self.attempts.iter().find(effective);
        first.unwrap_or(&self.attempts[0]).invoked_at
    }

    pub(crate) fn outcome(&self) -> Outcome<'a> {
        let by_answer = |call: &&'a Call| call.answered_at;
        let told = self.attempts.iter().copied().filter_map(|call| match &call.answer {
            Answer::Booking(booking) => Some((call, booking)),
            Answer::Slot(_)
            | Answer::List { .. }
            | Answer::Refused(_)
            | Answer::NotDone(_)
            | Answer::Unknown => None,
        });
        if let Some((call, booking)) = told.min_by_key(|(call, _)| by_answer(call)) {
            return Outcome::Acknowledged(call, booking);
        }
        let refused = self.attempts.iter().copied().filter_map(|call| match &call.answer {
            Answer::Refused(code) => Some((call, code.as_str())),
            Answer::Booking(_)
            | Answer::Slot(_)
            | Answer::List { .. }
            | Answer::NotDone(_)
            | Answer::Unknown => None,
        });
        if let Some((call, code)) = refused.min_by_key(|(call, _)| by_answer(call)) {
            return Outcome::Refused(call, code);
        }
        match self.attempts.iter().any(|call| call.answer == Answer::Unknown) {
            true => Outcome::Unknown,
            false => Outcome::NotDone,
        }
    }

    /// What a booking made by it looks like, if it is to make one.
    pub(crate) fn shape(&self) -> Option<Shape> {
        match self.request() {
            Request::Book { slot, count, owner } => Some((owner, slot, count)),
            Request::Modify { .. }
            | Request::Cancel(_)
            | Request::CheckIn(_)
            | Request::Get(_)
            | Request::Look(_)
            | Request::List(_) => None,
        }
    }

    /// When it was done at the latest, if it was; `None` if nobody knows whether it was.
    pub(crate) fn done_at(&self) -> Option<u64> {
        match self.outcome() {
            Outcome::Acknowledged(call, _) => Some(call.answered_at),
            Outcome::Refused(..) | Outcome::Unknown | Outcome::NotDone => None,
        }
    }

    /// Whether it was done, or may have been or be yet.
    pub(crate) fn may_be_done(&self) -> bool {
        match self.outcome() {
            Outcome::Acknowledged(..) | Outcome::Unknown => true,
            Outcome::Refused(..) | Outcome::NotDone => false,
        }
    }
}

impl<'a> Ledger<'a> {
    pub(crate) fn of(history: &'a History) -> Self {
        let operations = operations(&history.calls);
        let named: BTreeSet<BookingId> = operations
            .iter()
            .filter(|operation| operation.shape().is_some())
            .filter_map(|operation| match operation.outcome() {
                Outcome::Acknowledged(_, booking) => Some(booking.id),
                Outcome::Refused(..) | Outcome::Unknown | Outcome::NotDone => None,
            })
            .collect();
        let moves = Moves::of(&operations, &history.end);
        let mut unnamed: BTreeMap<Shape, Vec<&Booking>> = BTreeMap::new();
        // One that was moved no longer looks as whoever made it had asked.
        let is_unnamed = |found: &&Booking| !named.contains(&found.id) && !moves.has(found.id);
        for found in history.end.bookings.values().filter(is_unnamed) {
            unnamed.entry((found.owner, found.slot, found.count)).or_default().push(found);
        }
        Self { operations, unnamed, moves }
    }

    /// The life of every booking that was made, or may have been; and one without an id for all places that it may have
    /// had since.
    pub(crate) fn lives(&self) -> Vec<Life> {
        let returns = self.returns();
        let lives = self.operations.iter().filter_map(|operation| {
            let (_, slot, count) = operation.shape()?;
            let (booking, booked_at) = match operation.outcome() {
                Outcome::Acknowledged(call, booking) => (Some(booking.id), Some(call.answered_at)),
                // It would have been found.
                Outcome::Unknown if !self.unnamed.contains_key(&operation.shape()?) => return None,
                Outcome::Unknown => (None, None),
                Outcome::Refused(..) | Outcome::NotDone => return None,
            };
            let (leaving_at, gone_at) =
                booking.and_then(|id| returns.get(&id)).copied().unwrap_or((None, None));
            let began_at = operation.began_at();
            let moving_at = booking.and_then(|id| self.moves.first_at(id));
            Some(Life { slot, booking, count, began_at, booked_at, leaving_at, gone_at, moving_at })
        });
        let moved = self.moves.places().filter_map(|(booking, slot, count, began_at)| {
            let (_, gone_at) = returns.get(&booking).copied().unwrap_or((None, None));
            let (booked_at, leaving_at, moving_at) = (None, None, None);
            // What was given back by then got no other places.
            let is_in_time = gone_at.is_none_or(|gone_at| began_at <= gone_at);
            is_in_time.then_some(Life {
                slot,
                booking: None,
                count,
                began_at,
                booked_at,
                leaving_at,
                gone_at,
                moving_at,
            })
        });
        lives.chain(moved).collect()
    }

    /// What is known of the admission of each booking's party.
    pub(crate) fn admissions(&self) -> BTreeMap<BookingId, Admission> {
        let mut admissions = BTreeMap::new();
        for operation in self.operations.iter().filter(|operation| operation.may_be_done()) {
            if let Request::CheckIn(booking) = operation.request() {
                let known: &mut Admission = admissions.entry(booking).or_default();
                known.is_done |= operation.done_at().is_some();
            }
        }
        admissions
    }

    /// From when on each booking may have been given back, and by when it certainly was.
    fn returns(&self) -> BTreeMap<BookingId, (Option<u64>, Option<u64>)> {
        let mut returns = BTreeMap::new();
        for operation in &self.operations {
            let Request::Cancel(booking) = operation.request() else { continue };
            let gone_at = match operation.outcome() {
                Outcome::Acknowledged(call, _) => Some(call.answered_at),
                Outcome::Unknown => None,
                Outcome::Refused(..) | Outcome::NotDone => continue,
            };
            let (leaving, gone): &mut (Option<u64>, Option<u64>) = returns.entry(booking).or_default();
            *leaving = earlier(*leaving, Some(operation.began_at()));
            *gone = earlier(*gone, gone_at);
        }
        returns
    }
}

fn earlier(known: Option<u64>, other: Option<u64>) -> Option<u64> {
    known.into_iter().chain(other).min()
}

/// Calls with the same user, key and request are one operation; one without a key is one of its own.
fn operations(calls: &[Call]) -> Vec<Operation<'_>> {
    let mut by_key: BTreeMap<(UserId, &str, Request), Vec<&Call>> = BTreeMap::new();
    let mut operations = Vec::new();
    for call in calls.iter().filter(|call| is_write(call.request)) {
        match &call.key {
            None => operations.push(Operation { attempts: vec![call] }),
            Some(key) => by_key.entry((call.user, key, call.request)).or_default().push(call),
        }
    }
    operations.extend(by_key.into_values().map(|mut attempts| {
        attempts.sort_by_key(|call| call.invoked_at);
        Operation { attempts }
    }));
    operations
}

fn is_write(request: Request) -> bool {
    match request {
        Request::Book { .. } | Request::Modify { .. } | Request::Cancel(_) | Request::CheckIn(_) => true,
        Request::Get(_) | Request::Look(_) | Request::List(_) => false,
    }
}
