//! What operators say of slots, pools and seats, and what we make of it.

use holdfast_reservations::{
    Millis, NewPlaces, NewPool, NewSeat, NewSlot, PLAN_BYTES_MAX, POOLS_PER_SLOT_MAX, PlanError, PolicyField,
    PoolId, Seat, SeatPlan, SeatState, Terms, Window,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::v1::bookings::money_from;
use crate::http::v1::resources::description_from;
use crate::http::v1::venues::name_from;
use crate::openapi::words;
use crate::problem::{Problem, Result};
use crate::wire::Moment;

/// Places of one pool.
const CAPACITY_MAX: i64 = 1_000_000_000;

/// Longest text on a seat, and of its section, row and price category.
const SEAT_TEXT_MAX: usize = 64;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewSlot)]
pub(crate) struct NewSlotBody {
    start_time: Moment,
    /// After the start.
    end_time: Moment,
    #[schema(min_items = 1, max_items = 64)]
    pub(super) pools: Vec<NewPoolBody>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SlotChange)]
pub(crate) struct ChangeBody {
    start_time: Moment,
    end_time: Moment,
}

impl ChangeBody {
    pub(super) fn window(&self) -> Result<Window> {
        window_from(self.start_time, self.end_time)
    }
}

/// It has exactly one of capacity, seats and seatCount.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPool)]
pub(crate) struct NewPoolBody {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Places that are counted.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    capacity: Option<i64>,
    /// Seats by what is written on them.
    #[schema(min_items = 1, max_items = 100_000)]
    seats: Option<Vec<SeatSpec>>,
    /// So many seats, labelled from "1".
    #[schema(minimum = 1, maximum = 100_000)]
    seat_count: Option<i64>,
    /// In the smallest unit of the currency; both or neither.
    #[schema(minimum = 0)]
    price: Option<i64>,
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: Option<String>,
    #[serde(default)]
    #[schema(max_length = 2000)]
    description: String,
    #[schema(minimum = 1, maximum = 86_400)]
    hold_seconds: Option<i64>,
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    max_per_user: Option<i64>,
}

/// A seat: what is written on it, or all that there is to say.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = NewSeat)]
enum SeatSpec {
    Label(String),
    Described(DescribedSeat),
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DescribedSeat {
    #[schema(min_length = 1, max_length = 64)]
    label: String,
    #[schema(max_length = 64)]
    section: Option<String>,
    #[schema(max_length = 64)]
    row: Option<String>,
    #[schema(maximum = 4_294_967_295_u32)]
    number: Option<u32>,
    #[schema(max_length = 64)]
    price_category: Option<String>,
    #[serde(default)]
    accessible: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Seat)]
pub(crate) struct SeatBody {
    label: String,
    section: Option<String>,
    row: Option<String>,
    number: Option<u32>,
    price_category: Option<String>,
    accessible: bool,
    #[schema(schema_with = words::seat_status)]
    pub(super) status: &'static str,
    pool_id: u64,
}

pub(super) fn seat_body(pool: PoolId, seat: Seat<'_>, state: SeatState) -> SeatBody {
    SeatBody {
        section: seat.section.map(str::to_owned),
        row: seat.row.map(str::to_owned),
        number: seat.position,
        price_category: seat.price_category.map(str::to_owned),
        accessible: seat.accessible,
        status: state.name(),
        pool_id: pool.0,
        label: seat.label,
    }
}

pub(super) fn slot_from(body: NewSlotBody) -> Result<NewSlot> {
    let window = window_from(body.start_time, body.end_time)?;
    Ok(NewSlot { window, pools: pools_from(body.pools)? })
}

fn window_from(start: Moment, end: Moment) -> Result<Window> {
    Window::new(start.0, end.0).ok_or_else(|| Problem::senseless("endTime is not after startTime"))
}

pub(super) fn pools_from(bodies: Vec<NewPoolBody>) -> Result<Vec<NewPool>> {
    if !(1..=POOLS_PER_SLOT_MAX).contains(&bodies.len()) {
        return Err(Problem::senseless(format!("a slot has 1 to {POOLS_PER_SLOT_MAX} pools")));
    }
    bodies.into_iter().map(pool_from).collect()
}

/// Refuses plans that would not fit into one command.
pub(super) fn expect_small(slots: &[NewSlot]) -> Result<()> {
    let pools = slots.iter().flat_map(|slot| &slot.pools);
    let bytes: usize = pools.map(|pool| plan_bytes(&pool.places)).sum();
    if bytes <= PLAN_BYTES_MAX {
        return Ok(());
    }
    let detail =
        "the seats are too many different ones for one call; open fewer slots at a time, or number the seats";
    Err(Problem::senseless(detail))
}

fn plan_bytes(places: &NewPlaces) -> usize {
    match places {
        NewPlaces::Counter { .. } => 0,
        NewPlaces::OnTerms(places, _) => plan_bytes(places),
        NewPlaces::Seats(plan) => {
            let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
            let run = |run: &holdfast_reservations::SeatRun| {
                24 + run.prefix.len() + text(&run.section) + text(&run.row) + text(&run.price_category)
            };
            plan.runs().iter().map(run).sum()
        }
    }
}

fn pool_from(body: NewPoolBody) -> Result<NewPool> {
    let places = match (body.capacity, body.seats, body.seat_count) {
        (Some(capacity), None, None) => NewPlaces::Counter { capacity: capacity_from(capacity)? },
        (None, Some(seats), None) => {
            let seats = seats.into_iter().map(seat_from).collect::<Result<_>>()?;
            NewPlaces::Seats(SeatPlan::of(seats).map_err(no_plan)?)
        }
        (None, None, Some(count)) => {
            NewPlaces::Seats(SeatPlan::numbered(u64::try_from(count).unwrap_or(0)).map_err(no_plan)?)
        }
        (None, None, None) => return Err(Problem::malformed("a pool has capacity, seats or seatCount")),
        _ => return Err(Problem::senseless("a pool has only one of capacity, seats and seatCount")),
    };
    let price = match (body.price, body.currency) {
        (None, None) => None,
        (Some(amount), Some(currency)) => Some(money_from(amount, currency)?),
        _ => return Err(Problem::senseless("give price and currency, or neither")),
    };
    let hold = body.hold_seconds.map(|seconds| positive("holdSeconds", seconds, 86_400)).transpose()?;
    let limit = body.max_per_user.map(|limit| positive("maxPerUser", limit, 1_000_000_000)).transpose()?;
    let hold = hold.map(|seconds| (PolicyField::HoldDuration, Millis::from_seconds(seconds).0));
    let limit = limit.map(|limit| (PolicyField::MaxPerUser, limit));
    let policy = hold.into_iter().chain(limit).collect();
    let terms = Terms { price, description: description_from(body.description)?, policy };
    let places = match terms == Terms::default() {
        true => places,
        false => NewPlaces::OnTerms(Box::new(places), terms),
    };
    Ok(NewPool { name: name_from("name", body.name)?, places })
}

fn capacity_from(capacity: i64) -> Result<u32> {
    let number = match capacity {
        1..=CAPACITY_MAX => u32::try_from(capacity).ok(),
        _ => None,
    };
    number.ok_or_else(|| Problem::senseless(format!("capacity is from 1 to {CAPACITY_MAX}")))
}

fn positive(name: &str, number: i64, max: u64) -> Result<u64> {
    let number = u64::try_from(number).ok().filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| Problem::senseless(format!("{name} is from 1 to {max}")))
}

fn no_plan(error: PlanError) -> Problem {
    Problem::senseless(error.to_string())
}

fn seat_from(spec: SeatSpec) -> Result<NewSeat> {
    let seat = match spec {
        SeatSpec::Label(label) => NewSeat { label, ..NewSeat::default() },
        SeatSpec::Described(seat) => NewSeat {
            label: seat.label,
            section: seat.section,
            row: seat.row,
            number: seat.number,
            price_category: seat.price_category,
            accessible: seat.accessible,
        },
    };
    let texts = [Some(&seat.label), seat.section.as_ref(), seat.row.as_ref(), seat.price_category.as_ref()];
    if texts.into_iter().flatten().any(|text| text.len() > SEAT_TEXT_MAX) {
        return Err(Problem::senseless(format!(
            "what is written on a seat has at most {SEAT_TEXT_MAX} bytes"
        )));
    }
    Ok(seat)
}
