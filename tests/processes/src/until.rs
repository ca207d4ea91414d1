//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Waits until a look shows something, and gives it back.
///
/// # Panics
///
/// When it takes too long.
pub async fn until<T>(what: &str, at_most: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started_at = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(started_at.elapsed() < at_most, "waited {at_most:?} in vain: {what}");
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}
