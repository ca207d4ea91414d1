//! Serves other nodes on this node's peer listener.

use std::io;
use std::time::Duration;

use tokio_stream::wrappers::ReceiverStream;

use crate::net::{self, Connection, Listener};
use crate::runtime::spawn;
use crate::server::{PeerParts, PeerService};

/// Connections accepted and not yet served.
const ACCEPTED_MAX: usize = 64;

/// After a connection that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves other nodes until the process ends.
pub(super) fn serve(mut listener: Box<dyn Listener>, parts: PeerParts) {
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
    drop(spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the service for peers has stopped");
        }
    }));
}
