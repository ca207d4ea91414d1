//! Puts what happened into the outbox, for all who are to hear of it.

use super::{Channel, Delivery, Target};
use crate::context::Context;
use crate::event::{BookingEvent, Event};
use crate::ids::{Revision, UserId};
use crate::outbox;
use crate::policies::{self, PolicyField};
use crate::recipients::{self, Platform, Recipient};
use crate::rows::ReadTyped as _;
use crate::webhooks;

/// Puts the events of a command that succeeded into the outbox. Where nobody wants to hear of anything, an event costs
/// two reads that find nothing.
pub(crate) fn post(context: &mut Context<'_>, events: &[(Revision, Event)]) {
    for (revision, event) in events {
        let (booking, slot, user) = match *event {
            Event::Booking { booking, slot, user, .. } => (Some(booking), slot, Some(user)),
            Event::Slot { slot, .. } => (None, slot, None),
            Event::ResourceCreated(_)
            | Event::ResourceChanged(_)
            | Event::ResourceWithdrawn(_)
            | Event::VenueCreated(_) => continue,
        };
        for (channel, target) in targets(context, event) {
            let delivery = Delivery {
                event: *revision,
                kind: event.name().to_owned(),
                booking,
                slot,
                user,
                target,
                occurred_at: context.now,
                put_at: context.now,
                attempts: 0,
                next_at: context.now,
                last_error: None,
            };
            outbox::put(context, channel, delivery);
        }
    }
}

fn targets(context: &Context<'_>, event: &Event) -> Vec<(Channel, Target)> {
    let mut targets = Vec::new();
    if let Event::Booking { kind, user, .. } = *event
        && is_told(kind)
    {
        targets = targets_of_user(context, event, user);
    }
    let webhooks = webhooks::of_event(context, event).into_iter();
    targets.extend(webhooks.map(|id| (Channel::Webhook(id), Target::Webhook(id))));
    targets
}

/// Whether guests are told of it: not of what they see happen in front of them.
fn is_told(kind: BookingEvent) -> bool {
    match kind {
        BookingEvent::Confirmed
        | BookingEvent::Changed
        | BookingEvent::Cancelled
        | BookingEvent::Expired
        | BookingEvent::Rejected
        | BookingEvent::Ready
        | BookingEvent::NoShow => true,
        BookingEvent::Held | BookingEvent::Used => false,
    }
}

fn targets_of_user(context: &Context<'_>, event: &Event, user: UserId) -> Vec<(Channel, Target)> {
    let row = context.row::<Recipient>(user);
    let nobody = Recipient::default();
    let Recipient { preferences, devices, .. } = row.as_deref().unwrap_or(&nobody);
    let kinds = preferences.kinds.as_ref();
    if !kinds.is_none_or(|kinds| kinds.iter().any(|kind| kind.matches(event.name()))) {
        return Vec::new();
    }
    let told = devices.iter().filter(|_| preferences.push);
    let mut targets: Vec<(Channel, Target)> = told
        .map(|device| (channel_of(device.platform), Target::Device { user, device: device.number }))
        .collect();
    let by_policy =
        || policies::of_cluster(context, PolicyField::NotifyByEmail).is_some_and(|value| value > 0);
    if preferences.email.unwrap_or_else(by_policy) && recipients::email_address(context, user).is_some() {
        targets.push((Channel::Email, Target::Address(user)));
    }
    targets
}

fn channel_of(platform: Platform) -> Channel {
    match platform {
        Platform::Apns => Channel::Apns,
        Platform::Fcm => Channel::Fcm,
    }
}
