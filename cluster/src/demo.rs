//! `holdfast demo`: a park on three nodes, guests who book over HTTP, and a leader that is killed while they do.

mod comeback;
mod day;
mod entrance;
mod guests;
mod loading;
mod opening;
mod rush;

use std::path::PathBuf;
use std::process::ExitStatus;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::demo::guests::Guest;
use crate::demo::loading::OpenPark;
use crate::failure::{self, Failure};
use crate::local::LocalCluster;
use crate::output::print_line;

/// How the demo runs.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Nodes of the cluster
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(3..=5))]
    nodes: u8,
    /// Where the nodes keep their data; started again there, the demo goes on with it [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Play it, check every step, and end
    #[arg(long)]
    once: bool,
}

/// Plays the demo.
///
/// # Errors
///
/// Says which step did not do what it should.
pub fn run(arguments: &DemoArguments) -> Result<(), Failure> {
    failure::block_on(async {
        let temporary = tempfile::tempdir()?;
        let dir = arguments.dir.clone().unwrap_or_else(|| temporary.path().to_owned());
        tokio::select! {
            played = play(arguments, dir) => played,
            stopped = told_to_stop() => stopped,
        }
    })
}

async fn play(arguments: &DemoArguments, dir: PathBuf) -> Result<(), Failure> {
    let options = opening::options(arguments, dir)?;
    step(1, &format!("Start {} nodes, each a process of its own", arguments.nodes));
    let cluster = LocalCluster::start(options).await.map_err(|failure| failed(1, failure))?;
    let mut stage = opening::open(cluster).await.map_err(|failure| failed(1, failure))?;

    step(2, "Load samples/park.json: rides, and today's slots as their throughput makes them");
    let park = loading::load(&stage.operator).await.map_err(|failure| failed(2, failure))?;

    step(3, "Ada's day, every call on another node");
    let ada = day::play(&stage, &park).await.map_err(|failure| failed(3, failure))?;

    step(4, "The day of a slot, in some seconds: reminded, admitted, never come");
    entrance::play(&stage, &park).await.map_err(|failure| failed(4, failure))?;

    step(5, "A rush: more guests than places, all at once");
    let guests = rush::play(&stage, &park).await.map_err(|failure| failed(5, failure))?;

    step(6, "Kill the leader (kill -9) while guests book");
    comeback::play(&mut stage, &park, &guests).await.map_err(|failure| failed(6, failure))?;

    if arguments.once {
        stage.stop().await?;
        print_line("\nEvery step was checked.");
        return Ok(());
    }
    invite(&stage, &park, &ada);
    std::future::pending().await
}

/// A cluster, and who may operate it.
struct Stage {
    cluster: LocalCluster,
    operator: crate::api::Api,
}

impl Stage {
    async fn stop(&mut self) -> Result<(), Failure> {
        for position in 0..self.cluster.nodes.len() {
            let ended = self.cluster.stop(position).await?;
            has_ended_well(position, ended).map_err(|failure| {
                Failure::Unhealthy(format!("{failure}: {}", self.cluster.nodes[position].last_words()))
            })?;
        }
        Ok(())
    }
}

/// A node that was asked to stop says by its exit code that it could.
fn has_ended_well(position: usize, ended: Option<ExitStatus>) -> Result<(), Failure> {
    check(ended.is_some_and(|status| status.success()), || {
        let how = ended.map_or("before that".to_owned(), |status| format!("with {status}"));
        format!("node {} was asked to stop and ended {how}", position + 1)
    })
}

fn step(number: u32, title: &str) {
    print_line(&format!("\n{number}. {title}"));
}

fn fact(text: &str) {
    print_line(&format!("   {text}"));
}

fn failed(number: u32, failure: Failure) -> Failure {
    Failure::Unhealthy(format!("step {number} failed: {failure}"))
}

/// `Ok` if it is so; otherwise what is not.
fn check(is_so: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if is_so { Ok(()) } else { Err(Failure::Unhealthy(otherwise())) }
}

/// Says what to try with a cluster that stays up.
fn invite(stage: &Stage, park: &OpenPark, ada: &Guest) {
    let endpoints = stage.cluster.endpoints();
    let (first, last) = (&endpoints[0], &endpoints[endpoints.len() - 1]);
    let operator = &stage.cluster.operator;
    let (ride, (starts_at, ends_at)) = (park.rides[0].id, park.last_window());
    let log_in = |email: &str, password: &str| {
        format!(
            "$(curl -s http://{first}/auth/login -H 'content-type: application/json' -d \
             '{{\"email\":\"{email}\",\"password\":\"{password}\"}}' | sed 's/.*accessToken\":\"\\([^\"]*\\).*/\\1/')"
        )
    };
    print_line(&format!(
        "
The cluster stays up until Ctrl-C. Its nodes, {nodes}, all take every call. Try:

  ADA={ada_token}
  # book two places of {ride_name}, then read it on another node
  curl -s http://{first}/rides/book -H \"authorization: Bearer $ADA\" -H 'content-type: application/json' \\
       -d '{{\"rideId\":{ride},\"cnt\":2,\"startTime\":\"{starts_at}\",\"endTime\":\"{ends_at}\"}}'
  curl -s http://{last}/rides/book -H \"authorization: Bearer $ADA\"

  export HOLDFAST_TOKEN={operator_token}
  {binary} cluster status --endpoints {all}
  # watch it survive: kill any one node, then book again
  kill -9 {pid}

Data and logs: {dir}",
        nodes = endpoints.iter().map(|endpoint| format!("http://{endpoint}")).collect::<Vec<_>>().join(", "),
        ada_token = log_in(&ada.email, guests::PASSWORD),
        operator_token = log_in(&operator.email, &operator.password),
        ride_name = park.rides[0].name,
        binary = stage.cluster.binary().display(),
        all = endpoints.join(","),
        pid = stage.cluster.nodes[0].pid().unwrap_or_default(),
        dir = stage.cluster.dir().display(),
    ));
}

async fn told_to_stop() -> Result<(), Failure> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => (),
        _ = interrupt.recv() => (),
    }
    print_line("\nStopping.");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn a_node_that_stops_by_a_signal_or_with_a_code_has_not_ended_well() {
        let says = |ended| has_ended_well(0, ended).err().map(|failure| failure.to_string());
        assert_eq!(says(Some(ExitStatus::from_raw(0))), None);
        assert_eq!(
            says(Some(ExitStatus::from_raw(6))).as_deref(),
            Some("node 1 was asked to stop and ended with signal: 6 (SIGABRT)")
        );
        assert!(says(Some(ExitStatus::from_raw(1 << 8))).is_some_and(|says| says.contains("exit status: 1")));
        assert!(says(None).is_some());
    }
}
