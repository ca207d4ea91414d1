//! Serves other nodes on this node's peer listener.

use std::io;
use std::time::Duration;

use tokio_stream::wrappers::ReceiverStream;

use crate::net::{self, Connection, Listener};
use crate::runtime::spawn;
use crate::server::{PeerParts, PeerService};
use crate::watch::Failing;

/// Connections accepted and not yet served.
const ACCEPTED_MAX: usize = 64;

/// After a connection that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves other nodes until the process ends. A node that hears nobody any more has failed.
pub(super) fn serve(mut listener: Box<dyn Listener>, parts: PeerParts, failing: Failing) {
    let (sender, accepted) = tokio::sync::mpsc::channel::<io::Result<Connection>>(ACCEPTED_MAX);
    drop(spawn(async move {
        loop {
            match listener.accept().await {
                Ok(connection) => {
                    if sender.send(Ok(connection)).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    // Out of file handles, perhaps: others may close theirs.
                    tracing::warn!(%error, "a connection of a peer cannot be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }));
    let service = PeerService::new(parts);
    let server = tonic::transport::Server::builder()
        .tcp_nodelay(true)
        .initial_stream_window_size(net::WINDOW_BYTES)
        .initial_connection_window_size(net::WINDOW_BYTES)
        .http2_keepalive_interval(Some(net::KEEP_ALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(net::KEEP_ALIVE_DURATION_MAX))
        .add_service(service)
        .serve_with_incoming(ReceiverStream::new(accepted));
    drop(spawn(fail_after(server, failing)));
}

async fn fail_after<E: std::fmt::Display + Send + 'static>(
    server: impl Future<Output = Result<(), E>> + Send + 'static,
    failing: Failing,
) {
    let cause = match spawn(server).await {
        Ok(Ok(())) => "it ended".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it panicked".to_owned(),
    };
    failing.say(format!("the service for other nodes has stopped: {cause}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_node_whose_service_has_ended_has_failed() {
        let (failing, failure) = Failing::new();
        fail_after(std::future::ready(Ok::<_, io::Error>(())), failing.clone()).await;
        let reason = failure.borrow().clone().unwrap();
        assert_eq!(reason, "the service for other nodes has stopped: it ended");
        fail_after(std::future::ready(Err(io::Error::other("no memory"))), failing).await;
        assert_eq!(failure.borrow().clone(), Some(reason), "the first reason counts");
    }
}
