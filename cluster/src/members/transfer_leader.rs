//! `holdfast cluster transfer-leader`.

use clap::Args;
use hyper::Method;
use serde_json::{Value, json};

use super::{How, Until, Wanted, change};
use crate::failure::Failure;

const PATH: &str = "/v1/cluster/transfer";

/// To whom.
#[derive(Debug, Args)]
pub struct TransferLeaderArguments {
    /// The voter that is to lead [default: the one that has come furthest]
    id: Option<u64>,
    #[command(flatten)]
    how: How,
}

pub(crate) async fn run(arguments: &TransferLeaderArguments) -> Result<(), Failure> {
    let TransferLeaderArguments { id, how } = arguments;
    let to = match id {
        None if !how.dry_run => Some(choose(how).await?),
        id => *id,
    };
    let body = to.map(|to| json!({"to": to}));
    change(how, Wanted { body, until: to.map(Until::Leads), ..Wanted::post(PATH.to_owned()) }).await
}

/// Whom the leader would choose. He is named from here on: asked for again without a name, leadership would move again.
async fn choose(how: &How) -> Result<u64, Failure> {
    let plan = how.target.call(Method::POST, &format!("{PATH}?dryRun=true"), None).await?;
    let says =
        "the cluster did not say which node it would choose; name one: holdfast cluster transfer-leader ID";
    chosen_in(&plan).ok_or_else(|| Failure::Other(says.to_owned()))
}

fn chosen_in(plan: &Value) -> Option<u64> {
    plan["steps"][0].as_str()?.strip_prefix("hand leadership to node ")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_names_the_one_to_lead() {
        assert_eq!(chosen_in(&json!({"steps": ["hand leadership to node 12"]})), Some(12));
        assert_eq!(chosen_in(&json!({"steps": ["make node 12 a voter"]})), None);
        assert_eq!(chosen_in(&json!({"steps": []})), None);
    }
}
