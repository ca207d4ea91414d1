//! A cluster of a test's own, in a folder of its own. Both go with the test, unless it fails: then the folder stays.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use holdfast_cluster::{Api, LocalCluster, LocalOptions};
use serde_json::json;
use tempfile::TempDir;

use crate::clock::{Clock, tidy};
use crate::until;

/// A hand-over that was refused, or that came to nothing, is asked for again after so long.
const ASK_INTERVAL: Duration = Duration::from_millis(500);

/// A cluster, its operator, and its folder.
pub struct Stage {
    /// The nodes.
    pub cluster: LocalCluster,
    /// Signed in as the operator, at all nodes.
    pub operator: Api,
    /// The nodes' wall clocks, if they can be set.
    clocks: Vec<Clock>,
    dir: Option<TempDir>,
}

impl Stage {
    /// A cluster of so many nodes that serves.
    pub async fn start(nodes: usize) -> Self {
        Self::start_with(nodes, &[]).await
    }

    /// A cluster with settings, given as environment variables.
    pub async fn start_with(nodes: usize, settings: &[(&str, &str)]) -> Self {
        let dir = TempDir::with_prefix("holdfast-test-").unwrap();
        Self::start_in(dir, nodes, settings, Vec::new()).await
    }

    /// A cluster whose nodes have wall clocks that can be set. It needs libfaketime.
    pub async fn start_with_clocks(nodes: usize) -> Self {
        let dir = TempDir::with_prefix("holdfast-test-").unwrap();
        let clock = |node: usize| Clock::in_file(dir.path().join(format!("clock-{node}")));
        let clocks = (1..=nodes).map(clock).collect();
        Self::start_in(dir, nodes, &[], clocks).await
    }

    async fn start_in(dir: TempDir, nodes: usize, settings: &[(&str, &str)], clocks: Vec<Clock>) -> Self {
        let mut environment = vec![("HOLDFAST_LOG".to_owned(), "info".to_owned())];
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let path = dir.path().to_owned();
        let options = LocalOptions { binary: binary(), dir: path, nodes, base_port: None, environment };
        let of_clocks = clocks.iter().map(Clock::environment).collect();
        match LocalCluster::start_each(options, of_clocks).await {
            Ok(cluster) => {
                let operator = cluster.operator_api().await.unwrap();
                cluster.nodes.iter().for_each(|node| tidy(node.pid()));
                Self { cluster, operator, clocks, dir: Some(dir) }
            }
            Err(failure) => panic!("{failure}; the logs are in {}", dir.keep().display()),
        }
    }

    /// Client addresses of all nodes, running or not.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        let known = self.cluster.nodes.iter().filter_map(|node| node.addresses);
        known.map(|addresses| addresses.listen.to_string()).collect()
    }

    /// The client address of one node.
    #[must_use]
    pub fn address(&self, position: usize) -> String {
        self.addresses()[position].clone()
    }

    /// The folder of the nodes' folders and logs.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.cluster.dir()
    }

    /// Starts a node that was ended, and waits until it serves.
    pub async fn restart(&mut self, position: usize) {
        self.cluster.run(position, &[]).unwrap();
        self.cluster.ready(position).await.unwrap();
        tidy(self.cluster.nodes[position].pid());
    }

    /// The wall clock of a node, if the cluster was started with such.
    #[must_use]
    pub fn clock(&self, position: usize) -> Clock {
        self.clocks[position].clone()
    }

    /// Starts all nodes that were ended, together, as they need each other.
    pub async fn restart_all(&mut self) {
        let ended: Vec<usize> =
            (0..self.cluster.nodes.len()).filter(|node| !self.cluster.nodes[*node].is_running()).collect();
        for position in &ended {
            self.cluster.run(*position, &[]).unwrap();
        }
        for position in ended {
            self.cluster.ready(position).await.unwrap();
            tidy(self.cluster.nodes[position].pid());
        }
    }

    /// A node that follows.
    pub async fn follower(&self) -> usize {
        let leader = self.cluster.leader().await.unwrap();
        (leader + 1) % self.cluster.nodes.len()
    }

    /// Makes sure that all running nodes hold the same, and says what. Nobody may be changing anything.
    pub async fn digest(&self) -> (u64, String) {
        let digests = self.cluster.digests().await.unwrap();
        assert!(digests.iter().all(|digest| *digest == digests[0]), "the replicas differ: {digests:?}");
        digests[0].clone()
    }

    /// Hands leadership over, and waits until another leads: the cluster decides who, and when it may.
    pub async fn another_leads(&self, patience: Duration) {
        let before = self.cluster.leader().await.unwrap();
        let mut asked_at: Option<Instant> = None;
        until("another leader", patience, async || {
            if asked_at.is_none_or(|at| at.elapsed() >= ASK_INTERVAL) {
                // It is answered when leadership has arrived, or not.
                drop(self.operator.post("/v1/cluster/transfer", json!({})).await);
                asked_at = Some(Instant::now());
            }
            (self.cluster.leader().await.ok()? != before).then_some(())
        })
        .await;
    }

    /// What a node that runs has in memory.
    #[must_use]
    pub fn memory_bytes(&self, position: usize) -> u64 {
        let pid = self.cluster.nodes[position].pid().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kib: u64 = line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        kib << 10
    }

    /// What a node has logged.
    #[must_use]
    pub fn log_of(&self, position: usize) -> String {
        std::fs::read_to_string(&self.cluster.nodes[position].log).unwrap()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(dir) = self.dir.take()
        {
            eprintln!("the nodes' folders and logs are kept in {}", dir.keep().display());
        }
    }
}

/// The program under test.
pub(crate) fn binary() -> PathBuf {
    let Some(path) = std::env::var_os("HOLDFAST_BIN").map(PathBuf::from) else {
        panic!(
            "HOLDFAST_BIN does not say where the holdfast binary is: run these tests with `cargo xtask test`"
        );
    };
    assert!(path.is_file(), "HOLDFAST_BIN is {}, which is no file: run `cargo xtask test`", path.display());
    path
}
