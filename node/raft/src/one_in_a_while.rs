//! Keeps a log readable when somebody knocks at the wrong door a thousand times a second.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Words at once, and how long until one more may be said.
const WORDS_MAX: u32 = 10;
const WORD_INTERVAL: Duration = Duration::from_secs(1);

/// Ten words at once and one a second.
#[derive(Debug, Default)]
pub(crate) struct OneInAWhile(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    /// Words that were said and still count.
    recent: u32,
    /// Since when the count falls.
    since: Option<Instant>,
    passed_over: u64,
}

impl OneInAWhile {
    /// Whether something may be said now; if so, how often nothing was since the last time.
    pub(crate) fn may_speak(&self) -> Option<u64> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let since = *said.since.get_or_insert(now);
        let forgotten = now.duration_since(since).as_secs() / WORD_INTERVAL.as_secs();
        said.recent = said.recent.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX));
        if forgotten > 0 {
            said.since = Some(now);
        }
        if said.recent >= WORDS_MAX {
            said.passed_over += 1;
            return None;
        }
        said.recent += 1;
        Some(std::mem::take(&mut said.passed_over))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_told_of_now_and_then_and_counted() {
        let words = OneInAWhile::default();
        let said = (0..100).filter(|_| words.may_speak().is_some()).count();
        assert_eq!(said, WORDS_MAX as usize);
        tokio::time::advance(WORD_INTERVAL).await;
        assert_eq!((words.may_speak(), words.may_speak()), (Some(90), None));
        tokio::time::advance(WORD_INTERVAL * 1000).await;
        assert_eq!(words.may_speak(), Some(1));
    }
}
