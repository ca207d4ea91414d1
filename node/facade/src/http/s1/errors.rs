//! Problems as S1 writes them, in the shape of NestJS.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::problem::Problem;

/// An answer, with the status that S1 gives its problem.
pub(super) async fn adapt(mut response: Response) -> Response {
    match response.extensions_mut().remove::<Problem>() {
        Some(problem) => adapted(problem).into_response(),
        None => response,
    }
}

/// A problem with S1's status: whatever a caller should have asked otherwise is 400.
fn adapted(problem: Problem) -> Problem {
    let detail = match problem.code {
        "invalid" => return Problem { status: 400, ..problem },
        "has_slots" => "the event has performances; delete them first",
        "has_bookings" => "seats of the performance are reserved or sold, so it stays as it is",
        _ => return problem,
    };
    Problem { status: 400, detail: detail.to_owned(), ..problem }
}

/// `{statusCode,message,error}`, the code, and what else a program can use.
pub(crate) fn nest(problem: &Problem) -> Value {
    let mut body = problem.extra.clone();
    if let Some(state) = problem.extra.get("seatStatus") {
        body.insert("reason".to_owned(), state.clone());
    }
    if let Some(until) = problem.extra.get("heldUntil") {
        body.insert("expiresAt".to_owned(), until.clone());
    }
    let status = StatusCode::from_u16(problem.status).ok();
    let title = status.and_then(|status| status.canonical_reason()).unwrap_or("Error");
    body.insert("statusCode".to_owned(), json!(problem.status));
    body.insert("message".to_owned(), json!(problem.detail));
    body.insert("error".to_owned(), json!(title));
    body.insert("code".to_owned(), json!(problem.code));
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use holdfast_reservations::{Rejection, SeatUnavailable, Timestamp};

    use super::*;
    use crate::problem::rejected;

    #[test]
    fn a_problem_has_the_fields_of_nest() {
        let problem = Problem::not_found("seat_not_found", "seat 7").with("message", json!("another"));
        let expected = json!({
            "statusCode": 404, "message": "there is no seat 7, or it is not yours", "error": "Not Found",
            "code": "seat_not_found",
        });
        assert_eq!(nest(&problem), expected);
    }

    #[test]
    fn a_seat_that_is_taken_says_how_and_until_when() {
        let taken = |held_until| {
            let body =
                nest(&rejected(&Rejection::SeatTaken(SeatUnavailable { label: "7".into(), held_until })));
            (body["statusCode"].clone(), body["reason"].clone(), body["expiresAt"].clone())
        };
        assert_eq!(taken(None), (json!(409), json!("sold"), Value::Null));
        let held = (json!(409), json!("held"), json!("1970-01-01T00:01:00Z"));
        assert_eq!(taken(Some(Timestamp(60_000))), held);
    }

    #[test]
    fn what_should_have_been_asked_otherwise_is_400() {
        let status = |problem| adapted(problem).status;
        assert_eq!(status(Problem::senseless("totalSeats is at least 1")), 400);
        for rejection in [Rejection::HasSlots, Rejection::HasBookings, Rejection::NothingAsked] {
            assert_eq!(status(rejected(&rejection)), 400, "{rejection:?}");
        }
        assert_eq!(status(rejected(&Rejection::KeyReused)), 422);
        assert_eq!(status(rejected(&Rejection::NotHeld)), 409);
        assert_eq!(status(Problem::overloaded("too much")), 503);
    }

    #[tokio::test]
    async fn a_success_stays_and_a_problem_can_still_be_rendered() {
        let success = StatusCode::CREATED.into_response();
        assert_eq!(adapt(success).await.status(), StatusCode::CREATED);
        let adapted = adapt(Problem::senseless("no title").into_response()).await;
        assert_eq!(adapted.status(), StatusCode::BAD_REQUEST);
        assert_eq!(adapted.extensions().get::<Problem>().map(|problem| problem.status), Some(400));
    }
}
