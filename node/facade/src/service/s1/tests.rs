//! What of the catalogue is an event, and what is left of it.

use holdfast_reservations::{
    Command, CreateEvent, Dialect, HoldTerms, NewPlaces, NewPool, NewSlot, OpenSlots, Outcome, Places,
    PoolId, Principal, Reserve, SeatName, SeatPlan, SlotName, UserId, Window, WithdrawResource, WithdrawSlot,
};

use super::*;
use crate::stage::{MIA, RESOURCE, Stage, TOM};

fn open_event(stage: &mut Stage, name: &str) -> ResourceId {
    let (name, description, venue) = (name.to_owned(), String::new(), "Main venue".to_owned());
    let event = CreateEvent { name, description, venue, slot: None };
    let Outcome::Resource(id, _) = stage.submit(MIA, Command::CreateEvent(event)) else { panic!("no event") };
    id
}

fn open_performance(stage: &mut Stage, resource: ResourceId, starts_at: u64, seats: u64) -> SlotId {
    let pool =
        NewPool { name: "seats".to_owned(), places: NewPlaces::Seats(SeatPlan::numbered(seats).unwrap()) };
    let window = Window::new(Timestamp(starts_at), Timestamp(starts_at + 1_000_000)).unwrap();
    let slots = vec![NewSlot { window, pools: vec![pool] }];
    let open = Command::OpenSlots(OpenSlots { resource, slots });
    let Outcome::Slots(slots) = stage.submit(MIA, open) else { panic!("no slot") };
    slots[0].0
}

fn hold(stage: &mut Stage, user: UserId, pool: PoolId, seat: u32) {
    let hold = Some(HoldTerms { duration: None, dialect: Dialect::S1 });
    let (slot, places) = (SlotName::OfPool(pool), Places::Seats(vec![SeatName::Number(seat)]));
    stage.submit(user, Command::Reserve(Reserve { slot, pool: None, places, hold, user: None }));
}

fn ids(events: &[EventView]) -> Vec<u64> {
    events.iter().map(|event| event.id.0).collect()
}

#[test]
fn only_events_that_are_there_are_listed_newest_first() {
    let mut stage = Stage::new();
    let events: Vec<_> = ["A", "B", "C"].map(|name| open_event(&mut stage, name)).into();
    let list = |stage: &Stage, before, limit| ids(&super::events(stage.rows(), before, limit));
    assert_eq!(list(&stage, ResourceId(u64::MAX), 9), [4, 3, 2]);
    assert_eq!(list(&stage, ResourceId(u64::MAX), 2), [4, 3]);
    assert_eq!(list(&stage, events[1], 9), [2]);
    stage.submit(MIA, Command::WithdrawResource(WithdrawResource { resource: events[1] }));
    assert_eq!(list(&stage, ResourceId(u64::MAX), 9), [4, 2]);
    assert_eq!(event(stage.rows(), events[1]).unwrap_err().status, 404);
    assert_eq!(event(stage.rows(), RESOURCE).unwrap_err().status, 404);
    assert_eq!(event(stage.rows(), events[0]).unwrap().name, "A");
}

#[test]
fn performances_are_listed_by_their_start_until_they_are_taken_off() {
    let mut stage = Stage::new();
    let event = open_event(&mut stage, "A");
    let late = open_performance(&mut stage, event, 900, 3);
    let early = open_performance(&mut stage, event, 300, 2);
    let listed = |stage: &Stage| {
        let view = event_view(stage.rows(), event).unwrap();
        view.performances.iter().map(|performance| (performance.id, performance.total())).collect::<Vec<_>>()
    };
    assert_eq!(listed(&stage), [(early, 2), (late, 3)]);
    stage.submit(MIA, Command::WithdrawSlot(WithdrawSlot { slot: early }));
    assert_eq!(listed(&stage), [(late, 3)]);
    assert!(performance(stage.rows(), early).is_err());
    assert_eq!(performance(stage.rows(), late).unwrap().1.name, "A");
}

#[test]
fn a_place_whose_hold_has_ended_is_left() {
    let mut stage = Stage::new();
    let event = open_event(&mut stage, "A");
    let id = open_performance(&mut stage, event, 10_000_000, 3);
    hold(&mut stage, TOM, PoolId(1), 2);
    let left = |stage: &Stage| performance(stage.rows(), id).unwrap().0.available;
    assert_eq!(left(&stage), 2);
    // Time goes on, and no tick has said so.
    let (name, description, venue) = ("B".to_owned(), String::new(), "Main venue".to_owned());
    let mia = Principal::User { user: MIA, token_version: 0 };
    stage.apply(600_001, mia, Command::CreateEvent(CreateEvent { name, description, venue, slot: None }));
    assert_eq!(left(&stage), 3);
}

#[test]
fn a_ride_is_no_event_and_its_slots_are_no_performances() {
    let mut stage = Stage::new();
    stage.open_slots(&[(100, 200)]);
    let rows = stage.rows();
    assert_eq!(performance(rows, SlotId(1)).err().map(|problem| problem.code), Some("slot_not_found"));
    assert_eq!(expect_no_other(rows, RESOURCE).map_err(|problem| problem.status), Err(404));
    assert_eq!(expect_no_other_slot(rows, SlotId(1)).map_err(|problem| problem.status), Err(404));
    // What is not there the rules refuse.
    assert_eq!(
        (expect_no_other(rows, ResourceId(9)), expect_no_other_slot(rows, SlotId(9))),
        (Ok(()), Ok(()))
    );
}
