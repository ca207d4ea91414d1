//! Very much is due at once: bookings become ready and their guests are told, and later their parties have not come, all
//! at the same moment, while others book at a steady rate.

mod bookings;
mod figures;
mod foreground;
mod phase;
mod report;

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::bench::BenchArguments;
use crate::bench::setup::Stage;
use crate::failure::Failure;
use crate::local::LocalCluster;
use bookings::Bookings;
use figures::{Figures, Ticks};
use foreground::Foreground;
use phase::{Phase, Plan, Sample};
use report::Report;

/// Between two looks at how much is left. Each costs the node a millisecond or two.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// So shortly before something is due nobody looks: what is measured before it should end with it.
const QUIET_DURATION: Duration = Duration::from_millis(300);

/// If nothing was worked off for so long, nothing will be.
const STALLED_DURATION_MAX: Duration = Duration::from_secs(60);

/// Between two lines about progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

/// Followers have applied by then what the leader has.
const FOLLOWED_DURATION_MAX: Duration = Duration::from_secs(30);

/// So many bookings are expected to be worked off in a second at least: what is due next comes behind them.
const EXPECTED_PER_SECOND: u32 = 3_000;

/// How long the moments of a slot lie apart at least, and at most: both fall into one minute.
const APART_DURATION_MIN: Duration = Duration::from_secs(4);
const APART_DURATION_MAX: Duration = Duration::from_secs(30);

/// What was seen.
struct Seen {
    samples: Vec<Sample>,
    /// Each phase with the ticks that there had been when it began, in their order.
    phases: Vec<(Phase, Ticks)>,
    /// How often somebody else has come to lead.
    leader_changes: u64,
}

/// Has so many bookings fall due, and prints how that went.
pub(super) async fn run(
    arguments: &BenchArguments,
    count: u32,
    stage: &Stage,
    cluster: &LocalCluster,
) -> Result<(), Failure> {
    let operator = cluster.operator_api().await?;
    let lines = stage.clients(arguments.connections.min(arguments.clients))?;
    let apart = apart(count);
    eprintln!("{} clients make {count} bookings", arguments.clients);
    let bookings = Bookings::make(count, arguments.clients, apart, &lines, &operator).await?;

    let before = Duration::from_secs(arguments.warmup + arguments.seconds);
    let starts_at = starts_at(bookings.move_duration() + before + apart);
    eprintln!("moving their slots to {starts_at}");
    bookings.start_at(starts_at, &operator).await?;
    let to_start = Duration::try_from(starts_at.duration_since(Timestamp::now())).unwrap_or_default();
    let idle = to_start.checked_sub(before + apart);
    tokio::time::sleep(idle.ok_or_else(|| Failure::other("it took too long to move the slots"))?).await;

    let warmup = Duration::from_secs(arguments.warmup);
    let plan = Plan { warmup, ready_at: before, missed_at: before + apart + apart, count: count.into() };
    let nodes = events_of_nodes(cluster).await?;
    let foreground = Foreground::start(arguments.rate, stage, &lines)?;
    let seen = watch(&plan, Duration::from_secs(arguments.seconds), &foreground, cluster).await?;
    let tally = foreground.end().await?;

    eprintln!("looking at every booking");
    let operator = cluster.operator_api().await?;
    let found = stage.count_booked(&operator).await?;
    let report = Report::new(arguments, &plan, &seen, &tally, found);
    report.print(arguments.output);
    bookings.check(&operator).await?;
    happened_once(cluster, &nodes, plan.count).await?;
    report.verdict()
}

/// How long before its start a slot is ready, and how long after it parties are missed; whole seconds, as policies are.
fn apart(count: u32) -> Duration {
    Duration::from_secs((count / EXPECTED_PER_SECOND).into()).clamp(APART_DURATION_MIN, APART_DURATION_MAX)
}

fn starts_at(from_now: Duration) -> Timestamp {
    Timestamp::now() + SignedDuration::try_from(from_now).unwrap_or(SignedDuration::MAX)
}

/// Looks on until all is worked off and some time besides, and tells those who book which phase it is.
async fn watch(
    plan: &Plan,
    seconds: Duration,
    foreground: &Foreground,
    cluster: &LocalCluster,
) -> Result<Seen, Failure> {
    let leader = cluster.leader().await?;
    let first = look(cluster, leader).await?;
    let base = Sample::of(Duration::ZERO, &first);
    let started_at = Instant::now();
    let mut seen = Seen { samples: Vec::new(), phases: Vec::new(), leader_changes: 0 };
    let (mut phase, mut entered_at, mut figures) = (Phase::Warmup, Duration::ZERO, first);
    let (mut moved_at, mut told_at) = (Duration::ZERO, Duration::ZERO);
    let first_term = figures.get("holdfast_term");
    loop {
        let now = started_at.elapsed();
        let last = seen.samples.last().copied().unwrap_or_default();
        let next = plan.phase(now, &last);
        if next != phase {
            foreground.enter(next);
            eprintln!("{}", next.words());
            (phase, entered_at) = (next, now);
            seen.phases.push((next, figures.ticks()));
        }
        if phase == Phase::After && now >= entered_at + seconds {
            seen.leader_changes = (figures.get("holdfast_term") - first_term) as u64;
            return Ok(seen);
        }
        if phase.has_backlog() && now >= moved_at.max(entered_at) + STALLED_DURATION_MAX {
            return Err(Failure::Unhealthy(format!("nothing goes on any more: {last:?}")));
        }
        if phase.has_backlog() && now >= told_at + PROGRESS_INTERVAL {
            eprintln!("{} s: {}", now.as_secs(), plan.left(&last));
            told_at = now;
        }
        match plan.next_moment(now) {
            Some(wait) if wait <= QUIET_DURATION => tokio::time::sleep(wait).await,
            Some(_) | None => {
                figures = look(cluster, leader).await?;
                let sample = Sample::of(started_at.elapsed(), &figures).since(&base);
                if !sample.is_like(&last) {
                    moved_at = sample.at;
                }
                seen.samples.push(sample);
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        }
    }
}

async fn look(cluster: &LocalCluster, position: usize) -> Result<Figures, Failure> {
    let text = cluster.nodes[position].figures().await;
    text.map(Figures::of).ok_or_else(|| Failure::Unhealthy(format!("node {} has no figures", position + 1)))
}

/// How often bookings have become ready and were missed, as each node has counted.
async fn events_of_nodes(cluster: &LocalCluster) -> Result<Vec<Sample>, Failure> {
    let mut nodes = Vec::new();
    for position in 0..cluster.nodes.len() {
        nodes.push(Sample::of(Duration::ZERO, &look(cluster, position).await?));
    }
    Ok(nodes)
}

/// Whether every node has seen each booking become ready and be missed, and none twice.
async fn happened_once(cluster: &LocalCluster, before: &[Sample], count: u64) -> Result<(), Failure> {
    let until = Instant::now() + FOLLOWED_DURATION_MAX;
    for (position, before) in before.iter().enumerate() {
        loop {
            let Sample { ready, missed, .. } =
                Sample::of(Duration::ZERO, &look(cluster, position).await?).since(before);
            if (ready, missed) == (count, count) {
                break;
            }
            if ready > count || missed > count || Instant::now() >= until {
                return Err(Failure::Unhealthy(format!(
                    "node {} has seen {ready} become ready and {missed} missed, of {count}",
                    position + 1
                )));
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_moments_fall_into_one_minute_however_much_is_due() {
        assert_eq!(apart(1), Duration::from_secs(4));
        assert_eq!(apart(60_000), Duration::from_secs(20));
        assert_eq!(apart(1_000_000), Duration::from_secs(30));
    }
}
