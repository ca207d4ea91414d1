//! A cluster of child processes on free ports of this machine. They end with it.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// A node that does not serve by then has failed to start.
const READY_DURATION_MAX: Duration = Duration::from_secs(60);

/// Between two looks at a node that starts.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// A node that takes a call and says nothing does not serve.
const ANSWER_DURATION_MAX: Duration = Duration::from_secs(2);

/// Who operates the cluster: its first user.
pub struct Operator {
    pub email: &'static str,
    pub password: &'static str,
}

pub const OPERATOR: Operator = Operator { email: "operator@example.com", password: "correct horse battery" };

/// Seeds without a log-in believe who calls; wrong passwords, of which there will be many, shut nobody out.
const SETTINGS: [(&str, &str); 4] = [
    ("HOLDFAST_FACADE_TRUST_DECLARED_IDENTITY", "true"),
    ("HOLDFAST_AUTH_LOGIN_FAILURES", "0"),
    ("HOLDFAST_AUTH_ADDRESS_FAILURES", "0"),
    ("HOLDFAST_AUTH_ACCESS_TOKEN_SECONDS", "86400"),
];

pub struct Nodes {
    nodes: Vec<Node>,
}

struct Node {
    child: Child,
    log: PathBuf,
    /// HOST:PORT for clients and for other nodes.
    listen: String,
    peer: String,
}

impl Nodes {
    /// Starts so many nodes, one after the other, each with its folder in `folder`.
    pub fn start(binary: &Path, folder: &Path, count: usize) -> Result<Self> {
        let mut nodes = Self { nodes: Vec::new() };
        for number in 1..=count {
            let join = nodes.nodes.first().map(|first| first.peer.clone());
            nodes.nodes.push(Node::start(binary, folder, number, join)?);
        }
        Ok(nodes)
    }

    /// Where the last one takes clients. It does not lead: its calls go through another.
    pub fn url(&self) -> Result<String> {
        let last = self.nodes.last().context("there is no node")?;
        Ok(format!("http://{}", last.listen))
    }

    /// Fails if one has ended.
    pub fn expect_alive(&mut self) -> Result<()> {
        self.nodes.iter_mut().try_for_each(Node::expect_alive)
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            // It may have ended by itself.
            drop(node.child.kill());
            drop(node.child.wait());
        }
    }
}

impl Node {
    fn start(binary: &Path, folder: &Path, number: usize, join: Option<String>) -> Result<Self> {
        let (data, log) = (folder.join(format!("node-{number}")), folder.join(format!("node-{number}.log")));
        fs::create_dir_all(&data)?;
        let output = File::create(&log)?;
        let mut command = Command::new(binary);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HOLDFAST_"))
        {
            command.env_remove(name);
        }
        command.arg("start").arg("--data-dir").arg(&data).envs(SETTINGS);
        for port in ["--listen", "--peer-listen", "--admin-listen"] {
            command.args([port, "127.0.0.1:0"]);
        }
        match join {
            Some(peer) => command.args(["--join", &peer]),
            None => {
                let operator = format!("{}:{}", OPERATOR.email, OPERATOR.password);
                command.arg("--init").env("HOLDFAST_BOOTSTRAP_OPERATOR", operator)
            }
        };
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().with_context(|| format!("{} cannot be started", binary.display()))?;
        let mut node = Self { child, log, listen: String::new(), peer: String::new() };
        let served = node.wait_until_ready(&data);
        if served.is_err() {
            drop(node.child.kill());
            drop(node.child.wait());
        }
        served.map(|()| node)
    }

    fn wait_until_ready(&mut self, data: &Path) -> Result<()> {
        let started_at = Instant::now();
        while started_at.elapsed() < READY_DURATION_MAX {
            self.expect_alive()?;
            if let Some((listen, peer)) = addresses(data) {
                (self.listen, self.peer) = (listen, peer);
                if is_ready(&self.listen) {
                    return Ok(());
                }
            }
            sleep(LOOK_INTERVAL);
        }
        bail!("a node does not serve; see {}", self.log.display())
    }

    fn expect_alive(&mut self) -> Result<()> {
        let ended = self.child.try_wait()?;
        ensure!(ended.is_none(), "a node has ended ({ended:?}); see {}", self.log.display());
        Ok(())
    }
}

/// Where a node listens, once it has written it down.
fn addresses(data: &Path) -> Option<(String, String)> {
    let text = fs::read(data.join("addresses.json")).ok()?;
    let addresses: Value = serde_json::from_slice(&text).ok()?;
    let address = |name: &str| addresses[name].as_str().map(str::to_owned);
    Some((address("listen")?, address("peer")?))
}

fn is_ready(address: &str) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(ANSWER_DURATION_MAX))?;
        write!(stream, "GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        std::io::Result::Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
