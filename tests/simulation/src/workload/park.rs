//! What there is to be booked.

use holdfast_model::SlotId;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::time::EPOCH_MS;

/// Slots of each kind.
pub(super) const SLOTS: usize = 4;

/// Slots that start soon.
pub(super) const DAYS: usize = 5;

/// Slots that stay open end so many seconds after the simulation began: longer than anybody simulates.
pub(super) const OPEN_SECONDS: u64 = 30 * 86_400;

/// What there is to be booked.
#[derive(Clone, Debug, Default)]
pub struct Park {
    /// The resource all slots are of.
    pub resource: u64,
    /// Slots in which nothing happens but what the history writes.
    pub recorded: Vec<SlotId>,
    /// Slots in which everything happens.
    pub changing: Vec<SlotId>,
    /// Another resource, with slots that sell seats, and places to be held.
    pub concert: u64,
    /// Its slots with seats, numbered from 1.
    pub seated: Vec<SlotId>,
    /// Its slots with places that are all alike.
    pub standing: Vec<SlotId>,
    /// A third resource, whose slots start soon.
    pub tower: u64,
    /// Its slots; the first has many places.
    pub days: Vec<SlotId>,
}

/// Seats of each slot that has any.
pub(super) const SEATS: u64 = 8;

impl Park {
    /// Whether the history is about a slot.
    pub(crate) fn records(&self, slot: SlotId) -> bool {
        self.recorded.contains(&slot)
    }

    pub(crate) fn any_slot(&self, chance: &mut Chance) -> SlotId {
        match chance.percent(65) {
            true => *chance.pick(&self.recorded),
            false => self.any_changing_slot(chance),
        }
    }

    pub(crate) fn any_changing_slot(&self, chance: &mut Chance) -> SlotId {
        *chance.pick(&self.changing)
    }

    /// One of the slots in which places are held.
    pub(crate) fn any_held_slot(&self, chance: &mut Chance) -> SlotId {
        match chance.percent(60) {
            true => *chance.pick(&self.seated),
            false => *chance.pick(&self.standing),
        }
    }

    /// Whether a slot sells seats.
    pub(crate) fn has_seats(&self, slot: SlotId) -> bool {
        self.seated.contains(&slot)
    }

    /// The slot of the tower that has many places.
    pub(crate) fn crowded(&self) -> SlotId {
        self.days[0]
    }

    /// Whether a slot starts soon, and its parties come with codes.
    pub(crate) fn has_day(&self, slot: SlotId) -> bool {
        self.days.contains(&slot)
    }

    /// Whether places are held in a slot.
    pub(crate) fn is_held(&self, slot: SlotId) -> bool {
        self.has_seats(slot) || self.standing.contains(&slot)
    }

    /// A slot with seats that ends so many seconds after the simulation began.
    pub(crate) fn new_seated_slot(&self, ends_seconds: u64) -> Value {
        let mut slot = self.new_slot(ends_seconds, 1);
        slot["pools"] = json!([{"name": "seats", "seatCount": SEATS, "holdSeconds": 3}]);
        slot
    }

    /// So many seconds after the simulation began.
    pub(crate) fn moment(&self, seconds: u64) -> Value {
        let millis = EPOCH_MS + seconds * 1000;
        // Whole days and hours since 1970 are all that a date needs here.
        let (days, rest) = (millis / 86_400_000, millis % 86_400_000);
        let (year, month, day) = date_of(days);
        let (hours, minutes, seconds) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
        json!(format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z"))
    }

    /// A slot that starts so many seconds after the simulation began, and lasts so many.
    pub(crate) fn new_day(&self, starts_seconds: u64, seconds: u64, capacity: u64) -> Value {
        let mut slot = self.new_slot(starts_seconds + seconds, capacity);
        slot["startTime"] = self.moment(starts_seconds);
        slot
    }

    /// A slot that ends so many seconds after the simulation began.
    pub(crate) fn new_slot(&self, ends_seconds: u64, capacity: u64) -> Value {
        json!({
            "startTime": self.moment(0),
            "endTime": self.moment(ends_seconds),
            "pools": [{"name": "seats", "capacity": capacity}],
        })
    }
}

/// The date so many days after 1 January 1970 (Howard Hinnant's `civil_from_days`, for days after it).
fn date_of(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}
