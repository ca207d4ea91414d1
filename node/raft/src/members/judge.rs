//! Who may come in: decided from the members alone.

use holdfast_proto::raft as wire;
use holdfast_storage::identity::{ClusterId, Membership as NodeIdentity};

use super::{Admission, Applicant, HOW_TO_JOIN};
use crate::net::{is_address, is_everywhere};
use crate::types::{Member, Membership};

/// What can be said about an applicant from the members alone.
pub(super) fn judge(cluster: ClusterId, membership: &Membership, applicant: &Applicant) -> Option<Admission> {
    let Applicant { member, claims } = applicant;
    let by_key = membership.nodes().find(|(_, known)| known.public_key == member.public_key);
    // Whoever is on his way out has given his address away.
    let is_there = |known: &Member| known.peer_address == member.peer_address && known.leaving.is_none();
    let by_address = membership.nodes().find(|(_, known)| is_there(known));
    if let Some(claims) = claims {
        let refused = match by_key {
            _ if claims.cluster != cluster => format!(
                "this data folder is node {} of cluster {}, which is another cluster than {cluster}; start it with an \
                 empty folder to join this one: {HOW_TO_JOIN}",
                claims.node, claims.cluster
            ),
            Some((node, known)) if *node == claims.node => match by_address {
                Some((other, _)) if *other != claims.node => format!(
                    "{} is the address of node {other}, but this data folder is node {}: a copy of another node's disk \
                     must not run",
                    member.peer_address, claims.node
                ),
                None if known.peer_address != member.peer_address && known.leaving.is_none() => format!(
                    "node {} of the cluster has the address {}, and the others look for it there, not at {}; start it with \
                     --peer-advertise {}, or replace it by a node at another address: holdfast cluster replace {}",
                    claims.node, known.peer_address, member.peer_address, known.peer_address, claims.node
                ),
                Some(_) | None => return Some(Admission::Admitted(*claims)),
            },
            None if membership.get_node(&claims.node).is_some() => format!(
                "this data folder is an old copy of node {}, which has another key by now, and must not run; put the \
                 newest one back, or replace the node: holdfast cluster replace {}, and then with an empty folder: \
                 {HOW_TO_JOIN}",
                claims.node, claims.node
            ),
            _ => format!(
                "node {} was removed from the cluster; start it with an empty data folder to join as a new node: \
                 {HOW_TO_JOIN}",
                claims.node
            ),
        };
        return Some(Admission::Refused(refused));
    }
    // The same folder asks again: its first answer was lost.
    if let Some((node, _)) = by_key {
        return Some(Admission::Admitted(NodeIdentity { cluster, node: *node }));
    }
    if let Err(why) = check_addresses(member) {
        return Some(Admission::Refused(why));
    }
    let (node, _) = by_address?;
    Some(Admission::Refused(format!(
        "node {node} of the cluster has the address {}, but this data folder is not its own: its data was wiped. A node \
         that forgot what it acknowledged must not vote. Put its data back; or replace it by a new node: holdfast \
         cluster replace {node}, and then with the empty folder: {HOW_TO_JOIN}",
        member.peer_address
    )))
}

/// Whether others can find whoever comes in. What it says of itself is kept by all and shown to people.
fn check_addresses(member: &Member) -> Result<(), String> {
    let Member { peer_address, client_address, .. } = member;
    for (address, flag) in [(peer_address, "--peer-advertise"), (client_address, "--advertise")] {
        if !is_address(address) || address.ends_with(":0") {
            return Err(format!(
                "a node's address is HOST:PORT; say {flag} HOST:PORT with one that others reach"
            ));
        }
    }
    match is_everywhere(peer_address) {
        true => Err(format!(
            "{peer_address} is every address of a machine, and no other node would find this one there; say \
             --peer-advertise HOST:PORT with one that others reach"
        )),
        false => Ok(()),
    }
}

/// An applicant as the wire names it.
pub(crate) fn from_wire(request: wire::JoinRequest) -> Result<Applicant, String> {
    let public_key = <[u8; 32]>::try_from(request.public_key.as_ref());
    let public_key = public_key.map_err(|_| "the public key is not 32 bytes long".to_owned())?;
    let claims = match request.node {
        None => None,
        Some(node) => {
            let cluster = request.cluster.parse().map_err(|_| "the cluster's name is damaged".to_owned())?;
            Some(NodeIdentity { cluster, node })
        }
    };
    let (peer_address, client_address) = (request.peer_address, request.client_address);
    let stays_learner = request.stays_learner;
    let member = Member { peer_address, client_address, public_key, stays_learner, leaving: None };
    Ok(Applicant { member, claims })
}

/// An answer as the wire says it.
pub(crate) fn to_wire(admission: Admission) -> wire::JoinReply {
    use wire::join_reply::Result as Reply;
    let result = match admission {
        Admission::Admitted(NodeIdentity { cluster, node }) => {
            Reply::Admitted(wire::Admission { cluster: cluster.to_string(), node, roster: None })
        }
        Admission::Refused(why) => Reply::Refused(why),
        Admission::TryLater(why) => Reply::TryLater(why),
    };
    wire::JoinReply { result: Some(result) }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::types::Leaving;

    const CLUSTER: ClusterId = ClusterId(7);

    fn member(port: u16, key: u8) -> Member {
        Member {
            peer_address: format!("127.0.0.1:{port}"),
            client_address: "127.0.0.1:3000".to_owned(),
            public_key: [key; 32],
            stays_learner: false,
            leaving: None,
        }
    }

    fn say(member: Member, claims: Option<NodeIdentity>) -> String {
        say_among([(1, self::member(3001, 1)), (5, self::member(3011, 5))], member, claims)
    }

    fn say_among<const N: usize>(
        members: [(u64, Member); N],
        member: Member,
        claims: Option<NodeIdentity>,
    ) -> String {
        let nodes = BTreeMap::from(members);
        let membership = Membership::new(vec![BTreeSet::from([1])], nodes).unwrap();
        match judge(CLUSTER, &membership, &Applicant { member, claims }) {
            None => "new".to_owned(),
            Some(Admission::Admitted(NodeIdentity { node, .. })) => format!("node {node}"),
            Some(Admission::Refused(why)) => format!("refused: {why}"),
            Some(Admission::TryLater(why)) => format!("later: {why}"),
        }
    }

    #[test]
    fn a_folder_gets_the_same_answer_again_and_nobody_takes_anothers_place() {
        assert_eq!(say(member(3021, 9), None), "new");
        assert_eq!(say(member(3011, 5), None), "node 5");
        let wiped = say(member(3011, 9), None);
        assert!(wiped.starts_with("refused: node 5 of the cluster"), "{wiped}");
        assert!(wiped.contains("wiped") && wiped.contains("holdfast cluster replace 5"), "{wiped}");
        assert!(wiped.contains("--join-token-file"), "{wiped}");
    }

    #[test]
    fn who_cannot_be_found_does_not_come_in() {
        let at = |peer_address: &str, client_address: &str| Member {
            peer_address: peer_address.to_owned(),
            client_address: client_address.to_owned(),
            ..member(3021, 9)
        };
        let long = format!("{}:1", "a".repeat(300));
        for wrong in ["", "nonsense", "a b:1", "h\n:1", "h:0", "h:70000", &long] {
            let said = [say(at(wrong, "h:1"), None), say(at("h:1", wrong), None)];
            assert!(said[0].contains("--peer-advertise") && said[1].contains("--advertise"), "{said:?}");
            assert!(said.iter().all(|said| said.len() < 200 && !said.contains('\n')), "{said:?}");
        }
        for everywhere in ["0.0.0.0:3001", "[::]:3001"] {
            assert!(say(at(everywhere, "h:1"), None).contains("every address of a machine"));
        }
        assert_eq!(say(at("[fd00::1]:3001", "node-1.example.com:3000"), None), "new");
        let known = Member { public_key: [5; 32], ..at("", "") };
        assert_eq!(say(known, None), "node 5", "who is in stays in");
    }

    #[test]
    fn a_folder_that_was_a_node_is_that_node_or_none() {
        let claims = |cluster, node| Some(NodeIdentity { cluster: ClusterId(cluster), node });
        assert_eq!(say(member(3011, 5), claims(7, 5)), "node 5");
        assert!(say(member(3011, 5), claims(8, 5)).contains("another cluster"));
        assert!(say(member(3031, 9), claims(7, 9)).contains("was removed"));
        let moved = say(member(3041, 5), claims(7, 5));
        assert!(
            moved.contains("has the address 127.0.0.1:3011") && moved.contains("--peer-advertise"),
            "{moved}"
        );
        let old = say(member(3011, 9), claims(7, 5));
        assert!(old.contains("an old copy of node 5") && old.contains("holdfast cluster replace 5"), "{old}");
        assert!(say(member(3001, 5), claims(7, 5)).contains("a copy of another node's disk"));
    }

    #[test]
    fn who_is_replaced_has_given_his_address_away() {
        let replaced = || Member { leaving: Some(Leaving::Replaced { by: None }), ..member(3011, 5) };
        let claims = |node| Some(NodeIdentity { cluster: CLUSTER, node });
        let founder = || (1, member(3001, 1));
        assert_eq!(say_among([founder(), (5, replaced())], member(3011, 9), None), "new");
        assert_eq!(say_among([founder(), (5, replaced())], member(3011, 5), claims(5)), "node 5");
        let both = || [founder(), (5, replaced()), (9, member(3011, 9))];
        assert_eq!(say_among(both(), member(3011, 9), claims(9)), "node 9");
        assert!(say_among(both(), member(3011, 5), claims(5)).contains("the address of node 9"));
        assert!(say_among(both(), member(3011, 7), None).contains("holdfast cluster replace 9"));
    }
}
