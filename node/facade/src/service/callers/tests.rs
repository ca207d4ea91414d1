//! What somebody's row says counts more than what was remembered of him, and a late clock frees nobody.

use holdfast_reservations::{AddAppSecret, BanUser, Command, CreateApp, DeleteApp, RevokeAppSecret};

use super::*;
use crate::accounts::credentials::Secret;
use crate::stage::{MIA, OPERATOR, Stage};

fn mia(role: Role, token_version: u32) -> Caller {
    let principal = Principal::User { user: MIA, token_version };
    Caller { user: MIA, role, principal, endpoint: Endpoint::ReadBookings }
}

#[test]
fn a_caller_is_what_the_rows_say() {
    let mut stage = Stage::new();
    stage.change_role(MIA, Role::Staff);
    assert_eq!(mia(Role::Guest, 0).seen_in(stage.rows()), Ok(mia(Role::Staff, 0)));
    stage.change_role(MIA, Role::Guest);
    assert_eq!(mia(Role::Staff, 0).seen_in(stage.rows()), Ok(mia(Role::Guest, 0)));
}

#[test]
fn a_caller_is_let_in_for_what_his_role_allows_now() {
    let mut stage = Stage::new();
    let mia = Caller { endpoint: Endpoint::CheckIn, ..mia(Role::Staff, 0) };
    assert_eq!(mia.seen_in(stage.rows()).unwrap_err().status, 403);
    stage.change_role(MIA, Role::Staff);
    assert!(mia.seen_in(stage.rows()).is_ok());
}

#[test]
fn nothing_a_banned_user_has_shown_counts() {
    let mut stage = Stage::new();
    stage.ban(MIA);
    assert_eq!(mia(Role::Guest, 0).seen_in(stage.rows()).unwrap_err().status, 401);
    let shown = Shown::Token(Access { user: MIA, token_version: 0, expires_at: Timestamp::MAX });
    assert!(!shown.counts(&Standing::of(stage.rows(), MIA).unwrap()));
}

#[test]
fn a_secret_counts_until_it_is_revoked_or_its_app_banned_or_deleted() {
    type Change = fn(UserId) -> Command;
    let changes: [(Change, bool); 5] = [
        (|app| Command::AddAppSecret(AddAppSecret { app, secret_hash: [9; 32] }), true),
        (|app| Command::RevokeAppSecret(RevokeAppSecret { app, secret: 2 }), true),
        (|app| Command::RevokeAppSecret(RevokeAppSecret { app, secret: 1 }), false),
        (|app| Command::BanUser(BanUser { user: app, reason: String::new() }), false),
        (|app| Command::DeleteApp(DeleteApp { app }), false),
    ];
    for (nth, (change, counts)) in changes.into_iter().enumerate() {
        let (mut stage, secret) = (Stage::new(), Secret::new());
        let create = CreateApp { name: "shop".to_owned(), secret_hash: secret.hash() };
        let Outcome::App(app, _) = stage.submit(OPERATOR, Command::CreateApp(create)) else { panic!() };
        stage.submit(OPERATOR, Command::AddAppSecret(AddAppSecret { app, secret_hash: [8; 32] }));
        let shown = Shown::Credential(Credential::parse(&secret.credential(app, 1)).unwrap());
        let caller = admitted(Endpoint::Book, &shown, Role::App).unwrap();
        let forged = Shown::Credential(Credential::parse(&Secret::new().credential(app, 1)).unwrap());
        let counts_in =
            |stage: &Stage, shown: &Shown| shown.counts(&Standing::of(stage.rows(), app).unwrap());
        assert!(counts_in(&stage, &shown) && caller.seen_in(stage.rows()).is_ok(), "{nth}");
        assert!(!counts_in(&stage, &forged), "{nth}");
        stage.submit(OPERATOR, change(app));
        assert_eq!(
            (counts_in(&stage, &shown), caller.seen_in(stage.rows()).is_ok()),
            (counts, counts),
            "{nth}"
        );
    }
}

#[test]
fn a_token_of_another_version_and_a_user_who_is_not_there_are_nobody() {
    let stage = Stage::new();
    let principal = Principal::User { user: UserId(99), token_version: 0 };
    let nobody = Caller { user: UserId(99), principal, ..mia(Role::Guest, 0) };
    for caller in [mia(Role::Guest, 1), nobody] {
        assert_eq!(caller.seen_in(stage.rows()).unwrap_err().status, 401, "{caller:?}");
    }
}

#[test]
fn the_wall_clock_counts_until_the_agreed_time_is_known_and_only_if_it_is_later() {
    struct At(u64);

    impl WallClock for At {
        fn now_ms(&self) -> u64 {
            self.0
        }
    }

    let judged_by = |is_recovered, wall| time_to_judge_by(is_recovered, Timestamp(1000), &At(wall)).0;
    assert_eq!((judged_by(false, 5000), judged_by(false, 7)), (5000, 1000));
    assert_eq!((judged_by(true, 5000), judged_by(true, 7)), (1000, 1000));
}
