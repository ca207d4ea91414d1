//! Who may act: whoever was banned, demoted, logged out or revoked is not let in by any call that starts after that was
//! acknowledged, and nobody who was let in again is called banned.

use std::collections::BTreeMap;

use crate::violation::Violation;

/// What is shut and opened: a user, a right of his, or an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Door {
    /// Whose.
    pub user: u64,
    /// Which right of his.
    pub right: Right,
}

/// What somebody may do or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Anything at all: a ban shuts it.
    Acts,
    /// Admit guests: a role opens it.
    ChecksIn,
}

/// What somebody decided about who may act. A decision that is known to have had no effect is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// When it was first asked for.
    pub invoked_at: u64,
    /// When it was acknowledged; `None` if nobody knows whether it took effect.
    pub acknowledged_at: Option<u64>,
    /// What.
    pub what: Rule,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A door is shut.
    Shut(Door),
    /// It is opened again.
    Open(Door),
    /// Whatever a user was given to show before counts no more.
    Void(u64),
    /// What is named so counts no more.
    VoidOne(u128),
}

/// A call, and what was shown to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Showing {
    /// When it was first made.
    pub invoked_at: u64,
    /// When this attempt was answered.
    pub answered_at: u64,
    /// The door it goes through, which needs the user's own to be open too.
    pub door: Door,
    /// What was shown, and when it had been given.
    pub shown: Option<(u128, u64)>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of whoever asked to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was done.
    LetIn,
    /// He was told that he is banned.
    Banned,
    /// He was told that he may not do what he asks for.
    Forbidden,
    /// He was told that what he shows, which never grows old, does not count.
    Unknown,
}

/// Compares each call with the rulings.
#[must_use]
pub fn check(rulings: &[Ruling], showings: &[Showing]) -> Vec<Violation> {
    let known = Known::of(rulings);
    showings.iter().filter_map(|showing| known.judge(showing)).map(Violation::new).collect()
}

#[derive(Default)]
struct Known {
    doors: BTreeMap<Door, Vec<(Ruling, bool)>>,
    void: BTreeMap<u64, Vec<Ruling>>,
    void_ones: BTreeMap<u128, Vec<Ruling>>,
}

impl Known {
    fn of(rulings: &[Ruling]) -> Self {
        let mut known = Self::default();
        for ruling in rulings {
            match ruling.what {
                Rule::Shut(door) => {
                    known.doors.entry(door).or_default().push((*ruling, false));
                    if door.right == Right::Acts {
                        known.void.entry(door.user).or_default().push(*ruling);
                    }
                }
                Rule::Open(door) => known.doors.entry(door).or_default().push((*ruling, true)),
                Rule::Void(user) => known.void.entry(user).or_default().push(*ruling),
                Rule::VoidOne(name) => known.void_ones.entry(name).or_default().push(*ruling),
            }
        }
        known
    }

    fn judge(&self, showing: &Showing) -> Option<String> {
        let own = Door { right: Right::Acts, ..showing.door };
        let user = showing.door.user;
        match showing.fate {
            Fate::LetIn => {
                if let Some(door) = [own, showing.door].into_iter().find(|door| self.is_shut(*door, showing))
                {
                    return Some(format!("user {user} was let in though {door:?} was shut: {showing:?}"));
                }
                let voided = self.voided(showing)?;
                Some(format!("user {user} was let in by what was void since {voided:?}: {showing:?}"))
            }
            Fate::Banned => (!self.may_be_shut(own, showing))
                .then(|| format!("user {user} was called banned, and was not: {showing:?}")),
            Fate::Forbidden => (!self.may_be_shut(showing.door, showing))
                .then(|| format!("user {user} was forbidden what he may: {showing:?}")),
            Fate::Unknown => (!self.may_be_shut(own, showing) && !self.may_be_void(showing))
                .then(|| format!("what user {user} showed was called void, and was not: {showing:?}")),
        }
    }

    /// Whether a door was certainly shut while a call was made: shut before, and not opened since.
    fn is_shut(&self, door: Door, showing: &Showing) -> bool {
        let rulings = self.doors.get(&door).map_or(&[][..], Vec::as_slice);
        let shuts = rulings
            .iter()
            .filter(|(shut, opens)| !opens && shut.acknowledged_at.is_some_and(|at| at < showing.invoked_at));
        let may_follow = |open: &Ruling, shut: &Ruling| {
            open.invoked_at < showing.answered_at
                && open.acknowledged_at.is_none_or(|at| at > shut.invoked_at)
        };
        let mut lasting =
            shuts.filter(|(shut, _)| !rulings.iter().any(|(open, opens)| *opens && may_follow(open, shut)));
        lasting.next().is_some()
    }

    /// Whether a door may have been shut at some moment of a call.
    fn may_be_shut(&self, door: Door, showing: &Showing) -> bool {
        let rulings = self.doors.get(&door).map_or(&[][..], Vec::as_slice);
        let is_undone = |shut: &Ruling| {
            rulings.iter().any(|(open, opens)| {
                *opens
                    && shut.acknowledged_at.is_some_and(|at| at < open.invoked_at)
                    && open.acknowledged_at.is_some_and(|at| at < showing.invoked_at)
            })
        };
        let mut shuts = rulings.iter().filter(|(_, opens)| !opens);
        shuts.any(|(shut, _)| shut.invoked_at < showing.answered_at && !is_undone(shut))
    }

    /// The ruling that had voided what was shown before the call was made.
    fn voided(&self, showing: &Showing) -> Option<&Ruling> {
        let (name, given_at) = showing.shown?;
        let mut of_user = self.void.get(&showing.door.user).into_iter().flatten();
        let of_user = of_user.find(|ruling| {
            given_at < ruling.invoked_at && ruling.acknowledged_at.is_some_and(|at| at < showing.invoked_at)
        });
        let mut of_it = self.void_ones.get(&name).into_iter().flatten();
        of_user
            .or_else(|| of_it.find(|ruling| ruling.acknowledged_at.is_some_and(|at| at < showing.invoked_at)))
    }

    fn may_be_void(&self, showing: &Showing) -> bool {
        let Some((name, _)) = showing.shown else { return true };
        let mut of_it = self.void_ones.get(&name).into_iter().flatten();
        of_it.any(|ruling| ruling.invoked_at < showing.answered_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIA: Door = Door { user: 3, right: Right::Acts };
    const GATE: Door = Door { user: 3, right: Right::ChecksIn };

    fn ruling(what: Rule, invoked_at: u64, acknowledged_at: Option<u64>) -> Ruling {
        Ruling { invoked_at, acknowledged_at, what }
    }

    fn at(invoked_at: u64, fate: Fate) -> Showing {
        Showing { invoked_at, answered_at: invoked_at + 5, door: MIA, shown: None, fate }
    }

    fn says(rulings: &[Ruling], showing: Showing) -> String {
        check(rulings, &[showing]).first().map(|first| first.to_string()).unwrap_or_default()
    }

    #[test]
    fn whoever_was_banned_before_he_asked_is_not_let_in() {
        let banned = [ruling(Rule::Shut(MIA), 10, Some(20))];
        assert!(says(&banned, at(21, Fate::LetIn)).starts_with("user 3 was let in though"));
        assert_eq!(says(&banned, at(15, Fate::LetIn)), "", "it was under way");
        assert_eq!(says(&[ruling(Rule::Shut(MIA), 10, None)], at(21, Fate::LetIn)), "", "nobody knows");
        let other = Showing { door: Door { user: 4, ..MIA }, ..at(21, Fate::LetIn) };
        assert_eq!(says(&banned, other), "");
    }

    #[test]
    fn whoever_was_let_in_again_is_not_called_banned() {
        let lifted = [ruling(Rule::Shut(MIA), 10, Some(20)), ruling(Rule::Open(MIA), 30, Some(40))];
        assert_eq!(says(&lifted, at(41, Fate::LetIn)), "");
        assert_eq!(says(&lifted, at(26, Fate::LetIn)), "", "it was being lifted");
        assert_eq!(says(&lifted, at(35, Fate::Banned)), "");
        assert!(says(&lifted, at(41, Fate::Banned)).starts_with("user 3 was called banned"));
        assert!(says(&[], at(41, Fate::Banned)).starts_with("user 3 was called banned"));
        let again = [lifted[0], lifted[1], ruling(Rule::Shut(MIA), 50, None)];
        assert_eq!(says(&again, at(60, Fate::Banned)), "");
    }

    #[test]
    fn what_was_given_before_counts_no_more() {
        let out = [ruling(Rule::Void(3), 10, Some(20)), ruling(Rule::VoidOne(77), 50, Some(60))];
        let shows = |name, given_at, invoked_at, fate| Showing {
            shown: Some((name, given_at)),
            ..at(invoked_at, fate)
        };
        assert!(says(&out, shows(1, 9, 21, Fate::LetIn)).starts_with("user 3 was let in by what was void"));
        assert_eq!(says(&out, shows(1, 11, 21, Fate::LetIn)), "", "it may be of after it");
        assert!(!says(&out, shows(77, 30, 61, Fate::LetIn)).is_empty());
        assert_eq!(says(&out, shows(77, 30, 61, Fate::Unknown)), "");
        assert!(says(&out, shows(78, 30, 61, Fate::Unknown)).starts_with("what user 3 showed"));
    }

    #[test]
    fn a_right_that_was_taken_opens_nothing() {
        let rulings = [ruling(Rule::Shut(GATE), 0, Some(0)), ruling(Rule::Open(GATE), 10, Some(20))];
        let checks_in = |invoked_at| Showing { door: GATE, ..at(invoked_at, Fate::LetIn) };
        assert!(!says(&rulings, checks_in(1)).is_empty());
        assert_eq!(says(&rulings, checks_in(12)), "");
        assert_eq!(says(&rulings, at(1, Fate::LetIn)), "", "it is only this right");
    }
}
