//! One of every kind that came with the outbox: whom to tell, webhooks, deliveries and dead letters.

use holdfast_reservations::*;

const AT: Timestamp = Timestamp(1_800_000_000_000);
const USER: UserId = UserId(70_000);
const WEBHOOK: WebhookId = WebhookId(300);

fn kinds() -> Vec<KindPattern> {
    ["booking.*", "slot.opened"].into_iter().filter_map(KindPattern::parse).collect()
}

fn preferences() -> Preferences {
    Preferences { language: Some("fr".into()), push: true, email: Some(false), kinds: Some(kinds()) }
}

fn devices() -> [Device; 2] {
    let device = |number, platform, language| Device {
        number,
        platform,
        token: "token".into(),
        language,
        added_at: AT,
    };
    [device(2, Platform::Apns, Some("de".into())), device(300, Platform::Fcm, None)]
}

fn webhooks() -> [Webhook; 2] {
    let webhook = |reach, former, disabled| Webhook {
        url: "https://example.com/hook".into(),
        kinds: kinds(),
        owner: UserId(8),
        reach,
        secret: [5; 32],
        former,
        created_at: AT,
        disabled,
    };
    let former = FormerSecret { secret: [4; 32], until: AT };
    let disabled = Disabled { at: AT, reason: "410".into() };
    [webhook(Reach::Everything, None, None), webhook(Reach::Bookings, Some(former), Some(disabled))]
}

fn delivery(target: Target) -> Delivery {
    Delivery {
        event: Revision { index: 1042, ordinal: 3 },
        kind: "booking.ready".into(),
        booking: Some(BookingId(7)),
        slot: SlotId(300),
        user: Some(USER),
        target,
        occurred_at: AT,
        put_at: AT,
        attempts: 2,
        next_at: AT,
        last_error: Some("503".into()),
    }
}

fn ways() -> [(Channel, Target); 4] {
    [
        (Channel::Apns, Target::Device { user: USER, device: 2 }),
        (Channel::Fcm, Target::Device { user: USER, device: 300 }),
        (Channel::Email, Target::Address(USER)),
        (Channel::Webhook(WEBHOOK), Target::Webhook(WEBHOOK)),
    ]
}

pub fn rows() -> Vec<(Key, Row)> {
    let recipient = Recipient { preferences: preferences(), devices: devices().into(), devices_made: 300 };
    let wanted = |app| Wanted { webhook: WEBHOOK, kinds: kinds(), app };
    let kinds = WebhookKinds { made: 301, wanted: vec![wanted(None), wanted(Some(UserId(8)))] };
    let letters = DeadLetters { made: 900, kept: 300, oldest: 7, lost: 1 };
    let mut rows = vec![
        (Key::Recipient(USER), Row::Recipient(recipient.into())),
        (Key::DeviceByToken(Platform::Apns, "token".into()), Row::DeviceByToken(USER)),
        (Key::DeviceByToken(Platform::Fcm, "token".into()), Row::DeviceByToken(USER)),
        (Key::WebhookKinds, Row::WebhookKinds(kinds.into())),
        (Key::DeadLetters, Row::DeadLetters(letters.into())),
        (Key::DeadLetterByWebhook(WEBHOOK, 900), Row::Index),
        (Key::Due(AT, DueKind::OutboxCleared, 300), Row::Index),
        (Key::Due(AT, DueKind::DeadLetterForgotten, 900), Row::Index),
    ];
    rows.extend(
        (1..)
            .zip(webhooks())
            .map(|(id, webhook)| (Key::Webhook(WebhookId(id)), Row::Webhook(webhook.into()))),
    );
    for (id, (channel, target)) in (900..).zip(ways()) {
        let backlog = Backlog { made: 900, waiting: 300, oldest: 7, logged: 12 };
        let delivery = delivery(target);
        rows.push((Key::Outbox(channel, 900), Row::Delivery(delivery.clone().into())));
        rows.push((Key::Backlog(channel), Row::Backlog(backlog.into())));
        let letter = DeadLetter { channel, delivery, died_at: AT, forgotten_at: AT };
        rows.push((Key::DeadLetter(id), Row::DeadLetter(letter.into())));
    }
    let ends = [
        Ended::Delivered { status: 204 },
        Ended::Gone { error: "410".into() },
        Ended::Dead { error: "400".into() },
    ];
    for (number, ended) in (1..).zip(ends) {
        let Delivery { event, kind, attempts, .. } = delivery(Target::Webhook(WEBHOOK));
        let logged = Logged { event, kind, attempts, at: AT, ended };
        rows.push((Key::DeliveryLog(WEBHOOK, number), Row::Logged(logged.into())));
    }
    rows
}

pub fn commands() -> Vec<Command> {
    let (token, language, secret) = ("token".to_owned(), Some("de".to_owned()), [5; 32]);
    let results = [
        Settled::Delivered { status: 204 },
        Settled::Retry { attempts: 300, next_at: AT, error: "503".into() },
        Settled::Gone { error: "410".into() },
        Settled::Dead { error: "400".into() },
    ];
    let results = ways().into_iter().zip(results).map(|((channel, _), settled)| (channel, 900, settled));
    let replay = |which| Command::ReplayDeadLetters(ReplayDeadLetters { which });
    vec![
        Command::AddDevice(AddDevice { user: Some(USER), platform: Platform::Fcm, token, language }),
        Command::RemoveDevice(RemoveDevice { user: None, device: 300 }),
        Command::SetPreferences(SetPreferences { user: None, preferences: preferences() }),
        Command::SetPreferences(SetPreferences { user: None, preferences: Preferences::default() }),
        Command::AddWebhook(AddWebhook { url: "https://example.com/hook".into(), kinds: kinds(), secret }),
        Command::RemoveWebhook(RemoveWebhook { webhook: WEBHOOK }),
        Command::EnableWebhook(EnableWebhook { webhook: WEBHOOK }),
        Command::RotateWebhookSecret(RotateWebhookSecret { webhook: WEBHOOK, secret }),
        Command::SettleDeliveries(SettleDeliveries { results: results.collect() }),
        replay(Replay::Letters(vec![7, 900])),
        replay(Replay::Webhook { webhook: WEBHOOK, after: 7 }),
        replay(Replay::All { after: 0 }),
        Command::SetPolicy(SetPolicy {
            scope: Scope::Cluster,
            fields: vec![(PolicyField::NotifyByEmail, Some(1))],
        }),
    ]
}

pub fn outcomes() -> Vec<Outcome> {
    let [device, _] = devices();
    let mut outcomes = vec![
        Outcome::Device(USER, device),
        Outcome::DeviceRemoved(USER, 300),
        Outcome::Preferences(USER, preferences()),
        Outcome::WebhookRemoved(WEBHOOK),
        Outcome::DeliveriesSettled(300),
        Outcome::DeadLettersReplayed { replayed: 300, next: Some(900) },
        Outcome::Rejected(Rejection::TooManyDevices),
        Outcome::Rejected(Rejection::DeviceNotFound(300)),
        Outcome::Rejected(Rejection::TooManyWebhooks),
        Outcome::Rejected(Rejection::WebhookNotFound(WEBHOOK)),
    ];
    outcomes.extend(webhooks().map(|webhook| Outcome::Webhook(WEBHOOK, webhook)));
    outcomes
}
