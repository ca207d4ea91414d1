//! A history as what the search works on: operations on the slots that bookings move between, each with what it did or
//! saw.

use std::collections::BTreeMap;

use holdfast_reservations::{BookingId, Revision, SlotId, UserId};

use super::model::{BOOKING_NOT_FOUND, CODES, Change, Place, State};
use crate::history::{Answer, Booking, Call, History, Request};
use crate::ledger::{self, Ledger, Outcome};
use crate::violation::Violation;

/// Some slots that bookings may have moved between, and all that was asked of them.
pub(super) struct Component<'a> {
    slots: Vec<SlotId>,
    capacities: Vec<Option<u64>>,
    /// Their ids, as far as they were told.
    bookings: Vec<Option<BookingId>>,
    pub(super) operations: Vec<Operation<'a>>,
}

/// Something that was asked, and what came of it.
pub(super) struct Operation<'a> {
    pub(super) began_at: u64,
    /// `None` if it may take effect at any time from then on, or never.
    pub(super) answered_at: Option<u64>,
    act: Act,
    call: Option<&'a Call>,
}

/// What an operation did or saw.
enum Act {
    Done(Change, Place),
    MaybeDone(Change),
    Refused(Change, &'static str),
    SawBooking(usize, Option<Place>),
    SawTaken(usize, u64),
    SawList(Listed),
}

/// A page of the bookings in a slot, newest first.
struct Listed {
    slot: usize,
    seen: Vec<BookingId>,
    has_more: bool,
}

impl Operation<'_> {
    /// Whether it never changes anything, whatever the state it comes upon.
    pub(super) fn only_looks(&self) -> bool {
        match self.act {
            Act::Refused(..) | Act::SawBooking(..) | Act::SawTaken(..) | Act::SawList(_) => true,
            Act::Done(..) | Act::MaybeDone(_) => false,
        }
    }

    /// Where the log says it came; those it says nothing of come last.
    pub(super) fn rank(&self) -> (bool, Option<Revision>) {
        let revision = self.call.and_then(|call| match &call.answer {
            Answer::Booking(booking) => booking.revision,
            Answer::Slot(_)
            | Answer::List { .. }
            | Answer::Refused(_)
            | Answer::NotDone(_)
            | Answer::Unknown => None,
        });
        (revision.is_none(), revision)
    }
}

impl<'a> Component<'a> {
    /// A history, split into what is independent of one another.
    pub(super) fn all(history: &'a History) -> Vec<Self> {
        let ledger = Ledger::of(history);
        let mut split = Split::of(history, &ledger);
        for operation in &ledger.operations {
            split.add_write(operation);
        }
        for call in &history.calls {
            split.add_read(call);
        }
        split.add_end();
        split.components.into_values().collect()
    }

    pub(super) fn start(&self) -> State {
        State::new(self.slots.len(), self.bookings.len())
    }

    /// Why no order can be looked for.
    pub(super) fn unread(&self) -> Option<SlotId> {
        let unread = self.capacities.iter().position(Option::is_none)?;
        Some(self.slots[unread])
    }

    pub(super) fn name(&self) -> String {
        self.slots.iter().map(SlotId::to_string).collect::<Vec<_>>().join(", ")
    }

    /// The state after an operation, if it can have come about there and then.
    pub(super) fn step(&self, operation: usize, state: &State) -> Option<State> {
        let capacities = &self.capacities;
        match &self.operations[operation].act {
            Act::Done(change, told) => match state.after(*change, capacities)? {
                Ok((next, place)) if place == *told => Some(next),
                Ok(_) | Err(_) => None,
            },
            Act::MaybeDone(change) => state.after(*change, capacities)?.ok().map(|(next, _)| next),
            Act::Refused(change, code) => match state.after(*change, capacities) {
                Some(Err(why)) if why == *code => Some(state.clone()),
                Some(Ok(_) | Err(_)) | None => None,
            },
            Act::SawBooking(booking, place) => (state.booking(*booking) == *place).then(|| state.clone()),
            Act::SawTaken(slot, taken) => (state.taken(*slot) == *taken).then(|| state.clone()),
            Act::SawList(listed) => self.is_listed(listed, state).then(|| state.clone()),
        }
    }

    fn is_listed(&self, listed: &Listed, state: &State) -> bool {
        let is_here = |booking: usize| state.booking(booking).is_some_and(|place| place.slot == listed.slot);
        let oldest = listed.seen.last().filter(|_| listed.has_more);
        let (mut known, mut unnamed) = (0, 0);
        for (booking, id) in self.bookings.iter().enumerate() {
            match id {
                None => unnamed += usize::from(is_here(booking)),
                Some(id) => {
                    let is_seen = listed.seen.contains(id);
                    known += usize::from(is_seen);
                    let is_on_page = oldest.is_none_or(|oldest| id >= oldest);
                    if is_seen && !is_here(booking) || !is_seen && is_here(booking) && is_on_page {
                        return false;
                    }
                }
            }
        }
        listed.seen.len() - known <= unnamed
    }

    pub(super) fn violation(&self, stuck: &[usize]) -> Violation {
        let calls = stuck.iter().filter_map(|operation| self.operations[*operation].call);
        let says = match stuck.iter().all(|operation| self.operations[*operation].call.is_some()) {
            true => "no order of the calls explains all answers; the longest that explains some ends before",
            false => "no order of the calls explains what was there at the end",
        };
        Violation::new(format!("{}: {says}", self.name())).quoting(calls)
    }
}

/// A history on its way into components.
struct Split<'a, 'b> {
    history: &'a History,
    ledger: &'b Ledger<'a>,
    /// The slot that stands for all those of a component.
    roots: BTreeMap<SlotId, SlotId>,
    /// Who owns a booking, which component it is of and where there.
    bookings: BTreeMap<BookingId, (UserId, SlotId, usize)>,
    components: BTreeMap<SlotId, Component<'a>>,
    end_at: u64,
}

impl<'a, 'b> Split<'a, 'b> {
    fn of(history: &'a History, ledger: &'b Ledger<'a>) -> Self {
        let roots = roots(history, ledger);
        let mut components: BTreeMap<SlotId, Component<'_>> = BTreeMap::new();
        for (slot, root) in &roots {
            let component = components.entry(*root).or_insert_with(|| Component {
                slots: Vec::new(),
                capacities: Vec::new(),
                bookings: Vec::new(),
                operations: Vec::new(),
            });
            component.slots.push(*slot);
            component.capacities.push(history.end.slots.get(slot).map(|counts| counts.capacity));
        }
        let end_at = history.calls.iter().map(|call| call.answered_at).max().unwrap_or(0) + 1;
        let mut split = Self { history, ledger, roots, bookings: BTreeMap::new(), components, end_at };
        for operation in &ledger.operations {
            if let (Request::Book { slot, owner, .. }, Some(id)) =
                (operation.request(), split.id_of(operation))
            {
                split.place(slot, owner, Some(id));
            }
        }
        split
    }

    /// The id of the booking that an operation made, if that is known.
    fn id_of(&self, operation: &ledger::Operation<'_>) -> Option<BookingId> {
        match operation.outcome() {
            Outcome::Acknowledged(_, booking) => Some(booking.id),
            Outcome::Unknown => {
                // Of two alike nobody can say which is which.
                let shape = operation.shape()?;
                let found = self.ledger.unnamed.get(&shape)?;
                let alike = self.ledger.operations.iter().filter(|other| {
                    other.shape() == Some(shape) && matches!(other.outcome(), Outcome::Unknown)
                });
                (found.len() == 1 && alike.count() == 1).then(|| found[0].id)
            }
            Outcome::Refused(..) | Outcome::NotDone => None,
        }
    }

    /// Gives a booking its position.
    fn place(&mut self, slot: SlotId, owner: UserId, id: Option<BookingId>) -> usize {
        let root = self.roots[&slot];
        let Some(component) = self.components.get_mut(&root) else { return 0 };
        component.bookings.push(id);
        let position = component.bookings.len() - 1;
        if let Some(id) = id {
            self.bookings.insert(id, (owner, root, position));
        }
        position
    }

    fn push(&mut self, root: SlotId, operation: Operation<'a>) {
        if let Some(component) = self.components.get_mut(&root) {
            component.operations.push(operation);
        }
    }

    /// The position of a slot in its component.
    fn slot(&self, slot: SlotId) -> Option<(SlotId, usize)> {
        let root = *self.roots.get(&slot)?;
        let position = self.components.get(&root)?.slots.iter().position(|other| *other == slot)?;
        Some((root, position))
    }

    fn add_write(&mut self, operation: &ledger::Operation<'a>) {
        let Some((root, change)) = self.change(operation) else { return };
        let (act, answered_at, call) = match operation.outcome() {
            Outcome::Acknowledged(call, booking) => {
                let Some(place) = self.seen(booking) else { return };
                (Act::Done(change, place), Some(call.answered_at), call)
            }
            Outcome::Refused(call, code) => {
                let Some(code) = CODES.into_iter().find(|known| *known == code) else { return };
                if code == BOOKING_NOT_FOUND && !self.is_owner(operation.attempts[0]) {
                    return;
                }
                (Act::Refused(change, code), Some(call.answered_at), call)
            }
            Outcome::Unknown => (Act::MaybeDone(change), None, operation.attempts[0]),
            Outcome::NotDone => return,
        };
        self.push(root, Operation { began_at: operation.began_at(), answered_at, act, call: Some(call) });
    }

    /// What an operation was to change, and in which component.
    fn change(&mut self, operation: &ledger::Operation<'a>) -> Option<(SlotId, Change)> {
        match operation.request() {
            Request::Book { slot, count, owner } => {
                let id = self.id_of(operation);
                let is_unknown = matches!(operation.outcome(), Outcome::Unknown);
                if is_unknown && !self.ledger.unnamed.contains_key(&operation.shape()?) {
                    // It would have been found.
                    return None;
                }
                let (root, position) = self.slot(slot)?;
                let known = id.and_then(|id| self.bookings.get(&id)).map(|(_, _, booking)| *booking);
                let booking = known.unwrap_or_else(|| self.place(slot, owner, None));
                Some((root, Change::Book { booking, id, slot: position, count }))
            }
            Request::Modify { booking, slot, count } => {
                let (_, root, booking) = *self.bookings.get(&booking)?;
                let slot = match slot {
                    Some(slot) => Some(self.slot(slot)?.1),
                    None => None,
                };
                Some((root, Change::Modify { booking, slot, count }))
            }
            Request::Cancel(booking) => {
                let (_, root, booking) = *self.bookings.get(&booking)?;
                Some((root, Change::Cancel { booking }))
            }
            Request::CheckIn(booking) => {
                let (_, root, booking) = *self.bookings.get(&booking)?;
                Some((root, Change::CheckIn { booking }))
            }
            Request::Get(_) | Request::Look(_) | Request::List(_) => None,
        }
    }

    fn add_read(&mut self, call: &'a Call) {
        let read = match (call.request, &call.answer) {
            (Request::Get(id), Answer::Booking(seen)) => {
                self.bookings.get(&id).and_then(|(_, root, booking)| {
                    Some((*root, Act::SawBooking(*booking, Some(self.seen(seen)?))))
                })
            }
            (Request::Get(id), Answer::Refused(_)) if self.is_owner(call) => {
                self.bookings.get(&id).map(|(_, root, booking)| (*root, Act::SawBooking(*booking, None)))
            }
            (Request::Look(slot), Answer::Slot(counts)) => {
                self.slot(slot).map(|(root, slot)| (root, Act::SawTaken(slot, counts.confirmed)))
            }
            (Request::List(slot), Answer::List { bookings, has_more }) => {
                self.slot(slot).map(|(root, slot)| {
                    (root, Act::SawList(Listed { slot, seen: bookings.clone(), has_more: *has_more }))
                })
            }
            _ => None,
        };
        if let Some((root, act)) = read {
            let (began_at, answered_at) = (call.invoked_at, Some(call.answered_at));
            self.push(root, Operation { began_at, answered_at, act, call: Some(call) });
        }
    }

    /// What is there at the end was seen by somebody who came after all others.
    fn add_end(&mut self) {
        let (began_at, answered_at) = (self.end_at, Some(self.end_at));
        for (slot, counts) in &self.history.end.slots {
            if let Some((root, slot)) = self.slot(*slot) {
                let act = Act::SawTaken(slot, counts.confirmed);
                self.push(root, Operation { began_at, answered_at, act, call: None });
            }
        }
        for (id, (_, root, booking)) in self.bookings.clone() {
            let found = self.history.end.bookings.get(&id);
            let act = Act::SawBooking(booking, found.and_then(|found| self.seen(found)));
            self.push(root, Operation { began_at, answered_at, act, call: None });
        }
    }

    fn seen(&self, booking: &Booking) -> Option<Place> {
        let (_, slot) = self.slot(booking.slot)?;
        Some(Place { slot, count: booking.count, status: booking.status })
    }

    /// Whether whoever called owns the booking he named: others are told that there is none.
    fn is_owner(&self, call: &Call) -> bool {
        match call.request {
            Request::Modify { booking, .. }
            | Request::Cancel(booking)
            | Request::CheckIn(booking)
            | Request::Get(booking) => {
                self.bookings.get(&booking).is_some_and(|(owner, ..)| *owner == call.user)
            }
            Request::Book { .. } | Request::Look(_) | Request::List(_) => false,
        }
    }
}

/// Joins the slots that a booking may have moved between.
fn roots(history: &History, ledger: &Ledger<'_>) -> BTreeMap<SlotId, SlotId> {
    let mut roots: BTreeMap<SlotId, SlotId> = history.end.slots.keys().map(|slot| (*slot, *slot)).collect();
    let mut first: BTreeMap<BookingId, SlotId> = BTreeMap::new();
    let told = ledger.operations.iter().filter_map(|operation| match operation.outcome() {
        Outcome::Acknowledged(_, booking) => Some(booking),
        Outcome::Refused(..) | Outcome::Unknown | Outcome::NotDone => None,
    });
    let told = told.chain(history.end.bookings.values()).map(|booking| (booking.id, booking.slot));
    let asked = ledger.operations.iter().filter_map(|operation| match operation.request() {
        Request::Modify { booking, slot, .. } => slot.map(|slot| (booking, slot)),
        Request::Book { .. }
        | Request::Cancel(_)
        | Request::CheckIn(_)
        | Request::Get(_)
        | Request::Look(_)
        | Request::List(_) => None,
    });
    for operation in &ledger.operations {
        if let Request::Book { slot, .. } = operation.request() {
            roots.entry(slot).or_insert(slot);
        }
    }
    for (booking, slot) in told.chain(asked) {
        roots.entry(slot).or_insert(slot);
        let other = *first.entry(booking).or_insert(slot);
        let (one, two) = (roots[&slot], roots[&other]);
        if one != two {
            roots.values_mut().filter(|root| **root == two).for_each(|root| *root = one);
        }
    }
    roots
}
