//! The sample park: its rides, and the slots of a day as their throughput makes them.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::Deserialize;

use crate::failure::Failure;

const SAMPLE: &str = include_str!("../../samples/park.json");

/// With less of the day left, tomorrow is opened too: somebody wants to book now.
const DAY_LEFT_MIN: SignedDuration = SignedDuration::from_hours(3);

/// A park as its file describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Park {
    pub(crate) name: String,
    pub(crate) region: String,
    /// IANA name.
    pub(crate) time_zone: String,
    /// `HH:MM`.
    pub(crate) open_at: String,
    /// `HH:MM`.
    pub(crate) close_at: String,
    slot_minutes: i64,
    /// How much of the throughput is for passes; the rest is for the queue.
    pass_percent: u32,
    pub(crate) rides: Vec<Ride>,
}

/// A ride as the park's file describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ride {
    pub(crate) name: String,
    pub(crate) kind: String,
    guests_per_hour: u32,
}

/// From when to when.
pub(crate) type Window = (Timestamp, Timestamp);

impl Park {
    /// The park of `samples/park.json`.
    pub(crate) fn sample() -> Result<Self, Failure> {
        serde_json::from_str(SAMPLE).map_err(Failure::other)
    }

    /// Places of one slot of a ride.
    pub(crate) fn capacity(&self, ride: &Ride) -> u64 {
        let minutes = u64::try_from(self.slot_minutes).unwrap_or(0);
        (u64::from(ride.guests_per_hour) * u64::from(self.pass_percent) * minutes / 6000).max(1)
    }

    /// The windows of today that are not over at `now`; of tomorrow too when today has little left.
    pub(crate) fn windows(&self, now: Timestamp) -> Result<Vec<Window>, Failure> {
        let mut windows = self.windows_of_day(now, 0)?;
        windows.retain(|(_, ends_at)| *ends_at > now);
        let is_late = windows.last().is_none_or(|(_, ends_at)| ends_at.duration_since(now) < DAY_LEFT_MIN);
        if is_late {
            windows.extend(self.windows_of_day(now, 1)?);
        }
        Ok(windows)
    }

    fn windows_of_day(&self, now: Timestamp, days_ahead: i64) -> Result<Vec<Window>, Failure> {
        let zone = TimeZone::get(&self.time_zone).map_err(Failure::other)?;
        let day = now.to_zoned(zone.clone()).date().saturating_add(days_ahead.days());
        let at = |text: &str| {
            let time: Time = text.parse().map_err(Failure::other)?;
            let moment = day.to_datetime(time).to_zoned(zone.clone()).map_err(Failure::other)?;
            Ok::<_, Failure>(moment.timestamp())
        };
        let (opens_at, closes_at) = (at(&self.open_at)?, at(&self.close_at)?);
        let length = SignedDuration::from_mins(self.slot_minutes.max(1));
        let starts = std::iter::successors(Some(opens_at), |start| Some(*start + length));
        let windows = starts.map(|start| (start, start + length));
        Ok(windows.take_while(|(_, ends_at)| *ends_at <= closes_at).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(now: &str) -> Vec<String> {
        let windows = Park::sample().unwrap().windows(now.parse().unwrap()).unwrap();
        windows.iter().map(|(starts_at, ends_at)| format!("{starts_at} {ends_at}")).collect()
    }

    #[test]
    fn a_day_is_the_parks_own() {
        let summer = windows("2026-07-01T04:00:00Z");
        assert_eq!(summer.len(), 24);
        assert_eq!(summer[0], "2026-07-01T08:00:00Z 2026-07-01T08:30:00Z");
        assert_eq!(summer[23], "2026-07-01T19:30:00Z 2026-07-01T20:00:00Z");
        assert_eq!(windows("2026-12-01T04:00:00Z")[0], "2026-12-01T09:00:00Z 2026-12-01T09:30:00Z");
    }

    #[test]
    fn what_is_over_is_left_out() {
        assert_eq!(windows("2026-07-01T08:45:00Z")[0], "2026-07-01T08:30:00Z 2026-07-01T09:00:00Z");
    }

    #[test]
    fn late_in_the_day_tomorrow_is_open_too() {
        let late = windows("2026-07-01T18:10:00Z");
        assert_eq!(late.len(), 4 + 24);
        assert_eq!(late[4], "2026-07-02T08:00:00Z 2026-07-02T08:30:00Z");
        assert_eq!(windows("2026-07-01T22:30:00Z").len(), 24, "it is tomorrow there");
    }

    #[test]
    fn a_slot_holds_what_the_ride_carries_for_passes() {
        let park = Park::sample().unwrap();
        let falcon = park.rides.iter().find(|ride| ride.name == "Falcon").unwrap();
        assert_eq!(park.capacity(falcon), 450);
        assert!(park.rides.iter().all(|ride| park.capacity(ride) >= 36));
    }
}
