//! The model: plain lists, every count taken anew, and a hold judged by the moment somebody asks.

use std::collections::BTreeMap;

use holdfast_reservations::*;

use crate::answers::{Answer, Refused, Seen, SeenPayment};
use crate::jobs::{Job, Queue};
use crate::stage::{APP, INTERNAL, OPERATOR, SLOTS, STAFF};

/// All that the model knows. Slots and pools never change; ids are positions, from 1.
#[derive(Default)]
pub struct Model {
    pub now: u64,
    pub bookings: Vec<ModelBooking>,
    /// `None` for one that is forgotten.
    pub jobs: Vec<Option<Job>>,
    pub queues: BTreeMap<u64, Queue>,
    pub policies: BTreeMap<(Scope, PolicyField), u64>,
    /// Pools that have nothing left, and since when.
    pub sold_out_at: BTreeMap<u64, u64>,
    /// Which seats the rules chose for a version of a booking, for the model to judge.
    pub chosen: BTreeMap<(u64, u32), Vec<u32>>,
    /// What was wrong with them.
    pub complaints: Vec<String>,
}

pub struct ModelSlot {
    pub id: u64,
    pub resource: u64,
    pub starts_at: u64,
    pub ends_at: u64,
    pub pools: Vec<u64>,
}

#[derive(Clone, Debug)]
pub struct ModelBooking {
    pub slot: u64,
    pub pool: u64,
    pub user: u64,
    pub booked_by: u64,
    pub count: u32,
    pub seats: Vec<u32>,
    pub state: ModelState,
    /// Without the change that its deadline brings.
    pub version: u32,
    pub payment: Option<SeenPayment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelState {
    Queued,
    Rejected,
    Held { until: u64 },
    Confirmed,
    Used,
    Cancelled,
}

impl Model {
    /// Lets time pass: a deadline may free what was sold out.
    pub fn pass_until(&mut self, now: u64) {
        self.now = now;
        self.look_at_pools();
    }

    /// What a command comes to.
    pub fn step(&mut self, who: u64, command: &Command) -> Answer {
        let answer = self.act(who, command);
        self.look_at_pools();
        answer
    }

    fn act(&mut self, who: u64, command: &Command) -> Answer {
        let answer = match command {
            Command::Tick(_) if who == INTERNAL => {
                self.tick();
                return Answer::Done;
            }
            Command::SettlePayment(settle) if who == INTERNAL => self.settle_payment(settle),
            Command::Tick(_) | Command::SettlePayment(_) => Err("forbidden"),
            _ if who == INTERNAL => Err("unauthenticated"),
            Command::SetPolicy(set) => match self.set_policy(who, set) {
                Ok(()) => return Answer::Done,
                Err(refused) => Err(refused),
            },
            Command::Enqueue(enqueue) => match self.enqueue(who, enqueue) {
                Ok(job) => return Answer::Job(job, self.see_job(job).unwrap()),
                Err(refused) => Err(refused),
            },
            Command::Book(Book { slot, pool, count, user }) => {
                let (slot, pool, user, places) = (*slot, *pool, *user, Places::Count(*count));
                self.reserve(who, &Reserve { slot, pool, places, hold: None, user }, None)
            }
            Command::Reserve(reserve) => self.reserve(who, reserve, None),
            Command::Modify(modify) => self.modify(who, modify),
            Command::Exchange(exchange) => self.exchange(who, exchange),
            Command::Cancel(cancel) => self.cancel(who, cancel),
            Command::CheckIn(check_in) => self.check_in(who, check_in),
            Command::Extend(extend) => self.extend(who, extend),
            Command::Confirm(confirm) => self.confirm(who, confirm),
            Command::Void(void) => self.void(who, void),
            Command::StartPayment(start) => self.start_payment(who, start),
            other => panic!("the model does not know {other:?}"),
        };
        self.answer(answer)
    }

    pub fn answer(&self, result: Result<u64, Refused>) -> Answer {
        match result {
            Ok(id) => Answer::Booking(id, self.see(id)),
            Err(refused) => Answer::Refused(refused),
        }
    }

    /// A booking as everybody sees it.
    pub fn see(&self, id: u64) -> Seen {
        let ModelBooking { slot, pool, user, booked_by, count, seats, state, version, payment } =
            self.booking(id).clone();
        let (state, until) = match state {
            ModelState::Queued => ("queued", None),
            ModelState::Rejected => ("rejected", None),
            ModelState::Held { until } if until <= self.now => ("expired", None),
            ModelState::Held { until } => ("held", Some(until)),
            ModelState::Confirmed => ("confirmed", None),
            ModelState::Used => ("used", None),
            ModelState::Cancelled => ("cancelled", None),
        };
        let version = version + u32::from(state == "expired");
        Seen { slot, pool, user, booked_by, count, seats, state, until, version, payment }
    }

    pub fn booking(&self, id: u64) -> &ModelBooking {
        &self.bookings[id as usize - 1]
    }

    /// The booking of an id, if the caller may know of it and it is the version he saw. Whether he is late is another
    /// question.
    pub fn find(&self, who: u64, id: BookingId, version: Option<u32>) -> Result<ModelBooking, Refused> {
        let is_managed_by = |booking: &&ModelBooking| {
            let made_by_app = who == APP && booking.booked_by == APP;
            booking.user == who || made_by_app || [OPERATOR, STAFF].contains(&who)
        };
        let booking = self.bookings.get((id.0 as usize).wrapping_sub(1)).filter(is_managed_by);
        let booking = booking.ok_or("booking_not_found")?.clone();
        let seen = self.see(id.0);
        match version {
            Some(version) if seen.state != "expired" && version != seen.version => Err("version_mismatch"),
            _ => Ok(booking),
        }
    }

    /// Changes a booking, which is its next version.
    pub fn change(&mut self, id: u64, change: impl FnOnce(&mut ModelBooking)) -> Result<u64, Refused> {
        let next = self.see(id).version + 1;
        change(&mut self.bookings[id as usize - 1]);
        let surplus = self.see(id).version - self.booking(id).version;
        self.bookings[id as usize - 1].version = next - surplus;
        Ok(id)
    }

    pub fn slot(&self, id: u64) -> Result<ModelSlot, Refused> {
        let (resource, starts_at, ends_at, pools) =
            SLOTS.get((id as usize).wrapping_sub(1)).copied().ok_or("slot_not_found")?;
        let before: usize = SLOTS[..id as usize - 1].iter().map(|(.., pools)| pools.len()).sum();
        let pools = (before + 1..=before + pools.len()).map(|pool| pool as u64).collect();
        Ok(ModelSlot { id, resource, starts_at, ends_at, pools })
    }

    pub fn slots(&self) -> impl Iterator<Item = ModelSlot> {
        (1..=SLOTS.len() as u64).filter_map(|id| self.slot(id).ok())
    }

    /// The slot, unless it has ended.
    pub fn bookable(&self, id: u64) -> Result<ModelSlot, Refused> {
        let slot = self.slot(id)?;
        if slot.ends_at <= self.now { Err("too_late") } else { Ok(slot) }
    }

    /// What the nearest policy says for a pool of a slot.
    pub fn policy(&self, slot: &ModelSlot, pool: u64, field: PolicyField) -> Option<u64> {
        let near = [Scope::Pool(PoolId(pool)), Scope::Slot(SlotId(slot.id))].into_iter();
        let policy = near.filter_map(|scope| self.policies.get(&(scope, field)).copied()).next();
        policy.or_else(|| self.policy_of_resource(slot.resource, field))
    }

    pub fn policy_of_resource(&self, resource: u64, field: PolicyField) -> Option<u64> {
        let scopes =
            [Scope::Resource(ResourceId(resource)), Scope::Venue(VenueId(1)), Scope::Cluster].into_iter();
        scopes.filter_map(|scope| self.policies.get(&(scope, field)).copied()).next()
    }

    fn set_policy(&mut self, who: u64, set: &SetPolicy) -> Result<(), Refused> {
        if who != OPERATOR {
            return Err("forbidden");
        }
        for (field, value) in &set.fields {
            match value {
                Some(value) => self.policies.insert((set.scope, *field), *value),
                None => self.policies.remove(&(set.scope, *field)),
            };
        }
        Ok(())
    }

    /// How long a hold of a pool lasts where the caller does not say.
    pub fn hold_duration(&self, slot: &ModelSlot, pool: u64, dialect: Dialect) -> u64 {
        let otherwise = if dialect == Dialect::S2 { 60_000 } else { 600_000 };
        self.policy(slot, pool, PolicyField::HoldDuration).unwrap_or(otherwise)
    }

    /// Refuses a user who would have more places of the slot's resource than he may. What he has of booking `but` is
    /// what he gives for it.
    pub fn expect_within(
        &self,
        user: u64,
        slot: &ModelSlot,
        pool: u64,
        more: u32,
        but: Option<u64>,
    ) -> Result<(), Refused> {
        let Some(limit) = self.policy(slot, pool, PolicyField::MaxPerUser) else { return Ok(()) };
        let has = self.places_of(user, slot.resource, |id, _| Some(id) != but);
        if has + u64::from(more) <= limit { Ok(()) } else { Err("limit_reached") }
    }

    /// Places a user has of a resource in bookings of a kind.
    pub fn places_of(&self, user: u64, resource: u64, of: impl Fn(u64, &Seen) -> bool) -> u64 {
        let bookings = (1..=self.bookings.len() as u64).map(|id| (id, self.see(id)));
        let counted = bookings.filter(|(id, booking)| {
            let is_his = booking.user == user && self.slot(booking.slot).unwrap().resource == resource;
            is_his && has_places(booking) && of(*id, booking)
        });
        counted.map(|(_, booking)| u64::from(booking.count)).sum()
    }
}

/// Whether a booking has places at the moment it was seen.
pub fn has_places(booking: &Seen) -> bool {
    ["held", "confirmed", "used"].contains(&booking.state)
}

/// Refuses what is no hold, or not any longer.
pub fn expect_held(booking: &Seen) -> Result<(), Refused> {
    match booking.state {
        "held" => Ok(()),
        "expired" => Err("hold_expired"),
        "cancelled" => Err("already_cancelled"),
        "used" => Err("already_used"),
        _ => Err("not_held"),
    }
}

/// Refuses what has no places to change or to give back.
pub fn expect_live(booking: &Seen) -> Result<(), Refused> {
    match booking.state {
        "confirmed" => Ok(()),
        _ => expect_held(booking),
    }
}
