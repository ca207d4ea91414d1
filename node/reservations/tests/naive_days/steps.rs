//! Random steps: who asks for what, how much later than the step before, and whether ticks come between.

use std::fmt;

use holdfast_reservations::*;
use proptest::prelude::*;

use crate::model::{GUESTS, Missing, Model, OPERATOR, STAFF};

/// How much time passes before a step.
#[derive(Clone, Copy, Debug)]
pub enum Later {
    By(u64),
    /// Until something is due, or a moment before or after it.
    Due(i64),
}

#[derive(Clone)]
pub struct Step {
    pub later: Later,
    pub ticks_before: bool,
    /// In the same entry, and until nothing is due.
    pub ticks_with: bool,
    who: Who,
    /// So many back, round and round.
    booking: usize,
    slot: usize,
    /// Ahead of the version that there is, if one is expected.
    version: Option<u32>,
    action: Action,
}

#[derive(Clone, Copy, Debug)]
enum Who {
    /// Whoever may: the owner, or staff.
    Right,
    Staff,
    Operator,
    Guest(u64),
}

#[derive(Clone, Debug)]
enum Action {
    Open { ahead: u64, length: u64, capacity: u32 },
    Book { count: u32 },
    Hold { count: u32, length: u64 },
    Confirm,
    Cancel,
    Change { to: bool, count: Option<u32> },
    CheckIn,
    Scan { code: Option<ScannedCode>, nonce: Option<u8>, place: Option<u8>, overrides: bool },
    Undo,
    Issue { signer: NodeKeyId, is_reissue: bool },
    Revoke { key: NodeKeyId },
    Decide(Decision),
    Policy { scope: u8, field: PolicyField, value: Option<u64> },
}

/// A line for each step, so that a failing case can be read.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { later, ticks_before, ticks_with, who, booking, slot, version, action } = self;
        let ticks = (ticks_before, ticks_with);
        write!(f, "{later:?} {ticks:?} {who:?} {booking} back, slot {slot} back, {version:?}: {action:?}")
    }
}

impl Step {
    /// Aims a step at what is there, if there is something.
    pub fn aimed(&self, model: &Model) -> Option<(u64, Command)> {
        let bookings = model.parties.len();
        let booking = bookings.checked_sub(1 + self.booking % bookings.max(1)).map_or(0, |id| id as u64 + 1);
        let slots = model.days.len();
        let slot = slots.checked_sub(1 + self.slot % slots.max(1)).map_or(0, |id| id as u64 + 1);
        let of_party = |user: Option<u64>| match self.who {
            Who::Right => user.unwrap_or_else(|| model.parties[&booking].user),
            Who::Staff => STAFF,
            Who::Operator => OPERATOR,
            Who::Guest(user) => user,
        };
        let expected_version =
            self.version.and_then(|ahead| Some(model.parties.get(&booking)?.version + ahead));
        let is_there = match self.action {
            Action::Open { .. } | Action::Revoke { .. } => true,
            Action::Book { .. } | Action::Hold { .. } | Action::Decide(_) | Action::Policy { .. } => {
                slots > 0
            }
            _ => bookings > 0,
        };
        if !is_there {
            return None;
        }
        let (booking, named) = (BookingId(booking), SlotName::Id(SlotId(slot)));
        let guest = GUESTS[self.booking % 2];
        Some(match self.action.clone() {
            Action::Open { ahead, length, capacity } => {
                let starts_at = model.now + ahead;
                let window = Window::new(Timestamp(starts_at), Timestamp(starts_at + length)).unwrap();
                let pools = vec![NewPool { name: "p".into(), places: NewPlaces::Counter { capacity } }];
                let slots = vec![NewSlot { window, pools }];
                (OPERATOR, Command::OpenSlots(OpenSlots { resource: ResourceId(1), slots }))
            }
            Action::Book { count } => {
                (guest, Command::Book(Book { slot: named, pool: None, count, user: None }))
            }
            Action::Hold { count, length } => {
                let hold = Some(HoldTerms { duration: Some(Millis(length)), dialect: Dialect::Native });
                let places = Places::Count(count);
                (guest, Command::Reserve(Reserve { slot: named, pool: None, places, hold, user: None }))
            }
            Action::Confirm => {
                let confirm = Confirm { booking, expected_version, part: None, paid: None };
                (of_party(None), Command::Confirm(confirm))
            }
            Action::Cancel => (of_party(None), Command::Cancel(Cancel { booking, expected_version })),
            Action::Change { to, count } => {
                let slot = to.then_some(SlotChoice::Id(SlotId(slot)));
                (
                    of_party(None),
                    Command::Modify(Modify { booking, expected_version, slot, pool: None, count }),
                )
            }
            Action::CheckIn => {
                let check_in = CheckIn { booking, expected_version, scanned_at: None };
                (of_party(Some(STAFF)), Command::CheckIn(check_in))
            }
            Action::Scan { code, nonce, place, overrides } => {
                let scan = Scan {
                    booking,
                    code,
                    nonce: nonce.map(|nonce| format!("n{nonce}")),
                    place: place.map(|place| format!("gate {place}")),
                    override_reason: overrides.then(|| "wet".to_owned()),
                    scanned_at: None,
                    expected_version,
                };
                (of_party(Some(STAFF)), Command::Scan(scan))
            }
            Action::Undo => {
                let undo = UndoScan { booking, reason: "oops".into(), expected_version };
                (of_party(Some(STAFF)), Command::UndoScan(undo))
            }
            Action::Issue { signer, is_reissue } => {
                (of_party(None), Command::IssueCode(IssueCode { booking, signer, is_reissue }))
            }
            Action::Revoke { key } => (OPERATOR, Command::RevokeNodeKey(RevokeNodeKey { key })),
            Action::Decide(decision) => {
                // One that waits for it, if there is one.
                let mut days = model.days.iter();
                let waiting = days.find(|(_, day)| matches!(day.missing, Missing::Stopped { .. }));
                let slot = SlotId(waiting.map_or(slot, |(id, _)| *id));
                (of_party(Some(OPERATOR)), Command::DecideNoShows(DecideNoShows { slot, decision }))
            }
            Action::Policy { scope, field, value } => {
                let scope = match scope {
                    0 => Scope::Cluster,
                    1 => Scope::Resource(ResourceId(1)),
                    2 => Scope::Slot(SlotId(slot)),
                    _ => Scope::Pool(PoolId(slot)),
                };
                (OPERATOR, Command::SetPolicy(SetPolicy { scope, fields: vec![(field, value)] }))
            }
        })
    }
}

/// Some slots under some policies, and what happens in them.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let policies = prop::collection::vec(step(policy()), 0..3);
    let slots = prop::collection::vec(step(open()), 1..3);
    let others = prop::collection::vec(step(action()), 1..60);
    // Policies of slots need slots.
    (slots, policies, others).prop_map(|(slots, policies, others)| [slots, policies, others].concat())
}

fn step(action: impl Strategy<Value = Action>) -> impl Strategy<Value = Step> {
    let later = prop_oneof![
        12 => Just(Later::By(0)),
        4 => (1..40_u64).prop_map(Later::By),
        1 => (40..300_u64).prop_map(Later::By),
        6 => (-1..2_i64).prop_map(Later::Due),
    ];
    let who = prop_oneof![
        16 => Just(Who::Right),
        2 => Just(Who::Staff),
        2 => Just(Who::Operator),
        1 => prop::sample::select(GUESTS.to_vec()).prop_map(Who::Guest),
    ];
    let booking = prop_oneof![2 => 0..3_usize, 1 => 0..12_usize];
    let version = prop::option::weighted(0.1, prop_oneof![3 => Just(0), 1 => Just(1_u32)]);
    let ticks = (prop::bool::weighted(0.7), prop::bool::weighted(0.3));
    (later, ticks, who, booking, 0..4_usize, version, action).prop_map(
        |(later, (ticks_before, ticks_with), who, booking, slot, version, action)| Step {
            later,
            ticks_before,
            ticks_with,
            who,
            booking,
            slot,
            version,
            action,
        },
    )
}

fn open() -> impl Strategy<Value = Action> {
    let capacity = prop_oneof![1 => 1..6_u32, 1 => Just(40)];
    (prop_oneof![1 => Just(0), 5 => 1..150_u64], 1..200_u64, capacity)
        .prop_map(|(ahead, length, capacity)| Action::Open { ahead, length, capacity })
}

fn policy() -> impl Strategy<Value = Action> {
    let lengths = || prop_oneof![1 => Just(0), 4 => 1..150_u64];
    let field = prop_oneof![
        5 => (Just(PolicyField::NoShowGrace), lengths()),
        3 => (Just(PolicyField::ReminderLead), lengths()),
        1 => (Just(PolicyField::CheckInEarly), lengths()),
        1 => (Just(PolicyField::CheckInLate), lengths()),
        1 => (Just(PolicyField::NoShowShareMax), prop::sample::select(vec![0, 30, 60, 100])),
    ];
    (prop_oneof![3 => 0..3_u8, 1 => Just(3)], field, prop::bool::weighted(0.8)).prop_map(
        |(scope, (field, value), is_set)| Action::Policy { scope, field, value: is_set.then_some(value) },
    )
}

fn key() -> impl Strategy<Value = NodeKeyId> {
    (5..8_u64).prop_map(|node| NodeKeyId { node, generation: 1 })
}

fn action() -> impl Strategy<Value = Action> {
    let count = || prop_oneof![4 => 1..4_u32, 2 => 10..20_u32];
    let code = (1..4_u32, key()).prop_map(|(revision, signer)| ScannedCode { revision, signer });
    let scan = (
        prop::option::weighted(0.3, code),
        prop::option::of(0..2_u8),
        prop::option::of(0..2_u8),
        prop::bool::weighted(0.3),
    );
    prop_oneof![
        2 => open(),
        10 => count().prop_map(|count| Action::Book { count }),
        4 => (count(), 1..150_u64).prop_map(|(count, length)| Action::Hold { count, length }),
        4 => Just(Action::Confirm),
        2 => Just(Action::Cancel),
        5 => (prop::bool::weighted(0.7), prop::option::weighted(0.4, count()))
            .prop_map(|(to, count)| Action::Change { to, count }),
        3 => Just(Action::CheckIn),
        8 => scan.prop_map(|(code, nonce, place, overrides)| Action::Scan { code, nonce, place, overrides }),
        4 => Just(Action::Undo),
        4 => (key(), any::<bool>()).prop_map(|(signer, is_reissue)| Action::Issue { signer, is_reissue }),
        1 => key().prop_map(|key| Action::Revoke { key }),
        2 => prop_oneof![Just(Decision::Release), Just(Decision::Keep)].prop_map(Action::Decide),
        5 => policy(),
    ]
}
