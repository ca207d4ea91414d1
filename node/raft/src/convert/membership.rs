//! A membership as it is stored and sent. Version 1 as long as nobody is on his way out, so that a node that knows no
//! other version can follow; version 2 names those who leave.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use holdfast_storage::codec::{self, CodecError};
use serde::{Deserialize, Serialize};

use super::ConvertError;
use crate::types::{Leaving, Member, Membership};

/// The version of [`MembershipShape`] alone.
const ALL_STAY: u8 = 1;

/// The version of a [`MembershipShape`] and who of them leaves.
const SOME_LEAVE: u8 = 2;

#[derive(Serialize, Deserialize)]
struct MembershipShape {
    /// One set of voters, or two while a change is under way.
    voters: Vec<BTreeSet<u64>>,
    nodes: BTreeMap<u64, MemberShape>,
}

#[derive(Serialize, Deserialize)]
struct MemberShape {
    peer_address: String,
    client_address: String,
    public_key: [u8; 32],
    stays_learner: bool,
}

pub(crate) fn encode_membership(membership: &Membership) -> Result<Bytes, ConvertError> {
    let voters = membership.get_joint_config().clone();
    let nodes = membership.nodes().map(|(id, member)| (*id, to_shape(member.clone()))).collect();
    let leaving = membership.nodes().filter_map(|(id, member)| Some((*id, member.leaving?)));
    let leaving: BTreeMap<u64, Leaving> = leaving.collect();
    let shape = MembershipShape { voters, nodes };
    let mut bytes = Vec::new();
    match leaving.is_empty() {
        true => codec::encode(ALL_STAY, &shape, &mut bytes)?,
        false => codec::encode(SOME_LEAVE, &(shape, leaving), &mut bytes)?,
    }
    Ok(bytes.into())
}

pub(crate) fn decode_membership(bytes: &[u8]) -> Result<Membership, ConvertError> {
    let (shape, mut leaving): (MembershipShape, BTreeMap<u64, Leaving>) = match codec::decode(bytes, ALL_STAY)
    {
        Ok(shape) => (shape, BTreeMap::new()),
        Err(CodecError::Unknown { version: SOME_LEAVE, .. }) => codec::decode(bytes, SOME_LEAVE)?,
        Err(error) => return Err(error.into()),
    };
    let nodes = shape.nodes.into_iter().map(|(id, member)| (id, from_shape(member, leaving.remove(&id))));
    let nodes: BTreeMap<u64, Member> = nodes.collect();
    Membership::new(shape.voters, nodes).map_err(|error| ConvertError::Membership(error.to_string()))
}

fn to_shape(member: Member) -> MemberShape {
    let Member { peer_address, client_address, public_key, stays_learner, leaving: _ } = member;
    MemberShape { peer_address, client_address, public_key, stays_learner }
}

fn from_shape(shape: MemberShape, leaving: Option<Leaving>) -> Member {
    let MemberShape { peer_address, client_address, public_key, stays_learner } = shape;
    Member { peer_address, client_address, public_key, stays_learner, leaving }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kept for ever: what older nodes have on their disks.
    const ALL_STAY_BYTES: &str = include_str!("membership_v1.hex");
    const SOME_LEAVE_BYTES: &str = include_str!("membership_v2.hex");

    fn membership(leaving: [Option<Leaving>; 3]) -> Membership {
        let member = |(id, leaving): (u64, Option<Leaving>)| {
            let member = Member {
                peer_address: format!("10.0.0.{id}:3001"),
                client_address: format!("10.0.0.{id}:3000"),
                public_key: [id as u8; 32],
                stays_learner: id == 300,
                leaving,
            };
            (id, member)
        };
        let nodes: BTreeMap<u64, Member> = [1, 2, 300].into_iter().zip(leaving).map(member).collect();
        Membership::new(vec![BTreeSet::from([1, 2]), BTreeSet::from([2])], nodes).unwrap()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn check(membership: &Membership, golden: &str) {
        let bytes = encode_membership(membership).unwrap();
        assert_eq!(hex(&bytes), golden.trim());
        assert_eq!(decode_membership(&bytes).unwrap(), *membership);
    }

    #[test]
    fn memberships_keep_their_bytes() {
        check(&membership([None; 3]), ALL_STAY_BYTES);
        let replaced = |by| Some(Leaving::Replaced { by });
        check(&membership([Some(Leaving::Removed), replaced(None), replaced(Some(300))]), SOME_LEAVE_BYTES);
    }

    #[test]
    fn what_is_of_no_version_is_refused() {
        let mut bytes = Vec::new();
        codec::encode(3, &0_u8, &mut bytes).unwrap();
        assert!(decode_membership(&bytes).is_err());
        assert!(decode_membership(&[]).is_err());
    }
}
