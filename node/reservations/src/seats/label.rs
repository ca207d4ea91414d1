//! The order of labels as people read them: `2` before `10`, `A-9` before `A-10`.

use std::cmp::Ordering;

/// Compares labels part by part: digits as numbers, all else as text. Labels that differ only in leading zeros are
/// ordered as text, so that no two labels are equal.
#[must_use]
pub fn natural_order(left: &str, right: &str) -> Ordering {
    let (mut rest_left, mut rest_right) = (left, right);
    loop {
        match (rest_left.is_empty(), rest_right.is_empty()) {
            (true, true) => return left.cmp(right),
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => (),
        }
        let (part_left, after_left) = next_part(rest_left);
        let (part_right, after_right) = next_part(rest_right);
        let order = match (is_number(part_left), is_number(part_right)) {
            (true, true) => compare_numbers(part_left, part_right),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => part_left.cmp(part_right),
        };
        if order != Ordering::Equal {
            return order;
        }
        (rest_left, rest_right) = (after_left, after_right);
    }
}

/// The digits at the end of a label, and what is before them.
pub(super) fn split_number(label: &str) -> (&str, &str) {
    let prefix = label.trim_end_matches(|letter: char| letter.is_ascii_digit());
    (prefix, label.strip_prefix(prefix).unwrap_or_default())
}

fn next_part(text: &str) -> (&str, &str) {
    let starts_with_digit = text.starts_with(|letter: char| letter.is_ascii_digit());
    let end = text.find(|letter: char| letter.is_ascii_digit() != starts_with_digit);
    text.split_at(end.unwrap_or(text.len()))
}

fn is_number(part: &str) -> bool {
    part.starts_with(|letter: char| letter.is_ascii_digit())
}

/// However many digits they have.
fn compare_numbers(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_ordered_as_people_read_them() {
        let sorted = [
            "",
            "01",
            "1",
            "2",
            "10",
            "100000000000000000000000",
            "A",
            "A1",
            "A1B2",
            "A1B10",
            "A-1",
            "A-2",
            "A-9",
            "A-10",
            "B",
            "Box 2 left",
            "Box 10 left",
        ];
        for (first, left) in sorted.iter().enumerate() {
            for (second, right) in sorted.iter().enumerate() {
                assert_eq!(natural_order(left, right), first.cmp(&second), "{left} and {right}");
            }
        }
    }

    #[test]
    fn the_number_of_a_seat_is_at_the_end_of_its_label() {
        assert_eq!(split_number("A-10"), ("A-", "10"));
        assert_eq!(split_number("7"), ("", "7"));
        assert_eq!(split_number("VIP"), ("VIP", ""));
        assert_eq!(split_number("7B"), ("7B", ""));
        assert_eq!(split_number("Reihe ü5"), ("Reihe ü", "5"));
    }
}
