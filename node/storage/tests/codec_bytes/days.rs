//! One of every kind that came with the days of slots, editions and the feed.

use holdfast_reservations::*;

const AT: Timestamp = Timestamp(1_800_000_000_000);

fn stages() -> [ReadyStage; 3] {
    let behind = BookingId(70_000);
    [
        ReadyStage::Planned { at: AT },
        ReadyStage::Sweeping { since: AT, behind },
        ReadyStage::Done { since: AT },
    ]
}

fn no_shows() -> [NoShows; 6] {
    let (since, behind, missing, expected) = (AT, BookingId(70_000), 300, 400);
    [
        NoShows::Planned { at: AT },
        NoShows::Counting { behind, missing, expected },
        NoShows::Stopped { since, missing, expected },
        NoShows::Releasing { since, behind },
        NoShows::Released { since },
        NoShows::Kept { since },
    ]
}

fn days() -> impl Iterator<Item = SlotDay> {
    let ready = stages().into_iter().cycle();
    ready.zip(no_shows()).map(|(ready, no_shows)| SlotDay { starts_at: AT, ready, no_shows })
}

fn events() -> Vec<(u32, Event)> {
    let (booking, slot, user, resource) = (BookingId(7), SlotId(300), UserId(70_000), ResourceId(20));
    let bookings = [
        BookingEvent::Confirmed,
        BookingEvent::Changed,
        BookingEvent::Cancelled,
        BookingEvent::Used,
        BookingEvent::Held,
        BookingEvent::Expired,
        BookingEvent::Rejected,
        BookingEvent::Ready,
        BookingEvent::NoShow,
    ];
    let slots = [
        SlotEvent::Opened,
        SlotEvent::Started,
        SlotEvent::Finished,
        SlotEvent::Changed,
        SlotEvent::Withdrawn,
        SlotEvent::NoShowsStopped,
    ];
    let others = [
        Event::ResourceCreated(resource),
        Event::ResourceChanged(resource),
        Event::ResourceWithdrawn(resource),
        Event::VenueCreated(VenueId(1)),
    ];
    let bookings = bookings.map(|kind| Event::Booking { kind, booking, slot, user }).into_iter();
    let slots = slots.map(|kind| Event::Slot { kind, slot, resource });
    (0..).zip(bookings.chain(slots).chain(others)).collect()
}

fn tally() -> SlotTally {
    let count = |bookings| Count { bookings, places: bookings + 300 };
    SlotTally {
        holds: count(1),
        confirmed: count(2),
        lapsed: count(3),
        given_back: count(4),
        used: count(5),
        no_shows: count(6),
    }
}

pub fn states() -> [BookingState; 3] {
    let no_show = |is_released| BookingState::NoShow { at: AT, is_released };
    [BookingState::Ready { since: AT }, no_show(false), no_show(true)]
}

pub fn rows() -> Vec<(Key, Row)> {
    let feed = Feed { generations: vec![(4, 1042), (5, 70_000)] };
    let mut rows = vec![
        (Key::Edition, Row::Edition(Edition::LATEST.into())),
        (Key::LateBooking(BookingId(7)), Row::LateBooking(LateBooking { confirmed_at: AT }.into())),
        (Key::Feed, Row::Feed(feed.into())),
        (Key::SlotTally(SlotId(300)), Row::SlotTally(tally().into())),
        (Key::Effects(5, 70_000), Row::Effects(Effects(events()).into())),
        (Key::Due(AT, DueKind::SlotReady, 300), Row::Index),
        (Key::Due(AT, DueKind::NoShows, 300), Row::Index),
        (Key::Due(AT, DueKind::BookingReady, 7), Row::Index),
        (Key::Due(AT, DueKind::BookingMissed, 7), Row::Index),
        (Key::Due(AT, DueKind::DaysPlanned, 0), Row::Index),
    ];
    rows.extend((300..).zip(days()).map(|(id, day)| (Key::SlotDay(SlotId(id)), Row::SlotDay(day.into()))));
    rows
}

pub fn commands() -> Vec<Command> {
    let slot = SlotId(300);
    vec![
        Command::AdoptEdition(AdoptEdition { edition: Edition::LATEST }),
        Command::DecideNoShows(DecideNoShows { slot, decision: Decision::Release }),
        Command::DecideNoShows(DecideNoShows { slot, decision: Decision::Keep }),
        Command::SetPolicy(SetPolicy {
            scope: Scope::Cluster,
            fields: vec![(PolicyField::NoShowShareMax, Some(30))],
        }),
    ]
}

pub fn outcomes() -> Vec<Outcome> {
    let days = days().map(|day| Outcome::SlotDay(SlotId(300), day));
    let rejections = [Rejection::NoShow { since: AT }, Rejection::NothingToDecide(SlotId(300))];
    let rejections = rejections.into_iter().map(Outcome::Rejected);
    [Outcome::EditionAdopted(Edition::LATEST)].into_iter().chain(days).chain(rejections).collect()
}
