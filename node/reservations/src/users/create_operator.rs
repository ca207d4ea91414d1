//! Makes the first operator of a cluster.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::counters::Operates;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::principal::Role;
use crate::rows::{Key, ReadTyped as _};
use crate::sessions;
use crate::users::{self, User};

/// Makes the first operator: a new user, or the one who has signed up with that address, whose password, tokens
/// and sessions then count no more. Changes nothing where there is an operator. Internal: proposed by the node that founds
/// a cluster, or by one whose data folder the caller can read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateOperator {
    /// The address to sign in with, in lower case.
    pub email: String,
    /// What the operator is called.
    pub name: String,
    /// The salted hash of the password.
    pub password_hash: String,
}

impl CreateOperator {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.only_internal()?;
        if context.counters().operators > 0 {
            return Err(Rejection::Forbidden.into());
        }
        context.count_operator(Operates::No, Operates::Yes);
        if let Some(id) = users::by_email(context, &self.email)
            && let Some(user) = context.row::<User>(id)
        {
            let user = User {
                role: Role::Operator,
                password_hash: self.password_hash.clone(),
                token_version: user.token_version.saturating_add(1),
                ..(*user).clone()
            };
            let profile = user.profile();
            context.put(id, user);
            context.delete(Key::Ban(id));
            sessions::end_all(context, id);
            return Ok(Outcome::User(id, profile));
        }

        let user = User {
            email: self.email.clone(),
            name: self.name.clone(),
            password_hash: self.password_hash.clone(),
            role: Role::Operator,
            token_version: 0,
            created_at: context.now,
        };
        let profile = user.profile();
        let id = users::insert(context, user)?;
        Ok(Outcome::User(id, profile))
    }
}

/// Leaves the password hash out, so that no log can show it.
impl std::fmt::Debug for CreateOperator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreateOperator").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::CreateOperator;
    use crate::rows::ReadTyped as _;
    use crate::transcript::Stage;
    use crate::{
        Command, MemoryRows, OpenSession, Outcome, Principal, RefreshSession, Rejection, Role, SessionId,
        SignUp, State, User, UserId,
    };
    use crate::{Entry, Request, Timestamp};

    fn submit(state: &mut State<MemoryRows>, principal: Principal, command: Command) -> Outcome {
        let requests = vec![Request { id: None, principal, command }];
        state.apply(1, &Entry { proposed_at: Timestamp(0), requests }).remove(0).outcome
    }

    fn operator(email: &str) -> Command {
        let (email, name) = (email.to_owned(), "Olga".to_owned());
        Command::CreateOperator(CreateOperator { email, name, password_hash: "of the cluster".to_owned() })
    }

    #[test]
    fn whoever_signs_up_first_neither_prevents_the_operator_nor_becomes_it() {
        let mut state = State::over(MemoryRows::default());
        for email in ["first@example.com", "olga@example.com"] {
            let (email, name) = (email.to_owned(), String::new());
            let guest = SignUp { email, name, password_hash: "of a guest".to_owned() };
            submit(&mut state, Principal::Anonymous, Command::SignUp(guest));
        }
        let open = |token_version| Command::OpenSession(OpenSession { user: UserId(2), token_version });
        let refresh = Command::RefreshSession(RefreshSession { session: SessionId(1), sequence: 0 });
        assert!(matches!(submit(&mut state, Principal::Internal, open(0)), Outcome::Session { .. }));
        submit(&mut state, Principal::Internal, operator("olga@example.com"));
        let invalid = Outcome::Rejected(Rejection::SessionInvalid);
        assert_eq!(submit(&mut state, Principal::Internal, refresh), invalid, "a guest's session");
        assert_eq!(
            submit(&mut state, Principal::Internal, open(0)),
            invalid,
            "a password that was verified before"
        );
        let olga = state.rows().row::<User>(UserId(2)).unwrap();
        assert_eq!((olga.role, olga.password_hash.as_str()), (Role::Operator, "of the cluster"));
        assert_eq!(olga.token_version, 1, "the guest's tokens count no more");
        assert_eq!(state.check_invariants(), Vec::<String>::new());
    }

    #[test]
    fn there_is_one_first_operator() {
        let mut stage = Stage::new();
        for email in ["olga", "another@example.com"] {
            let outcome = submit(&mut stage.state, Principal::Internal, operator(email));
            assert_eq!(outcome, Outcome::Rejected(Rejection::Forbidden), "{email}");
        }
    }
}
