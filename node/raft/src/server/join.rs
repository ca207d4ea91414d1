//! Answers nodes that ask to be let in: the only call that somebody may make who is no member.

use std::time::Duration;

use holdfast_proto::raft as wire;
use tonic::{Request, Status};

use super::{PeerService, other_end};
use crate::introduction;
use crate::join_token::{JoinToken, JoinTokenError};
use crate::members::{self, Applicant};
use crate::net::{IS_SECURED, OtherEnd, is_loopback};
use crate::peers::Purpose;
use crate::reads::{own_index, own_time};
use crate::roster;

/// A leader that is not confirmed within this time decides nothing.
const CONFIRM_DURATION_MAX: Duration = Duration::from_secs(1);

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
        let checked = self.check_token(&request);
        let mut applicant = members::from_wire(request).map_err(Status::invalid_argument)?;
        self.known_by_key_before(&mut applicant);
        let admission = match checked {
            Ok(()) => self.parts.members.admit(applicant).await,
            Err(error) => self.refuse(&error).await,
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
                let is_in = |seen: &roster::Seen| seen.membership.get_node(&admitted.node).is_some();
                match tokio::time::timeout(CONFIRM_DURATION_MAX, seen.wait_for(is_in)).await {
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

    /// Whether somebody may ask to be let in: with a token, from this machine, or with a key that is known already.
    fn check_token(&self, request: &wire::JoinRequest) -> Result<(), JoinTokenError> {
        let roster = self.parts.peers.roster();
        let key = request.public_key.as_ref().try_into().ok();
        let is_known = request.node.is_some() || key.is_some_and(|key| roster.node_of(&key).is_some());
        if request.join_token.is_empty() {
            let needs_none = is_known || request.is_local;
            return if needs_none { Ok(()) } else { Err(JoinTokenError::Missing) };
        }
        let token: JoinToken = request.join_token.parse()?;
        let (own, now) = (self.parts.own, own_time(&self.parts.stamper));
        match token.check(own.cluster, now, |node, generation| roster.published_key(node, generation)) {
            Err(error) if !is_known => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Refuses for good, if this node still leads: otherwise the one that does may know more keys.
    async fn refuse(&self, error: &JoinTokenError) -> members::Admission {
        let confirmed = tokio::time::timeout(CONFIRM_DURATION_MAX, own_index(&self.parts.raft)).await;
        match confirmed {
            Ok(Ok(_)) => members::Admission::Refused(error.to_string()),
            Ok(Err(_)) | Err(_) => {
                members::Admission::TryLater("no quorum confirms that this node leads".to_owned())
            }
        }
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
        match client.join(request).await {
            Ok(reply) => reply.into_inner(),
            Err(status) => later(status.message().to_owned()),
        }
    }
}
