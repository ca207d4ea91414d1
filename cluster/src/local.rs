//! A cluster of child processes on this machine: for the demo, the load generator and the tests.

mod node;

use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::api::Api;
use crate::failure::Failure;

pub use node::{Addresses, LocalNode};

/// A node that is not ready by then has failed to start.
const READY_DURATION_MAX: Duration = Duration::from_secs(60);

/// Between two looks at something that is waited for.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// How a local cluster is started.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// The `holdfast` binary.
    pub binary: PathBuf,
    /// Where the nodes keep their folders and logs.
    pub dir: PathBuf,
    /// How many nodes.
    pub nodes: usize,
    /// The first node's client port; each further node takes ten more. Any free ports if `None`.
    pub base_port: Option<u16>,
    /// Settings for every node, as environment variables.
    pub environment: Vec<(String, String)>,
}

/// Who may operate a local cluster.
#[derive(Clone)]
pub struct Operator {
    /// The address to log in with.
    pub email: String,
    /// The password to log in with.
    pub password: String,
}

/// Leaves the password out, so that no log can show it.
impl std::fmt::Debug for Operator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Operator").field("email", &self.email).finish_non_exhaustive()
    }
}

impl Operator {
    /// The operator of the cluster in a folder: the one it was made with, or a new one.
    fn of(dir: &Path) -> Result<Self, Failure> {
        let email = "operator@holdfast.local".to_owned();
        let path = dir.join("operator-password");
        if let Ok(password) = std::fs::read_to_string(&path) {
            return Ok(Self { email, password });
        }
        let password = format!("{:016x}", rand::random::<u64>());
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(password.as_bytes())?;
        Ok(Self { email, password })
    }
}

/// A cluster of child processes. They end with it.
pub struct LocalCluster {
    options: LocalOptions,
    /// Environment variables of single nodes, by position.
    own_environments: Vec<Vec<(String, String)>>,
    /// Who may operate it.
    pub operator: Operator,
    /// Its nodes, running or not.
    pub nodes: Vec<LocalNode>,
}

impl LocalCluster {
    /// Starts a cluster and waits until all nodes serve. Nodes that are in the folder already start together, as they
    /// need each other; new ones join one by one.
    ///
    /// # Errors
    ///
    /// Says which node did not start and where its log is.
    pub async fn start(options: LocalOptions) -> Result<Self, Failure> {
        Self::start_each(options, Vec::new()).await
    }

    /// The same with further environment variables for single nodes, by position.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn start_each(
        options: LocalOptions,
        own_environments: Vec<Vec<(String, String)>>,
    ) -> Result<Self, Failure> {
        std::fs::create_dir_all(&options.dir)?;
        let operator = Operator::of(&options.dir)?;
        let mut cluster = Self { options, own_environments, operator, nodes: Vec::new() };
        let wanted = cluster.options.nodes;
        while cluster.nodes.len() < wanted && cluster.has_identity(cluster.nodes.len()) {
            let position = cluster.add();
            cluster.run(position, &[])?;
        }
        for position in 0..cluster.nodes.len() {
            cluster.ready(position).await?;
        }
        while cluster.nodes.len() < wanted {
            let position = cluster.add();
            cluster.run(position, &[])?;
            cluster.ready(position).await?;
        }
        cluster.voters(wanted.min(5)).await?;
        Ok(cluster)
    }

    /// The folder of everything.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.options.dir
    }

    /// The program of the nodes.
    #[must_use]
    pub fn binary(&self) -> &Path {
        &self.options.binary
    }

    fn has_identity(&self, position: usize) -> bool {
        self.dir_of(position).join("identity").exists()
    }

    fn dir_of(&self, position: usize) -> PathBuf {
        self.options.dir.join(format!("node-{}", position + 1))
    }

    /// Makes room for one more node; it is not started yet.
    pub fn add(&mut self) -> usize {
        let position = self.nodes.len();
        let dir = self.dir_of(position);
        let log = self.options.dir.join(format!("node-{}.log", position + 1));
        self.nodes.push(LocalNode::new(dir, log));
        position
    }

    /// Runs a node: the first founds the cluster, the others join it. `more` are further flags.
    ///
    /// # Errors
    ///
    /// If the process cannot be started.
    pub fn run(&mut self, position: usize, more: &[&str]) -> Result<(), Failure> {
        let peers: Vec<String> = self
            .nodes
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != position)
            .filter_map(|(_, node)| node.addresses.map(|addresses| addresses.peer.to_string()))
            .collect();
        let [listen, peer_listen, admin_listen] = self.listens(position);
        let mut command = Command::new(&self.options.binary);
        let ours = |(name, _): &(OsString, _)| name.to_string_lossy().starts_with("HOLDFAST_");
        for (name, _) in std::env::vars_os().filter(ours) {
            command.env_remove(name);
        }
        command
            .arg("start")
            .arg("--data-dir")
            .arg(&self.nodes[position].data_dir)
            .args(["--listen", &listen, "--peer-listen", &peer_listen, "--admin-listen", &admin_listen])
            .args(more)
            .envs(self.options.environment.iter().cloned())
            .envs(self.own_environments.get(position).into_iter().flatten().cloned());
        if peers.is_empty() {
            let operator = format!("{}:{}", self.operator.email, self.operator.password);
            command.arg("--init").env("HOLDFAST_BOOTSTRAP_OPERATOR", operator);
        } else {
            command.args(["--join", &peers.join(",")]);
        }
        self.nodes[position].spawn(command)
    }

    /// Where a node is to listen: where it did before, for others know it by that.
    fn listens(&self, position: usize) -> [String; 3] {
        match (self.nodes[position].addresses, self.options.base_port) {
            (Some(Addresses { listen, peer, admin }), _) => [listen, peer, admin].map(|at| at.to_string()),
            (None, Some(base)) => {
                [0, 1, 2].map(|offset| format!("127.0.0.1:{}", base + offset + 10 * position as u16))
            }
            (None, None) => std::array::from_fn(|_| "127.0.0.1:0".to_owned()),
        }
    }

    /// Waits until a node serves.
    ///
    /// # Errors
    ///
    /// Says why not and where its log is.
    pub async fn ready(&mut self, position: usize) -> Result<(), Failure> {
        let started_at = Instant::now();
        loop {
            let node = &mut self.nodes[position];
            node.learn_addresses();
            if let Some(status) = node.exit_status()? {
                let says = format!("node {} ended with {status}: {}", position + 1, node.last_words());
                return Err(Failure::Unhealthy(says));
            }
            if node.look("/readyz").await.is_some_and(|(status, _)| status == 200) {
                return Ok(());
            }
            if started_at.elapsed() > READY_DURATION_MAX {
                let says = format!("node {} is not ready; see {}", position + 1, node.log.display());
                return Err(Failure::Unhealthy(says));
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Waits until so many nodes vote.
    ///
    /// # Errors
    ///
    /// If they do not in time.
    pub async fn voters(&self, wanted: usize) -> Result<(), Failure> {
        let started_at = Instant::now();
        let mut api = self.api();
        while started_at.elapsed() < READY_DURATION_MAX {
            if api.token.is_none() {
                drop(api.log_in(&self.operator.email, &self.operator.password).await);
            }
            if let Ok(cluster) = api.get("/v1/cluster").await {
                let nodes = cluster["nodes"].as_array().map_or(&[][..], Vec::as_slice);
                if nodes.iter().filter(|node| node["role"] == "voter").count() >= wanted {
                    return Ok(());
                }
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Err(Failure::Unhealthy(format!("there are not {wanted} voters; see {}", self.options.dir.display())))
    }

    /// Where the running nodes take clients.
    #[must_use]
    pub fn endpoints(&self) -> Vec<String> {
        let running = self.nodes.iter().filter(|node| node.is_running());
        running.filter_map(|node| node.addresses).map(|addresses| addresses.listen.to_string()).collect()
    }

    /// An API over all running nodes, for nobody yet.
    #[must_use]
    pub fn api(&self) -> Api {
        Api { endpoints: self.endpoints(), token: None }
    }

    /// An API for the operator.
    ///
    /// # Errors
    ///
    /// If he cannot log in.
    pub async fn operator_api(&self) -> Result<Api, Failure> {
        let mut api = self.api();
        api.log_in(&self.operator.email, &self.operator.password).await?;
        Ok(api)
    }

    /// The position of the node that leads, once one does.
    ///
    /// # Errors
    ///
    /// If none does in time.
    pub async fn leader(&self) -> Result<usize, Failure> {
        let started_at = Instant::now();
        while started_at.elapsed() < READY_DURATION_MAX {
            for (position, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.is_running()) {
                let Some((200, ready)) = node.look("/readyz").await else { continue };
                if ready["node"].is_u64() && ready["node"] == ready["leader"] {
                    return Ok(position);
                }
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Err(Failure::Unhealthy(format!("no node leads; see {}", self.options.dir.display())))
    }

    /// The digest of a node's rows, and the log index it is of.
    pub async fn digest(&self, position: usize) -> Option<(u64, String)> {
        self.nodes[position].digest().await
    }

    /// The digests of all running nodes, once all have applied the same; so nobody may be changing anything.
    ///
    /// # Errors
    ///
    /// If they do not get there in time.
    pub async fn digests(&self) -> Result<Vec<(u64, String)>, Failure> {
        let started_at = Instant::now();
        while started_at.elapsed() < READY_DURATION_MAX {
            let mut digests = Vec::new();
            for node in self.nodes.iter().filter(|node| node.is_running()) {
                digests.extend(node.digest().await);
            }
            let is_whole = digests.len() == self.endpoints().len();
            if is_whole && digests.iter().all(|(index, _)| *index == digests[0].0) {
                return Ok(digests);
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        let says = format!("the nodes do not come to the same log index; see {}", self.options.dir.display());
        Err(Failure::Unhealthy(says))
    }

    /// A figure of a node, by its name in OpenMetrics.
    pub async fn figure(&self, position: usize, name: &str) -> Option<f64> {
        self.nodes[position].figure(name).await
    }

    /// Ends a node as a crash would (`kill -9`), and waits until it is gone.
    ///
    /// # Errors
    ///
    /// If it cannot be ended.
    pub async fn kill(&mut self, position: usize) -> Result<(), Failure> {
        self.nodes[position].kill().await
    }

    /// Asks a node to stop, and waits until it has.
    ///
    /// # Errors
    ///
    /// If it cannot be asked.
    pub async fn stop(&mut self, position: usize) -> Result<Option<ExitStatus>, Failure> {
        self.nodes[position].stop().await
    }

    /// Ends all nodes at once as a power cut of the machine would, short of its disks.
    ///
    /// # Errors
    ///
    /// If one cannot be ended.
    pub async fn kill_all(&mut self) -> Result<(), Failure> {
        for node in &mut self.nodes {
            node.start_kill()?;
        }
        for node in &mut self.nodes {
            node.kill().await?;
        }
        Ok(())
    }
}
