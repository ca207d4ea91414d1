//! The router with senders that do as they are told.

use std::sync::Arc;

use super::super::message::tests::message_to;
use super::super::{Secret, Sending};
use super::*;

/// Answers with what it holds, and counts; never, if it holds nothing.
#[derive(Clone, Default)]
struct Told {
    answer: Arc<Mutex<Option<Delivery>>>,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Told {
    fn answering(delivery: Delivery) -> Self {
        let told = Self::default();
        told.answer(Some(delivery));
        told
    }

    fn answer(&self, delivery: Option<Delivery>) {
        *self.answer.lock().unwrap() = delivery;
    }

    fn sent(&self) -> usize {
        self.sent.lock().unwrap().len()
    }
}

impl Sender for Told {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        self.sent.lock().unwrap().push(message.event_id.clone());
        let answer = self.answer.lock().unwrap().clone();
        Box::pin(async move {
            match answer {
                Some(delivery) => delivery,
                None => std::future::pending().await,
            }
        })
    }
}

fn senders(webhooks: &Told) -> Senders {
    Senders { webhooks: Box::new(webhooks.clone()), ..Senders::new(&Settings::default()).unwrap() }
}

fn to_webhook(id: u64) -> Message {
    let secrets = vec![Secret::from("whsec_AAAA".to_owned())];
    message_to(Target::Webhook { id, url: "https://a.example".to_owned(), secrets })
}

fn failure() -> Delivery {
    Delivery::retry("500")
}

async fn open(senders: &Senders, id: u64) {
    for _ in 0..5 {
        assert_eq!(senders.send(&to_webhook(id)).await, Attempt::Made(failure()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_fails_is_left_alone_and_the_others_are_not() {
    let told = Told::answering(failure());
    let senders = senders(&told);
    open(&senders, 1).await;
    assert_eq!(senders.send(&to_webhook(1)).await, Attempt::Waits(Duration::from_secs(5)));
    assert_eq!(told.sent(), 5, "what waits is not sent");
    assert_eq!(senders.send(&to_webhook(2)).await, Attempt::Made(failure()));
}

#[tokio::test(start_paused = true)]
async fn a_success_between_failures_counts() {
    let told = Told::default();
    let senders = senders(&told);
    for _ in 0..10 {
        for delivery in [failure(), failure(), failure(), failure(), Delivery::Delivered] {
            told.answer(Some(delivery.clone()));
            assert_eq!(senders.send(&to_webhook(1)).await, Attempt::Made(delivery));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_while_one_message_finds_out_for_all() {
    let told = Told::answering(failure());
    let senders = senders(&told);
    open(&senders, 1).await;
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(senders.send(&to_webhook(1)).await, Attempt::Made(failure()));
    assert_eq!(senders.send(&to_webhook(1)).await, Attempt::Waits(Duration::from_secs(10)));
    tokio::time::advance(Duration::from_secs(10)).await;
    told.answer(Some(Delivery::Delivered));
    for _ in 0..2 {
        assert_eq!(senders.send(&to_webhook(1)).await, Attempt::Made(Delivery::Delivered));
    }
    assert!(senders.breakers.lock().unwrap().is_empty(), "what works is forgotten");
}

#[tokio::test(start_paused = true)]
async fn while_one_message_finds_out_the_others_wait_and_another_does_when_it_is_dropped() {
    let told = Told::answering(failure());
    let senders = senders(&told);
    open(&senders, 1).await;
    tokio::time::advance(Duration::from_secs(5)).await;
    told.answer(None);
    let message = to_webhook(1);
    let probe = tokio::time::timeout(Duration::from_millis(10), senders.send(&message));
    let (probe, other) = tokio::join!(probe, senders.send(&message));
    assert!(probe.is_err());
    assert_eq!(other, Attempt::Waits(Duration::from_secs(1)));
    told.answer(Some(Delivery::Delivered));
    assert_eq!(senders.send(&message).await, Attempt::Made(Delivery::Delivered));
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_answers_is_not_left_alone_whatever_it_says() {
    for answer in [Delivery::refused("400"), Delivery::not_now("450"), Delivery::gone("410")] {
        let told = Told::answering(answer.clone());
        let senders = senders(&told);
        for _ in 0..20 {
            assert_eq!(senders.send(&to_webhook(1)).await, Attempt::Made(answer.clone()));
        }
    }
}

#[tokio::test]
async fn what_no_sender_is_configured_for_waits_or_is_logged() {
    let message = message_to(Target::Apns { device_token: "00".to_owned() });
    let without = Senders::new(&Settings::default()).unwrap();
    assert_eq!(without.send(&message).await, Attempt::Waits(Duration::from_secs(60)));
    let logging = Senders::new(&Settings { log: true, ..Settings::default() }).unwrap();
    assert_eq!(logging.send(&message).await, Attempt::Made(Delivery::Delivered));
    assert_eq!(without.send(&message_to(Target::Log)).await, Attempt::Made(Delivery::Delivered));
}
