//! What one command works with: the rows as it sees them, the agreed time, and who asks.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::edition::{Edition, WITH_DAYS};
use crate::event::Event;
use crate::ids::{PoolId, Revision, SlotId, UserId};
use crate::outcome::{Contradiction, Halt, MissingRow, Rejection};
use crate::overlay::{Changes, Overlay};
use crate::principal::{Principal, Role};
use crate::rows::{Key, Order, ReadRows, ReadTyped as _, Row, Stored};
use crate::time::Timestamp;

/// One command's view of the state.
pub struct Context<'a> {
    overlay: Overlay<'a>,
    events: Vec<Event>,
    /// Rows that were worked out from the others, and hold whatever the command comes to.
    notes: Vec<(Key, Row)>,
    /// The agreed time.
    pub(crate) now: Timestamp,
    /// Where this command stands in the log, behind the events it has caused.
    pub(crate) revision: Revision,
    /// Which edition of the rules counts.
    pub(crate) edition: Edition,
    /// Who asks.
    pub(crate) principal: Principal,
    /// Found for earlier commands of the same entry.
    pub(crate) alternatives: &'a mut Alternatives,
}

/// The alternatives found for sold-out pools during one entry: thousands may ask for the last place at once, and one
/// search answers them all.
pub type Alternatives = BTreeMap<(PoolId, u32), Vec<SlotId>>;

/// A signed-in user who may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub(crate) user: UserId,
    /// As what.
    pub(crate) role: Role,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        rows: &'a dyn ReadRows,
        (now, edition, revision): (Timestamp, Edition, Revision),
        principal: Principal,
        alternatives: &'a mut Alternatives,
    ) -> Self {
        let (overlay, events, notes) = (Overlay::over(rows), Vec::new(), Vec::new());
        Self { overlay, events, notes, now, revision, edition, principal, alternatives }
    }

    /// The user behind the principal, with the role he has now.
    pub(crate) fn actor(&self) -> Result<Actor, Halt> {
        let acting = self.principal.acting_in(self);
        acting.map(|(user, role)| Actor { user, role }).ok_or_else(|| Rejection::Unauthenticated.into())
    }

    /// The actor, if his role satisfies `allows`.
    pub(crate) fn actor_who(&self, allows: fn(Role) -> bool) -> Result<Actor, Halt> {
        let actor = self.actor()?;
        if allows(actor.role) { Ok(actor) } else { Err(Rejection::Forbidden.into()) }
    }

    /// Refuses everybody but the cluster itself.
    pub(crate) fn only_internal(&self) -> Result<(), Halt> {
        match self.principal {
            Principal::Internal => Ok(()),
            Principal::Anonymous | Principal::User { .. } | Principal::App { .. } => {
                Err(Rejection::Forbidden.into())
            }
        }
    }

    /// Does something on another's behalf, apart from the rest: what fails leaves no row and no event behind.
    pub(crate) fn attempt<T>(
        &mut self,
        principal: Principal,
        does: impl FnOnce(&mut Context<'_>) -> Result<T, Halt>,
    ) -> Result<T, Halt> {
        let mut alternatives = std::mem::take(self.alternatives);
        let (result, changes, events) = {
            let at = (self.now, self.edition, self.revision);
            let mut apart = Context::new(&*self, at, principal, &mut alternatives);
            let result = does(&mut apart);
            let revision = apart.revision;
            let (changes, events) = apart.finish();
            (result.map(|done| (done, revision)), changes, events)
        };
        *self.alternatives = alternatives;
        let (done, revision) = result?;
        self.revision = revision;
        for (key, row) in changes {
            self.overlay.set(key, row);
        }
        self.events.extend(events);
        Ok(done)
    }

    /// Writes the row of an id.
    pub(crate) fn put<S: Stored>(&mut self, id: S::Id, value: S) {
        self.overlay.set(S::key(id), Some(value.into_row()));
    }

    /// Writes a row that is kept by value.
    pub(crate) fn set(&mut self, key: Key, row: Row) {
        self.overlay.set(key, Some(row));
    }

    /// Writes a row that only says what the others do. While nothing else has changed, it is kept though the command be
    /// refused.
    pub(crate) fn note(&mut self, key: Key, row: Row) {
        if self.overlay.is_unchanged() {
            self.notes.push((key.clone(), row.clone()));
        }
        self.overlay.set(key, Some(row));
    }

    /// Writes an index row.
    pub(crate) fn index(&mut self, key: Key) {
        self.overlay.set(key, Some(Row::Index));
    }

    /// Deletes a row.
    pub(crate) fn delete(&mut self, key: Key) {
        self.overlay.set(key, None);
    }

    /// Notes what happened.
    pub(crate) fn emit(&mut self, event: Event) {
        self.events.push(event);
        if self.edition >= WITH_DAYS {
            // Each event has a revision of its own.
            self.revision.ordinal = self.revision.ordinal.saturating_add(1);
        }
    }

    /// What happened so far, each event with the revision that names it; `first` is that of the command.
    pub(crate) fn events(&self, first: Revision) -> Vec<(Revision, Event)> {
        let step = u32::from(self.edition >= WITH_DAYS);
        let name = |(place, event): (u32, &Event)| {
            let ordinal = first.ordinal.saturating_add(place.saturating_mul(step));
            (Revision { ordinal, ..first }, *event)
        };
        (0..).zip(&self.events).map(name).collect()
    }

    /// The rows this command changed and the events it caused.
    pub(crate) fn finish(self) -> (Changes, Vec<Event>) {
        (self.overlay.into_changes(), self.events)
    }

    /// As above for a command that was refused: what is kept of it.
    pub(crate) fn take_notes(&mut self) -> Vec<(Key, Row)> {
        std::mem::take(&mut self.notes)
    }

    /// The row of an id that another row names.
    pub(crate) fn expect_row<S: Stored>(
        &self,
        id: S::Id,
        missing: MissingRow,
    ) -> Result<Arc<S>, Contradiction> {
        self.row::<S>(id).ok_or(Contradiction::RowMissing(missing))
    }
}

impl ReadRows for Context<'_> {
    fn get(&self, key: &Key) -> Option<Row> {
        self.overlay.get(key)
    }

    fn scan(&self, range: Range<Key>, order: Order, limit: usize) -> Vec<(Key, Row)> {
        self.overlay.scan(range, order, limit)
    }
}
