//! Serves other nodes on this node's peer listener.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio_stream::wrappers::ReceiverStream;

use super::door::Door;
use crate::net::{self, Connection, Handshakes, IS_SECURED, Inside, Listener, PeerTls};
use crate::runtime::spawn;
use crate::watch::Failing;

/// Connections accepted and not yet served.
const ACCEPTED_MAX: usize = 64;

/// Connections of callers that are no members: they may ask to be let in. One more ends another.
const STRANGERS_MAX: usize = 64;

/// Calls at once on one connection.
const STREAMS_MAX: u32 = 256;

/// After a connection that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves other nodes until the process ends. A node that hears nobody any more has failed.
pub(super) fn serve(listener: Box<dyn Listener>, tls: &Arc<PeerTls>, door: Door, failing: Failing) {
    let mut listener = match IS_SECURED {
        true => Box::new(Handshakes::start(listener, "peer", tls.handshake())),
        false => listener,
    };
    let (sender, accepted) = tokio::sync::mpsc::channel::<io::Result<Connection>>(ACCEPTED_MAX);
    let (watcher, mut strangers) = (door.clone(), Inside::new(STRANGERS_MAX));
    drop(spawn(async move {
        loop {
            match listener.accept().await {
                Ok(connection) => {
                    let connection = watch_over(&watcher, &mut strangers, connection);
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
    let server = tonic::transport::Server::builder()
        .tcp_nodelay(true)
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(net::WINDOW_BYTES)
        .initial_connection_window_size(net::WINDOW_BYTES)
        .http2_keepalive_interval(Some(net::KEEP_ALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(net::KEEP_ALIVE_DURATION_MAX))
        .add_service(door)
        .serve_with_incoming(ReceiverStream::new(accepted));
    drop(spawn(fail_after(server, failing)));
}

/// Lets a connection live for as long as the key at its other end is a member's; or a little while if it is nobody's, and
/// no longer than there is room.
fn watch_over(door: &Door, strangers: &mut Inside, connection: Connection) -> Connection {
    let Some(key) = connection.peer_key else { return connection };
    let door = door.clone();
    if door.is_member(&key) {
        return net::sever_after(connection, async move { door.while_member(key).await });
    }
    let place = strangers.admit(connection.remote);
    net::sever_after(connection, async move {
        let becomes_member = tokio::select! {
            becomes_member = door.becomes_member(key) => becomes_member,
            // With its end the place is free again, which a member does not need.
            _ = place => false,
        };
        if becomes_member {
            door.while_member(key).await;
        }
    })
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
