//! Days: the seed dates an event by the local day of its venue.

use holdfast_reservations::{Timestamp, Window};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// What a date looks like.
pub(super) const EXPECTED: &str = "expected yyyy-MM-dd";

/// The day in a text, which has no other form than `yyyy-MM-dd`.
pub(super) fn day_in(text: &str) -> Option<Date> {
    let is_form = text.len() == 10
        && text.bytes().enumerate().all(|(position, letter)| match position {
            4 | 7 => letter == b'-',
            _ => letter.is_ascii_digit(),
        });
    let number = |range: std::ops::Range<usize>| {
        text.get(range).filter(|_| is_form).and_then(|digits| digits.parse::<i16>().ok())
    };
    let year = number(0..4)?;
    let (month, day) = (i8::try_from(number(5..7)?).ok()?, i8::try_from(number(8..10)?).ok()?);
    Date::new(year, month, day).ok()
}

/// From when to when a day lasts in a time zone; none before 1970.
pub(super) fn window_of(day: Date, zone: &str) -> Option<Window> {
    let start_of = |day: Date| {
        let start = day.to_zoned(zone_of(zone)).ok()?;
        u64::try_from(start.timestamp().as_millisecond()).ok().map(Timestamp)
    };
    Window::new(start_of(day)?, start_of(day.tomorrow().ok()?)?)
}

/// On which day a moment is in a time zone.
pub(super) fn day_of(at: Timestamp, zone: &str) -> Option<Date> {
    let moment = jiff::Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()?;
    Some(moment.to_zoned(zone_of(zone)).date())
}

/// UTC for zones that nobody knows.
fn zone_of(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::instant;

    #[test]
    fn a_day_has_one_form() {
        assert_eq!(day_in("2031-05-01").map(|day| day.to_string()).as_deref(), Some("2031-05-01"));
        assert!(day_in("2032-02-29").is_some());
        for refused in [
            "",
            "tomorrow",
            "01.05.2031",
            "1.5.2031",
            "2031-13-01",
            "2031-02-30",
            "2031-5-1",
            "20310501",
            "2031-05-01T19:30:00Z",
            "2031-05-0１",
            "-031-05-01",
            "2031-+5-01",
        ] {
            assert_eq!(day_in(refused), None, "{refused}");
        }
    }

    fn window(day: &str, zone: &str) -> Option<(String, String)> {
        let window = window_of(day_in(day)?, zone)?;
        Some((instant(window.starts_at()), instant(window.ends_at())))
    }

    #[test]
    fn a_day_lasts_from_midnight_to_midnight_of_its_venue() {
        let expect = |day, zone, starts: &str, ends: &str| {
            assert_eq!(window(day, zone), Some((starts.to_owned(), ends.to_owned())), "{day} {zone}");
        };
        expect("2031-05-01", "UTC", "2031-05-01T00:00:00Z", "2031-05-02T00:00:00Z");
        expect("2031-05-01", "Asia/Tokyo", "2031-04-30T15:00:00Z", "2031-05-01T15:00:00Z");
        expect("2025-03-30", "Europe/Paris", "2025-03-29T23:00:00Z", "2025-03-30T22:00:00Z");
        expect("2031-05-01", "Nowhere/Land", "2031-05-01T00:00:00Z", "2031-05-02T00:00:00Z");
        assert_eq!(window("1969-12-31", "UTC"), None);
        assert_eq!(window("9999-12-31", "UTC"), None);
    }

    #[test]
    fn the_day_of_an_event_comes_back() {
        for zone in ["UTC", "Asia/Tokyo", "America/Sao_Paulo", "Pacific/Apia", "Nowhere/Land"] {
            for text in ["1980-01-01", "2025-03-30", "2031-12-31"] {
                let day = day_in(text).unwrap();
                let window = window_of(day, zone).unwrap();
                assert_eq!(day_of(window.starts_at(), zone), Some(day), "{zone}");
                assert_eq!(day_of(Timestamp(window.ends_at().0 - 1), zone), Some(day), "{zone}");
            }
        }
    }
}
