//! Finds out which node a data folder is, and asks a cluster to let it in.

mod ask;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use holdfast_storage::files::{Files, create_dir_durably};
use holdfast_storage::identity::{ClusterId, Identity, Introduced, Membership as NodeIdentity};
use openraft::AsyncRuntime as _;
use rand::Rng as _;
use tokio::time::Instant;

use self::ask::{Applicant, Brings, JoinAnswer};
use super::door::{Closed, Door};
use super::{FIRST_NODE, NodeOptions, StartError};
use crate::join_token::{JoinTokenError, JoinTokenSource};
use crate::net::{IS_SECURED, PeerTls, is_loopback};
use crate::runtime::Runtime;
use crate::types::Member;

/// Between two times of asking the same member to be let in.
const JOIN_INTERVAL: Duration = Duration::from_millis(300);

/// How long a node that cannot come in asks whether there is more to it.
const LAST_WORDS_DURATION_MAX: Duration = Duration::from_secs(5);

/// How long a folder that has an identity asks whether it may still come back, before it just does.
const REJOIN_DURATION_MAX: Duration = Duration::from_secs(3);

/// Whoever the token names may just be starting: so long a node waits for him after others, whom it does not name, answered.
const NAMED_DURATION_MAX: Duration = Duration::from_secs(3);

/// A node that may found asks everybody so many times first: a cluster that is only slow to answer must not get a second
/// one beside it.
const FOUNDING_ROUNDS: u32 = 3;

/// Which node a folder is.
pub(super) struct Settled {
    pub identity: Identity,
    pub own: NodeIdentity,
    /// It was none before.
    pub is_new: bool,
}

/// The identity of a data folder, made if there is none.
pub(super) async fn find_identity<F: Files>(
    files: &F,
    options: &NodeOptions,
    path: &Path,
) -> Result<Identity, StartError> {
    create_dir_durably(files, &options.data_dir).await?;
    let known = Identity::read(files, path).await?;
    let is_node = known.as_ref().is_some_and(|identity| identity.membership.is_some());
    if !is_node && !options.init && others(options).is_empty() {
        return Err(StartError::NothingToDo(options.data_dir.display().to_string()));
    }
    if let Some(identity) = known {
        return Ok(identity);
    }
    // Kept before anybody hears of it: the same folder asks again under the same key.
    let identity = new_identity();
    identity.write(files, path).await?;
    Ok(identity)
}

/// Finds out which node this is; asks to be let in, or founds, if it is none yet.
pub(super) async fn settle_identity(
    options: &NodeOptions,
    identity: Identity,
    tls: &Arc<PeerTls>,
    door: &Door,
) -> Result<Settled, StartError> {
    let token = options.join_token.as_ref().map_or(Ok(None), JoinTokenSource::read);
    let applicant = |brings| Applicant { options, identity: &identity, tls, brings };
    if let Some(own) = identity.membership {
        // It is a member already: a token of its cluster helps it to recognise the others, and any other is nothing to it.
        let token = token.unwrap_or_else(|error| {
            tracing::warn!(%error, "this node is a member, and comes back without a join token");
            None
        });
        let token = token.filter(|token| token.cluster() == own.cluster);
        let told = ask_to_come_back(&applicant(Brings::of(token)), own).await?;
        let introduced = told.or_else(|| identity.introduced.clone());
        return Ok(Settled { identity: Identity { introduced, ..identity }, own, is_new: false });
    }
    let others = others(options);
    let nobody = applicant(Brings::NothingOfUse);
    door.close(Closed::InNoCluster { founder: options.init.then(|| nobody.public_key()) });
    let token = match token {
        Ok(token) if token.is_some() || !takes_token(options, &others) => token,
        // Who founds a cluster of his own needs none.
        Err(_) if others.is_empty() => None,
        Ok(_) => return Err(refused_because(JoinTokenError::Missing, &nobody, &others).await),
        Err(error) => return Err(refused_because(error, &nobody, &others).await),
    };
    // A cluster that is already there is joined; there must never be a second one.
    let joined = ask_to_join(&applicant(Brings::of(token)), &others).await?;
    door.close(Closed::Starting);
    let (own, introduced) = joined.map_or_else(|| (found(), None), |(own, introduced)| (own, introduced));
    Ok(Settled { identity: Identity { introduced, ..identity }, own, is_new: true })
}

/// Whether nobody whom this node was told of could be believed without a token.
fn takes_token(options: &NodeOptions, others: &[&str]) -> bool {
    IS_SECURED && !options.init && !others.iter().any(|peer| is_loopback(peer))
}

/// Why a node does not come in whose token is of no use. If there is more to it, as when it has lost a member's disk, the
/// cluster can say that to anybody; and what somebody says who cannot be recognised may stop a node that stops in any
/// case.
async fn refused_because(error: JoinTokenError, nobody: &Applicant<'_>, others: &[&str]) -> StartError {
    let asking = others.iter().map(|peer| nobody.told_why_not(peer));
    let mut asking: FuturesUnordered<_> = asking.collect();
    let told = async {
        while let Some(told) = asking.next().await {
            if told.is_some() {
                return told;
            }
        }
        None
    };
    let told = tokio::time::timeout(LAST_WORDS_DURATION_MAX, told).await.ok().flatten();
    told.map_or_else(|| error.into(), StartError::Refused)
}

fn found() -> NodeIdentity {
    let cluster = ClusterId(u128::from(random()) << 64 | u128::from(random()));
    NodeIdentity { cluster, node: FIRST_NODE }
}

fn new_identity() -> Identity {
    let mut secret_key = [0; 32];
    for chunk in secret_key.chunks_mut(8) {
        chunk.copy_from_slice(&random().to_le_bytes());
    }
    Identity::new(secret_key)
}

fn random() -> u64 {
    Runtime::thread_rng().next_u64()
}

pub(super) fn own_member(options: &NodeOptions, key: &SigningKey) -> Member {
    Member {
        peer_address: own_address(options),
        client_address: options.client_advertise.clone(),
        public_key: key.verifying_key().to_bytes(),
        stays_learner: options.stays_learner,
        leaving: None,
    }
}

fn own_address(options: &NodeOptions) -> String {
    match options.peer_advertise.as_str() {
        "" => options.peer_listener.address().to_string(),
        address => address.to_owned(),
    }
}

/// Asks everybody, each again and again, until one decides; `None` if this node may found and nobody else is in a
/// cluster, each time it looked.
async fn ask_to_join(
    applicant: &Applicant<'_>,
    others: &[&str],
) -> Result<Option<(NodeIdentity, Option<Introduced>)>, StartError> {
    let may_found = applicant.options.init;
    let mut alone: BTreeMap<&str, u32> = others.iter().map(|peer| (*peer, 0)).collect();
    let mut said: BTreeMap<&str, String> = BTreeMap::new();
    let mut unknown: BTreeMap<&str, Instant> = BTreeMap::new();
    let mut asked: FuturesUnordered<_> =
        alone.keys().map(|peer| applicant.ask_after(Duration::ZERO, peer)).collect();
    while !(may_found && alone.values().all(|rounds| *rounds >= FOUNDING_ROUNDS)) {
        let Some((peer, answer)) = asked.next().await else { break };
        let (why, rounds) = match answer {
            JoinAnswer::Admitted(own, introduced) => return Ok(Some((own, introduced))),
            JoinAnswer::Refused(why) => return Err(StartError::Refused(why)),
            JoinAnswer::NoCluster(why) => (why, alone.get(peer).map_or(1, |rounds| rounds + 1)),
            JoinAnswer::TryLater(why) => (why, 0),
            JoinAnswer::Unknown(why) => {
                let since = *unknown.entry(peer).or_insert_with(Instant::now);
                // One may have come after the token was made; if it names nobody, it is another cluster's.
                if unknown.len() == alone.len() || since.elapsed() > NAMED_DURATION_MAX {
                    let nobody = Applicant { brings: Brings::NothingOfUse, ..*applicant };
                    return Err(refused_because(JoinTokenError::NamesNobody(why), &nobody, others).await);
                }
                (why, 0)
            }
        };
        if said.get(peer) != Some(&why) {
            tracing::info!(peer, why, "waiting to be let in");
            said.insert(peer, why);
        }
        alone.insert(peer, rounds);
        asked.push(applicant.ask_after(JOIN_INTERVAL, peer));
    }
    Ok(None)
}

/// A folder that is a node already asks whether it still is one, and who the others are by now. Silence is no objection.
async fn ask_to_come_back(
    applicant: &Applicant<'_>,
    own: NodeIdentity,
) -> Result<Option<Introduced>, StartError> {
    let mut answers: FuturesUnordered<_> =
        others(applicant.options).into_iter().map(|peer| applicant.ask_after(Duration::ZERO, peer)).collect();
    let asked = async {
        while let Some((_, answer)) = answers.next().await {
            match answer {
                JoinAnswer::Refused(why) => return Err(StartError::Refused(why)),
                JoinAnswer::Admitted(_, introduced) => return Ok(introduced),
                JoinAnswer::TryLater(_) | JoinAnswer::Unknown(_) | JoinAnswer::NoCluster(_) => (),
            }
        }
        Ok(None)
    };
    match tokio::time::timeout(REJOIN_DURATION_MAX, asked).await {
        Ok(answer) => answer,
        Err(_) => {
            tracing::info!(node = own.node, "coming back without asking: no member answered");
            Ok(None)
        }
    }
}

/// Whom to ask: the same list may be given to every node of a cluster.
fn others(options: &NodeOptions) -> Vec<&str> {
    let own_address = own_address(options);
    options.join.iter().map(String::as_str).filter(|peer| *peer != own_address).collect()
}
