//! What happens because time passes.

use holdfast_reservations::*;

use crate::model::{Missing, Model, Party};

impl Model {
    /// A policy was decided: one slot is planned again at once, many by a tick.
    pub fn plan_again(&mut self, scope: Scope) {
        match scope {
            Scope::Slot(SlotId(id)) if self.days.contains_key(&id) => {
                let planned = self.ready_at(id, self.days[&id].starts_at);
                let day = self.days.get_mut(&id).unwrap();
                let is_over = day.ends_at <= self.now && day.missing != Missing::Planned;
                if !day.is_ready && !is_over {
                    day.ready_at = planned;
                }
            }
            Scope::Slot(_) | Scope::Pool(_) => (),
            Scope::Cluster | Scope::Venue(_) | Scope::Resource(_) => {
                self.decided_at = self.decided_at.or(Some(self.now));
            }
        }
    }

    /// Everything happens that is due. The answer is how many slots have stopped.
    pub fn tidy_up(&mut self) -> usize {
        let at = Timestamp(self.now);
        let lapsed: Vec<_> = self.parties.iter().map(|(id, party)| (*id, self.state(party))).collect();
        for (id, state) in lapsed {
            self.parties.get_mut(&id).unwrap().state = state;
        }
        self.become_ready();
        for party in self.parties.values_mut() {
            if party.state == BookingState::Confirmed && self.days[&party.slot].is_ready {
                party.state = BookingState::Ready { since: at };
            }
            if let Some((revision, signers)) = &mut party.code
                && signers.iter().any(|signer| self.revoked.contains(signer))
            {
                (*revision, *signers) = (*revision + 1, Vec::new());
            }
        }
        let slots: Vec<u64> = self.days.keys().copied().collect();
        let stopped = slots.into_iter().filter(|slot| self.release_or_stop(*slot)).count();
        self.look();
        stopped
    }

    fn become_ready(&mut self) {
        // What was due when something else was decided has happened.
        let decided_at = self.decided_at.take();
        let plans: Vec<(u64, u64)> =
            self.days.iter().map(|(id, day)| (*id, self.ready_at(*id, day.starts_at))).collect();
        for (id, planned) in plans {
            let day = self.days.get_mut(&id).unwrap();
            if decided_at.is_some_and(|decided_at| decided_at < day.ready_at) {
                day.ready_at = planned;
            }
            day.is_ready |= day.ready_at <= self.now;
        }
    }

    /// Those who are expected and should have come, and those who should come later.
    fn missing(&self, slot: u64) -> (Vec<u64>, Vec<u64>) {
        let expected = self.parties.iter().filter(|(_, party)| party.slot == slot && is_expected(party));
        let ids = expected.map(|(id, party)| (*id, self.missed_at(slot, party.since) <= self.now));
        let (missing, others): (Vec<_>, Vec<_>) = ids.partition(|(_, is_missing)| *is_missing);
        let ids = |parties: Vec<(u64, bool)>| parties.into_iter().map(|(id, _)| id).collect();
        (ids(missing), ids(others))
    }

    fn release_or_stop(&mut self, slot: u64) -> bool {
        let day = &self.days[&slot];
        let is_counted = day.missing == Missing::Planned && self.missed_at(slot, 0) <= self.now;
        if !is_counted && day.missing != Missing::Releasing {
            return false;
        }
        let (parties, others) = self.missing(slot);
        let missing: u32 = parties.iter().map(|id| self.parties[id].count).sum();
        let is_in = |party: &&Party| party.slot == slot && matches!(party.state, BookingState::Used { .. });
        let used: u32 = self.parties.values().filter(is_in).map(|party| party.count).sum();
        let share = self.policy(slot, PolicyField::NoShowShareMax).unwrap_or(50) as u32;
        let expected = missing + used;
        let is_stopped = is_counted && expected >= 20 && missing * 100 > share * expected;
        self.days.get_mut(&slot).unwrap().missing =
            if is_stopped { Missing::Stopped { missing, expected } } else { Missing::Released };
        if !is_stopped {
            for id in parties {
                self.release(id);
            }
            for id in others {
                let look = self.missed_at(slot, self.parties[&id].since);
                self.parties.get_mut(&id).unwrap().looks.insert(look);
            }
        }
        is_stopped
    }

    fn release(&mut self, id: u64) {
        let is_released = self.now < self.days[&self.parties[&id].slot].ends_at;
        let state = BookingState::NoShow { at: Timestamp(self.now), is_released };
        self.parties.get_mut(&id).unwrap().state = state;
    }

    /// Who was expected later than the others has come by now, or is released as well.
    fn look(&mut self) {
        let ids: Vec<u64> = self.parties.keys().copied().collect();
        for id in ids {
            let party = self.parties.get_mut(&id).unwrap();
            let later = party.looks.split_off(&(self.now + 1));
            let is_looked_at = !std::mem::replace(&mut party.looks, later).is_empty();
            let (slot, since) = (party.slot, party.since);
            if !is_looked_at || !is_expected(party) || self.days[&slot].missing != Missing::Released {
                continue;
            }
            let missed_at = self.missed_at(slot, since);
            if missed_at <= self.now {
                self.release(id);
            } else {
                self.parties.get_mut(&id).unwrap().looks.insert(missed_at);
            }
        }
    }
}

fn is_expected(party: &Party) -> bool {
    matches!(party.state, BookingState::Confirmed | BookingState::Ready { .. })
}
