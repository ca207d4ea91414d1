//! Sessions: one log-in on one device, as a family of refresh tokens of which only the newest is valid.

pub mod close;
pub mod log_in;
pub mod log_out;
pub mod open;
pub mod refresh;

use serde::{Deserialize, Serialize};

pub use close::CloseSessions;
pub use log_in::LogIn;
pub use log_out::LogOut;
pub use open::OpenSession;
pub use refresh::RefreshSession;

use crate::context::Context;
use crate::ids::{SessionId, UserId};
use crate::outcome::{Halt, Outcome, Rejection};
use crate::rows::{Key, Order, ReadRows, ReadTyped as _};
use crate::time::{Millis, Timestamp};
use crate::users::User;

/// A session that is not refreshed for this long ends.
pub const SESSION_DURATION: Millis = Millis::from_hours(7 * 24);

/// Sessions a user may have; opening one more ends the oldest.
const SESSIONS_MAX: usize = 20;

/// A family of refresh tokens. The tokens themselves are signed by nodes; the row says which one counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose.
    pub user: UserId,
    /// The number of the newest token; older ones were used.
    pub sequence: u64,
    /// When it ends unless it is refreshed.
    pub expires_at: Timestamp,
}

/// Opens a session of a user, and ends his oldest if he has too many.
fn open_one(context: &mut Context<'_>, user: UserId) -> Result<Outcome, Halt> {
    let open = of_user(context, user, SESSIONS_MAX);
    if open.len() >= SESSIONS_MAX
        && let Some(oldest) = open.first()
    {
        end(context, *oldest, user);
    }
    let id = context.next_session()?;
    renew(context, id, user, 0)
}

/// Writes a session whose newest token has a number, and answers with it.
fn renew(context: &mut Context<'_>, id: SessionId, user: UserId, sequence: u64) -> Result<Outcome, Halt> {
    let Some(row) = context.row::<User>(user) else {
        return Err(Rejection::SessionInvalid.into());
    };
    let expires_at = context.now.plus(SESSION_DURATION);
    context.put(id, Session { user, sequence, expires_at });
    context.index(Key::SessionByUser(user, id));
    Ok(Outcome::Session { session: id, user, sequence, token_version: row.token_version, expires_at })
}

fn end(context: &mut Context<'_>, id: SessionId, user: UserId) {
    context.delete(Key::Session(id));
    context.delete(Key::SessionByUser(user, id));
}

/// Ends all sessions of a user.
pub(crate) fn end_all(context: &mut Context<'_>, user: UserId) {
    for session in of_user(context, user, SESSIONS_MAX) {
        end(context, session, user);
    }
}

/// At most `limit` sessions of a user, oldest first.
fn of_user(rows: &impl ReadRows, user: UserId, limit: usize) -> Vec<SessionId> {
    let range = Key::SessionByUser(user, SessionId(0))..Key::SessionByUser(user, SessionId(u64::MAX));
    let found = rows.scan(range, Order::Ascending, limit).into_iter();
    let sessions = found.filter_map(|(key, _)| {
        let Key::SessionByUser(_, session) = key else { return None };
        Some(session)
    });
    sessions.collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_used_token_ends_its_family_and_no_other_and_logging_out_ends_all() {
        check(
            "
            at 0 mia logs in
            at 0 mia logs in
            at 1 nobody refreshes session:1 sequence=0
            at 2 nobody refreshes session:1 sequence=1
            at 3 nobody refreshes session:1 sequence=0
            at 4 nobody refreshes session:1 sequence=2
            at 5 nobody refreshes session:2 sequence=0
            at 6 mia logs out
            at 7 nobody refreshes session:2 sequence=1
            at 7 mia logs out
            at 7 mia creates venue name=Mine
            at 8 mia@1 logs in
            at 8 mia@1 creates venue name=Mine
            ",
            &expect![[r#"
                mia logs in -> session:1 sequence=0
                mia logs in -> session:2 sequence=0
                nobody refreshes session:1 sequence=0 -> session:1 sequence=1
                nobody refreshes session:1 sequence=1 -> session:1 sequence=2
                nobody refreshes session:1 sequence=0 -> session_invalid
                nobody refreshes session:1 sequence=2 -> session_invalid
                nobody refreshes session:2 sequence=0 -> session:2 sequence=1
                mia logs out -> logged_out user:3
                nobody refreshes session:2 sequence=1 -> session_invalid
                mia logs out -> unauthenticated
                mia creates venue name=Mine -> unauthenticated
                mia@1 logs in -> session:3 sequence=0
                mia@1 creates venue name=Mine -> forbidden
            "#]],
        );
    }

    #[test]
    fn a_session_ends_a_week_after_its_last_refresh() {
        check(
            "
            at 0         mia logs in
            at 600000000 nobody refreshes session:1 sequence=0
            at 1204800000 nobody refreshes session:1 sequence=1
            ",
            &expect![[r#"
                mia logs in -> session:1 sequence=0
                nobody refreshes session:1 sequence=0 -> session:1 sequence=1
                nobody refreshes session:1 sequence=1 -> session_invalid
            "#]],
        );
    }
}
