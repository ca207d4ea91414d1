//! Makes the message for a delivery out of the rows.

use holdfast_raft::View;
use holdfast_reservations::{
    Booking, Channel, Delivery, Destination, Platform, ReadTyped as _, Resource, Slot, Timestamp, Venue,
};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::senders::{Facts, Message, Secret, Target};

/// Where nobody says what he speaks.
const LANGUAGE: &str = "en";

/// What is sent for a delivery at a moment of agreed time.
pub(super) fn message(
    view: &View<'_>,
    channel: Channel,
    delivery: &Delivery,
    destination: Destination,
    now: Timestamp,
) -> Message {
    let slot = view.row::<Slot>(delivery.slot);
    let resource = slot.as_ref().and_then(|slot| view.row::<Resource>(slot.resource));
    let venue = resource.as_ref().and_then(|resource| view.row::<Venue>(resource.venue));
    let booking = delivery.booking.and_then(|booking| view.row::<Booking>(booking));
    let (target, language) = target(channel, destination);
    Message {
        event_id: delivery.event.to_string(),
        kind: delivery.kind.clone(),
        occurred_at_ms: delivery.occurred_at.0,
        sent_at_ms: now.0,
        booking_id: delivery.booking.map_or(0, |booking| booking.0),
        slot_id: delivery.slot.0,
        data: data(delivery, slot.as_deref()),
        facts: Facts {
            resource: resource.map(|resource| resource.name.clone()).unwrap_or_default(),
            starts_at: slot
                .as_ref()
                .map(|slot| on_the_clock(slot.window.starts_at(), venue.as_deref()))
                .unwrap_or_default(),
            count: booking.map_or(0, |booking| booking.count),
            code_url: None,
        },
        language: language.unwrap_or_else(|| LANGUAGE.to_owned()),
        target,
    }
}

/// The event as webhooks get it: what happened, and to what. Whatever changes meanwhile is read from the API.
fn data(delivery: &Delivery, slot: Option<&Slot>) -> Value {
    let mut data = Map::new();
    data.insert("revision".to_owned(), json!(delivery.event.to_string()));
    if let Some(booking) = delivery.booking {
        data.insert("bookingId".to_owned(), json!(booking.0));
    }
    data.insert("slotId".to_owned(), json!(delivery.slot.0));
    if let Some(slot) = slot {
        data.insert("resourceId".to_owned(), json!(slot.resource.0));
    }
    if let Some(user) = delivery.user {
        data.insert("userId".to_owned(), json!(user.0));
    }
    Value::Object(data)
}

fn target(channel: Channel, destination: Destination) -> (Target, Option<String>) {
    match destination {
        Destination::Device { platform: Platform::Apns, token, language } => {
            (Target::Apns { device_token: token }, language)
        }
        Destination::Device { platform: Platform::Fcm, token, language } => {
            (Target::Fcm { registration_token: token }, language)
        }
        Destination::Address { email, language } => (Target::Email { address: email }, language),
        Destination::Webhook { url, secrets } => {
            let id = match channel {
                Channel::Webhook(id) => id.0,
                Channel::Apns | Channel::Fcm | Channel::Email => 0,
            };
            let secrets = secrets.iter().map(Secret::of_bytes).collect();
            (Target::Webhook { id, url, secrets }, None)
        }
    }
}

/// A moment as the venue's clocks show it, in UTC where its zone is not known.
fn on_the_clock(at: Timestamp, venue: Option<&Venue>) -> String {
    let zone = venue.and_then(|venue| TimeZone::get(&venue.time_zone).ok()).unwrap_or(TimeZone::UTC);
    let moment = i64::try_from(at.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    moment.map(|moment| moment.to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string()).unwrap_or_default()
}
