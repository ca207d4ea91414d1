//! What a caller sees, in a form that the rules and the model can both give.

use holdfast_reservations::*;

/// Why something was refused.
pub type Refused = &'static str;

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Booking(u64, Seen),
    Job(u64, SeenJob),
    Done,
    Refused(Refused),
    /// What the model never says: a contradiction, also within a tick.
    Odd(String),
}

/// A booking as it is at a moment: a hold past its deadline has expired, and that was a change of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub slot: u64,
    pub pool: u64,
    pub user: u64,
    pub booked_by: u64,
    pub count: u32,
    pub seats: Vec<u32>,
    pub state: &'static str,
    pub until: Option<u64>,
    pub version: u32,
    pub payment: Option<SeenPayment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPayment {
    pub reference: String,
    pub price: Option<Money>,
    pub state: &'static str,
}

/// A job, and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenJob {
    Delayed,
    Waiting,
    Ran { at: u64, answer: Box<Answer> },
}

impl Seen {
    pub fn of(booking: &Booking, now: Timestamp) -> Self {
        let state = booking.state_at(now);
        let has_lapsed = state != booking.state;
        let until = match state {
            BookingState::Held { expires_at, .. } => Some(expires_at.0),
            _ => None,
        };
        Self {
            slot: booking.slot.0,
            pool: booking.pool.0,
            user: booking.user.0,
            booked_by: booking.booked_by.0,
            count: booking.count,
            seats: booking.seats.iter().map(|seat| seat.number).collect(),
            state: state.name(),
            until,
            version: booking.version + u32::from(has_lapsed),
            payment: booking.payment.as_ref().map(|payment| SeenPayment {
                reference: payment.reference.clone(),
                price: payment.price.clone(),
                state: payment.state.name(),
            }),
        }
    }
}

impl SeenJob {
    pub fn of(job: &Job) -> Self {
        match &job.state {
            JobState::Delayed => Self::Delayed,
            JobState::Waiting { .. } => Self::Waiting,
            JobState::Done { at, outcome, .. } => {
                Self::Ran { at: at.0, answer: Box::new(Answer::of(outcome, *at)) }
            }
        }
    }
}

impl Answer {
    pub fn of(outcome: &Outcome, now: Timestamp) -> Self {
        match outcome {
            Outcome::Booking(id, booking) => Self::Booking(id.0, Seen::of(booking, now)),
            Outcome::Job(id, job) => Self::Job(id.0, SeenJob::of(job)),
            Outcome::Policy(..) | Outcome::Ticked { contradicted: 0, .. } => Self::Done,
            Outcome::Rejected(rejection) => Self::Refused(code(rejection)),
            other => Self::Odd(format!("{other:?}")),
        }
    }
}

fn code(rejection: &Rejection) -> Refused {
    match rejection {
        Rejection::Unauthenticated => "unauthenticated",
        Rejection::Forbidden => "forbidden",
        Rejection::UserNotFound(_) => "user_not_found",
        Rejection::SlotNotFound(_) => "slot_not_found",
        Rejection::PoolNotFound(_) => "pool_not_found",
        Rejection::BookingNotFound(_) => "booking_not_found",
        Rejection::VersionMismatch { .. } => "version_mismatch",
        Rejection::AlreadyCancelled => "already_cancelled",
        Rejection::AlreadyUsed { .. } => "already_used",
        Rejection::HoldExpired { .. } => "hold_expired",
        Rejection::NotHeld => "not_held",
        Rejection::NotConfirmed => "not_confirmed",
        Rejection::TooEarly { .. } => "too_early",
        Rejection::TooLate { .. } => "too_late",
        Rejection::SlotFull(_) => "slot_full",
        Rejection::NoSeats(_) => "no_seats",
        Rejection::SeatNotFound(_) => "seat_not_found",
        Rejection::SeatTaken(_) => "seat_taken",
        Rejection::NoSuchSeatsLeft => "no_such_seats_left",
        Rejection::NotSoMany { .. } => "not_so_many",
        Rejection::LimitReached { .. } => "limit_reached",
        Rejection::PaymentMismatch => "payment_mismatch",
        Rejection::PaymentReferenceTaken => "payment_reference_taken",
        Rejection::PaymentNotFound(_) => "payment_not_found",
        Rejection::PlacesGone => "places_gone",
        Rejection::NothingAsked => "nothing_asked",
        Rejection::WaitingRoom(_) => "waiting_room",
        other => panic!("unexpected refusal: {other:?}"),
    }
}
