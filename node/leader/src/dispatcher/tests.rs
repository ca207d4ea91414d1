//! Which deliveries are sent, in which order, and what the rules are told.

use std::sync::Arc;

use holdfast_reservations::{BookingId, Contradiction, Revision, SlotId, UserId, WebhookId};

use super::*;

const CHANNEL: Channel = Channel::Webhook(WebhookId(1));

const DAY: u64 = 24 * 3_600_000;

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
    let room = room + under_way.of(CHANNEL);
    let picker = looked_at(waiting, Picker::new(CHANNEL, Wanted::Due, under_way, Timestamp(100), room));
    numbers(&picker)
}

fn looked_at<'a>(waiting: &[(u64, Arc<Delivery>)], mut picker: Picker<'a>) -> Picker<'a> {
    // Page by page, as they are read.
    waiting.chunks(2).for_each(|page| picker.look_at(page));
    picker
}

fn numbers(picker: &Picker<'_>) -> Vec<u64> {
    picker.picked.iter().map(|(number, _)| *number).collect()
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
fn what_is_a_day_old_is_picked_also_before_its_next_attempt_and_where_a_channel_rests() {
    let put = |booking, put_at, next_at| {
        Arc::new(Delivery { put_at: Timestamp(put_at), ..(*delivery(booking, next_at)).clone() })
    };
    let waiting = [(1, put(70, 0, 2 * DAY)), (2, put(71, 5, 5)), (3, put(70, 5, 5)), (4, put(72, 9, 9))];
    let under_way = UnderWay::default();
    let picked = |wanted, now| {
        let picker = Picker::new(CHANNEL, wanted, &under_way, Timestamp(now), UNDER_WAY_MAX);
        numbers(&looked_at(&waiting, picker))
    };
    assert_eq!(picked(Wanted::Due, DAY - 1), [2, 4]);
    assert_eq!(picked(Wanted::Due, DAY), [1, 2, 4], "3 is behind 1");
    assert!(picked(Wanted::Overdue, DAY - 1).is_empty());
    assert_eq!(picked(Wanted::Overdue, DAY), [1]);
    assert_eq!(picked(Wanted::Overdue, DAY + 5), [1, 2]);
}

#[test]
fn a_channel_in_which_all_wait_for_their_time_is_quiet_until_then_or_until_it_changes() {
    // 3 is due, but behind 1.
    let waiting = [(1, delivery(70, 500)), (2, delivery(71, 300)), (3, delivery(70, 0))];
    let backlog = Backlog { made: 3, waiting: 3, oldest: 1, logged: 0 };
    let mut under_way = UnderWay::default();
    let quiet = |wanted, under_way: &UnderWay, now, waiting: &[(u64, Arc<Delivery>)]| {
        let picker = Picker::new(CHANNEL, wanted, under_way, Timestamp(now), UNDER_WAY_MAX);
        looked_at(waiting, picker).quiet(backlog)
    };
    let Some(found) = quiet(Wanted::Due, &under_way, 299, &waiting) else { panic!("nothing is due") };
    assert!(found.lasts(backlog, Timestamp(299)) && !found.lasts(backlog, Timestamp(300)));
    for changed in [
        Backlog { made: 4, waiting: 4, ..backlog },
        Backlog { waiting: 2, ..backlog },
        Backlog { made: 4, oldest: 2, ..backlog },
    ] {
        assert!(!found.lasts(changed, Timestamp(299)), "{changed:?}");
    }
    assert_eq!(quiet(Wanted::Due, &under_way, 300, &waiting), None, "2 is due");
    assert_eq!(quiet(Wanted::Overdue, &under_way, 299, &waiting), None, "it was not looked for all");
    let late = [(1, delivery(70, 3 * DAY))];
    let Some(found) = quiet(Wanted::Due, &under_way, 299, &late) else { panic!("nothing is due") };
    assert!(found.lasts(backlog, Timestamp(DAY - 1)) && !found.lasts(backlog, Timestamp(DAY)));
    under_way.begin((CHANNEL, 2));
    assert_eq!(quiet(Wanted::Due, &under_way, 299, &waiting), None, "the end of 2 may change it");
}

#[test]
fn what_nobody_took_for_a_day_is_given_up_without_another_attempt() {
    let settled = |delivery: &Delivery, destination, now| {
        let work = work(delivery, destination, Timestamp(now), |_| panic!("it is not sent"));
        work.map(|work| match work {
            Work::Settle(settled) => settled,
            Work::Send(message) => panic!("{message:?}"),
        })
    };
    let server = || Some(Destination::Webhook { url: "https://a.example".to_owned(), secrets: Vec::new() });
    let dead = |error: &str| Some(Settled::Dead { error: error.to_owned() });
    let untried = delivery(70, 0);
    assert_eq!(settled(&untried, server(), DAY), dead(GIVEN_UP));
    let tried = Delivery { last_error: Some("500".to_owned()), ..(*untried).clone() };
    assert_eq!(settled(&tried, server(), DAY), dead("500"));
    // Whose target is gone ends as that says, however old it is.
    assert_eq!(settled(&untried, None, DAY), None, "ticks clear it away");
    let to = |target| Delivery { target, ..(*untried).clone() };
    let device = to(Target::Device { user: UserId(3), device: 1 });
    let gone = Settled::Gone { error: "the device was removed".to_owned() };
    assert_eq!(settled(&device, None, DAY), Some(gone));
    let address = to(Target::Address(UserId(3)));
    assert_eq!(settled(&address, None, 0), dead("the user has no address"));
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_the_rules_do_not_take_is_not_agreed_and_the_next_one_waits() {
    let began = Instant::now();
    let Agreed(count) = agreed(3, &Outcome::DeliveriesSettled(2)).await;
    assert_eq!((count, began.elapsed()), (3, Duration::ZERO), "one was settled before");
    let Agreed(count) = agreed(3, &Outcome::Contradicted(Contradiction::Overflow)).await;
    assert!(count == 0 && began.elapsed() >= WAIT_MAX, "{:?}", began.elapsed());
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
    assert!(matches!(told(1, DAY, None), Settled::Dead { .. }), "it is a day old");
}

#[test]
fn what_was_replayed_is_tried_for_a_day_from_then_on() {
    let replayed = Delivery { put_at: Timestamp(3 * DAY), ..(*delivery(70, 3 * DAY)).clone() };
    let told = |now| {
        let made = senders::Delivery::Retry { after: None, why: "busy".to_owned() };
        settled((CHANNEL, 9), &replayed, made, Timestamp(now))
    };
    assert!(matches!(told(3 * DAY + 5), Settled::Retry { attempts: 1, .. }));
    assert!(matches!(told(4 * DAY - 1), Settled::Retry { .. }));
    assert!(matches!(told(4 * DAY), Settled::Dead { .. }));
}

#[test]
fn what_a_receiver_says_is_told_to_the_rules() {
    let told = |made| settled((CHANNEL, 9), &delivery(70, 0), made, Timestamp(5));
    let why = || "so".to_owned();
    assert_eq!(told(senders::Delivery::Delivered), Settled::Delivered { status: 200 });
    assert_eq!(told(senders::Delivery::Gone { why: why() }), Settled::Gone { error: why() });
    assert_eq!(told(senders::Delivery::Refused { why: why() }), Settled::Dead { error: why() });
    let after = Some(Duration::from_secs(90));
    for later in
        [senders::Delivery::NotNow { after, why: why() }, senders::Delivery::Retry { after, why: why() }]
    {
        let later = told(later);
        let Settled::Retry { attempts: 1, next_at, .. } = later else { panic!("{later:?}") };
        assert!(next_at >= Timestamp(90_005), "{next_at:?}");
    }
}
