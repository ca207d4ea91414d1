//! What operators' tools see is what HTTP shows them.

use super::*;

fn node(wish: Wish, is_voter: bool) -> NodeStatus {
    let (client_address, peer_address) = ("a:3000".to_owned(), "a:3001".to_owned());
    NodeStatus { id: 7, is_voter, wish, client_address, peer_address, progress: None }
}

#[test]
fn a_node_is_what_it_is_and_what_is_wanted_of_it() {
    let seen = |wish, is_voter| {
        let proto::ClusterNode { id, listen, peer, applied_index, lag, replaced_by, .. } =
            node_of(node(wish, is_voter));
        assert_eq!((id, listen.as_str(), peer.as_str()), (7, "a:3000", "a:3001"));
        assert_eq!((applied_index, lag), (None, None), "nobody has heard of it");
        let shown = node_of(node(wish, is_voter));
        (shown.role().as_str_name(), shown.wanted().as_str_name(), replaced_by)
    };
    assert_eq!(seen(Wish::Votes, false), ("NODE_ROLE_LEARNER", "NODE_WISH_VOTER", None));
    assert_eq!(seen(Wish::Learns, true), ("NODE_ROLE_VOTER", "NODE_WISH_LEARNER", None));
    assert_eq!(seen(Wish::Removed, true), ("NODE_ROLE_VOTER", "NODE_WISH_REMOVED", None));
    let replaced = Wish::Replaced { by: Some(9) };
    assert_eq!(seen(replaced, true), ("NODE_ROLE_VOTER", "NODE_WISH_REPLACED", Some(9)));
}

#[test]
fn a_change_that_waits_is_not_done() {
    let (steps, waits_for) = (vec!["make node 7 a learner".to_owned()], Some("node 7".to_owned()));
    let left = change_of(Change { steps: steps.clone(), waits_for: waits_for.clone() }, false);
    assert_eq!(left, proto::MembersChange { dry_run: false, done: false, steps, waits_for });
    assert!(change_of(Change::default(), true).done);
}
