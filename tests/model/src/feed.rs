//! The feed: what somebody who watched was shown, from where his stream began to where he is, is exactly what happened
//! there and concerns him, in order, each once.

use std::collections::BTreeSet;

use holdfast_reservations::{Event, Revision};

use crate::violation::Violation;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// Its name for ever.
    pub revision: Revision,
    /// What.
    pub kind: String,
    /// To which booking.
    pub booking: Option<u64>,
    /// In which slot.
    pub slot: Option<u64>,
    /// Of which resource.
    pub resource: Option<u64>,
    /// Of which venue.
    pub venue: Option<u64>,
    /// Whose booking it is.
    pub user: Option<u64>,
}

/// What somebody asked to see: of each list one of its values, if it has any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Of these slots.
    pub slots: BTreeSet<u64>,
    /// Of these resources.
    pub resources: BTreeSet<u64>,
    /// Bookings of these users.
    pub users: BTreeSet<u64>,
    /// Of these kinds; one like `booking.*` is all of a noun.
    pub kinds: BTreeSet<String>,
    /// Who may see his own bookings alone.
    pub guest: Option<u64>,
}

/// What somebody was shown, over however many streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Who, for people.
    pub name: String,
    /// What he asked for.
    pub interest: Interest,
    /// Where his first stream began.
    pub from: Revision,
    /// How far he was told to be.
    pub at: Revision,
    /// What he was shown.
    pub shown: Vec<Happened>,
}

/// Compares what was shown with what happened, which is in order.
#[must_use]
pub fn check(happened: &[Happened], followed: &[Followed]) -> Vec<Violation> {
    followed.iter().filter_map(|followed| judge(happened, followed)).map(Violation::new).collect()
}

/// What somebody is to be shown behind a revision.
pub fn concerning<'a>(
    happened: &'a [Happened],
    interest: &'a Interest,
    from: Revision,
) -> impl Iterator<Item = &'a Happened> {
    happened.iter().filter(move |one| one.revision > from && interest.includes(one))
}

fn judge(happened: &[Happened], followed: &Followed) -> Option<String> {
    let Followed { name, interest, from, at, shown } = followed;
    let mut due = concerning(happened, interest, *from).take_while(|one| one.revision <= *at);
    for one in shown {
        match due.next() {
            Some(next) if next == one => (),
            Some(next) => return Some(format!("{name} was shown {one:?}, where {next:?} was next")),
            None => return Some(format!("{name} was shown {one:?}, which did not happen, or not for him")),
        }
    }
    due.next().map(|next| format!("{name} is at {at} and was never shown {next:?}"))
}

impl Happened {
    /// An event, and the resource of its slot.
    #[must_use]
    pub fn of(revision: Revision, event: &Event, resource_of_slot: Option<u64>) -> Self {
        let kind = event.name().to_owned();
        let nothing =
            Self { revision, kind, booking: None, slot: None, resource: None, venue: None, user: None };
        match *event {
            Event::Booking { booking, slot, user, .. } => Self {
                booking: Some(booking.0),
                slot: Some(slot.0),
                user: Some(user.0),
                resource: resource_of_slot,
                ..nothing
            },
            Event::Slot { slot, resource, .. } => {
                Self { slot: Some(slot.0), resource: Some(resource.0), ..nothing }
            }
            Event::ResourceCreated(resource)
            | Event::ResourceChanged(resource)
            | Event::ResourceWithdrawn(resource) => Self { resource: Some(resource.0), ..nothing },
            Event::VenueCreated(venue) => Self { venue: Some(venue.0), ..nothing },
        }
    }

    fn is_for_staff(&self) -> bool {
        self.kind == "slot.no_shows_stopped"
    }
}

impl Interest {
    fn includes(&self, one: &Happened) -> bool {
        let is_among = |some: &BTreeSet<u64>, one: Option<u64>| {
            some.is_empty() || one.is_some_and(|one| some.contains(&one))
        };
        let is_of = |kind: &String| match kind.strip_suffix('*') {
            Some(noun) => one.kind.starts_with(noun),
            None => *kind == one.kind,
        };
        let may_see = match self.guest {
            None => true,
            Some(guest) => !one.is_for_staff() && one.user.is_none_or(|user| user == guest),
        };
        may_see
            && is_among(&self.slots, one.slot)
            && is_among(&self.resources, one.resource)
            && is_among(&self.users, one.user)
            && (self.kinds.is_empty() || self.kinds.iter().any(is_of))
    }
}

#[cfg(test)]
mod tests {
    use holdfast_reservations::{BookingEvent, BookingId, ResourceId, SlotEvent, SlotId, UserId};

    use super::*;

    fn revision(index: u64, ordinal: u32) -> Revision {
        Revision { index, ordinal }
    }

    fn booked(index: u64, ordinal: u32, slot: u64, user: u64) -> Happened {
        let (kind, booking) = (BookingEvent::Confirmed, BookingId(index));
        let event = Event::Booking { kind, booking, slot: SlotId(slot), user: UserId(user) };
        Happened::of(revision(index, ordinal), &event, Some(4))
    }

    fn happened() -> Vec<Happened> {
        let stopped =
            Event::Slot { kind: SlotEvent::NoShowsStopped, slot: SlotId(1), resource: ResourceId(4) };
        vec![
            booked(10, 0, 1, 7),
            booked(10, 1, 2, 8),
            Happened::of(revision(12, 0), &stopped, None),
            booked(15, 0, 1, 8),
        ]
    }

    fn says(interest: Interest, from: (u64, u32), at: (u64, u32), shown: &[usize]) -> String {
        let all = happened();
        let shown = shown.iter().map(|number| all[*number].clone()).collect();
        let (from, at) = (revision(from.0, from.1), revision(at.0, at.1));
        let followed = Followed { name: "Mia".to_owned(), interest, from, at, shown };
        let found = check(&all, &[followed]);
        let says = found.first().map(ToString::to_string).unwrap_or_default();
        says.split(" Happened").next().unwrap_or_default().to_owned()
    }

    #[test]
    fn everything_from_where_a_stream_began_is_shown_once_and_in_order() {
        let all = Interest::default;
        assert_eq!(says(all(), (9, 0), (15, 0), &[0, 1, 2, 3]), "");
        assert_eq!(says(all(), (10, 0), (12, 0), &[1, 2]), "", "from the middle of an entry");
        assert_eq!(says(all(), (10, 1), (11, 0), &[]), "");
        assert_eq!(says(all(), (9, 0), (15, 0), &[0, 2, 3]), "Mia was shown");
        assert_eq!(says(all(), (9, 0), (15, 0), &[0, 1, 1, 2, 3]), "Mia was shown");
        assert_eq!(says(all(), (9, 0), (15, 0), &[1, 0, 2, 3]), "Mia was shown");
        assert_eq!(says(all(), (9, 0), (15, 0), &[0, 1, 2]), "Mia is at 15-0 and was never shown");
        assert_eq!(says(all(), (10, 0), (15, 0), &[0, 1, 2, 3]), "Mia was shown");
    }

    #[test]
    fn whoever_asks_for_some_of_it_is_shown_that_and_a_guest_what_is_his() {
        let of_slot = Interest { slots: [1].into(), ..Interest::default() };
        assert_eq!(says(of_slot.clone(), (9, 0), (15, 0), &[0, 2, 3]), "");
        let kinds = ["booking.*".to_owned()].into();
        assert_eq!(says(Interest { kinds, ..of_slot }, (9, 0), (15, 0), &[0, 3]), "");
        let of_user = Interest { users: [8].into(), ..Interest::default() };
        assert_eq!(says(of_user, (9, 0), (15, 0), &[1, 3]), "");
        let guest = Interest { guest: Some(7), ..Interest::default() };
        assert_eq!(says(guest.clone(), (9, 0), (15, 0), &[0]), "");
        assert!(says(guest, (9, 0), (15, 0), &[0, 1]).starts_with("Mia was shown"), "it is another's");
        let other = Interest { resources: [5].into(), ..Interest::default() };
        assert_eq!(says(other, (9, 0), (15, 0), &[]), "");
    }
}
