//! Places in the model: what is free is what no live booking has, and the best seats are judged, not chosen.

use holdfast_reservations::*;

use crate::answers::Refused;
use crate::model::{Model, has_places};
use crate::stage::{SEATS, SLOTS, Sells, Wheel};

/// Places that are there, or seats that the rules are to choose.
pub enum Wanted {
    Count(u32),
    Seats(Vec<u32>),
    Best { count: u32, wheel: Wheel },
}

impl Wanted {
    pub fn count(&self) -> u32 {
        match self {
            Self::Count(count) | Self::Best { count, .. } => *count,
            Self::Seats(seats) => seats.len() as u32,
        }
    }
}

/// What a pool sells, if there is one.
pub fn sells(pool: u64) -> Option<Sells> {
    let mut pools = SLOTS.iter().flat_map(|(.., pools)| pools.iter().copied());
    pools.nth((pool as usize).checked_sub(1)?)
}

/// How many seats a pool sells.
pub fn seats_of(pool: u64) -> u32 {
    match sells(pool) {
        Some(Sells::Seats(count)) => count,
        Some(Sells::Counter(_)) | None => 0,
    }
}

pub fn seat_labelled(label: &str) -> Option<u32> {
    SEATS.iter().position(|(known, _)| *known == label).map(|number| number as u32)
}

impl Model {
    /// Places of a pool that nobody has; booking `but` gives its own for them.
    pub fn free(&self, pool: u64, but: Option<u64>) -> u32 {
        let (Sells::Counter(capacity) | Sells::Seats(capacity)) = sells(pool).unwrap();
        let others = (1..=self.bookings.len() as u64).filter(|id| Some(*id) != but).map(|id| self.see(id));
        let taken = others.filter(|other| other.pool == pool && has_places(other)).map(|other| other.count);
        capacity - taken.sum::<u32>()
    }

    /// Notes which pools have nothing left, and since when.
    pub fn look_at_pools(&mut self) {
        for pool in (1..).take_while(|pool| sells(*pool).is_some()) {
            if self.free(pool, None) == 0 {
                self.sold_out_at.entry(pool).or_insert(self.now);
            } else {
                self.sold_out_at.remove(&pool);
            }
        }
    }

    /// Whether nobody has a seat, but for one booking.
    pub fn is_free(&self, pool: u64, seat: u32, but: Option<u64>) -> bool {
        let mut others =
            (1..=self.bookings.len() as u64).filter(|id| Some(*id) != but).map(|id| self.see(id));
        !others.any(|other| other.pool == pool && has_places(&other) && other.seats.contains(&seat))
    }

    /// The places somebody wants of a pool, or why he cannot have them.
    pub fn places(&self, pool: u64, wanted: &Places, but: Option<u64>) -> Result<Wanted, Refused> {
        let has_seats = seats_of(pool) > 0;
        match wanted {
            Places::Seats(_) | Places::Best { is_accessible: true, .. } if !has_seats => Err("no_seats"),
            Places::Seats(names) => self.named(pool, names, but),
            Places::Count(count) | Places::Best { count, .. } if self.free(pool, but) < *count => {
                Err("slot_full")
            }
            Places::Count(count) | Places::Best { count, .. } if !has_seats => Ok(Wanted::Count(*count)),
            Places::Count(count) | Places::Best { count, is_accessible: false } => {
                self.best(pool, *count, Wheel::No, but)
            }
            Places::Best { count, is_accessible: true } => self.best(pool, *count, Wheel::Yes, but),
        }
    }

    fn named(&self, pool: u64, names: &[SeatName], but: Option<u64>) -> Result<Wanted, Refused> {
        let number = |name: &SeatName| match name {
            SeatName::Number(number) => Some(*number),
            SeatName::Label(label) => seat_labelled(label),
        };
        let seats = names.iter().map(|name| number(name).filter(|seat| *seat < seats_of(pool)));
        let seats: Option<Vec<u32>> = seats.collect();
        let mut seats = seats.ok_or("seat_not_found")?;
        seats.sort_unstable();
        seats.dedup();
        let are_free = seats.iter().all(|seat| self.is_free(pool, *seat, but));
        if are_free { Ok(Wanted::Seats(seats)) } else { Err("seat_taken") }
    }

    fn best(&self, pool: u64, count: u32, wheel: Wheel, but: Option<u64>) -> Result<Wanted, Refused> {
        let free = self.seats_for(pool, wheel, but);
        let suits = wheel == Wheel::No || free.iter().any(|seat| has_wheel(*seat));
        let is_there = suits && free.len() >= count as usize;
        if is_there { Ok(Wanted::Best { count, wheel }) } else { Err("no_such_seats_left") }
    }

    /// Free seats that somebody may be given: one with room for a wheelchair only if he asks.
    fn seats_for(&self, pool: u64, wheel: Wheel, but: Option<u64>) -> Vec<u32> {
        let seats = (0..seats_of(pool)).filter(|seat| wheel == Wheel::Yes || !has_wheel(*seat));
        seats.filter(|seat| self.is_free(pool, *seat, but)).collect()
    }

    /// The places that a version of a booking has: those the rules chose, once they are judged.
    pub fn decide(&mut self, id: u64, version: u32, pool: u64, wanted: Wanted) -> (u32, Vec<u32>) {
        match wanted {
            Wanted::Count(count) => (count, Vec::new()),
            Wanted::Seats(seats) => (seats.len() as u32, seats),
            Wanted::Best { count, wheel } => {
                let chosen = self.chosen.get(&(id, version)).cloned().unwrap_or_default();
                let free = self.seats_for(pool, wheel, Some(id));
                if let Err(complaint) = judge(&chosen, &free, count, wheel) {
                    let labels =
                        |seats: &[u32]| seats.iter().map(|seat| SEATS[*seat as usize].0).collect::<Vec<_>>();
                    let (chosen, free) = (labels(&chosen), labels(&free));
                    self.complaints.push(format!("booking:{id} has {chosen:?} of {free:?}: {complaint}"));
                }
                (count, chosen)
            }
        }
    }
}

/// Whether seats are the best there are.
fn judge(chosen: &[u32], free: &[u32], count: u32, wheel: Wheel) -> Result<(), &'static str> {
    let suits = |seats: &[u32]| {
        let are_free = seats.iter().all(|seat| free.contains(seat));
        let are_right = wheel == Wheel::No || seats.iter().any(|seat| has_wheel(*seat));
        seats.len() == count as usize && seats.is_sorted_by(|one, next| one < next) && are_free && are_right
    };
    if !suits(chosen) {
        return Err("not what was asked for");
    }
    let runs = (0..SEATS.len() as u32).map(|first| (first..first + count).collect::<Vec<u32>>());
    let beside: Vec<Vec<u32>> =
        runs.filter(|run| suits(run) && run.windows(2).all(|two| are_beside(two[0], two[1]))).collect();
    if !beside.is_empty() && !beside.iter().any(|run| run == chosen) {
        return Err("not beside each other, and some are");
    }
    if leaves_single(chosen, free) && beside.iter().any(|run| !leaves_single(run, free)) {
        return Err("a single seat is left, and need not be");
    }
    Ok(())
}

/// Whether a seat is left alone that was not alone before.
fn leaves_single(chosen: &[u32], free: &[u32]) -> bool {
    let is_alone = |seat: u32, among: &[u32]| !among.iter().any(|other| are_beside(seat, *other));
    let left: Vec<u32> = free.iter().copied().filter(|seat| !chosen.contains(seat)).collect();
    left.iter().any(|seat| is_alone(*seat, &left) && !is_alone(*seat, free))
}

fn are_beside(one: u32, other: u32) -> bool {
    let row = |seat: u32| SEATS[seat as usize].0.chars().next();
    one.abs_diff(other) == 1 && row(one) == row(other)
}

fn has_wheel(seat: u32) -> bool {
    SEATS.get(seat as usize).is_some_and(|(_, wheel)| *wheel == Wheel::Yes)
}
