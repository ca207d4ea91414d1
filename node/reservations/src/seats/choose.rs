//! Chooses the best seats that are left: in one row, without leaving a single seat; else beside each other; else the
//! first there are.

use super::plan::SeatPlan;

/// Which seats may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// None that a wheelchair needs.
    Ordinary,
    /// Any, and at least one of them has room for a wheelchair.
    Wheelchair,
}

/// Seats of one row that are free beside each other.
struct Gap {
    first: u32,
    count: u32,
}

/// The numbers of `count` seats, or `None` if there are not so many. Rows come in the order of the plan, so what is
/// planned first is best.
pub(crate) fn best(
    plan: &SeatPlan,
    count: u32,
    access: Access,
    mut is_free: impl FnMut(u32) -> bool,
) -> Option<Vec<u32>> {
    let accessible = accessible(plan);
    let mut may_have = |seat: u32, is_accessible: bool| match access {
        Access::Ordinary => !is_accessible && is_free(seat),
        Access::Wheelchair => is_free(seat),
    };
    let suits = |first: u32| match access {
        Access::Ordinary => true,
        Access::Wheelchair => accessible.meets(first..first.saturating_add(count)),
    };
    let gaps = gaps(plan, &mut may_have);
    let beside = |leaves_single: bool| {
        gaps.iter().find_map(|gap| gap.offers(count, leaves_single).find(|first| suits(*first)))
    };
    if let Some(first) = beside(false).or_else(|| beside(true)) {
        return Some((first..first.saturating_add(count)).collect());
    }
    scattered(&gaps, count, access, &accessible)
}

impl Gap {
    /// Where in the gap `count` seats can begin.
    fn offers(&self, count: u32, leaves_single: bool) -> impl Iterator<Item = u32> {
        let room = self.count.checked_sub(count);
        let first = self.first;
        room.into_iter()
            .flat_map(move |room| {
                let leaves = move |before: &u32| *before == 1 || room.saturating_sub(*before) == 1;
                (0..=room).filter(move |before| leaves_single || !leaves(before))
            })
            .map(move |before| first.saturating_add(before))
    }
}

fn gaps(plan: &SeatPlan, may_have: &mut impl FnMut(u32, bool) -> bool) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    let mut row = None;
    // The seat after which the last gap could go on.
    let mut end = None;
    for (start, run) in plan.numbered_runs() {
        if row != Some(run.row_name()) {
            (row, end) = (Some(run.row_name()), None);
        }
        for seat in start..start.saturating_add(run.count) {
            if !may_have(seat, run.accessible) {
                end = None;
                continue;
            }
            match gaps.last_mut().filter(|_| end == Some(seat)) {
                Some(gap) => gap.count = gap.count.saturating_add(1),
                None => gaps.push(Gap { first: seat, count: 1 }),
            }
            end = Some(seat.saturating_add(1));
        }
    }
    gaps
}

fn scattered(gaps: &[Gap], count: u32, access: Access, accessible: &Accessible) -> Option<Vec<u32>> {
    let free = || gaps.iter().flat_map(|gap| gap.first..gap.first.saturating_add(gap.count));
    let mut chosen: Vec<u32> = match access {
        Access::Ordinary => Vec::new(),
        Access::Wheelchair => vec![free().find(|seat| accessible.contains(*seat))?],
    };
    let missing = (count as usize).saturating_sub(chosen.len());
    let first = chosen.first().copied();
    chosen.extend(free().filter(|seat| Some(*seat) != first).take(missing));
    chosen.sort_unstable();
    (chosen.len() == count as usize).then_some(chosen)
}

/// The seats with room for a wheelchair, as ranges in ascending order.
struct Accessible(Vec<std::ops::Range<u32>>);

fn accessible(plan: &SeatPlan) -> Accessible {
    let runs = plan.numbered_runs().filter(|(_, run)| run.accessible);
    Accessible(runs.map(|(start, run)| start..start.saturating_add(run.count)).collect())
}

impl Accessible {
    fn meets(&self, seats: std::ops::Range<u32>) -> bool {
        let after = self.0.partition_point(|range| range.end <= seats.start);
        self.0.get(after).is_some_and(|range| range.start < seats.end)
    }

    fn contains(&self, seat: u32) -> bool {
        let after = self.0.partition_point(|range| range.end <= seat);
        self.0.get(after).is_some_and(|range| range.contains(&seat))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seats::NewSeat;

    /// Rows `A` and `B`: `.` is free, `x` taken, `w` free with room for a wheelchair.
    fn choose(rows: [&str; 2], count: u32, access: Access) -> Option<String> {
        let mut seats = Vec::new();
        for (row, states) in ["A", "B"].iter().zip(rows) {
            for (number, state) in (1..).zip(states.chars()) {
                let (label, accessible) = (format!("{row}{number}"), state == 'w');
                seats.push(NewSeat { label, row: Some((*row).into()), accessible, ..NewSeat::default() });
            }
        }
        let plan = SeatPlan::of(seats).unwrap();
        let states: Vec<char> = rows.concat().chars().collect();
        let chosen = best(&plan, count, access, |seat| states[seat as usize] != 'x')?;
        Some(chosen.iter().map(|seat| plan.seat(*seat).unwrap().label).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_best_seats_are_beside_each_other_and_leave_no_single_one() {
        let ordinary = |rows, count| choose(rows, count, Access::Ordinary).unwrap_or_default();
        assert_eq!(ordinary(["....", "...."], 2), "A1 A2");
        assert_eq!(ordinary(["...", "...."], 2), "B1 B2", "A would leave a single seat");
        assert_eq!(ordinary(["x..x", "...."], 2), "A2 A3");
        assert_eq!(ordinary([".....", "...."], 1), "A1", "four are left, not one");
        assert_eq!(ordinary(["..", "x.x"], 1), "B2", "a single seat suits one alone");
        assert_eq!(ordinary(["...", "..."], 2), "A1 A2", "rather a single one than not beside each other");
        assert_eq!(ordinary(["x.x.", ".x.x"], 3), "A2 A4 B1", "else the first there are");
        assert_eq!(ordinary(["..x.", "xxxx"], 3), "A1 A2 A4");
        assert_eq!(ordinary(["..x.", "xxxx"], 4), "", "or none");
    }

    #[test]
    fn seats_of_two_rows_are_not_beside_each_other() {
        assert_eq!(choose(["xx.", ".xx"], 2, Access::Ordinary).unwrap(), "A3 B1");
        assert_eq!(choose(["xx.", ".xx."], 1, Access::Ordinary).unwrap(), "A3");
    }

    #[test]
    fn seats_for_wheelchairs_are_kept_for_those_who_ask() {
        assert_eq!(choose(["w...", "xxxx"], 3, Access::Ordinary).unwrap(), "A2 A3 A4");
        assert_eq!(choose(["w...", "xxxx"], 4, Access::Ordinary), None);
        assert_eq!(choose(["....", "..w."], 2, Access::Wheelchair).unwrap(), "B3 B4");
        assert_eq!(choose(["....", "x.xw"], 3, Access::Wheelchair).unwrap(), "A1 A2 B4");
        assert_eq!(choose(["....", "...."], 1, Access::Wheelchair), None);
    }
}
