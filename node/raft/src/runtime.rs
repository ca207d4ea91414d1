//! Where tasks, timers and random numbers come from: everything here that a simulator replaces to run a whole cluster in
//! one thread from one seed.

use std::future::Future;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use openraft::AsyncRuntime as _;

/// The runtime of this crate and of openraft.
#[cfg(not(feature = "simulation"))]
pub type Runtime = openraft_rt_tokio::TokioRuntime;

/// The runtime of this crate and of openraft: its random numbers come from a seed.
#[cfg(feature = "simulation")]
pub type Runtime = openraft_rt::deterministic_rng::DeterministicRng<openraft_rt_tokio::TokioRuntime>;

/// A task of ours.
pub(crate) type Task<T> = <Runtime as openraft::AsyncRuntime>::JoinHandle<T>;

/// Starts a task.
pub(crate) fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Task<T> {
    Runtime::spawn(future)
}

/// The wall clock of a machine.
pub trait WallClock: Send + Sync {
    /// Milliseconds since 1970, UTC, as far as this machine knows.
    fn now_ms(&self) -> u64;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl WallClock for SystemClock {
    fn now_ms(&self) -> u64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Where the parts that wait for the disk or compute for long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// On threads of their own, so that they never hold up heartbeats.
    OwnThreads,
    /// As tasks among the others, for the simulator.
    Tasks,
}

impl Placement {
    /// Runs `work` to its end, without holding up other tasks if it may block.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> std::io::Result<T> {
        match self {
            Self::Tasks => Ok(work.await),
            Self::OwnThreads => {
                let (sender, receiver) = tokio::sync::oneshot::channel();
                let thread = std::thread::Builder::new().name(name.to_owned());
                thread.spawn(move || drop(sender.send(holdfast_storage::files::block_on(work))))?;
                receiver.await.map_err(|_| std::io::Error::other(format!("the {name} thread is gone")))
            }
        }
    }
}

/// What a node takes from the machine it runs on.
#[derive(Clone)]
pub struct Machine {
    /// Its wall clock.
    pub clock: Arc<dyn WallClock>,
    /// Its network.
    pub network: Arc<dyn crate::net::Network>,
    /// Where blocking work runs.
    pub placement: Placement,
}

impl Machine {
    /// The machine this process runs on.
    #[must_use]
    pub fn real() -> Self {
        let network = Arc::new(crate::net::Tcp);
        Self { clock: Arc::new(SystemClock), network, placement: Placement::OwnThreads }
    }
}
