//! Decides how many places somebody may have of the concert, how fast he is let in, and how late he may pay.

use holdfast_model::Right;
use serde_json::{Value, json};

use super::{Operation, Park, Person, Wish};
use crate::chance::Chance;

pub(super) struct SetPolicy;

impl Operation for SetPolicy {
    fn name(&self) -> &'static str {
        "set_policy"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let mut maybe = |number: u64| if chance.percent(70) { json!(number) } else { Value::Null };
        let body = json!({
            "maxPerUser": maybe(4),
            "admissionPerSecond": maybe(5),
            "latePaymentSeconds": maybe(3),
        });
        who.is_staff.then(|| Wish {
            method: "PUT",
            path: format!("/v1/policies/resource/{}", park.concert),
            body: Some(body),
            right: Right::Acts,
            ..Wish::default()
        })
    }

    /// It may have been decided just so before, and tells of no change of a booking.
    fn always_changes(&self) -> bool {
        false
    }
}
