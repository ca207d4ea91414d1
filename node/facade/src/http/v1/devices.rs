//! `/v1/devices`: what a user has in his hand.

use axum::extract::State;
use holdfast_reservations::{
    AddDevice, DEVICE_TOKEN_MAX, Device, LANGUAGE_MAX, Platform, RemoveDevice, UserId,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::v1::cut;
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::Service;
use crate::wire::{Id, instant};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewDevice)]
pub(crate) struct AddBody {
    platform: PlatformName,
    /// What the service of the platform calls the device. It is not shown again.
    #[schema(min_length = 1, max_length = 1024, pattern = "^[!-~]+$")]
    token: String,
    /// The language it shows (BCP 47), if not the one its user prefers.
    #[schema(max_length = 35, pattern = "^[A-Za-z0-9]+([-_][A-Za-z0-9]+)*$")]
    language: Option<String>,
    /// Whose; the caller's unless given. For whoever books for others.
    user_id: Option<Id>,
}

#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Platform)]
enum PlatformName {
    Apns,
    Fcm,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Device)]
pub(crate) struct DeviceBody {
    /// Its number among the devices of its user.
    id: u32,
    user_id: u64,
    platform: PlatformName,
    language: Option<String>,
    #[schema(format = DateTime)]
    added_at: String,
}

pub(crate) async fn add(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageDevices).await?;
    let AddBody { platform, token, language, user_id } = call.json()?;
    let platform = match platform {
        PlatformName::Apns => Platform::Apns,
        PlatformName::Fcm => Platform::Fcm,
    };
    let device = AddDevice {
        user: user_id.map(|id| UserId(id.0)),
        platform,
        token: token_from(platform, token)?,
        language: language.map(language_from).transpose()?,
    };
    let (user, device) = service.add_device(caller, device, &call.context).await?;
    Reply::created(&device_body(user, &device))
}

pub(crate) async fn list(State(service): State<Service>, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ManageDevices).await?;
    let user = call.query_id("userId")?.map(UserId);
    let (limit, before) = (call.limit()?, call.query_id("after")?.unwrap_or(u64::MAX));
    let read = service.recipient(asked, user).await?;
    Reply::read(read, |(user, recipient)| {
        let newest_first = recipient.devices.iter().rev();
        let behind = newest_first.filter(|device| u64::from(device.number) < before);
        let devices: Vec<&Device> = behind.take(limit + 1).collect();
        cut(devices, limit, |device| device.number.into(), |device| device_body(user, device))
    })
}

pub(crate) async fn remove(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageDevices).await?;
    let user = call.query_id("userId")?.map(UserId);
    let command = RemoveDevice { user, device: device_id(&id)? };
    let (user, device) = service.remove_device(caller, command, &call.context_about(user)).await?;
    Reply::ok(&json!({"id": device, "userId": user.0, "message": "removed"}))
}

fn device_id(text: &str) -> Result<u32> {
    let missing = || Problem::not_found("device_not_found", format!("device {text} of this user"));
    path_id(text, "device_not_found", "device").and_then(|id| u32::try_from(id).map_err(|_| missing()))
}

fn token_from(platform: Platform, token: String) -> Result<String> {
    if !(1..=DEVICE_TOKEN_MAX).contains(&token.len()) {
        return Err(Problem::senseless(format!("a token has 1 to {DEVICE_TOKEN_MAX} bytes")));
    }
    let (is_one, says) = match platform {
        Platform::Apns => (u8::is_ascii_hexdigit as fn(&u8) -> bool, "a token of apns is hexadecimal"),
        Platform::Fcm => (u8::is_ascii_graphic as fn(&u8) -> bool, "a token of fcm is visible ASCII"),
    };
    if token.bytes().all(|byte| is_one(&byte)) { Ok(token) } else { Err(Problem::senseless(says)) }
}

/// A language: a BCP 47 tag, as far as its form goes.
pub(super) fn language_from(tag: String) -> Result<String> {
    let is_subtag =
        |subtag: &str| !subtag.is_empty() && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if tag.len() <= LANGUAGE_MAX && tag.split(['-', '_']).all(is_subtag) {
        Ok(tag)
    } else {
        Err(Problem::senseless(format!(
            "language is a tag like de or pt-BR, of at most {LANGUAGE_MAX} bytes"
        )))
    }
}

fn device_body(user: UserId, device: &Device) -> DeviceBody {
    let platform = match device.platform {
        Platform::Apns => PlatformName::Apns,
        Platform::Fcm => PlatformName::Fcm,
    };
    DeviceBody {
        id: device.number,
        user_id: user.0,
        platform,
        language: device.language.clone(),
        added_at: instant(device.added_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_its_service_takes() {
        let is_taken = |platform, token: &str| token_from(platform, token.to_owned()).is_ok();
        assert!(is_taken(Platform::Apns, "00fc13ADFF78") && is_taken(Platform::Fcm, "dQw4:APA91b_x-Y"));
        assert!(!is_taken(Platform::Apns, "../x") && !is_taken(Platform::Fcm, "a b"));
        for platform in [Platform::Apns, Platform::Fcm] {
            assert!(!is_taken(platform, "") && !is_taken(platform, &"a".repeat(DEVICE_TOKEN_MAX + 1)));
        }
    }

    #[test]
    fn a_language_is_a_tag() {
        let is_taken = |tag: &str| language_from(tag.to_owned()).is_ok();
        assert!(is_taken("de") && is_taken("zh-Hant-TW") && is_taken("pt_BR"));
        assert!(!is_taken("") && !is_taken("de-") && !is_taken("d e") && !is_taken(&"a".repeat(36)));
    }
}
