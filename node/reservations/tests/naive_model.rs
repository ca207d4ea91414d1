//! Random command sequences, compared step by step with a model too simple to be wrong.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests fail as tests do, on whatever they do not expect"
)]

use std::collections::BTreeMap;

use holdfast_reservations::*;
use proptest::prelude::*;

/// What the model knows: plain lists, every count taken anew.
#[derive(Default)]
struct Model {
    now: u64,
    slots: Vec<ModelSlot>,
    bookings: Vec<ModelBooking>,
    answers: BTreeMap<(u64, u8), (u64, Answer)>,
}

struct ModelSlot {
    starts_at: u64,
    ends_at: u64,
    capacity: u32,
}

#[derive(Clone)]
struct ModelBooking {
    slot: usize,
    user: u64,
    booked_by: u64,
    count: u32,
    state: &'static str,
    version: u32,
}

/// What a caller sees, in a form both sides can give.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Slot(usize),
    Booking { id: usize, slot: usize, user: u64, count: u32, state: &'static str, version: u32 },
    Refused(&'static str),
}

/// One step: who does what when.
#[derive(Clone, Debug)]
struct Step {
    later: u64,
    user: u64,
    key: Option<u8>,
    action: Action,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Open { from: u64, length: u64, capacity: u32 },
    Book { slot: usize, count: u32, user: Option<u64> },
    Modify { booking: usize, slot: Option<usize>, count: Option<u32>, version: Option<u32> },
    Cancel { booking: usize },
    CheckIn { booking: usize },
    Tick,
}

const OPERATOR: u64 = 1;
const STAFF: u64 = 2;
const APP: u64 = 5;

impl Model {
    fn step(&mut self, step: &Step) -> Answer {
        self.now += step.later;
        let payload = payload(step.action);
        if let Some(key) = step.key
            && let Some((known, answer)) = self.answers.get(&(step.user, key))
        {
            return if *known == payload { answer.clone() } else { Answer::Refused("key_reused") };
        }
        let answer = self.act(step.user, step.action);
        let is_remembered = answer != Answer::Refused("forbidden");
        if let (Some(key), true) = (step.key, is_remembered) {
            self.answers.insert((step.user, key), (payload, answer.clone()));
        }
        answer
    }

    fn act(&mut self, user: u64, action: Action) -> Answer {
        match action {
            Action::Open { .. } if user != OPERATOR => Answer::Refused("forbidden"),
            Action::Open { from, length, capacity } => {
                self.slots.push(ModelSlot { starts_at: from, ends_at: from + length, capacity });
                Answer::Slot(self.slots.len())
            }
            Action::Book { slot, count, user: owner } => self.book(user, slot, count, owner.unwrap_or(user)),
            Action::Modify { booking, slot, count, version } => {
                self.modify(user, booking, slot, count, version)
            }
            Action::Cancel { booking } => self.end(user, booking, "cancelled"),
            Action::CheckIn { .. } if user != STAFF && user != OPERATOR => Answer::Refused("forbidden"),
            Action::CheckIn { booking } => self.end(user, booking, "used"),
            Action::Tick => Answer::Refused("forbidden"),
        }
    }

    fn free(&self, slot: usize, but: Option<usize>) -> u32 {
        let taken =
            self.bookings.iter().enumerate().filter(|(id, booking)| {
                Some(*id) != but && booking.slot == slot && booking.state != "cancelled"
            });
        self.slots[slot - 1].capacity - taken.map(|(_, booking)| booking.count).sum::<u32>()
    }

    fn book(&mut self, user: u64, slot: usize, count: u32, owner: u64) -> Answer {
        if owner != user && ![OPERATOR, STAFF, APP].contains(&user) {
            return Answer::Refused("forbidden");
        }
        match self.slots.get(slot.wrapping_sub(1)) {
            None => return Answer::Refused("slot_not_found"),
            Some(slot) if slot.ends_at <= self.now => return Answer::Refused("too_late"),
            Some(_) => (),
        }
        if self.free(slot, None) < count {
            return Answer::Refused("slot_full");
        }
        self.bookings.push(ModelBooking {
            slot,
            user: owner,
            booked_by: user,
            count,
            state: "confirmed",
            version: 1,
        });
        self.answer(self.bookings.len())
    }

    fn modify(
        &mut self,
        user: u64,
        id: usize,
        slot: Option<usize>,
        count: Option<u32>,
        version: Option<u32>,
    ) -> Answer {
        let booking = match self.live(user, id, version) {
            Ok(booking) => booking,
            Err(refused) => return refused,
        };
        if self.slots[booking.slot - 1].ends_at <= self.now {
            return Answer::Refused("too_late");
        }
        let (slot, count) = (slot.unwrap_or(booking.slot), count.unwrap_or(booking.count));
        match self.slots.get(slot.wrapping_sub(1)) {
            None => return Answer::Refused("slot_not_found"),
            Some(slot) if slot.ends_at <= self.now => return Answer::Refused("too_late"),
            Some(_) => (),
        }
        if (slot, count) == (booking.slot, booking.count) {
            return self.answer(id);
        }
        if self.free(slot, Some(id - 1)) < count {
            return Answer::Refused("slot_full");
        }
        let version = booking.version + 1;
        self.bookings[id - 1] = ModelBooking { slot, count, version, ..booking };
        self.answer(id)
    }

    fn end(&mut self, user: u64, id: usize, state: &'static str) -> Answer {
        let booking = match self.live(user, id, None) {
            Ok(booking) => booking,
            Err(refused) => return refused,
        };
        let slot = &self.slots[booking.slot - 1];
        if state == "used" && self.now < slot.starts_at {
            return Answer::Refused("too_early");
        }
        if slot.ends_at <= self.now {
            return Answer::Refused("too_late");
        }
        let version = booking.version + 1;
        self.bookings[id - 1] = ModelBooking { state, version, ..booking };
        self.answer(id)
    }

    fn live(&self, user: u64, id: usize, version: Option<u32>) -> Result<ModelBooking, Answer> {
        let booking = self.bookings.get(id.wrapping_sub(1)).ok_or(Answer::Refused("booking_not_found"))?;
        let made_by_app = user == APP && booking.booked_by == APP;
        if booking.user != user && !made_by_app && ![OPERATOR, STAFF].contains(&user) {
            return Err(Answer::Refused("booking_not_found"));
        }
        if version.is_some_and(|version| version != booking.version) {
            return Err(Answer::Refused("version_mismatch"));
        }
        match booking.state {
            "cancelled" => Err(Answer::Refused("already_cancelled")),
            "used" => Err(Answer::Refused("already_used")),
            _ => Ok(booking.clone()),
        }
    }

    fn answer(&self, id: usize) -> Answer {
        let ModelBooking { slot, user, count, state, version, .. } = self.bookings[id - 1];
        Answer::Booking { id, slot, user, count, state, version }
    }
}

/// Stands for the hash of method, path and body.
fn payload(action: Action) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    format!("{action:?}").hash(&mut hasher);
    hasher.finish()
}

fn command(action: Action) -> Command {
    match action {
        Action::Open { from, length, capacity } => {
            let window = Window::new(Timestamp(from), Timestamp(from + length)).unwrap();
            let pools = vec![NewPool { name: "places".into(), places: NewPlaces::Counter { capacity } }];
            Command::OpenSlots(OpenSlots { resource: ResourceId(1), slots: vec![NewSlot { window, pools }] })
        }
        Action::Book { slot, count, user } => Command::Book(Book {
            slot: SlotName::Id(SlotId(slot as u64)),
            pool: None,
            count,
            user: user.map(UserId),
        }),
        Action::Modify { booking, slot, count, version } => Command::Modify(Modify {
            booking: BookingId(booking as u64),
            expected_version: version,
            slot: slot.map(|slot| SlotChoice::Id(SlotId(slot as u64))),
            pool: None,
            count,
        }),
        Action::Cancel { booking } => {
            Command::Cancel(Cancel { booking: BookingId(booking as u64), expected_version: None })
        }
        Action::CheckIn { booking } => {
            let booking = BookingId(booking as u64);
            Command::CheckIn(CheckIn { booking, expected_version: None, scanned_at: None })
        }
        Action::Tick => Command::Tick(Tick),
    }
}

fn answer(outcome: &Outcome) -> Answer {
    match outcome {
        Outcome::Slots(slots) => Answer::Slot(slots[0].0.0 as usize),
        Outcome::Booking(id, booking) => Answer::Booking {
            id: id.0 as usize,
            slot: booking.slot.0 as usize,
            user: booking.user.0,
            count: booking.count,
            state: booking.state.name(),
            version: booking.version,
        },
        Outcome::Rejected(rejection) => Answer::Refused(match rejection {
            Rejection::Forbidden => "forbidden",
            Rejection::KeyReused => "key_reused",
            Rejection::SlotNotFound(_) => "slot_not_found",
            Rejection::BookingNotFound(_) => "booking_not_found",
            Rejection::SlotFull(_) => "slot_full",
            Rejection::VersionMismatch { .. } => "version_mismatch",
            Rejection::AlreadyCancelled => "already_cancelled",
            Rejection::AlreadyUsed { .. } => "already_used",
            Rejection::TooEarly { .. } => "too_early",
            Rejection::TooLate { .. } => "too_late",
            other => panic!("unexpected refusal: {other:?}"),
        }),
        other => panic!("unexpected outcome: {other:?}"),
    }
}

fn action() -> impl Strategy<Value = Action> {
    let slot = 0..6_usize;
    let booking = 0..20_usize;
    let count = 1..4_u32;
    prop_oneof![
        2 => (0..200_u64, 1..100_u64, 0..6_u32)
            .prop_map(|(from, length, capacity)| Action::Open { from, length, capacity }),
        6 => (slot.clone(), count.clone(), prop::option::weighted(0.2, 1..6_u64))
            .prop_map(|(slot, count, user)| Action::Book { slot, count, user }),
        3 => (
            booking.clone(),
            prop::option::of(slot),
            prop::option::of(count),
            prop::option::weighted(0.3, 1..4_u32)
        )
            .prop_map(|(booking, slot, count, version)| Action::Modify { booking, slot, count, version }),
        2 => booking.clone().prop_map(|booking| Action::Cancel { booking }),
        2 => booking.prop_map(|booking| Action::CheckIn { booking }),
        1 => Just(Action::Tick),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let user = prop_oneof![2 => Just(OPERATOR), 2 => Just(STAFF), 8 => 3..5_u64, 1 => Just(APP)];
    (prop_oneof![3 => Just(0), 1 => 0..20_u64], user, prop::option::of(0..6_u8), action())
        .prop_map(|(later, user, key, action)| Step { later, user, key, action })
}

fn state() -> State<MemoryRows> {
    let mut state = State::over(MemoryRows::default());
    let operator = CreateOperator { email: "o".into(), name: "o".into(), password_hash: String::new() };
    let mut requests = vec![(Principal::Internal, Command::CreateOperator(operator))];
    for email in ["s", "m", "t", "a"] {
        let guest = SignUp { email: email.into(), name: email.into(), password_hash: String::new() };
        requests.push((Principal::Anonymous, Command::SignUp(guest)));
    }
    let operator = Principal::User { user: UserId(OPERATOR), token_version: 0 };
    for (user, role) in [(STAFF, Role::Staff), (APP, Role::App)] {
        requests.push((operator, Command::ChangeRole(ChangeRole { user: UserId(user), role })));
    }
    let venue = Venue {
        name: "v".into(),
        region: "r".into(),
        time_zone: "UTC".into(),
        opens_at_minute: 0,
        closes_at_minute: 1439,
    };
    requests.push((operator, Command::CreateVenue(CreateVenue { venue })));
    let (venue, kind) = (VenueId(1), ResourceKind::Ride);
    let resource = NewResource { venue, kind, name: "r".into(), description: String::new() };
    requests.push((operator, Command::CreateResource(CreateResource { resource })));
    let requests =
        requests.into_iter().map(|(principal, command)| Request { id: None, principal, command }).collect();
    state.apply(1, &Entry { proposed_at: Timestamp(0), requests });
    state
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_rules_answer_as_the_naive_model_does(steps in prop::collection::vec(step(), 1..60)) {
        let mut state = state();
        let mut model = Model::default();
        for (index, step) in (2..).zip(&steps) {
            let key = step.key.map(|key| RequestKey::Named([key; 16]));
            let id = key.map(|key| RequestId { key, payload_hash: payload(step.action) });
            let principal = Principal::User { user: UserId(step.user), token_version: 0 };
            let request = Request { id, principal, command: command(step.action) };
            let proposed_at = Timestamp(model.now + step.later);
            let applied = state.apply(index, &Entry { proposed_at, requests: vec![request] }).remove(0);
            prop_assert_eq!(answer(&applied.outcome), model.step(step), "step {:?}", step);
            prop_assert_eq!(state.check_invariants(), Vec::<String>::new());

            // Half of the ticks come from the scheduler and change no answer.
            if step.action == Action::Tick && step.later % 2 == 0 {
                let tick = Request { id: None, principal: Principal::Internal, command: Command::Tick(Tick) };
                state.apply(index, &Entry { proposed_at, requests: vec![tick] });
                prop_assert_eq!(state.check_invariants(), Vec::<String>::new());
            }
        }
    }

    #[test]
    fn batching_and_restarting_change_nothing(
        steps in prop::collection::vec(step(), 1..60),
        cuts in prop::collection::vec(1..8_usize, 1..60),
    ) {
        let requests: Vec<Request> = steps.iter().map(|step| {
            let key = step.key.map(|key| RequestKey::Named([key; 16]));
            let id = key.map(|key| RequestId { key, payload_hash: payload(step.action) });
            let principal = Principal::User { user: UserId(step.user), token_version: 0 };
            Request { id, principal, command: command(step.action) }
        }).collect();
        let (mut whole, mut restarted) = (state(), state());
        let mut rest = requests.as_slice();
        for (index, cut) in (2..).zip(cuts) {
            let (batch, left) = rest.split_at(cut.min(rest.len()));
            rest = left;
            let entry = Entry { proposed_at: Timestamp(index * 7), requests: batch.to_vec() };
            let first = whole.apply(index, &entry);
            restarted = State::over(restarted.rows().clone());
            prop_assert_eq!(first, restarted.apply(index, &entry));
        }
        prop_assert_eq!(whole.rows(), restarted.rows());
    }
}
