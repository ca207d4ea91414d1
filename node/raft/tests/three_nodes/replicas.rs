//! Replicas in this process, and what tests ask of them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use holdfast_raft::net::Network as _;
use holdfast_raft::{Consistency, Machine, Node, NodeOptions, Observer, RaftSettings, Replica, net, start};
use holdfast_reservations::*;
use holdfast_storage::files::RealFiles;
use holdfast_storage::sorted_map::SortedMaps;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

/// Long enough for any step on a loaded machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

struct Nobody;

impl Observer for Nobody {
    fn applied(&self, _: &[Applied]) {}
    fn replaced(&self) {}
}

pub async fn node(dir: &Path, join: &[&Replica]) -> Replica {
    let settings = RaftSettings { snapshot_entries: 50, keep_entries: 5, ..RaftSettings::default() };
    start_node(dir, join, settings).await
}

async fn start_node(dir: &Path, join: &[&Replica], settings: RaftSettings) -> Replica {
    let mut peers = Vec::new();
    for replica in join {
        peers.push(peer_address(replica).await);
    }
    let options = NodeOptions { init: join.is_empty(), join: peers, settings, ..options(dir).await };
    let Node { replica } = start(RealFiles, options).await.unwrap();
    replica
}

/// Starts a node again that was there before, at another address.
pub async fn come_back(dir: &Path) -> Replica {
    let Node { replica } = start(RealFiles, options(dir).await).await.unwrap();
    replica
}

/// Where other nodes find a replica.
pub async fn peer_address(replica: &Replica) -> String {
    let own = replica.identity().node;
    let address = || replica.cluster().nodes.into_iter().find(|node| node.id == own);
    until("a node that knows itself", || address().is_some()).await;
    address().unwrap().peer_address
}

/// How a node starts that was there before.
pub async fn options(dir: &Path) -> NodeOptions {
    NodeOptions {
        data_dir: dir.to_owned(),
        init: false,
        join: Vec::new(),
        join_token: None,
        stays_learner: false,
        peer_advertise: String::new(),
        client_advertise: "nowhere:1".to_owned(),
        peer_listener: net::Tcp.listen("127.0.0.1:0").await.unwrap(),
        settings: RaftSettings::default(),
        machine: Machine::real(),
        opener: Arc::new(SortedMaps(RealFiles)),
        observer: Arc::new(Nobody),
    }
}

/// An address that stays, and leads to wherever a node listens that is started again and again.
pub struct Way {
    pub address: String,
    target: watch::Sender<Option<SocketAddr>>,
}

impl Way {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, target) = watch::channel(None);
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let mut target = target.clone();
                tokio::spawn(async move {
                    let Some(now) = *target.borrow_and_update() else { return };
                    let Ok(mut to) = TcpStream::connect(now).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut from, &mut to) => (),
                        _ = target.changed() => (),
                    }
                });
            }
        });
        Self { address, target: sender }
    }

    pub fn leads_to(&self, target: SocketAddr) {
        self.target.send_replace(Some(target));
    }
}

pub fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = deadline();
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn guest(number: u64) -> Request {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&number.to_be_bytes());
    let id = Some(RequestId { key: RequestKey::Uuid(key), payload_hash: number });
    let (email, name, password_hash) = (format!("guest{number}@example.com"), "Guest".into(), String::new());
    Request {
        id,
        principal: Principal::Anonymous,
        command: Command::SignUp(SignUp { email, name, password_hash }),
    }
}

pub async fn sign_up(replica: &Replica, number: u64) -> UserId {
    let applied = replica.propose(&guest(number), deadline()).await.unwrap();
    let Outcome::User(id, _) = applied.outcome else { panic!("{applied:?}") };
    id
}

pub async fn find(replica: &Replica, number: u64) -> Option<UserId> {
    let email = format!("guest{number}@example.com");
    let with = |view: &holdfast_storage::rows::View<'_>| user_by_email(view, &email);
    replica.read(Consistency::Linearizable, deadline(), with).await.unwrap().value
}

pub fn voters(replica: &Replica) -> usize {
    replica.cluster().nodes.iter().filter(|node| node.is_voter).count()
}
