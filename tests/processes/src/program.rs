//! The binary by itself: how it ends, and what it says then.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use crate::stage::binary;

/// One process of the binary, with nothing of our environment that it would take for a setting.
pub struct Program {
    child: Child,
    started_at: Instant,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it gave.
    pub stdout: String,
    /// What it said for people.
    pub stderr: String,
    /// How long it ran.
    pub took: Duration,
}

impl Program {
    /// Starts the binary.
    #[must_use]
    pub fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(binary());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HOLDFAST_")) {
            command.env_remove(name);
        }
        command.args(arguments).envs(environment.iter().copied()).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { child: command.spawn().unwrap(), started_at: Instant::now() }
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    ///
    /// If it has not by then.
    pub async fn ended(self, at_most: Duration) -> Ended {
        let Self { child, started_at } = self;
        let Ok(output) = tokio::time::timeout(at_most, child.wait_with_output()).await else {
            panic!("the process still runs after {at_most:?}");
        };
        let output = output.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        Ended { code: output.status.code(), stdout, stderr, took: started_at.elapsed() }
    }

    /// Asks it to stop (`kill -TERM`), and waits until it has.
    pub async fn stopped(self, at_most: Duration) -> Ended {
        if let Some(pid) = self.child.id() {
            Command::new("kill").args(["-TERM", &pid.to_string()]).status().await.unwrap();
        }
        self.ended(at_most).await
    }
}
