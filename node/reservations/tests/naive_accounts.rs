//! Random changes of accounts, compared step by step with a model too simple to be wrong: who may act, as what, and
//! with which tokens and secrets.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests fail as tests do, on whatever they do not expect"
)]

use std::collections::BTreeMap;

use holdfast_reservations::*;
use proptest::prelude::*;

const OPERATOR: u64 = 1;
const APP: u64 = 4;
const USERS: std::ops::Range<u64> = 1..7;

/// Whoever acts shows a token of some version, or a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// A token that is so many versions old.
    Token {
        age: u32,
    },
    Secret(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    GiveRole(u64, Role),
    SetPassword(u64),
    Ban(u64),
    Lift(u64),
    LogOut,
    LogIn,
    Refresh { session: u64, age: u64 },
    CreateApp,
    AddSecret(u64),
    Revoke(u64, u32),
    DeleteApp(u64),
    MakeGuest,
    OpenVenue,
}

#[derive(Default)]
struct Model {
    people: BTreeMap<u64, Person>,
    /// Whose it is, and how often it was refreshed.
    sessions: BTreeMap<u64, (u64, u64)>,
    sessions_made: u64,
}

struct Person {
    role: Role,
    version: u32,
    is_banned: bool,
    has_password: bool,
    /// Of an app: the secrets that count, and how many there ever were.
    app: Option<(Vec<u32>, u32)>,
}

impl Person {
    fn of(role: Role) -> Self {
        Self { role, version: 0, is_banned: false, has_password: true, app: None }
    }
}

type Answer = Result<String, &'static str>;

impl Model {
    fn acting(&self, user: u64, proof: Proof) -> Option<Role> {
        let person = self.people.get(&user)?;
        let counts = match proof {
            Proof::Token { age } => age == 0,
            Proof::Secret(number) => {
                let app = person.app.as_ref();
                app.is_some_and(|(secrets, _)| secrets.contains(&number)) && !person.is_banned
            }
        };
        counts.then_some(person.role)
    }

    fn version(&self, user: u64, age: u32) -> u32 {
        self.people.get(&user).map_or(0, |person| person.version.wrapping_sub(age))
    }

    fn act(&mut self, user: u64, proof: Proof, action: Action) -> Answer {
        let operates = |role: Option<Role>| match role {
            None => Err("unauthenticated"),
            Some(Role::Operator) => Ok(()),
            Some(_) => Err("forbidden"),
        };
        let role = self.acting(user, proof);
        match action {
            Action::LogIn => return self.log_in(user, proof),
            Action::Refresh { session, age } => return self.refresh(session, age),
            Action::LogOut => {
                role.ok_or("unauthenticated")?;
                self.revoke(user);
                return Ok("logged out".to_owned());
            }
            Action::MakeGuest => {
                return match role.ok_or("unauthenticated")? {
                    Role::Operator | Role::App => {
                        Ok(self.add(Person { has_password: false, ..Person::of(Role::Guest) }))
                    }
                    Role::Guest | Role::Staff => Err("forbidden"),
                };
            }
            Action::SetPassword(whose) => {
                let role = role.ok_or("unauthenticated")?;
                if role != Role::Operator && whose != user {
                    return Err("user_not_found");
                }
                self.person(whose)?;
                self.people.get_mut(&whose).unwrap().has_password = true;
                self.revoke(whose);
                return Ok(whose.to_string());
            }
            _ => operates(role)?,
        }
        match action {
            Action::GiveRole(whose, role) => {
                if !self.person(whose)?.has_password && role == Role::Operator {
                    return Err("no_password");
                }
                self.keep_an_operator(whose, role == Role::Operator)?;
                self.people.get_mut(&whose).unwrap().role = role;
                Ok(whose.to_string())
            }
            Action::Ban(whose) => {
                self.people.get(&whose).ok_or("user_not_found")?;
                self.keep_an_operator(whose, false)?;
                self.people.get_mut(&whose).unwrap().is_banned = true;
                self.revoke(whose);
                Ok(whose.to_string())
            }
            Action::Lift(whose) => {
                self.people.get_mut(&whose).ok_or("user_not_found")?.is_banned = false;
                Ok(whose.to_string())
            }
            Action::CreateApp => Ok(self.add(Person { app: Some((vec![1], 1)), ..Person::of(Role::App) })),
            Action::AddSecret(app) => {
                let (secrets, made) = self.app(app)?;
                if secrets.len() == SECRETS_MAX {
                    return Err("too_many_secrets");
                }
                *made += 1;
                secrets.push(*made);
                Ok(format!("{secrets:?}"))
            }
            Action::Revoke(app, number) => {
                let (secrets, _) = self.app(app)?;
                let at = secrets.iter().position(|secret| *secret == number).ok_or("secret_not_found")?;
                secrets.remove(at);
                Ok(format!("{secrets:?}"))
            }
            Action::DeleteApp(app) => {
                self.app(app)?;
                let Person { version, is_banned, .. } = self.people[&app];
                let guest = Person { version, is_banned, has_password: false, ..Person::of(Role::Guest) };
                self.people.insert(app, guest);
                Ok("deleted".to_owned())
            }
            Action::OpenVenue => Ok("venue".to_owned()),
            other => panic!("done above: {other:?}"),
        }
    }

    fn add(&mut self, person: Person) -> String {
        let id = self.people.len() as u64 + 1;
        let secrets = person.app.as_ref().map(|(secrets, _)| format!("{secrets:?}"));
        self.people.insert(id, person);
        secrets.unwrap_or_else(|| id.to_string())
    }

    fn person(&self, id: u64) -> Result<&Person, &'static str> {
        let person = self.people.get(&id).ok_or("user_not_found")?;
        if person.app.is_some() { Err("user_is_app") } else { Ok(person) }
    }

    fn app(&mut self, id: u64) -> Result<&mut (Vec<u32>, u32), &'static str> {
        self.people.get_mut(&id).and_then(|person| person.app.as_mut()).ok_or("app_not_found")
    }

    fn keep_an_operator(&self, whose: u64, is_one_then: bool) -> Result<(), &'static str> {
        let operates = |id: u64| self.people[&id].role == Role::Operator && !self.people[&id].is_banned;
        let others = self.people.keys().filter(|id| **id != whose && operates(**id)).count();
        if operates(whose) && !is_one_then && others == 0 { Err("last_operator") } else { Ok(()) }
    }

    fn revoke(&mut self, whose: u64) {
        self.people.get_mut(&whose).unwrap().version += 1;
        self.sessions.retain(|_, (user, _)| *user != whose);
    }

    fn log_in(&mut self, user: u64, proof: Proof) -> Answer {
        let person = self.people.get(&user).ok_or("unauthenticated")?;
        match proof {
            Proof::Token { age: 0 } if person.is_banned => return Err("banned"),
            Proof::Token { age: 0 } => (),
            Proof::Token { .. } | Proof::Secret(_) => return Err("unauthenticated"),
        }
        self.sessions_made += 1;
        self.sessions.insert(self.sessions_made, (user, 0));
        Ok(format!("session {} 0", self.sessions_made))
    }

    fn refresh(&mut self, session: u64, age: u64) -> Answer {
        let (_, sequence) = self.sessions.get_mut(&session).ok_or("session_invalid")?;
        if age > 0 {
            self.sessions.remove(&session);
            return Err("session_invalid");
        }
        *sequence += 1;
        Ok(format!("session {session} {sequence}"))
    }
}

/// The request that the rules get for a step, as the model knows versions and sequences.
fn request(model: &Model, user: u64, proof: Proof, action: Action, nth: u64) -> Request {
    let principal = match proof {
        Proof::Token { age } => {
            Principal::User { user: UserId(user), token_version: model.version(user, age) }
        }
        Proof::Secret(secret) => Principal::App { user: UserId(user), secret },
    };
    let (principal, command) = match action {
        Action::GiveRole(whose, role) => {
            (principal, Command::GiveRole(GiveRole { user: UserId(whose), role }))
        }
        Action::SetPassword(whose) => {
            let command = SetPassword { user: UserId(whose), password_hash: "$h".into() };
            (principal, Command::SetPassword(command))
        }
        Action::Ban(whose) => {
            (principal, Command::BanUser(BanUser { user: UserId(whose), reason: String::new() }))
        }
        Action::Lift(whose) => (principal, Command::LiftBan(LiftBan { user: UserId(whose) })),
        Action::LogOut => (principal, Command::LogOut(LogOut)),
        Action::LogIn => {
            // A secret logs nobody in: it stands for a password verified long ago.
            let age = if let Proof::Token { age } = proof { age } else { 1 };
            let token_version = model.version(user, age);
            (Principal::Internal, Command::LogIn(LogIn { user: UserId(user), token_version }))
        }
        Action::Refresh { session, age } => {
            let sequence = model.sessions.get(&session).map_or(0, |(_, sequence)| *sequence);
            let sequence = sequence.wrapping_sub(age);
            let command = RefreshSession { session: SessionId(session), sequence };
            (Principal::Internal, Command::RefreshSession(command))
        }
        Action::CreateApp => {
            (principal, Command::CreateApp(CreateApp { name: String::new(), secret_hash: [1; 32] }))
        }
        Action::AddSecret(app) => {
            let command = AddAppSecret { app: UserId(app), secret_hash: [1; 32] };
            (principal, Command::AddAppSecret(command))
        }
        Action::Revoke(app, secret) => {
            (principal, Command::RevokeAppSecret(RevokeAppSecret { app: UserId(app), secret }))
        }
        Action::DeleteApp(app) => (principal, Command::DeleteApp(DeleteApp { app: UserId(app) })),
        Action::MakeGuest => {
            let (email, name, role) = (format!("{nth}@made"), String::new(), Role::Guest);
            (principal, Command::CreateUser(CreateUser { email, name, password_hash: String::new(), role }))
        }
        Action::OpenVenue => {
            let (name, region, time_zone) = (String::new(), String::new(), String::new());
            let venue = Venue { name, region, time_zone, opens_at_minute: 0, closes_at_minute: 0 };
            (principal, Command::CreateVenue(CreateVenue { venue }))
        }
    };
    Request { id: None, principal, command }
}

fn answer(outcome: &Outcome) -> Answer {
    Ok(match outcome {
        Outcome::Account(id, _) => id.0.to_string(),
        Outcome::App(_, app) => {
            format!("{:?}", app.secrets.iter().map(|secret| secret.number).collect::<Vec<_>>())
        }
        Outcome::AppDeleted(_) => "deleted".to_owned(),
        Outcome::SessionsClosed(_) => "logged out".to_owned(),
        Outcome::Session { session, sequence, .. } => format!("session {} {sequence}", session.0),
        Outcome::Venue(..) => "venue".to_owned(),
        Outcome::Rejected(rejection) => {
            return Err(match rejection {
                Rejection::Unauthenticated => "unauthenticated",
                Rejection::Forbidden => "forbidden",
                Rejection::UserNotFound(_) => "user_not_found",
                Rejection::SessionInvalid => "session_invalid",
                Rejection::Suspended => "banned",
                Rejection::NoPassword => "no_password",
                Rejection::LastOperator => "last_operator",
                Rejection::UserIsApp(_) => "user_is_app",
                Rejection::AppNotFound(_) => "app_not_found",
                Rejection::SecretNotFound(_) => "secret_not_found",
                Rejection::TooManySecrets => "too_many_secrets",
                other => panic!("unexpected refusal: {other:?}"),
            });
        }
        other => panic!("unexpected outcome: {other:?}"),
    })
}

fn action() -> impl Strategy<Value = Action> {
    let role = prop_oneof![
        1 => Just(Role::Guest), 1 => Just(Role::Staff), 3 => Just(Role::Operator), 1 => Just(Role::App)
    ];
    let app = || prop_oneof![3 => Just(APP), 1 => USERS];
    let age = prop_oneof![3 => Just(0), 1 => 1..3_u64];
    prop_oneof![
        4 => (USERS, role).prop_map(|(user, role)| Action::GiveRole(user, role)),
        1 => USERS.prop_map(Action::SetPassword),
        3 => USERS.prop_map(Action::Ban),
        2 => USERS.prop_map(Action::Lift),
        1 => Just(Action::LogOut),
        3 => Just(Action::LogIn),
        3 => (1..6_u64, age).prop_map(|(session, age)| Action::Refresh { session, age }),
        1 => Just(Action::CreateApp),
        2 => app().prop_map(Action::AddSecret),
        2 => (app(), 1..5_u32).prop_map(|(app, secret)| Action::Revoke(app, secret)),
        1 => USERS.prop_map(Action::DeleteApp),
        2 => Just(Action::MakeGuest),
        2 => Just(Action::OpenVenue),
    ]
}

fn step() -> impl Strategy<Value = (u64, Proof, Action)> {
    let user = prop_oneof![2 => Just(OPERATOR), 2 => USERS];
    let age = prop_oneof![6 => Just(0), 1 => 1..3_u32];
    let by_token = (user, age).prop_map(|(user, age)| (user, Proof::Token { age }));
    let app = prop_oneof![4 => Just(APP), 1 => USERS];
    let by_secret = (app, 1..4_u32).prop_map(|(app, secret)| (app, Proof::Secret(secret)));
    let who = prop_oneof![5 => by_token, 2 => by_secret];
    (who, action()).prop_map(|((user, proof), action)| (user, proof, action))
}

/// An operator, two guests and an app.
fn start() -> (State<MemoryRows>, Model) {
    let mut state = State::over(MemoryRows::default());
    let operator = CreateOperator { email: "o".into(), name: "o".into(), password_hash: "$h".into() };
    let mut requests = vec![(Principal::Internal, Command::CreateOperator(operator))];
    for email in ["m", "t"] {
        let guest = SignUp { email: email.into(), name: email.into(), password_hash: "$h".into() };
        requests.push((Principal::Anonymous, Command::SignUp(guest)));
    }
    let operator = Principal::User { user: UserId(OPERATOR), token_version: 0 };
    let app = CreateApp { name: "shop".into(), secret_hash: [1; 32] };
    requests.push((operator, Command::CreateApp(app)));
    let requests =
        requests.into_iter().map(|(principal, command)| Request { id: None, principal, command }).collect();
    state.apply(1, &Entry { proposed_at: Timestamp(0), requests });
    let mut model = Model::default();
    for role in [Role::Operator, Role::Guest, Role::Guest] {
        model.add(Person::of(role));
    }
    model.add(Person { app: Some((vec![1], 1)), ..Person::of(Role::App) });
    (state, model)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn accounts_answer_as_the_naive_model_does(steps in prop::collection::vec(step(), 1..80)) {
        let (mut state, mut model) = start();
        for (index, (user, proof, action)) in (2..).zip(steps) {
            let request = request(&model, user, proof, action, index);
            let entry = Entry { proposed_at: Timestamp(index), requests: vec![request] };
            let applied = state.apply(index, &entry).remove(0);
            let expected = model.act(user, proof, action);
            prop_assert_eq!(answer(&applied.outcome), expected, "{} {:?} {:?}", user, proof, action);
            prop_assert_eq!(state.check_invariants(), Vec::<String>::new());
        }
    }
}
