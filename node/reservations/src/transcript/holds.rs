//! The words of scripts for seats, holds, payments and jobs.

use std::fmt::Write as _;

use super::{Arguments, Stage, number};
use crate::*;

/// The places a line asks for, if it says more than how many.
pub(super) fn places(given: &Arguments<'_>) -> Option<Places> {
    if let Some(seats) = given.text("seats") {
        let names = seats.split(',').map(|label| SeatName::Label(label.to_owned()));
        return Some(Places::Seats(names.collect()));
    }
    let is_accessible = given.text("accessible").is_some();
    given.number("best").map(|count| Places::Best { count: count.try_into().unwrap(), is_accessible })
}

fn hold(given: &Arguments<'_>) -> HoldTerms {
    let dialect = match given.text("in") {
        None => Dialect::Native,
        Some("s1") => Dialect::S1,
        Some("s2") => Dialect::S2,
        Some("s3") => Dialect::S3,
        Some(other) => panic!("unknown dialect: {other}"),
    };
    HoldTerms { duration: given.number("for").map(Millis), dialect }
}

fn reserve(slot: &str, given: &Arguments<'_>, hold: Option<HoldTerms>) -> Reserve {
    let count = || Places::Count(given.number("count").unwrap_or(1).try_into().unwrap());
    Reserve {
        slot: SlotName::Id(SlotId(number(slot))),
        pool: given.number("pool").map(PoolId),
        places: places(given).unwrap_or_else(count),
        hold,
        user: given.text("user").map(|user| UserId(number(user))),
    }
}

fn confirm(booking: &str, given: &Arguments<'_>) -> Confirm {
    let seats = given.text("seats").map(|seats| Part::Seats(seats.split(',').map(str::to_owned).collect()));
    let count = given.number("count").map(|count| Part::Count(count.try_into().unwrap()));
    let paid = given.text("paid").map(|reference| Paid { reference: reference.into(), price: price(given) });
    Confirm {
        booking: BookingId(number(booking)),
        expected_version: version(given),
        part: seats.or(count),
        paid,
    }
}

fn price(given: &Arguments<'_>) -> Option<Money> {
    given.number("amount").map(|amount| Money { amount, currency: "EUR".into() })
}

fn version(given: &Arguments<'_>) -> Option<u32> {
    given.number("version").map(|version| version.try_into().unwrap())
}

pub(super) fn command(_who: &str, verbs: &[&str], given: &Arguments<'_>) -> Option<Command> {
    let expected_version = version(given);
    Some(match verbs {
        ["holds", slot] => Command::Reserve(reserve(slot, given, Some(hold(given)))),
        ["moves", booking] => Command::Exchange(Exchange {
            booking: BookingId(number(booking)),
            expected_version,
            slot: given.number("slot").map(|slot| SlotChoice::Id(SlotId(slot))),
            pool: given.number("pool").map(PoolId),
            seats: match places(given) {
                Some(Places::Seats(names)) => names,
                _ => Vec::new(),
            },
        }),
        ["extends", booking] => {
            let HoldTerms { duration, dialect } = hold(given);
            let booking = BookingId(number(booking));
            Command::Extend(Extend { booking, expected_version, duration, dialect })
        }
        ["confirms", booking] => Command::Confirm(confirm(booking, given)),
        ["voids", booking] => Command::Void(Void { booking: BookingId(number(booking)), expected_version }),
        ["starts", "payment", "of", booking] => Command::StartPayment(StartPayment {
            booking: BookingId(number(booking)),
            expected_version,
            reference: given.text("reference").unwrap().into(),
            price: price(given).unwrap(),
        }),
        ["settles", reference] => Command::SettlePayment(SettlePayment {
            reference: (*reference).into(),
            settlement: Settlement::Paid { price: price(given) },
        }),
        ["fails", reference] => Command::SettlePayment(SettlePayment {
            reference: (*reference).into(),
            settlement: Settlement::Failed { reason: "declined".into() },
        }),
        ["queues", "confirm", booking] => enqueue(JobCommand::Confirm(confirm(booking, given)), given),
        ["queues", slot] => enqueue(JobCommand::Reserve(reserve(slot, given, Some(hold(given)))), given),
        _ => return None,
    })
}

fn enqueue(command: JobCommand, given: &Arguments<'_>) -> Command {
    Command::Enqueue(Enqueue {
        command,
        priority: given.number("priority").unwrap_or(0).try_into().unwrap(),
        not_before: given.number("after").map(Timestamp),
        promise: if given.text("promise").is_some() { Promise::Booking } else { Promise::None },
    })
}

/// What a booking has beyond places.
pub(super) fn describe_more(booking: &Booking) -> String {
    let mut more = String::new();
    if !booking.seats.is_empty() {
        let labels: Vec<&str> = booking.seats.iter().map(|seat| seat.label.as_str()).collect();
        write!(more, " seats={}", labels.join(",")).unwrap();
    }
    if let BookingState::Held { expires_at, .. } = booking.state {
        write!(more, " until={}", expires_at.0).unwrap();
    }
    if let Some(payment) = &booking.payment {
        write!(more, " {}={}", payment.reference, payment.state.name()).unwrap();
    }
    more
}

pub(super) fn describe_job(id: JobId, job: &Job) -> String {
    let mut line = format!("{id} {}", job.status());
    match &job.state {
        JobState::Delayed => write!(line, " not_before={}", job.not_before.0).unwrap(),
        JobState::Waiting { sequence, .. } => write!(line, " sequence={sequence}").unwrap(),
        JobState::Done { at, outcome, .. } => {
            write!(line, " at={}: {}", at.0, super::describe_outcome(outcome)).unwrap();
        }
    }
    if let (Some(booking), false) = (job.booking, matches!(job.state, JobState::Done { .. })) {
        write!(line, " promised={booking}").unwrap();
    }
    line
}

impl Stage {
    pub(super) fn look_at_seats(&self, pool: PoolId) -> String {
        let rows = self.state.rows();
        let Some(seats) = rows.row::<Seats>(pool) else { return "nothing".into() };
        let states = seat_states(rows, pool, seats.plan.count());
        let seats =
            seats.plan.seats().zip(states).map(|(seat, state)| match seat_owner(rows, pool, seat.number) {
                None => format!("{}={}", seat.label, state.name()),
                Some(owner) => format!("{}={}({owner})", seat.label, state.name()),
            });
        seats.collect::<Vec<_>>().join(" ")
    }

    pub(super) fn look_at_job(&self, id: JobId) -> String {
        let rows = self.state.rows();
        let Some(job) = rows.row::<Job>(id) else { return "nothing".into() };
        let mut line = describe_job(id, &job);
        if let Some(position) = job_position(rows, &job) {
            let wait = estimated_wait(rows, &job, self.state.now()).map(|wait| wait.0);
            write!(line, " position={position} wait={wait:?}").unwrap();
        }
        line
    }

    pub(super) fn look_at_booking(&self, id: BookingId) -> String {
        let Some(booking) = self.state.rows().row::<Booking>(id) else { return "nothing".into() };
        super::describe_outcome(&Outcome::Booking(id, (*booking).clone()))
    }
}
