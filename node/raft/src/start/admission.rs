//! Finds out which node a data folder is, and asks a cluster to let it in.

use std::path::Path;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use holdfast_proto::raft as wire;
use holdfast_proto::raft::peer_client::PeerClient;
use holdfast_storage::files::{Files, create_dir_durably};
use holdfast_storage::identity::{ClusterId, Identity, Membership as NodeIdentity};
use openraft::AsyncRuntime as _;
use rand::Rng as _;

use super::{FIRST_NODE, NodeOptions, StartError};
use crate::net;
use crate::runtime::Runtime;
use crate::types::Member;

/// Between two rounds of asking to be let in.
const JOIN_INTERVAL: Duration = Duration::from_millis(300);

/// One member's answer to an applicant.
const JOIN_REPLY_DURATION_MAX: Duration = Duration::from_secs(5);

/// How long a folder that has an identity asks whether it may still come back, before it just does.
const REJOIN_DURATION_MAX: Duration = Duration::from_secs(3);

const OUT_OF_REACH: &str = "out of reach";

/// Which node a folder is.
pub(super) struct Settled {
    pub identity: Identity,
    pub own: NodeIdentity,
    /// It was none before.
    pub is_new: bool,
}

/// Finds out which node this is; asks to be let in, or founds, if it is none yet.
pub(super) async fn settle_identity<F: Files>(
    files: &F,
    options: &NodeOptions,
    path: &Path,
) -> Result<Settled, StartError> {
    create_dir_durably(files, &options.data_dir).await?;
    let identity = match Identity::read(files, path).await? {
        Some(identity) => identity,
        None if !options.init && options.join.is_empty() => {
            return Err(StartError::NothingToDo(options.data_dir.display().to_string()));
        }
        None => {
            // Kept before anybody hears of it: the same folder asks again under the same key.
            let identity = new_identity();
            identity.write(files, path).await?;
            identity
        }
    };
    if let Some(own) = identity.membership {
        ask_to_come_back(options, &identity, own).await?;
        return Ok(Settled { identity, own, is_new: false });
    }
    let joined = match (options.init, options.join.is_empty()) {
        // A cluster that is already there is joined; there must never be a second one.
        (true, false) => ask_once_to_join(options, &identity).await?,
        (true, true) => None,
        (false, _) => Some(ask_to_join(options, &identity).await?),
    };
    let own = joined.unwrap_or_else(|| {
        let cluster = ClusterId(u128::from(random()) << 64 | u128::from(random()));
        NodeIdentity { cluster, node: FIRST_NODE }
    });
    Ok(Settled { identity, own, is_new: true })
}

fn new_identity() -> Identity {
    let mut secret_key = [0; 32];
    for chunk in secret_key.chunks_mut(8) {
        chunk.copy_from_slice(&random().to_le_bytes());
    }
    Identity { membership: None, secret_key, key_generation: 1 }
}

fn random() -> u64 {
    Runtime::thread_rng().next_u64()
}

pub(super) fn own_member(options: &NodeOptions, key: &SigningKey) -> Member {
    let peer_address = match options.peer_advertise.as_str() {
        "" => options.peer_listener.address().to_string(),
        address => address.to_owned(),
    };
    Member {
        peer_address,
        client_address: options.client_advertise.clone(),
        public_key: key.verifying_key().to_bytes(),
        stays_learner: options.stays_learner,
    }
}

/// What a member says to an applicant.
enum JoinAnswer {
    Admitted(NodeIdentity),
    Refused(String),
    TryLater(String),
}

/// Asks every member in turn, again and again, until one decides.
async fn ask_to_join(options: &NodeOptions, identity: &Identity) -> Result<NodeIdentity, StartError> {
    let mut last_said = String::new();
    loop {
        let mut said = Vec::new();
        for peer in &options.join {
            match ask(options, identity, peer).await {
                JoinAnswer::Admitted(own) => return Ok(own),
                JoinAnswer::Refused(why) => return Err(StartError::Refused(why)),
                JoinAnswer::TryLater(why) => said.push(format!("{peer}: {why}")),
            }
        }
        let said = said.join("; ");
        if said != last_said {
            tracing::info!(said, "waiting to be let in");
            last_said = said;
        }
        tokio::time::sleep(JOIN_INTERVAL).await;
    }
}

/// Asks once whether there is a cluster to join; `None` if nobody answers for one.
async fn ask_once_to_join(
    options: &NodeOptions,
    identity: &Identity,
) -> Result<Option<NodeIdentity>, StartError> {
    let mut is_there_one = false;
    for peer in &options.join {
        match ask(options, identity, peer).await {
            JoinAnswer::Admitted(own) => return Ok(Some(own)),
            JoinAnswer::Refused(why) => return Err(StartError::Refused(why)),
            JoinAnswer::TryLater(why) => is_there_one |= !why.starts_with(OUT_OF_REACH),
        }
    }
    match is_there_one {
        true => ask_to_join(options, identity).await.map(Some),
        false => Ok(None),
    }
}

/// A folder that is a node already asks whether it still is one. Silence is no objection.
async fn ask_to_come_back(
    options: &NodeOptions,
    identity: &Identity,
    own: NodeIdentity,
) -> Result<(), StartError> {
    let asked = async {
        for peer in &options.join {
            match ask(options, identity, peer).await {
                JoinAnswer::Refused(why) => return Err(StartError::Refused(why)),
                JoinAnswer::Admitted(_) => return Ok(()),
                JoinAnswer::TryLater(_) => (),
            }
        }
        Ok(())
    };
    match tokio::time::timeout(REJOIN_DURATION_MAX, asked).await {
        Ok(answer) => answer,
        Err(_) => {
            tracing::info!(node = own.node, "coming back without asking: no member answered");
            Ok(())
        }
    }
}

async fn ask(options: &NodeOptions, identity: &Identity, peer: &str) -> JoinAnswer {
    let channel = match net::channel(options.machine.network.clone(), peer) {
        Ok(channel) => channel,
        Err(error) => return JoinAnswer::TryLater(format!("{OUT_OF_REACH}: {error}")),
    };
    let key = SigningKey::from_bytes(&identity.secret_key);
    let Member { peer_address, client_address, public_key, stays_learner } = own_member(options, &key);
    let request = wire::JoinRequest {
        peer_address,
        client_address,
        public_key: public_key.to_vec().into(),
        stays_learner,
        node: identity.membership.map(|own| own.node),
        cluster: identity.membership.map_or_else(String::new, |own| own.cluster.to_string()),
    };
    let mut client = PeerClient::new(channel);
    let reply = match tokio::time::timeout(JOIN_REPLY_DURATION_MAX, client.join(request)).await {
        Ok(Ok(reply)) => reply.into_inner(),
        Ok(Err(status)) => return JoinAnswer::TryLater(format!("{OUT_OF_REACH}: {}", status.message())),
        Err(_) => return JoinAnswer::TryLater("no answer".to_owned()),
    };
    match reply.result {
        Some(wire::join_reply::Result::Admitted(admission)) => match admission.cluster.parse() {
            Ok(cluster) => JoinAnswer::Admitted(NodeIdentity { cluster, node: admission.node }),
            Err(_) => JoinAnswer::TryLater("the answer is damaged".to_owned()),
        },
        Some(wire::join_reply::Result::Refused(why)) => JoinAnswer::Refused(why),
        Some(wire::join_reply::Result::TryLater(why)) => JoinAnswer::TryLater(why),
        None => JoinAnswer::TryLater("the answer is empty".to_owned()),
    }
}
