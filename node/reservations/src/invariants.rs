//! The invariants that no command may break, all checked at once: after every command in tests and in simulation.

mod accounts;
mod days;
mod entrance;
mod holds;
mod jobs;
mod outbox;
mod seats;

use std::collections::{BTreeMap, BTreeSet};

use crate::bookings::{Booking, BookingState};
use crate::counters::Counters;
use crate::due::DueKind;
use crate::ids::PoolId;
use crate::node_keys::NodeKey;
use crate::outcome::Outcome;
use crate::pools::PoolCounts;
use crate::rows::{Key, Order, ReadRows, ReadTyped as _, Row, Rows};
use crate::slots::{Slot, SlotStatus};
use crate::state::State;
use crate::time::Timestamp;
use crate::users;

impl<R: Rows> State<R> {
    /// Reads every row and lists what is wrong, each line naming the invariant of `docs/INVARIANTS.md` it breaks.
    pub fn check_invariants(&self) -> Vec<String> {
        let rows = self.rows().scan(Key::all(), Order::Ascending, usize::MAX);
        let mut check = Check { rows: self.rows(), now: self.now(), broken: Vec::new() };
        check.pools(&rows);
        check.seats(&rows);
        check.holds(&rows);
        check.user_places(&rows);
        check.payments(&rows);
        check.jobs(&rows);
        check.requests(&rows);
        check.indexes(&rows);
        check.ids(&rows);
        check.due(&rows);
        check.days(&rows);
        check.entrance(&rows);
        check.accounts(&rows);
        check.node_keys(&rows);
        check.outbox(&rows);
        check.broken
    }
}

struct Check<'a> {
    rows: &'a dyn ReadRows,
    now: Timestamp,
    broken: Vec<String>,
}

impl Check<'_> {
    fn expect(&mut self, holds: bool, says: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(says());
        }
    }

    /// INV-2: counts add up to the capacity, and held and confirmed are what the bookings say.
    fn pools(&mut self, rows: &[(Key, Row)]) {
        let mut taken: BTreeMap<PoolId, (u64, u64)> = BTreeMap::new();
        for (_, booking) in bookings(rows).filter(|(_, booking)| booking.state.has_places()) {
            let (held, confirmed) = taken.entry(booking.pool).or_default();
            let count = if matches!(booking.state, BookingState::Held { .. }) { held } else { confirmed };
            *count = count.saturating_add(u64::from(booking.count));
        }
        for (key, row) in rows {
            let (Key::Pool(id), Row::Pool(counts)) = (key, row) else { continue };
            let (held, confirmed) = taken.remove(id).unwrap_or_default();
            self.expect(counts.adds_up(), || format!("INV-2: {id} does not add up: {counts:?}"));
            self.expect((u64::from(counts.held), u64::from(counts.confirmed)) == (held, confirmed), || {
                format!("INV-2: {id} counts {counts:?}, its bookings hold {held} and have {confirmed}")
            });
        }
        self.expect(taken.is_empty(), || format!("INV-2: bookings in pools that do not exist: {taken:?}"));
    }

    /// INV-4: no two requests claim to have made the same booking.
    fn requests(&mut self, rows: &[(Key, Row)]) {
        let mut made = BTreeSet::new();
        for (_, row) in rows {
            let Row::Request(request) = row else { continue };
            self.expect(request.revision.index > 0, || "INV-4: a request without a revision".to_owned());
            let Outcome::Booking(id, booking) = &request.outcome else { continue };
            // A request that found nothing to change answers with what an earlier one made.
            let is_maker = booking.revision == request.revision;
            self.expect(!is_maker || made.insert((*id, booking.version)), || {
                format!("INV-4: two requests made version {} of {id}", booking.version)
            });
        }
    }

    /// INV-5: a retired key is one that was published. INV-1: and was retired before now.
    fn node_keys(&mut self, rows: &[(Key, Row)]) {
        for (key, row) in rows {
            let (Key::RetiredNodeKey(node, generation), Row::RetiredNodeKey(retired)) = (key, row) else {
                continue;
            };
            let is_known = self.rows.row::<NodeKey>((*node, *generation)).is_some();
            self.expect(is_known, || {
                format!("INV-5: key {node}-{generation} was retired and never published")
            });
            let (now, retired) = (self.now, **retired);
            self.expect(retired.retired_at <= now && retired.retired_at < retired.expires_at, || {
                format!("INV-1: key {node}-{generation} is retired out of time: {retired:?}")
            });
        }
    }

    /// INV-5: every index row has its row, every row its index rows, and no row names a missing one.
    fn indexes(&mut self, rows: &[(Key, Row)]) {
        let mut expected: BTreeSet<Key> = BTreeSet::new();
        for (id, booking) in bookings(rows) {
            expected.insert(Key::BookingByUser(booking.user, id));
            expected.insert(Key::BookingBySlot(booking.slot, id));
            let slot = self.rows.row::<Slot>(booking.slot);
            let sells = slot.is_some_and(|slot| slot.pool(Some(booking.pool)).is_some());
            self.expect(sells, || format!("INV-5: {} does not sell {} of {id}", booking.slot, booking.pool));
        }
        for (key, row) in rows {
            match (key, row) {
                (Key::Slot(id), Row::Slot(slot)) => {
                    let (starts_at, ends_at) = (slot.window.starts_at(), slot.window.ends_at());
                    if slot.status != SlotStatus::Withdrawn {
                        expected.insert(Key::SlotByWindow(slot.resource, starts_at, ends_at, *id));
                    }
                    let has_pools =
                        slot.pools.iter().all(|pool| self.rows.row::<PoolCounts>(pool.id).is_some());
                    self.expect(has_pools, || format!("INV-5: {id} has a pool without counts"));
                }
                (Key::Resource(id), Row::Resource(resource)) => {
                    expected.insert(Key::ResourceByVenue(resource.venue, *id));
                }
                (Key::Session(id), Row::Session(session)) => {
                    expected.insert(Key::SessionByUser(session.user, *id));
                }
                (Key::User(_), Row::User(user)) => {
                    expected.insert(Key::UserByEmail(user.email.clone()));
                }
                _ => (),
            }
        }
        let found = rows.iter().map(|(key, _)| key).filter(|key| is_index(key)).cloned().collect();
        for missing in expected.difference(&found) {
            self.broken.push(format!("INV-5: index row missing: {missing:?}"));
        }
        for stray in found.difference(&expected) {
            self.broken.push(format!("INV-5: index row without its row: {stray:?}"));
        }
    }

    /// INV-6: no id is above its counter, and the operators who are not banned are counted.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other rows have no id of their own")]
    fn ids(&mut self, rows: &[(Key, Row)]) {
        let counters = self.rows.row::<Counters>(()).map_or_else(Counters::default, |row| (*row).clone());
        for (key, _) in rows {
            let (id, given) = match key {
                Key::Venue(id) => (id.0, counters.venues),
                Key::Resource(id) => (id.0, counters.resources),
                Key::Slot(id) => (id.0, counters.slots),
                Key::Pool(id) => (id.0, counters.pools),
                Key::Booking(id) => (id.0, counters.bookings),
                Key::User(id) => (id.0, counters.users),
                Key::Session(id) => (id.0, counters.sessions),
                Key::Job(id) => (id.0, counters.jobs),
                _ => continue,
            };
            self.expect((1..=given).contains(&id), || format!("INV-6: {key:?} is above its counter {given}"));
        }
        let operates = |key: &Key, row: &Row| match (key, row) {
            (Key::User(id), Row::User(user)) => user.role.operates() && !users::is_banned(self.rows, *id),
            _ => false,
        };
        let operators = rows.iter().filter(|(key, row)| operates(key, row)).count() as u64;
        self.expect(operators == counters.operators, || {
            format!("INV-6: {operators} operators are counted as {}", counters.operators)
        });
    }

    /// INV-7: a slot's end is due exactly until it is finished; nothing else is due for it. INV-1: nothing happened
    /// after now.
    fn due(&mut self, rows: &[(Key, Row)]) {
        for (key, row) in rows {
            match (key, row) {
                (Key::Slot(id), Row::Slot(slot)) => {
                    let end = Key::Due(slot.window.ends_at(), DueKind::SlotEnds, id.0);
                    let is_due = self.rows.get(&end).is_some();
                    let is_open = slot.status == SlotStatus::Open;
                    self.expect(is_due == is_open, || {
                        format!("INV-7: {id} is {:?}, due: {is_due}", slot.status)
                    });
                }
                (Key::Due(_, DueKind::SlotStarts | DueKind::SlotEnds, subject), _) => {
                    let slot = self.rows.row::<Slot>(crate::ids::SlotId(*subject));
                    self.expect(slot.is_some(), || format!("INV-7: {key:?} is due for nothing"));
                }
                (Key::Booking(id), Row::Booking(booking)) => {
                    let last = match booking.state {
                        BookingState::Confirmed => booking.booked_at,
                        BookingState::Ready { since: at }
                        | BookingState::NoShow { at, .. }
                        | BookingState::Used { at, .. }
                        | BookingState::Cancelled { at }
                        | BookingState::Expired { at }
                        | BookingState::Rejected { at } => at,
                        BookingState::Held { .. } | BookingState::Queued { .. } => booking.booked_at,
                    };
                    let now = self.now;
                    self.expect(booking.booked_at <= last && last <= now, || {
                        format!("INV-1: {id} changed at {last}, booked at {}, now {now}", booking.booked_at)
                    });
                }
                (Key::Clock, Row::Clock(clock)) => {
                    let now = self.now;
                    self.expect(clock.now == now && clock.generation_started_at <= now, || {
                        format!("INV-1: the stored clock {clock:?} is not {now}")
                    });
                }
                _ => (),
            }
        }
    }
}

fn bookings(rows: &[(Key, Row)]) -> impl Iterator<Item = (crate::ids::BookingId, &Booking)> {
    rows.iter().filter_map(|(key, row)| match (key, row) {
        (Key::Booking(id), Row::Booking(booking)) => Some((*id, &**booking)),
        _ => None,
    })
}

fn is_index(key: &Key) -> bool {
    matches!(
        key,
        Key::ResourceByVenue(..)
            | Key::SlotByWindow(..)
            | Key::BookingByUser(..)
            | Key::BookingBySlot(..)
            | Key::UserByEmail(_)
            | Key::SessionByUser(..)
    )
}
