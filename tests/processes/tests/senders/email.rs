//! E-mail.

use holdfast_leader::senders::{Delivery, Email, EmailSettings, Message, Sender as _, Settings, Target};
use holdfast_processes::sinks::{Authority, Plan, SmtpSecurity, SmtpSink};

use crate::scene::{assert_refused, impatient, message, settings, why_again, why_not_now};

fn email(sink: &SmtpSink, settings: &Settings) -> Email {
    let server = EmailSettings {
        url: sink.url(),
        from: "Park <park@example.com>".to_owned(),
        user: SmtpSink::USER.to_owned(),
        password_file: Some(sink.password_file.clone()),
    };
    Email::new(&server, settings).unwrap()
}

fn to_guest(event_id: &str) -> Message {
    message(event_id, Target::Email { address: "guest@example.org".to_owned() })
}

#[tokio::test]
async fn a_letter_is_in_the_language_of_the_guest() {
    let authority = Authority::new();
    let sink = SmtpSink::start(&authority, SmtpSecurity::FromTheStart).await;
    let email = email(&sink, &settings(&authority));
    assert_eq!(email.send(&to_guest("120-3")).await, Delivery::Delivered);
    let letter = &sink.seen.all()[0];
    assert_eq!((letter.from.as_str(), letter.to.as_str()), ("park@example.com", "guest@example.org"));
    for (header, value) in [
        ("From", "Park <park@example.com>"),
        ("To", "guest@example.org"),
        ("Subject", "Gleich sind Sie dran: Ghost Train"),
        ("Date", "Fri, 15 Jan 2027 08:00:00 +0000"),
        ("Content-Language", "de"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Holdfast-Event", "120-3"),
    ] {
        assert_eq!(letter.header(header), value, "{}", letter.text);
    }
    assert!(letter.text.contains("https://tickets.example/77"), "{}", letter.text);
}

#[tokio::test]
async fn a_server_is_spoken_to_over_tls_before_anything_is_said() {
    let authority = Authority::new();
    for (security, is_secured) in
        [(SmtpSecurity::FromTheStart, true), (SmtpSecurity::StartTls, true), (SmtpSecurity::None, false)]
    {
        let sink = SmtpSink::start(&authority, security).await;
        let email = email(&sink, &settings(&authority));
        assert_eq!(email.send(&to_guest("120-3")).await, Delivery::Delivered, "{security:?}");
        assert_eq!(sink.seen.all()[0].is_secured, is_secured, "{security:?}");
    }
}

#[tokio::test]
async fn a_server_that_offers_no_tls_or_is_of_another_authority_gets_nothing() {
    let authority = Authority::new();
    let plain = SmtpSink::start(&authority, SmtpSecurity::None).await;
    let server = EmailSettings {
        url: plain.url().replace("smtp://", "smtp+starttls://"),
        from: "park@example.com".to_owned(),
        user: SmtpSink::USER.to_owned(),
        password_file: Some(plain.password_file.clone()),
    };
    let email_to_plain = Email::new(&server, &settings(&authority)).unwrap();
    why_again(email_to_plain.send(&to_guest("120-3")).await);
    let secured = SmtpSink::start(&authority, SmtpSecurity::StartTls).await;
    why_again(email(&secured, &settings(&Authority::new())).send(&to_guest("120-3")).await);
    assert_eq!((plain.seen.all().len(), secured.seen.all().len()), (0, 0));
}

#[tokio::test]
async fn a_retry_has_the_message_id_of_the_first_attempt() {
    let authority = Authority::new();
    let sink = SmtpSink::start(&authority, SmtpSecurity::FromTheStart).await;
    let email = email(&sink, &impatient(&authority));
    sink.plans.then([Plan::Lose, Plan::Stall, Plan::status(451)]);
    for _ in 0..2 {
        why_again(email.send(&to_guest("120-3")).await);
    }
    why_not_now(email.send(&to_guest("120-3")).await);
    assert_eq!(email.send(&to_guest("120-3")).await, Delivery::Delivered);
    assert_eq!(email.send(&to_guest("120-4")).await, Delivery::Delivered);
    let letters = sink.seen.all();
    let ids: Vec<_> = letters.iter().map(|letter| letter.header("Message-ID")).collect();
    assert!(ids.len() == 3 && ids[0] == ids[1] && ids[1] != ids[2], "{ids:?}");
    assert!(ids[0].ends_with("@example.com>"), "{ids:?}");
}

#[tokio::test]
async fn a_mailbox_that_is_none_is_refused_and_a_wrong_password_is_not_the_fault_of_the_message() {
    let authority = Authority::new();
    let sink = SmtpSink::start(&authority, SmtpSecurity::FromTheStart).await;
    let email_in = email(&sink, &settings(&authority));
    sink.plans.then([Plan::status(550), Plan::status(554), Plan::status(421)]);
    assert_refused(email_in.send(&to_guest("120-3")).await);
    assert_eq!(why_not_now(email_in.send(&to_guest("120-3")).await), "554");
    assert_eq!(why_again(email_in.send(&to_guest("120-3")).await), "421");
    let nonsense = Target::Email { address: "guest@example.org>\r\nRCPT TO:<x@y".to_owned() };
    assert_refused(email_in.send(&message("120-3", nonsense)).await);
    std::fs::write(&sink.password_file, "wrong").unwrap();
    let email_out = email(&sink, &settings(&authority));
    assert_eq!(why_again(email_out.send(&to_guest("120-3")).await), "535");
    assert_eq!(sink.seen.all().len(), 0);
}
