//! Types of tickets as somebody describes them: General ones are numbered, Named ones have names.

use holdfast_reservations::{HOLD_DURATION_MAX, Money, NewSeat, PlanError, SEATS_PER_POOL_MAX, SeatPlan};
use serde_json::Value;

use super::events::{DESCRIPTION_BYTES_MAX, NAME_BYTES_MAX};
use super::fields::Fields;
use super::prices::{self, price_in};
use super::ticket_types::{GENERAL, NAMED};
use crate::problem::Result;
use crate::service::is_general;

/// Longest name of a seat.
const SEAT_BYTES_MAX: usize = 64;

/// How the seed and its text spell for how long tickets are kept.
const LIMIT_FIELDS: [&str; 3] =
    ["reservation_limit_in_seconds", "reservation_timelimit_seconds", "reservation_time_limit_seconds"];

/// A type of tickets as somebody describes it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct NewType {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) price: Option<Money>,
    pub(super) plan: SeatPlan,
    /// What stands on the tickets, in the order they were named.
    pub(super) labels: Vec<String>,
    pub(super) limit_seconds: Option<u64>,
}

pub(super) fn type_from(mut fields: Fields) -> Result<NewType> {
    let name = fields.text("ticket_type", NAME_BYTES_MAX);
    let description = fields.text_if_any("description", DESCRIPTION_BYTES_MAX);
    let price = fields.expect("price").and_then(|price| {
        let read = price_in(&price);
        if read.is_none() {
            fields.wrong.add("price", prices::EXPECTED);
        }
        read
    });
    let limit_seconds = limit_from(&mut fields);
    let kind = fields.expect("seat_type");
    let (plan, labels) = match kind.as_ref().map(Value::as_str) {
        Some(Some(GENERAL)) => general_from(&mut fields),
        Some(Some(NAMED)) => named_from(&mut fields, &name),
        Some(_) => {
            fields.wrong.add("seat_type", format!("expected {GENERAL} or {NAMED}"));
            Default::default()
        }
        None => Default::default(),
    };
    fields.into_result(NewType { name, description, price, plan, labels, limit_seconds })
}

/// For how long tickets are kept, if that is said: never for no time at all.
fn limit_from(fields: &mut Fields) -> Option<u64> {
    let field = LIMIT_FIELDS.into_iter().find(|field| fields.has(field))?;
    fields.whole_if_any(field, 1..=HOLD_DURATION_MAX.0 / 1000)
}

fn general_from(fields: &mut Fields) -> (SeatPlan, Vec<String>) {
    let quantity = fields.whole("quantity", 1..=u64::from(SEATS_PER_POOL_MAX));
    let plan = SeatPlan::numbered(quantity).unwrap_or_default();
    let labels = plan.seats().map(|seat| seat.label).collect();
    (plan, labels)
}

fn named_from(fields: &mut Fields, type_name: &str) -> (SeatPlan, Vec<String>) {
    // The seats say how many there are.
    let _ = fields.whole_if_any("quantity", 1..=u64::from(SEATS_PER_POOL_MAX));
    let Some(seats) = fields.expect("seats") else { return Default::default() };
    let labels = seats.as_array().and_then(|seats| seats.iter().map(seat_name).collect::<Option<Vec<_>>>());
    let Some(labels) = labels else {
        let says = format!("expected a list of {{\"name\": ...}} with 1 to {SEAT_BYTES_MAX} bytes each");
        fields.wrong.add("seats", says);
        return Default::default();
    };
    match plan_of(&labels, type_name) {
        Ok(plan) => (plan, labels),
        Err(error) => {
            fields.wrong.add("seats", error.to_string());
            Default::default()
        }
    }
}

fn seat_name(seat: &Value) -> Option<String> {
    let name = seat.get("name")?.as_str()?;
    (1..=SEAT_BYTES_MAX).contains(&name.len()).then(|| name.to_owned())
}

/// The plan of named seats. Those that are named as general ones are numbered are told apart by a row.
fn plan_of(labels: &[String], type_name: &str) -> std::result::Result<SeatPlan, PlanError> {
    let seat = |row: Option<&str>, label: &String| NewSeat {
        label: label.clone(),
        row: row.map(str::to_owned),
        ..NewSeat::default()
    };
    let plan = SeatPlan::of(labels.iter().map(|label| seat(None, label)).collect())?;
    if !is_general(&plan) {
        return Ok(plan);
    }
    SeatPlan::of(labels.iter().map(|label| seat(Some(type_name), label)).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::s3::fields::fields_in;

    /// A type of tickets with some fields changed; those that become null are missing.
    fn read(base: &Value, changes: &Value) -> Result<NewType> {
        let mut body = base.clone();
        for (field, value) in changes.as_object().unwrap() {
            body[field] = value.clone();
        }
        type_from(fields_in(body))
    }

    fn general() -> Value {
        json!({"ticket_type": "Pit", "seat_type": "General", "description": "Close", "quantity": 3, "price": 20})
    }

    fn named() -> Value {
        json!({
            "ticket_type": "Box", "seat_type": "Named", "quantity": 2, "price": 50.5,
            "seats": [{"name": "B2"}, {"name": "A1"}], "reservation_limit_in_seconds": 60,
        })
    }

    #[test]
    fn general_tickets_are_numbered_and_named_ones_keep_their_order() {
        let pit = read(&general(), &json!({})).unwrap();
        assert_eq!((pit.labels.join(" ").as_str(), pit.limit_seconds), ("1 2 3", None));
        assert!(is_general(&pit.plan));
        let boxes = read(&named(), &json!({})).unwrap();
        assert_eq!((boxes.labels.join(" ").as_str(), boxes.limit_seconds), ("B2 A1", Some(60)));
        assert_eq!(boxes.price.map(|price| price.amount), Some(5_050));
        assert!(!is_general(&boxes.plan));
        let labels: Vec<String> = boxes.plan.seats().map(|seat| seat.label).collect();
        assert_eq!(labels, ["A1", "B2"]);
    }

    #[test]
    fn seats_that_are_named_like_numbers_are_named_all_the_same() {
        let seats = json!([{"name": "1"}, {"name": "2"}]);
        let named = read(&named(), &json!({"seats": seats})).unwrap();
        assert!(!is_general(&named.plan));
        assert_eq!(named.plan.seat(1).unwrap().label, "2");
    }

    #[test]
    fn a_limit_is_never_zero_and_none_is_the_default() {
        for field in LIMIT_FIELDS {
            for (limit, seconds) in [(json!(null), None), (json!(1), Some(1)), (json!(86_400), Some(86_400))]
            {
                let read = read(&general(), &json!({field: limit})).unwrap();
                assert_eq!(read.limit_seconds, seconds, "{field}");
            }
            for limit in [json!(0), json!(-1), json!("60"), json!(1.5), json!(86_401)] {
                let problem = read(&general(), &json!({field: limit})).unwrap_err();
                assert_eq!(problem.extra.keys().collect::<Vec<_>>(), [field], "{limit}");
            }
        }
    }

    #[test]
    fn every_wrong_field_is_named() {
        let wrong = |base: &Value, changes: Value| {
            let problem = read(base, &changes).unwrap_err();
            assert_eq!(problem.status, 400);
            problem.extra.keys().cloned().collect::<Vec<_>>()
        };
        for (field, value) in [
            ("ticket_type", json!(null)),
            ("ticket_type", json!(7)),
            ("seat_type", json!(null)),
            ("seat_type", json!("Floating")),
            ("quantity", json!(null)),
            ("quantity", json!(0)),
            ("quantity", json!(-1)),
            ("quantity", json!("5")),
            ("quantity", json!(100_001)),
            ("price", json!(null)),
            ("price", json!(0)),
            ("price", json!("20")),
            ("description", json!(7)),
        ] {
            assert_eq!(wrong(&general(), json!({field: value})), [field]);
        }
        for seats in [json!(null), json!([]), json!("A1"), json!([{"name": ""}]), json!(["A1"])] {
            assert_eq!(wrong(&named(), json!({"seats": seats})), ["seats"]);
        }
        let twice = json!([{"name": "A1"}, {"name": "A1"}]);
        let problem = read(&named(), &json!({"seats": twice})).unwrap_err();
        assert_eq!(Value::Object(problem.extra), json!({"seats": ["two seats are labelled A1"]}));
        let all = wrong(&general(), json!({"price": -1, "quantity": 0, "ticket_type": ""}));
        assert_eq!(all.len(), 3);
    }
}
