//! The days of slots: ready, no-shows, scans, codes, and who is told. Random commands and ticks, compared step by step with
//! a model too simple to be wrong.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests fail as tests do, on whatever they do not expect"
)]

#[path = "naive_days/due.rs"]
mod due;
#[path = "naive_days/model.rs"]
mod model;
#[path = "naive_days/steps.rs"]
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_reservations::*;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use model::{Missing, Model, OPERATOR, STAFF, is_confirmed};
use steps::{Later, Step, steps};

/// When the first step is made: late enough for whatever happens before something else.
const BEGINNING: u64 = 10_000_000;

/// What became of a booking: how it changed, when, and in which entry.
type Story = Vec<(BookingEvent, u64, u64)>;

/// The rules and the model beside them, and every event so far.
struct Play {
    state: State<MemoryRows>,
    index: u64,
    model: Model,
    told: Vec<FeedEvent>,
    /// Of each booking: what was told of it when and in which entry, and what it was then.
    stories: BTreeMap<u64, (Story, Option<Arc<Booking>>)>,
}

impl Play {
    fn new() -> Self {
        let mut state = State::over(MemoryRows::default());
        let operator = CreateOperator { email: "o@x".into(), name: "o".into(), password_hash: "$h".into() };
        let guest =
            |email: &str| SignUp { email: email.into(), name: email.into(), password_hash: "$h".into() };
        let (name, region, time_zone) = ("v".into(), String::new(), "UTC".into());
        let venue = Venue { name, region, time_zone, opens_at_minute: 0, closes_at_minute: 0 };
        let (kind, name) = (ResourceKind::Ride, "r".into());
        let resource = NewResource { venue: VenueId(1), kind, name, description: String::new() };
        let key = |node| RegisterNodeKey { node, generation: 1, public_key: [1; 32] };
        let staff = ChangeRole { user: UserId(STAFF), role: Role::Staff };
        let commands = [
            (None, Command::CreateOperator(operator)),
            (Some(0), Command::SignUp(guest("s@x"))),
            (Some(0), Command::SignUp(guest("m@x"))),
            (Some(0), Command::SignUp(guest("t@x"))),
            (Some(OPERATOR), Command::ChangeRole(staff)),
            (Some(OPERATOR), Command::CreateVenue(CreateVenue { venue })),
            (Some(OPERATOR), Command::CreateResource(CreateResource { resource })),
            (None, Command::RegisterNodeKey(key(5))),
            (None, Command::RegisterNodeKey(key(6))),
            (None, Command::RegisterNodeKey(key(7))),
            (None, Command::AdoptEdition(AdoptEdition { edition: WITH_DAYS })),
            (None, Command::Tick(Tick)),
        ];
        let mut index = 0;
        for (who, command) in commands {
            index += 1;
            let principal = match who {
                None => Principal::Internal,
                Some(0) => Principal::Anonymous,
                Some(user) => principal(user),
            };
            let requests = vec![Request { id: None, principal, command }];
            state.apply(index, &Entry { proposed_at: Timestamp(BEGINNING), requests });
        }
        let model = Model { now: BEGINNING, ..Model::default() };
        Self { state, index, model, told: Vec::new(), stories: BTreeMap::new() }
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        self.model.now = match step.later {
            Later::By(length) => self.model.now + length,
            Later::Due(and) => {
                let due = next_due(self.state.rows()).map_or(0, |due| due.at.0);
                due.saturating_add_signed(and).clamp(self.model.now, self.model.now + 1_000)
            }
        };
        if step.ticks_before {
            self.tidy_up()?;
        }
        let Some((user, command)) = step.aimed(&self.model) else { return Ok(()) };
        let expected = self.model.act(user, &command);
        let mut requests = vec![(principal(user), command.clone())];
        if step.ticks_with {
            requests.push((Principal::Internal, Command::Tick(Tick)));
        }
        let mut applied = self.apply(requests);
        let first = applied.remove(0);
        let found = match &first.outcome {
            Outcome::Rejected(rejection) => Err(plain(rejection)),
            Outcome::Contradicted(contradiction) => panic!("{contradiction}"),
            _ => Ok(()),
        };
        prop_assert_eq!(found, expected.clone().map(|_| ()), "{} {:?}", user, command);
        self.judge(&first, &command, expected.ok().flatten())?;
        self.hear(&first)?;
        for ticked in &applied {
            self.hear(ticked)?;
        }
        if step.ticks_with {
            self.tidy_up_after(&applied)?;
        }
        self.compare().map_err(|error| TestCaseError::fail(format!("after {user} {command:?}: {error}")))
    }

    fn apply(&mut self, requests: Vec<(Principal, Command)>) -> Vec<Applied> {
        self.index += 1;
        let requests = requests.into_iter();
        let requests =
            requests.map(|(principal, command)| Request { id: None, principal, command }).collect();
        self.state.apply(self.index, &Entry { proposed_at: Timestamp(self.model.now), requests })
    }

    /// Whether a command told of its booking once, and of others only that they have lapsed.
    fn judge(
        &self,
        applied: &Applied,
        command: &Command,
        expected: Option<BookingEvent>,
    ) -> Result<(), TestCaseError> {
        let mut kinds: Vec<BookingEvent> = applied.events.iter().filter_map(booking_event).collect();
        kinds.retain(|kind| *kind != BookingEvent::Expired);
        prop_assert_eq!(kinds, Vec::from_iter(expected), "{:?}", command);
        if let (Outcome::Booking(id, _), Some(_)) = (&applied.outcome, expected) {
            let last = applied.events.last().copied();
            prop_assert!(
                matches!(last, Some(Event::Booking { booking, .. }) if booking == *id),
                "{:?}",
                last
            );
        }
        Ok(())
    }

    /// Notes what was told: each event is behind the one before, and is the next version of its booking.
    fn hear(&mut self, applied: &Applied) -> Result<(), TestCaseError> {
        for (revision, event) in applied.revisions() {
            let last = self.told.last().map(|told| told.revision);
            prop_assert!(last < Some(revision), "{:?} behind {:?}", revision, last);
            self.told.push(FeedEvent { revision, event });
            let Event::Booking { kind, booking, user, .. } = event else { continue };
            let party = self.model.parties.get_mut(&booking.0).unwrap();
            party.version += 1;
            prop_assert_eq!(user, UserId(party.user));
            self.stories.entry(booking.0).or_default().0.push((kind, self.model.now, revision.index));
        }
        Ok(())
    }

    fn tidy_up(&mut self) -> Result<(), TestCaseError> {
        self.tidy_up_after(&[])?;
        self.compare().map_err(|error| TestCaseError::fail(format!("after ticks: {error}")))
    }

    /// Ticks until nothing is due, after a tick that was a part of another entry.
    fn tidy_up_after(&mut self, begun: &[Applied]) -> Result<(), TestCaseError> {
        let mut all: Vec<Applied> = begun.to_vec();
        while next_due(self.state.rows()).is_some_and(|due| due.at.0 <= self.model.now) {
            let ticked = self.apply(vec![(Principal::Internal, Command::Tick(Tick))]).remove(0);
            self.hear(&ticked)?;
            all.push(ticked);
            prop_assert!(all.len() < 20, "there is no end to it");
        }
        for ticked in &all {
            let is_fine = matches!(ticked.outcome, Outcome::Ticked { contradicted: 0, .. });
            prop_assert!(is_fine, "{:?}", ticked.outcome);
        }
        let events: Vec<Event> = all.iter().flat_map(|ticked| ticked.events.clone()).collect();
        let is_of_time = |kind: &BookingEvent| {
            matches!(kind, BookingEvent::Ready | BookingEvent::NoShow | BookingEvent::Expired)
        };
        prop_assert!(events.iter().filter_map(booking_event).all(|kind| is_of_time(&kind)), "{:?}", events);
        let is_stop = |event: &&Event| event.name() == "slot.no_shows_stopped";
        let stopped = events.iter().filter(is_stop).count();
        prop_assert_eq!(stopped, self.model.tidy_up());
        Ok(())
    }

    /// Every booking, slot, pool and code is what the model says, and all that was told is remembered.
    fn compare(&mut self) -> Result<(), TestCaseError> {
        let rows = self.state.rows();
        let bookings = list_bookings(rows, BookingsOf::Everybody, None, Order::Ascending, usize::MAX);
        prop_assert_eq!(bookings.len(), self.model.parties.len());
        for (id, booking) in bookings {
            let party = &self.model.parties[&id.0];
            let found = (booking.slot.0, booking.user.0, booking.count, booking.state_at(self.state.now()));
            let expected = (party.slot, party.user, party.count, self.model.state(party));
            prop_assert_eq!(found, expected, "{}", id);
            prop_assert_eq!(booking.version, party.version, "{} changed as often as was told", id);
            let code = rows.row::<IssuedCode>(id).map(|code| (code.revision, code.signers.clone()));
            prop_assert_eq!(&code, &party.code, "{}", id);

            let (story, before) = self.stories.get_mut(&id.0).unwrap();
            if let Some(before) = before.as_ref().filter(|before| before.version == booking.version) {
                prop_assert_eq!(before, &booking, "changed, and nobody was told");
                continue;
            }
            *before = Some(booking);
            let entries = history(rows, id, None, usize::MAX);
            let versions: Vec<u32> = entries.iter().rev().map(|(version, _)| *version).collect();
            prop_assert_eq!(versions, (1..=party.version).collect::<Vec<_>>());
            let remembered: Vec<(BookingEvent, u64, u64)> = entries
                .iter()
                .rev()
                .map(|(_, entry)| (entry.kind.unwrap(), entry.at.0, entry.revision.index))
                .collect();
            prop_assert_eq!(&remembered, &*story, "{}", id);
        }
        for id in self.model.days.keys() {
            self.compare_slot(*id)?;
        }
        prop_assert_eq!(self.state.check_invariants(), Vec::<String>::new());
        Ok(())
    }

    fn compare_slot(&self, id: u64) -> Result<(), TestCaseError> {
        let (rows, day) = (self.state.rows(), &self.model.days[&id]);
        let parties = self.model.parties.values().filter(|party| party.slot == id);
        let parties: Vec<_> = parties.map(|party| (self.model.state(party), party.count)).collect();
        let sum = |is_meant: &dyn Fn(BookingState) -> bool| -> (u64, u64) {
            let meant = parties.iter().filter(|(state, _)| is_meant(*state));
            meant.fold((0, 0), |(bookings, places), (_, count)| (bookings + 1, places + u64::from(*count)))
        };
        let counts = rows.row::<PoolCounts>(PoolId(id)).unwrap();
        let lapsed = lapsed_holds(rows, PoolId(id), self.state.now(), usize::MAX);
        let lapsed: u32 = lapsed.iter().map(|id| rows.row::<Booking>(*id).unwrap().count).sum();
        let held = sum(&|state| matches!(state, BookingState::Held { .. })).1 as u32;
        let confirmed = sum(&is_confirmed).1 as u32;
        prop_assert_eq!((counts.confirmed, counts.held - lapsed), (confirmed, held), "slot {}", id);
        prop_assert_eq!(counts.available + lapsed, day.capacity - confirmed - held, "slot {}", id);

        let tally = rows.row::<SlotTally>(SlotId(id)).map(|tally| *tally).unwrap_or_default();
        let used = sum(&|state| matches!(state, BookingState::Used { .. }));
        let no_shows = sum(&|state| matches!(state, BookingState::NoShow { .. }));
        prop_assert_eq!((tally.used.bookings, tally.used.places), used, "slot {}", id);
        prop_assert_eq!((tally.no_shows.bookings, tally.no_shows.places), no_shows, "slot {}", id);

        let found = rows.row::<SlotDay>(SlotId(id)).unwrap();
        prop_assert_eq!(matches!(found.ready, ReadyStage::Done { .. }), day.is_ready, "slot {}", id);
        let missing = match found.no_shows {
            NoShows::Planned { .. } => Missing::Planned,
            NoShows::Stopped { missing, expected, .. } => Missing::Stopped { missing, expected },
            NoShows::Releasing { .. } => Missing::Releasing,
            NoShows::Released { .. } => Missing::Released,
            NoShows::Kept { .. } => Missing::Kept,
            NoShows::Counting { .. } => panic!("so many parties?"),
        };
        prop_assert_eq!(missing, day.missing, "slot {}", id);
        Ok(())
    }
}

/// A refusal, without what it suggests instead.
fn plain(rejection: &Rejection) -> Rejection {
    match rejection {
        Rejection::SlotFull(SlotFull { available, .. }) => {
            let (sold_out_at, alternatives) = (None, Vec::new());
            Rejection::SlotFull(SlotFull { available: *available, sold_out_at, alternatives })
        }
        other => other.clone(),
    }
}

fn booking_event(event: &Event) -> Option<BookingEvent> {
    let Event::Booking { kind, .. } = event else { return None };
    Some(*kind)
}

fn principal(user: u64) -> Principal {
    Principal::User { user: UserId(user), token_version: 0 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_day_of_a_slot_is_what_the_naive_model_says(steps in steps()) {
        let mut play = Play::new();
        let before = Revision { index: play.index, ordinal: u32::MAX };
        for step in &steps {
            play.step(step)?;
        }
        play.tidy_up()?;
        prop_assert_eq!(read_feed(play.state.rows(), before, usize::MAX), FeedRead::Events(play.told));
    }
}
