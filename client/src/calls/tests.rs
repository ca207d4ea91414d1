use tokio::sync::oneshot::Receiver;
use tokio::time::advance;

use super::*;

/// Calls under ids that are numbers, each for a slot.
#[derive(Default)]
struct Desk {
    calls: Calls,
}

impl Desk {
    fn call(&mut self, id: u128, slot_id: u64, seconds: u64) -> Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        let book = proto::BookRequest { slot_id, ..proto::BookRequest::default() };
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let request_id = Uuid::from_u128(id);
        self.calls.note(Operation { request_id, command: Command::Book(book), deadline, answer });
        answered
    }

    /// The ids that are sent now.
    fn send(&mut self) -> Vec<u128> {
        let calls = self.calls.next_message().map(|message| message.calls).unwrap_or_default();
        let mut ids: Vec<u128> =
            calls.iter().map(|call| Uuid::from_slice(&call.request_id).unwrap().as_u128()).collect();
        ids.sort_unstable();
        ids
    }

    /// A node answers: 200 is a booking of that id, anything else a problem.
    fn reply(&mut self, id: u128, status: u32, code: &str) {
        let result = match status {
            200 => Outcome::Booking(proto::Booking { id: id as u64, ..proto::Booking::default() }),
            _ => Outcome::Problem(proto::Problem { status, code: code.to_owned(), ..Default::default() }),
        };
        let request_id = Uuid::from_u128(id).as_bytes().to_vec().into();
        self.calls.settle(proto::Reply { request_id, result: Some(result) });
    }
}

fn told(answered: &mut Receiver<Answer>) -> String {
    match answered.try_recv() {
        Ok(Ok(booking)) => format!("booking {}", booking.id),
        Ok(Err(Error::Refused(refusal))) => format!("refused {}", refusal.status),
        Ok(Err(Error::Unavailable(_))) => "unavailable".to_owned(),
        Ok(Err(Error::Unknown { request_id })) => format!("unknown {}", request_id.as_u128()),
        Ok(Err(Error::Setup(says))) => says,
        Err(error) => error.to_string(),
    }
}

const WAITS: &str = "channel empty";

#[tokio::test(start_paused = true)]
async fn a_refusal_of_a_retry_says_nothing_of_the_first_attempt_unless_it_is_remembered() {
    let cases = [
        (400, "malformed", "unknown 1"),
        (401, "unauthenticated", "unknown 1"),
        (403, "forbidden", "unknown 1"),
        (404, "slot_not_found", "refused 404"),
        (409, "slot_full", "refused 409"),
        (409, "key_expired", "unknown 1"),
        (422, "key_reused", "refused 422"),
        (429, "rate_limited", "unknown 1"),
    ];
    for (status, code, retried) in cases {
        let mut desk = Desk::default();
        let mut first = desk.call(1, 17, 10);
        assert_eq!(desk.send(), [1]);
        desk.reply(1, status, code);
        assert_eq!(told(&mut first), format!("refused {status}"), "{code}: it was the only attempt");

        let mut cut_off = desk.call(1, 17, 10);
        assert_eq!(desk.send(), [1]);
        desk.calls.lose_stream();
        desk.calls.resend();
        assert_eq!(desk.send(), [1], "the same call under the same id");
        desk.reply(1, status, code);
        assert_eq!(told(&mut cut_off), retried, "{code} after a lost stream");

        let mut in_doubt = desk.call(1, 17, 10);
        desk.send();
        desk.reply(1, 504, "outcome_unknown");
        desk.calls.sweep();
        assert_eq!(desk.send(), [1]);
        desk.reply(1, status, code);
        assert_eq!(told(&mut in_doubt), retried, "{code} after 504");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_no_node_takes_refuses_only_what_was_never_sent() {
    let mut desk = Desk::default();
    let mut sent = desk.call(1, 17, 10);
    desk.send();
    desk.calls.lose_stream();
    let mut not_sent = desk.call(2, 17, 10);
    let problem = proto::Problem { status: 401, ..Default::default() };
    desk.calls.refuse_all(&Refusal::from(problem));
    assert_eq!((told(&mut sent), told(&mut not_sent)), ("unknown 1".to_owned(), "refused 401".to_owned()));
    assert!(desk.calls.is_empty() && desk.calls.have_room());
}

#[tokio::test(start_paused = true)]
async fn at_its_deadline_a_call_is_unknown_unless_no_attempt_can_have_taken_effect() {
    let mut desk = Desk::default();
    let mut turned_away = desk.call(1, 17, 5);
    let mut cut_off = desk.call(2, 17, 5);
    let mut unanswered = desk.call(3, 17, 5);
    assert_eq!(desk.send(), [1, 2, 3]);
    desk.reply(1, 503, "no_quorum");
    desk.reply(2, 504, "outcome_unknown");
    let mut never_sent = desk.call(4, 17, 5);
    advance(Duration::from_secs(5)).await;
    desk.calls.sweep();
    assert_eq!(told(&mut turned_away), "unavailable");
    assert_eq!(told(&mut cut_off), "unknown 2");
    assert_eq!(told(&mut unanswered), "unknown 3");
    assert_eq!(told(&mut never_sent), "unavailable");
    assert!(desk.calls.is_empty() && desk.send().is_empty(), "nothing of it is left");
}

#[tokio::test(start_paused = true)]
async fn who_calls_again_under_the_same_id_waits_for_the_same_answer() {
    let mut desk = Desk::default();
    let mut first = desk.call(1, 17, 2);
    assert_eq!(desk.send(), [1]);
    let mut second = desk.call(1, 17, 10);
    assert_eq!(desk.send(), [], "it is on its way already");
    let mut another = desk.call(1, 18, 10);
    assert!(told(&mut another).contains("asks for something else"));

    // The first caller's time is over, but what was sent was sent.
    advance(Duration::from_secs(2)).await;
    desk.calls.sweep();
    assert_eq!((told(&mut first), told(&mut second)), ("unknown 1".to_owned(), WAITS.to_owned()));
    let mut third = desk.call(1, 17, 10);
    desk.reply(1, 200, "");
    assert_eq!((told(&mut second), told(&mut third)), ("booking 1".to_owned(), "booking 1".to_owned()));
    assert!(desk.calls.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_settles_nothing_has_had_its_chance() {
    let mut desk = Desk::default();
    let _answered = (desk.call(1, 17, 60), desk.call(2, 17, 60));
    desk.calls.resend();
    desk.send();
    advance(UNSETTLED_DURATION_MAX / 2).await;
    desk.reply(1, 409, "slot_full");
    advance(UNSETTLED_DURATION_MAX / 2).await;
    desk.reply(2, 503, "no_quorum");
    assert!(!desk.calls.are_stuck());
    advance(UNSETTLED_DURATION_MAX / 2).await;
    assert!(desk.calls.are_stuck(), "503 settles nothing");
    desk.calls.resend();
    assert!(!desk.calls.are_stuck(), "the next node has its own time");

    desk.send();
    desk.reply(2, 200, "");
    advance(UNSETTLED_DURATION_MAX * 2).await;
    desk.calls.sweep();
    assert!(!desk.calls.are_stuck(), "nothing is open");
}
