//! Where the steps are played: two resources with a few slots, five users, and a state that applies what they ask.

use holdfast_reservations::*;

pub const OPERATOR: u64 = 1;
pub const STAFF: u64 = 2;
pub const APP: u64 = 5;
pub const USERS: u64 = 5;

/// Nobody signed in: the cluster itself.
pub const INTERNAL: u64 = 0;

/// The resource of each slot, from when to when it is, and what it sells. Pools are numbered in this order, from 1.
pub const SLOTS: [(u64, u64, u64, &[Sells]); 5] = [
    (1, 40, 150, &[Sells::Counter(3)]),
    (1, 100, 700_000, &[Sells::Counter(4), Sells::Seats(10)]),
    (1, 20, 1_000_000_000, &[Sells::Seats(10)]),
    (2, 0, 1_000_000_000, &[Sells::Seats(4), Sells::Counter(2)]),
    (2, 600_000, 1_000_000_000, &[Sells::Counter(2)]),
];

/// What a pool sells: so many places, or the first of [`SEATS`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sells {
    Counter(u32),
    Seats(u32),
}

/// Labels of seats in their order; the first letter is the row. Those with a wheel have room for a wheelchair.
pub const SEATS: [(&str, Wheel); 10] = [
    ("A1", Wheel::No),
    ("A2", Wheel::No),
    ("A3", Wheel::Yes),
    ("A4", Wheel::No),
    ("A5", Wheel::No),
    ("A6", Wheel::No),
    ("B1", Wheel::Yes),
    ("B2", Wheel::No),
    ("B3", Wheel::No),
    ("B4", Wheel::No),
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wheel {
    No,
    Yes,
}

/// How long a late payment still takes its places again, where a policy says so.
pub const LATE: u64 = 60;

/// A state, and the index of the entry it applied last.
pub struct Stage {
    pub state: State<MemoryRows>,
    index: u64,
}

impl Stage {
    pub fn new() -> Self {
        let mut stage = Self { state: State::over(MemoryRows::default()), index: 0 };
        let requests =
            opening().into_iter().map(|(who, command)| Request { id: None, principal: who, command });
        for applied in stage.apply(0, requests.collect()) {
            assert!(
                !matches!(applied.outcome, Outcome::Rejected(_) | Outcome::Contradicted(_)),
                "{applied:?}"
            );
        }
        stage
    }

    pub fn now(&self) -> u64 {
        self.state.now().0
    }

    pub fn apply(&mut self, at: u64, requests: Vec<Request>) -> Vec<Applied> {
        self.index += 1;
        self.state.apply(self.index, &Entry { proposed_at: Timestamp(at), requests })
    }

    pub fn apply_one(&mut self, at: u64, request: &Request) -> Applied {
        self.apply(at, vec![request.clone()]).remove(0)
    }

    /// Ticks; how often that contradicted itself.
    pub fn tick(&mut self, at: u64) -> u32 {
        let tick = Request { id: None, principal: Principal::Internal, command: Command::Tick(Tick) };
        let Outcome::Ticked { contradicted, .. } = self.apply_one(at, &tick).outcome else {
            panic!("no tick")
        };
        contradicted
    }

    /// Forgets all that is not in the rows.
    pub fn restart(&mut self) {
        self.state = State::over(self.state.rows().clone());
    }

    pub fn bookings(&self) -> Vec<(BookingId, std::sync::Arc<Booking>)> {
        list_bookings(self.state.rows(), BookingsOf::Everybody, None, Order::Ascending, usize::MAX)
    }

    pub fn jobs(&self) -> Vec<(JobId, std::sync::Arc<Job>)> {
        let all = Key::Job(JobId(0))..Key::Job(JobId(u64::MAX));
        let found = self.state.rows().scan(all, Order::Ascending, usize::MAX).into_iter();
        let jobs = found.filter_map(|(key, row)| match (key, row) {
            (Key::Job(id), Row::Job(job)) => Some((id, job)),
            _ => None,
        });
        jobs.collect()
    }

    /// The moments to come at which something ends, begins, or is due, the next one first.
    pub fn moments(&self) -> Vec<u64> {
        let (first, end) = (Timestamp(self.now() + 1), Timestamp::MAX);
        let due = Key::Due(first, DueKind::SlotStarts, 0)..Key::Due(end, DueKind::SlotStarts, 0);
        let due = self.state.rows().scan(due, Order::Ascending, usize::MAX).into_iter();
        let mut moments: Vec<u64> =
            due.filter_map(|(key, _)| if let Key::Due(at, ..) = key { Some(at.0) } else { None }).collect();
        let late =
            self.bookings().into_iter().filter_map(|(_, booking)| match booking.state_at(self.state.now()) {
                BookingState::Expired { at } => Some(at.0 + LATE),
                _ => None,
            });
        moments.extend(late.filter(|at| *at > self.now()));
        moments.sort_unstable();
        moments.dedup();
        moments
    }
}

pub fn principal(who: u64) -> Principal {
    match who {
        INTERNAL => Principal::Internal,
        user => Principal::User { user: UserId(user), token_version: 0 },
    }
}

fn opening() -> Vec<(Principal, Command)> {
    let operator = CreateOperator { email: "o".into(), name: "o".into(), password_hash: String::new() };
    let mut commands = vec![(Principal::Internal, Command::CreateOperator(operator))];
    for email in ["s", "m", "t", "a"] {
        let guest = SignUp { email: email.into(), name: email.into(), password_hash: String::new() };
        commands.push((Principal::Anonymous, Command::SignUp(guest)));
    }
    let mut operates = |command| commands.push((principal(OPERATOR), command));
    for (user, role) in [(STAFF, Role::Staff), (APP, Role::App)] {
        operates(Command::ChangeRole(ChangeRole { user: UserId(user), role }));
    }
    let venue = Venue {
        name: "v".into(),
        region: "r".into(),
        time_zone: "UTC".into(),
        opens_at_minute: 0,
        closes_at_minute: 1439,
    };
    operates(Command::CreateVenue(CreateVenue { venue }));
    for name in ["one", "two"] {
        let (venue, kind, name, description) = (VenueId(1), ResourceKind::Event, name.into(), String::new());
        let resource = NewResource { venue, kind, name, description };
        operates(Command::CreateResource(CreateResource { resource }));
    }
    for (resource, from, to, pools) in SLOTS {
        let window = Window::new(Timestamp(from), Timestamp(to)).unwrap();
        let pools = pools.iter().map(|sells| NewPool {
            name: "pool".into(),
            places: match *sells {
                Sells::Counter(capacity) => NewPlaces::Counter { capacity },
                Sells::Seats(count) => NewPlaces::Seats(plan(count)),
            },
        });
        let slots = vec![NewSlot { window, pools: pools.collect() }];
        operates(Command::OpenSlots(OpenSlots { resource: ResourceId(resource), slots }));
    }
    commands
}

fn plan(count: u32) -> SeatPlan {
    let seats = SEATS.iter().take(count as usize).map(|(label, wheel)| NewSeat {
        label: (*label).into(),
        row: Some(label[..1].into()),
        accessible: *wheel == Wheel::Yes,
        ..NewSeat::default()
    });
    SeatPlan::of(seats.collect()).unwrap()
}
