//! What a node runs on: a runtime that serves clients, and one for consensus alone.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::exit::Exit;

/// Threads for consensus: heartbeats and votes never wait behind requests.
const RAFT_THREADS: usize = 2;

/// What still runs when a node has ended has this long to end too.
const END_DURATION_MAX: Duration = Duration::from_secs(2);

/// Runs a node on the runtime for clients; it is given the other one.
pub(crate) fn run<F>(node: impl FnOnce(Handle) -> F) -> Result<(), Exit>
where
    F: Future<Output = Result<(), Exit>>,
{
    let clients = runtime("clients", &mut Builder::new_multi_thread())?;
    let raft = runtime("raft", Builder::new_multi_thread().worker_threads(RAFT_THREADS))?;
    let ended = clients.block_on(node(raft.handle().clone()));
    // Here and nowhere else: a runtime that is dropped on a runtime panics, and then nobody learns how the node ended.
    clients.shutdown_timeout(END_DURATION_MAX);
    raft.shutdown_timeout(END_DURATION_MAX);
    ended
}

fn runtime(name: &str, builder: &mut Builder) -> Result<Runtime, Exit> {
    builder.thread_name(name).enable_all().build().map_err(Exit::other)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn whatever_still_runs_how_a_node_ended_is_told() {
        for wanted in [Ok(()), Err(Exit::usage("a wrong flag"))] {
            let code = |ended: &Result<(), Exit>| ended.as_ref().err().map(Exit::code);
            let (expected, started_at) = (code(&wanted), Instant::now());
            let ended = run(|raft| async move {
                drop(raft.spawn(std::future::pending::<()>()));
                drop(tokio::spawn(std::future::pending::<()>()));
                wanted
            });
            assert_eq!(code(&ended), expected);
            assert!(started_at.elapsed() < END_DURATION_MAX, "nothing was waited for");
        }
    }
}
