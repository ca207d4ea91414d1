//! Devices, webhooks, deliveries and dead letters: random commands, compared step by step with a model too simple to be
//! wrong. What happens to bookings is taken from the rules; who hears of it, and what becomes of that, is not.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests fail as tests do, on whatever they do not expect"
)]

#[path = "naive_outbox/model.rs"]
mod model;

use holdfast_reservations::*;
use proptest::prelude::*;

use model::{APP, Action, GUESTS, KINDS, Letter, Model, OPERATOR, TOKENS, USERS, Waiting};

struct Stage {
    state: State<MemoryRows>,
    index: u64,
    slots: u64,
}

impl Stage {
    fn new() -> Self {
        let mut stage = Self { state: State::over(MemoryRows::default()), index: 0, slots: 0 };
        let operator = CreateOperator { email: "o@x".into(), name: "o".into(), password_hash: "$h".into() };
        stage.apply(0, Principal::Internal, Command::CreateOperator(operator));
        for email in ["m@x", "t@x", "a@x"] {
            let guest = SignUp { email: email.into(), name: email.into(), password_hash: "$h".into() };
            stage.apply(0, Principal::Anonymous, Command::SignUp(guest));
        }
        let app = ChangeRole { user: UserId(APP), role: Role::App };
        stage.apply(0, principal(OPERATOR), Command::ChangeRole(app));
        let (name, region, time_zone) = ("v".into(), String::new(), "UTC".into());
        let venue = Venue { name, region, time_zone, opens_at_minute: 0, closes_at_minute: 0 };
        stage.apply(0, principal(OPERATOR), Command::CreateVenue(CreateVenue { venue }));
        let (venue, kind, name) = (VenueId(1), ResourceKind::Ride, "r".into());
        let resource = NewResource { venue, kind, name, description: String::new() };
        stage.apply(0, principal(OPERATOR), Command::CreateResource(CreateResource { resource }));
        stage.open_slot(0);
        stage
    }

    fn apply(&mut self, at: u64, principal: Principal, command: Command) -> Applied {
        self.index += 1;
        let requests = vec![Request { id: None, principal, command }];
        self.state.apply(self.index, &Entry { proposed_at: Timestamp(at), requests }).remove(0)
    }

    fn open_slot(&mut self, at: u64) -> Applied {
        // So late that no tick meets it.
        let starts_at = 1_000_000_000_000 + 10 * self.slots;
        self.slots += 1;
        let window = Window::new(Timestamp(starts_at), Timestamp(starts_at + 10)).unwrap();
        let pools = vec![NewPool { name: "p".into(), places: NewPlaces::Counter { capacity: 1000 } }];
        let slots = vec![NewSlot { window, pools }];
        self.apply(at, principal(OPERATOR), Command::OpenSlots(OpenSlots { resource: ResourceId(1), slots }))
    }

    fn act(&mut self, at: u64, model: &Model, user: u64, action: &Action) -> Applied {
        let mut who = principal(user);
        let command = match action.clone() {
            Action::OpenSlot => return self.open_slot(at),
            Action::Book(whose) => {
                let user = (!GUESTS.contains(&user)).then_some(UserId(whose));
                Command::Book(Book { slot: SlotName::Id(SlotId(1)), pool: None, count: 1, user })
            }
            Action::Cancel(booking) => {
                Command::Cancel(Cancel { booking: BookingId(booking), expected_version: None })
            }
            Action::AddDevice(token, platform) => {
                let token = TOKENS[token].to_owned();
                Command::AddDevice(AddDevice { user: None, platform, token, language: None })
            }
            Action::RemoveDevice(device) => Command::RemoveDevice(RemoveDevice { user: None, device }),
            Action::Prefer { push, email } => {
                let preferences = Preferences { push, email, ..Preferences::default() };
                Command::SetPreferences(SetPreferences { user: None, preferences })
            }
            Action::AddWebhook(kinds) => {
                let kinds = vec![KindPattern::parse(KINDS[kinds]).unwrap()];
                Command::AddWebhook(AddWebhook { url: "https://x".into(), kinds, secret: [1; 32] })
            }
            Action::RemoveWebhook(id) => Command::RemoveWebhook(RemoveWebhook { webhook: WebhookId(id) }),
            Action::EnableWebhook(id) => Command::EnableWebhook(EnableWebhook { webhook: WebhookId(id) }),
            Action::Settle(nth, settled) => {
                who = Principal::Internal;
                let delivery = model.waiting.get(nth);
                let results = delivery.map(|delivery| (delivery.channel, delivery.number, settled));
                Command::SettleDeliveries(SettleDeliveries { results: results.into_iter().collect() })
            }
            Action::SettleNothing => {
                who = Principal::Internal;
                let results = vec![(Channel::Apns, 1_000_000, Settled::Delivered { status: 200 })];
                Command::SettleDeliveries(SettleDeliveries { results })
            }
            Action::Replay(which) => Command::ReplayDeadLetters(ReplayDeadLetters { which }),
            Action::Tick { .. } => {
                who = Principal::Internal;
                Command::Tick(Tick)
            }
        };
        self.apply(at, who, command)
    }

    fn waiting(&self) -> Vec<Waiting> {
        let rows = self.state.rows();
        let channels = outbox_channels(rows).into_iter();
        let waiting = channels.flat_map(|(channel, _)| {
            let found = next_deliveries(rows, channel, 0, usize::MAX).into_iter();
            found.map(move |(number, delivery)| seen(channel, number, &delivery))
        });
        waiting.collect()
    }

    fn letters(&self) -> Vec<Letter> {
        let letters = list_dead_letters(self.state.rows(), None, u64::MAX, usize::MAX).into_iter().rev();
        let letters = letters.map(|(id, letter)| {
            let delivery = seen(letter.channel, 0, &letter.delivery);
            Letter { id, forgotten_at: letter.forgotten_at.0, delivery }
        });
        letters.collect()
    }
}

fn seen(channel: Channel, number: u64, delivery: &Delivery) -> Waiting {
    let Delivery { event, kind, booking, target, put_at, attempts, .. } = delivery;
    let (event, kind, booking, put_at) = (*event, kind.clone(), booking.map(|id| id.0), put_at.0);
    Waiting { channel, number, event, kind, booking, target: *target, put_at, attempts: *attempts }
}

fn principal(user: u64) -> Principal {
    Principal::User { user: UserId(user), token_version: 0 }
}

fn action() -> impl Strategy<Value = Action> {
    let platform = prop_oneof![3 => Just(Platform::Apns), 1 => Just(Platform::Fcm)];
    let error = || "refused".to_owned();
    let settled = prop_oneof![
        3 => Just(Settled::Delivered { status: 200 }),
        2 => (1..4_u32).prop_map(move |attempts| {
            Settled::Retry { attempts, next_at: Timestamp(5), error: error() }
        }),
        2 => Just(Settled::Gone { error: error() }),
        3 => Just(Settled::Dead { error: error() }),
    ];
    let replay = prop_oneof![
        2 => (0..4_u64).prop_map(|after| Replay::All { after }),
        1 => (1..5_u64, 0..4_u64)
            .prop_map(|(id, after)| Replay::Webhook { webhook: WebhookId(id), after }),
        1 => prop::collection::vec(1..9_u64, 1..3).prop_map(|mut ids| {
            ids.sort_unstable();
            Replay::Letters(ids)
        }),
    ];
    prop_oneof![
        2 => Just(Action::OpenSlot),
        6 => USERS.prop_map(Action::Book),
        4 => (1..9_u64).prop_map(Action::Cancel),
        4 => (0..TOKENS.len(), platform).prop_map(|(token, platform)| Action::AddDevice(token, platform)),
        1 => (1..4_u32).prop_map(Action::RemoveDevice),
        2 => (any::<bool>(), any::<Option<bool>>())
            .prop_map(|(push, email)| Action::Prefer { push, email }),
        4 => (0..KINDS.len()).prop_map(Action::AddWebhook),
        1 => (1..5_u64).prop_map(Action::RemoveWebhook),
        2 => (1..5_u64).prop_map(Action::EnableWebhook),
        8 => (0..6_usize, settled).prop_map(|(at, settled)| Action::Settle(at, settled)),
        1 => Just(Action::SettleNothing),
        3 => replay.prop_map(Action::Replay),
        2 => (0..20_u64).prop_map(|days| Action::Tick { days }),
    ]
}

fn step() -> impl Strategy<Value = (u64, Action)> {
    (prop_oneof![2 => Just(OPERATOR), 3 => GUESTS, 2 => Just(APP)], action())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn who_hears_of_what_is_what_the_naive_model_says(steps in prop::collection::vec(step(), 1..50)) {
        let (mut stage, mut model) = (Stage::new(), Model::default());
        for (user, action) in steps {
            model.now += 1;
            if let Action::Tick { days } = action {
                model.now += days * 86_400_000;
            }
            let applied = stage.act(model.now, &model, user, &action);
            let is_rules = matches!(action, Action::Book(_) | Action::Cancel(_));
            let found = match &applied.outcome {
                Outcome::Rejected(rejection) => Err(rejection.clone()),
                _ => Ok(()),
            };
            let expected = model.act(user, &action);
            prop_assert!(is_rules || found == expected, "{user} {action:?}: {found:?}, not {expected:?}");
            if let Outcome::Booking(id, booking) = &applied.outcome {
                model.bookings.insert(id.0, (booking.user.0, booking.booked_by.0));
            }
            for event in &applied.events {
                model.hear(applied.revision, event);
            }
            let by_channel = |waiting: &mut Vec<Waiting>| {
                waiting.sort_by_key(|delivery| (delivery.channel, delivery.number));
            };
            by_channel(&mut model.waiting);
            prop_assert_eq!(stage.waiting(), model.waiting.clone(), "after {:?}", action);
            let mut letters = model.letters.clone();
            for letter in &mut letters {
                letter.delivery.number = 0;
            }
            prop_assert_eq!(stage.letters(), letters, "after {:?}", action);
            prop_assert_eq!(stage.state.check_invariants(), Vec::<String>::new(), "after {:?}", action);
        }
    }
}
