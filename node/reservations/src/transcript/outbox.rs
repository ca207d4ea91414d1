//! The words of scripts for devices, webhooks and what is sent.

use std::fmt::Write as _;

use super::{Arguments, Stage, number, user_named};
use crate::*;

pub(super) fn command(verbs: &[&str], given: &Arguments<'_>) -> Option<Command> {
    let user = given.text("user").map(user_named);
    // A script names a secret by a letter.
    let secret = || [given.text("secret").unwrap_or("a").as_bytes()[0]; 32];
    let webhook = |name: &&str| WebhookId(number(name));
    Some(match verbs {
        ["adds", "device", token] => Command::AddDevice(AddDevice {
            user,
            platform: if given.text("fcm").is_some() { Platform::Fcm } else { Platform::Apns },
            token: (*token).into(),
            language: given.text("language").map(str::to_owned),
        }),
        ["removes", "device", device] => {
            Command::RemoveDevice(RemoveDevice { user, device: number(device).try_into().unwrap() })
        }
        ["prefers"] => Command::SetPreferences(SetPreferences {
            user,
            preferences: Preferences {
                language: given.text("language").map(str::to_owned),
                push: given.text("push") != Some("no"),
                email: given.text("email").map(|email| email == "yes"),
                kinds: given.text("kinds").map(|_| kinds(given)),
            },
        }),
        ["adds", "webhook"] => {
            let url = "https://example.com".into();
            Command::AddWebhook(AddWebhook { url, kinds: kinds(given), secret: secret() })
        }
        ["removes", id] if id.starts_with("webhook:") => {
            Command::RemoveWebhook(RemoveWebhook { webhook: webhook(id) })
        }
        ["enables", id] => Command::EnableWebhook(EnableWebhook { webhook: webhook(id) }),
        ["rotates", id] => {
            Command::RotateWebhookSecret(RotateWebhookSecret { webhook: webhook(id), secret: secret() })
        }
        ["delivered" | "failed" | "gone" | "dead", channel, which] => {
            let error = || given.text("error").unwrap_or("refused").to_owned();
            let settled = match verbs[0] {
                "delivered" => Settled::Delivered { status: 200 },
                "failed" => Settled::Retry {
                    attempts: given.number("tried").map_or(1, |attempts| attempts.try_into().unwrap()),
                    next_at: Timestamp(given.number("until").unwrap()),
                    error: error(),
                },
                "gone" => Settled::Gone { error: error() },
                _ => Settled::Dead { error: error() },
            };
            let results = vec![(channel_named(channel), number(which), settled)];
            Command::SettleDeliveries(SettleDeliveries { results })
        }
        ["replays", "all"] => {
            let after = given.number("after").unwrap_or(0);
            Command::ReplayDeadLetters(ReplayDeadLetters { which: Replay::All { after } })
        }
        ["replays", id] if id.starts_with("webhook:") => Command::ReplayDeadLetters(ReplayDeadLetters {
            which: Replay::Webhook { webhook: webhook(id), after: given.number("after").unwrap_or(0) },
        }),
        ["replays", ids] => {
            let ids = ids.split(',').map(number).collect();
            Command::ReplayDeadLetters(ReplayDeadLetters { which: Replay::Letters(ids) })
        }
        _ => return None,
    })
}

fn kinds(given: &Arguments<'_>) -> Vec<KindPattern> {
    given.text("kinds").unwrap_or("*").split(',').map(|kind| KindPattern::parse(kind).unwrap()).collect()
}

fn channel_named(name: &str) -> Channel {
    match name {
        "apns" => Channel::Apns,
        "fcm" => Channel::Fcm,
        "email" => Channel::Email,
        id => Channel::Webhook(WebhookId(number(id))),
    }
}

fn name_of(channel: Channel) -> String {
    match channel {
        Channel::Apns => "apns".into(),
        Channel::Fcm => "fcm".into(),
        Channel::Email => "email".into(),
        Channel::Webhook(id) => id.to_string(),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others are described elsewhere")]
pub(super) fn describe(outcome: &Outcome) -> Option<String> {
    Some(match outcome {
        Outcome::Device(user, device) => {
            format!("{user} device {} {:?} {}", device.number, device.platform, device.token)
        }
        Outcome::DeviceRemoved(user, device) => format!("{user} removed device {device}"),
        Outcome::Preferences(user, preferences) => {
            let Preferences { push, email, .. } = preferences;
            format!("{user} push={push} email={email:?}")
        }
        Outcome::Webhook(id, webhook) => {
            let kinds: Vec<&str> = webhook.kinds.iter().map(KindPattern::as_str).collect();
            let mut line = format!("{id} {} {}", webhook.owner, kinds.join(","));
            write!(line, " secret={}", char::from(webhook.secret[0])).unwrap();
            if let Some(former) = webhook.former {
                write!(line, " former={} until={}", char::from(former.secret[0]), former.until.0).unwrap();
            }
            if let Some(disabled) = &webhook.disabled {
                write!(line, " disabled at={}: {}", disabled.at.0, disabled.reason).unwrap();
            }
            line
        }
        Outcome::WebhookRemoved(id) => format!("removed {id}"),
        Outcome::DeliveriesSettled(settled) => format!("settled {settled}"),
        Outcome::DeadLettersReplayed { replayed, next } => match next {
            Some(next) => format!("replayed {replayed} next={next}"),
            None => format!("replayed {replayed}"),
        },
        _ => return None,
    })
}

impl Stage {
    pub(super) fn look_at_outbox(&self) -> String {
        let rows = self.state.rows();
        let channels = outbox_channels(rows).into_iter();
        let lines = channels.filter(|(_, backlog)| backlog.waiting > 0).map(|(channel, _)| {
            let waiting = next_deliveries(rows, channel, 0, usize::MAX).into_iter();
            let waiting = waiting.map(|(number, delivery)| format!("{number}={}", self.describe(&delivery)));
            format!("{}: {}", name_of(channel), waiting.collect::<Vec<_>>().join(" "))
        });
        let lines = lines.collect::<Vec<_>>();
        if lines.is_empty() { "nothing".into() } else { lines.join("; ") }
    }

    pub(super) fn look_at_dead_letters(&self) -> String {
        let rows = self.state.rows();
        let letters = list_dead_letters(rows, None, u64::MAX, usize::MAX).into_iter();
        let letters = letters.map(|(id, letter)| {
            format!("{id}={} {}", name_of(letter.channel), self.describe(&letter.delivery))
        });
        let DeadLetters { made, kept, lost, .. } = count_dead_letters(rows);
        let counted = format!("made={made} kept={kept} lost={lost}");
        letters.chain([counted]).collect::<Vec<_>>().join("; ")
    }

    pub(super) fn look_at_log(&self, webhook: WebhookId) -> String {
        let logged = delivery_log(self.state.rows(), webhook, usize::MAX).into_iter();
        let logged = logged.map(|(number, logged)| {
            let Logged { event, kind, attempts, at, ended } = &*logged;
            format!("{number}={kind} {event} attempts={attempts} at={} {ended:?}", at.0)
        });
        let logged = logged.collect::<Vec<_>>();
        if logged.is_empty() { "nothing".into() } else { logged.join("; ") }
    }

    fn describe(&self, delivery: &Delivery) -> String {
        let mut line = delivery.kind.clone();
        let destination = delivery_destination(self.state.rows(), delivery, self.state.now());
        let to = match destination {
            None => "nowhere".to_owned(),
            Some(Destination::Device { token, .. }) => token,
            Some(Destination::Address { email, .. }) => email,
            Some(Destination::Webhook { secrets, .. }) => {
                secrets.iter().map(|secret| char::from(secret[0])).collect()
            }
        };
        write!(line, "->{to}").unwrap();
        if delivery.attempts > 0 || delivery.last_error.is_some() {
            let error = delivery.last_error.as_deref().unwrap_or_default();
            write!(line, " tried={} next={} ({error})", delivery.attempts, delivery.next_at.0).unwrap();
        }
        line
    }
}
