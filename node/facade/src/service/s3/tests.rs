//! What seed S3 finds in the rows.

use holdfast_reservations::{
    AddPools, Booking, BookingId, BookingState, BookingsOf, Command, Confirm, CreateEvent, DeclareUser,
    Enqueue, JobCommand, NewPlaces, NewPool, NewSlot, Outcome, Places, Principal, Promise, RequestId,
    RequestKey, Reserve, SlotName, Terms, Window,
};

use super::guests::{booked_names, free_number};
use super::wishes::{Wish, reserve_of};
use super::*;
use crate::stage::{MIA, RESOURCE, Stage, TOM};

const BALCONY: PoolId = PoolId(1);
const FLOOR: PoolId = PoolId(2);

/// An event of Mia's with its only slot.
fn open_event(stage: &mut Stage, venue: &str, starts_at: u64) -> (ResourceId, SlotId) {
    let window = Window::new(Timestamp(starts_at), Timestamp(starts_at + 1_000_000)).unwrap();
    let (name, description) = ("Gig".to_owned(), String::new());
    let slot = Some(NewSlot { window, pools: Vec::new() });
    let event = CreateEvent { name, description, venue: venue.to_owned(), slot };
    let Outcome::Slots(slots) = stage.submit(MIA, Command::CreateEvent(event)) else { panic!("no slot") };
    (slots[0].1.resource, slots[0].0)
}

fn add(stage: &mut Stage, slot: SlotId, name: &str, places: NewPlaces) {
    let pools = vec![NewPool { name: name.to_owned(), places }];
    stage.submit(MIA, Command::AddPools(AddPools { slot, pools }));
}

/// A concert with three seats to be kept for a minute, and five places to stand that are only counted.
fn concert() -> (Stage, ResourceId, SlotId) {
    let mut stage = Stage::new();
    let (event, slot) = open_event(&mut stage, "Hall", 5_000);
    let terms = Terms { policy: vec![(PolicyField::HoldDuration, 60_000)], ..Terms::default() };
    let seats = NewPlaces::Seats(SeatPlan::numbered(3).unwrap());
    add(&mut stage, slot, "Balcony", NewPlaces::OnTerms(Box::new(seats), terms));
    add(&mut stage, slot, "Floor", NewPlaces::Counter { capacity: 5 });
    (stage, event, slot)
}

fn tried(stage: &mut Stage, event: ResourceId, wish: &Wish) -> (BookingId, BookingState) {
    let command = JobCommand::Reserve(reserve_of(stage.rows(), event, wish));
    let enqueue = Enqueue { command, priority: 0, not_before: None, promise: Promise::Booking };
    let Outcome::Job(_, job) = stage.submit(TOM, Command::Enqueue(enqueue)) else { panic!("no job") };
    let id = job.booking.unwrap();
    (id, stage.rows().row::<Booking>(id).unwrap().state)
}

#[test]
fn events_are_found_by_their_venue_and_day_newest_first() {
    let mut stage = Stage::new();
    stage.open_slots(&[(100, 200)]);
    let [first, second, third] =
        [("Hall", 100), ("Barn", 200), ("Hall", 300)].map(|(venue, at)| open_event(&mut stage, venue, at).0);
    let listed = |venue, from| {
        let events = dated_events(stage.rows(), venue, |event| event.starts_at >= Timestamp(from));
        events.into_iter().map(|event| event.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(None, 0), [third, second, first], "a ride is no event");
    assert_eq!(listed(None, 200), [third, second]);
    assert_eq!((listed(Some("Hall"), 0), listed(Some("Nowhere"), 0)), (vec![third, first], vec![]));
}

#[test]
fn an_event_sells_what_was_added_to_it() {
    let (mut stage, event, slot) = concert();
    tried(&mut stage, event, &Wish::Tickets(BALCONY, vec![0, 2]));
    let types = types_on_sale(stage.rows(), event, Timestamp(1)).unwrap();
    let shown = |on_sale: &TypeOnSale| {
        let (name, available) = (on_sale.pool.name.clone(), on_sale.counts.available);
        (name, available, on_sale.is_general, on_sale.hold_duration)
    };
    let shown: Vec<_> = types.iter().map(shown).collect();
    assert_eq!(shown, [("Balcony".into(), 1, true, Some(60_000)), ("Floor".into(), 5, true, None)]);
    let later = types_on_sale(stage.rows(), event, Timestamp(60_001)).unwrap();
    assert_eq!(later[0].counts.available, 3, "the hold has lapsed, though no tick has said so");
    assert!(types_on_sale(stage.rows(), RESOURCE, Timestamp(1)).is_none(), "a ride is no event");
    assert_eq!(slot_to_sell(stage.rows(), event, Timestamp(1)), Some(slot));
    assert_eq!(slot_to_sell(stage.rows(), RESOURCE, Timestamp(1)), None);
}

#[test]
fn what_can_be_tried_is_tried_and_none_is_rejected() {
    let (mut stage, event, _) = concert();
    let held_for = |state: &BookingState| {
        if let BookingState::Held { duration, .. } = state {
            return Some(duration.0);
        }
        assert!(matches!(state, BookingState::Rejected { .. }), "{state:?}");
        None
    };
    for (wish, expected) in [
        (Wish::Tickets(BALCONY, vec![1]), Some(60_000)),
        (Wish::Tickets(BALCONY, vec![1, 2]), None),
        (Wish::Tickets(BALCONY, vec![3]), None),
        (Wish::Tickets(PoolId(99), vec![0]), None),
        (Wish::Tickets(FLOOR, vec![0]), None),
        (Wish::Quantity(BALCONY, 0), None),
        (Wish::Quantity(BALCONY, 3), None),
        (Wish::Quantity(BALCONY, 2), Some(60_000)),
        (Wish::Quantity(FLOOR, 0), None),
        (Wish::Quantity(FLOOR, u64::MAX), None),
        (Wish::Quantity(FLOOR, 5), Some(600_000)),
    ] {
        let (_, state) = tried(&mut stage, event, &wish);
        assert_eq!(held_for(&state), expected, "{wish:?}");
    }
}

#[test]
fn what_an_event_does_not_sell_is_in_no_slot() {
    let (mut stage, event, _) = concert();
    let (other, _) = open_event(&mut stage, "Hall", 5_000);
    let slot_of = |event, wish: &Wish| reserve_of(stage.rows(), event, wish).slot;
    let none = SlotName::Id(NO_SLOT);
    assert_ne!(slot_of(event, &Wish::Quantity(FLOOR, 1)), none);
    for (event, wish) in [
        (other, Wish::Quantity(FLOOR, 1)),
        (other, Wish::Quantity(BALCONY, 1)),
        (other, Wish::Tickets(BALCONY, vec![0])),
        (event, Wish::Quantity(PoolId(99), 1)),
        (ResourceId(99), Wish::Tickets(BALCONY, vec![0])),
        (RESOURCE, Wish::Quantity(BALCONY, 1)),
    ] {
        assert_eq!(slot_of(event, &wish), none, "{wish:?}");
    }
    let Reserve { hold, user, places, .. } = reserve_of(stage.rows(), event, &Wish::Quantity(FLOOR, 2));
    assert!(hold.is_some_and(|hold| hold.duration.is_none()) && user.is_none());
    assert_eq!(places, Places::Count(2));
}

#[test]
fn names_of_what_is_confirmed_are_listed_by_who_has_it() {
    let (mut stage, event, _) = concert();
    let (booking, _) = tried(&mut stage, event, &Wish::Tickets(BALCONY, vec![0, 1]));
    tried(&mut stage, event, &Wish::Tickets(BALCONY, vec![2]));
    assert!(booked_names(stage.rows(), BookingsOf::Everybody).is_empty());
    let confirm = Confirm { booking, expected_version: None, part: None, paid: None };
    stage.submit(TOM, Command::Confirm(confirm));
    let names = booked_names(stage.rows(), BookingsOf::Everybody);
    assert_eq!(names.into_iter().collect::<Vec<_>>(), [("tom".into(), vec!["1".into(), "2".into()])]);
    assert!(booked_names(stage.rows(), BookingsOf::User(MIA)).is_empty());
}

#[test]
fn a_guest_gets_a_number_of_his_own() {
    let mut stage = Stage::new();
    let id = RequestId { key: RequestKey::Named([7; 16]), payload_hash: 1 };
    let first = free_number(stage.rows(), id).unwrap();
    assert_eq!(free_number(stage.rows(), id), Some(first));
    assert!((1 << 52..1 << 53).contains(&first), "{first} is above all ids, and safe in JSON");
    let declare = DeclareUser { alias: first.to_string(), name: "Ann".into() };
    stage.apply(1, Principal::Internal, Command::DeclareUser(declare));
    let second = free_number(stage.rows(), id).unwrap();
    assert_ne!(second, first, "it is somebody's");
    let other = RequestId { key: RequestKey::Named([8; 16]), ..id };
    assert!(free_number(stage.rows(), other).is_some_and(|number| number != first && number != second));
}
