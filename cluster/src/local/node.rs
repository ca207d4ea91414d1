//! One node of a local cluster: a child process, its folder, and where it listens.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use serde_json::Value;
use tokio::process::{Child, Command};

use crate::failure::Failure;
use crate::http::Connection;

use super::LOOK_INTERVAL;

/// One child process.
pub struct LocalNode {
    /// Its data folder.
    pub data_dir: PathBuf,
    /// Where its log lines go.
    pub log: PathBuf,
    /// Where it listens, once it has said so.
    pub addresses: Option<Addresses>,
    child: Option<Child>,
}

/// Where a node listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Addresses {
    /// For clients.
    pub listen: SocketAddr,
    /// For other nodes.
    pub peer: SocketAddr,
    /// For operators' tools.
    pub admin: SocketAddr,
}

impl LocalNode {
    pub(super) fn new(data_dir: PathBuf, log: PathBuf) -> Self {
        Self { data_dir, log, addresses: None, child: None }
    }

    /// Starts the process; what it says goes to its log.
    pub(super) fn spawn(&mut self, mut command: Command) -> Result<(), Failure> {
        std::fs::create_dir_all(&self.data_dir)?;
        let log = File::options().create(true).append(true).open(&self.log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        self.child = Some(command.spawn()?);
        Ok(())
    }

    /// The process id, if it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// Whether it was started and not ended by us.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// How the process ended, if it has.
    ///
    /// # Errors
    ///
    /// If that cannot be found out.
    pub fn exit_status(&mut self) -> Result<Option<ExitStatus>, Failure> {
        match &mut self.child {
            Some(child) => Ok(child.try_wait()?),
            None => Ok(None),
        }
    }

    /// Sends the signal of a crash (`kill -9`).
    pub(super) fn start_kill(&mut self) -> Result<(), Failure> {
        if let Some(child) = &mut self.child {
            child.start_kill()?;
        }
        Ok(())
    }

    /// Ends the process as a crash would, and waits until it is gone.
    pub(super) async fn kill(&mut self) -> Result<(), Failure> {
        if let Some(mut child) = self.child.take() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Asks the process to stop, and waits until it has.
    pub(super) async fn stop(&mut self) -> Result<Option<ExitStatus>, Failure> {
        self.signal("TERM").await?;
        let Some(mut child) = self.child.take() else { return Ok(None) };
        Ok(Some(child.wait().await?))
    }

    /// Stops the process in its tracks (`kill -STOP`), and waits until it has: its connections stay open, and nobody
    /// answers.
    ///
    /// # Errors
    ///
    /// If it cannot be signalled.
    pub async fn pause(&self) -> Result<(), Failure> {
        self.signal("STOP").await?;
        while self.pid().is_some_and(|pid| !is_stopped(pid)) {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Ok(())
    }

    /// Whether it was stopped in its tracks.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.pid().is_some_and(is_stopped)
    }

    /// Lets a paused process go on.
    ///
    /// # Errors
    ///
    /// If it cannot be signalled.
    pub async fn resume(&self) -> Result<(), Failure> {
        self.signal("CONT").await
    }

    async fn signal(&self, name: &str) -> Result<(), Failure> {
        let Some(pid) = self.pid() else { return Ok(()) };
        Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().await?;
        Ok(())
    }

    /// Empties the data folder of a node that does not run, as a lost disk would.
    ///
    /// # Errors
    ///
    /// If something cannot be removed.
    pub fn wipe(&self) -> Result<(), Failure> {
        std::fs::remove_dir_all(&self.data_dir)?;
        std::fs::create_dir_all(&self.data_dir)?;
        Ok(())
    }

    /// Asks the node itself; for paths that need no token.
    pub async fn look(&self, path: &str) -> Option<(u16, Value)> {
        get(self.addresses?.listen, path).await
    }

    pub(super) fn learn_addresses(&mut self) {
        let text = std::fs::read(self.data_dir.join("addresses.json")).unwrap_or_default();
        if let Ok(addresses) = serde_json::from_slice(&text) {
            self.addresses = Some(addresses);
        }
    }

    /// The digest of its rows, and the log index it is of.
    pub(super) async fn digest(&self) -> Option<(u64, String)> {
        let (_, digest) = get(self.addresses?.admin, "/digest").await?;
        Some((digest["appliedIndex"].as_u64()?, digest["digest"].as_str()?.to_owned()))
    }

    /// All figures, as OpenMetrics.
    pub(crate) async fn figures(&self) -> Option<String> {
        let mut admin = Connection::to(self.addresses?.admin.to_string());
        let reply = admin.send(hyper::Method::GET, "/metrics", None, None, None).await;
        String::from_utf8(reply.ok()?.bytes.to_vec()).ok()
    }

    /// A figure, by its name in OpenMetrics.
    pub(super) async fn figure(&self, name: &str) -> Option<f64> {
        let text = self.figures().await?;
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// The end of what it logged.
    #[must_use]
    pub fn last_words(&self) -> String {
        last_lines(&self.log, 5)
    }
}

fn last_lines(path: &Path, count: usize) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Whether every thread of a process is stopped, or it is gone (proc(5)).
fn is_stopped(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return true };
    let stats = threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("stat")).ok());
    let states = stats.filter_map(|stat| stat.rsplit_once(") ")?.1.chars().next());
    states.into_iter().all(|state| matches!(state, 'T' | 't' | 'Z' | 'X'))
}

async fn get(address: SocketAddr, path: &str) -> Option<(u16, Value)> {
    let mut connection = Connection::to(address.to_string());
    let reply = connection.send(hyper::Method::GET, path, None, None, None).await.ok()?;
    Some((reply.status, reply.json))
}
