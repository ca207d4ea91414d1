//! Pays for what is held.

use serde_json::json;

use super::holds::about_held;
use super::{Operation, Park, Person, Wish};
use crate::chance::Chance;

pub(super) struct StartPayment;
pub(super) struct ConfirmPaid;

/// References that payments are made under: few, so that some are taken.
fn reference(chance: &mut Chance) -> String {
    format!("pay-{}", chance.between(1..=200))
}

impl Operation for StartPayment {
    fn name(&self) -> &'static str {
        "start_payment"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let body = json!({"reference": reference(chance), "amount": 4_500, "currency": "EUR"});
        about_held(who, park, chance, "payment", Some(body))
    }

    /// It may have been started just so before.
    fn always_changes(&self) -> bool {
        false
    }
}

impl Operation for ConfirmPaid {
    fn name(&self) -> &'static str {
        "confirm_paid"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let body = json!({"payment": {"reference": reference(chance)}});
        about_held(who, park, chance, "confirm", Some(body))
    }

    /// It may have been paid just so before.
    fn always_changes(&self) -> bool {
        false
    }
}
