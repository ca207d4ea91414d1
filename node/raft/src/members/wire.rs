//! Goals and their answers, between nodes.

use holdfast_proto::raft as wire;
use holdfast_proto::raft::control_reply::Result as Reply;
use holdfast_proto::raft::control_request::Goal as WireGoal;

use super::control::Attempt;
use super::goal::{Change, ChangeError, Goal, RefusalCode};

pub(crate) fn goal_to_wire(goal: Goal) -> WireGoal {
    match goal {
        Goal::Remove { node } => WireGoal::Remove(node),
        Goal::Promote { node } => WireGoal::Promote(node),
        Goal::Replace { node, by } => WireGoal::Replace(wire::ReplaceGoal { node, by }),
        Goal::Drain { node } => WireGoal::Drain(node),
        Goal::Transfer { to } => WireGoal::Transfer(wire::TransferGoal { to }),
    }
}

pub(crate) fn goal_from_wire(goal: Option<WireGoal>) -> Option<Goal> {
    Some(match goal? {
        WireGoal::Remove(node) => Goal::Remove { node },
        WireGoal::Promote(node) => Goal::Promote { node },
        WireGoal::Replace(wire::ReplaceGoal { node, by }) => Goal::Replace { node, by },
        WireGoal::Drain(node) => Goal::Drain { node },
        WireGoal::Transfer(wire::TransferGoal { to }) => Goal::Transfer { to },
    })
}

pub(crate) fn attempt_to_wire(attempt: Attempt) -> wire::ControlReply {
    let result = match attempt {
        Attempt::Answered(Change { steps, waits_for }) => {
            Reply::Answer(wire::ControlAnswer { steps, waits_for })
        }
        Attempt::Failed(ChangeError::Refused { code, says }) => {
            Reply::Refused(wire::ControlRefusal { code: code.as_str().to_owned(), says })
        }
        Attempt::Failed(ChangeError::Unavailable(says)) => Reply::Unavailable(says),
        Attempt::Failed(ChangeError::Unknown) => Reply::Unknown(wire::Unit {}),
        Attempt::NotLeader { is_begun } => Reply::NotLeader(wire::NotLeader { is_begun }),
    };
    wire::ControlReply { result: Some(result) }
}

pub(crate) fn attempt_from_wire(reply: wire::ControlReply) -> Attempt {
    match reply.result {
        Some(Reply::Answer(wire::ControlAnswer { steps, waits_for })) => {
            Attempt::Answered(Change { steps, waits_for })
        }
        Some(Reply::Refused(wire::ControlRefusal { code, says })) => match RefusalCode::parse(&code) {
            Some(code) => Attempt::Failed(ChangeError::Refused { code, says }),
            // A newer leader's; what it says is what matters.
            None => Attempt::Failed(ChangeError::Unavailable(says)),
        },
        Some(Reply::Unavailable(says)) => Attempt::Failed(ChangeError::Unavailable(says)),
        Some(Reply::NotLeader(wire::NotLeader { is_begun })) => Attempt::NotLeader { is_begun },
        Some(Reply::Unknown(_)) | None => Attempt::Failed(ChangeError::Unknown),
    }
}
