//! The one door: every change of state comes in through [`State::apply`].

use std::collections::BTreeMap;

use crate::clock::Clock;
use crate::command::{Entry, Request};
use crate::context::{Alternatives, Context};
use crate::edition::{Edition, WITH_DAYS};
use crate::event::Event;
use crate::feed;
use crate::ids::Revision;
use crate::outbox;
use crate::outcome::{Applied, Halt, Outcome, Rejection};
use crate::requests::{self, Counting, KEYS_MAX, KEYS_MAX_APP, KeyCount, Recalled};
use crate::rows::{Key, ReadTyped as _, Row, Rows};
use crate::time::Timestamp;

/// Principals whose key counts are kept in memory; beyond this they are counted again.
const KEYS_KNOWN_MAX: usize = 100_000;

/// The replicated state: rows, and the rules that change them.
pub struct State<R> {
    rows: R,
    clock: Clock,
    /// How many keys a principal has used in this generation, for those who were counted. Derived from the rows.
    keys_known: BTreeMap<u64, usize>,
    /// Which edition of the rules counts for the entry at hand.
    edition: Edition,
}

impl<R: Rows> State<R> {
    /// The state that these rows hold.
    pub fn over(rows: R) -> Self {
        let clock = rows.row::<Clock>(()).map_or_else(Clock::default, |clock| *clock);
        let edition = Edition::of(&rows);
        Self { rows, clock, keys_known: BTreeMap::new(), edition }
    }

    /// The agreed time.
    pub fn now(&self) -> Timestamp {
        self.clock.now
    }

    /// The rows.
    pub fn rows(&self) -> &R {
        &self.rows
    }

    /// The rows, for whoever stores them.
    pub fn rows_mut(&mut self) -> &mut R {
        &mut self.rows
    }

    /// Applies a committed entry: what became of each of its requests, in their order.
    pub fn apply(&mut self, index: u64, entry: &Entry) -> Vec<Applied> {
        self.edition = Edition::of(&self.rows);
        self.advance(entry.proposed_at);
        let applied = self.apply_all(index, &entry.requests);
        if self.edition >= WITH_DAYS {
            feed::write(&mut self.rows, &self.clock, index, &applied);
        }
        applied
    }

    fn apply_all(&mut self, index: u64, requests: &[Request]) -> Vec<Applied> {
        let mut alternatives = Alternatives::new();
        let mut revision = Revision { index, ordinal: 0 };
        let mut applied = Vec::with_capacity(requests.len());
        for request in requests {
            let one = self.apply_once(revision, request, &mut alternatives);
            revision = self.behind(revision, &one);
            applied.push(one);
        }
        applied
    }

    /// The revision of the next command: each event takes one, and a command without events does too.
    fn behind(&self, revision: Revision, applied: &Applied) -> Revision {
        let events = if self.edition >= WITH_DAYS { applied.events.len() } else { 1 };
        let taken = u32::try_from(events.max(1)).unwrap_or(u32::MAX);
        Revision { ordinal: revision.ordinal.saturating_add(taken), ..revision }
    }

    fn advance(&mut self, proposed_at: Timestamp) {
        let generation = self.clock.generation;
        self.clock.advance(proposed_at, &mut self.rows);
        if self.clock.generation != generation {
            self.keys_known.clear();
        }
    }

    /// INV-4: a request has one effect, however often it comes.
    fn apply_once(
        &mut self,
        revision: Revision,
        request: &Request,
        alternatives: &mut Alternatives,
    ) -> Applied {
        let refused =
            |rejection| Applied { revision, outcome: Outcome::Rejected(rejection), events: Vec::new() };
        match requests::recall(&self.rows, &self.clock, request.principal, request.id) {
            Recalled::Answered(revision, outcome) => Applied { revision, outcome, events: Vec::new() },
            Recalled::Refused(rejection) => refused(rejection),
            Recalled::New => match self.admit_key(request) {
                Ok(()) => self.apply_new(revision, request, alternatives),
                Err(rejection) => refused(rejection),
            },
        }
    }

    fn apply_new(
        &mut self,
        revision: Revision,
        request: &Request,
        alternatives: &mut Alternatives,
    ) -> Applied {
        let at = (self.clock.now, self.edition, revision);
        let mut context = Context::new(&self.rows, at, request.principal, alternatives);
        let result = request.command.apply(&mut context);
        if result.is_ok() {
            let events = context.events(revision);
            outbox::post(&mut context, &events);
        }
        let notes = context.take_notes();
        let (changes, events) = context.finish();
        match result {
            Ok(outcome) => {
                for (key, row) in changes {
                    self.rows.set(key, row);
                }
                self.remember(revision, request, outcome, events)
            }
            // What a refused or contradictory command changed goes with its overlay.
            Err(Halt::Rejected(rejection)) if rejection.is_remembered() => {
                for (key, row) in notes {
                    self.rows.set(key, Some(row));
                }
                self.remember(revision, request, Outcome::Rejected(rejection), Vec::new())
            }
            Err(Halt::Rejected(rejection)) => {
                Applied { revision, outcome: Outcome::Rejected(rejection), events: Vec::new() }
            }
            Err(Halt::Contradicted(contradiction)) => {
                Applied { revision, outcome: Outcome::Contradicted(contradiction), events: Vec::new() }
            }
        }
    }

    /// Writes the request's row, so that a retry finds this answer.
    fn remember(
        &mut self,
        revision: Revision,
        request: &Request,
        outcome: Outcome,
        events: Vec<Event>,
    ) -> Applied {
        if let Some((key, row)) = requests::row(&self.clock, request, revision, &outcome) {
            self.rows.set(key, Some(row));
            self.count_key(request);
        }
        Applied { revision, outcome, events }
    }

    /// Refuses a principal who has used up its keys.
    fn admit_key(&mut self, request: &Request) -> Result<(), Rejection> {
        let scope = request.principal.scope();
        let is_used_up = match requests::counting(&self.rows, request) {
            Counting::Free => false,
            Counting::ByRow => {
                requests::counted_keys(&self.rows, self.clock.generation, scope).0 >= KEYS_MAX_APP
            }
            Counting::ByLooking => self.keys_used(scope) >= KEYS_MAX,
        };
        if is_used_up { Err(Rejection::TooManyKeys) } else { Ok(()) }
    }

    fn keys_used(&mut self, scope: u64) -> usize {
        if let Some(known) = self.keys_known.get(&scope) {
            return *known;
        }
        if self.keys_known.len() >= KEYS_KNOWN_MAX {
            self.keys_known.clear();
        }
        let counted = requests::count_keys(&self.rows, self.clock.generation, scope);
        self.keys_known.insert(scope, counted);
        counted
    }

    fn count_key(&mut self, request: &Request) {
        let scope = request.principal.scope();
        let counting = requests::counting(&self.rows, request);
        if matches!(counting, Counting::Free) {
            return;
        }
        // Whatever the role is now: it may change, and what is known must always be what looking would find.
        if let Some(known) = self.keys_known.get_mut(&scope) {
            *known = known.saturating_add(1);
        }
        if matches!(counting, Counting::ByRow) {
            let KeyCount(used) = requests::counted_keys(&self.rows, self.clock.generation, scope);
            let count = Row::KeyCount(KeyCount(used.saturating_add(1)));
            self.rows.set(Key::KeyCount(self.clock.generation, scope), Some(count));
        }
    }
}
