//! What waits to be sent, what was given up, and who is to hear of things.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use crate::due::DueKind;
use crate::ids::{BookingId, Revision, SlotId, WebhookId};
use crate::outbox::dead_letters::keys_beside;
use crate::outbox::delivery_log::DELIVERY_LOG_MAX;
use crate::outbox::{Backlog, Channel, DeadLetter, DeadLetters, Delivery, Target};
use crate::recipients::{DEVICES_MAX, Platform, Recipient};
use crate::rows::{Key, ReadTyped as _, Row};
use crate::webhooks::{Reach, WEBHOOKS_MAX, Webhook, WebhookKinds};

/// What is sent to somebody once.
type Name<'a> = (Revision, &'a str, Option<BookingId>, SlotId, Target);

impl Check<'_> {
    /// INV-17: an event waits for a receiver, or was given up for him, once at most; what waits is counted, and waits
    /// for somebody who is there or is cleared away.
    pub(super) fn outbox(&mut self, rows: &[(Key, Row)]) {
        let mut names: BTreeSet<Name<'_>> = BTreeSet::new();
        let mut waiting: BTreeMap<Channel, Vec<u64>> = BTreeMap::new();
        for (key, row) in rows {
            let (delivery, channel) = match (key, row) {
                (Key::Outbox(channel, number), Row::Delivery(delivery)) => {
                    waiting.entry(*channel).or_default().push(*number);
                    self.waits_for_somebody(*channel, rows);
                    (&**delivery, *channel)
                }
                (Key::DeadLetter(_), Row::DeadLetter(letter)) => (&letter.delivery, letter.channel),
                _ => continue,
            };
            let Delivery { event, kind, booking, slot, target, .. } = delivery;
            let is_new = names.insert((*event, kind, *booking, *slot, *target));
            self.expect(is_new, || format!("INV-17: {kind} {event} is there twice for {target:?}"));
            self.expect(is_for(*target, channel), || {
                format!("INV-17: {kind} {event} for {target:?} waits for {channel:?}")
            });
        }
        for (key, row) in rows {
            let (Key::Backlog(channel), Row::Backlog(backlog)) = (key, row) else { continue };
            let numbers = waiting.remove(channel).unwrap_or_default();
            self.expect(is_counted(backlog, &numbers), || {
                format!("INV-17: {numbers:?} wait for {channel:?}, counted are {backlog:?}")
            });
        }
        self.expect(waiting.is_empty(), || format!("INV-17: nobody counts what waits: {waiting:?}"));
        self.dead_letters(rows);
        self.delivery_logs(rows);
        self.devices(rows);
        self.webhooks(rows);
    }

    fn waits_for_somebody(&mut self, channel: Channel, rows: &[(Key, Row)]) {
        let Channel::Webhook(id) = channel else { return };
        let is_enabled = self.rows.row::<Webhook>(id).is_some_and(|webhook| webhook.disabled.is_none());
        let is_cleared =
            |(key, _): &(Key, Row)| matches!(key, Key::Due(_, DueKind::OutboxCleared, due) if *due == id.0);
        self.expect(is_enabled || rows.iter().any(is_cleared), || {
            format!("INV-17: something waits for {id} for ever")
        });
    }

    fn dead_letters(&mut self, rows: &[(Key, Row)]) {
        let letters: Vec<(u64, &DeadLetter)> = rows
            .iter()
            .filter_map(|(key, row)| match (key, row) {
                (Key::DeadLetter(id), Row::DeadLetter(letter)) => Some((*id, &**letter)),
                _ => None,
            })
            .collect();
        let counted = self.rows.row::<DeadLetters>(()).map_or_else(DeadLetters::default, |row| *row);
        let is_counted = counted.kept == letters.len() as u64
            && letters.iter().all(|(id, _)| (counted.oldest..=counted.made).contains(id));
        self.expect(is_counted, || {
            format!("INV-17: {} dead letters are there, counted are {counted:?}", letters.len())
        });
        let expected: BTreeSet<Key> =
            letters.iter().flat_map(|(id, letter)| keys_beside(*id, letter)).collect();
        let is_beside = |key: &&Key| {
            matches!(key, Key::DeadLetterByWebhook(..) | Key::Due(_, DueKind::DeadLetterForgotten, _))
        };
        let found: BTreeSet<Key> = rows.iter().map(|(key, _)| key).filter(is_beside).cloned().collect();
        self.expect(found == expected, || {
            format!("INV-17: dead letters are found by {found:?} instead of {expected:?}")
        });
    }

    fn delivery_logs(&mut self, rows: &[(Key, Row)]) {
        let mut counts: BTreeMap<WebhookId, u64> = BTreeMap::new();
        for (key, _) in rows {
            let Key::DeliveryLog(id, number) = key else { continue };
            let count = counts.entry(*id).or_default();
            *count = count.saturating_add(1);
            let backlog = self.rows.row::<Backlog>(Channel::Webhook(*id));
            let is_given = backlog.is_some_and(|backlog| *number <= backlog.logged);
            let is_there = self.rows.row::<Webhook>(*id).is_some();
            self.expect(is_given && is_there, || format!("INV-17: {key:?} is the log of nothing"));
        }
        let is_short = counts.values().all(|count| *count <= DELIVERY_LOG_MAX);
        self.expect(is_short, || format!("INV-17: a delivery log is too long: {counts:?}"));
    }

    /// INV-5: every device is found by its token, and no other is. INV-17: its number was given once.
    fn devices(&mut self, rows: &[(Key, Row)]) {
        let mut expected = BTreeSet::new();
        let mut found = BTreeSet::new();
        for (key, row) in rows {
            match (key, row) {
                (Key::Recipient(user), Row::Recipient(recipient)) => {
                    self.expect_user(*user, key);
                    let devices = recipient.devices.iter();
                    expected.extend(devices.map(|device| (device.platform, device.token.clone(), *user)));
                    self.expect(has_numbers(recipient), || {
                        format!("INV-17: {user} has devices {recipient:?}")
                    });
                }
                (Key::DeviceByToken(platform, token), Row::DeviceByToken(user)) => {
                    found.insert((*platform, token.clone(), *user));
                }
                _ => (),
            }
        }
        let is_same: bool = expected == found;
        let users = |devices: BTreeSet<(Platform, String, _)>| -> Vec<_> {
            devices.into_iter().map(|(platform, _, user)| (platform, user)).collect()
        };
        self.expect(is_same, || {
            format!("INV-5: devices of {:?} are found as those of {:?}", users(expected), users(found))
        });
    }

    /// INV-17: what webhooks want to hear of is what those say that are not disabled.
    fn webhooks(&mut self, rows: &[(Key, Row)]) {
        let kinds =
            self.rows.row::<WebhookKinds>(()).map_or_else(WebhookKinds::default, |row| (*row).clone());
        let mut wanted = kinds.wanted.iter();
        let mut count = 0usize;
        for (key, row) in rows {
            let (Key::Webhook(id), Row::Webhook(webhook)) = (key, row) else { continue };
            count = count.saturating_add(1);
            self.expect(id.0 <= kinds.made, || format!("INV-6: {id} is above its counter {}", kinds.made));
            if webhook.disabled.is_some() {
                continue;
            }
            let app = (webhook.reach == Reach::Bookings).then_some(webhook.owner);
            let is_wanted = wanted.next().is_some_and(|wanted| {
                (wanted.webhook, wanted.app, &wanted.kinds) == (*id, app, &webhook.kinds)
            });
            self.expect(is_wanted, || format!("INV-17: what {id} wants is not noted: {kinds:?}"));
        }
        self.expect(wanted.next().is_none() && count <= WEBHOOKS_MAX, || {
            format!("INV-17: of {count} webhooks some want too much: {kinds:?}")
        });
    }
}

fn is_for(target: Target, channel: Channel) -> bool {
    match target {
        Target::Device { .. } => matches!(channel, Channel::Apns | Channel::Fcm),
        Target::Address(_) => channel == Channel::Email,
        Target::Webhook(id) => channel == Channel::Webhook(id),
    }
}

fn is_counted(backlog: &Backlog, numbers: &[u64]) -> bool {
    backlog.waiting == numbers.len() as u64
        && numbers.iter().all(|number| (backlog.oldest..=backlog.made).contains(number))
}

fn has_numbers(recipient: &Recipient) -> bool {
    let numbers: Vec<u32> = recipient.devices.iter().map(|device| device.number).collect();
    numbers.is_sorted_by(|one, next| one < next)
        && numbers.len() <= DEVICES_MAX
        && numbers.last().copied().unwrap_or_default() <= recipient.devices_made
}
