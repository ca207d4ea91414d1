//! The other nodes, and the connections to them: one for entries, one for what must not wait behind them, one for
//! snapshots. Each connects when it is first used and again whenever it must.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use holdfast_proto::raft as wire;
use holdfast_proto::raft::peer_client::PeerClient;
use holdfast_storage::identity::Membership as NodeIdentity;
use tokio_stream::Stream;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::introduction::Introduce;
use crate::net::{self, Network, PeerTls, Way};
use crate::own_key::PublicKey;
use crate::roster::Roster;

/// The largest message of a peer: an append of entries, or a piece of a snapshot, with room to spare.
pub(crate) const MESSAGE_BYTES_MAX: usize = 32 << 20;

/// A client of one peer.
pub(crate) type Client = PeerClient<InterceptedService<Channel, Introduce>>;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// Entries.
    Entries,
    /// Heartbeats, votes, read indexes, pings.
    Control,
    /// Snapshots.
    Snapshots,
    /// Requests on their way to the leader.
    HandOver,
}

/// The clients made with one of this node's keys: with another key come other connections.
#[derive(Default)]
struct Clients {
    generation: u32,
    made: HashMap<(u64, String, Purpose), Client>,
}

/// All peers.
pub(crate) struct Peers {
    group: u32,
    network: Arc<dyn Network>,
    tls: Arc<PeerTls>,
    roster: Arc<Roster>,
    clients: Mutex<Clients>,
}

impl Peers {
    pub(crate) fn new(group: u32, network: Arc<dyn Network>, tls: Arc<PeerTls>, roster: Arc<Roster>) -> Self {
        Self { group, network, tls, roster, clients: Mutex::default() }
    }

    pub(crate) fn own_id(&self) -> u64 {
        self.own().node
    }

    pub(crate) fn roster(&self) -> &Arc<Roster> {
        &self.roster
    }

    fn own(&self) -> NodeIdentity {
        self.roster.own()
    }

    /// A client of a member.
    pub(crate) fn client(&self, node: u64, purpose: Purpose) -> Result<Client, Status> {
        let found = self.roster.find(node);
        let found =
            found.ok_or_else(|| Status::new(Code::NotFound, format!("node {node} is not a member")))?;
        self.client_at(node, &found.peer_address, None, purpose)
    }

    /// A client of a node at an address. `public_key` is its key, if the caller knows it before the roster does.
    pub(crate) fn client_at(
        &self,
        node: u64,
        address: &str,
        public_key: Option<PublicKey>,
        purpose: Purpose,
    ) -> Result<Client, Status> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.generation != self.tls.generation() {
            *clients = Clients { generation: self.tls.generation(), made: HashMap::new() };
        }
        let key = (node, address.to_owned(), purpose);
        if let Some(client) = clients.made.get(&key) {
            return Ok(client.clone());
        }
        let unusable = |error: std::io::Error| Status::invalid_argument(error.to_string());
        let (network, tls) = (self.network.clone(), self.tls.clone());
        let way = Way { network, tls, judge: self.roster.judge(node, address, public_key) };
        let channel = net::channel(way, address).map_err(unusable)?;
        let introduce = Introduce::new(self.own(), self.group, node)?;
        let client = PeerClient::with_interceptor(channel, introduce)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        clients.made.insert(key, client.clone());
        Ok(client)
    }

    /// Opens a stream on which requests are handed over.
    pub(crate) async fn hand_over(
        &self,
        leader: u64,
        batches: impl Stream<Item = wire::HandOverBatch> + Send + 'static,
    ) -> Result<tonic::Streaming<wire::HandOverVerdict>, Status> {
        let mut client = self.client(leader, Purpose::HandOver)?;
        client.hand_over(Request::new(batches)).await.map(tonic::Response::into_inner)
    }
}
