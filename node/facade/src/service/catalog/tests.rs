//! In which order slots are listed.

use super::*;
use crate::stage::{RESOURCE, Stage};

#[test]
fn slots_are_listed_from_the_last_to_the_first_page_after_page() {
    let mut stage = Stage::new();
    stage.open_slots(&[(100, 200), (300, 400), (100, 150), (200, 300), (100, 200)]);
    let list = |from, after: Option<u64>, limit| {
        let found = newest_slots(stage.rows(), RESOURCE, Timestamp(from), after.map(SlotId), limit);
        found.into_iter().map(|(id, _)| id.0).collect::<Vec<_>>()
    };
    assert_eq!(list(0, None, 9), [2, 4, 5, 1, 3]);
    assert_eq!(list(0, None, 2), [2, 4]);
    assert_eq!(list(0, Some(4), 2), [5, 1]);
    assert_eq!(list(0, Some(1), 2), [3]);
    assert_eq!(list(0, Some(3), 2), [0; 0]);
    assert_eq!(list(101, None, 9), [2, 4]);
    assert_eq!(list(101, Some(4), 9), [0; 0]);
}
