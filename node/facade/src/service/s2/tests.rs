//! What is found in the rows for seed S2.

use holdfast_reservations::{
    Command, Confirm, CreateEvent, DeclareUser, Millis, NewPlaces, NewPool, NewSlot, OpenSlots, Principal,
    SeatPlan, Window,
};

use super::*;
use crate::stage::{MIA, Stage};

const EVENT: ResourceId = ResourceId(2);

fn slot(starts_at: u64, ends_at: u64, places: NewPlaces) -> NewSlot {
    let window = Window::new(Timestamp(starts_at), Timestamp(ends_at)).unwrap();
    NewSlot { window, pools: vec![NewPool { name: "all".to_owned(), places }] }
}

fn seats() -> NewPlaces {
    NewPlaces::Seats(SeatPlan::numbered(10).unwrap())
}

/// Mia's event with these slots.
fn stage(slots: Vec<NewSlot>) -> Stage {
    let mut stage = Stage::new();
    let text = |text: &str| text.to_owned();
    let event = CreateEvent { name: text("Match"), description: text(""), venue: text("Hall"), slot: None };
    stage.submit(MIA, Command::CreateEvent(event));
    stage.submit(MIA, Command::OpenSlots(OpenSlots { resource: EVENT, slots }));
    stage
}

#[test]
fn the_offer_of_an_event_is_its_next_slot_with_seats() {
    let counted = NewPlaces::Counter { capacity: 5 };
    let stage = stage(vec![slot(300, 400, seats()), slot(100, 200, counted), slot(200, 300, seats())]);
    let first = |now| first_with_seats(stage.rows(), EVENT, Timestamp(now));
    assert_eq!(first(0), Some(vec![PoolId(3)]));
    assert_eq!(first(299), Some(vec![PoolId(3)]));
    assert_eq!(first(300), Some(vec![PoolId(1)]), "what has ended offers nothing");
    assert_eq!(first(400), None);
    assert_eq!(first_with_seats(stage.rows(), ResourceId(1), Timestamp(0)), None);
}

#[test]
fn a_user_goes_by_what_he_declared_or_by_his_id() {
    let mut stage = Stage::new();
    let declare = DeclareUser { alias: "4fd1-a".to_owned(), name: String::new() };
    let outcome = stage.apply(1, Principal::Internal, Command::DeclareUser(declare));
    let Outcome::User(declared, _) = outcome else { panic!("{outcome:?}") };
    assert_eq!(known_as(stage.rows(), declared), "4fd1-a");
    assert_eq!(known_as(stage.rows(), MIA), "2");
    assert_eq!(known_as(stage.rows(), UserId(99)), "99");
}

fn job(command: JobCommand, state: JobState) -> Job {
    let principal = Principal::User { user: MIA, token_version: 0 };
    let at = Timestamp(1);
    Job { user: MIA, principal, command, booking: None, priority: 0, not_before: at, created_at: at, state }
}

fn hold(dialect: Dialect, names: Vec<SeatName>) -> Reserve {
    let hold = Some(HoldTerms { duration: Some(Millis(9)), dialect });
    Reserve { slot: SlotName::OfPool(PoolId(1)), pool: None, places: Places::Seats(names), hold, user: None }
}

#[test]
fn a_job_of_this_seed_is_about_one_seat() {
    let mut stage = stage(vec![slot(100, 200, seats())]);
    let outcome = stage.submit(MIA, Command::Reserve(hold(Dialect::S2, vec![SeatName::Number(7)])));
    let Outcome::Booking(booking, _) = outcome else { panic!("{outcome:?}") };
    let seat = |command| seat_of_job(stage.rows(), &job(command, JobState::Delayed));
    let confirm =
        |booking| JobCommand::Confirm(Confirm { booking, expected_version: None, part: None, paid: None });
    let number = |number| vec![SeatName::Number(number)];
    assert_eq!(seat(JobCommand::Reserve(hold(Dialect::S2, number(3)))), Some((PoolId(1), 3)));
    assert_eq!(seat(confirm(booking)), Some((PoolId(1), 7)));
    assert_eq!(seat(confirm(holdfast_reservations::BookingId(9))), None);
    assert_eq!(seat(JobCommand::Reserve(hold(Dialect::S3, number(3)))), None);
    assert_eq!(seat(JobCommand::Reserve(hold(Dialect::S2, [number(3), number(4)].concat()))), None);
    assert_eq!(seat(JobCommand::Reserve(Reserve { hold: None, ..hold(Dialect::S2, number(3)) })), None);
}

#[test]
fn what_became_of_a_job_is_told_until_it_is_forgotten() {
    let outcome = Box::new(Outcome::NodeKeyRegistered);
    let done = JobState::Done { at: Timestamp(5), outcome, forgotten_at: Timestamp(10) };
    let command = || JobCommand::Reserve(hold(Dialect::S2, Vec::new()));
    let told = |state: &JobState, now| is_remembered(&job(command(), state.clone()), Timestamp(now));
    assert!(told(&done, 9) && !told(&done, 10));
    assert!(told(&JobState::Delayed, u64::MAX));
}
