//! Serves other nodes on this node's peer listener.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_stream::wrappers::ReceiverStream;

use super::door::Door;
use crate::net::{self, Connection, Handshakes, IS_SECURED, Listener, PeerTls};
use crate::runtime::spawn;
use crate::watch::Failing;

/// Connections accepted and not yet served.
const ACCEPTED_MAX: usize = 64;

/// Connections of callers that are no members: they may ask to be let in. One more ends the oldest of the address that has
/// the most, so that nobody can shut out others, by staying or by coming again and again.
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
    let (watcher, mut strangers) = (door.clone(), Strangers::default());
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

/// The connections of strangers, the oldest first.
#[derive(Default)]
struct Strangers(VecDeque<(Option<IpAddr>, oneshot::Sender<()>)>);

impl Strangers {
    /// Takes one more in; what it gives is its place, and ends when another needs it more.
    fn admit(&mut self, from: Option<IpAddr>) -> oneshot::Receiver<()> {
        self.0.retain(|(_, place)| !place.is_closed());
        if self.0.len() >= STRANGERS_MAX
            && let Some(position) = self.position_to_end()
        {
            self.0.remove(position);
        }
        let (kept, place) = oneshot::channel();
        self.0.push_back((from, kept));
        place
    }

    /// The oldest place of the address that has the most.
    fn position_to_end(&self) -> Option<usize> {
        let mut counts: BTreeMap<Option<IpAddr>, usize> = BTreeMap::new();
        self.0.iter().for_each(|(from, _)| *counts.entry(*from).or_default() += 1);
        let most = counts.values().max()?;
        self.0.iter().position(|(from, _)| counts.get(from) == Some(most))
    }
}

/// Lets a connection live for as long as the key at its other end is a member's; or a little while if it is nobody's, and
/// no longer than there is room.
fn watch_over(door: &Door, strangers: &mut Strangers, connection: Connection) -> Connection {
    let Some(key) = connection.peer_key else { return connection };
    let door = door.clone();
    if door.is_member(&key) {
        return net::sever_after(connection, async move { door.while_member(key).await });
    }
    let place = strangers.admit(connection.remote.map(|remote| remote.ip()));
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

    #[test]
    fn the_newest_strangers_have_a_place_and_who_gives_his_back_costs_nobody_his() {
        let mut strangers = Strangers::default();
        let mut places: Vec<_> = (0..STRANGERS_MAX).map(|_| strangers.admit(None)).collect();
        let is_cut =
            |place: &mut oneshot::Receiver<()>| place.try_recv() == Err(oneshot::error::TryRecvError::Closed);
        drop(places.pop());
        places.push(strangers.admit(None));
        assert!(!places.iter_mut().any(is_cut), "there was a place");
        places.push(strangers.admit(None));
        let cut: Vec<usize> = (0..places.len()).filter(|place| is_cut(&mut places[*place])).collect();
        assert_eq!(cut, [0], "the oldest");
    }

    #[test]
    fn whoever_comes_again_and_again_costs_only_himself_his_places() {
        let (mut strangers, one) = (Strangers::default(), |last| Some(IpAddr::from([192, 0, 2, last])));
        let mut quiet = strangers.admit(one(1));
        let pushing: Vec<_> = (0..2 * STRANGERS_MAX).map(|_| strangers.admit(one(2))).collect();
        assert_eq!(quiet.try_recv(), Err(oneshot::error::TryRecvError::Empty), "it is the oldest, and stays");
        assert_eq!(strangers.0.len(), STRANGERS_MAX);
        drop(pushing);
    }

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
