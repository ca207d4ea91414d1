//! The peer listener from a node's first moment to its last: until it is a node, whoever calls is told that it is none
//! yet; from then on calls go to the service.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use holdfast_proto::raft::peer_server::PeerServer;
use tokio::sync::watch;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::server::NamedService;
use tonic::{Code, Status};

use crate::net::OtherEnd;
use crate::own_key::PublicKey;
use crate::roster::{Roster, STRANGER_DURATION_MAX};
use crate::server::PeerService;

/// Says in an answer that there is no cluster here yet, and who may found one.
const IN_NO_CLUSTER: &str = "holdfast-in-no-cluster";
const WAITS: &str = "waits";

/// The largest message of somebody who is no member: he asks to be let in, or whether he was removed.
const STRANGERS_MESSAGE_BYTES_MAX: usize = 16 << 10;

/// What callers find.
#[derive(Clone)]
pub(super) struct Door(Arc<Inner>);

struct Inner {
    closed: RwLock<Closed>,
    open: OnceLock<PeerServer<PeerService>>,
    roster: watch::Sender<Option<Arc<Roster>>>,
}

/// Why nobody is let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// This node is in no cluster: it waits to be let into one, or may found one.
    InNoCluster {
        /// The key of a node that may found.
        founder: Option<PublicKey>,
    },
    /// It is a node, and about to serve.
    Starting,
}

impl Door {
    pub(super) fn new() -> Self {
        let (closed, roster) = (RwLock::new(Closed::Starting), watch::channel(None).0);
        Self(Arc::new(Inner { closed, open: OnceLock::new(), roster }))
    }

    pub(super) fn close(&self, why: Closed) {
        *self.0.closed.write().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Lets callers through to the service.
    pub(super) fn open(&self, service: PeerServer<PeerService>, roster: Arc<Roster>) {
        drop(self.0.open.set(service));
        self.0.roster.send_replace(Some(roster));
    }

    /// Whether a key is a member's, as far as is known by now.
    pub(super) fn is_member(&self, key: &PublicKey) -> bool {
        self.0.roster.borrow().as_ref().is_some_and(|roster| roster.node_of(key).is_some())
    }

    /// Whether a key becomes a member's in a little while; ends as soon as it does.
    pub(super) async fn becomes_member(&self, key: PublicKey) -> bool {
        let mut opened = self.0.roster.subscribe();
        let becomes_member = async {
            let opened = opened.wait_for(Option::is_some).await;
            let Some(roster) = opened.ok().and_then(|opened| opened.clone()) else { return };
            roster.becomes_member(key).await;
        };
        tokio::time::timeout(STRANGER_DURATION_MAX, becomes_member).await.is_ok()
    }

    /// Ends when a member's key is none any more.
    pub(super) async fn while_member(&self, key: PublicKey) {
        let roster = self.0.roster.borrow().clone();
        if let Some(roster) = roster {
            roster.while_member(key).await;
        }
    }
}

impl Closed {
    fn to_status(&self) -> Status {
        let mut metadata = MetadataMap::new();
        let says = match self {
            Self::Starting => return Status::unavailable("this node is starting"),
            Self::InNoCluster { founder: None } => WAITS.to_owned(),
            Self::InNoCluster { founder: Some(key) } => {
                key.iter().map(|byte| format!("{byte:02x}")).collect()
            }
        };
        if let Ok(value) = AsciiMetadataValue::try_from(says) {
            metadata.insert(IN_NO_CLUSTER, value);
        }
        Status::with_metadata(Code::Unavailable, "it is in no cluster itself", metadata)
    }

    /// What a status says of the one who gave it.
    pub(super) fn from_status(status: &Status) -> Option<Self> {
        let says = status.metadata().get(IN_NO_CLUSTER)?.to_str().ok()?;
        let byte = |at: usize| says.get(2 * at..2 * at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let mut founder = [0; 32];
        for (position, known) in founder.iter_mut().enumerate() {
            match byte(position) {
                Some(byte) => *known = byte,
                None => return Some(Self::InNoCluster { founder: None }),
            }
        }
        Some(Self::InNoCluster { founder: Some(founder) })
    }
}

impl NamedService for Door {
    const NAME: &'static str = <PeerServer<PeerService> as NamedService>::NAME;
}

impl tower::Service<Request<Body>> for Door {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.0.open.get() {
            Some(service) => {
                let caller = request.extensions().get::<OtherEnd>().and_then(|caller| caller.key);
                let is_stranger = caller.is_some_and(|key| !self.is_member(&key));
                let mut service = service.clone();
                match is_stranger {
                    true => service.max_decoding_message_size(STRANGERS_MESSAGE_BYTES_MAX).call(request),
                    false => service.call(request),
                }
            }
            None => {
                let status = self.0.closed.read().unwrap_or_else(PoisonError::into_inner).to_status();
                Box::pin(async move { Ok(status.into_http()) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use holdfast_storage::identity::{ClusterId, Membership as NodeIdentity};
    use tokio::time::Instant;

    use super::*;
    use crate::roster::Seen;
    use crate::types::{Member, Membership};

    fn seen(keys: &[u8]) -> Seen {
        let member = |key: &u8| (u64::from(*key), Member { public_key: [*key; 32], ..Member::default() });
        let nodes: BTreeMap<u64, Member> = keys.iter().map(member).collect();
        let membership = Membership::new(vec![BTreeSet::from([1])], nodes).unwrap();
        Seen { index: 10, membership: Arc::new(membership), ..Seen::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stranger_has_a_little_while_and_as_long_as_it_likes_once_it_is_let_in() {
        let door = Door::new();
        let (sender, receiver) = watch::channel(seen(&[1]));
        let own = NodeIdentity { cluster: ClusterId(7), node: 1 };
        let roster = Arc::new(Roster::new(own, receiver, None, Arc::new(|_| Vec::new())));
        let began_at = Instant::now();
        assert!(!door.becomes_member([5; 32]).await);
        assert_eq!(began_at.elapsed(), STRANGER_DURATION_MAX, "also while the node starts");
        door.0.roster.send_replace(Some(roster));
        assert!(!door.becomes_member([5; 32]).await);
        assert_eq!(began_at.elapsed(), 2 * STRANGER_DURATION_MAX);

        let watched = door.clone();
        let let_in = tokio::spawn(async move {
            assert!(watched.becomes_member([5; 32]).await);
            watched.while_member([5; 32]).await;
        });
        tokio::task::yield_now().await;
        sender.send_replace(seen(&[1, 5]));
        tokio::time::sleep(STRANGER_DURATION_MAX * 10).await;
        assert!(!let_in.is_finished());
        sender.send_replace(seen(&[1]));
        let_in.await.unwrap();
    }

    #[test]
    fn who_is_in_no_cluster_says_whether_he_may_found_one() {
        for founder in [None, Some([0xa5; 32])] {
            let closed = Closed::InNoCluster { founder };
            assert_eq!(Closed::from_status(&closed.to_status()), Some(closed));
        }
        assert_eq!(Closed::from_status(&Closed::Starting.to_status()), None);
    }
}
