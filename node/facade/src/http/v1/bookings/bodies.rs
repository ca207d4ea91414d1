//! What callers say of bookings, and what we make of it.

use holdfast_reservations::{
    Dialect, HoldTerms, Money, PAYMENT_TEXT_MAX, PRIORITY_MAX, Paid, Part, Places, PoolId, Reserve,
    SEATS_PER_BOOKING_MAX, SeatName, SlotId, SlotName, Timestamp, UserId,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::problem::{Problem, Result};
use crate::wire::{Id, Moment, count_from, given, hold_seconds_from, labels_from, too_many_seats};

/// At most one of count, seats and bestAvailable; one place if none is given.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewBooking)]
pub(crate) struct BookBody {
    slot_id: Id,
    /// The first pool of the slot unless given.
    pool_id: Option<Id>,
    #[schema(minimum = 1, value_type = i64)]
    #[serde(default, deserialize_with = "given")]
    count: Option<i64>,
    /// Labels of seats, each once.
    #[schema(min_items = 1, max_items = 500)]
    seats: Option<Vec<String>>,
    /// So many of the best seats that are left.
    #[schema(minimum = 1, maximum = 500)]
    best_available: Option<i64>,
    /// One of the best seats is to have room for a wheelchair.
    #[serde(default)]
    accessible: bool,
    /// Held until a deadline instead of booked.
    #[serde(default)]
    hold: bool,
    /// For holds: until when, from now; what the policies say unless given.
    #[schema(minimum = 1, maximum = 86_400)]
    hold_seconds: Option<i64>,
    /// For whom: staff, operators and apps book for others.
    user_id: Option<Id>,
    /// Makes it a job; above 0 for staff, operators and apps.
    #[schema(minimum = 0, maximum = 9)]
    priority: Option<i64>,
    /// Makes it a job that does not run before.
    not_before: Option<Moment>,
}

/// Something of it must be given, and not both count and seats.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = BookingChange)]
pub(crate) struct ModifyBody {
    pub(super) slot_id: Option<Id>,
    pub(super) pool_id: Option<Id>,
    #[schema(minimum = 1)]
    pub(super) count: Option<i64>,
    #[schema(min_items = 1, max_items = 500)]
    pub(super) seats: Option<Vec<String>>,
}

/// A part of the places, by count or by seats; all of them if neither is given.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Confirmation)]
pub(crate) struct ConfirmBody {
    #[schema(minimum = 1)]
    count: Option<i64>,
    #[schema(min_items = 1, max_items = 500)]
    seats: Option<Vec<String>>,
    payment: Option<PaidBody>,
}

/// How it was paid; amount and currency go together.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Paid)]
struct PaidBody {
    #[schema(min_length = 1, max_length = 255)]
    reference: String,
    #[schema(minimum = 0)]
    amount: Option<i64>,
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: Option<String>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Extension)]
pub(crate) struct ExtendBody {
    /// From now; as long as the hold was made for unless given.
    #[schema(minimum = 1, maximum = 86_400)]
    pub(super) hold_seconds: Option<i64>,
}

/// When and before whom a job is to run.
#[derive(Clone, Copy, Debug)]
pub(super) struct JobOptions {
    pub(super) priority: u8,
    pub(super) not_before: Option<Timestamp>,
}

impl JobOptions {
    pub(super) fn is_delayed(self) -> bool {
        self.priority > 0 || self.not_before.is_some()
    }
}

pub(super) fn reserve_from(body: BookBody) -> Result<(Reserve, JobOptions)> {
    let hold = match (body.hold, body.hold_seconds) {
        (false, None) => None,
        (false, Some(_)) => return Err(Problem::senseless("holdSeconds is for holds; give hold: true")),
        (true, seconds) => {
            let duration = seconds.map(hold_seconds_from).transpose()?;
            Some(HoldTerms { duration, dialect: Dialect::Native })
        }
    };
    let priority = body.priority.unwrap_or(0);
    let priority = u8::try_from(priority).ok().filter(|priority| *priority <= PRIORITY_MAX);
    let priority =
        priority.ok_or_else(|| Problem::senseless(format!("priority is from 0 to {PRIORITY_MAX}")))?;
    let options = JobOptions { priority, not_before: body.not_before.map(|moment| moment.0) };
    let places = places_from(body.count, body.seats, body.best_available, body.accessible)?;
    let wanted = Reserve {
        slot: SlotName::Id(SlotId(body.slot_id.0)),
        pool: body.pool_id.map(|id| PoolId(id.0)),
        places,
        hold,
        user: body.user_id.map(|id| UserId(id.0)),
    };
    Ok((wanted, options))
}

fn places_from(
    count: Option<i64>,
    seats: Option<Vec<String>>,
    best: Option<i64>,
    is_accessible: bool,
) -> Result<Places> {
    if is_accessible && best.is_none() {
        return Err(Problem::senseless("accessible is for bestAvailable"));
    }
    match (count, seats, best) {
        (None, None, None) => Ok(Places::Count(1)),
        (Some(count), None, None) => count_from(count).map(Places::Count),
        (None, Some(labels), None) => {
            Ok(Places::Seats(labels_from(labels)?.into_iter().map(SeatName::Label).collect()))
        }
        (None, None, Some(best)) => {
            let count = count_from(best)?;
            if count as usize > SEATS_PER_BOOKING_MAX {
                return Err(too_many_seats());
            }
            Ok(Places::Best { count, is_accessible })
        }
        _ => Err(Problem::senseless("give exactly one of count, seats and bestAvailable")),
    }
}

pub(super) fn confirm_from(body: ConfirmBody) -> Result<(Option<Part>, Option<Paid>)> {
    let part = match (body.count, body.seats) {
        (None, None) => None,
        (Some(count), None) => Some(Part::Count(count_from(count)?)),
        (None, Some(labels)) => Some(Part::Seats(labels_from(labels)?)),
        (Some(_), Some(_)) => return Err(Problem::senseless("give count or seats, not both")),
    };
    Ok((part, body.payment.map(paid_from).transpose()?))
}

fn paid_from(body: PaidBody) -> Result<Paid> {
    let price = match (body.amount, body.currency) {
        (None, None) => None,
        (Some(amount), Some(currency)) => Some(money_from(amount, currency)?),
        _ => return Err(Problem::senseless("give amount and currency, or neither")),
    };
    Ok(Paid { reference: reference_from(body.reference)?, price })
}

/// An amount in the smallest unit of a currency of ISO 4217.
pub(in crate::http::v1) fn money_from(amount: i64, currency: String) -> Result<Money> {
    let amount = u64::try_from(amount).map_err(|_| Problem::senseless("amount is at least 0"))?;
    let is_code = currency.len() == 3 && currency.bytes().all(|letter| letter.is_ascii_uppercase());
    if is_code {
        Ok(Money { amount, currency })
    } else {
        Err(Problem::senseless("currency is a code of ISO 4217, for instance EUR"))
    }
}

/// What a provider calls a payment.
pub(super) fn reference_from(reference: String) -> Result<String> {
    match reference.len() {
        1..=PAYMENT_TEXT_MAX => Ok(reference),
        _ => Err(Problem::senseless(format!("reference has 1 to {PAYMENT_TEXT_MAX} bytes"))),
    }
}
