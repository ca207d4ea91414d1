//! One run: a cluster is set up, works while everything goes wrong, is healed, must then serve and agree, and everything
//! that clients were told is judged.

use std::collections::BTreeMap;
use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};

use holdfast_raft::RaftSettings;

use crate::chance::Chance;
use crate::client::Fidelity;
use crate::faults::Faults;
use crate::host::Loss;
use crate::invariants::Violation;
use crate::judgement;
use crate::network::Link;
use crate::prober::Step;
use crate::report::Report;
use crate::world::{World, WorldOptions, alone, log_sizes};

/// A cluster that is not set up by then never will be.
const SETUP_MS_MAX: u64 = 40_000;

/// How long things go wrong.
pub const FAULTS_MS: u64 = 20_000;

/// A healed cluster must serve by then.
const SERVE_MS_MAX: u64 = 15_000;

/// And agree by then.
const AGREE_MS_MAX: u64 = 45_000;

/// Between two looks at whether everybody was sent and shown everything.
const LOOK_INTERVAL_MS: u64 = 500;

/// How to run a seed.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Everything is drawn from it.
    pub seed: u64,
    /// How long things go wrong, in milliseconds.
    pub faults_ms: u64,
    /// Shows all that happens on stderr.
    pub is_shown: bool,
}

/// What a panic said, and where.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Runs a seed on a thread of its own.
#[must_use]
pub fn run(options: &RunOptions) -> Report {
    let owned = options.clone();
    std::panic::set_hook(Box::new(keep_panic));
    match alone(move || run_here(&owned)) {
        Ok(report) => report,
        Err(_) => {
            let said = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take();
            let failure = Some(format!("panic: {}", said.unwrap_or_default()));
            Report { seed: options.seed, failure, ..Report::default() }
        }
    }
}

/// The first panic says why; those that follow from it do not.
fn keep_panic(info: &PanicHookInfo<'_>) {
    let mut first = PANIC.lock().unwrap_or_else(PoisonError::into_inner);
    first.get_or_insert_with(|| {
        // Should another panic follow while all is torn down, this is all that is left.
        eprintln!("{info}");
        let trace = std::backtrace::Backtrace::capture();
        format!("{info}\n{trace}").trim_end().to_owned()
    });
}

/// Draws what kind of cluster a seed has.
#[must_use]
pub fn draw_options(options: &RunOptions) -> (WorldOptions, Chance) {
    let mut chance = Chance::new(options.seed ^ 0x5eed);
    let snapshot_entries = *chance.pick(&[20, 60, 200, 1000]);
    let raft = RaftSettings {
        snapshot_entries,
        keep_entries: *chance.pick(&[1, 5, 30, 200]),
        rows_cached: *chance.pick(&[1, 50, 10_000]),
        purge_batch: *chance.pick(&[1, 20, 256]),
        log: log_sizes(&mut chance),
        ..RaftSettings::default()
    };
    let world = WorldOptions {
        seed: options.seed,
        nodes: if chance.percent(15) { 3 } else { 5 },
        spares: 2,
        raft,
        fidelity: if chance.percent(10) { Fidelity::Full } else { Fidelity::Fast },
        guests: chance.between(3..=8) as usize,
        crowd: 30,
        think_ms: *chance.pick(&[20, 60, 150]),
        is_shown: options.is_shown,
    };
    (world, chance)
}

fn run_here(options: &RunOptions) -> Report {
    let (world_options, mut chance) = draw_options(options);
    let mut world = World::new(&world_options);
    let mut faults = Faults::new(chance.fork());
    let ran = go_through(&mut world, &mut faults, &mut chance, options, &world_options);
    let failure = ran.err();
    let counts = world.recorder.counts();
    let mut checks = world.invariants.checks().clone();
    checks.insert("probes of healed nodes", world.probes.judged());
    checks.insert("messages that were sent", world.outside.attempts().len() as u64);
    let watched = world.watched.counts();
    checks.insert("streams that were read", watched.streams);
    checks.insert("events that were shown", watched.events);
    checks.extend(&counts.judged);
    let owned = |counts: &BTreeMap<&'static str, u64>| {
        counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    };
    Report {
        seed: options.seed,
        hash: world.trace.hash(),
        events: world.trace.events(),
        simulated_ms: world.time.now_ms(),
        faults: owned(faults.counts()),
        operations: owned(&counts.attempts),
        answers: counts.answers,
        checks: owned(&checks),
        failure,
    }
}

fn go_through(
    world: &mut World,
    faults: &mut Faults,
    chance: &mut Chance,
    options: &RunOptions,
    world_options: &WorldOptions,
) -> Result<(), String> {
    set_up(world, world_options)?;
    world.load.begin();
    let until_ms = world.time.now_ms() + options.faults_ms;
    while world.time.now_ms() < until_ms {
        faults.step(world);
        world.tick().map_err(says)?;
    }
    faults.end_all(world);
    let core = heal(world, chance);
    finish(world, &core)
}

/// A healed core must serve and agree, and everything that clients were told must fit with what is there.
///
/// # Errors
///
/// When it does not.
pub fn finish(world: &mut World, core: &[usize]) -> Result<(), String> {
    serve(world, core)?;
    agree(world, core)?;
    judgement::judge(world, core)
}

fn says(violation: Violation) -> String {
    violation.to_string()
}

/// Lets the cluster come about.
///
/// # Errors
///
/// When it does not.
pub fn set_up(world: &mut World, options: &WorldOptions) -> Result<(), String> {
    let everybody = world.everybody();
    let is_set_up = |world: &mut World| {
        let has_park = world.load.park().is_some_and(|park| !park.recorded.is_empty());
        has_park && world.load.arrived() == everybody && world.voters() == options.nodes
    };
    match world.run_until(SETUP_MS_MAX, is_set_up).map_err(says)? {
        true => {
            world.founded();
            Ok(())
        }
        false => Err(format!(
            "liveness: no cluster after {SETUP_MS_MAX} ms: {} voters, {} guests",
            world.voters(),
            world.load.arrived()
        )),
    }
}

/// Heals a majority for good; the rest may stay dead. Who is healed.
pub fn heal(world: &mut World, chance: &mut Chance) -> Vec<usize> {
    let is_member = |host: &usize| !world.lost.contains(host) && world.is_member(*host);
    let mut core: Vec<usize> = (0..world.hosts.len()).filter(is_member).collect();
    let mut dead = core.clone();
    chance.shuffle(&mut dead);
    dead.truncate(chance.between(0..=2) as usize);
    for host in dead {
        let without: Vec<usize> = core.iter().copied().filter(|other| *other != host).collect();
        // A learner that was just asked to vote may count before anybody notices that it is dead.
        if world.is_quorum(&without) && world.stays_quorum(&without, None) {
            core = without;
        }
    }
    // Whoever was removed may run on, and must come to know it.
    let strays = world.strays(&core);
    let is_left = |position: &usize| core.contains(position) || strays.contains(position);
    let others: Vec<usize> = (0..world.hosts.len()).filter(|position| !is_left(position)).collect();
    for position in others {
        world.keep_down(position);
    }
    mend(world, &[&core[..], &strays[..]].concat());
    core
}

/// Mends the network, and all that is wrong with these hosts.
pub fn mend(world: &mut World, core: &[usize]) {
    let now_ms = world.time.now_ms();
    let machines = world.net.machines();
    for from in 0..machines {
        for to in (0..machines).filter(|to| *to != from) {
            world.net.change_link(from, to, |link| *link = Link::default());
        }
    }
    world.load.ask_twice(0);
    world.outside.mend();
    for position in core {
        let is_suspect = world.suspects.acquit(*position);
        let host = &mut world.hosts[*position];
        host.resume(now_ms);
        if is_suspect {
            // What is wrong with its disk and has not shown is over with the process, and it must come back unaided.
            host.end(Loss::Process);
        }
        host.end_drifts();
        host.plan.clock.set_right();
        host.disk.mend();
        host.disk.handle().set_capacity(None);
        host.start();
    }
    world.trace.note(|| format!("{now_ms} healed {core:?}"));
}

/// A healed majority elects a leader and takes changes; and each of its voters answers what is current, and takes changes.
fn serve(world: &mut World, core: &[usize]) -> Result<(), String> {
    let before = world.recorder.counts().decided();
    let is_serving =
        |world: &mut World| world.leader().is_some() && world.recorder.counts().decided() > before + 20;
    match world.run_until(SERVE_MS_MAX, is_serving).map_err(says)? {
        true => prove_each(world, core),
        false => {
            let leader = world.leader();
            let decided = world.recorder.counts().decided() - before;
            Err(format!(
                "liveness: {SERVE_MS_MAX} ms after {core:?} were healed, {leader:?} leads and {decided} calls were decided"
            ))
        }
    }
}

/// Each voter that is up and whole answers what is current, and takes changes.
fn prove_each(world: &mut World, core: &[usize]) -> Result<(), String> {
    let leader =
        world.leader().and_then(|leader| world.seen.nodes.get(&world.id_of(leader)?)?.running.as_ref());
    let voters = leader.map(|leader| leader.members.all_voters()).unwrap_or_default();
    let votes = |position: &usize| world.id_of(*position).is_some_and(|id| voters.contains(&id));
    let nodes: Vec<usize> = core.iter().copied().filter(votes).collect();
    world.probes.begin(nodes.clone());
    match world.run_until(SERVE_MS_MAX, |world| still_to_show(world).is_empty()).map_err(says)? {
        true => world.probes.contradiction().map_or(Ok(()), |says| Err(format!("probes: {says}"))),
        false => Err(format!(
            "liveness: {SERVE_MS_MAX} ms after {nodes:?} served together, some have still to show: {:?}",
            still_to_show(world)
        )),
    }
}

/// What is asked of nodes and not shown yet. One that is on its way out is a voter until it has left: nothing more is
/// expected of it then.
fn still_to_show(world: &World) -> Vec<(usize, Step)> {
    let mut missing = world.probes.missing();
    missing.retain(|(position, _)| !world.has_left(*position));
    missing
}

/// Once nobody asks for anything any more, all come to be alike.
fn agree(world: &mut World, core: &[usize]) -> Result<(), String> {
    world.load.end();
    let is_alike = |world: &World| {
        let running = |position: &usize| world.seen.nodes.get(&world.id_of(*position)?)?.running.as_ref();
        let states: Vec<_> = core
            .iter()
            .filter(|position| world.is_member(**position))
            .map(|position| running(position).map(|running| (running.state.applied, running.log.last)))
            .collect();
        let first = states.first().copied().flatten();
        first.is_some_and(|(applied, last)| applied == last && last.is_some())
            && states.iter().all(|state| *state == first)
    };
    let mut calm_ms = 0;
    let is_over = |world: &mut World| {
        let is_calm = is_alike(world) && world.unfinished(core).is_none() && world.strays(core).is_empty();
        calm_ms = if is_calm { calm_ms + 1 } else { 0 };
        calm_ms > 20
            && world.load.gone() == world.everybody()
            && world.time.now_ms().is_multiple_of(LOOK_INTERVAL_MS)
            && world.unsent() == Some(0)
            && judgement::behind(world).is_ok_and(|behind| behind.is_empty())
    };
    if !world.run_until(AGREE_MS_MAX, is_over).map_err(says)? {
        let what = match (is_alike(world), world.unfinished(core), world.strays(core)) {
            (_, Some(unfinished), _) => format!("something is left to do: {unfinished}"),
            (_, None, strays) if !strays.is_empty() => format!("{strays:?} were removed and do not know it"),
            (true, ..) => {
                let (unsent, behind) = (world.unsent(), judgement::behind(world)?);
                format!(
                    "clients wait for answers, {unsent:?} messages are unsent, or watchers wait: {behind:?}"
                )
            }
            (false, ..) => format!("{core:?} are not alike"),
        };
        return Err(format!("liveness: {AGREE_MS_MAX} ms after they served, {what}"));
    }
    world.judge(true).map_err(says)
}
