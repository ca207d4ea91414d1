//! Who asks, and what they may do.

use serde::{Deserialize, Serialize};

use crate::apps::App;
use crate::ids::UserId;
use crate::rows::{ReadRows, ReadTyped as _};
use crate::users::{self, User};

/// Who a command comes from, as verified by the node that received it. Clients can never set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Principal {
    /// Somebody who has not signed in.
    Anonymous,
    /// A signed-in user. The version must still be that of the user's row: it rises when tokens are revoked.
    User {
        /// Whose token it was.
        user: UserId,
        /// The token version that the token carried.
        token_version: u32,
    },
    /// The cluster itself: the scheduler and the nodes.
    Internal,
    /// An app that showed one of its secrets, which must still be among those of the app's row.
    App {
        /// The app's user.
        user: UserId,
        /// The number of the secret among the app's.
        secret: u32,
    },
}

impl Principal {
    /// The number that scopes this principal's request keys: its user, or 0 for everybody without one.
    #[must_use]
    pub fn scope(self) -> u64 {
        match self {
            Self::Anonymous | Self::Internal => 0,
            Self::User { user, .. } | Self::App { user, .. } => user.0,
        }
    }

    /// The user behind it with the role he has in these rows; `None` if it is nobody, or if what proved it has been
    /// revoked.
    #[must_use]
    pub fn acting_in(self, rows: &(impl ReadRows + ?Sized)) -> Option<(UserId, Role)> {
        match self {
            Self::Anonymous | Self::Internal => None,
            Self::User { user, token_version } => {
                let row = rows.row::<User>(user).filter(|row| row.token_version == token_version)?;
                Some((user, row.role))
            }
            Self::App { user, secret } => {
                rows.row::<App>(user).filter(|app| app.secret(secret).is_some())?;
                // A ban voids the tokens of a person; an app has none, so it is looked for.
                let is_banned = users::is_banned(rows, user);
                rows.row::<User>(user).filter(|_| !is_banned).map(|row| (user, row.role))
            }
        }
    }
}

/// What a user may do. Read from the user's row in `apply`, so a change counts from the next command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Books for himself.
    Guest,
    /// Cast members and scanners: check guests in, see and manage every booking.
    Staff,
    /// Opens venues, resources and slots, and gives roles.
    Operator,
    /// An app server: books for customers of its own by naming them.
    App,
}

impl Role {
    /// Whether this role may book for others, and list more than its own bookings.
    #[must_use]
    pub fn books_for_others(self) -> bool {
        match self {
            Self::Staff | Self::Operator | Self::App => true,
            Self::Guest => false,
        }
    }

    /// Whether this role may make users: an app those it books for.
    #[must_use]
    pub fn creates_users(self) -> bool {
        match self {
            Self::Operator | Self::App => true,
            Self::Guest | Self::Staff => false,
        }
    }

    /// Whether this role may admit guests at the entrance.
    #[must_use]
    pub fn checks_in(self) -> bool {
        match self {
            Self::Staff | Self::Operator => true,
            Self::Guest | Self::App => false,
        }
    }

    /// Whether this role may change what is on offer and who may do what.
    #[must_use]
    pub fn operates(self) -> bool {
        match self {
            Self::Operator => true,
            Self::Guest | Self::Staff | Self::App => false,
        }
    }
}
