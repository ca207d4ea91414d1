//! What must be so of users, their sessions, bans and apps.

use super::Check;
use crate::apps::SECRETS_MAX;
use crate::ids::UserId;
use crate::principal::Role;
use crate::rows::{Key, ReadTyped as _, Row};
use crate::users::{self, User};

impl Check<'_> {
    /// INV-11: who is banned has no session. INV-5: sessions, bans and apps have their user. INV-12: an app's user has
    /// the role of one, and each of its few secrets a number of its own.
    pub(super) fn accounts(&mut self, rows: &[(Key, Row)]) {
        for (key, row) in rows {
            match (key, row) {
                (Key::Session(id), Row::Session(session)) => {
                    self.expect_user(session.user, key);
                    let is_banned = users::is_banned(self.rows, session.user);
                    self.expect(!is_banned, || format!("INV-11: {} is banned and has {id}", session.user));
                }
                (Key::Ban(user), _) => self.expect_user(*user, key),
                (Key::App(id), Row::App(app)) => {
                    let role = self.rows.row::<User>(*id).map(|user| user.role);
                    self.expect(role == Some(Role::App), || {
                        format!("INV-12: the user of app {id} is {role:?}")
                    });
                    let numbers: Vec<u32> = app.secrets.iter().map(|secret| secret.number).collect();
                    let rises = numbers.is_sorted_by(|one, next| one < next);
                    let last = numbers.last().copied().unwrap_or_default();
                    self.expect(rises && last <= app.secrets_made && numbers.len() <= SECRETS_MAX, || {
                        format!("INV-12: app {id} made {} secrets and has {numbers:?}", app.secrets_made)
                    });
                }
                _ => (),
            }
        }
    }

    pub(super) fn expect_user(&mut self, user: UserId, key: &Key) {
        let is_there = self.rows.row::<User>(user).is_some();
        self.expect(is_there, || format!("INV-5: {key:?} is of nobody"));
    }
}
