//! Which deliveries are sent, in which order, and what the rules are told.

use std::sync::Arc;

use holdfast_reservations::{BookingId, Revision, SlotId, UserId, WebhookId};

use super::*;

const CHANNEL: Channel = Channel::Webhook(WebhookId(1));

fn delivery(booking: u64, next_at: u64) -> Arc<Delivery> {
    Arc::new(Delivery {
        event: Revision { index: 7, ordinal: 0 },
        kind: "booking.ready".to_owned(),
        booking: Some(BookingId(booking)),
        slot: SlotId(1),
        user: Some(UserId(3)),
        target: Target::Webhook(WebhookId(1)),
        occurred_at: Timestamp(0),
        put_at: Timestamp(0),
        attempts: 0,
        next_at: Timestamp(next_at),
        last_error: None,
    })
}

fn picked(waiting: &[(u64, Arc<Delivery>)], under_way: &UnderWay, room: usize) -> Vec<u64> {
    let mut picker = Picker::new(CHANNEL, under_way, Timestamp(100), room + under_way.of(CHANNEL));
    // Page by page, as they are read.
    waiting.chunks(2).for_each(|page| picker.look_at(page));
    picker.picked.into_iter().map(|(number, _)| number).collect()
}

#[test]
fn a_booking_is_told_of_in_order_and_others_do_not_wait_for_it() {
    let waiting = [
        (1, delivery(70, 500)),
        (2, delivery(71, 0)),
        (3, delivery(70, 0)),
        (4, delivery(72, 0)),
        (5, delivery(71, 0)),
    ];
    let mut under_way = UnderWay::default();
    // 1 is not due, 3 is behind it; 5 is behind 2.
    assert_eq!(picked(&waiting, &under_way, 9), [2, 4]);
    assert_eq!(picked(&waiting, &under_way, 1), [2]);
    under_way.begin((CHANNEL, 2));
    assert_eq!(picked(&waiting, &under_way, 9), [4], "5 waits for the end of 2");
    under_way.end((CHANNEL, 2));
    assert_eq!(under_way.of(CHANNEL), 0);
}

#[test]
fn what_fails_comes_back_later_and_later_and_is_given_up_in_the_end() {
    let retry = |after| senders::Delivery::Retry { after, why: "busy".to_owned() };
    let told = |attempts: u32, now: u64, after| {
        let delivery = Delivery { attempts, ..(*delivery(70, 0)).clone() };
        settled((CHANNEL, 9), &delivery, retry(after), Timestamp(now))
    };
    let Settled::Retry { attempts, next_at, .. } = told(0, 1_000, None) else { panic!("it is tried again") };
    assert!(attempts == 1 && (1_500..=2_000).contains(&next_at.0), "{next_at:?}");
    let Settled::Retry { next_at, .. } = told(0, 1_000, Some(Duration::from_secs(60))) else {
        panic!("it is tried again")
    };
    assert_eq!(next_at, Timestamp(61_000), "the receiver has said when");
    let Settled::Retry { attempts, next_at, .. } = told(10, 0, Some(Duration::from_secs(1))) else {
        panic!("it is tried again")
    };
    assert!(attempts == 11 && next_at.0 >= 512_000, "a receiver makes no wait shorter: {next_at:?}");
    assert!(matches!(told(29, 1_000, None), Settled::Dead { .. }));
    assert!(matches!(told(1, 24 * 3_600_000, None), Settled::Dead { .. }), "it is a day old");
}

#[test]
fn what_was_replayed_is_tried_for_a_day_from_then_on() {
    let day = 24 * 3_600_000;
    let replayed = Delivery { put_at: Timestamp(3 * day), ..(*delivery(70, 3 * day)).clone() };
    let told = |now| {
        let made = senders::Delivery::Retry { after: None, why: "busy".to_owned() };
        settled((CHANNEL, 9), &replayed, made, Timestamp(now))
    };
    assert!(matches!(told(3 * day + 5), Settled::Retry { attempts: 1, .. }));
    assert!(matches!(told(4 * day - 1), Settled::Retry { .. }));
    assert!(matches!(told(4 * day), Settled::Dead { .. }));
}

#[test]
fn what_a_receiver_says_is_told_to_the_rules() {
    let told = |made| settled((CHANNEL, 9), &delivery(70, 0), made, Timestamp(5));
    let why = || "so".to_owned();
    assert_eq!(told(senders::Delivery::Delivered), Settled::Delivered { status: 200 });
    assert_eq!(told(senders::Delivery::Gone { why: why() }), Settled::Gone { error: why() });
    assert_eq!(told(senders::Delivery::Refused { why: why() }), Settled::Dead { error: why() });
    let later = told(senders::Delivery::NotNow { why: why() });
    assert!(matches!(later, Settled::Retry { attempts: 1, .. }), "{later:?}");
}
