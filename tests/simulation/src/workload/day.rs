//! A day at the tower: its slots start while things go wrong, and parties come, are late, or never come.

use holdfast_model::Right;
use serde_json::{Value, json};

use super::answers::booking_in;
use super::{Operation, Park, Person, Wish, maybe_stale};
use crate::chance::Chance;
use crate::client::Reply;

pub(super) struct BookGroup;
pub(super) struct BookDay;
pub(super) struct DecideNoShows;
pub(super) struct SetDayPolicy;
pub(super) struct ReadReport;
pub(super) struct ListRevokedCodes;

impl Operation for BookGroup {
    fn name(&self) -> &'static str {
        "book_group"
    }

    /// So many that some who do not come are too many to be true.
    fn draw(&self, _: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let body = json!({"slotId": park.crowded().0, "count": chance.between(4..=9)});
        Some(Wish { method: "POST", path: "/v1/bookings".to_owned(), body: Some(body), ..Wish::default() })
    }

    fn learn(&self, who: &mut Person, _: &Park, _: &Wish, reply: &Reply) {
        learn_booking(who, reply);
    }
}

impl Operation for BookDay {
    fn name(&self) -> &'static str {
        "book_day"
    }

    /// There may be places again whose parties have not come.
    fn draw(&self, _: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let body = json!({"slotId": chance.pick(&park.days).0, "count": chance.between(1..=2)});
        Some(Wish { method: "POST", path: "/v1/bookings".to_owned(), body: Some(body), ..Wish::default() })
    }

    fn learn(&self, who: &mut Person, _: &Park, _: &Wish, reply: &Reply) {
        learn_booking(who, reply);
    }
}

impl Operation for DecideNoShows {
    fn name(&self) -> &'static str {
        "decide_no_shows"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let decision = if chance.percent(60) { "release" } else { "keep" };
        who.is_staff.then(|| Wish {
            method: "POST",
            path: format!("/v1/slots/{}/no-shows", park.crowded().0),
            body: Some(json!({"decision": decision})),
            ..Wish::default()
        })
    }
}

impl Operation for SetDayPolicy {
    fn name(&self) -> &'static str {
        "set_day_policy"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let body = policy(chance);
        let scope = match chance.percent(50) {
            true => format!("resource/{}", park.tower),
            false => format!("slot/{}", chance.pick(&park.days).0),
        };
        who.is_staff.then(|| Wish {
            method: "PUT",
            path: format!("/v1/policies/{scope}"),
            body: Some(body),
            right: Right::Acts,
            ..Wish::default()
        })
    }

    /// It may have been decided just so before, and tells of no change of a booking.
    fn always_changes(&self) -> bool {
        false
    }
}

impl Operation for ReadReport {
    fn name(&self) -> &'static str {
        "read_report"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let path = match chance.percent(70) {
            true => format!("/v1/reports/slots?resourceId={}", park.tower),
            false => "/v1/reports/resources".to_owned(),
        };
        let (path, kind) = maybe_stale(path, chance);
        who.is_staff.then(|| Wish { path, kind, ..Wish::default() })
    }

    /// Nothing is taken twice.
    fn complaint(&self, reply: &Reply) -> Option<String> {
        let items = reply.json["items"].as_array()?;
        let figure = |item: &Value, name: &str| item[name].as_u64();
        let is_possible = |item: &Value| {
            let booked = figure(item, "booked")?;
            let taken = booked + figure(item, "held")?;
            Some(taken <= figure(item, "capacity")? && figure(item, "used")? <= booked)
        };
        let odd = items.iter().find(|item| is_possible(item) != Some(true))?;
        Some(format!("a report says {odd}"))
    }
}

impl Operation for ListRevokedCodes {
    fn name(&self) -> &'static str {
        "list_revoked_codes"
    }

    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let (path, kind) = maybe_stale("/v1/codes/revoked".to_owned(), chance);
        who.is_staff.then(|| Wish { path, kind, ..Wish::default() })
    }
}

/// When parties are reminded and given up, and how early and late they may come.
pub(super) fn policy(chance: &mut Chance) -> Value {
    json!({
        "reminderLeadSeconds": chance.between(0..=6),
        "noShowGraceSeconds": chance.between(0..=4),
        "noShowShareMax": chance.pick(&[0, 50, 100]),
        "checkInEarlySeconds": chance.pick(&[0, 5, 60]),
        "checkInLateSeconds": chance.pick(&[0, 3]),
    })
}

fn learn_booking(who: &mut Person, reply: &Reply) {
    if let Some(booking) = booking_in(&reply.json) {
        who.bookings.push((booking.id, booking.slot));
    }
}
