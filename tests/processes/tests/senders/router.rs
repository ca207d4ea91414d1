//! All senders together: each target has its sender, and a destination that fails is left alone.

use std::time::Duration;

use holdfast_leader::senders::{
    ApnsSettings, Attempt, Delivery, EmailSettings, FcmSettings, Secret, Senders, Settings, Target,
    new_webhook_secret,
};
use holdfast_processes::sinks::{ApnsSink, Authority, FcmSink, Plan, SmtpSecurity, SmtpSink, WebhookSink};

use crate::scene::{message, pass, settings};

fn webhook(sink: &WebhookSink, secret: &Secret) -> Target {
    Target::Webhook { id: 9, url: sink.url(), secrets: vec![secret.clone()] }
}

#[tokio::test]
async fn each_target_has_its_sender() {
    let authority = Authority::new();
    let (apns, fcm) = (ApnsSink::start(&authority).await, FcmSink::start(&authority).await);
    let smtp = SmtpSink::start(&authority, SmtpSecurity::StartTls).await;
    let secret = new_webhook_secret();
    let hooks = WebhookSink::start(&authority, secret.reveal()).await;
    let senders = Senders::new(&Settings {
        apns: Some(ApnsSettings {
            key_file: apns.key_file.clone(),
            key_id: ApnsSink::KEY_ID.to_owned(),
            team_id: ApnsSink::TEAM_ID.to_owned(),
            topic: ApnsSink::TOPIC.to_owned(),
            url: apns.url(),
        }),
        fcm: Some(FcmSettings { service_account_file: fcm.service_account_file.clone(), url: fcm.url() }),
        email: Some(EmailSettings {
            url: smtp.url(),
            from: "park@example.com".to_owned(),
            user: SmtpSink::USER.to_owned(),
            password_file: Some(smtp.password_file.clone()),
        }),
        ..settings(&authority)
    });
    let senders = senders.unwrap();
    for target in [
        Target::Apns { device_token: "00fc13ad".to_owned() },
        Target::Fcm { registration_token: "bk3RNwTe3H0".to_owned() },
        Target::Email { address: "guest@example.org".to_owned() },
        webhook(&hooks, &secret),
        Target::Log,
    ] {
        let message = message("120-3", target);
        assert_eq!(senders.send(&message).await, Attempt::Made(Delivery::Delivered), "{message:?}");
    }
    let seen = (apns.seen.all().len(), fcm.seen.all().len(), smtp.seen.all().len(), hooks.seen.all().len());
    assert_eq!(seen, (1, 1, 1, 1));
}

#[tokio::test]
async fn a_server_that_fails_again_and_again_is_left_alone_until_it_answers_a_probe() {
    let authority = Authority::new();
    let secret = new_webhook_secret();
    let (sink, other) = (
        WebhookSink::start(&authority, secret.reveal()).await,
        WebhookSink::start(&authority, secret.reveal()).await,
    );
    let senders = Senders::new(&settings(&authority)).unwrap();
    let hook = message("120-3", webhook(&sink, &secret));
    sink.plans.then(vec![Plan::status(500); 6]);
    for _ in 0..5 {
        assert!(matches!(senders.send(&hook).await, Attempt::Made(Delivery::Retry { .. })));
    }
    let wait = wait_of(senders.send(&hook).await);
    assert_eq!(sink.seen.all().len(), 5, "what waits is not sent");
    let elsewhere = Target::Webhook { id: 10, url: other.url(), secrets: vec![secret.clone()] };
    assert_eq!(senders.send(&message("120-3", elsewhere)).await, Attempt::Made(Delivery::Delivered));

    pass(wait).await;
    assert!(matches!(senders.send(&hook).await, Attempt::Made(Delivery::Retry { .. })), "the probe fails");
    let longer = wait_of(senders.send(&hook).await);
    assert!(longer > wait, "{longer:?} after {wait:?}");

    pass(longer).await;
    for _ in 0..2 {
        assert_eq!(senders.send(&hook).await, Attempt::Made(Delivery::Delivered));
    }
    assert_eq!(sink.seen.all().len(), 8);
}

#[track_caller]
fn wait_of(attempt: Attempt) -> Duration {
    let Attempt::Waits(wait) = attempt else { panic!("{attempt:?}") };
    wait
}
