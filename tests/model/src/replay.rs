//! Revision replay: the log, run through the rules once more, says what every client should have been told. Answers carry
//! the revision of their change, reads the index of their moment, so nothing has to be searched for.

use std::collections::BTreeMap;

use holdfast_reservations::{
    self as rules, Applied, BookingsOf, Clock, Entry, Event, MemoryRows, Order, Outcome, PoolCounts,
    ReadRows, ReadTyped as _, Rejection, RequestKey, Revision, Slot, State, User, list_bookings,
};

use crate::history::{Answer, Booking, Call, Counts, History, Request, Status};
use crate::ledger::{Ledger, Outcome as Came};
use crate::violation::Violation;

/// Entries between two looks at all rows.
const ENTRIES_PER_LOOK: usize = 64;

/// Compares what clients were told with what the rules make of the log. The log is whole: every entry of requests that
/// was ever committed, by its index, in order. `key_of` says how the cluster keeps a client's key.
#[must_use]
pub fn check(log: &[(u64, Entry)], history: &History, key_of: impl Fn(&str) -> RequestKey) -> Vec<Violation> {
    let mut reads: Vec<(u64, &Call)> = history
        .calls
        .iter()
        .filter(|call| is_read(call))
        .filter_map(|call| Some((call.index?, call)))
        .collect();
    reads.sort_by_key(|(index, _)| *index);
    let mut reads = reads.into_iter().peekable();
    let mut replay = Replay::new();
    for (nth, (index, entry)) in log.iter().enumerate() {
        while let Some((_, call)) = reads.next_if(|(at, _)| at < index) {
            replay.judge_read(call);
        }
        replay.apply(*index, entry);
        if nth % ENTRIES_PER_LOOK == 0 {
            replay.judge_rules(*index);
        }
    }
    replay.judge_rules(log.last().map_or(0, |(index, _)| *index));
    for (_, call) in reads {
        replay.judge_read(call);
    }
    for call in &history.calls {
        replay.judge_change(call);
        replay.judge_refusal(call, &key_of);
    }
    replay.judge_end(history);
    replay.violations.extend(out_of_order(history));
    replay.violations
}

/// The history with what its clients never learned, as the log tells it: what is there was done, by the end at the
/// latest, and what is not there never was. `key_of` says how the cluster keeps a client's key. Judges that search for
/// an order have far less to search then.
#[must_use]
pub fn resolve(log: &[(u64, Entry)], history: &History, key_of: impl Fn(&str) -> RequestKey) -> History {
    let mut state = State::over(MemoryRows::default());
    let mut answers: BTreeMap<(u64, RequestKey), Answer> = BTreeMap::new();
    for (index, entry) in log {
        for (request, applied) in entry.requests.iter().zip(state.apply(*index, entry)) {
            if let Some(id) = request.id {
                answers.insert((request.principal.scope(), id.key), answer_of(&applied.outcome));
            }
        }
    }
    let end_at = history.calls.iter().map(|call| call.answered_at).max().unwrap_or(0);
    let mut resolved = history.clone();
    let unknown = resolved.calls.iter_mut().filter(|call| call.answer == Answer::Unknown && !is_read(call));
    for call in unknown {
        let key = call.key.as_deref().map(|key| (call.user.0, key_of(key)));
        if let Some(key) = key {
            let absent = || Answer::NotDone("not in the log".to_owned());
            call.answer = answers.get(&key).cloned().unwrap_or_else(absent);
            call.answered_at = end_at;
        }
    }
    resolved
}

/// Refusals that `answer_of` can name.
const KNOWN_REFUSALS: [&str; 7] = [
    "slot_full",
    "booking_not_found",
    "already_cancelled",
    "already_used",
    "too_early",
    "too_late",
    "slot_not_found",
];

/// What a client would have been told.
fn answer_of(outcome: &Outcome) -> Answer {
    let refused = |code: &str| Answer::Refused(code.to_owned());
    match outcome {
        Outcome::Booking(id, booking) => Answer::Booking(booking_of(*id, booking)),
        Outcome::Rejected(Rejection::SlotFull(_)) => refused("slot_full"),
        Outcome::Rejected(Rejection::BookingNotFound(_)) => refused("booking_not_found"),
        Outcome::Rejected(Rejection::AlreadyCancelled) => refused("already_cancelled"),
        Outcome::Rejected(Rejection::AlreadyUsed { .. } | Rejection::AlreadyUsedAt { .. }) => {
            refused("already_used")
        }
        Outcome::Rejected(Rejection::TooEarly { .. }) => refused("too_early"),
        Outcome::Rejected(Rejection::TooLate { .. }) => refused("too_late"),
        Outcome::Rejected(Rejection::SlotNotFound(_)) => refused("slot_not_found"),
        Outcome::Rejected(other) if other.is_remembered() => refused("another"),
        Outcome::Rejected(_)
        | Outcome::Contradicted(_)
        | Outcome::Venue(..)
        | Outcome::Resource(..)
        | Outcome::Slots(_)
        | Outcome::User(..)
        | Outcome::Session { .. }
        | Outcome::SessionsClosed(_)
        | Outcome::Ticked { .. }
        | Outcome::NodeKeyRegistered
        | Outcome::Account(..)
        | Outcome::App(..)
        | Outcome::AppDeleted(_)
        | Outcome::NodeKeysRetired(_)
        | Outcome::Policy(..)
        | Outcome::Job(..)
        | Outcome::ResourceWithdrawn(_)
        | Outcome::SlotWithdrawn(_)
        | Outcome::EditionAdopted(_)
        | Outcome::SlotDay(..)
        | Outcome::Code(..)
        | Outcome::NodeKeyRevoked(..)
        | Outcome::Device(..)
        | Outcome::DeviceRemoved(..)
        | Outcome::Preferences(..)
        | Outcome::Webhook(..)
        | Outcome::WebhookRemoved(_)
        | Outcome::DeliveriesSettled(_)
        | Outcome::DeadLettersReplayed { .. } => Answer::NotDone("not a booking".to_owned()),
    }
}

struct Replay {
    state: State<MemoryRows>,
    /// What each change of a booking made of it.
    changes: BTreeMap<Revision, Booking>,
    /// Where each request took effect, by generation, acting user and key.
    effects: BTreeMap<(u32, u64, RequestKey), Revision>,
    /// What each request was decided to be, by acting user and key: a refusal that is not remembered may become another.
    decided: BTreeMap<(u64, RequestKey), Vec<Answer>>,
    violations: Vec<Violation>,
}

impl Replay {
    fn new() -> Self {
        let state = State::over(MemoryRows::default());
        let (changes, effects, decided) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { state, changes, effects, decided, violations: Vec::new() }
    }

    fn apply(&mut self, index: u64, entry: &Entry) {
        let applied = self.state.apply(index, entry);
        let generation = self.state.rows().row::<Clock>(()).map_or(0, |clock| clock.generation);
        let mut last = None;
        for (request, applied) in entry.requests.iter().zip(applied) {
            let revision = applied.revision;
            // Revisions rise with every command, but for answers that are given again.
            let is_new = revision.index == index && last.is_none_or(|last| last < revision);
            if is_new {
                last = Some(revision);
            }
            if is_new && is_effect(&applied.outcome) {
                self.note_effect(generation, revision, request);
            }
            self.note_changes(&applied);
            if is_contradiction(&applied.outcome) {
                let says = format!("{revision} contradicts the rules: {:?}", applied.outcome);
                self.violations.push(Violation::new(says));
            }
            if let Some(id) = request.id {
                let decided = self.decided.entry((request.principal.scope(), id.key)).or_default();
                decided.push(answer_of(&applied.outcome));
            }
        }
    }

    /// Notes what bookings are now, each under the revision of its last change.
    fn note_changes(&mut self, applied: &Applied) {
        if let Outcome::Booking(id, booking) = &applied.outcome {
            self.changes.entry(booking.revision).or_insert_with(|| booking_of(*id, booking));
        }
        for event in &applied.events {
            let Event::Booking { booking: id, .. } = event else { continue };
            let booking = self.state.rows().row::<rules::Booking>(*id);
            self.changes.extend(booking.map(|booking| (booking.revision, booking_of(*id, &booking))));
        }
    }

    /// Looks at all rows: whether the rules keep what they promise.
    fn judge_rules(&mut self, index: u64) {
        let broken = self.state.check_invariants().into_iter();
        let says = broken.map(|broken| format!("after entry {index} the rules themselves break {broken}"));
        self.violations.extend(says.map(Violation::new));
    }

    /// INV-4, from the log alone.
    fn note_effect(&mut self, generation: u32, revision: Revision, request: &rules::Request) {
        let Some(id) = request.id else { return };
        let scope = request.principal.scope();
        let lately = [Some(generation), generation.checked_sub(1)].into_iter().flatten();
        let first = lately.filter_map(|generation| self.effects.get(&(generation, scope, id.key))).next();
        if let Some(first) = first {
            let says = format!("the request of {first} has a second effect, {revision}");
            self.violations.push(Violation::new(says));
        }
        self.effects.insert((generation, scope, id.key), revision);
    }

    /// An acknowledged change is in the log, and came to what was told.
    fn judge_change(&mut self, call: &Call) {
        let Answer::Booking(told) = &call.answer else { return };
        let (Some(revision), false) = (told.revision, is_read(call)) else { return };
        let says = match self.changes.get(&revision) {
            None => format!("{revision} was acknowledged, but the log has no such change"),
            Some(booking) if booking == told => return,
            Some(booking) => format!("{revision} was told otherwise than it came out: {booking:?}"),
        };
        self.violations.push(Violation::new(says).quoting([call]));
    }

    /// Only the rules refuse in these words, and they said so in the log.
    fn judge_refusal(&mut self, call: &Call, key_of: impl Fn(&str) -> RequestKey) {
        let (Answer::Refused(code), Some(key), false) = (&call.answer, &call.key, is_read(call)) else {
            return;
        };
        if !KNOWN_REFUSALS.contains(&code.as_str()) {
            return;
        }
        let says = match self.decided.get(&(call.user.0, key_of(key))) {
            None => "it was refused, but the log has no such request".to_owned(),
            Some(decided) if decided.contains(&call.answer) => return,
            Some(decided) => format!("it was refused otherwise than it came out: {decided:?}"),
        };
        self.violations.push(Violation::new(says).quoting([call]));
    }

    /// A read shows the moment of its index.
    fn judge_read(&mut self, call: &Call) {
        let Some(shown) = answer_at(self.state.rows(), call) else { return };
        let (told, shown) = (without_revision(&call.answer), without_revision(&shown));
        if told != shown {
            let says = format!("the log has {shown:?} at that index");
            self.violations.push(Violation::new(says).quoting([call]));
        }
    }

    /// What was there when all was over is what the whole log makes.
    fn judge_end(&mut self, history: &History) {
        let rows = self.state.rows();
        let mut says = Vec::new();
        for (slot, found) in &history.end.slots {
            let expected = counts_of(rows, *slot);
            if expected != Some(*found) {
                says.push(format!("{slot} was {found:?} at the end, the log has {expected:?}"));
            }
        }
        for (id, found) in &history.end.bookings {
            let expected = rows.row::<rules::Booking>(*id).map(|booking| booking_of(*id, &booking));
            let expected =
                expected.map(|booking| Booking { revision: found.revision.and(booking.revision), ..booking });
            if expected != Some(*found) {
                says.push(format!("{id} was {found:?} at the end, the log has {expected:?}"));
            }
        }
        self.violations.extend(says.into_iter().map(Violation::new));
    }
}

/// Changes that took effect in another order than their times allow: one that was answered before the other was asked.
fn out_of_order(history: &History) -> Vec<Violation> {
    let ledger = Ledger::of(history);
    let mut changes: Vec<(u64, u64, Revision, &Call)> = Vec::new();
    for operation in &ledger.operations {
        // A change to what it is already tells of the last change.
        let is_change = !matches!(operation.request(), Request::Modify { .. });
        if let (Came::Acknowledged(call, booking), true) = (operation.outcome(), is_change)
            && let Some(revision) = booking.revision
        {
            changes.push((operation.began_at(), call.answered_at, revision, call));
        }
    }
    let mut by_answer = changes.clone();
    changes.sort_by_key(|(began_at, ..)| *began_at);
    by_answer.sort_by_key(|(_, answered_at, ..)| *answered_at);
    let mut answered = by_answer.into_iter().peekable();
    let mut latest: Option<(Revision, &Call)> = None;
    let mut violations = Vec::new();
    for (began_at, _, revision, call) in changes {
        while let Some((_, _, earlier, by)) = answered.next_if(|(_, answered_at, ..)| *answered_at < began_at)
        {
            if latest.is_none_or(|(latest, _)| latest < earlier) {
                latest = Some((earlier, by));
            }
        }
        if let Some((earlier, by)) = latest.filter(|(latest, _)| *latest >= revision) {
            let says =
                format!("{revision} took effect before {earlier}, though it was asked for after its answer");
            violations.push(Violation::new(says).quoting([by, call]));
        }
    }
    violations
}

/// What a read should have shown of these rows; `None` if that cannot be told.
fn answer_at(rows: &MemoryRows, call: &Call) -> Option<Answer> {
    let role = rows.row::<User>(call.user)?.role;
    let is_visible = |booking: &rules::Booking| booking.is_managed_by(call.user, role);
    match (call.request, &call.answer) {
        (Request::Get(_), Answer::Refused(code)) if code != "booking_not_found" => None,
        (Request::Get(id), Answer::Booking(_) | Answer::Refused(_)) => {
            let booking = rows.row::<rules::Booking>(id).filter(|booking| is_visible(booking));
            Some(match booking {
                Some(booking) => Answer::Booking(booking_of(id, &booking)),
                None => Answer::Refused("booking_not_found".to_owned()),
            })
        }
        (Request::Look(slot), Answer::Slot(_)) => Some(Answer::Slot(counts_of(rows, slot)?)),
        (Request::List(slot), Answer::List { bookings: seen, .. }) => {
            let all = list_bookings(rows, BookingsOf::Slot(slot), None, Order::Descending, usize::MAX);
            let all: Vec<_> =
                all.iter().filter(|(_, booking)| is_visible(booking)).map(|(id, _)| *id).collect();
            let has_more = all.len() > seen.len();
            Some(Answer::List { bookings: all.into_iter().take(seen.len().max(1)).collect(), has_more })
        }
        _ => None,
    }
}

/// Reads may leave it out.
fn without_revision(answer: &Answer) -> Answer {
    let mut answer = answer.clone();
    if let Answer::Booking(booking) = &mut answer {
        booking.revision = None;
    }
    answer
}

fn is_read(call: &Call) -> bool {
    match call.request {
        Request::Get(_) | Request::Look(_) | Request::List(_) => true,
        Request::Book { .. } | Request::Modify { .. } | Request::Cancel(_) | Request::CheckIn(_) => false,
    }
}

/// Whether a command, or a due row, would have broken an invariant: always a bug of ours.
fn is_contradiction(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Contradicted(_) => true,
        Outcome::Ticked { contradicted, .. } => *contradicted > 0,
        Outcome::Rejected(_)
        | Outcome::Venue(..)
        | Outcome::Resource(..)
        | Outcome::Slots(_)
        | Outcome::User(..)
        | Outcome::Session { .. }
        | Outcome::SessionsClosed(_)
        | Outcome::Booking(..)
        | Outcome::NodeKeyRegistered
        | Outcome::Account(..)
        | Outcome::App(..)
        | Outcome::AppDeleted(_)
        | Outcome::NodeKeysRetired(_)
        | Outcome::Policy(..)
        | Outcome::Job(..)
        | Outcome::ResourceWithdrawn(_)
        | Outcome::SlotWithdrawn(_)
        | Outcome::EditionAdopted(_)
        | Outcome::SlotDay(..)
        | Outcome::Code(..)
        | Outcome::NodeKeyRevoked(..)
        | Outcome::Device(..)
        | Outcome::DeviceRemoved(..)
        | Outcome::Preferences(..)
        | Outcome::Webhook(..)
        | Outcome::WebhookRemoved(_)
        | Outcome::DeliveriesSettled(_)
        | Outcome::DeadLettersReplayed { .. } => false,
    }
}

/// Whether a retry is to get this outcome again.
fn is_effect(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Rejected(rejection) => rejection.is_remembered(),
        Outcome::Contradicted(_) => false,
        Outcome::Venue(..)
        | Outcome::Resource(..)
        | Outcome::Slots(_)
        | Outcome::User(..)
        | Outcome::Session { .. }
        | Outcome::SessionsClosed(_)
        | Outcome::Booking(..)
        | Outcome::Ticked { .. }
        | Outcome::NodeKeyRegistered
        | Outcome::Account(..)
        | Outcome::App(..)
        | Outcome::AppDeleted(_)
        | Outcome::NodeKeysRetired(_)
        | Outcome::Policy(..)
        | Outcome::Job(..)
        | Outcome::ResourceWithdrawn(_)
        | Outcome::SlotWithdrawn(_)
        | Outcome::EditionAdopted(_)
        | Outcome::SlotDay(..)
        | Outcome::Code(..)
        | Outcome::NodeKeyRevoked(..)
        | Outcome::Device(..)
        | Outcome::DeviceRemoved(..)
        | Outcome::Preferences(..)
        | Outcome::Webhook(..)
        | Outcome::WebhookRemoved(_)
        | Outcome::DeliveriesSettled(_)
        | Outcome::DeadLettersReplayed { .. } => true,
    }
}

/// A booking of the rules in the words of a history.
fn booking_of(id: rules::BookingId, booking: &rules::Booking) -> Booking {
    let status = Status::of(&booking.state);
    let (slot, owner, count) = (booking.slot, booking.user, booking.count);
    Booking { id, slot, owner, count, status, revision: Some(booking.revision) }
}

/// The places of a slot, all its pools together.
fn counts_of(rows: &impl ReadRows, slot: rules::SlotId) -> Option<Counts> {
    let slot = rows.row::<Slot>(slot)?;
    let pools = slot.pools.iter().filter_map(|pool| rows.row::<PoolCounts>(pool.id));
    let mut sum = Counts { capacity: 0, available: 0, held: 0, confirmed: 0 };
    for pool in pools {
        sum.capacity += u64::from(pool.capacity);
        sum.available += u64::from(pool.available);
        sum.held += u64::from(pool.held);
        sum.confirmed += u64::from(pool.confirmed);
    }
    Some(sum)
}

#[cfg(test)]
mod tests;
