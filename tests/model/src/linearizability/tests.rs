//! Good and bad histories. Those with names of their own are the classic ones.

use expect_test::{Expect, expect};

use super::{Bounds, Verdict, check as check_bounded};
use crate::history::History;

fn verdict(history: &str, bounds: Bounds) -> Verdict {
    let history: History = history.parse().unwrap_or_else(|error| panic!("{error}"));
    check_bounded(&history, bounds)
}

fn check(history: &str, expected: &Expect) {
    let says = match verdict(history, Bounds::default()) {
        Verdict::Passed => "passed".to_owned(),
        Verdict::Failed(violations) => {
            violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        }
        Verdict::Unknown(why) => format!("unknown: {}", why.join("; ")),
    };
    expected.assert_eq(&says);
}

#[test]
fn overlapping_calls_may_take_effect_in_any_order() {
    check(
        "
        0..9 user:3 key:a book slot:1 -> booking:2
        0..9 user:4 key:b book slot:1 -> booking:1
        0..9 user:5 key:c book slot:1 -> refused slot_full
        1..8 user:6 look slot:1 -> capacity:2 available:1 confirmed:1
        1..8 user:6 look slot:1 -> capacity:2 available:2
        1..8 user:6 get booking:1 -> booking:1 slot:1 owner:4
        5..20 user:4 key:d cancel booking:1 -> booking:1 slot:1 owner:4 cancelled
        6..30 user:7 key:e book slot:1 -> booking:3
        end slot:1 capacity:2 available:0 confirmed:2
        end booking:1 slot:1 owner:4 cancelled
        end booking:2 slot:1 owner:3
        end booking:3 slot:1 owner:7
        ",
        &expect!["passed"],
    );
}

#[test]
fn a_stale_read() {
    check(
        "
        0..1 user:3 key:a book slot:1 -> booking:1
        2..3 user:4 look slot:1 -> capacity:2 available:2
        end slot:1 capacity:2 available:1 confirmed:1
        end booking:1 slot:1 owner:3
        ",
        &expect![[r#"
            slot:1: no order of the calls explains all answers; the longest that explains some ends before
                2..3 user:4 look slot:1 -> capacity:2 available:2"#]],
    );
}

/// Each read alone is fine; together they go back in time.
#[test]
fn two_reads_that_see_an_overlapping_booking_in_the_wrong_order() {
    check(
        "
        0..9 user:3 key:a book slot:1 -> booking:1
        1..2 user:4 look slot:1 -> capacity:2 available:1 confirmed:1
        3..4 user:5 look slot:1 -> capacity:2 available:2
        end slot:1 capacity:2 available:1 confirmed:1
        end booking:1 slot:1 owner:3
        ",
        &expect![[r#"
            slot:1: no order of the calls explains all answers; the longest that explains some ends before
                3..4 user:5 look slot:1 -> capacity:2 available:2"#]],
    );
}

/// No reader alone sees anything wrong: they only disagree on which came first.
#[test]
fn two_readers_that_see_two_bookings_in_different_orders() {
    check(
        "
        0..9 user:3 key:a book slot:1 -> booking:1
        0..9 user:4 key:b book slot:1 -> booking:2
        1..2 user:5 list slot:1 -> booking:1
        1..2 user:6 list slot:1 -> booking:2
        end slot:1 capacity:2 available:0 confirmed:2
        end booking:1 slot:1 owner:3
        end booking:2 slot:1 owner:4
        ",
        &expect![[r#"
            slot:1: no order of the calls explains all answers; the longest that explains some ends before
                1..2 user:6 list slot:1 -> booking:2"#]],
    );
}

#[test]
fn the_last_place_is_sold_twice_though_it_was_given_back_later() {
    check(
        "
        0..1 user:3 key:a book slot:1 -> booking:1
        2..3 user:4 key:b book slot:1 -> booking:2
        4..5 user:3 key:c cancel booking:1 -> booking:1 slot:1 owner:3 cancelled
        end slot:1 capacity:1 available:0 confirmed:1
        end booking:1 slot:1 owner:3 cancelled
        end booking:2 slot:1 owner:4
        ",
        &expect![[r#"
            slot:1: no order of the calls explains all answers; the longest that explains some ends before
                2..3 user:4 key:b book slot:1 -> booking:2"#]],
    );
}

#[test]
fn a_refusal_without_need() {
    check(
        "
        0..1 user:3 key:a book slot:1 -> booking:1
        2..3 user:3 key:b cancel booking:1 -> booking:1 slot:1 owner:3 cancelled
        4..5 user:4 key:c book slot:1 -> refused slot_full
        end slot:1 capacity:1 available:1
        end booking:1 slot:1 owner:3 cancelled
        ",
        &expect![[r#"
            slot:1: no order of the calls explains all answers; the longest that explains some ends before
                4..5 user:4 key:c book slot:1 -> refused slot_full"#]],
    );
}

#[test]
fn what_is_unknown_may_have_happened_late_or_never() {
    let history = |seen: &str, end: &str| {
        format!(
            "
            0..1 user:3 key:a book slot:1 -> booking:1
            2..3 user:3 key:b cancel booking:1 -> unknown
            4..5 user:4 look slot:1 -> capacity:1 available:0 confirmed:1
            6..7 user:4 look slot:1 -> {seen}
            8..9 user:4 look slot:1 -> capacity:1 available:0 confirmed:1
            {end}
            "
        )
    };
    let (booked, free) = ("capacity:1 available:0 confirmed:1", "capacity:1 available:1");
    let kept = "end slot:1 capacity:1 available:0 confirmed:1\nend booking:1 slot:1 owner:3";
    let given_back = "end slot:1 capacity:1 available:1\nend booking:1 slot:1 owner:3 cancelled";
    check(&history(booked, kept), &expect!["passed"]);
    check(&history(booked, given_back), &expect!["passed"]);
    check(
        &history(free, given_back),
        &expect![[r#"
            slot:1: no order of the calls explains all answers; the longest that explains some ends before
                8..9 user:4 look slot:1 -> capacity:1 available:0 confirmed:1"#]],
    );
}

#[test]
fn an_unknown_booking_that_was_found_took_its_place_at_one_moment() {
    let history = |seen: &str| {
        format!(
            "
            0..1 user:3 key:a book slot:1 -> unknown
            2..3 user:4 look slot:1 -> capacity:1 available:1
            4..5 user:4 look slot:1 -> {seen}
            6..7 user:5 key:b book slot:1 -> refused slot_full
            end slot:1 capacity:1 available:0 confirmed:1
            end booking:1 slot:1 owner:3
            "
        )
    };
    check(&history("capacity:1 available:1"), &expect!["passed"]);
    check(&history("capacity:1 available:0 confirmed:1"), &expect!["passed"]);
}

#[test]
fn a_booking_moves_from_one_slot_to_another_at_one_moment() {
    let history = |first: &str, second: &str| {
        format!(
            "
            0..1 user:3 key:a book slot:1 -> booking:1
            2..9 user:3 key:b modify booking:1 slot:2 count:2 -> booking:1 slot:2 owner:3 count:2
            3..4 user:4 look slot:1 -> {first}
            5..6 user:4 look slot:2 -> {second}
            10..11 user:2 key:c check-in booking:1 -> booking:1 slot:2 owner:3 count:2 used
            12..13 user:3 key:d cancel booking:1 -> refused already_used
            end slot:1 capacity:2 available:2
            end slot:2 capacity:2 available:0 confirmed:2
            end booking:1 slot:2 owner:3 count:2 used
            "
        )
    };
    let (one, none) = ("capacity:2 available:1 confirmed:1", "capacity:2 available:2");
    check(&history(one, none), &expect!["passed"]);
    check(&history(one, "capacity:2 available:0 confirmed:2"), &expect!["passed"]);
    check(
        &history(none, none),
        &expect![[r#"
            slot:1, slot:2: no order of the calls explains all answers; the longest that explains some ends before
                5..6 user:4 look slot:2 -> capacity:2 available:2"#]],
    );
}

#[test]
fn a_change_that_changes_nothing_at_first_may_have_come_later() {
    let history = |seen: &str| {
        format!(
            "
            0..1 user:3 key:a book slot:1 count:2 -> booking:1 slot:1 owner:3 count:2
            2..9 user:3 key:b modify booking:1 count:2 -> booking:1 slot:1 owner:3 count:2
            3..4 user:3 key:c modify booking:1 count:1 -> booking:1 slot:1 owner:3 count:1
            10..11 user:3 get booking:1 -> booking:1 slot:1 owner:3 count:{seen}
            end slot:1 capacity:9 available:{} confirmed:{seen}
            end booking:1 slot:1 owner:3 count:{seen}
            ",
            9 - seen.parse::<u32>().unwrap()
        )
    };
    check(&history("2"), &expect!["passed"]);
    check(&history("1"), &expect!["passed"]);
}

#[test]
fn ids_are_given_in_the_order_of_bookings() {
    check(
        "
        0..1 user:3 key:a book slot:1 -> booking:2
        2..3 user:4 key:b book slot:1 -> booking:1
        end slot:1 capacity:2 available:0 confirmed:2
        end booking:1 slot:1 owner:4
        end booking:2 slot:1 owner:3
        ",
        &expect![[r#"
            slot:1: no order of the calls explains all answers; the longest that explains some ends before
                2..3 user:4 key:b book slot:1 -> booking:1"#]],
    );
}

#[test]
fn a_list_shows_what_is_there_at_one_moment() {
    let history = |seen: &str| {
        format!(
            "
            0..1 user:3 key:a book slot:1 -> booking:1
            2..9 user:3 key:b book slot:1 -> booking:2
            2..9 user:3 key:c book slot:1 -> booking:3
            2..9 user:3 list slot:1 -> {seen}
            end slot:1 capacity:9 available:6 confirmed:3
            end booking:1 slot:1 owner:3
            end booking:2 slot:1 owner:3
            end booking:3 slot:1 owner:3
            "
        )
    };
    check(&history("booking:2 booking:1"), &expect!["passed"]);
    check(&history("booking:3 more"), &expect!["passed"]);
    check(
        &history("booking:3 booking:1"),
        &expect![[r#"
            slot:1: no order of the calls explains all answers; the longest that explains some ends before
                2..9 user:3 list slot:1 -> booking:3 booking:1"#]],
    );
}

#[test]
fn what_cannot_be_judged_is_unknown_and_no_pass() {
    check("0..1 user:3 key:a book slot:1 -> booking:1", &expect!["unknown: slot:1 was not read at the end"]);
}

#[test]
fn a_search_that_takes_too_long_is_given_up() {
    let booked = |id: u64| format!("0..{} user:3 key:{id} book slot:1 -> booking:{id}\n", 100 + id);
    let cancelled = |id: u64| format!("1..{} user:3 key:c{id} cancel booking:{id} -> unknown\n", 200 + id);
    let found = |id: u64| format!("end booking:{id} slot:1 owner:3\n");
    let mut history: String = (1..=8).map(|id| booked(id) + &cancelled(id) + &found(id)).collect();
    history += "150..151 user:4 look slot:1 -> capacity:20 available:19 confirmed:1\n";
    history += "end slot:1 capacity:20 available:12 confirmed:8\n";
    let few = Bounds { steps_max: 1000, ..Bounds::default() };
    let little = Bounds { bytes_max: 10_000, ..Bounds::default() };
    assert_eq!(
        verdict(&history, few),
        Verdict::Unknown(vec!["slot:1: too many orders are possible".to_owned()])
    );
    assert_eq!(
        verdict(&history, little),
        Verdict::Unknown(vec!["slot:1: too many orders were tried to remember them".to_owned()])
    );
    assert!(matches!(verdict(&history, Bounds::default()), Verdict::Failed(_)));
}

/// A crowd at one slot, as the simulator makes it: the search must need no more than a few tries for each call.
#[test]
fn a_thousand_calls_take_some_thousand_steps() {
    let mut history = String::new();
    for id in 1..=500u64 {
        let at = id * 10;
        history += &format!("{at}..{} user:3 key:{id} book slot:1 -> booking:{id}\n", at + 95);
        history += &format!(
            "{at}..{} user:4 look slot:1 -> capacity:900 available:{} confirmed:{id}\n",
            at + 95,
            900 - id
        );
        history += &format!("end booking:{id} slot:1 owner:3\n");
    }
    history += "end slot:1 capacity:900 available:400 confirmed:500\n";
    let bounds = Bounds { steps_max: 30_000, ..Bounds::default() };
    assert_eq!(verdict(&history, bounds), Verdict::Passed);
}
