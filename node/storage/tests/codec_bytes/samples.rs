//! One of every kind: rows, requests and outcomes.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_reservations::*;

fn sample_booking(state: BookingState) -> Booking {
    Booking {
        slot: SlotId(300),
        pool: PoolId(301),
        user: UserId(70_000),
        count: 4,
        seats: Vec::new(),
        state,
        version: 2,
        booked_by: UserId(8),
        booked_at: Timestamp(1_800_000_000_000),
        revision: Revision { index: 1042, ordinal: 3 },
        payment: None,
    }
}

fn sample_states() -> [BookingState; 3] {
    let (at, by, scanned_at) = (Timestamp(1_800_000_100_000), UserId(2), Some(Timestamp(1_800_000_099_000)));
    [BookingState::Confirmed, BookingState::Used { at, by, scanned_at }, BookingState::Cancelled { at }]
}

fn sample_venue() -> Venue {
    Venue {
        name: "Lakeside".into(),
        region: "North".into(),
        time_zone: "Europe/Paris".into(),
        opens_at_minute: 540,
        closes_at_minute: 1320,
    }
}

fn sample_resource(kind: ResourceKind) -> Resource {
    let NewResource { venue, kind, name, description } = sample_new_resource(kind);
    Resource { venue, kind, name, description, owner: None, status: ResourceStatus::Offered }
}

fn sample_new_resource(kind: ResourceKind) -> NewResource {
    NewResource { venue: VenueId(1), kind, name: "Comet".into(), description: "A fast one.".into() }
}

fn sample_window() -> Window {
    Window::new(Timestamp(1_800_000_000_000), Timestamp(1_800_000_900_000)).unwrap()
}

fn sample_slot(status: SlotStatus) -> Slot {
    let (name, kind) = ("standard".into(), PoolKind::Counter { capacity: 120 });
    let pools = vec![Pool { id: PoolId(301), name, kind, price: None, description: String::new() }];
    Slot { resource: ResourceId(20), window: sample_window(), status, pools }
}

fn sample_ban() -> Ban {
    Ban { reason: "scalping".into(), banned_at: Timestamp(1_800_000_000_000), banned_by: UserId(2) }
}

fn sample_app() -> App {
    let created_at = Timestamp(1_800_000_000_000);
    let secret = |number| AppSecret { number, hash: [9; 32], created_at };
    App { created_at, created_by: UserId(2), secrets: vec![secret(2), secret(3)], secrets_made: 3 }
}

fn sample_account(ban: Option<Ban>) -> Account {
    let (email, name, created_at) = ("g@example.com".into(), "G".into(), Timestamp(1_800_000_000_000));
    Account { email, name, role: Role::Staff, created_at, ban }
}

pub fn rows() -> BTreeMap<Key, Row> {
    let now = Timestamp(1_800_000_000_000);
    let mut rows = BTreeMap::new();
    let mut put = |key, row| assert_eq!(rows.insert(key, row), None, "a key twice");
    let clock = Clock { now, generation: 5, generation_started_at: Timestamp(1_799_999_000_000) };
    put(Key::Clock, Row::Clock(clock.into()));
    let counters = Counters {
        venues: 1,
        resources: 20,
        slots: 300,
        pools: 301,
        bookings: 70_000,
        users: 70_001,
        sessions: 9,
        operators: 2,
        jobs: 0,
    };
    put(Key::Counters, Row::Counters(counters.into()));
    put(Key::Venue(VenueId(1)), Row::Venue(sample_venue().into()));
    for (id, kind) in (1..).zip([ResourceKind::Ride, ResourceKind::Event, ResourceKind::Course]) {
        put(Key::Resource(ResourceId(id)), Row::Resource(sample_resource(kind).into()));
        put(Key::ResourceByVenue(VenueId(1), ResourceId(id)), Row::Index);
    }
    for (id, status) in (1..).zip([SlotStatus::Open, SlotStatus::Finished]) {
        put(Key::Slot(SlotId(id)), Row::Slot(sample_slot(status).into()));
        put(Key::SlotByWindow(ResourceId(20), now, Timestamp(1_800_000_900_000), SlotId(id)), Row::Index);
        let sold_out_at = (id == 2).then_some(now);
        let counts = PoolCounts { capacity: 120, available: 20, held: 0, confirmed: 100, sold_out_at };
        put(Key::Pool(PoolId(id)), Row::Pool(counts.into()));
    }
    for (id, state) in (1..).zip(sample_states()) {
        put(Key::Booking(BookingId(id)), Row::Booking(sample_booking(state).into()));
        put(Key::BookingByUser(UserId(70_000), BookingId(id)), Row::Index);
        put(Key::BookingBySlot(SlotId(300), BookingId(id)), Row::Index);
    }
    for (id, role) in (1..).zip([Role::Guest, Role::Staff, Role::Operator, Role::App]) {
        let email = format!("user{id}@example.com");
        let user = User {
            email: email.clone(),
            name: "A Guest".into(),
            password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".into(),
            role,
            token_version: 1,
            created_at: now,
        };
        put(Key::User(UserId(id)), Row::User(user.into()));
        put(Key::UserByEmail(email), Row::UserByEmail(UserId(id)));
    }
    let session = Session { user: UserId(3), sequence: 2, expires_at: Timestamp(1_800_600_000_000) };
    put(Key::Session(SessionId(9)), Row::Session(session.into()));
    put(Key::SessionByUser(UserId(3), SessionId(9)), Row::Index);
    put(Key::NodeKey(2, 1), Row::NodeKey(NodeKey { public_key: [7; 32], registered_at: now }.into()));
    put(Key::Due(now, DueKind::SlotStarts, 300), Row::Index);
    put(Key::Due(now, DueKind::SlotEnds, 300), Row::Index);
    let made = [RequestKey::Made([1; 16]), RequestKey::Uuid([2; 16]), RequestKey::Named([3; 16])];
    for (key, outcome) in made.into_iter().zip(outcomes()) {
        let revision = Revision { index: 1042, ordinal: 3 };
        let remembered = Remembered { payload_hash: 0x0123_4567_89ab_cdef, revision, outcome };
        put(Key::Request(5, 70_000, key), Row::Request(Arc::new(remembered)));
    }
    put(Key::KeyCount(5, 70_000), Row::KeyCount(KeyCount(123_456)));
    put(Key::Ban(UserId(3)), Row::Ban(sample_ban().into()));
    put(Key::App(UserId(4)), Row::App(sample_app().into()));
    let retired = RetiredNodeKey { retired_at: now, expires_at: Timestamp(1_800_604_800_000) };
    put(Key::RetiredNodeKey(2, 1), Row::RetiredNodeKey(retired.into()));
    rows
}

pub fn requests() -> Vec<Request> {
    let user = Principal::User { user: UserId(70_000), token_version: 1 };
    let id = |key| Some(RequestId { key, payload_hash: 0x0123_4567_89ab_cdef });
    let made = id(RequestKey::Made([1; 16]));
    let (booking, expected_version) = (BookingId(70_000), Some(2));
    let requests = [
        (made, user, Command::CreateVenue(CreateVenue { venue: sample_venue() })),
        (
            made,
            user,
            Command::CreateResource(CreateResource { resource: sample_new_resource(ResourceKind::Ride) }),
        ),
        (
            made,
            user,
            Command::OpenSlots(OpenSlots {
                resource: ResourceId(20),
                slots: vec![NewSlot {
                    window: sample_window(),
                    pools: vec![NewPool {
                        name: "standard".into(),
                        places: NewPlaces::Counter { capacity: 120 },
                    }],
                }],
            }),
        ),
        (
            id(RequestKey::Named([3; 16])),
            Principal::Anonymous,
            Command::SignUp(SignUp {
                email: "g@example.com".into(),
                name: "G".into(),
                password_hash: "$h".into(),
            }),
        ),
        (made, user, Command::ChangeRole(ChangeRole { user: UserId(3), role: Role::Staff })),
        (
            None,
            Principal::Internal,
            Command::CreateOperator(CreateOperator {
                email: "o@example.com".into(),
                name: "O".into(),
                password_hash: "$h".into(),
            }),
        ),
        (made, Principal::Internal, Command::OpenSession(OpenSession { user: UserId(3), token_version: 0 })),
        (
            made,
            Principal::Internal,
            Command::RefreshSession(RefreshSession { session: SessionId(9), sequence: 2 }),
        ),
        (made, user, Command::CloseSessions(CloseSessions)),
        (
            id(RequestKey::Uuid([2; 16])),
            user,
            Command::Book(Book {
                slot: SlotName::Id(SlotId(300)),
                pool: Some(PoolId(301)),
                count: 4,
                user: Some(UserId(9)),
            }),
        ),
        (
            id(RequestKey::Uuid([2; 16])),
            user,
            Command::Book(Book {
                slot: SlotName::Window(ResourceId(20), sample_window()),
                pool: None,
                count: 1,
                user: None,
            }),
        ),
        (
            made,
            user,
            Command::Modify(Modify {
                booking,
                expected_version,
                slot: Some(SlotChoice::Window(sample_window())),
                pool: None,
                count: Some(2),
            }),
        ),
        (made, user, Command::Cancel(Cancel { booking, expected_version })),
        (
            made,
            user,
            Command::CheckIn(CheckIn {
                booking,
                expected_version: None,
                scanned_at: Some(Timestamp(1_800_000_000_000)),
            }),
        ),
        (None, Principal::Internal, Command::Tick(Tick)),
        (
            None,
            Principal::Internal,
            Command::RegisterNodeKey(RegisterNodeKey { node: 2, generation: 1, public_key: [7; 32] }),
        ),
        (
            None,
            Principal::Internal,
            Command::RetireNodeKeys(RetireNodeKeys { keys: vec![(2, 1), (70_000, 12)] }),
        ),
    ];
    let later = crate::later::commands()
        .into_iter()
        .chain(crate::days::commands())
        .chain(crate::entrance::commands())
        .map(move |command| (made, user, command));
    let outbox = crate::outbox::commands().into_iter().map(move |command| (made, user, command));
    let requests = requests.into_iter().chain(account_requests(made, user)).chain(later).chain(outbox);
    requests.map(|(id, principal, command)| Request { id, principal, command }).collect()
}

fn account_requests(
    id: Option<RequestId>,
    operator: Principal,
) -> impl Iterator<Item = (Option<RequestId>, Principal, Command)> {
    let (user, app, secret_hash) = (UserId(3), UserId(4), [9; 32]);
    let commands = [
        Command::LogOut(LogOut),
        Command::SetRole(SetRole { user, role: Role::Staff }),
        Command::SetPassword(SetPassword { user, password_hash: "$h".into() }),
        Command::BanUser(BanUser { user, reason: "scalping".into() }),
        Command::LiftBan(LiftBan { user }),
        Command::CreateUser(CreateUser {
            email: "g@example.com".into(),
            name: "G".into(),
            password_hash: "$h".into(),
            role: Role::Guest,
        }),
        Command::CreateApp(CreateApp { name: "shop".into(), secret_hash }),
        Command::AddAppSecret(AddAppSecret { app, secret_hash }),
        Command::RevokeAppSecret(RevokeAppSecret { app, secret: 2 }),
        Command::DeleteApp(DeleteApp { app }),
        Command::GiveRole(GiveRole { user, role: Role::Operator }),
        Command::LogIn(LogIn { user, token_version: 2 }),
    ];
    let by_operator = commands.map(|command| (id, operator, command));
    let by_app = (id, Principal::App { user: app, secret: 2 }, Command::LogOut(LogOut));
    by_operator.into_iter().chain([by_app])
}

pub fn outcomes() -> Vec<Outcome> {
    let at = Timestamp(1_800_000_000_000);
    let profile = UserProfile { email: "g@example.com".into(), name: "G".into(), role: Role::Guest };
    let full = SlotFull { available: 1, sold_out_at: Some(at), alternatives: vec![SlotId(301), SlotId(302)] };
    let rejections = [
        Rejection::Unauthenticated,
        Rejection::Forbidden,
        Rejection::KeyReused,
        Rejection::KeyExpired,
        Rejection::KeyAhead,
        Rejection::TooManyKeys,
        Rejection::VenueNotFound(VenueId(9)),
        Rejection::ResourceNotFound(ResourceId(9)),
        Rejection::SlotNotFound(Some(SlotId(9))),
        Rejection::SlotNotFound(None),
        Rejection::PoolNotFound(PoolId(9)),
        Rejection::BookingNotFound(BookingId(9)),
        Rejection::UserNotFound(UserId(9)),
        Rejection::EmailTaken,
        Rejection::SessionInvalid,
        Rejection::SlotFull(full),
        Rejection::VersionMismatch { current: 3 },
        Rejection::AlreadyCancelled,
        Rejection::AlreadyUsed { used_at: at, used_by: UserId(2) },
        Rejection::TooEarly { opens_at: at },
        Rejection::TooLate { ended_at: at },
        Rejection::LastOperator,
        Rejection::Banned,
        Rejection::UserIsApp(UserId(4)),
        Rejection::AppNotFound(UserId(9)),
        Rejection::SecretNotFound(9),
        Rejection::TooManySecrets,
        Rejection::TooManyApps,
    ];
    let contradictions = [
        Contradiction::Capacity(PoolId(3)),
        Contradiction::Overflow,
        Contradiction::RowMissing(MissingRow::Slot(SlotId(3))),
        Contradiction::RowMissing(MissingRow::Pool(PoolId(3))),
    ];
    let session = SessionId(9);
    let successes = [
        Outcome::Booking(BookingId(70_000), sample_booking(BookingState::Confirmed)),
        Outcome::Venue(VenueId(1), sample_venue()),
        Outcome::Resource(ResourceId(20), sample_resource(ResourceKind::Event)),
        Outcome::Slots(vec![(SlotId(300), sample_slot(SlotStatus::Open))]),
        Outcome::User(UserId(3), profile),
        Outcome::Session { session, user: UserId(3), sequence: 2, token_version: 1, expires_at: at },
        Outcome::SessionsClosed(UserId(3)),
        Outcome::Ticked { handled: 256, contradicted: 0 },
        Outcome::NodeKeyRegistered,
        Outcome::Account(UserId(3), sample_account(None)),
        Outcome::Account(UserId(3), sample_account(Some(sample_ban()))),
        Outcome::App(UserId(4), sample_app()),
        Outcome::AppDeleted(UserId(4)),
    ];
    let later = [
        Outcome::NodeKeysRetired(300),
        Outcome::Rejected(Rejection::NoPassword),
        Outcome::Rejected(Rejection::Suspended),
    ];
    let rejected = rejections.into_iter().map(Outcome::Rejected);
    let contradicted = contradictions.into_iter().map(Outcome::Contradicted);
    successes.into_iter().chain(rejected).chain(contradicted).chain(later).collect()
}
