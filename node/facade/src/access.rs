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
    OpenSlots,
    ChangeRole,
    ReadCluster,
    MakeJoinToken,
    ChangeNodeKey,
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
        | Endpoint::ReadCode => true,
        Endpoint::CheckIn => role.checks_in(),
        Endpoint::CreateVenue
        | Endpoint::CreateResource
        | Endpoint::OpenSlots
        | Endpoint::ChangeRole
        | Endpoint::ReadCluster
        | Endpoint::MakeJoinToken
        | Endpoint::ChangeNodeKey => role.operates(),
    }
}
