//! What a node does that may found a cluster, and finds others or nobody.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use holdfast_storage::simulated::SimulatedDisk;
use holdfast_storage::sorted_map::SortedMaps;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use super::*;
use crate::net::{Connection, Frozen, Listener, NetFuture, Network};
use crate::own_key::OwnKey;
use crate::runtime::{Machine, Placement, SystemClock};
use crate::settings::RaftSettings;
use crate::start::serving::serve;
use crate::watch::Failing;

/// A network with one other machine, and how often it was called.
struct Other {
    is: OtherIs,
    calls: AtomicUsize,
    connections: mpsc::Sender<Connection>,
}

#[derive(Clone, Copy, PartialEq)]
enum OtherIs {
    Gone,
    Frozen,
    NoMember,
    InNoCluster { founder: Option<PublicKey> },
}

type PublicKey = [u8; 32];

impl Network for Other {
    fn connect<'a>(&'a self, _address: &'a str) -> NetFuture<'a, Connection> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            match self.is {
                OtherIs::Gone => Err(io::ErrorKind::ConnectionRefused.into()),
                OtherIs::Frozen => Frozen.connect("").await,
                OtherIs::NoMember | OtherIs::InNoCluster { .. } => {
                    let (ours, theirs) = tokio::io::duplex(1 << 16);
                    let sent = self.connections.try_send(Connection::over(theirs, None));
                    sent.map_err(|_| io::ErrorKind::ConnectionRefused)?;
                    Ok(Connection::over(ours, None))
                }
            }
        })
    }

    fn listen<'a>(&'a self, _address: &'a str) -> NetFuture<'a, Box<dyn Listener>> {
        Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
    }
}

struct Ear(mpsc::Receiver<Connection>);

impl Listener for Ear {
    fn accept(&mut self) -> NetFuture<'_, Connection> {
        Box::pin(async {
            match self.0.recv().await {
                Some(connection) => Ok(connection),
                None => std::future::pending().await,
            }
        })
    }

    fn address(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], 3001).into()
    }
}

struct Nobody;

impl crate::store::Observer for Nobody {
    fn applied(&self, _: &[holdfast_reservations::Applied]) {}
    fn replaced(&self) {}
}

fn tls(identity: &Identity) -> Arc<PeerTls> {
    Arc::new(PeerTls::new(watch::channel(Arc::new(OwnKey::of(identity))).1))
}

/// Lets the other machine do what it does.
fn begin(is: OtherIs, connections: mpsc::Receiver<Connection>) {
    let tls = tls(&Identity::new([1; 32]));
    match is {
        OtherIs::Gone | OtherIs::Frozen => (),
        OtherIs::InNoCluster { founder } => {
            let door = Door::new();
            door.close(Closed::InNoCluster { founder });
            serve(Box::new(Ear(connections)), &tls, door, Failing::new().0);
        }
        OtherIs::NoMember => {
            let (sender, accepted) = mpsc::channel(1);
            let mut listener =
                crate::net::Handshakes::start(Box::new(Ear(connections)), "peer", tls.handshake());
            drop(tokio::spawn(async move {
                while let Ok(connection) = listener.accept().await {
                    drop(sender.send(Ok::<_, io::Error>(connection)).await);
                }
            }));
            let mut server = tonic::transport::Server::builder();
            let server = server.add_routes(tonic::service::Routes::default());
            drop(tokio::spawn(server.serve_with_incoming(ReceiverStream::new(accepted))));
        }
    }
}

/// What a node does within a minute, and how often it called the other one.
async fn settling(is: OtherIs, join: &str, init: bool) -> (&'static str, usize) {
    let (connections, accepted) = mpsc::channel(4);
    begin(is, accepted);
    let network = Arc::new(Other { is, calls: AtomicUsize::new(0), connections });
    let options = NodeOptions {
        data_dir: "/data".into(),
        init,
        join: join.split(',').map(str::to_owned).collect(),
        join_token: None,
        stays_learner: false,
        peer_advertise: String::new(),
        client_advertise: String::new(),
        peer_listener: Box::new(Ear(mpsc::channel(1).1)),
        settings: RaftSettings::default(),
        machine: Machine {
            clock: Arc::new(SystemClock),
            network: network.clone(),
            placement: Placement::Tasks,
        },
        opener: Arc::new(SortedMaps(SimulatedDisk::new(1))),
        observer: Arc::new(Nobody),
    };
    let identity = Identity::new([2; 32]);
    let tls = tls(&identity);
    let applicant = Applicant { options: &options, identity: &identity, tls: &tls, brings: Brings::Nothing };
    let others = others(&options);
    let asked = ask_to_join(&applicant, &others);
    let done = match tokio::time::timeout(Duration::from_secs(60), asked).await {
        Ok(Ok(None)) => "founds",
        Ok(Ok(Some(_))) => "joins",
        Ok(Err(_)) => "is refused",
        Err(_) => "waits",
    };
    (done, network.calls.load(Ordering::Relaxed))
}

async fn founding(is: OtherIs, join: &str) -> (&'static str, usize) {
    settling(is, join, true).await
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_founded_only_where_nobody_listens_again_and_again() {
    assert_eq!(founding(OtherIs::Gone, "other:3001").await, ("founds", 3));
    assert_eq!(founding(OtherIs::Gone, "127.0.0.1:3001,other:3001").await, ("founds", 3));
    assert_eq!(founding(OtherIs::Gone, "one:3001,other:3001").await, ("founds", 6));
    let (done, _) = founding(OtherIs::Frozen, "other:3001").await;
    assert_eq!(done, "waits", "it is there, and may answer later");
    let (done, calls) = founding(OtherIs::NoMember, "other:3001").await;
    assert_eq!(done, "waits", "whatever it says, it is there");
    assert!(calls > 100, "{calls}");
}

#[tokio::test(start_paused = true)]
async fn of_those_that_wait_for_each_other_one_founds() {
    let waits = OtherIs::InNoCluster { founder: None };
    assert_eq!(founding(waits, "other:3001").await, ("founds", 3), "the other one waits for this one");
    assert_eq!(settling(waits, "other:3001", false).await.0, "waits", "it was not told that it may");
    let founder = |key| OtherIs::InNoCluster { founder: Some([key; 32]) };
    assert_eq!(
        founding(founder(0xff), "other:3001").await,
        ("founds", 3),
        "the other one waits for this one"
    );
    assert_eq!(founding(founder(0), "other:3001").await.0, "waits", "the other one founds");
}
