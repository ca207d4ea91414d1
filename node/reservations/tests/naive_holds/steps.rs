//! Random steps: who asks for what, and how much later than the step before.

use std::fmt;

use holdfast_reservations::*;
use proptest::prelude::*;

use crate::stage::{INTERNAL, LATE, OPERATOR, SEATS, SLOTS, STAFF, Stage, principal};

/// Who asks for what when.
#[derive(Clone)]
pub struct Step {
    pub later: Later,
    pub who: u64,
    /// Not yet aimed at anything.
    pub command: Command,
    pub aim: Aim,
    /// An earlier step is asked for again instead, under its request id: so many back.
    pub again: Option<usize>,
}

/// How much time passes before a step.
#[derive(Clone, Copy, Debug)]
pub enum Later {
    By(u64),
    /// Until one of the next moments at which something is due, or one before or after it.
    Until {
        moment: usize,
        and: i64,
        within: u64,
    },
}

/// Whether a command is meant to find what it speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    Well,
    Badly,
}

/// A line for each step, so that a failing case can be read.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { later, who, command, aim, again } = self;
        write!(f, "{later:?} user:{who} {aim:?} {command:?}")?;
        again.map_or(Ok(()), |back| write!(f, " or again {back} back"))
    }
}

impl Step {
    /// When it is played.
    pub fn moment(&self, stage: &Stage) -> u64 {
        match self.later {
            Later::By(length) => stage.now() + length,
            Later::Until { moment, and, within } => {
                let now = stage.now();
                let moments =
                    stage.moments().into_iter().take_while(|at| *at <= now + within).take(moment + 1);
                moments.last().map_or(now, |at| at.saturating_add_signed(and).max(now))
            }
        }
    }

    /// What is asked for at a moment.
    pub fn request(&self, index: usize, stage: &Stage, at: u64) -> Request {
        let (who, command) = self.aimed(stage, at);
        let mut key = [0; 16];
        key[..8].copy_from_slice(&(index as u64).to_be_bytes());
        let id = Some(RequestId { key: RequestKey::Named(key), payload_hash: 0 });
        let id = id.filter(|_| !matches!(command, Command::Tick(_)));
        Request { id, principal: principal(who), command }
    }
}

/// Some policies, and what happens under them.
pub fn steps(with_jobs: Jobs) -> impl Strategy<Value = Vec<Step>> {
    let policy = set_policy().prop_map(|set| Step {
        later: Later::By(0),
        who: OPERATOR,
        command: Command::SetPolicy(set),
        aim: Aim::Well,
        again: None,
    });
    let steps = prop::collection::vec(step(with_jobs), 1..90);
    (prop::collection::vec(policy, 0..4), steps).prop_map(|(policies, steps)| [policies, steps].concat())
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Jobs {
    No,
    Yes,
}

fn step(with_jobs: Jobs) -> impl Strategy<Value = Step> {
    let later = prop_oneof![
        16 => Just(Later::By(0)),
        3 => (0..20_u64).prop_map(Later::By),
        7 => (0..3_usize, -1..2_i64, prop_oneof![20 => Just(200), 2 => Just(1_500), 1 => Just(2_000_000)])
            .prop_map(|(moment, and, within)| Later::Until { moment, and, within }),
    ];
    let aim = prop_oneof![6 => Just(Aim::Well), 1 => Just(Aim::Badly)];
    let person = prop_oneof![2 => Just(OPERATOR), 2 => Just(STAFF), 10 => 3..5_u64, 2 => Just(5)];
    let again = prop::option::weighted(0.05, 0..6_usize);
    (later, person, 0..12_u8, command(with_jobs), aim, again).prop_map(
        |(later, person, odd, command, aim, again)| {
            let usual = match command {
                Command::Tick(_) | Command::SettlePayment(_) => INTERNAL,
                Command::SetPolicy(_) => OPERATOR,
                Command::CheckIn(_) | Command::Enqueue(Enqueue { priority: 1.., .. }) => STAFF,
                _ => person,
            };
            let who = if odd == 0 { person } else { usual };
            Step { later, who, command, aim, again }
        },
    )
}

fn command(with_jobs: Jobs) -> BoxedStrategy<Command> {
    match with_jobs {
        Jobs::No => command_at_once().boxed(),
        Jobs::Yes => prop_oneof![
            12 => command_at_once(),
            3 => enqueue().prop_map(Command::Enqueue),
            1 => Just(Command::Tick(Tick)),
        ]
        .boxed(),
    }
}

fn command_at_once() -> impl Strategy<Value = Command> {
    prop_oneof![
        5 => (slot_and_pool(), count(), other_user()).prop_map(|((slot, pool), count, user)| {
            Command::Book(Book { slot, pool, count, user })
        }),
        16 => reserve().prop_map(Command::Reserve),
        3 => (booking(), version(), duration(), dialect()).prop_map(
            |(booking, expected_version, duration, dialect)| {
                Command::Extend(Extend { booking, expected_version, duration, dialect })
            }
        ),
        9 => confirm().prop_map(Command::Confirm),
        2 => (booking(), version()).prop_map(|(booking, expected_version)| {
            Command::Void(Void { booking, expected_version })
        }),
        2 => (booking(), version()).prop_map(|(booking, expected_version)| {
            Command::Cancel(Cancel { booking, expected_version })
        }),
        8 => modify().prop_map(Command::Modify),
        4 => exchange().prop_map(Command::Exchange),
        3 => (booking(), version()).prop_map(|(booking, expected_version)| {
            Command::CheckIn(CheckIn { booking, expected_version, scanned_at: None })
        }),
        7 => (booking(), version(), reference(), money()).prop_map(
            |(booking, expected_version, reference, price)| {
                Command::StartPayment(StartPayment { booking, expected_version, reference, price })
            }
        ),
        7 => (reference(), settlement()).prop_map(|(reference, settlement)| {
            Command::SettlePayment(SettlePayment { reference, settlement })
        }),
        6 => set_policy().prop_map(Command::SetPolicy),
    ]
}

fn reserve() -> impl Strategy<Value = Reserve> {
    let terms = (duration(), dialect()).prop_map(|(duration, dialect)| HoldTerms { duration, dialect });
    (slot_and_pool(), places(), prop::option::weighted(0.75, terms), other_user()).prop_map(
        |((slot, pool), places, hold, user)| {
            let pool_named = if let SlotName::OfPool(pool) = slot { Some(pool) } else { pool };
            // Seats are asked for where there are some, but for once in a while.
            let has_seats = match (slot, pool_named) {
                (SlotName::Id(id), None) => [3, 4].contains(&id.0),
                (_, Some(pool)) => [3, 4, 5].contains(&pool.0),
                (SlotName::Window(..) | SlotName::OfPool(_), None) => true,
            };
            let places = match places {
                Places::Seats(names) if !has_seats && names.len() > 1 => Places::Count(names.len() as u32),
                Places::Best { count, .. } if !has_seats => Places::Best { count, is_accessible: count == 4 },
                asked => asked,
            };
            Reserve { slot, pool, places, hold, user }
        },
    )
}

fn slot_and_pool() -> impl Strategy<Value = (SlotName, Option<PoolId>)> {
    let slot = |id| SlotName::Id(SlotId(id));
    let window = |at: usize| {
        let (resource, from, to, _) = SLOTS[at];
        SlotName::Window(ResourceId(resource), Window::new(Timestamp(from), Timestamp(to)).unwrap())
    };
    prop_oneof![
        2 => Just((slot(1), None)),
        3 => Just((slot(2), None)),
        4 => Just((slot(2), Some(PoolId(3)))),
        5 => Just((slot(3), None)),
        4 => Just((slot(4), None)),
        3 => Just((slot(4), Some(PoolId(6)))),
        2 => Just((slot(5), None)),
        1 => (0..7_u64, 0..9_u64).prop_map(move |(id, pool)| (slot(id), Some(PoolId(pool)))),
        1 => (0..9_u64).prop_map(|pool| (SlotName::OfPool(PoolId(pool)), None)),
        1 => (0..SLOTS.len()).prop_map(move |at| (window(at), None)),
    ]
}

fn places() -> impl Strategy<Value = Places> {
    prop_oneof![
        8 => count().prop_map(Places::Count),
        12 => prop::collection::vec(seat(), 1..4).prop_map(Places::Seats),
        1 => Just(Places::Seats(Vec::new())),
        12 => (1..5_u32, prop::bool::weighted(0.3))
            .prop_map(|(count, is_accessible)| Places::Best { count, is_accessible }),
    ]
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![20 => 1..5_u32, 1 => Just(0)]
}

fn seat() -> impl Strategy<Value = SeatName> {
    prop_oneof![
        8 => label().prop_map(SeatName::Label),
        1 => (0..11_u32).prop_map(SeatName::Number),
    ]
}

/// The first seats are asked for more often, and one that is not there now and then.
fn label() -> impl Strategy<Value = String> {
    let labelled = |at: usize| SEATS.get(at).map_or("C1", |(label, _)| label).to_owned();
    prop_oneof![2 => (0..4_usize).prop_map(labelled), 2 => (0..SEATS.len() + 1).prop_map(labelled)]
}

fn booking() -> impl Strategy<Value = BookingId> {
    prop_oneof![3 => 0..3_u64, 2 => 0..12_u64].prop_map(BookingId)
}

fn version() -> impl Strategy<Value = Option<u32>> {
    prop::option::weighted(0.2, prop_oneof![3 => Just(0), 1 => Just(1)])
}

fn other_user() -> impl Strategy<Value = Option<UserId>> {
    prop::option::weighted(0.1, (1..7_u64).prop_map(UserId))
}

fn duration() -> impl Strategy<Value = Option<Millis>> {
    prop::option::weighted(0.8, prop::sample::select(vec![1, 20, 20, 40, 100]).prop_map(Millis))
}

fn dialect() -> impl Strategy<Value = Dialect> {
    prop_oneof![1 => Just(Dialect::Native), 1 => Just(Dialect::S2)]
}

fn confirm() -> impl Strategy<Value = Confirm> {
    let part = prop_oneof![
        1 => (1..4_u32).prop_map(Part::Count),
        1 => prop::collection::vec(label(), 1..3).prop_map(Part::Seats),
    ];
    let paid =
        (reference(), prop::option::of(money())).prop_map(|(reference, price)| Paid { reference, price });
    (booking(), version(), prop::option::weighted(0.3, part), prop::option::weighted(0.5, paid))
        .prop_map(|(booking, expected_version, part, paid)| Confirm { booking, expected_version, part, paid })
}

fn modify() -> impl Strategy<Value = Modify> {
    let count = prop::option::weighted(0.7, 1..5_u32);
    (booking(), version(), slot_choice(), pool(), count).prop_map(
        |(booking, expected_version, slot, pool, count)| Modify {
            booking,
            expected_version,
            slot,
            pool,
            count,
        },
    )
}

fn exchange() -> impl Strategy<Value = Exchange> {
    let seats = prop::collection::vec(seat(), 1..4);
    (booking(), version(), slot_choice(), pool(), seats).prop_map(
        |(booking, expected_version, slot, pool, seats)| Exchange {
            booking,
            expected_version,
            slot,
            pool,
            seats,
        },
    )
}

fn slot_choice() -> impl Strategy<Value = Option<SlotChoice>> {
    let window = |at: usize| {
        let (_, from, to, _) = SLOTS[at];
        SlotChoice::Window(Window::new(Timestamp(from), Timestamp(to)).unwrap())
    };
    prop_oneof![
        6 => Just(None),
        3 => (0..7_u64).prop_map(|id| Some(SlotChoice::Id(SlotId(id)))),
        1 => (0..SLOTS.len()).prop_map(move |at| Some(window(at))),
    ]
}

fn pool() -> impl Strategy<Value = Option<PoolId>> {
    prop::option::weighted(0.15, (1..8_u64).prop_map(PoolId))
}

fn reference() -> impl Strategy<Value = String> {
    (0..9_u8).prop_map(|number| format!("p{number}"))
}

fn money() -> impl Strategy<Value = Money> {
    let amount = prop_oneof![4 => Just(500), 1 => Just(400)];
    amount.prop_map(|amount| Money { amount, currency: "EUR".into() })
}

fn settlement() -> impl Strategy<Value = Settlement> {
    prop_oneof![
        4 => prop::option::of(money()).prop_map(|price| Settlement::Paid { price }),
        1 => Just(Settlement::Failed { reason: "declined".into() }),
    ]
}

fn set_policy() -> impl Strategy<Value = SetPolicy> {
    let resource = (1..3_u64).prop_map(|id| Scope::Resource(ResourceId(id)));
    let pool = (1..8_u64).prop_map(|id| Scope::Pool(PoolId(id)));
    let wide = prop_oneof![resource, Just(Scope::Cluster)];
    let any = prop_oneof![2 => wide.clone(), 1 => pool];
    let value = |values: Vec<u64>| prop::option::weighted(0.8, prop::sample::select(values));
    let field = prop_oneof![
        7 => (any.clone(), Just(PolicyField::MaxPerUser), value(vec![1, 2, 3, 5])),
        2 => (any.clone(), Just(PolicyField::HoldDuration), value(vec![15, 50])),
        7 => (any, Just(PolicyField::LatePayment), value(vec![LATE])),
        5 => (wide, Just(PolicyField::AdmissionRate), value(vec![0, 3000, 40_000, 40_000, 100_000])),
        1 => (Just(Scope::Cluster), Just(PolicyField::JobResultDuration), value(vec![30])),
    ];
    field.prop_map(|(scope, field, value)| SetPolicy { scope, fields: vec![(field, value)] })
}

fn enqueue() -> impl Strategy<Value = Enqueue> {
    let command = prop_oneof![
        6 => reserve().prop_map(JobCommand::Reserve),
        1 => confirm().prop_map(JobCommand::Confirm),
    ];
    let priority = prop_oneof![7 => Just(0), 2 => 1..11_u8];
    let not_before = prop::option::weighted(0.4, (0..60_u64).prop_map(Timestamp));
    let promise = prop_oneof![Just(Promise::None), Just(Promise::Booking)];
    (command, priority, not_before, promise).prop_map(|(command, priority, not_before, promise)| Enqueue {
        command,
        priority,
        not_before,
        promise,
    })
}
