//! The whole table: every call, every role.

use expect_test::expect;

use super::*;

const ENDPOINTS: [Endpoint; 33] = [
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
    Endpoint::Pay,
    Endpoint::ReadJob,
    Endpoint::ManageEvents,
    Endpoint::CreateSale,
    Endpoint::ReadPolicy,
    Endpoint::SetPolicy,
    Endpoint::DecideNoShows,
    Endpoint::ReadReports,
    Endpoint::ManageDevices,
    Endpoint::ManageWebhooks,
    Endpoint::ManageDeadLetters,
    Endpoint::Watch,
];

const ROLES: [Role; 4] = [Role::Guest, Role::Staff, Role::Operator, Role::App];

#[test]
fn no_call_is_left_out() {
    let known: Vec<usize> = ENDPOINTS.into_iter().map(|endpoint| endpoint as usize).collect();
    // In the order in which they are declared, so a new one that is not listed is named by its neighbours.
    assert_eq!(known, (0..ENDPOINTS.len()).collect::<Vec<_>>());
    let source = include_str!("../access.rs");
    let declared = source.split_once("enum Endpoint {").unwrap().1.split_once('}').unwrap().0;
    assert_eq!(declared.lines().filter(|line| line.trim_end().ends_with(',')).count(), ENDPOINTS.len());
}

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
        Pay: Guest Staff Operator App
        ReadJob: Guest Staff Operator App
        ManageEvents: Guest Staff Operator App
        CreateSale: Staff Operator
        ReadPolicy: Operator
        SetPolicy: Operator
        DecideNoShows: Operator
        ReadReports: Operator
        ManageDevices: Guest Staff Operator App
        ManageWebhooks: Operator App
        ManageDeadLetters: Operator
        Watch: Guest Staff Operator App
    "#]]
    .assert_eq(&ENDPOINTS.into_iter().map(line).collect::<String>());
}
