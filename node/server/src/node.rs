//! One running node: the replica on a runtime of its own, the facade on another, and what connects them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use holdfast_engine::RocksDb;
use holdfast_facade::{FacadeSettings, Metrics, Service};
use holdfast_raft::net::Listener;
use holdfast_raft::{Machine, Node, NodeOptions, RaftSettings, Replica};
use holdfast_storage::files::RealFiles;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::bootstrap::{self, FirstOperator};
use crate::exit::Exit;
use crate::folder::{self, Addresses};

/// Threads for consensus: heartbeats and votes never wait behind requests.
const RAFT_THREADS: usize = 2;

/// How a node runs.
pub(crate) struct NodeConfig {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: String,
    pub(crate) peer_listen: String,
    pub(crate) admin_listen: String,
    pub(crate) advertise: String,
    pub(crate) peer_advertise: String,
    pub(crate) init: bool,
    pub(crate) join: Vec<String>,
    pub(crate) stays_learner: bool,
    pub(crate) raft: RaftSettings,
    pub(crate) facade: FacadeSettings,
    /// E-mail address and password.
    pub(crate) first_operator: Option<(String, String)>,
}

/// A node that runs.
pub(crate) struct RunningNode {
    pub(crate) replica: Replica,
    pub(crate) listen: SocketAddr,
    pub(crate) peer: SocketAddr,
    pub(crate) admin: SocketAddr,
    stop: watch::Sender<bool>,
    clients: tokio::task::JoinHandle<()>,
    /// Dropped last: what runs on it is needed until then.
    raft_runtime: Runtime,
}

impl RunningNode {
    /// Starts a node. Call it on the runtime that is to serve clients.
    pub(crate) async fn start(config: NodeConfig) -> Result<Self, Exit> {
        let machine = Machine::real();
        let known = Addresses::read(&config.data_dir);
        let listener = listen(&machine, &config.listen, known.listen).await?;
        let peer_listener = listen(&machine, &config.peer_listen, known.peer).await?;
        let admin_listener = listen(&machine, &config.admin_listen, known.admin).await?;
        let (listen, peer, admin) = (listener.address(), peer_listener.address(), admin_listener.address());
        let addresses = Addresses { listen: Some(listen), peer: Some(peer), admin: Some(admin) };
        addresses.write(&config.data_dir)?;

        let first_operator = match config.first_operator {
            None => None,
            Some((email, password)) => {
                let password_hash = holdfast_facade::hash_password(password).await.map_err(Exit::other)?;
                Some(FirstOperator { email, password_hash })
            }
        };
        let metrics = Metrics::default();
        let raft_runtime = raft_runtime()?;
        let options = NodeOptions {
            data_dir: config.data_dir,
            init: config.init,
            join: config.join,
            stays_learner: config.stays_learner,
            peer_advertise: config.peer_advertise,
            client_advertise: if config.advertise.is_empty() { listen.to_string() } else { config.advertise },
            peer_listener,
            settings: config.raft,
            machine,
            opener: Arc::new(RocksDb::default()),
            observer: Arc::new(metrics.clone()),
        };
        let started = raft_runtime.spawn(holdfast_raft::start(RealFiles, options)).await;
        let Node { replica, signing_key, key_generation } = started.map_err(Exit::other)??;

        let public_key = signing_key.verifying_key().to_bytes();
        tokio::spawn(bootstrap::run(replica.clone(), key_generation, public_key, first_operator));
        tokio::spawn(holdfast_leader::serve(replica.clone()));
        let service = Service::new(replica.clone(), signing_key, key_generation, metrics, config.facade);
        let (stop, stopped) = watch::channel(false);
        let admin_router = holdfast_facade::admin_router(service.clone());
        tokio::spawn(holdfast_facade::serve(admin_listener, admin_router, stopped.clone()));
        let clients =
            tokio::spawn(holdfast_facade::serve(listener, holdfast_facade::router(service), stopped));
        Ok(Self { replica, listen, peer, admin, stop, clients, raft_runtime })
    }

    /// Lets calls in progress end, hands leadership over, and stops.
    pub(crate) async fn stop(self) {
        let Self { replica, stop, clients, raft_runtime, .. } = self;
        replica.step_down().await;
        stop.send_replace(true);
        drop(clients.await);
        replica.shut_down().await;
        raft_runtime.shutdown_timeout(STOP_DURATION_MAX);
    }
}

/// Tasks of the consensus runtime have this long to end.
const STOP_DURATION_MAX: Duration = Duration::from_secs(2);

fn raft_runtime() -> Result<Runtime, Exit> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(RAFT_THREADS).thread_name("raft").enable_all().build().map_err(Exit::other)
}

async fn listen(
    machine: &Machine,
    wanted: &str,
    known: Option<SocketAddr>,
) -> Result<Box<dyn Listener>, Exit> {
    let address = folder::remembered(wanted, known);
    let cannot = |error: std::io::Error| Exit::other(format!("cannot listen at {address}: {error}"));
    machine.network.listen(&address).await.map_err(cannot)
}

/// Whether an address is reachable from this machine only.
pub(crate) fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The folder as people are shown it.
pub(crate) fn shown(path: &Path) -> String {
    path.canonicalize().unwrap_or_else(|_| path.to_owned()).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn loopback_is_what_only_this_machine_reaches() {
        for loopback in ["127.0.0.1:3000", "127.9.9.9:1", "[::1]:3000", "localhost:3000"] {
            assert!(is_loopback(loopback), "{loopback}");
        }
        for beyond in ["0.0.0.0:3000", "[::]:3000", "10.0.0.1:3000", "example.com:3000", ":3000"] {
            assert!(!is_loopback(beyond), "{beyond}");
        }
    }
}
