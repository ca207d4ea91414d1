//! Who sees which users.

use holdfast_reservations::{ChangeRole, Principal};

use super::*;
use crate::access::Endpoint;
use crate::stage::{MIA, OPERATOR, Stage, TOM};

#[test]
fn a_user_sees_himself_and_an_operator_everybody() {
    let mut stage = Stage::new();
    stage.change_role(TOM, Role::Staff);
    let sees = |stage: &Stage, user, role, id| {
        let caller = Caller::remembered(user, role, Endpoint::ReadUser).seen_in(stage.rows()).unwrap();
        visible_user(stage.rows(), caller, id).map(|account| account.email).map_err(|problem| problem.code)
    };
    assert_eq!(sees(&stage, MIA, Role::Guest, MIA).as_deref(), Ok("mia@example.com"));
    assert_eq!(sees(&stage, TOM, Role::Staff, MIA), Err("user_not_found"), "staff are no operators");
    assert_eq!(sees(&stage, OPERATOR, Role::Operator, MIA).as_deref(), Ok("mia@example.com"));
    assert_eq!(sees(&stage, OPERATOR, Role::Operator, UserId(99)), Err("user_not_found"));
    assert_eq!(
        sees(&stage, MIA, Role::Operator, TOM),
        Err("user_not_found"),
        "a role he was remembered with"
    );
}

#[test]
fn an_operator_who_is_one_no_more_lists_nobody() {
    let mut stage = Stage::new();
    stage.change_role(MIA, Role::Operator);
    let mia = Caller::remembered(MIA, Role::Operator, Endpoint::ListUsers);
    assert!(mia.seen_in(stage.rows()).is_ok());
    stage.change_role(MIA, Role::Guest);
    assert_eq!(mia.seen_in(stage.rows()).unwrap_err().status, 403);
}

#[test]
fn users_are_listed_newest_first_or_found_by_their_address() {
    let stage = Stage::new();
    let ids = |email, before, limit| -> Vec<u64> {
        found_users(stage.rows(), email, UserId(before), limit).iter().map(|(id, _)| id.0).collect()
    };
    assert_eq!(ids(None, u64::MAX, 2), [3, 2]);
    assert_eq!(ids(None, 2, 9), [1]);
    assert_eq!(ids(Some("mia@example.com"), u64::MAX, 9), [2]);
    assert_eq!(ids(Some("mia@example.com"), 2, 9), [0; 0], "nothing is behind the only one");
    assert_eq!(ids(Some("nobody@example.com"), u64::MAX, 9), [0; 0]);
}

#[test]
fn an_outcome_of_an_older_shape_still_answers_a_retry() {
    let mut stage = Stage::new();
    let operator = Principal::User { user: OPERATOR, token_version: 0 };
    let change = Command::ChangeRole(ChangeRole { user: MIA, role: Role::Staff });
    let Outcome::User(id, profile) = stage.apply(7, operator, change) else { panic!() };
    stage.change_role(MIA, Role::Operator);
    stage.ban(MIA);
    let answered = account_with(stage.rows(), id, profile).unwrap();
    assert_eq!(
        (answered.role, answered.email.as_str()),
        (Role::Staff, "mia@example.com"),
        "the first answer"
    );
    assert_eq!((answered.created_at, answered.ban), (account(stage.rows(), MIA).unwrap().created_at, None));
}
