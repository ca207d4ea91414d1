//! Verbs that change the members: asked for again and again until the cluster says that it is done. The cluster itself
//! keeps what was asked for, so whatever ends the verb too early does no harm, and asking again is always safe.

#[cfg(test)]
mod tests;

pub(crate) mod drain;
pub(crate) mod promote;
pub(crate) mod remove;
pub(crate) mod replace;
pub(crate) mod transfer_leader;

use std::time::{Duration, Instant};

use clap::Args;
use hyper::Method;
use serde_json::Value;

use crate::failure::Failure;
use crate::http::Reply;
use crate::output::{OutputFormat, print_line};
use crate::target::Target;

/// How long a verb waits if it is not told.
const WAIT_DURATION: Duration = Duration::from_secs(60);

/// Between two questions.
const ASK_INTERVAL: Duration = Duration::from_millis(250);

/// Which cluster, and how to do it.
#[derive(Debug, Args)]
pub struct How {
    #[command(flatten)]
    target: Target,
    /// Only print the steps that would be taken
    #[arg(long)]
    dry_run: bool,
    /// How many seconds to wait until it is done; the cluster goes on with it in any case [default: 60]
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
}

/// What is asked for.
pub(crate) struct Wanted {
    method: Method,
    path: String,
    body: Option<Value>,
    /// What is so when it is done, if that can be known from a refusal.
    until: Option<Until>,
}

/// What a verb brings about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// A node is no member any more.
    Gone(u64),
    /// A node leads.
    Leads(u64),
}

impl Until {
    /// Whether a cluster is not so yet.
    fn is_to_come(self, cluster: &Value) -> bool {
        match self {
            Self::Gone(node) => is_listed(cluster, node),
            Self::Leads(node) => cluster["leader"] != node,
        }
    }

    /// Whether a refusal says that it is so.
    fn is_said_by(self, reply: &Reply) -> bool {
        let (status, code) = match self {
            Self::Gone(_) => (404, "node_not_found"),
            Self::Leads(_) => (409, "already_leads"),
        };
        reply.status == status && reply.code() == code
    }
}

impl Wanted {
    fn post(path: String) -> Self {
        Self { method: Method::POST, path, body: None, until: None }
    }
}

/// What an answer means for a verb.
#[derive(Debug, PartialEq)]
enum Verdict {
    Done,
    /// It was taken up; this is left.
    Left(Value),
}

/// Asks until it is done.
pub(crate) async fn change(how: &How, wanted: Wanted) -> Result<(), Failure> {
    let api = how.target.api()?;
    if how.dry_run {
        let path = format!("{}?dryRun=true", wanted.path);
        let plan = api.call(wanted.method, &path, wanted.body).await?.success()?;
        print(&plan, how.target.output);
        return Ok(());
    }
    let to_come = match wanted.until {
        Some(until) if until.is_to_come(&api.get("/v1/cluster").await?) => Some(until),
        Some(_) | None => None,
    };
    let given_up_at = Instant::now() + how.wait.map_or(WAIT_DURATION, Duration::from_secs);
    let (mut said, mut is_taken_up) = (String::new(), false);
    loop {
        let reply = api.call(wanted.method.clone(), &wanted.path, wanted.body.clone()).await;
        let left = match reply.and_then(|reply| judge(reply, to_come)) {
            Ok(Verdict::Done) => {
                print(
                    &serde_json::json!({"dryRun": false, "done": true, "steps": [], "waitsFor": null}),
                    how.target.output,
                );
                return Ok(());
            }
            Ok(Verdict::Left(left)) => {
                is_taken_up = true;
                say(&progress(&left), &mut said);
                if needs_newcomer(&left) && how.wait.is_none() {
                    // Nothing more comes of waiting here: it is the operator's turn.
                    print(&left, how.target.output);
                    return Ok(());
                }
                None
            }
            // The next question finds out.
            Err(failure @ Failure::Unknown(_)) => {
                is_taken_up = true;
                Some(failure)
            }
            Err(failure @ (Failure::Connect(_) | Failure::Unhealthy(_))) if is_taken_up => Some(failure),
            Err(failure) => return Err(failure),
        };
        if Instant::now() >= given_up_at {
            let says =
                format!("it is not done yet ({said}); the cluster goes on with it: holdfast cluster status");
            return Err(left.unwrap_or(Failure::Unhealthy(says)));
        }
        tokio::time::sleep(ASK_INTERVAL).await;
    }
}

/// `to_come` is what was not so when the verb began.
fn judge(reply: Reply, to_come: Option<Until>) -> Result<Verdict, Failure> {
    match reply.status {
        200 => Ok(Verdict::Done),
        202 => Ok(Verdict::Left(reply.json)),
        _ if to_come.is_some_and(|until| until.is_said_by(&reply)) => Ok(Verdict::Done),
        _ => reply.success().map(Verdict::Left),
    }
}

fn is_listed(cluster: &Value, node: u64) -> bool {
    cluster["nodes"].as_array().is_some_and(|nodes| nodes.iter().any(|known| known["id"] == node))
}

fn progress(left: &Value) -> String {
    let waits_for = left["waitsFor"].as_str();
    waits_for.or_else(|| left["steps"][0].as_str()).unwrap_or("nothing is left to do").to_owned()
}

/// Whether somebody must start a node.
fn needs_newcomer(left: &Value) -> bool {
    left["waitsFor"].as_str().is_some_and(|why| why.contains("holdfast start"))
}

/// Says what is new.
#[expect(clippy::print_stderr, reason = "progress is talk")]
fn say(now: &str, said: &mut String) {
    if now != said {
        eprintln!("{now}");
        now.clone_into(said);
    }
}

fn print(change: &Value, output: OutputFormat) {
    match output {
        OutputFormat::Json => print_line(&change.to_string()),
        OutputFormat::Table => lines(change).iter().for_each(|line| print_line(line)),
    }
}

fn lines(change: &Value) -> Vec<String> {
    let steps = change["steps"].as_array().map_or(&[][..], Vec::as_slice);
    let step = |(number, step): (usize, &Value)| format!("{number}. {}", step.as_str().unwrap_or("-"));
    match steps {
        [] => vec!["done".to_owned()],
        steps => (1..).zip(steps).map(step).collect(),
    }
}
