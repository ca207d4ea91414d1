//! One running node: the replica on a runtime of its own, the facade on another, and what connects them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use holdfast_engine::RocksDb;
use holdfast_facade::{FacadeSettings, Metrics, Service};
use holdfast_leader::senders::Senders;
use holdfast_raft::net::{CertificateFiles, ClientTls, Listener};
use holdfast_raft::{JoinTokenSource, Machine, Node, NodeOptions, RaftSettings, Replica};
use holdfast_storage::files::RealFiles;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::bootstrap::{self, FirstOperator};
use crate::certificates;
use crate::exit::Exit;
use crate::folder::{self, Addresses};
use crate::reminders::Reminders;

/// A node that has not stopped by then does not stop.
const STOP_DURATION_MAX: Duration = Duration::from_secs(15);

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
    pub(crate) join_token: Option<JoinTokenSource>,
    /// Where the certificate is that clients are shown; they speak in the clear without one.
    pub(crate) tls: Option<CertificateFiles>,
    pub(crate) stays_learner: bool,
    pub(crate) raft: RaftSettings,
    pub(crate) facade: FacadeSettings,
    /// Who brings notifications to the world while this node leads.
    pub(crate) senders: Arc<Senders>,
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
}

impl RunningNode {
    /// Starts a node. Call it on the runtime that is to serve clients; consensus is to run on `raft`.
    pub(crate) async fn start(config: NodeConfig, raft: Handle) -> Result<Self, Exit> {
        let machine = Machine::real();
        let tls = match config.tls {
            Some(files) => Some(Arc::new(ClientTls::load(files).map_err(Exit::usage)?)),
            None => None,
        };
        let known = Addresses::read(&config.data_dir)?;
        let listener = listen(&machine, &config.listen, known.listen).await?;
        let peer_listener = listen(&machine, &config.peer_listen, known.peer).await?;
        let admin_listener = listen(&machine, &config.admin_listen, known.admin).await?;
        let (listen, peer, admin) = (listener.address(), peer_listener.address(), admin_listener.address());
        let addresses = Addresses { listen: Some(listen), peer: Some(peer), admin: Some(admin) };
        addresses.write(&config.data_dir).await?;
        let owner_token = folder::write_owner_token(&config.data_dir)?;

        let first_operator = match config.first_operator {
            None => None,
            Some((email, password)) => {
                let password_hash = holdfast_facade::hash_password(password).await.map_err(Exit::other)?;
                Some(FirstOperator { email, password_hash })
            }
        };
        let metrics = Metrics::default();
        let secure = |listener, what| match &tls {
            Some(tls) => tls.secure(listener, what),
            None => listener,
        };
        let listener = secure(listener, "client");
        // On this machine it is plain, as ever: no certificate names 127.0.0.1.
        let admin_listener = match admin.ip().is_loopback() {
            true => admin_listener,
            false => secure(admin_listener, "admin"),
        };
        if let Some(tls) = tls.clone() {
            let hangup = signal(SignalKind::hangup()).map_err(Exit::other)?;
            tokio::spawn(certificates::keep_new(tls, metrics.clone(), hangup));
        }
        let options = NodeOptions {
            data_dir: config.data_dir,
            init: config.init,
            join: config.join,
            join_token: config.join_token,
            stays_learner: config.stays_learner,
            peer_advertise: config.peer_advertise,
            client_advertise: if config.advertise.is_empty() { listen.to_string() } else { config.advertise },
            peer_listener,
            settings: config.raft,
            machine,
            opener: Arc::new(RocksDb::default()),
            observer: Arc::new(metrics.clone()),
        };
        let started = raft.spawn(holdfast_raft::start(RealFiles, options)).await;
        let Node { replica } = started.map_err(Exit::other)??;

        tokio::spawn(bootstrap::run(replica.clone(), first_operator));
        let service = Service::new(replica.clone(), metrics, config.facade);
        let reminders = Reminders { senders: config.senders, service: service.clone() };
        tokio::spawn(holdfast_leader::serve(replica.clone(), Arc::new(reminders)));
        let (stop, stopped) = watch::channel(false);
        let owner_router = holdfast_facade::owner_router(service.clone(), &owner_token);
        let admin_router = holdfast_facade::admin_router(service.clone()).merge(owner_router);
        tokio::spawn(holdfast_facade::serve(admin_listener, admin_router, stopped.clone()));
        let clients =
            tokio::spawn(holdfast_facade::serve(listener, holdfast_facade::router(service), stopped));
        Ok(Self { replica, listen, peer, admin, stop, clients })
    }

    /// Lets calls in progress end, hands leadership over, and stops.
    pub(crate) async fn stop(self) -> Result<(), Exit> {
        let Self { replica, stop, clients, .. } = self;
        let stopped = tokio::time::timeout(STOP_DURATION_MAX, async {
            replica.step_down().await;
            stop.send_replace(true);
            drop(clients.await);
            replica.shut_down().await;
        });
        let says = format!("the node had not stopped after {} s", STOP_DURATION_MAX.as_secs());
        stopped.await.map_err(|_| Exit::other(says))
    }
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

/// The folder as people are shown it.
pub(crate) fn shown(path: &Path) -> String {
    path.canonicalize().unwrap_or_else(|_| path.to_owned()).display().to_string()
}
