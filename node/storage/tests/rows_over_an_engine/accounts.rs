//! Everything a log can hold of users and apps, in a fixed order.

use holdfast_reservations::*;

pub(crate) fn history() -> Vec<Entry> {
    let by = |user, token_version| Principal::User { user: UserId(user), token_version };
    let app = |secret| Principal::App { user: UserId(3), secret };
    let (operator, guest) = (by(1, 0), by(2, 0));
    let (name, email, password_hash) = ("N".to_owned(), "n@example.com".to_owned(), "$h".to_owned());
    let user = UserId(2);
    let open = |token_version| Command::OpenSession(OpenSession { user, token_version });
    let create = |email: &str, role| {
        let (email, name, password_hash) = (email.to_owned(), "C".to_owned(), String::new());
        Command::CreateUser(CreateUser { email, name, password_hash, role })
    };
    let first =
        CreateOperator { email: "o@example.com".into(), name: "O".into(), password_hash: "$h".into() };
    let entries: [(u64, Vec<(Principal, Command)>); 6] = [
        (
            0,
            vec![
                (Principal::Internal, Command::CreateOperator(first)),
                (Principal::Anonymous, Command::SignUp(SignUp { email, name, password_hash })),
                (Principal::Internal, open(0)),
            ],
        ),
        (
            10,
            vec![
                (operator, Command::CreateApp(CreateApp { name: "shop".into(), secret_hash: [1; 32] })),
                (operator, Command::AddAppSecret(AddAppSecret { app: UserId(3), secret_hash: [2; 32] })),
                (app(2), create("c@example.com", Role::Guest)),
                (app(2), create("d@example.com", Role::Staff)),
                (operator, Command::RevokeAppSecret(RevokeAppSecret { app: UserId(3), secret: 1 })),
                (app(1), create("d@example.com", Role::Guest)),
            ],
        ),
        (
            20,
            vec![
                (operator, Command::SetRole(SetRole { user: UserId(1), role: Role::Guest })),
                (operator, Command::SetRole(SetRole { user, role: Role::Operator })),
                (guest, Command::BanUser(BanUser { user: UserId(1), reason: "tried".into() })),
                (guest, Command::BanUser(BanUser { user, reason: String::new() })),
                (guest, Command::LiftBan(LiftBan { user: UserId(1) })),
            ],
        ),
        (
            30,
            vec![
                (guest, Command::SetPassword(SetPassword { user, password_hash: "$i".into() })),
                (Principal::Internal, open(0)),
                (Principal::Internal, open(1)),
                (by(2, 1), Command::LogOut(LogOut)),
                (by(2, 1), Command::LogOut(LogOut)),
            ],
        ),
        (40, vec![(by(2, 2), Command::BanUser(BanUser { user: UserId(3), reason: "leaked".into() }))]),
        (
            50,
            vec![
                (app(2), create("e@example.com", Role::Guest)),
                (by(2, 2), Command::DeleteApp(DeleteApp { app: UserId(3) })),
            ],
        ),
    ];
    let mut number = 0;
    let mut request = |(principal, command)| {
        number += 1;
        let id = RequestId { key: RequestKey::Uuid([number; 16]), payload_hash: u64::from(number) };
        Request { id: Some(id), principal, command }
    };
    let entries = entries.into_iter().map(|(at, requests)| Entry {
        proposed_at: Timestamp(at),
        requests: requests.into_iter().map(&mut request).collect(),
    });
    entries.collect()
}
