//! Slots, their days and their parties, in plain maps. What is due happens when somebody tidies up, and not before.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_reservations::*;

pub const OPERATOR: u64 = 1;
pub const STAFF: u64 = 2;
pub const GUESTS: [u64; 2] = [3, 4];

/// What became of the parties of a slot that did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Planned,
    Stopped { missing: u32, expected: u32 },
    Releasing,
    Released,
    Kept,
}

pub struct Day {
    pub starts_at: u64,
    pub ends_at: u64,
    pub capacity: u32,
    pub ready_at: u64,
    pub is_ready: bool,
    pub missing: Missing,
}

pub struct Party {
    pub slot: u64,
    pub user: u64,
    pub count: u32,
    /// As it is stored: a hold may have lapsed.
    pub state: BookingState,
    /// How many events told of it.
    pub version: u32,
    /// When it was confirmed, came from another slot, or was found not to have come in.
    pub since: u64,
    /// When somebody looks whether it has come.
    pub looks: BTreeSet<u64>,
    pub admission: Option<(u64, Scan)>,
    pub code: Option<(u32, Vec<NodeKeyId>)>,
}

#[derive(Default)]
pub struct Model {
    pub now: u64,
    pub days: BTreeMap<u64, Day>,
    pub parties: BTreeMap<u64, Party>,
    pub policies: BTreeMap<Scope, BTreeMap<PolicyField, u64>>,
    /// Since when something was decided that nobody has worked out for the days.
    pub decided_at: Option<u64>,
    pub revoked: BTreeSet<NodeKeyId>,
}

/// What a command does to the booking it speaks of; nothing if it is asked for again, or of no booking.
pub type Answer = Result<Option<BookingEvent>, Rejection>;

impl Model {
    pub fn act(&mut self, user: u64, command: &Command) -> Answer {
        match command {
            Command::OpenSlots(open) => self.open(open),
            Command::Book(Book { slot: SlotName::Id(slot), count, .. }) => {
                self.make(user, slot.0, *count, BookingState::Confirmed)
            }
            Command::Reserve(Reserve {
                slot: SlotName::Id(slot),
                places: Places::Count(count),
                hold,
                ..
            }) => {
                let duration = hold.unwrap().duration.unwrap();
                let expires_at = Timestamp(self.now + duration.0);
                self.make(user, slot.0, *count, BookingState::Held { expires_at, duration })
            }
            Command::Confirm(confirm) => self.confirm(user, confirm),
            Command::Cancel(cancel) => self.cancel(user, cancel),
            Command::Modify(modify) => self.change(user, modify),
            Command::Scan(scan) => self.scan(user, scan),
            Command::CheckIn(CheckIn { booking, expected_version, .. }) => {
                let (booking, expected_version) = (*booking, *expected_version);
                let (code, nonce, place, override_reason, scanned_at) = (None, None, None, None, None);
                self.scan(
                    user,
                    &Scan { booking, code, nonce, place, override_reason, scanned_at, expected_version },
                )
            }
            Command::UndoScan(undo) => self.undo(user, undo),
            Command::IssueCode(issue) => self.issue(user, *issue),
            Command::DecideNoShows(decide) => self.decide(user, *decide),
            Command::SetPolicy(set) => {
                for (field, value) in &set.fields {
                    let policy = self.policies.entry(set.scope).or_default();
                    policy.remove(field);
                    policy.extend(value.map(|value| (*field, value)));
                }
                let moves = |field: &PolicyField| {
                    matches!(field, PolicyField::NoShowGrace | PolicyField::ReminderLead)
                };
                if set.fields.iter().any(|(field, _)| moves(field)) {
                    self.plan_again(set.scope);
                }
                Ok(None)
            }
            Command::RevokeNodeKey(RevokeNodeKey { key }) => {
                self.revoked.insert(*key);
                Ok(None)
            }
            other => panic!("not modelled: {other:?}"),
        }
    }

    /// What the nearest policy says for a slot.
    pub fn policy(&self, slot: u64, field: PolicyField) -> Option<u64> {
        // The pool of a slot has its number.
        let pool = matches!(field, PolicyField::CheckInEarly | PolicyField::CheckInLate)
            .then_some(Scope::Pool(PoolId(slot)));
        let scopes = [Scope::Slot(SlotId(slot)), Scope::Resource(ResourceId(1)), Scope::Cluster];
        let policies = pool.into_iter().chain(scopes).filter_map(|scope| self.policies.get(&scope));
        policies.filter_map(|policy| policy.get(&field).copied()).next()
    }

    pub fn ready_at(&self, slot: u64, starts_at: u64) -> u64 {
        starts_at.saturating_sub(self.policy(slot, PolicyField::ReminderLead).unwrap_or(15 * 60_000))
    }

    /// When a party that was confirmed then is a no-show unless it comes.
    pub fn missed_at(&self, slot: u64, since: u64) -> u64 {
        let day = &self.days[&slot];
        match self.policy(slot, PolicyField::NoShowGrace) {
            Some(grace) => since.max(day.starts_at) + grace,
            None => day.ends_at,
        }
    }

    fn open(&mut self, open: &OpenSlots) -> Answer {
        let NewSlot { window, pools } = &open.slots[0];
        let NewPlaces::Counter { capacity } = pools[0].places else { panic!("only counters") };
        let (starts_at, ends_at, id) = (window.starts_at().0, window.ends_at().0, self.days.len() as u64 + 1);
        let ready_at = self.ready_at(id, starts_at);
        let day = Day { starts_at, ends_at, capacity, ready_at, is_ready: false, missing: Missing::Planned };
        self.days.insert(id, day);
        Ok(None)
    }

    /// As it is now: what has lapsed is no more.
    pub fn state(&self, party: &Party) -> BookingState {
        match party.state {
            BookingState::Held { expires_at, .. } if expires_at.0 <= self.now => {
                BookingState::Expired { at: expires_at }
            }
            state => state,
        }
    }

    /// Places of a slot that somebody has, but for one.
    fn taken(&self, slot: u64, but_for: Option<u64>) -> u32 {
        let parties = self.parties.iter().filter(|(id, party)| party.slot == slot && Some(**id) != but_for);
        parties.filter(|(_, party)| has_places(self.state(party))).map(|(_, party)| party.count).sum()
    }

    /// Refuses a slot that has ended.
    fn runs(&self, slot: u64) -> Result<(), Rejection> {
        let ended_at = Timestamp(self.days[&slot].ends_at);
        if self.now < ended_at.0 { Ok(()) } else { Err(Rejection::TooLate { ended_at }) }
    }

    fn fits(&self, slot: u64, count: u32) -> Result<(), Rejection> {
        let room = self.days[&slot].capacity - self.taken(slot, None);
        if room >= count {
            return Ok(());
        }
        Err(full(room))
    }

    fn make(&mut self, user: u64, slot: u64, count: u32, state: BookingState) -> Answer {
        self.runs(slot)?;
        self.fits(slot, count)?;
        let id = self.parties.len() as u64 + 1;
        let (since, looks) = (self.now, BTreeSet::new());
        let party = Party { slot, user, count, state, version: 0, since, looks, admission: None, code: None };
        self.parties.insert(id, party);
        match state {
            BookingState::Held { .. } => Ok(Some(BookingEvent::Held)),
            _ => {
                self.expect(id);
                Ok(Some(BookingEvent::Confirmed))
            }
        }
    }

    /// A party is expected from now on.
    fn expect(&mut self, id: u64) {
        let now = self.now;
        let slot = self.parties[&id].slot;
        let look = self.missed_at(slot, now).max(now);
        let has_started = self.days[&slot].starts_at <= now;
        let party = self.parties.get_mut(&id).unwrap();
        party.since = now;
        party.looks.extend(has_started.then_some(look));
    }

    /// The booking, if the user may know of it, in the version he expects.
    fn find(&self, user: u64, id: BookingId, expected: Option<u32>) -> Result<BookingState, Rejection> {
        let party = &self.parties[&id.0];
        if GUESTS.contains(&user) && party.user != user {
            return Err(Rejection::BookingNotFound(id));
        }
        let state = self.state(party);
        let is_expired = matches!(state, BookingState::Expired { .. });
        if expected.is_some_and(|expected| expected != party.version) && !is_expired {
            return Err(Rejection::VersionMismatch { current: party.version });
        }
        Ok(state)
    }

    fn confirm(&mut self, user: u64, confirm: &Confirm) -> Answer {
        let state = self.find(user, confirm.booking, confirm.expected_version)?;
        if let BookingState::Confirmed | BookingState::Ready { .. } = state {
            return Err(Rejection::NotHeld);
        }
        live(state)?;
        let id = confirm.booking.0;
        self.runs(self.parties[&id].slot)?;
        self.parties.get_mut(&id).unwrap().state = BookingState::Confirmed;
        self.expect(id);
        Ok(Some(BookingEvent::Confirmed))
    }

    fn cancel(&mut self, user: u64, cancel: &Cancel) -> Answer {
        live(self.find(user, cancel.booking, cancel.expected_version)?)?;
        self.runs(self.parties[&cancel.booking.0].slot)?;
        let state = BookingState::Cancelled { at: Timestamp(self.now) };
        self.parties.get_mut(&cancel.booking.0).unwrap().state = state;
        Ok(Some(BookingEvent::Cancelled))
    }

    fn change(&mut self, user: u64, modify: &Modify) -> Answer {
        let state = self.find(user, modify.booking, modify.expected_version)?;
        live(state)?;
        let id = modify.booking.0;
        let (old, had) = (self.parties[&id].slot, self.parties[&id].count);
        self.runs(old)?;
        let new = match modify.slot {
            Some(SlotChoice::Id(slot)) => slot.0,
            _ => old,
        };
        self.runs(new)?;
        let count = modify.count.unwrap_or(had);
        if (new, count) == (old, had) {
            return Ok(None);
        }
        let room = self.days[&new].capacity - self.taken(new, Some(id));
        if count > room {
            // Who is held gives its places back first, and is told of these too.
            let is_told = matches!(state, BookingState::Held { .. });
            return Err(full(if is_told { room } else { self.days[&new].capacity - self.taken(new, None) }));
        }
        let party = self.parties.get_mut(&id).unwrap();
        (party.slot, party.count) = (new, count);
        if new != old && !matches!(state, BookingState::Held { .. }) {
            party.state = BookingState::Confirmed;
            self.expect(id);
        }
        Ok(Some(BookingEvent::Changed))
    }

    fn scan(&mut self, user: u64, scan: &Scan) -> Answer {
        if GUESTS.contains(&user) {
            return Err(Rejection::Forbidden);
        }
        let id = scan.booking.0;
        let (slot, party) = (self.parties[&id].slot, &self.parties[&id]);
        let state = self.state(party);
        if let Some((by, before)) = &party.admission
            && *by == user
            && scan.nonce.is_some()
            && before.nonce == scan.nonce
        {
            return if let BookingState::Used { .. } = state { Ok(None) } else { Err(Rejection::NotUsed) };
        }
        self.find(user, scan.booking, scan.expected_version)?;
        match state {
            BookingState::NoShow { is_released: false, .. } => (),
            BookingState::Held { .. } => return Err(Rejection::NotConfirmed),
            BookingState::Used { at: used_at, by: used_by, .. } => {
                let place = party.admission.as_ref().and_then(|(_, before)| before.place.clone());
                return Err(match place {
                    Some(place) => Rejection::AlreadyUsedAt { used_at, used_by, place },
                    None => Rejection::AlreadyUsed { used_at, used_by },
                });
            }
            other => live(other)?,
        }
        if let Some(code) = scan.code {
            if self.revoked.contains(&code.signer) {
                return Err(Rejection::CodeRevoked);
            }
            let current = party.code.as_ref().map_or(1, |code| code.0);
            if code.revision != current {
                return Err(Rejection::CodeStale { current });
            }
        }
        let day = &self.days[&slot];
        let opens_at = day.starts_at - self.policy(slot, PolicyField::CheckInEarly).unwrap_or(0);
        let ended_at = day.ends_at + self.policy(slot, PolicyField::CheckInLate).unwrap_or(0);
        if scan.override_reason.is_none() && self.now < opens_at {
            return Err(Rejection::TooEarly { opens_at: Timestamp(opens_at) });
        }
        if scan.override_reason.is_none() && self.now >= ended_at {
            return Err(match state {
                BookingState::NoShow { at, .. } => Rejection::NoShow { since: at },
                _ => Rejection::TooLate { ended_at: Timestamp(ended_at) },
            });
        }
        let at = Timestamp(self.now);
        let party = self.parties.get_mut(&id).unwrap();
        party.state = BookingState::Used { at, by: UserId(user), scanned_at: None };
        party.admission = Some((user, scan.clone()));
        Ok(Some(BookingEvent::Used))
    }

    fn undo(&mut self, user: u64, undo: &UndoScan) -> Answer {
        if GUESTS.contains(&user) {
            return Err(Rejection::Forbidden);
        }
        let id = undo.booking.0;
        let state = self.find(user, undo.booking, undo.expected_version)?;
        let BookingState::Used { .. } = state else { return Err(Rejection::NotUsed) };
        let is_ready = self.days[&self.parties[&id].slot].is_ready;
        let since = Timestamp(self.now);
        let party = self.parties.get_mut(&id).unwrap();
        party.state = if is_ready { BookingState::Ready { since } } else { BookingState::Confirmed };
        self.expect(id);
        Ok(Some(BookingEvent::Changed))
    }

    fn issue(&mut self, user: u64, issue: IssueCode) -> Answer {
        let state = self.find(user, issue.booking, None)?;
        if let BookingState::Held { .. } = state {
            return Err(Rejection::NotConfirmed);
        }
        live(state)?;
        if self.revoked.contains(&issue.signer) {
            return Err(Rejection::NodeKeyRevoked(issue.signer));
        }
        let code = &mut self.parties.get_mut(&issue.booking.0).unwrap().code;
        match code {
            None => *code = Some((1, vec![issue.signer])),
            Some((revision, _)) if issue.is_reissue => *code = Some((*revision + 1, vec![issue.signer])),
            Some((_, signers)) if signers.contains(&issue.signer) => (),
            Some((_, signers)) => signers.push(issue.signer),
        }
        Ok(None)
    }

    fn decide(&mut self, user: u64, decide: DecideNoShows) -> Answer {
        if user != OPERATOR {
            return Err(Rejection::Forbidden);
        }
        let day = self.days.get_mut(&decide.slot.0).unwrap();
        let Missing::Stopped { .. } = day.missing else {
            return Err(Rejection::NothingToDecide(decide.slot));
        };
        day.missing = match decide.decision {
            Decision::Release => Missing::Releasing,
            Decision::Keep => Missing::Kept,
        };
        Ok(None)
    }
}

/// Whose places nobody else can have.
pub fn has_places(state: BookingState) -> bool {
    is_confirmed(state) || matches!(state, BookingState::Held { .. })
}

/// Who has places for good.
pub fn is_confirmed(state: BookingState) -> bool {
    match state {
        BookingState::Confirmed | BookingState::Ready { .. } | BookingState::Used { .. } => true,
        BookingState::NoShow { is_released, .. } => !is_released,
        _ => false,
    }
}

fn full(available: u32) -> Rejection {
    Rejection::SlotFull(SlotFull { available, sold_out_at: None, alternatives: Vec::new() })
}

/// Refuses a booking that has nothing to change.
fn live(state: BookingState) -> Result<(), Rejection> {
    match state {
        BookingState::Confirmed | BookingState::Ready { .. } | BookingState::Held { .. } => Ok(()),
        BookingState::Used { at, by, .. } => Err(Rejection::AlreadyUsed { used_at: at, used_by: by }),
        BookingState::Cancelled { .. } => Err(Rejection::AlreadyCancelled),
        BookingState::Expired { at } => Err(Rejection::HoldExpired { expired_at: at }),
        BookingState::NoShow { at, .. } => Err(Rejection::NoShow { since: at }),
        other => panic!("nobody waits here: {other:?}"),
    }
}
