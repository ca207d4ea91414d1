//! Answers nodes that ask to be let in: the only call that somebody may make who is no member.

use std::time::Duration;

use holdfast_proto::raft as wire;
use tonic::{Request, Status};

use super::{PeerService, other_end};
use crate::introduction;
use crate::join_token::{JoinToken, JoinTokenError};
use crate::members::{self, Applicant};
use crate::net::{IS_SECURED, OtherEnd, is_loopback, network_of};
use crate::peers::Purpose;
use crate::reads::own_time;
use crate::roster;

/// Applicants who are answered at the same time; one more is told to come again.
pub(super) const APPLICANTS_MAX: usize = 16;

/// Of these, from one network: nobody can take all places.
pub(super) const APPLICANTS_OF_NETWORK_MAX: usize = 4;

/// A leader has seen its own change of members by then.
const SIGHT_DURATION_MAX: Duration = Duration::from_secs(1);

/// A leader that is asked on an applicant's behalf has answered by then; the applicant waits a little longer.
const LEADER_DURATION_MAX: Duration = Duration::from_secs(4);

impl PeerService {
    /// Answers whoever asks to be let in.
    pub(super) async fn answer_applicant(
        &self,
        request: Request<wire::JoinRequest>,
    ) -> Result<wire::JoinReply, Status> {
        let caller = other_end(&request);
        // A member passes on what it has seen itself.
        let is_passed_on = request.metadata().contains_key(introduction::FROM);
        if is_passed_on {
            self.check(&request)?;
        }
        let network = caller.remote.map(|remote| network_of(remote.ip()));
        let Some(_place) = self.applicants.enter(network) else {
            let why = "too many nodes ask to be let in at the same time".to_owned();
            return Ok(members::to_wire(members::Admission::TryLater(why)));
        };
        let mut request = request.into_inner();
        if !is_passed_on {
            request.is_local = !IS_SECURED || self.is_local(caller, &request.peer_address);
            if caller.key.is_some_and(|key| key[..] != request.public_key[..]) {
                return Err(Status::unauthenticated("the applicant has not shown the key that it names"));
            }
        }
        if !self.parts.leadership.borrow().is_own {
            return Ok(self.ask_leader(request).await);
        }
        let token = std::mem::take(&mut request.join_token);
        let is_local = request.is_local;
        let mut applicant = members::from_wire(request).map_err(Status::invalid_argument)?;
        self.known_by_key_before(&mut applicant);
        // First what he is to the members, then what he was given: a wiped disk is told so whatever token it brings.
        let admission = match self.parts.members.judge(&applicant).await {
            Some(admission) => admission,
            None => match self.check_token(&token, is_local) {
                Ok(()) => self.parts.members.admit(applicant).await,
                Err(error) => members::Admission::Refused(error.to_string()),
            },
        };
        if let members::Admission::Refused(why) = &admission {
            self.log_refusal(caller, why);
        }
        Ok(self.introducing(admission).await)
    }

    /// Tells whoever is let in who the others are: until its log tells it more, it believes nobody else.
    async fn introducing(&self, admission: members::Admission) -> wire::JoinReply {
        let roster = self.parts.peers.roster();
        let admission = match admission {
            members::Admission::Admitted(admitted) => {
                let mut seen = roster.watch();
                let is_in =
                    |seen: &roster::Seen| seen.committed.membership().get_node(&admitted.node).is_some();
                match tokio::time::timeout(SIGHT_DURATION_MAX, seen.wait_for(is_in)).await {
                    Ok(Ok(_)) => admission,
                    Ok(Err(_)) | Err(_) => {
                        let why = "the leader does not see the change of members yet".to_owned();
                        members::Admission::TryLater(why)
                    }
                }
            }
            members::Admission::Refused(_) | members::Admission::TryLater(_) => admission,
        };
        let mut reply = members::to_wire(admission);
        if let Some(wire::join_reply::Result::Admitted(admission)) = &mut reply.result {
            admission.roster = Some(roster::to_wire(roster.to_introduced()));
        }
        reply
    }

    /// Whether applicant and cluster are on one machine. That a call comes from this machine is not enough: others may
    /// have sent it through a proxy here.
    fn is_local(&self, caller: OtherEnd, peer_address: &str) -> bool {
        let own = self.parts.peers.roster().find(self.parts.own.node);
        let is_own_local = own.is_some_and(|own| is_loopback(&own.peer_address));
        let comes_from_here = caller.remote.is_some_and(|remote| remote.ip().to_canonical().is_loopback());
        comes_from_here && is_own_local && is_loopback(peer_address)
    }

    /// A node that is changing its key is the node that the members know by the one before.
    fn known_by_key_before(&self, applicant: &mut Applicant) {
        let Some(claims) = applicant.claims else { return };
        let roster = self.parts.peers.roster();
        if claims.cluster == self.parts.own.cluster
            && roster.is_key_of(claims.node, &applicant.member.public_key)
            && let Some(known) = roster.key_in_membership(claims.node)
        {
            applicant.member.public_key = known;
        }
    }

    /// Whether somebody new may come in: with a token, or from this machine.
    fn check_token(&self, token: &str, is_local: bool) -> Result<(), JoinTokenError> {
        if token.is_empty() {
            return if is_local { Ok(()) } else { Err(JoinTokenError::Missing) };
        }
        let token: JoinToken = token.parse()?;
        let (own, now, roster) = (self.parts.own, own_time(&self.parts.stamper), self.parts.peers.roster());
        token.check(own.cluster, now, |node, generation| roster.published_key(node, generation))
    }

    /// Passes an applicant on to the leader.
    async fn ask_leader(&self, request: wire::JoinRequest) -> wire::JoinReply {
        let later = |why: String| members::to_wire(members::Admission::TryLater(why));
        let Some(leader) = self.parts.leadership.borrow().leader else {
            return later("the cluster has no leader at the moment".to_owned());
        };
        if request.node == Some(leader) {
            // It has led until it was started again, and will not answer itself.
            return later("the cluster has not noticed yet that this node stopped leading".to_owned());
        }
        let mut client = match self.parts.peers.client(leader, Purpose::Control) {
            Ok(client) => client,
            Err(status) => return later(status.message().to_owned()),
        };
        match tokio::time::timeout(LEADER_DURATION_MAX, client.join(request)).await {
            Ok(Ok(reply)) => reply.into_inner(),
            Ok(Err(status)) => later(status.message().to_owned()),
            Err(_) => later("the cluster's leader does not answer".to_owned()),
        }
    }
}
