//! What no client may ever be told, whatever goes wrong: an answer that cannot be read, or one that says that the call was
//! wrong, or that the node does not know what to say.

use holdfast_model::{Answer, Call};

/// Answers that mean a bug: ours, since clients say nothing wrong and ask nothing that they may not, but for one thing.
const NEVER: [&str; 4] = ["0", "400", "403", "500"];

/// What those try who have lost the right, or never had it. Who has it is judged by what was ruled.
const TRIED_BY_OTHERS: [&str; 5] = ["check_in", "scan", "scan_again", "scan_otherwise", "undo_scan"];

/// What is wrong with an answer in a word or two, a status and a code.
#[must_use]
pub fn complaint_of_answer(operation: &str, answer: &str) -> Option<String> {
    let status = answer.split(' ').next()?;
    let is_fine = status == "403" && TRIED_BY_OTHERS.contains(&operation);
    (NEVER.contains(&status) && !is_fine).then(|| format!("{operation} was answered {answer:?}"))
}

/// What is wrong with a call: whatever succeeds must be readable.
#[must_use]
pub fn complaint_of_call(call: &Call) -> Option<String> {
    match &call.answer {
        Answer::NotDone(why) if why.starts_with("damaged") => {
            Some(format!("the answer to {:?} cannot be read: {why}", call.request))
        }
        Answer::NotDone(_)
        | Answer::Booking(_)
        | Answer::Slot(_)
        | Answer::List { .. }
        | Answer::Refused(_)
        | Answer::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use holdfast_model::{BookingId, Request, UserId};

    use super::*;

    #[test]
    fn only_bugs_are_complained_of() {
        for fine in
            ["done", "409 slot_full", "503 overloaded", "not sent", "silence", "429 too_many_requests"]
        {
            assert_eq!(complaint_of_answer("book", fine), None, "{fine}");
        }
        let says = complaint_of_answer("book", "500 internal").unwrap();
        assert_eq!(says, r#"book was answered "500 internal""#);
        assert!(complaint_of_answer("book", "0 ").is_some());
        assert!(complaint_of_answer("book", "403 forbidden").is_some());
        assert_eq!(complaint_of_answer("check_in", "403 forbidden"), None);
    }

    #[test]
    fn success_that_cannot_be_read_is_complained_of() {
        let call = |answer| Call {
            invoked_at: 0,
            answered_at: 1,
            user: UserId(1),
            node: None,
            key: None,
            request: Request::Get(BookingId(1)),
            answer,
            index: None,
        };
        assert!(complaint_of_call(&call(Answer::NotDone("damaged-{}".to_owned()))).is_some());
        assert_eq!(complaint_of_call(&call(Answer::NotDone("503-no_leader".to_owned()))), None);
    }
}
