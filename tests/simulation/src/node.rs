//! The software of a node: what the server's binary wires together, on a simulated machine.

mod frames;
mod introduction;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holdfast_facade::{FacadeSettings, Metrics, Service};
use holdfast_raft::net::Network as _;
use holdfast_raft::{
    Change, ChangeError, Goal, Moment, Node, NodeOptions, Placement, RaftSettings, Replica, Runtime,
    StartError, start_simulated,
};
use holdfast_storage::simulated::SimulatedDisk;
use holdfast_storage::sorted_map::SortedMaps;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::chance::Chance;
use crate::network::{MachineNet, MachineNumber, address};
use crate::outside::Outside;
use crate::time::{Clock, TICK};

pub use frames::{Frame, read_frame, write_frame};
pub use introduction::{OPERATOR_EMAIL, OPERATOR_PASSWORD};

/// Where other nodes connect.
pub const PEER_PORT: u16 = 3001;

/// Where clients connect with HTTP.
pub const HTTP_PORT: u16 = 3000;

/// Where clients connect with frames, which say the same in fewer bytes and steps.
pub const FRAMES_PORT: u16 = 3002;

/// Where its data is.
const DATA_DIR: &str = "/data";

/// Where its log is.
pub const LOG_DIR: &str = "/data/log";

/// Whoever asks for a change of the members waits so long for its end.
const CHANGE_PATIENCE: Duration = Duration::from_secs(5);

/// What a node is made of, apart from its software. It outlives the software.
pub struct NodePlan {
    /// Its machine.
    pub machine: MachineNumber,
    /// Its network.
    pub network: MachineNet,
    /// Its wall clock.
    pub clock: Clock,
    /// Whom it sends messages to.
    pub outside: Outside,
    /// Its disk; a new one after a loss.
    pub disk: Mutex<SimulatedDisk>,
    /// The machines of the nodes it is told of.
    pub others: Vec<MachineNumber>,
    /// What it does when its disk is empty.
    pub begins: Mutex<Beginning>,
    /// Whether it only learns when it joins.
    pub stays_learner: AtomicBool,
    /// Sizes.
    pub raft: RaftSettings,
    /// What it said to those who asked for changes of the members, since the last look.
    pub told: Mutex<Vec<(Goal, Result<Change, ChangeError>)>>,
    /// What is known of the software while it runs.
    pub state: Mutex<NodeState>,
    /// The seeds of its starts.
    pub seeds: Mutex<Chance>,
}

/// What a node with an empty disk does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// It founds the cluster.
    Founds,
    /// It asks the founder to let it in.
    AsksFounder,
    /// There is a cluster: it asks everybody.
    IsOver,
}

/// What is known of a node's software.
#[derive(Default)]
pub struct NodeState {
    /// Once it takes part.
    pub replica: Option<Replica>,
    /// How it ended by itself.
    pub exit: Option<Exit>,
    /// The moment of its own clock at its last tick.
    pub moment: Option<Moment>,
    /// So far its clock is to jump.
    pub jump: Option<Duration>,
    /// What its operator wants of it.
    pub wishes: Vec<NodeWish>,
}

/// What an operator may want of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeWish {
    /// To hand over leadership, if it has it.
    StepDown,
    /// To take a snapshot.
    Snapshot,
    /// To have the members changed.
    Change(Goal),
}

/// Why the process of a node ended by itself.
#[derive(Clone, Debug)]
pub enum Exit {
    /// It did not start.
    Start(String),
    /// It did not start, and never will: it has lost what it acknowledged, or its cluster does not want it.
    Refused(String),
    /// It could not go on.
    Failed(String),
    /// It has learnt that this node was removed.
    Removed(u64),
}

impl NodePlan {
    /// What is known of the software.
    pub fn state(&self) -> MutexGuard<'_, NodeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The disk it has now.
    pub fn disk(&self) -> SimulatedDisk {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn seed(&self) -> u64 {
        self.seeds.lock().unwrap_or_else(PoisonError::into_inner).draw()
    }
}

/// Runs a node until its machine ends it.
pub async fn run(plan: Arc<NodePlan>) -> turmoil::Result {
    *plan.state() = NodeState { moment: Some(Moment::now()), ..NodeState::default() };
    let seed = plan.seed();
    drop(tokio::spawn(keep_time(plan.clone())));
    let exit = Runtime::scope(seed, serve(plan.clone())).await;
    tracing::info!(machine = plan.machine, ?exit, "a node ended by itself");
    // The machine ends what is left of it: a process takes all its threads with it.
    plan.state().exit = Some(exit);
    std::future::pending().await
}

/// Follows the machine's own clock, and makes it jump.
async fn keep_time(plan: Arc<NodePlan>) {
    loop {
        let jump = plan.state().jump.take();
        if let Some(jump) = jump {
            tokio::time::advance(jump).await;
        }
        let (wishes, replica) = {
            let mut state = plan.state();
            state.moment = Some(Moment::now());
            (std::mem::take(&mut state.wishes), state.replica.clone())
        };
        for wish in wishes {
            let Some(replica) = replica.clone() else { continue };
            let plan = plan.clone();
            drop(tokio::spawn(async move {
                match wish {
                    NodeWish::StepDown => replica.step_down().await,
                    NodeWish::Snapshot => replica.take_snapshot().await,
                    NodeWish::Change(goal) => {
                        let told = replica.change_members(goal, Instant::now() + CHANGE_PATIENCE).await;
                        plan.told.lock().unwrap_or_else(PoisonError::into_inner).push((goal, told));
                    }
                }
            }));
        }
        drop(replica);
        tokio::time::sleep(TICK).await;
    }
}

async fn serve(plan: Arc<NodePlan>) -> Exit {
    let metrics = Metrics::default();
    let Node { replica } = match take_part(&plan, &metrics).await {
        Ok(node) => node,
        Err(error @ (StartError::Refused(_) | StartError::LostAcknowledged { .. })) => {
            return Exit::Refused(error.to_string());
        }
        Err(error) => return Exit::Start(error.to_string()),
    };
    plan.state().replica = Some(replica.clone());

    let own = replica.own_key();
    let public_key = own.signing_key.verifying_key().to_bytes();
    drop(tokio::spawn(introduction::run(replica.clone(), own.generation, public_key)));
    drop(tokio::spawn(holdfast_leader::serve(replica.clone(), Arc::new(plan.outside.of(plan.machine)))));
    let clock = Arc::new(plan.clock.clone());
    let settings = FacadeSettings {
        public_url: Some("http://holdfast".to_owned()),
        // Mostly shorter than clients wait: they are told that nothing came of it, or that nobody knows.
        deadline: Duration::from_secs(*Chance::new(plan.seed()).pick(&[1, 2, 5])),
        ..FacadeSettings::default()
    };
    let service = Service::with_clock(replica.clone(), clock, metrics, settings);
    let router = holdfast_facade::router(service);
    for port in [HTTP_PORT, FRAMES_PORT] {
        let listener = match plan.network.listen(&address(plan.machine, port).to_string()).await {
            Ok(listener) => listener,
            Err(error) => return Exit::Start(error.to_string()),
        };
        match port {
            HTTP_PORT => {
                let (keep_serving, stop) = watch::channel(false);
                let router = router.clone();
                drop(tokio::spawn(async move {
                    let _keep_serving = keep_serving;
                    holdfast_facade::serve(listener, router, stop).await;
                }));
            }
            _ => drop(tokio::spawn(frames::serve(listener, router.clone()))),
        }
    }
    tokio::select! {
        biased;
        removed = replica.removed() => Exit::Removed(removed.node),
        failed = replica.failed() => Exit::Failed(failed),
    }
}

async fn take_part(plan: &NodePlan, metrics: &Metrics) -> Result<Node, StartError> {
    let own_address = address(plan.machine, PEER_PORT).to_string();
    let peer_listener = plan.network.listen(&own_address).await?;
    let disk = plan.disk();
    // At first everybody asks the founder: those who join listen already, and would be waited for.
    let others = match *plan.begins.lock().unwrap_or_else(PoisonError::into_inner) {
        Beginning::Founds => &[][..],
        Beginning::AsksFounder => &plan.others[..1],
        Beginning::IsOver => &plan.others[..],
    };
    let options = NodeOptions {
        data_dir: DATA_DIR.into(),
        init: others.is_empty(),
        join: others.iter().map(|other| address(*other, PEER_PORT).to_string()).collect(),
        join_token: None,
        stays_learner: plan.stays_learner.load(Ordering::Relaxed),
        peer_advertise: own_address,
        client_advertise: address(plan.machine, HTTP_PORT).to_string(),
        peer_listener,
        settings: plan.raft.clone(),
        machine: holdfast_raft::Machine {
            clock: Arc::new(plan.clock.clone()),
            network: Arc::new(plan.network.clone()),
            placement: Placement::Tasks,
        },
        opener: Arc::new(SortedMaps(disk.clone())),
        observer: Arc::new(metrics.clone()),
    };
    start_simulated(disk, options).await
}
