//! How jobs are shown.

use holdfast_reservations::{
    BookingId, Confirm, Contradiction, Dialect, HoldTerms, Job, Millis, Outcome, Places, PoolId, Principal,
    Rejection, Reserve, ResourceId, SeatName, SeatUnavailable, SlotName, Timestamp, UserId,
};
use serde_json::{Value, json};

use super::*;
use crate::http::s2::seats::tests::{HELD, booking};

const USER: UserId = UserId(9);

/// The id of the second seat of pool 3.
const SEAT: &str = "393217";

fn hold() -> JobCommand {
    JobCommand::Reserve(Reserve {
        slot: SlotName::OfPool(PoolId(3)),
        pool: None,
        places: Places::Seats(vec![SeatName::Number(1)]),
        hold: Some(HoldTerms { duration: None, dialect: Dialect::S2 }),
        user: None,
    })
}

fn reserve() -> JobCommand {
    JobCommand::Confirm(Confirm { booking: BookingId(4), expected_version: None, part: None, paid: None })
}

fn view(command: JobCommand, state: JobState) -> JobView {
    let (principal, at) = (Principal::User { user: USER, token_version: 0 }, Timestamp(10_000));
    let is_done = matches!(state, JobState::Done { .. });
    let job = Job {
        user: USER,
        principal,
        command,
        booking: None,
        priority: 0,
        not_before: at,
        created_at: at,
        state,
    };
    let (position, wait) = if is_done { (None, Millis(0)) } else { (Some(3), Millis(1500)) };
    JobView { id: JobId(17), job, position, wait: Some(wait) }
}

fn waiting() -> JobState {
    JobState::Waiting { resource: ResourceId(7), sequence: 4 }
}

fn done(outcome: Outcome) -> JobState {
    JobState::Done { at: Timestamp(12_000), outcome: Box::new(outcome), forgotten_at: Timestamp(312_000) }
}

fn shown(command: JobCommand, state: JobState) -> Value {
    let view = view(command, state);
    let job =
        SeatJob { view, pool: PoolId(3), number: 1, user: "4fd1".to_owned(), event: Some(ResourceId(7)) };
    serde_json::to_value(job_body(&job)).unwrap()
}

fn seat(status: &str) -> Value {
    let id = SEAT;
    json!({"id": id, "eventId": "7", "performanceId": "5", "seatNumber": "2", "UUID": "4fd1", "status": status})
}

#[test]
fn who_is_accepted_is_told_where_to_look() {
    let accepted = |command, state| serde_json::to_value(accepted_body(&view(command, state))).unwrap();
    let expected = json!({
        "message": "The seat is going to be held; see statusEndpoint.",
        "jobId": "17", "position": 3, "estimatedWaitTime": 2, "statusEndpoint": "/seats/job/17/status",
    });
    assert_eq!(accepted(hold(), waiting()), expected);
    let at_once = accepted(reserve(), done(Outcome::Booking(BookingId(4), booking(BookingState::Confirmed))));
    assert_eq!((&at_once["position"], &at_once["estimatedWaitTime"]), (&json!(0), &json!(0)));
}

#[test]
fn a_job_that_waits_says_for_how_long() {
    let expected = json!({
        "id": "17", "jobId": "17", "type": "HOLD_SEAT", "status": "waiting", "position": 3, "estimatedWaitTime": 2,
        "data": {"seatId": SEAT, "userUUID": "4fd1", "id": SEAT, "UUID": "4fd1"}, "createdAt": 10_000,
    });
    assert_eq!(shown(hold(), waiting()), expected);
}

#[test]
fn a_job_that_succeeded_shows_the_seat_as_it_left_it() {
    let held = shown(hold(), done(Outcome::Booking(BookingId(4), booking(HELD))));
    let expected = json!({
        "id": "17", "jobId": "17", "type": "HOLD_SEAT", "status": "completed",
        "data": {"seatId": SEAT, "userUUID": "4fd1", "id": SEAT, "UUID": "4fd1"},
        "result": {"success": true, "status": 200, "message": "Seat held for 60 seconds.", "seat": seat("On hold")},
        "createdAt": 10_000, "completedAt": 12_000,
    });
    assert_eq!(held, expected);
    let reserved = shown(reserve(), done(Outcome::Booking(BookingId(4), booking(BookingState::Confirmed))));
    let result =
        json!({"success": true, "status": 200, "message": "Seat reserved.", "seat": seat("Reserved")});
    assert_eq!((&reserved["type"], &reserved["result"]), (&json!("RESERVE_SEAT"), &result));
}

#[test]
fn a_job_that_was_refused_is_completed_without_success() {
    let taken = SeatUnavailable { label: "2".to_owned(), held_until: Some(Timestamp(70_000)) };
    let refused = shown(hold(), done(Outcome::Rejected(Rejection::SeatTaken(taken))));
    assert_eq!((&refused["status"], &refused["completedAt"]), (&json!("completed"), &json!(12_000)));
    let result = &refused["result"];
    assert_eq!(
        (&result["success"], &result["status"], &result["error"]),
        (&json!(false), &json!(423), &json!("seat_taken"))
    );
    assert!(result["message"].as_str().is_some_and(|message| !message.is_empty()));
    assert_eq!(result["seat"], Value::Null);

    let failed = shown(hold(), done(Outcome::Contradicted(Contradiction::Overflow)));
    assert_eq!((&failed["status"], &failed["result"]["status"]), (&json!("failed"), &json!(500)));
}
