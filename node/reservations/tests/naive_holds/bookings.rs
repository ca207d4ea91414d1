//! Bookings in the model: how they are made, changed, given back and used.

use holdfast_reservations::*;

use crate::answers::Refused;
use crate::model::{Model, ModelBooking, ModelSlot, ModelState, expect_held, expect_live};
use crate::places::{Wanted, seat_labelled, seats_of};
use crate::stage::{OPERATOR, STAFF, USERS};

impl Model {
    /// Books or holds places, under the id that a job has promised or a new one.
    pub fn reserve(&mut self, who: u64, wanted: &Reserve, promised: Option<u64>) -> Result<u64, Refused> {
        let user = owner(who, wanted.user)?;
        let (slot, pool) = self.slot_and_pool(wanted)?;
        self.bookable(slot.id)?;
        let places = self.places(pool, &wanted.places, None)?;
        if places.count() == 0 {
            return Err("nothing_asked");
        }
        self.expect_within(user, &slot, pool, places.count(), None)?;
        if let Some(HoldTerms { dialect: Dialect::S2, .. }) = wanted.hold {
            let held = self.places_of(user, slot.resource, |_, booking| booking.state == "held");
            if held + u64::from(places.count()) > 6 {
                return Err("limit_reached");
            }
        }

        let state = match wanted.hold {
            None => ModelState::Confirmed,
            Some(HoldTerms { duration, dialect }) => {
                let duration =
                    duration.map_or_else(|| self.hold_duration(&slot, pool, dialect), |given| given.0);
                ModelState::Held { until: self.now + duration }
            }
        };
        let id = promised.unwrap_or(self.bookings.len() as u64 + 1);
        let version = promised.map_or(1, |id| self.see(id).version + 1);
        let (count, seats) = self.decide(id, version, pool, places);
        let (slot, booked_by, payment) = (slot.id, who, None);
        let booking = ModelBooking { slot, pool, user, booked_by, count, seats, state, version, payment };
        match promised {
            None => self.bookings.push(booking),
            Some(id) => self.bookings[id as usize - 1] = booking,
        }
        Ok(id)
    }

    /// The slot somebody names, and the pool: its first if he names none.
    pub fn slot_and_pool(&self, wanted: &Reserve) -> Result<(ModelSlot, u64), Refused> {
        let (slot, pool) = match wanted.slot {
            SlotName::Id(id) => (self.slot(id.0)?, wanted.pool),
            SlotName::Window(resource, window) => (self.slot_at(resource.0, window)?, wanted.pool),
            SlotName::OfPool(pool) if seats_of(pool.0) == 0 => return Err("pool_not_found"),
            SlotName::OfPool(pool) => {
                let slot = self.slots().find(|slot| slot.pools.contains(&pool.0));
                (slot.unwrap(), Some(pool))
            }
        };
        let pool = pool_of(&slot, pool)?;
        Ok((slot, pool))
    }

    fn slot_at(&self, resource: u64, window: Window) -> Result<ModelSlot, Refused> {
        let is_meant = |slot: &ModelSlot| {
            let moments = (window.starts_at().0, window.ends_at().0);
            slot.resource == resource && (slot.starts_at, slot.ends_at) == moments
        };
        self.slots().find(is_meant).ok_or("slot_not_found")
    }

    pub fn modify(&mut self, who: u64, wanted: &Modify) -> Result<u64, Refused> {
        let id = wanted.booking.0;
        let old = self.find_live(who, wanted.booking, wanted.expected_version)?;
        let (slot, pool) = self.target(&old, wanted.slot, wanted.pool)?;
        let count = wanted.count.unwrap_or(old.count);
        self.expect_no_turns(who, &old, &slot, count)?;
        if (slot.id, pool, count) == (old.slot, old.pool, old.count) {
            return Ok(id);
        }
        let is_part = pool == old.pool && count < old.count && !old.seats.is_empty();
        let places = if is_part {
            Places::Seats(old.seats[..count as usize].iter().map(|seat| SeatName::Number(*seat)).collect())
        } else {
            Places::Count(count)
        };
        // Where both could refuse: the limit comes first if places are only counted.
        let is_counted = old.state == ModelState::Confirmed && seats_of(old.pool) == 0 && seats_of(pool) == 0;
        let within = self.expect_no_more(id, &slot, pool, count);
        if is_counted {
            within?;
        }
        let places = self.places(pool, &places, Some(id))?;
        within?;
        self.move_to(id, slot.id, pool, places)
    }

    pub fn exchange(&mut self, who: u64, wanted: &Exchange) -> Result<u64, Refused> {
        let id = wanted.booking.0;
        let old = self.find_live(who, wanted.booking, wanted.expected_version)?;
        let (slot, pool) = self.target(&old, wanted.slot, wanted.pool)?;
        self.expect_no_turns(who, &old, &slot, wanted.seats.len() as u32)?;
        let places = self.places(pool, &Places::Seats(wanted.seats.clone()), Some(id))?;
        self.expect_no_more(id, &slot, pool, places.count())?;
        match &places {
            Wanted::Seats(seats) if (slot.id, pool) == (old.slot, old.pool) && *seats == old.seats => Ok(id),
            _ => self.move_to(id, slot.id, pool, places),
        }
    }

    /// A booking that has places, in a slot that has not ended.
    fn find_live(&self, who: u64, id: BookingId, version: Option<u32>) -> Result<ModelBooking, Refused> {
        let booking = self.find(who, id, version)?;
        expect_live(&self.see(id.0))?;
        self.bookable(booking.slot)?;
        Ok(booking)
    }

    /// Where a booking is to move.
    fn target(
        &self,
        old: &ModelBooking,
        slot: Option<SlotChoice>,
        pool: Option<PoolId>,
    ) -> Result<(ModelSlot, u64), Refused> {
        let slot = match slot {
            None => self.slot(old.slot)?,
            Some(SlotChoice::Id(id)) => self.slot(id.0)?,
            Some(SlotChoice::Window(window)) => self.slot_at(self.slot(old.slot)?.resource, window)?,
        };
        let own = (slot.id == old.slot).then_some(PoolId(old.pool));
        let pool = pool_of(&slot, pool.or(own))?;
        Ok((self.bookable(slot.id)?, pool))
    }

    /// Refuses those who would pass by others who wait.
    fn expect_no_turns(
        &self,
        who: u64,
        old: &ModelBooking,
        slot: &ModelSlot,
        count: u32,
    ) -> Result<(), Refused> {
        let has_turns = self.policy_of_resource(slot.resource, PolicyField::AdmissionRate).is_some();
        let has_more = slot.resource != self.slot(old.slot)?.resource || count > old.count;
        if has_turns && has_more && !is_staff(who) { Err("waiting_room") } else { Ok(()) }
    }

    /// Refuses a booking that is to have more places of its resource than before, and more than its user may have.
    fn expect_no_more(&self, id: u64, slot: &ModelSlot, pool: u64, count: u32) -> Result<(), Refused> {
        let old = self.booking(id);
        let old_slot = self.slot(old.slot)?;
        let limit = |slot: &ModelSlot, pool| self.policy(slot, pool, PolicyField::MaxPerUser);
        let is_stricter = match (limit(&old_slot, old.pool), limit(slot, pool)) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(old), Some(new)) => new < old,
        };
        if slot.resource != old_slot.resource || count > old.count || is_stricter {
            self.expect_within(old.user, slot, pool, count, Some(id))
        } else {
            Ok(())
        }
    }

    fn move_to(&mut self, id: u64, slot: u64, pool: u64, places: Wanted) -> Result<u64, Refused> {
        let (count, seats) = self.decide(id, self.see(id).version + 1, pool, places);
        self.change(id, |booking| {
            (booking.slot, booking.pool, booking.count, booking.seats) = (slot, pool, count, seats);
        })
    }

    pub fn cancel(&mut self, who: u64, wanted: &Cancel) -> Result<u64, Refused> {
        self.find_live(who, wanted.booking, wanted.expected_version)?;
        self.change(wanted.booking.0, |booking| booking.state = ModelState::Cancelled)
    }

    pub fn check_in(&mut self, who: u64, wanted: &CheckIn) -> Result<u64, Refused> {
        if ![OPERATOR, STAFF].contains(&who) {
            return Err("forbidden");
        }
        let booking = self.find(who, wanted.booking, wanted.expected_version)?;
        let seen = self.see(wanted.booking.0);
        expect_live(&seen)?;
        if seen.state == "held" {
            return Err("not_confirmed");
        }
        if self.now < self.slot(booking.slot)?.starts_at {
            return Err("too_early");
        }
        self.bookable(booking.slot)?;
        self.change(wanted.booking.0, |booking| booking.state = ModelState::Used)
    }

    pub fn extend(&mut self, who: u64, wanted: &Extend) -> Result<u64, Refused> {
        let booking = self.find(who, wanted.booking, wanted.expected_version)?;
        expect_held(&self.see(wanted.booking.0))?;
        let slot = self.bookable(booking.slot)?;
        let duration = wanted.duration.map(|given| given.0);
        let duration = duration.unwrap_or_else(|| self.hold_duration(&slot, booking.pool, wanted.dialect));
        let until = self.now + duration;
        self.change(wanted.booking.0, |booking| booking.state = ModelState::Held { until })
    }

    pub fn void(&mut self, who: u64, wanted: &Void) -> Result<u64, Refused> {
        self.find(who, wanted.booking, wanted.expected_version)?;
        expect_held(&self.see(wanted.booking.0))?;
        self.change(wanted.booking.0, |booking| booking.state = ModelState::Cancelled)
    }
}

/// Whose a booking will be.
pub fn owner(who: u64, named: Option<UserId>) -> Result<u64, Refused> {
    match named {
        None => Ok(who),
        Some(user) if user.0 == who => Ok(who),
        Some(_) if !books_for_others(who) => Err("forbidden"),
        Some(user) if (1..=USERS).contains(&user.0) => Ok(user.0),
        Some(_) => Err("user_not_found"),
    }
}

fn is_staff(who: u64) -> bool {
    [OPERATOR, STAFF].contains(&who)
}

pub fn books_for_others(who: u64) -> bool {
    [OPERATOR, STAFF, crate::stage::APP].contains(&who)
}

fn pool_of(slot: &ModelSlot, named: Option<PoolId>) -> Result<u64, Refused> {
    match named {
        None => Ok(slot.pools[0]),
        Some(pool) if slot.pools.contains(&pool.0) => Ok(pool.0),
        Some(_) => Err("pool_not_found"),
    }
}

/// The places of a booking that stay when a part is confirmed.
pub fn kept(booking: &ModelBooking, part: Option<&Part>) -> Result<(u32, Vec<u32>), Refused> {
    match part {
        None => Ok((booking.count, booking.seats.clone())),
        Some(Part::Count(count)) if *count > booking.count => Err("not_so_many"),
        Some(Part::Count(count)) => {
            Ok((*count, booking.seats.iter().copied().take(*count as usize).collect()))
        }
        Some(Part::Seats(labels)) => {
            let number = |label: &String| seat_labelled(label).filter(|seat| booking.seats.contains(seat));
            let seats: Option<Vec<u32>> = labels.iter().map(number).collect();
            let mut seats = seats.ok_or("seat_not_found")?;
            seats.sort_unstable();
            seats.dedup();
            Ok((seats.len() as u32, seats))
        }
    }
}
