//! One of every kind that came with seats, holds, payments and jobs.

use std::collections::BTreeMap;

use holdfast_reservations::*;

const AT: Timestamp = Timestamp(1_800_000_000_000);

fn money() -> Money {
    Money { amount: 4_500, currency: "EUR".into() }
}

fn plan() -> SeatPlan {
    let seat = |label: &str, section: Option<&str>, accessible| NewSeat {
        label: label.into(),
        section: section.map(str::to_owned),
        row: section.map(|_| "A".to_owned()),
        number: Some(7),
        price_category: section.map(|_| "gold".to_owned()),
        accessible,
    };
    SeatPlan::of(vec![seat("A-07", Some("Stalls"), true), seat("VIP", None, false)]).unwrap()
}

fn payment(state: PaymentState) -> Payment {
    Payment { reference: "pay-7".into(), price: Some(money()), state }
}

pub fn states() -> [BookingState; 4] {
    [
        BookingState::Held { expires_at: AT, duration: Millis(60_000) },
        BookingState::Expired { at: AT },
        BookingState::Queued { job: JobId(7) },
        BookingState::Rejected { at: AT },
    ]
}

fn booking(state: BookingState, payment: Option<Payment>) -> Booking {
    Booking {
        slot: SlotId(300),
        pool: PoolId(302),
        user: UserId(70_000),
        booked_by: UserId(8),
        count: 2,
        seats: vec![
            BookedSeat { number: 0, label: "A-07".into() },
            BookedSeat { number: 1, label: "VIP".into() },
        ],
        state,
        version: 2,
        booked_at: AT,
        revision: Revision { index: 1042, ordinal: 3 },
        payment,
    }
}

fn payments() -> [Payment; 4] {
    [
        payment(PaymentState::Pending),
        payment(PaymentState::Paid { at: AT }),
        payment(PaymentState::Failed { at: AT, reason: "declined".into() }),
        payment(PaymentState::Refused { at: AT }),
    ]
}

fn reserves() -> [Reserve; 3] {
    let names = vec![SeatName::Label("A-07".into()), SeatName::Number(1)];
    let hold = |duration, dialect| Some(HoldTerms { duration, dialect });
    [
        Reserve {
            slot: SlotName::Id(SlotId(300)),
            pool: Some(PoolId(302)),
            places: Places::Seats(names),
            hold: hold(Some(Millis(60_000)), Dialect::Native),
            user: Some(UserId(9)),
        },
        Reserve {
            slot: SlotName::OfPool(PoolId(302)),
            pool: None,
            places: Places::Best { count: 2, is_accessible: true },
            hold: hold(None, Dialect::S2),
            user: None,
        },
        Reserve {
            slot: SlotName::Id(SlotId(300)),
            pool: None,
            places: Places::Count(3),
            hold: None,
            user: None,
        },
    ]
}

fn confirms() -> [Confirm; 2] {
    let confirm = |part, paid| Confirm { booking: BookingId(7), expected_version: Some(2), part, paid };
    let paid = Paid { reference: "pay-7".into(), price: Some(money()) };
    [confirm(Some(Part::Count(1)), Some(paid)), confirm(Some(Part::Seats(vec!["VIP".into()])), None)]
}

fn jobs() -> [Job; 3] {
    let [reserve, ..] = reserves();
    let [confirm, _] = confirms();
    let job = |command, state| Job {
        user: UserId(70_000),
        principal: Principal::User { user: UserId(70_000), token_version: 1 },
        command,
        booking: Some(BookingId(7)),
        priority: 3,
        not_before: AT,
        created_at: AT,
        state,
    };
    let outcome = Box::new(Outcome::Rejected(Rejection::NotHeld));
    [
        job(JobCommand::Reserve(reserve.clone()), JobState::Delayed),
        job(JobCommand::Reserve(reserve), JobState::Waiting { resource: ResourceId(20), sequence: 5 }),
        job(JobCommand::Confirm(confirm), JobState::Done { at: AT, outcome, forgotten_at: AT }),
    ]
}

fn policy() -> Policy {
    let fields = [
        PolicyField::MaxPerUser,
        PolicyField::HoldDuration,
        PolicyField::AdmissionRate,
        PolicyField::NoShowGrace,
        PolicyField::ReminderLead,
        PolicyField::CheckInEarly,
        PolicyField::CheckInLate,
        PolicyField::JobResultDuration,
        PolicyField::LatePayment,
        PolicyField::HoldDurationS1,
        PolicyField::HoldDurationS2,
        PolicyField::HoldDurationS3,
        PolicyField::MaxHeldS2,
    ];
    Policy { fields: fields.into_iter().zip(1_000..).collect() }
}

fn scopes() -> [Scope; 5] {
    [
        Scope::Cluster,
        Scope::Venue(VenueId(1)),
        Scope::Resource(ResourceId(20)),
        Scope::Slot(SlotId(300)),
        Scope::Pool(PoolId(302)),
    ]
}

fn queue() -> Queue {
    let lanes = BTreeMap::from([(0, Lane { entered: 9, left: 7 }), (3, Lane { entered: 1, left: 1 })]);
    Queue { next_at_micros: 1_800_000_000_000_500, looked_at: Some(AT), lanes, delayed: 2 }
}

pub fn rows() -> Vec<(Key, Row)> {
    let pool = PoolId(302);
    let mut rows = vec![
        (Key::Seats(pool), Row::Seats(Seats { slot: SlotId(300), plan: plan() }.into())),
        (Key::SeatBlock(pool, 1), Row::SeatBlock(SeatBlock::default().into())),
        (Key::SeatTaken(pool, 1), Row::SeatTaken(BookingId(7))),
        (Key::HoldByPool(pool, AT, BookingId(7)), Row::Index),
        (Key::HoldByUser(UserId(70_000), ResourceId(20), AT, BookingId(7)), Row::Index),
        (Key::UserPlaces(UserId(70_000), ResourceId(20)), Row::UserPlaces(UserPlaces(300))),
        (Key::PaymentByReference("pay-7".into()), Row::PaymentByReference(BookingId(7))),
        (Key::Queue(ResourceId(20)), Row::Queue(queue().into())),
        (Key::JobWaiting(ResourceId(20), 6, 5), Row::JobWaiting(JobId(7))),
        (Key::VenueByName("Hall".into()), Row::VenueByName(VenueId(1))),
        (Key::Due(AT, DueKind::HoldExpires, 7), Row::Index),
        (Key::Due(AT, DueKind::JobsAdmitted, 20), Row::Index),
        (Key::Due(AT, DueKind::JobDue, 7), Row::Index),
        (Key::Due(AT, DueKind::JobForgotten, 7), Row::Index),
    ];
    rows.extend(scopes().map(|scope| (Key::Policy(scope), Row::Policy(policy().into()))));
    let ids = 100..;
    let bookings = states().map(|state| booking(state, None)).into_iter();
    let bookings = bookings.chain(payments().map(|payment| booking(BookingState::Confirmed, Some(payment))));
    let bookings = bookings.chain(crate::days::states().map(|state| booking(state, None)));
    rows.extend(
        ids.zip(bookings).map(|(id, booking)| (Key::Booking(BookingId(id)), Row::Booking(booking.into()))),
    );
    rows.extend((7..).zip(jobs()).map(|(id, job)| (Key::Job(JobId(id)), Row::Job(job.into()))));
    rows.push((Key::Slot(SlotId(300)), Row::Slot(slot().into())));
    rows.push((Key::Resource(ResourceId(20)), Row::Resource(event().into())));
    rows
}

fn slot() -> Slot {
    let seats = Pool {
        id: PoolId(302),
        name: "seats".into(),
        kind: PoolKind::Seats { capacity: 2 },
        price: Some(money()),
        description: "Best view.".into(),
    };
    let window = Window::new(AT, Timestamp(AT.0 + 900_000)).unwrap();
    Slot { resource: ResourceId(20), window, status: SlotStatus::Withdrawn, pools: vec![seats] }
}

fn event() -> Resource {
    Resource {
        venue: VenueId(1),
        kind: ResourceKind::Event,
        name: "Gig".into(),
        description: "Loud.".into(),
        owner: Some(UserId(70_000)),
        status: ResourceStatus::Withdrawn,
    }
}

pub fn commands() -> Vec<Command> {
    let (booking, expected_version) = (BookingId(7), Some(2));
    let window = Window::new(AT, Timestamp(AT.0 + 900_000)).unwrap();
    let policy = vec![(PolicyField::HoldDuration, 30_000)];
    let terms = Terms { price: Some(money()), description: "Best view.".into(), policy };
    let places = NewPlaces::OnTerms(Box::new(NewPlaces::Seats(plan())), terms);
    let pools = vec![NewPool { name: "seats".into(), places }];
    let (slot, resource) = (SlotId(300), ResourceId(20));
    let settle = |settlement| SettlePayment { reference: "pay-7".into(), settlement };
    let mut commands: Vec<Command> = reserves().map(Command::Reserve).into();
    commands.extend(confirms().map(Command::Confirm));
    commands.extend(
        reserves().map(JobCommand::Reserve).into_iter().zip([Promise::None, Promise::Booking]).map(
            |(command, promise)| {
                Command::Enqueue(Enqueue { command, priority: 3, not_before: Some(AT), promise })
            },
        ),
    );
    commands.extend(scopes().map(|scope| {
        let fields = vec![(PolicyField::MaxPerUser, Some(4)), (PolicyField::MaxHeldS2, None)];
        Command::SetPolicy(SetPolicy { scope, fields })
    }));
    commands.extend([
        Command::Exchange(Exchange {
            booking,
            expected_version,
            slot: Some(SlotChoice::Id(slot)),
            pool: None,
            seats: vec![SeatName::Label("VIP".into())],
        }),
        Command::Extend(Extend {
            booking,
            expected_version,
            duration: Some(Millis(60_000)),
            dialect: Dialect::S1,
        }),
        Command::Void(Void { booking, expected_version }),
        Command::StartPayment(StartPayment {
            booking,
            expected_version,
            reference: "pay-7".into(),
            price: money(),
        }),
        Command::SettlePayment(settle(Settlement::Paid { price: Some(money()) })),
        Command::SettlePayment(settle(Settlement::Failed { reason: "declined".into() })),
        Command::CreateEvent(CreateEvent {
            name: "Gig".into(),
            description: "Loud.".into(),
            venue: "Hall".into(),
            slot: Some(NewSlot { window, pools: pools.clone() }),
        }),
        Command::ChangeResource(ChangeResource { resource, name: Some("Gig".into()), description: None }),
        Command::WithdrawResource(WithdrawResource { resource }),
        Command::AddPools(AddPools { slot, pools }),
        Command::ChangeSlot(ChangeSlot { slot, window: Some(window), seats: Some(plan()) }),
        Command::WithdrawSlot(WithdrawSlot { slot }),
        Command::DeclareUser(DeclareUser { alias: "u-1".into(), name: "U".into() }),
    ]);
    commands
}

pub fn outcomes() -> Vec<Outcome> {
    let taken = |held_until| SeatUnavailable { label: "A-07".into(), held_until };
    let rejections = [
        Rejection::HoldExpired { expired_at: AT },
        Rejection::NotHeld,
        Rejection::NotConfirmed,
        Rejection::NotSoMany { has: 2 },
        Rejection::SeatNotFound(SeatName::Label("C-1".into())),
        Rejection::SeatTaken(taken(Some(AT))),
        Rejection::SeatTaken(taken(None)),
        Rejection::NoSeats(PoolId(301)),
        Rejection::NoSuchSeatsLeft,
        Rejection::LimitReached { limit: 6, has: 6 },
        Rejection::PaymentMismatch,
        Rejection::PaymentReferenceTaken,
        Rejection::PaymentNotFound("pay-7".into()),
        Rejection::PlacesGone,
        Rejection::QueueFull,
        Rejection::HasSlots,
        Rejection::HasBookings,
        Rejection::TooManyPools,
        Rejection::NothingAsked,
        Rejection::TooManySeats,
        Rejection::WaitingRoom(ResourceId(201)),
    ];
    let contradictions = [
        Contradiction::SeatTwice(PoolId(302), 1),
        Contradiction::RowMissing(MissingRow::Booking(BookingId(7))),
        Contradiction::RowMissing(MissingRow::Job(JobId(7))),
    ];
    let [_, _, done] = jobs();
    let held = booking(BookingState::Held { expires_at: AT, duration: Millis(60_000) }, None);
    let successes = [
        Outcome::Policy(Scope::Cluster, policy()),
        Outcome::Job(JobId(7), Box::new(done)),
        Outcome::ResourceWithdrawn(ResourceId(20)),
        Outcome::SlotWithdrawn(SlotId(300)),
        Outcome::Booking(BookingId(7), held),
        Outcome::Slots(vec![(SlotId(300), slot())]),
        Outcome::Resource(ResourceId(20), event()),
    ];
    let rejected = rejections.into_iter().map(Outcome::Rejected);
    successes.into_iter().chain(rejected).chain(contradictions.map(Outcome::Contradicted)).collect()
}
