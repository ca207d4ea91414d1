//! The entrance: a party is admitted once, by a code that counts, and whoever makes the same scan again is told the same.

use std::collections::BTreeMap;

use holdfast_reservations::{BookingId, Revision, UserId};

use crate::violation::Violation;

/// Something asked at the entrance, or about it, and what one attempt at it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// When it was first asked for, by whichever attempt.
    pub invoked_at: u64,
    /// When this attempt was answered.
    pub answered_at: u64,
    /// About which booking.
    pub booking: BookingId,
    /// What was asked.
    pub act: Act,
    /// What was told.
    pub told: Told,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The code.
    Fetches,
    /// Another code, so that the one before counts no more.
    Renews,
    /// To admit the party.
    Scans(Scan),
    /// To take its admission back.
    Undoes,
}

/// How a party is to be admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// By whom.
    pub by: UserId,
    /// What names the scan, if anything does.
    pub nonce: Option<String>,
    /// What names the code that was shown, if one was.
    pub code: Option<u128>,
}

/// What was told. An attempt that is known to have done nothing is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// What names the code.
    Code(u128),
    /// The party is in, since this change.
    Admitted(Revision),
    /// Its admission is taken back.
    Undone,
    /// The rules refuse it.
    Refused(String),
    /// Nobody knows what came of it.
    Unknown,
}

/// Compares what was told of each booking.
#[must_use]
pub fn check(passes: &[Pass]) -> Vec<Violation> {
    let mut bookings: BTreeMap<BookingId, Vec<&Pass>> = BTreeMap::new();
    for pass in passes {
        bookings.entry(pass.booking).or_default().push(pass);
    }
    bookings.values().flat_map(|passes| Entrance { passes }.judge()).map(Violation::new).collect()
}

/// All that was told of one booking.
struct Entrance<'a> {
    passes: &'a [&'a Pass],
}

impl<'a> Entrance<'a> {
    fn judge(&self) -> Vec<String> {
        let mut says = Vec::new();
        for (pass, scan) in self.scans() {
            if let Told::Refused(code) = &pass.told
                && code == "bad_code"
            {
                says.push(format!("a code that the cluster gave is called bad: {pass:?}"));
            }
            if let Told::Admitted(revision) = pass.told {
                says.extend(self.judge_code(pass, scan));
                says.extend(self.judge_others(pass, scan, revision));
            }
        }
        says
    }

    fn scans(&self) -> impl Iterator<Item = (&'a Pass, &'a Scan)> {
        self.passes.iter().filter_map(|pass| match &pass.act {
            Act::Scans(scan) => Some((*pass, scan)),
            Act::Fetches | Act::Renews | Act::Undoes => None,
        })
    }

    /// A code admits nobody once another one was given; only the same scan may be made again.
    fn judge_code(&self, pass: &Pass, scan: &Scan) -> Option<String> {
        let code = scan.code?;
        let given_at = self.passes.iter().filter(|other| other.told == Told::Code(code));
        let given_at = given_at.map(|other| other.answered_at).min()?;
        let renewed = self.passes.iter().find(|other| {
            other.act == Act::Renews
                && matches!(other.told, Told::Code(new) if new != code)
                && other.invoked_at > given_at
                && other.answered_at < pass.invoked_at
        })?;
        let was_made_before = self.scans().any(|(before, same)| {
            is_same(scan, same) && before.invoked_at < renewed.answered_at && !is_refused(before)
        });
        (!was_made_before).then(|| {
            format!("a party was admitted by a code that had been replaced by {renewed:?}: {pass:?}")
        })
    }

    /// After an admission the same scan is told of it, another one is refused, and there is none besides.
    fn judge_others(&self, pass: &Pass, scan: &Scan, revision: Revision) -> Vec<String> {
        let mut says = Vec::new();
        for (other, later) in self.scans() {
            if matches!(&other.told, Told::Refused(code) if code == KEY_EXPIRED) {
                continue;
            }
            if self.is_taken_back(pass, other) && is_same(scan, later) && other.told != pass.told {
                if let Told::Admitted(_) = other.told {
                    says.push(format!("a scan that was taken back lets somebody in: {pass:?} and {other:?}"));
                }
                continue;
            }
            let ends = pass.answered_at.max(other.answered_at);
            if self.may_be_undone(pass.invoked_at.min(other.invoked_at), ends) {
                continue;
            }
            let is_later = other.invoked_at > pass.answered_at;
            match &other.told {
                Told::Admitted(again) if *again != revision => {
                    says.push(format!("a party was admitted twice: {pass:?} and {other:?}"));
                }
                Told::Admitted(_) if is_later && !is_same(scan, later) => {
                    says.push(format!("another scan passes for the one before it: {pass:?} and {other:?}"));
                }
                Told::Refused(code) if is_later && is_same(scan, later) => {
                    says.push(format!("the same scan is refused as {code}: {pass:?} and {other:?}"));
                }
                Told::Refused(code) if is_later && code != "already_used" => {
                    says.push(format!("it is not said that the party is in: {pass:?} and {other:?}"));
                }
                Told::Admitted(_) | Told::Refused(_) | Told::Unknown | Told::Code(_) | Told::Undone => (),
            }
        }
        says
    }

    /// Whether an admission was certainly taken back before another scan was made, and nobody else's may have followed it.
    fn is_taken_back(&self, pass: &Pass, other: &Pass) -> bool {
        let is_between =
            |undo: &Pass| undo.invoked_at > pass.answered_at && undo.answered_at < other.invoked_at;
        let may_follow = |(between, scan): (&Pass, &Scan)| {
            let is_another =
                !matches!((&pass.act, &other.act), (Act::Scans(one), Act::Scans(_)) if is_same(one, scan));
            is_another
                && !is_refused(between)
                && between.answered_at > pass.invoked_at
                && between.invoked_at < other.answered_at
        };
        let mut undone = self.passes.iter().filter(|undo| undo.told == Told::Undone);
        undone.any(|undo| is_between(undo)) && !self.scans().any(may_follow)
    }

    /// When another attempt at the same undo, whose outcome is not known, was told that it is done.
    fn undone_by_another_attempt(&self, unknown: &Pass) -> Option<u64> {
        let same = |other: &&&Pass| other.act == unknown.act && other.invoked_at == unknown.invoked_at;
        let done = self.passes.iter().filter(same).filter(|other| other.told == Told::Undone);
        done.map(|other| other.answered_at).min()
    }

    /// Whether an admission may have been taken back between two moments.
    fn may_be_undone(&self, from: u64, until: u64) -> bool {
        self.passes.iter().any(|other| {
            let may_end = match other.told {
                Told::Undone => other.answered_at,
                Told::Unknown => self.undone_by_another_attempt(other).unwrap_or(u64::MAX),
                Told::Refused(_) | Told::Code(_) | Told::Admitted(_) => return false,
            };
            other.act == Act::Undoes && other.invoked_at < until && may_end > from
        })
    }
}

/// Whether one scan is the other, made again.
fn is_same(one: &Scan, other: &Scan) -> bool {
    one.nonce.is_some() && one.nonce == other.nonce && one.by == other.by
}

/// Refused before anything is looked at: the key of the call, not the scan, is of another day than the cluster's.
const KEY_EXPIRED: &str = "key_expired";

fn is_refused(pass: &Pass) -> bool {
    matches!(pass.told, Told::Refused(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: u128 = 7;
    const NEW: u128 = 8;

    fn pass(at: u64, act: Act, told: Told) -> Pass {
        Pass { invoked_at: at, answered_at: at + 5, booking: BookingId(1), act, told }
    }

    fn scan(at: u64, nonce: &str, code: u128, told: Told) -> Pass {
        let nonce = Some(nonce.to_owned()).filter(|nonce| !nonce.is_empty());
        pass(at, Act::Scans(Scan { by: UserId(2), nonce, code: Some(code) }), told)
    }

    fn admitted(index: u64) -> Told {
        Told::Admitted(Revision { index, ordinal: 0 })
    }

    fn refused(code: &str) -> Told {
        Told::Refused(code.to_owned())
    }

    fn says(passes: &[Pass]) -> String {
        let found: Vec<String> = check(passes).iter().map(ToString::to_string).collect();
        found.iter().map(|says| says.split(':').next().unwrap_or_default()).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn the_same_scan_is_told_the_same_and_another_that_the_party_is_in() {
        let first = scan(10, "a", OLD, admitted(5));
        assert_eq!(says(&[first.clone(), scan(20, "a", OLD, admitted(5))]), "");
        assert_eq!(says(&[first.clone(), scan(20, "b", OLD, refused("already_used"))]), "");
        assert_eq!(says(&[first.clone(), scan(12, "b", OLD, refused("too_early"))]), "", "it was before");
        let again = [first.clone(), scan(20, "a", OLD, refused("already_used"))];
        assert_eq!(says(&again), "the same scan is refused as already_used");
        assert_eq!(says(&[first.clone(), scan(20, "a", OLD, refused("key_expired"))]), "");
        let another = [first.clone(), scan(20, "b", OLD, admitted(5))];
        assert_eq!(says(&another), "another scan passes for the one before it");
        let unnamed = [scan(10, "", OLD, admitted(5)), scan(20, "", OLD, admitted(5))];
        assert_eq!(says(&unnamed), "another scan passes for the one before it");
        let otherwise = [first, scan(20, "b", OLD, refused("code_stale"))];
        assert_eq!(says(&otherwise), "it is not said that the party is in");
    }

    #[test]
    fn nobody_is_admitted_twice_unless_the_first_time_was_taken_back() {
        let twice = |undo: Option<Pass>| {
            let mut passes = vec![scan(10, "a", OLD, admitted(5)), scan(40, "b", OLD, admitted(9))];
            passes.extend(undo);
            says(&passes)
        };
        assert_eq!(twice(None), "a party was admitted twice; a party was admitted twice");
        assert_eq!(twice(Some(pass(20, Act::Undoes, Told::Undone))), "");
        assert_eq!(twice(Some(pass(20, Act::Undoes, Told::Unknown))), "");
        let once_more = |told| {
            let undo = |told| pass(1, Act::Undoes, told);
            says(&[
                scan(10, "a", OLD, admitted(5)),
                scan(40, "b", OLD, admitted(9)),
                undo(Told::Unknown),
                undo(told),
            ])
        };
        assert_eq!(once_more(Told::Unknown), "");
        assert!(!once_more(Told::Undone).is_empty(), "it was done before either");
        assert!(!twice(Some(pass(20, Act::Undoes, refused("not_used")))).is_empty());
        assert!(!twice(Some(pass(50, Act::Undoes, Told::Undone))).is_empty(), "too late for it");
    }

    #[test]
    fn a_scan_that_was_taken_back_lets_nobody_in_again() {
        let undone = [scan(10, "a", OLD, admitted(5)), pass(20, Act::Undoes, Told::Undone)];
        let again = |told| says(&[&undone[..], &[scan(30, "a", OLD, told)]].concat());
        assert_eq!(again(refused("not_used")), "");
        assert_eq!(again(admitted(9)), "a scan that was taken back lets somebody in");
        let another = scan(26, "b", OLD, admitted(7));
        assert_eq!(says(&[&undone[..], &[another, scan(40, "b", OLD, admitted(7))]].concat()), "");
    }

    #[test]
    fn a_code_that_was_replaced_admits_nobody_but_whom_it_had() {
        let fetched = pass(1, Act::Fetches, Told::Code(OLD));
        let renewed = pass(10, Act::Renews, Told::Code(NEW));
        let late = scan(20, "a", OLD, admitted(9));
        let says_late = "a party was admitted by a code that had been replaced by Pass { invoked_at";
        assert_eq!(says(&[fetched.clone(), renewed.clone(), late.clone()]), says_late);
        assert_eq!(says(&[fetched.clone(), renewed.clone(), scan(12, "a", OLD, admitted(9))]), "");
        assert_eq!(says(&[fetched.clone(), renewed.clone(), scan(20, "a", NEW, admitted(9))]), "");
        let before = scan(8, "a", OLD, Told::Unknown);
        assert_eq!(says(&[fetched.clone(), renewed.clone(), before, late]), "", "it was made before");
        let during = pass(8, Act::Fetches, Told::Code(OLD));
        assert_eq!(says(&[during, renewed, scan(20, "a", OLD, admitted(9))]), "", "it may be a later one");
        assert_eq!(
            says(&[fetched, scan(20, "a", OLD, refused("bad_code"))]),
            "a code that the cluster gave is called bad"
        );
    }
}
