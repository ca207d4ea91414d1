//! For tests: the rules over a map of rows, with an operator (user 1), two guests, and a resource with slots.

use holdfast_reservations::{
    BanUser, Command, CreateOperator, CreateResource, CreateVenue, Entry, GiveRole, MemoryRows, NewPlaces,
    NewPool, NewResource, NewSlot, OpenSlots, Outcome, Principal, Request, ResourceId, ResourceKind, Role,
    SignUp, State, Timestamp, UserId, Venue, VenueId, Window,
};

pub(crate) const OPERATOR: UserId = UserId(1);
pub(crate) const MIA: UserId = UserId(2);
pub(crate) const TOM: UserId = UserId(3);
pub(crate) const RESOURCE: ResourceId = ResourceId(1);

pub(crate) struct Stage {
    state: State<MemoryRows>,
    index: u64,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let mut stage = Self { state: State::over(MemoryRows::default()), index: 0 };
        let person = |name: &str| (name.to_owned(), format!("{name}@example.com"), "$h".to_owned());
        let (name, email, password_hash) = person("olga");
        let operator = CreateOperator { name, email, password_hash };
        stage.apply(0, Principal::Internal, Command::CreateOperator(operator));
        for name in ["mia", "tom"] {
            let (name, email, password_hash) = person(name);
            stage.apply(0, Principal::Anonymous, Command::SignUp(SignUp { email, name, password_hash }));
        }
        let (name, region, time_zone) = ("Park".to_owned(), String::new(), "UTC".to_owned());
        let venue = Venue { name, region, time_zone, opens_at_minute: 0, closes_at_minute: 1440 };
        stage.submit(OPERATOR, Command::CreateVenue(CreateVenue { venue }));
        let (name, description) = ("Ride".to_owned(), String::new());
        let resource = NewResource { venue: VenueId(1), kind: ResourceKind::Ride, name, description };
        stage.submit(OPERATOR, Command::CreateResource(CreateResource { resource }));
        stage
    }

    /// Opens a slot for each pair of a start and an end.
    pub(crate) fn open_slots(&mut self, windows: &[(u64, u64)]) {
        let slot = |&(starts_at, ends_at): &(u64, u64)| NewSlot {
            window: Window::new(Timestamp(starts_at), Timestamp(ends_at)).unwrap(),
            pools: vec![NewPool { name: "all".to_owned(), places: NewPlaces::Counter { capacity: 9 } }],
        };
        let slots = windows.iter().map(slot).collect();
        self.submit(OPERATOR, Command::OpenSlots(OpenSlots { resource: RESOURCE, slots }));
    }

    pub(crate) fn change_role(&mut self, user: UserId, role: Role) {
        self.submit(OPERATOR, Command::GiveRole(GiveRole { user, role }));
    }

    pub(crate) fn ban(&mut self, user: UserId) {
        self.submit(OPERATOR, Command::BanUser(BanUser { user, reason: String::new() }));
    }

    /// What a command of a user comes to, which must be a success.
    pub(crate) fn submit(&mut self, user: UserId, command: Command) -> Outcome {
        self.apply(1, Principal::User { user, token_version: 0 }, command)
    }

    pub(crate) fn apply(&mut self, at: u64, principal: Principal, command: Command) -> Outcome {
        self.index += 1;
        let requests = vec![Request { id: None, principal, command }];
        let applied = self.state.apply(self.index, &Entry { proposed_at: Timestamp(at), requests });
        let outcome = applied.into_iter().next().unwrap().outcome;
        assert!(!matches!(outcome, Outcome::Rejected(_) | Outcome::Contradicted(_)), "{outcome:?}");
        outcome
    }

    pub(crate) fn rows(&self) -> &MemoryRows {
        self.state.rows()
    }
}
