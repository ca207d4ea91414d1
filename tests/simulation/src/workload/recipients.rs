//! What guests have in their hands, and what they want to hear of.

use serde_json::{Value, json};

use super::{Operation, Park, Person, Wish};
use crate::chance::Chance;
use crate::client::Reply;

pub(super) struct AddDevice;
pub(super) struct RemoveDevice;
pub(super) struct SetPreferences;

/// Devices that somebody thinks of.
const DEVICES_MAX: usize = 3;

impl Operation for AddDevice {
    fn name(&self) -> &'static str {
        "add_device"
    }

    fn draw(&self, _: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let platform = if chance.percent(50) { "apns" } else { "fcm" };
        // Nobody else's is called so.
        let body =
            json!({"platform": platform, "token": format!("{:016x}", chance.draw()), "language": "de"});
        let path = "/v1/devices".to_owned();
        Some(Wish { method: "POST", path, body: Some(body), ..Wish::default() })
    }

    fn learn(&self, who: &mut Person, _: &Park, _: &Wish, reply: &Reply) {
        who.devices.extend(reply.json["id"].as_u64());
        // Those of before may be gone: whoever sends to them has found nobody there.
        let surplus = who.devices.len().saturating_sub(DEVICES_MAX);
        who.devices.drain(..surplus);
    }
}

impl Operation for RemoveDevice {
    fn name(&self) -> &'static str {
        "remove_device"
    }

    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let device = (!who.devices.is_empty()).then(|| *chance.pick(&who.devices))?;
        Some(Wish { method: "DELETE", path: format!("/v1/devices/{device}"), ..Wish::default() })
    }

    fn learn(&self, who: &mut Person, _: &Park, wish: &Wish, _: &Reply) {
        who.devices.retain(|device| !wish.path.ends_with(&format!("/{device}")));
    }
}

impl Operation for SetPreferences {
    fn name(&self) -> &'static str {
        "set_preferences"
    }

    fn draw(&self, _: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let kinds = [Value::Null, json!(["*"]), json!(["booking.ready", "booking.no_show"]), json!([])];
        let email = [Value::Null, json!(true), json!(false)];
        let body = json!({
            "push": chance.percent(80), "email": chance.pick(&email), "kinds": chance.pick(&kinds),
        });
        let path = "/v1/preferences".to_owned();
        Some(Wish { method: "PUT", path, body: Some(body), ..Wish::default() })
    }
}
