//! The whole table: every call, every role.

use expect_test::expect;

use super::*;

const ENDPOINTS: [Endpoint; 21] = [
    Endpoint::LogOut,
    Endpoint::ReadCatalog,
    Endpoint::Book,
    Endpoint::ReadBookings,
    Endpoint::ChangeBooking,
    Endpoint::CancelBooking,
    Endpoint::ReadCode,
    Endpoint::CheckIn,
    Endpoint::CreateVenue,
    Endpoint::CreateResource,
    Endpoint::ChangeRole,
    Endpoint::ReadCluster,
    Endpoint::ReadUser,
    Endpoint::ListUsers,
    Endpoint::CreateUser,
    Endpoint::BanUser,
    Endpoint::SetPassword,
    Endpoint::ManageApps,
    Endpoint::ChangeMembers,
    Endpoint::MakeJoinToken,
    Endpoint::ChangeNodeKey,
];

const ROLES: [Role; 4] = [Role::Guest, Role::Staff, Role::Operator, Role::App];

#[test]
fn who_may_make_which_call() {
    let line = |endpoint: Endpoint| {
        let roles = ROLES.into_iter().filter(|role| allows(endpoint, *role));
        let roles: Vec<_> = roles.map(|role| format!("{role:?}")).collect();
        format!("{endpoint:?}: {}\n", roles.join(" "))
    };
    expect![[r#"
        LogOut: Guest Staff Operator App
        ReadCatalog: Guest Staff Operator App
        Book: Guest Staff Operator App
        ReadBookings: Guest Staff Operator App
        ChangeBooking: Guest Staff Operator App
        CancelBooking: Guest Staff Operator App
        ReadCode: Guest Staff Operator App
        CheckIn: Staff Operator
        CreateVenue: Operator
        CreateResource: Operator
        ChangeRole: Operator
        ReadCluster: Operator
        ReadUser: Guest Staff Operator App
        ListUsers: Operator
        CreateUser: Operator App
        BanUser: Operator
        SetPassword: Guest Staff Operator App
        ManageApps: Operator
        ChangeMembers: Operator
        MakeJoinToken: Operator
        ChangeNodeKey: Operator
    "#]]
    .assert_eq(&ENDPOINTS.into_iter().map(line).collect::<String>());
}
