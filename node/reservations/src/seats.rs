//! Seats: the labelled places of a pool, planned in runs, and who has which of them.

pub mod choose;
pub mod label;
pub mod map;
pub mod plan;

use serde::{Deserialize, Serialize};

pub use label::natural_order;
pub use map::{SeatBlock, SeatState, states_of};
pub use plan::{NewSeat, PlanError, Seat, SeatPlan, SeatRun};

use crate::ids::SlotId;

/// Seats of one pool.
pub const SEATS_PER_POOL_MAX: u32 = 100_000;

/// Seats of one slot, in all its pools: what somebody who looks at them is told at once.
pub const SEATS_PER_SLOT_MAX: u64 = 100_000;

/// Seats of one booking.
pub const SEATS_PER_BOOKING_MAX: usize = 500;

/// Bytes that the runs of one plan may take: less than an entry holds, with room for the rest of the command. The facade
/// refuses more.
pub const PLAN_BYTES_MAX: usize = 512 << 10;

/// The seats of a pool, as they were opened. They never change while anybody has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seats {
    /// The slot that sells them.
    pub slot: SlotId,
    /// In natural order of their labels, the first of them number 0.
    pub plan: SeatPlan,
}

/// A seat that somebody has: its number in the pool's plan, and what is written on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BookedSeat {
    /// Its number in the plan, from 0.
    pub number: u32,
    /// What is written on it.
    pub label: String,
}

/// How a caller names a seat. The order is a stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SeatName {
    /// By what is written on it.
    Label(String),
    /// By its number in the plan.
    Number(u32),
}

impl std::fmt::Display for SeatName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Label(label) => write!(f, "{label}"),
            Self::Number(number) => write!(f, "#{number}"),
        }
    }
}
