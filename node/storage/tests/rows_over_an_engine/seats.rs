//! Everything a log can hold of seats, holds, payments, policies, jobs and events, in a fixed order.

use holdfast_reservations::*;

const EXPECTED_VERSION: Option<u32> = None;

fn reserve(places: Places, hold: Option<HoldTerms>) -> Reserve {
    Reserve { slot: SlotName::Id(SlotId(1)), pool: None, places, hold, user: None }
}

fn seats(labels: &[&str]) -> Places {
    Places::Seats(labels.iter().map(|label| SeatName::Label((*label).to_owned())).collect())
}

fn hold(seconds: u64) -> Option<HoldTerms> {
    Some(HoldTerms { duration: Some(Millis::from_seconds(seconds)), dialect: Dialect::Native })
}

fn confirm(booking: u64, part: Option<Part>, paid: Option<Paid>) -> Confirm {
    Confirm { booking: BookingId(booking), expected_version: EXPECTED_VERSION, part, paid }
}

fn enqueue(command: JobCommand, promise: Promise, not_before: Option<Timestamp>) -> Command {
    Command::Enqueue(Enqueue { command, priority: 0, not_before, promise })
}

fn plan() -> SeatPlan {
    let seat = |label: &str, accessible| NewSeat {
        label: label.to_owned(),
        section: Some("Stalls".to_owned()),
        row: Some(label[..1].to_owned()),
        number: None,
        price_category: Some("gold".to_owned()),
        accessible,
    };
    let seats = ["A-1", "A-2", "A-3", "A-4", "B-1", "B-2"].map(|label| seat(label, label == "B-2"));
    SeatPlan::of(seats.to_vec()).unwrap()
}

fn offer() -> Vec<(Principal, Command)> {
    let (operator, mia) = (by(1), by(2));
    let window = Window::new(Timestamp(3_600_000), Timestamp(7_200_000)).unwrap();
    let price = Money { amount: 4_500, currency: "EUR".into() };
    let policy = vec![(PolicyField::HoldDuration, 30_000)];
    let terms = Terms { price: Some(price), description: "Best view.".into(), policy };
    let places = NewPlaces::OnTerms(Box::new(NewPlaces::Seats(plan())), terms);
    let pools = vec![NewPool { name: "seats".into(), places }];
    let event = CreateEvent {
        name: "Gig".into(),
        description: "Loud.".into(),
        venue: "Hall".into(),
        slot: Some(NewSlot { window, pools }),
    };
    let more = vec![NewPool { name: "standing".into(), places: NewPlaces::Counter { capacity: 3 } }];
    let resource = ResourceId(1);
    let later = Window::new(Timestamp(3_600_000), Timestamp(7_300_000)).unwrap();
    vec![
        (mia, Command::CreateEvent(event)),
        (mia, Command::AddPools(AddPools { slot: SlotId(1), pools: more })),
        (
            mia,
            Command::ChangeResource(ChangeResource {
                resource,
                name: Some("Gig 2".into()),
                description: None,
            }),
        ),
        (mia, Command::ChangeSlot(ChangeSlot { slot: SlotId(1), window: Some(later), seats: None })),
        (Principal::Internal, Command::DeclareUser(DeclareUser { alias: "u-1".into(), name: "U".into() })),
        (operator, set_policy(Scope::Cluster, PolicyField::LatePayment, Some(10_000))),
        (operator, set_policy(Scope::Resource(resource), PolicyField::MaxPerUser, Some(4))),
    ]
}

fn set_policy(scope: Scope, field: PolicyField, value: Option<u64>) -> Command {
    Command::SetPolicy(SetPolicy { scope, fields: vec![(field, value)] })
}

fn by(user: u64) -> Principal {
    Principal::User { user: UserId(user), token_version: 0 }
}

pub(crate) fn history() -> Vec<Entry> {
    let (operator, mia, tom) = (by(1), by(2), by(3));
    let first = CreateOperator { email: "o".into(), name: "O".into(), password_hash: "$h".into() };
    let sign_up = |email: &str| {
        let (email, name, password_hash) = (email.to_owned(), "N".to_owned(), "$h".to_owned());
        (Principal::Anonymous, Command::SignUp(SignUp { email, name, password_hash }))
    };
    let tick = || (Principal::Internal, Command::Tick(Tick));
    let price = || Money { amount: 9_000, currency: "EUR".into() };
    let paid = |reference: &str| Some(Paid { reference: reference.into(), price: Some(price()) });
    let settle = |reference: &str, settlement| {
        let command = Command::SettlePayment(SettlePayment { reference: reference.into(), settlement });
        (Principal::Internal, command)
    };
    let start = StartPayment {
        booking: BookingId(2),
        expected_version: EXPECTED_VERSION,
        reference: "pay-2".into(),
        price: price(),
    };
    let extend = Extend {
        booking: BookingId(1),
        expected_version: EXPECTED_VERSION,
        duration: None,
        dialect: Dialect::Native,
    };
    let exchange = Exchange {
        booking: BookingId(1),
        expected_version: EXPECTED_VERSION,
        slot: None,
        pool: None,
        seats: vec![SeatName::Number(1), SeatName::Number(2)],
    };
    let best = Places::Best { count: 1, is_accessible: true };
    let queued = |places| JobCommand::Reserve(reserve(places, hold(60)));
    let void =
        |booking| Command::Void(Void { booking: BookingId(booking), expected_version: EXPECTED_VERSION });
    let entries = [
        (0, vec![(Principal::Internal, Command::CreateOperator(first)), sign_up("mia"), sign_up("tom")]),
        (1_000, offer()),
        (
            2_000,
            vec![
                (mia, Command::Reserve(reserve(seats(&["A-1", "A-2"]), hold(60)))),
                (tom, Command::Reserve(reserve(seats(&["A-2"]), hold(60)))),
                (tom, Command::Reserve(reserve(seats(&["A-4", "B-1"]), hold(20)))),
                (tom, Command::Reserve(reserve(best.clone(), None))),
                (mia, Command::Reserve(reserve(Places::Count(3), None))),
            ],
        ),
        (
            3_000,
            vec![
                (mia, Command::Extend(extend)),
                (mia, Command::Exchange(exchange)),
                (tom, Command::StartPayment(start)),
                (mia, Command::Confirm(confirm(1, Some(Part::Seats(vec!["A-3".into()])), paid("pay-1")))),
                settle("pay-2", Settlement::Failed { reason: "declined".into() }),
            ],
        ),
        (22_000, vec![tick(), (mia, Command::Reserve(reserve(seats(&["B-1"]), hold(60)))), (mia, void(4))]),
        (23_000, vec![settle("pay-2", Settlement::Paid { price: Some(price()) })]),
        (
            24_000,
            vec![
                (
                    operator,
                    set_policy(Scope::Resource(ResourceId(1)), PolicyField::AdmissionRate, Some(1_000)),
                ),
                (mia, enqueue(queued(Places::Count(1)), Promise::Booking, None)),
                (tom, enqueue(queued(Places::Count(1)), Promise::Booking, None)),
                (mia, enqueue(queued(best), Promise::None, Some(Timestamp(40_000)))),
            ],
        ),
        (
            25_000,
            vec![tick(), (mia, enqueue(JobCommand::Confirm(confirm(5, None, None)), Promise::None, None))],
        ),
        (40_000, vec![tick()]),
        (400_000, vec![tick(), (operator, Command::WithdrawSlot(WithdrawSlot { slot: SlotId(1) }))]),
        (500_000, vec![(mia, Command::WithdrawResource(WithdrawResource { resource: ResourceId(1) }))]),
    ];
    let mut number = 0;
    let mut request = |(principal, command): (Principal, Command)| {
        number += 1;
        let is_user = matches!(principal, Principal::User { .. });
        let id = RequestId { key: RequestKey::Uuid([number; 16]), payload_hash: u64::from(number) };
        Request { id: is_user.then_some(id), principal, command }
    };
    let entries = entries.into_iter().map(|(at, requests)| Entry {
        proposed_at: Timestamp(at),
        requests: requests.into_iter().map(&mut request).collect(),
    });
    entries.collect()
}
