//! How the seats of a pool are written down: in runs, so that ten thousand seats are one command and one row.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::label::{natural_order, split_number};
use super::{BookedSeat, SEATS_PER_POOL_MAX, SeatName};

/// The seats of a pool, run by run, in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatPlan {
    runs: Vec<SeatRun>,
}

/// Seats beside each other that are alike but for the number on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatRun {
    /// The section they are in.
    pub section: Option<String>,
    /// The row they are in.
    pub row: Option<String>,
    /// What stands on them before the number.
    pub prefix: String,
    /// The number on the first of them; `None` for one seat whose label has none.
    pub first: Option<u32>,
    /// Digits that the number has at least.
    pub digits: u8,
    /// What the first of them is called in its row, if that is not the number on it.
    pub position: Option<u32>,
    /// How many.
    pub count: u32,
    /// Which price they have.
    pub price_category: Option<String>,
    /// Whether a wheelchair has room there.
    pub accessible: bool,
}

/// A seat to be, as a caller describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewSeat {
    /// What is written on it.
    pub label: String,
    /// The section it is in.
    pub section: Option<String>,
    /// The row it is in.
    pub row: Option<String>,
    /// What it is called in its row.
    pub number: Option<u32>,
    /// Which price it has.
    pub price_category: Option<String>,
    /// Whether a wheelchair has room there.
    pub accessible: bool,
}

/// One seat of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat<'a> {
    /// Its number in the plan, from 0.
    pub number: u32,
    /// What is written on it.
    pub label: String,
    /// The section it is in.
    pub section: Option<&'a str>,
    /// The row it is in.
    pub row: Option<&'a str>,
    /// What it is called in its row.
    pub position: Option<u32>,
    /// Which price it has.
    pub price_category: Option<&'a str>,
    /// Whether a wheelchair has room there.
    pub accessible: bool,
}

/// Why seats are no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// There are none.
    #[error("a pool has at least one seat")]
    Empty,
    /// There are too many.
    #[error("a pool has at most {SEATS_PER_POOL_MAX} seats, not {0}")]
    TooMany(u64),
    /// Two have the same label.
    #[error("two seats are labelled {0}")]
    LabelTwice(String),
    /// One has none.
    #[error("a seat has no label")]
    LabelMissing,
}

impl SeatPlan {
    /// Seats labelled `1` to `count`, in one row.
    pub fn numbered(count: u64) -> Result<Self, PlanError> {
        let run = SeatRun {
            section: None,
            row: None,
            prefix: String::new(),
            first: Some(1),
            digits: 1,
            position: None,
            count: count_from(count)?,
            price_category: None,
            accessible: false,
        };
        Ok(Self { runs: vec![run] })
    }

    /// The seats a caller describes, in natural order: by section, row and label.
    pub fn of(mut seats: Vec<NewSeat>) -> Result<Self, PlanError> {
        count_from(seats.len() as u64)?;
        let mut labels = BTreeSet::new();
        for seat in &seats {
            if seat.label.is_empty() {
                return Err(PlanError::LabelMissing);
            }
            if !labels.insert(seat.label.as_str()) {
                return Err(PlanError::LabelTwice(seat.label.clone()));
            }
        }
        seats.sort_by(compare);
        let mut runs: Vec<SeatRun> = Vec::new();
        for seat in seats {
            match runs.last_mut().filter(|run| continues(run, &seat)) {
                Some(run) => run.count = run.count.saturating_add(1),
                None => runs.push(run_of(seat)),
            }
        }
        Ok(Self { runs })
    }

    /// The runs, in order.
    #[must_use]
    pub fn runs(&self) -> &[SeatRun] {
        &self.runs
    }

    /// How many seats there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.runs.iter().fold(0, |sum, run| sum.saturating_add(run.count))
    }

    /// Each run with the number of its first seat.
    pub(crate) fn numbered_runs(&self) -> impl Iterator<Item = (u32, &SeatRun)> {
        let mut first = 0u32;
        self.runs.iter().map(move |run| {
            let start = first;
            first = first.saturating_add(run.count);
            (start, run)
        })
    }

    /// Every seat, in order.
    pub fn seats(&self) -> impl Iterator<Item = Seat<'_>> {
        self.numbered_runs()
            .flat_map(|(start, run)| (0..run.count).map(move |offset| run.seat(start, offset)))
    }

    /// The seat of a number.
    #[must_use]
    pub fn seat(&self, number: u32) -> Option<Seat<'_>> {
        let (start, run) = self.numbered_runs().take_while(|(start, _)| *start <= number).last()?;
        let offset = number.checked_sub(start).filter(|offset| *offset < run.count)?;
        Some(run.seat(start, offset))
    }

    /// Seats of ascending numbers, as a booking has them.
    pub(crate) fn booked(&self, numbers: &[u32]) -> Vec<BookedSeat> {
        let mut runs = self.numbered_runs().peekable();
        let seats = numbers.iter().filter_map(|number| {
            // Each run is passed once, however many seats there are.
            while runs.peek().is_some_and(|(start, run)| start.saturating_add(run.count) <= *number) {
                runs.next();
            }
            let (start, run) = runs.peek()?;
            let label = run.seat(*start, number.checked_sub(*start)?).label;
            Some(BookedSeat { number: *number, label })
        });
        seats.collect()
    }

    /// The seat somebody names.
    #[must_use]
    pub fn find(&self, name: &SeatName) -> Option<Seat<'_>> {
        match name {
            SeatName::Number(number) => self.seat(*number),
            SeatName::Label(label) => {
                let mut runs = self.numbered_runs();
                runs.find_map(|(start, run)| Some(run.seat(start, run.offset_of(label)?)))
            }
        }
    }
}

impl SeatRun {
    fn seat(&self, start: u32, offset: u32) -> Seat<'_> {
        let at = |first: u32| first.saturating_add(offset);
        let label = match self.first {
            None => self.prefix.clone(),
            Some(first) => {
                let (number, digits) = (at(first), usize::from(self.digits));
                format!("{}{number:0digits$}", self.prefix)
            }
        };
        Seat {
            number: start.saturating_add(offset),
            label,
            section: self.section.as_deref(),
            row: self.row.as_deref(),
            position: self.position.or(self.first).map(at),
            price_category: self.price_category.as_deref(),
            accessible: self.accessible,
        }
    }

    /// Which of its seats has this label.
    fn offset_of(&self, label: &str) -> Option<u32> {
        let Some(first) = self.first else { return (self.prefix == label).then_some(0) };
        let digits = label.strip_prefix(self.prefix.as_str())?;
        let number: u32 = digits.parse().ok()?;
        let offset = number.checked_sub(first).filter(|offset| *offset < self.count)?;
        // `07` is not `7`.
        (self.seat(0, offset).label == label).then_some(offset)
    }

    /// Seats beside each other have these in common.
    pub(crate) fn row_name(&self) -> (Option<&str>, &str) {
        (self.section.as_deref(), self.row.as_deref().unwrap_or(&self.prefix))
    }
}

fn count_from(count: u64) -> Result<u32, PlanError> {
    match u32::try_from(count) {
        Ok(0) => Err(PlanError::Empty),
        Ok(count) if count <= SEATS_PER_POOL_MAX => Ok(count),
        Ok(_) | Err(_) => Err(PlanError::TooMany(count)),
    }
}

fn compare(left: &NewSeat, right: &NewSeat) -> Ordering {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    natural_order(&text(&left.section), &text(&right.section))
        .then_with(|| natural_order(&text(&left.row), &text(&right.row)))
        .then_with(|| natural_order(&left.label, &right.label))
}

fn run_of(seat: NewSeat) -> SeatRun {
    let (prefix, digits) = split_number(&seat.label);
    // A number too large to count on with is part of the name.
    let first = digits.parse::<u32>().ok().filter(|first| *first < u32::MAX - SEATS_PER_POOL_MAX);
    let (prefix, digits) = match first {
        Some(_) => (prefix.to_owned(), u8::try_from(digits.len()).unwrap_or(u8::MAX)),
        None => (seat.label.clone(), 0),
    };
    SeatRun {
        section: seat.section,
        row: seat.row,
        prefix,
        first,
        digits,
        position: seat.number.filter(|number| Some(*number) != first),
        count: 1,
        price_category: seat.price_category,
        accessible: seat.accessible,
    }
}

/// Whether a seat is the next of a run.
fn continues(run: &SeatRun, seat: &NewSeat) -> bool {
    let next = run.seat(0, run.count);
    run.first.is_some()
        && seat.label == next.label
        && seat.section == run.section
        && seat.row == run.row
        && seat.price_category == run.price_category
        && seat.accessible == run.accessible
        && seat.number.or(next.position) == next.position
        // What was given for the first counts for all: a seat without a number follows one without.
        && (seat.number.is_some() || run.position.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(labels: &[&str]) -> Vec<NewSeat> {
        labels.iter().map(|label| NewSeat { label: (*label).into(), ..NewSeat::default() }).collect()
    }

    fn labels(plan: &SeatPlan) -> Vec<String> {
        plan.seats().map(|seat| seat.label).collect()
    }

    #[test]
    fn ten_thousand_seats_are_one_run() {
        let plan = SeatPlan::numbered(10_000).unwrap();
        assert_eq!((plan.count(), plan.runs().len()), (10_000, 1));
        let seat = plan.find(&SeatName::Label("10000".into())).unwrap();
        assert_eq!((seat.number, seat.position, seat.row), (9_999, Some(10_000), None));
        assert!(
            ["0", "10001", "01", "1a", ""]
                .iter()
                .all(|label| { plan.find(&SeatName::Label((*label).into())).is_none() })
        );
        assert_eq!(plan.seat(9_999).unwrap().label, "10000");
        assert_eq!(plan.seat(10_000), None);
    }

    #[test]
    fn described_seats_are_sorted_as_people_read_them_and_put_into_runs() {
        let plan = SeatPlan::of(labelled(&["B-1", "A-10", "A-2", "A-1", "VIP", "A-3", "A-09"])).unwrap();
        assert_eq!(labels(&plan), ["A-1", "A-2", "A-3", "A-09", "A-10", "B-1", "VIP"]);
        assert_eq!(plan.runs().iter().map(|run| run.count).collect::<Vec<_>>(), [3, 2, 1, 1]);
        for (number, label) in (0..).zip(labels(&plan)) {
            assert_eq!(plan.find(&SeatName::Label(label.clone())).unwrap().number, number);
            assert_eq!(plan.find(&SeatName::Number(number)).unwrap().label, label);
        }
    }

    #[test]
    fn what_a_seat_is_told_to_be_comes_back() {
        let seat = |label: &str, number, accessible| NewSeat {
            label: label.into(),
            section: Some("Stalls".into()),
            row: Some("A".into()),
            number,
            price_category: Some("gold".into()),
            accessible,
        };
        let given = [seat("x1", Some(7), false), seat("x2", Some(8), false), seat("x3", Some(9), true)];
        let plan = SeatPlan::of(given.to_vec()).unwrap();
        assert_eq!(plan.runs().len(), 2);
        for (seat, given) in plan.seats().zip(&given) {
            assert_eq!(seat.position, given.number);
            assert_eq!(seat.accessible, given.accessible);
            assert_eq!(
                (seat.section, seat.row, seat.price_category),
                (Some("Stalls"), Some("A"), Some("gold"))
            );
        }
        let unnumbered = SeatPlan::of(vec![seat("x1", Some(7), false), seat("x2", None, false)]).unwrap();
        assert_eq!(unnumbered.seat(1).unwrap().position, Some(2));
    }

    #[test]
    fn a_plan_that_is_none_says_why() {
        assert_eq!(SeatPlan::of(Vec::new()), Err(PlanError::Empty));
        assert_eq!(SeatPlan::numbered(0), Err(PlanError::Empty));
        assert_eq!(SeatPlan::numbered(100_001), Err(PlanError::TooMany(100_001)));
        assert_eq!(SeatPlan::of(labelled(&["A", "B", "A"])), Err(PlanError::LabelTwice("A".into())));
        assert_eq!(SeatPlan::of(labelled(&["A", ""])), Err(PlanError::LabelMissing));
        let large = SeatPlan::of(labelled(&["4294967295", "99999999999999999999"])).unwrap();
        assert_eq!(labels(&large), ["4294967295", "99999999999999999999"]);
    }
}
