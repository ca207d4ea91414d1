//! What a watcher wants to see, and what he may.

use std::collections::BTreeSet;

use holdfast_reservations::{Event, KindPattern, ResourceId, Role, SlotEvent, SlotId, UserId};

use super::happening::{Details, slot_of};
use super::{AVAILABILITY, FILTER_VALUES_MAX};
use crate::problem::{Problem, Result};
use crate::service::Caller;

/// What a watcher wants to see: of each filter one of its values, if it has any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(super) slots: BTreeSet<SlotId>,
    pub(super) resources: BTreeSet<ResourceId>,
    users: BTreeSet<UserId>,
    /// Names of events, or the beginnings of some: `booking.*`, `*`.
    kinds: BTreeSet<String>,
}

impl Filter {
    /// A filter with these values.
    ///
    /// # Errors
    ///
    /// If there is no such kind, or there are too many values.
    pub(crate) fn new(
        slots: impl IntoIterator<Item = u64>,
        resources: impl IntoIterator<Item = u64>,
        users: impl IntoIterator<Item = u64>,
        kinds: impl IntoIterator<Item = String>,
    ) -> Result<Self> {
        let filter = Self {
            slots: slots.into_iter().map(SlotId).collect(),
            resources: resources.into_iter().map(ResourceId).collect(),
            users: users.into_iter().map(UserId).collect(),
            kinds: kinds.into_iter().collect(),
        };
        let most = [filter.slots.len(), filter.resources.len(), filter.users.len(), filter.kinds.len()];
        if most.into_iter().any(|values| values > FILTER_VALUES_MAX) {
            return Err(Problem::senseless(format!("a filter has at most {FILTER_VALUES_MAX} values")));
        }
        match filter.kinds.iter().find(|kind| !is_kind(kind)) {
            None => Ok(filter),
            Some(kind) => {
                let known: Vec<&str> = names().collect();
                let detail = format!(
                    "no event is of the kind {kind}; kinds are {}, or booking.*, slot.*, resource.*, venue.*, *",
                    known.join(", ")
                );
                Err(Problem::senseless(detail))
            }
        }
    }

    /// Whether a kind is wanted.
    pub(super) fn wants_kind(&self, name: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|kind| is_of(name, kind))
    }

    /// Whether an event is wanted, as far as it says itself.
    pub(super) fn may_want(&self, event: &Event) -> bool {
        let of_user = match event {
            Event::Booking { user, .. } => self.users.is_empty() || self.users.contains(user),
            Event::Slot { .. }
            | Event::ResourceCreated(_)
            | Event::ResourceChanged(_)
            | Event::ResourceWithdrawn(_)
            | Event::VenueCreated(_) => self.users.is_empty(),
        };
        let of_slot = self.slots.is_empty() || slot_of(event).is_some_and(|slot| self.slots.contains(&slot));
        of_user && of_slot && self.wants_kind(event.name())
    }

    /// Whether the resource of an event is wanted.
    pub(super) fn wants_resource(&self, resource: Option<ResourceId>) -> bool {
        self.resources.is_empty() || resource.is_some_and(|resource| self.resources.contains(&resource))
    }

    /// Whether what is left of slots is to be told: of these slots, or those of these resources.
    pub(super) fn wants_availability(&self) -> bool {
        let names_some = !self.slots.is_empty() || !self.resources.is_empty();
        names_some && self.wants_kind(AVAILABILITY)
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    Event::NAMES.into_iter().chain([AVAILABILITY])
}

/// Whether a kind can be asked for: it is one of those there are, or a webhook takes it.
fn is_kind(kind: &str) -> bool {
    names().any(|name| is_of(name, kind)) || KindPattern::parse(kind).is_some()
}

fn is_of(name: &str, kind: &str) -> bool {
    if kind == "*" {
        return true;
    }
    match kind.strip_suffix(".*") {
        None => name == kind,
        Some(family) => name.split_once('.').is_some_and(|(first, _)| first == family),
    }
}

/// Whether a caller may see an event: what is on offer everybody, a booking whoever manages it.
pub(super) fn may_see(caller: Caller, event: &Event, details: &Details) -> bool {
    match event {
        Event::Booking { user, .. } => {
            let is_managed = |role| {
                let booking = details.booking.as_ref();
                booking.is_some_and(|booking| booking.is_managed_by(caller.user, role))
            };
            match caller.role {
                Role::Staff | Role::Operator => true,
                Role::Guest | Role::App => *user == caller.user || is_managed(caller.role),
            }
        }
        // It asks for a decision of whoever runs the place.
        Event::Slot { kind: SlotEvent::NoShowsStopped, .. } => caller.role.checks_in(),
        Event::Slot { .. }
        | Event::ResourceCreated(_)
        | Event::ResourceChanged(_)
        | Event::ResourceWithdrawn(_)
        | Event::VenueCreated(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use holdfast_reservations::{BookingEvent, BookingId};

    use super::*;

    fn held(slot: u64, user: u64) -> Event {
        let (booking, slot, user) = (BookingId(9), SlotId(slot), UserId(user));
        Event::Booking { kind: BookingEvent::Held, booking, slot, user }
    }

    fn filter(slots: &[u64], users: &[u64], kinds: &[&str]) -> Result<Filter> {
        let kinds = kinds.iter().map(|kind| (*kind).to_owned());
        Filter::new(slots.iter().copied(), [], users.iter().copied(), kinds)
    }

    #[test]
    fn filters_are_all_to_be_met_each_by_one_of_its_values() {
        let of_slots = filter(&[1, 2], &[], &["booking.*"]).unwrap();
        assert!(of_slots.may_want(&held(1, 7)) && of_slots.may_want(&held(2, 8)));
        assert!(!of_slots.may_want(&held(3, 7)));
        let of_user = filter(&[1], &[7], &[]).unwrap();
        assert!(of_user.may_want(&held(1, 7)) && !of_user.may_want(&held(1, 8)));
        let opened = Event::Slot { kind: SlotEvent::Opened, slot: SlotId(1), resource: ResourceId(1) };
        assert!(!of_user.may_want(&opened), "no slot is of a user");
        assert!(filter(&[1], &[], &["slot.opened"]).unwrap().may_want(&opened));
        assert!(!of_slots.may_want(&opened));
    }

    #[test]
    fn a_kind_that_is_none_is_refused() {
        for kind in ["booking.hold", "booking", "**", "booking*", "booking.held.*", ""] {
            assert_eq!(filter(&[], &[], &[kind]).map_err(|problem| problem.status), Err(422), "{kind}");
        }
        let all = filter(&[1], &[], &["*"]).unwrap();
        assert!(all.may_want(&held(1, 7)) && all.wants_availability());
        for kind in Event::NAMES.into_iter().chain([AVAILABILITY, "booking.displaced", "venue.*"]) {
            assert!(filter(&[], &[], &[kind]).is_ok(), "{kind}");
        }
        let many: Vec<u64> = (0..=FILTER_VALUES_MAX as u64).collect();
        assert_eq!(filter(&many, &[], &[]).map_err(|problem| problem.status), Err(422));
    }

    #[test]
    fn what_is_left_is_told_of_slots_that_are_named_if_it_is_wanted() {
        let wants = |slots: &[u64], kinds: &[&str]| filter(slots, &[], kinds).unwrap().wants_availability();
        assert!(wants(&[1], &[]) && wants(&[1], &["slot.*"]) && wants(&[1], &[AVAILABILITY]));
        assert!(!wants(&[], &[]) && !wants(&[1], &["booking.*"]));
    }
}
