//! Lets tests read like a conversation: a script of who does what when, and what came of it.
//!
//! Before a script starts there are venue:1, resource:1 (a ride) and five users: olga (user:1, operator), sam (user:2,
//! staff), mia and tom (user:3 and 4, guests), and ann (user:5, app). After every command all invariants are checked.

mod accounts;
mod entrance;
mod events;
mod holds;
mod outbox;
mod refusals;

use std::fmt::Write as _;

use expect_test::Expect;

use crate::*;

/// Plays a script and compares each line with what came of it.
pub(crate) fn check(script: &str, expected: &Expect) {
    let mut stage = Stage::new();
    let mut transcript = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        writeln!(transcript, "{}", stage.run(line)).unwrap();
        assert_eq!(stage.state.check_invariants(), Vec::<String>::new(), "after {line}");
    }
    expected.assert_eq(&transcript);
}

/// A state with the usual cast.
pub(crate) struct Stage {
    pub(crate) state: State<MemoryRows>,
    index: u64,
}

const CAST: [(&str, u64); 5] = [("olga", 1), ("sam", 2), ("mia", 3), ("tom", 4), ("ann", 5)];

impl Stage {
    pub(crate) fn new() -> Self {
        let mut stage = Self { state: State::over(MemoryRows::default()), index: 0 };
        let internal = Principal::Internal;
        let operator =
            CreateOperator { email: "olga".into(), name: "olga".into(), password_hash: "$h".into() };
        stage.submit(0, internal, None, Command::CreateOperator(operator));
        for (name, _) in &CAST[1..] {
            let guest = SignUp { email: (*name).into(), name: (*name).into(), password_hash: "$h".into() };
            stage.submit(0, Principal::Anonymous, None, Command::SignUp(guest));
        }
        for (user, role) in [(2, Role::Staff), (5, Role::App)] {
            stage.submit(
                0,
                principal("olga"),
                None,
                Command::ChangeRole(ChangeRole { user: UserId(user), role }),
            );
        }
        stage.submit(0, principal("olga"), None, create_venue("Park"));
        stage.submit(0, principal("olga"), None, create_ride(1, "Ride"));
        stage
    }

    pub(crate) fn submit(
        &mut self,
        at: u64,
        principal: Principal,
        id: Option<RequestId>,
        command: Command,
    ) -> Applied {
        self.index += 1;
        let entry = Entry { proposed_at: Timestamp(at), requests: vec![Request { id, principal, command }] };
        self.state.apply(self.index, &entry).remove(0)
    }

    /// Forgets all that is not in the rows, as a node does when it restarts.
    pub(crate) fn restart(&mut self) {
        self.state = State::over(self.state.rows().clone());
    }

    /// Loses a row, as no command does.
    pub(crate) fn lose(&mut self, key: Key) {
        let mut rows = self.state.rows().clone();
        rows.set(key, None);
        self.state = State::over(rows);
    }

    /// Plays a line of a script: the line again, with what came of it.
    pub(crate) fn run(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["at", moment, action @ ..] = words.as_slice() else { panic!("at MOMENT ...: {line}") };
        let answer = self.play(moment.parse().unwrap(), action);
        format!("{} -> {answer}", action.join(" "))
    }

    fn play(&mut self, at: u64, action: &[&str]) -> String {
        match action {
            ["time"] => self.state.now().0.to_string(),
            ["look", "seats", pool] => self.look_at_seats(PoolId(number(pool))),
            ["look", job] if job.starts_with("job:") => self.look_at_job(JobId(number(job))),
            ["look", booking] if booking.starts_with("booking:") => {
                self.look_at_booking(BookingId(number(booking)))
            }
            ["look", "outbox"] => self.look_at_outbox(),
            ["look", "dead", "letters"] => self.look_at_dead_letters(),
            ["look", "log", webhook] => self.look_at_log(WebhookId(number(webhook))),
            ["look", "admission", booking] => self.look_at_admission(BookingId(number(booking))),
            ["history", booking] => self.tell_history(BookingId(number(booking))),
            ["look", what] => self.look(number(what)),
            ["adopt"] => {
                let edition = Edition::LATEST;
                let command = Command::AdoptEdition(AdoptEdition { edition });
                describe(&self.submit(at, Principal::Internal, None, command))
            }
            ["tick"] => describe(&self.submit(at, Principal::Internal, None, Command::Tick(Tick))),
            [who, words @ ..] => {
                let (verbs, arguments): (Vec<&str>, Vec<&str>) =
                    words.iter().partition(|word| !word.contains('='));
                let arguments = Arguments(arguments);
                let id =
                    arguments.text("key").map(|key| request_id(key, arguments.text("payload").unwrap_or("")));
                let (principal, command) = command(who, &verbs, &arguments);
                describe(&self.submit(at, principal, id, command))
            }
            [] => panic!("an action is missing"),
        }
    }

    fn look(&self, slot: u64) -> String {
        let Some(slot) = self.state.rows().row::<Slot>(SlotId(slot)) else { return "nothing".into() };
        let status = match slot.status {
            SlotStatus::Open => "open",
            SlotStatus::Finished => "finished",
            SlotStatus::Withdrawn => "withdrawn",
        };
        let mut line = format!("{status} {}..{}", slot.window.starts_at().0, slot.window.ends_at().0);
        for pool in &slot.pools {
            let counts = self.state.rows().row::<PoolCounts>(pool.id).unwrap();
            let PoolCounts { available, held, confirmed, .. } = *counts;
            write!(line, " {} available={available} held={held} confirmed={confirmed}", pool.id).unwrap();
        }
        line
    }
}

/// One of the cast with his first token, `mia@2` with a token of another version, `app:6@1` with a secret, or nobody.
pub(crate) fn principal(who: &str) -> Principal {
    match CAST.iter().find(|(name, _)| *name == who) {
        Some((_, id)) => Principal::User { user: UserId(*id), token_version: 0 },
        None => accounts::principal(who).unwrap_or(Principal::Anonymous),
    }
}

/// A caller's own key; `v7@MOMENT` stands for a UUID made at that moment.
pub(crate) fn request_id(key: &str, payload: &str) -> RequestId {
    let mut bytes = [0; 16];
    let key = match key.strip_prefix("v7@") {
        Some(moment) => {
            let (version, variant) = (7 << 76, 0b10 << 62);
            RequestKey::Uuid(((moment.parse::<u128>().unwrap() << 80) | version | variant).to_be_bytes())
        }
        None => {
            bytes[..key.len()].copy_from_slice(key.as_bytes());
            RequestKey::Named(bytes)
        }
    };
    RequestId { key, payload_hash: payload.bytes().map(u64::from).sum() }
}

pub(crate) fn create_venue(name: &str) -> Command {
    Command::CreateVenue(CreateVenue {
        venue: Venue {
            name: name.into(),
            region: "North".into(),
            time_zone: "Europe/Paris".into(),
            opens_at_minute: 540,
            closes_at_minute: 1320,
        },
    })
}

pub(crate) fn create_ride(venue: u64, name: &str) -> Command {
    let (venue, kind, name, description) = (VenueId(venue), ResourceKind::Ride, name.into(), String::new());
    Command::CreateResource(CreateResource { resource: NewResource { venue, kind, name, description } })
}

pub(crate) fn open_slot(resource: u64, from: u64, to: u64, capacity: u32) -> Command {
    let pools = vec![NewPool { name: "standard".into(), places: NewPlaces::Counter { capacity } }];
    let slots = vec![NewSlot { window: Window::new(Timestamp(from), Timestamp(to)).unwrap(), pools }];
    Command::OpenSlots(OpenSlots { resource: ResourceId(resource), slots })
}

fn command(who: &str, verbs: &[&str], given: &Arguments<'_>) -> (Principal, Command) {
    let expected_version = given.number("version").map(|version| version.try_into().unwrap());
    let count = given.number("count").map(|count| count.try_into().unwrap());
    let pool = given.number("pool").map(PoolId);
    let command = match verbs {
        ["creates", "venue"] => create_venue(given.text("name").unwrap()),
        ["creates", "ride"] => create_ride(given.number("venue").unwrap(), given.text("name").unwrap()),
        ["opens", "slot"] => open_slot(
            given.number("resource").unwrap(),
            given.number("from").unwrap(),
            given.number("to").unwrap(),
            given.number("capacity").unwrap().try_into().unwrap(),
        ),
        ["signs", "up"] => Command::SignUp(SignUp {
            email: given.text("email").unwrap().into(),
            name: String::new(),
            password_hash: String::new(),
        }),
        ["makes", user, role] => {
            Command::ChangeRole(ChangeRole { user: user_named(user), role: role_named(role) })
        }
        ["books", "window"] => {
            let slot =
                SlotName::Window(ResourceId(given.number("resource").unwrap()), given.window().unwrap());
            Command::Book(Book { slot, pool, count: count.unwrap_or(1), user: None })
        }
        ["books", slot] => {
            let user = given.text("user").map(|user| UserId(number(user)));
            if let Some(places) = holds::places(given) {
                let slot = SlotName::Id(SlotId(number(slot)));
                return (principal(who), Command::Reserve(Reserve { slot, pool, places, hold: None, user }));
            }
            Command::Book(Book {
                slot: SlotName::Id(SlotId(number(slot))),
                pool,
                count: count.unwrap_or(1),
                user,
            })
        }
        ["changes", booking] => Command::Modify(Modify {
            booking: BookingId(number(booking)),
            expected_version,
            slot: match given.number("slot") {
                Some(slot) => Some(SlotChoice::Id(SlotId(slot))),
                None => given.window().map(SlotChoice::Window),
            },
            pool,
            count,
        }),
        ["cancels", booking] => {
            Command::Cancel(Cancel { booking: BookingId(number(booking)), expected_version })
        }
        ["checks", "in", booking] => {
            let booking = BookingId(number(booking));
            Command::CheckIn(CheckIn { booking, expected_version, scanned_at: None })
        }
        ["ticks"] => Command::Tick(Tick),
        ["closes", "sessions"] => Command::CloseSessions(CloseSessions),
        // Commands that a node proposes for a caller whose password or token it has verified.
        ["logs", "in"] | ["opens", "session"] => {
            let Principal::User { user, token_version } = principal(who) else {
                panic!("{who} cannot log in")
            };
            let command = match verbs {
                ["logs", ..] => Command::LogIn(LogIn { user, token_version }),
                _ => Command::OpenSession(OpenSession { user, token_version }),
            };
            return (Principal::Internal, command);
        }
        ["refreshes", session] => {
            let (session, sequence) = (SessionId(number(session)), given.number("sequence").unwrap());
            return (Principal::Internal, Command::RefreshSession(RefreshSession { session, sequence }));
        }
        _ => match holds::command(who, verbs, given)
            .or_else(|| events::command(verbs, given))
            .or_else(|| outbox::command(verbs, given))
            .or_else(|| entrance::command(verbs, given))
        {
            Some(command) => command,
            None => accounts::command(verbs, given),
        },
    };
    if matches!(who, "provider" | "leader" | "node") {
        return (Principal::Internal, command);
    }
    (principal(who), command)
}

struct Arguments<'a>(Vec<&'a str>);

impl<'a> Arguments<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    fn window(&self) -> Option<Window> {
        Window::new(Timestamp(self.number("from")?), Timestamp(self.number("to")?))
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.text(name).map(number)
    }
}

/// The number of `7` or `slot:7`.
fn number(word: &str) -> u64 {
    word.rsplit(':').next().unwrap().parse().unwrap()
}

fn user_named(user: &str) -> UserId {
    UserId(CAST.iter().find(|(name, _)| *name == user).map_or_else(|| number(user), |(_, id)| *id))
}

fn role_named(role: &str) -> Role {
    match role {
        "guest" => Role::Guest,
        "staff" => Role::Staff,
        "operator" => Role::Operator,
        "app" => Role::App,
        _ => panic!("unknown role: {role}"),
    }
}

fn describe(applied: &Applied) -> String {
    let mut line = describe_outcome(&applied.outcome);
    if !applied.events.is_empty() {
        let names: Vec<&str> = applied.events.iter().map(Event::name).collect();
        write!(line, " [{}]", names.join(" ")).unwrap();
    }
    line
}

fn describe_outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Rejected(rejection) => refusals::describe(rejection),
        Outcome::Contradicted(contradiction) => format!("CONTRADICTION {contradiction}"),
        Outcome::Venue(id, _) => id.to_string(),
        Outcome::Resource(id, _) => id.to_string(),
        Outcome::Slots(slots) => slots.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>().join(" "),
        Outcome::User(id, profile) => format!("{id} {}", format!("{:?}", profile.role).to_lowercase()),
        Outcome::Session { session, sequence, .. } => format!("{session} sequence={sequence}"),
        Outcome::SessionsClosed(user) => format!("logged_out {user}"),
        Outcome::Booking(id, booking) => {
            let Booking { slot, pool, user, count, version, .. } = booking;
            let state = booking.state.name();
            let more = holds::describe_more(booking);
            format!("{id} {state} {slot} {pool} {user} count={count} version={version}{more}")
        }
        Outcome::Ticked { handled, contradicted: 0 } => format!("ticked {handled}"),
        Outcome::Ticked { handled, contradicted } => format!("ticked {handled}, {contradicted} contradicted"),
        Outcome::NodeKeyRegistered => "registered".into(),
        Outcome::Account(id, account) => accounts::describe_account(*id, account),
        Outcome::App(id, app) => accounts::describe_app(*id, app),
        Outcome::AppDeleted(id) => format!("deleted {id}"),
        Outcome::NodeKeysRetired(count) => format!("retired {count}"),
        Outcome::Policy(scope, policy) => events::describe_policy(*scope, policy),
        Outcome::Job(id, job) => holds::describe_job(*id, job),
        Outcome::ResourceWithdrawn(id) => format!("withdrawn {id}"),
        Outcome::SlotWithdrawn(id) => format!("withdrawn {id}"),
        Outcome::EditionAdopted(Edition(number)) => format!("edition {number}"),
        Outcome::SlotDay(id, day) => format!("{id} {:?}", day.no_shows),
        Outcome::Device(..)
        | Outcome::DeviceRemoved(..)
        | Outcome::Preferences(..)
        | Outcome::Webhook(..)
        | Outcome::WebhookRemoved(_)
        | Outcome::DeliveriesSettled(_)
        | Outcome::DeadLettersReplayed { .. } => outbox::describe(outcome).unwrap_or_default(),
        Outcome::Code(id, code) => entrance::describe_code(*id, code),
        Outcome::NodeKeyRevoked(key, revoked) => {
            format!("key:{key} revoked at={} by={}", revoked.revoked_at.0, revoked.revoked_by)
        }
    }
}
