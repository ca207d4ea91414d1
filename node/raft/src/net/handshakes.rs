//! Takes connections through their handshakes: many at the same time, none for long. A listener like any other to
//! whoever serves what comes out.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tracing::Instrument as _;

use super::{Connection, Inside, Listener, NetFuture};
use crate::one_in_a_while::OneInAWhile;
use crate::runtime::spawn;

/// A handshake that takes longer is given up.
const HANDSHAKE_DURATION_MAX: Duration = Duration::from_secs(5);

/// Connections whose handshake is under way, or that wait to be taken after it. One more ends another.
const HANDSHAKES_MAX: usize = 256;

/// A connection that nobody takes for so long after its handshake is closed: whoever serves is full.
const TAKEN_DURATION_MAX: Duration = Duration::from_secs(10);

/// Connections whose handshake is done and that nobody has taken yet.
const DONE_MAX: usize = 64;

/// After a connection that could not be accepted: out of file handles, perhaps, and others may close theirs.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a handshake makes of a connection.
pub(crate) type Handshake =
    Arc<dyn Fn(Connection) -> Pin<Box<dyn Future<Output = io::Result<Connection>> + Send>> + Send + Sync>;

/// A listener whose connections have shaken hands.
pub(crate) struct Handshakes {
    address: SocketAddr,
    done: mpsc::Receiver<Connection>,
}

impl Handshakes {
    /// Begins to accept.
    pub(crate) fn start(listener: Box<dyn Listener>, what: &'static str, handshake: Handshake) -> Self {
        let address = listener.address();
        let (sender, done) = mpsc::channel(DONE_MAX);
        let failures = Arc::new(OneInAWhile::default());
        drop(spawn(accept(listener, Shaking { what, handshake, sender, failures })));
        Self { address, done }
    }
}

impl Listener for Handshakes {
    fn accept(&mut self) -> NetFuture<'_, Connection> {
        Box::pin(async {
            match self.done.recv().await {
                Some(connection) => Ok(connection),
                None => std::future::pending().await,
            }
        })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }
}

#[derive(Clone)]
struct Shaking {
    what: &'static str,
    handshake: Handshake,
    sender: mpsc::Sender<Connection>,
    failures: Arc<OneInAWhile>,
}

async fn accept(mut listener: Box<dyn Listener>, shaking: Shaking) {
    let mut under_way = Inside::new(HANDSHAKES_MAX);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shaking.sender.closed() => return,
        };
        let connection = match accepted {
            Ok(connection) => connection,
            Err(error) => {
                // First the pause: when the process ends there is nothing to say.
                tokio::time::sleep(ACCEPT_PAUSE).await;
                tracing::warn!(%error, "a connection cannot be accepted");
                continue;
            }
        };
        let place = under_way.admit(connection.remote);
        drop(spawn(shaking.clone().run(connection, place).in_current_span()));
    }
}

impl Shaking {
    async fn run(self, connection: Connection, given_up: oneshot::Receiver<()>) {
        let remote = connection.remote;
        let taken = tokio::select! {
            taken = self.shake_and_give(connection) => taken,
            _ = given_up => Err(io::Error::other("too many others begin a connection")),
        };
        if let Err(error) = taken {
            self.report(remote, &error);
        }
    }

    async fn shake_and_give(&self, connection: Connection) -> io::Result<()> {
        let shaken = tokio::time::timeout(HANDSHAKE_DURATION_MAX, (self.handshake)(connection));
        let shaken = shaken.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        match tokio::time::timeout(TAKEN_DURATION_MAX, self.sender.send(shaken)).await {
            // Without somebody who takes them the node is stopping.
            Ok(Ok(()) | Err(_)) => Ok(()),
            Err(_) => Err(io::Error::other("nobody had time for it")),
        }
    }

    /// Whoever knocks at the wrong door is news; how often he does is not.
    fn report(&self, remote: Option<SocketAddr>, error: &io::Error) {
        if let Some(passed_over) = self.failures.may_speak() {
            let remote = remote.map(|remote| remote.to_string()).unwrap_or_default();
            tracing::warn!(remote, %error, passed_over, "a connection to the {} port was refused", self.what);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// Brings connections that shake hands at once, and keeps their other ends.
    struct Crowd {
        left: usize,
        theirs: Arc<Mutex<Vec<tokio::io::DuplexStream>>>,
    }

    impl Listener for Crowd {
        fn accept(&mut self) -> NetFuture<'_, Connection> {
            Box::pin(async {
                if self.left == 0 {
                    return std::future::pending().await;
                }
                self.left -= 1;
                tokio::task::yield_now().await;
                let (ours, theirs) = tokio::io::duplex(64);
                self.theirs.lock().unwrap().push(theirs);
                Ok(Connection::over(ours, None))
            })
        }

        fn address(&self) -> SocketAddr {
            ([127, 0, 0, 1], 1).into()
        }
    }

    async fn ended(theirs: &Mutex<Vec<tokio::io::DuplexStream>>) -> usize {
        let streams: Vec<_> = theirs.lock().unwrap().drain(..).collect();
        let ended = AtomicUsize::new(0);
        for mut stream in streams {
            match tokio::time::timeout(Duration::from_millis(1), stream.read(&mut [0])).await {
                Ok(_) => drop(ended.fetch_add(1, Ordering::Relaxed)),
                Err(_) => theirs.lock().unwrap().push(stream),
            }
        }
        ended.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_to_be_served_waits_among_few_and_not_for_ever() {
        let theirs = Arc::default();
        let crowd = Crowd { left: 1000, theirs: Arc::clone(&theirs) };
        let handshake: Handshake = Arc::new(|connection| Box::pin(async { Ok(connection) }));
        // Nobody takes what is done.
        let _handshakes = Handshakes::start(Box::new(crowd), "test", handshake);
        while theirs.lock().unwrap().len() < 1000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(ended(&theirs).await, 1000 - DONE_MAX - HANDSHAKES_MAX, "the oldest go");
        tokio::time::sleep(TAKEN_DURATION_MAX).await;
        assert_eq!(ended(&theirs).await, HANDSHAKES_MAX, "and the others after a while");
    }
}
