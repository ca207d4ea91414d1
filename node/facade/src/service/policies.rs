//! What operators decide.

use holdfast_raft::{Read, View};
use holdfast_reservations::{Command, Outcome, Policy, ReadTyped as _, Scope, SetPolicy};

use crate::problem::{Result, unexpected};
use crate::service::{Asked, CallContext, Caller, Service};

impl Service {
    /// Sets fields of a policy.
    pub(crate) async fn set_policy(
        &self,
        caller: Caller,
        set: SetPolicy,
        call: &CallContext,
    ) -> Result<(Scope, Policy)> {
        match self.submit(caller.principal(), Command::SetPolicy(set), call).await? {
            (Outcome::Policy(scope, policy), _) => Ok((scope, policy)),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// What was decided for a scope.
    pub(crate) async fn policy(&self, asked: Asked, scope: Scope) -> Result<Read<Policy>> {
        let with = |view: &View<'_>, _| {
            Ok(view.row::<Policy>(scope).map(|policy| (*policy).clone()).unwrap_or_default())
        };
        self.read_as(asked, with).await
    }
}
