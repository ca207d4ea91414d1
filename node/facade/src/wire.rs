//! Values as JSON writes them: ids as numbers or digits, moments as RFC 3339.

use std::fmt;

use holdfast_reservations::{
    Booking, BookingId, BookingState, HOLD_DURATION_MAX, HOLD_DURATION_MIN, Millis, NoShows, Payment,
    PaymentState, PoolCounts, SEATS_PER_BOOKING_MAX, Slot, SlotDay, SlotId, SlotStatus, Timestamp,
};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{self, Problem};

use crate::openapi::words;

/// The last moment a caller may name: the end of the year 9999.
const LAST_MOMENT_MS: u64 = 253_402_300_799_999;

/// An id: a JSON number, or its digits in a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(pub(crate) u64);

/// No id is as large: what a negative one means.
const NOBODY: u64 = u64::MAX;

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;

        impl Visitor<'_> for Digits {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an id: a whole number or its digits")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Id, E> {
                match i64::try_from(number) {
                    Ok(_) => Ok(Id(number)),
                    Err(_) => Err(E::custom("the number is too large for an id")),
                }
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Id, E> {
                Ok(Id(u64::try_from(number).unwrap_or(NOBODY)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                id_in(text).map(Id).ok_or_else(|| E::custom("an id has only digits"))
            }
        }

        deserializer.deserialize_any(Digits)
    }
}

/// The id in a path or a query.
pub(crate) fn id_in(text: &str) -> Option<u64> {
    let is_digits = !text.is_empty() && text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

/// A moment a caller names: RFC 3339 with an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        moment_in(&text).map(Self).ok_or_else(|| de::Error::custom("not a moment like 2026-06-23T07:30:00Z"))
    }
}

/// The moment in a text. Before 1970 counts as 1970: nothing was ever due or open there.
pub(crate) fn moment_in(text: &str) -> Option<Timestamp> {
    let parsed: jiff::Timestamp = text.parse().ok()?;
    let millis = u64::try_from(parsed.as_millisecond()).unwrap_or(0);
    Some(Timestamp(millis.min(LAST_MOMENT_MS)))
}

/// A moment as RFC 3339 in UTC.
pub(crate) fn instant(at: Timestamp) -> String {
    let millis = i64::try_from(at.0.min(LAST_MOMENT_MS)).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).map_or_else(|_| String::new(), |moment| moment.to_string())
}

/// A moment without its milliseconds: seed S0 has none in the moments it only shows.
pub(crate) fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp(at.0 - at.0 % 1000)
}

/// A field that is there has a value: null is none.
pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// How many places: at least one. More than any pool has is one too many, not malformed.
pub(crate) fn count_from(count: i64) -> crate::problem::Result<u32> {
    match count {
        ..1 => Err(crate::problem::Problem::senseless(format!("count is {count}; it must be at least 1"))),
        _ => Ok(u32::try_from(count).unwrap_or(u32::MAX)),
    }
}

/// Labels of seats: some, not too many, each once.
pub(crate) fn labels_from(labels: Vec<String>) -> problem::Result<Vec<String>> {
    if labels.is_empty() {
        return Err(Problem::senseless("seats names at least one seat"));
    }
    if labels.len() > SEATS_PER_BOOKING_MAX {
        return Err(too_many_seats());
    }
    let mut sorted: Vec<&String> = labels.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Problem::senseless(format!("seat {} is named twice", pair[0]))),
        None => Ok(labels),
    }
}

/// How long places are to be held.
pub(crate) fn hold_seconds_from(seconds: i64) -> problem::Result<Millis> {
    let duration = u64::try_from(seconds).map(Millis::from_seconds).ok();
    let duration = duration.filter(|duration| (HOLD_DURATION_MIN..=HOLD_DURATION_MAX).contains(duration));
    duration.ok_or_else(|| {
        let max = HOLD_DURATION_MAX.0 / 1000;
        Problem::senseless(format!("holdSeconds is from 1 to {max}"))
    })
}

/// More seats than one booking has.
pub(crate) fn too_many_seats() -> Problem {
    Problem::senseless(format!("a booking has at most {SEATS_PER_BOOKING_MAX} seats"))
}

/// A booking on `/v1`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Booking)]
pub(crate) struct BookingBody {
    id: u64,
    slot_id: u64,
    pool_id: u64,
    user_id: u64,
    #[schema(schema_with = words::booking_status)]
    status: &'static str,
    count: u32,
    /// Labels of its seats; empty if its places are counted.
    seats: Vec<String>,
    /// When a hold ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<PaymentBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<u64>,
    /// Rises with every change; for If-Match.
    version: u32,
    /// Where its last change stands in the log: INDEX-ORDINAL.
    revision: String,
    #[schema(format = DateTime)]
    booked_at: String,
}

/// A payment on `/v1`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Payment)]
pub(crate) struct PaymentBody {
    reference: String,
    /// In the smallest unit of the currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[schema(schema_with = words::payment_status)]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(crate) fn payment_body(payment: &Payment) -> PaymentBody {
    let (at, reason) = match &payment.state {
        PaymentState::Pending => (None, None),
        PaymentState::Paid { at } | PaymentState::Refused { at } => (Some(instant(*at)), None),
        PaymentState::Failed { at, reason } => (Some(instant(*at)), Some(reason.clone())),
    };
    let price = payment.price.clone();
    PaymentBody {
        reference: payment.reference.clone(),
        amount: price.as_ref().map(|price| price.amount),
        currency: price.map(|price| price.currency),
        status: payment.state.name(),
        at,
        reason,
    }
}

pub(crate) fn booking_body(id: BookingId, booking: &Booking) -> BookingBody {
    BookingBody {
        id: id.0,
        slot_id: booking.slot.0,
        pool_id: booking.pool.0,
        user_id: booking.user.0,
        status: booking.state.name(),
        count: booking.count,
        seats: booking.seats.iter().map(|seat| seat.label.clone()).collect(),
        expires_at: deadline_of(booking).map(instant),
        payment: booking.payment.as_ref().map(payment_body),
        job_id: job_of(booking),
        version: booking.version,
        revision: booking.revision.to_string(),
        booked_at: instant(booking.booked_at),
    }
}

/// When a hold ends.
pub(crate) fn deadline_of(booking: &Booking) -> Option<Timestamp> {
    match booking.state {
        BookingState::Held { expires_at, .. } => Some(expires_at),
        BookingState::Confirmed
        | BookingState::Used { .. }
        | BookingState::Cancelled { .. }
        | BookingState::Expired { .. }
        | BookingState::Queued { .. }
        | BookingState::Rejected { .. }
        | BookingState::Ready { .. }
        | BookingState::NoShow { .. } => None,
    }
}

fn job_of(booking: &Booking) -> Option<u64> {
    match booking.state {
        BookingState::Queued { job } => Some(job.0),
        BookingState::Confirmed
        | BookingState::Used { .. }
        | BookingState::Cancelled { .. }
        | BookingState::Held { .. }
        | BookingState::Expired { .. }
        | BookingState::Rejected { .. }
        | BookingState::Ready { .. }
        | BookingState::NoShow { .. } => None,
    }
}

/// A slot on `/v1`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Slot)]
pub(crate) struct SlotBody {
    id: u64,
    resource_id: u64,
    #[schema(format = DateTime)]
    start_time: String,
    #[schema(format = DateTime)]
    end_time: String,
    #[schema(schema_with = words::slot_status)]
    status: &'static str,
    pools: Vec<PoolBody>,
    /// There while so many parties have not come that nobody is released until an operator decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_shows: Option<NoShowsBody>,
}

/// What becomes of parties that have not come.
#[derive(Serialize, ToSchema)]
#[schema(as = NoShows)]
pub(crate) struct NoShowsBody {
    #[schema(schema_with = words::no_shows)]
    state: &'static str,
    /// Places of parties that have not come.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<u32>,
    /// Places of all parties.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<u32>,
}

impl NoShowsBody {
    pub(crate) fn of(no_shows: &NoShows) -> Self {
        let (state, missing, expected) = match *no_shows {
            NoShows::Planned { .. } => ("planned", None, None),
            NoShows::Counting { .. } => ("counting", None, None),
            NoShows::Stopped { missing, expected, .. } => ("stopped", Some(missing), Some(expected)),
            NoShows::Releasing { .. } => ("releasing", None, None),
            NoShows::Released { .. } => ("released", None, None),
            NoShows::Kept { .. } => ("kept", None, None),
        };
        Self { state, missing, expected }
    }
}

impl SlotBody {
    /// With what waits for an operator, if something does.
    pub(crate) fn with_day(self, day: Option<&SlotDay>) -> Self {
        let stopped = day.map(|day| day.no_shows).filter(|found| matches!(found, NoShows::Stopped { .. }));
        Self { no_shows: stopped.as_ref().map(NoShowsBody::of), ..self }
    }
}

/// A pool on `/v1`.
#[derive(Serialize, ToSchema)]
#[schema(as = Pool)]
struct PoolBody {
    id: u64,
    name: String,
    #[schema(schema_with = words::pool_kind)]
    kind: &'static str,
    capacity: u32,
    available: u32,
    held: u32,
    /// With those that are used and ready.
    confirmed: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
}

/// A slot, its pools counted by `counts`. A slot whose end has come is finished, whether or not a tick has said so.
pub(crate) fn slot_body(
    id: SlotId,
    slot: &Slot,
    now: Timestamp,
    counts: impl Fn(holdfast_reservations::PoolId) -> Option<PoolCounts>,
) -> SlotBody {
    let pools = slot.pools.iter().map(|pool| {
        let capacity = pool.kind.capacity();
        let counts = counts(pool.id).unwrap_or_else(|| PoolCounts::open(capacity));
        let PoolCounts { available, held, confirmed, .. } = counts;
        PoolBody {
            id: pool.id.0,
            name: pool.name.clone(),
            kind: pool.kind.name(),
            capacity,
            available,
            held,
            confirmed,
            price: pool.price.as_ref().map(|price| price.amount),
            currency: pool.price.as_ref().map(|price| price.currency.clone()),
            description: pool.description.clone(),
        }
    });
    let status = match slot.status {
        SlotStatus::Open if slot.is_bookable_at(now) => "open",
        SlotStatus::Open | SlotStatus::Finished => "finished",
        SlotStatus::Withdrawn => "withdrawn",
    };
    SlotBody {
        id: id.0,
        resource_id: slot.resource.0,
        start_time: instant(slot.window.starts_at()),
        end_time: instant(slot.window.ends_at()),
        status,
        pools: pools.collect(),
        no_shows: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_number_or_its_digits() {
        let read = |json: &str| serde_json::from_str::<Id>(json).ok().map(|id| id.0);
        assert_eq!(read("7"), Some(7));
        assert_eq!(read("\"7\""), Some(7));
        assert_eq!(read("-7"), Some(NOBODY));
        for refused in
            ["7.0", "true", "null", "\"\"", "\"7a\"", "\" 7\"", "\"-7\"", "9223372036854775808", "1e3"]
        {
            assert_eq!(read(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_moment_has_an_offset_and_is_written_in_utc() {
        let read = |text: &str| moment_in(text).map(instant);
        assert_eq!(read("2025-06-23T07:30:41Z").as_deref(), Some("2025-06-23T07:30:41Z"));
        assert_eq!(read("2025-06-23T09:30:41.5+02:00").as_deref(), Some("2025-06-23T07:30:41.5Z"));
        assert_eq!(read("1969-12-31T00:00:00Z").as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(instant(whole_second(Timestamp(1_750_663_841_999))), "2025-06-23T07:30:41Z");
        for refused in ["", "2025-06-23", "2025-06-23T07:30:41", "2025-13-01T00:00:00Z", "tomorrow", "17"] {
            assert_eq!(read(refused), None, "{refused}");
        }
    }
}
