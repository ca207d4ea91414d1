//! Who may call what: one table. The rules decide again when a command is applied; here, nobody who may not is let in.

#[cfg(test)]
mod tests;

use holdfast_reservations::Role;

/// Every call that needs somebody signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    LogOut,
    ReadCatalog,
    Book,
    ReadBookings,
    ChangeBooking,
    CancelBooking,
    ReadCode,
    CheckIn,
    CreateVenue,
    CreateResource,
    ChangeRole,
    ReadCluster,
    ReadUser,
    ListUsers,
    CreateUser,
    BanUser,
    SetPassword,
    ManageApps,
    ChangeMembers,
    MakeJoinToken,
    ChangeNodeKey,
    Pay,
    ReadJob,
    ManageEvents,
    CreateSale,
    ReadPolicy,
    SetPolicy,
    DecideNoShows,
    ReadReports,
    ManageDevices,
    ManageWebhooks,
    ManageDeadLetters,
    Watch,
}

/// Whether a role may make a call.
pub(crate) fn allows(endpoint: Endpoint, role: Role) -> bool {
    match endpoint {
        Endpoint::LogOut
        | Endpoint::ReadCatalog
        | Endpoint::Book
        | Endpoint::ReadBookings
        | Endpoint::ChangeBooking
        | Endpoint::CancelBooking
        | Endpoint::ReadCode
        // His own; an operator's reach is decided by the rows.
        | Endpoint::ReadUser
        | Endpoint::SetPassword
        | Endpoint::Pay
        | Endpoint::ReadJob
        // His own; those of others for whoever books for them.
        | Endpoint::ManageDevices
        // What he may see of it is decided event by event.
        | Endpoint::Watch
        // Whose an event is, the rows say.
        | Endpoint::ManageEvents => true,
        Endpoint::CheckIn | Endpoint::CreateSale => role.checks_in(),
        Endpoint::CreateVenue
        | Endpoint::CreateResource
        | Endpoint::ChangeRole
        | Endpoint::ReadCluster
        | Endpoint::ListUsers
        | Endpoint::BanUser
        | Endpoint::ManageApps
        | Endpoint::ChangeMembers
        | Endpoint::MakeJoinToken
        | Endpoint::ReadPolicy
        | Endpoint::SetPolicy
        | Endpoint::DecideNoShows
        | Endpoint::ReadReports
        | Endpoint::ManageDeadLetters
        | Endpoint::ChangeNodeKey => role.operates(),
        Endpoint::CreateUser => role.creates_users(),
        // An app's hear of the bookings it manages.
        Endpoint::ManageWebhooks => role.operates() || role == Role::App,
    }
}
