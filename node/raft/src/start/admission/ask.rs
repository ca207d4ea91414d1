//! One question to one address: may this folder come in? Whom it believes is settled before anything is asked.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use holdfast_proto::raft as wire;
use holdfast_proto::raft::peer_client::PeerClient;
use holdfast_storage::identity::{Identity, Introduced, Membership as NodeIdentity};
use tonic::Status;

use super::own_member;
use crate::join_token::{JoinToken, JoinTokenError};
use crate::net::{self, CONNECT_DURATION_MAX, Connection, IS_SECURED, Judge, PeerTls};
use crate::own_key::PublicKey;
use crate::roster;
use crate::start::NodeOptions;
use crate::start::door::Closed;
use crate::types::Member;

/// One member's answer to an applicant.
const JOIN_REPLY_DURATION_MAX: Duration = Duration::from_secs(5);

/// A refusal is shown to people; more than this of it is not.
const REFUSAL_CHARS_MAX: usize = 2000;

/// Is no join token, and lets nobody in.
const NO_TOKEN: &str = "-";

/// A folder that asks to be let in.
pub(super) struct Applicant<'a> {
    pub(super) options: &'a NodeOptions,
    pub(super) identity: &'a Identity,
    pub(super) tls: &'a Arc<PeerTls>,
    pub(super) brings: Brings,
}

/// What somebody brings who asks to be let in.
pub(super) enum Brings {
    Token(JoinToken),
    /// No token, as is right on one machine.
    Nothing,
    /// He should have a token and has none that he could use: he is not to be let in, and asks what else there is to say.
    NothingOfUse,
}

impl Brings {
    pub(super) fn of(token: Option<JoinToken>) -> Self {
        token.map_or(Self::Nothing, Self::Token)
    }
}

/// What is said to an applicant.
pub(super) enum JoinAnswer {
    /// It is a member, and these are the others.
    Admitted(NodeIdentity, Option<Introduced>),
    Refused(String),
    TryLater(String),
    /// Who answers there is none of those whom this node was told to believe.
    Unknown(String),
    /// Nobody listens there, or the way there is cut, or he is in no cluster himself and will not found one first.
    NoCluster(String),
}

/// Who may answer.
enum Believed {
    /// On this machine, anybody.
    Anybody,
    /// Whoever shows one of the keys that this node was given.
    Known(Judge),
    /// Nobody that could be recognised: what is said there may stop this node, and nothing else.
    Nobody,
}

impl Applicant<'_> {
    pub(super) fn public_key(&self) -> PublicKey {
        self.key().verifying_key().to_bytes()
    }

    fn key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.identity.secret_key)
    }

    pub(super) async fn ask_after<'p>(&self, pause: Duration, peer: &'p str) -> (&'p str, JoinAnswer) {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        (peer, self.ask(peer).await)
    }

    /// What else than the want of a token keeps this folder out, if the node there knows of anything.
    pub(super) async fn told_why_not(&self, peer: &str) -> Option<String> {
        let of_token = [JoinTokenError::Missing, JoinTokenError::Malformed].map(|error| error.to_string());
        loop {
            match self.ask(peer).await {
                JoinAnswer::Refused(why) => return Some(why).filter(|why| !of_token.contains(why)),
                JoinAnswer::TryLater(_) => tokio::time::sleep(super::JOIN_INTERVAL).await,
                JoinAnswer::Admitted(..) | JoinAnswer::Unknown(_) | JoinAnswer::NoCluster(_) => return None,
            }
        }
    }

    async fn ask(&self, peer: &str) -> JoinAnswer {
        if let Err(error) = net::check_address(peer) {
            // That says nothing about the cluster it was to name.
            return JoinAnswer::TryLater(error);
        }
        let connecting = self.options.machine.network.connect(peer);
        let connection = match tokio::time::timeout(CONNECT_DURATION_MAX, connecting).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return JoinAnswer::NoCluster(format!("out of reach: {error}")),
            Err(_) => return JoinAnswer::NoCluster("out of reach".to_owned()),
        };
        let believed = self.believed(connection.remote);
        let answer =
            match tokio::time::timeout(JOIN_REPLY_DURATION_MAX, self.call(connection, peer, &believed)).await
            {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
                    JoinAnswer::Unknown(error.to_string())
                }
                Ok(Err(error)) => JoinAnswer::TryLater(error.to_string()),
                Err(_) => JoinAnswer::TryLater("no answer".to_owned()),
            };
        match (believed, answer) {
            (Believed::Nobody, answer @ (JoinAnswer::Admitted(..) | JoinAnswer::Refused(_))) => {
                self.doubt(answer)
            }
            (Believed::Anybody | Believed::Known(_) | Believed::Nobody, answer) => self.check_cluster(answer),
        }
    }

    fn believed(&self, remote: Option<SocketAddr>) -> Believed {
        let known = self.identity.introduced.clone();
        let is_known = move |key: &PublicKey| {
            known.as_ref().is_some_and(|known| known.peers.iter().any(|peer| peer.public_key == *key))
        };
        match &self.brings {
            _ if !IS_SECURED => Believed::Anybody,
            Brings::NothingOfUse => Believed::Nobody,
            // On this machine too: whoever was given a token is to find the cluster that it is of.
            Brings::Token(token) => {
                let token = token.clone();
                Believed::Known(Arc::new(move |key| match token.names(key) || is_known(key) {
                    true => Ok(()),
                    false => Err(format!(
                        "the join token is of cluster {} and names nobody who answers there",
                        token.cluster()
                    )),
                }))
            }
            Brings::Nothing if remote.is_none_or(|remote| remote.ip().to_canonical().is_loopback()) => {
                Believed::Anybody
            }
            Brings::Nothing if self.identity.introduced.is_none() => Believed::Nobody,
            Brings::Nothing => Believed::Known(Arc::new(move |key| match is_known(key) {
                true => Ok(()),
                false => Err("the node there is none that this one was told of".to_owned()),
            })),
        }
    }

    /// Somebody who cannot be recognised has decided: that may keep a node out, and nothing else.
    fn doubt(&self, answer: JoinAnswer) -> JoinAnswer {
        match (self.identity.membership, answer) {
            (Some(_), _) => JoinAnswer::TryLater("whoever answers there cannot be recognised".to_owned()),
            (None, JoinAnswer::Refused(why)) => JoinAnswer::Refused(why),
            (None, _) => JoinAnswer::Refused(JoinTokenError::Missing.to_string()),
        }
    }

    fn check_cluster(&self, answer: JoinAnswer) -> JoinAnswer {
        let token = match &self.brings {
            Brings::Token(token) => Some(token.cluster()),
            Brings::Nothing | Brings::NothingOfUse => None,
        };
        match answer {
            JoinAnswer::Admitted(own, _) if token.is_some_and(|token| token != own.cluster) => {
                let (token, cluster) = (token.unwrap_or(own.cluster), own.cluster);
                JoinAnswer::Refused(JoinTokenError::Foreign { token, cluster }.to_string())
            }
            JoinAnswer::Admitted(..)
            | JoinAnswer::Refused(_)
            | JoinAnswer::TryLater(_)
            | JoinAnswer::Unknown(_)
            | JoinAnswer::NoCluster(_) => answer,
        }
    }

    async fn call(&self, connection: Connection, peer: &str, believed: &Believed) -> io::Result<JoinAnswer> {
        let judge = match believed {
            Believed::Known(judge) => judge.clone(),
            Believed::Anybody | Believed::Nobody => Arc::new(|_: &PublicKey| Ok(())),
        };
        let connection = self.tls.connect(connection, judge).await?;
        let mut client = PeerClient::new(net::channel_over(connection, peer)?);
        Ok(match client.join(self.request()).await {
            Ok(reply) => from_wire(reply.into_inner()),
            Err(status) => self.understand(&status),
        })
    }

    fn request(&self) -> wire::JoinRequest {
        let own = self.identity.membership;
        let Member { peer_address, client_address, public_key, stays_learner, leaving: _ } =
            own_member(self.options, &self.key());
        wire::JoinRequest {
            peer_address,
            client_address,
            public_key: public_key.to_vec().into(),
            stays_learner,
            node: own.map(|own| own.node),
            cluster: own.map_or_else(String::new, |own| own.cluster.to_string()),
            join_token: match &self.brings {
                Brings::Token(token) => token.to_string(),
                Brings::Nothing => String::new(),
                Brings::NothingOfUse => NO_TOKEN.to_owned(),
            },
            is_local: false,
        }
    }

    /// Of two that may found and know each other, the one with the smaller key does.
    fn understand(&self, status: &Status) -> JoinAnswer {
        let says = status.message().to_owned();
        match Closed::from_status(status) {
            None | Some(Closed::Starting) => JoinAnswer::TryLater(says),
            Some(Closed::InNoCluster { founder: Some(other) }) if other < self.public_key() => {
                JoinAnswer::TryLater(format!("{says}, and is about to found one"))
            }
            Some(Closed::InNoCluster { .. }) => JoinAnswer::NoCluster(says),
        }
    }
}

fn from_wire(reply: wire::JoinReply) -> JoinAnswer {
    match reply.result {
        Some(wire::join_reply::Result::Admitted(admission)) => match admission.cluster.parse() {
            Ok(cluster) => {
                let own = NodeIdentity { cluster, node: admission.node };
                JoinAnswer::Admitted(own, admission.roster.and_then(roster::from_wire))
            }
            Err(_) => JoinAnswer::TryLater("the answer is damaged".to_owned()),
        },
        Some(wire::join_reply::Result::Refused(why)) => {
            let shown = why.chars().filter(|char| !char.is_control()).take(REFUSAL_CHARS_MAX);
            JoinAnswer::Refused(shown.collect())
        }
        Some(wire::join_reply::Result::TryLater(why)) => JoinAnswer::TryLater(why),
        None => JoinAnswer::TryLater("the answer is empty".to_owned()),
    }
}
