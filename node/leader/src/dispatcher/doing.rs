//! What the dispatcher waits for, all at the same time: no attempt stands still because something else takes long.

use std::pin::Pin;

use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

type Work<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Attempts and a settlement that have begun.
pub(super) struct Doing<'a, A, S> {
    attempts: FuturesUnordered<Work<'a, A>>,
    /// One at a time.
    settlement: Option<Work<'a, S>>,
}

/// What has happened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Happened<A, S> {
    /// Attempts have ended: at least one.
    Ended(Vec<A>),
    Settled(S),
    /// Nothing else, and the time is up.
    TimeIsUp,
}

impl<'a, A, S> Doing<'a, A, S> {
    pub(super) fn new() -> Self {
        Self { attempts: FuturesUnordered::new(), settlement: None }
    }

    pub(super) fn attempt(&mut self, attempt: impl Future<Output = A> + Send + 'a) {
        self.attempts.push(Box::pin(attempt));
    }

    pub(super) fn is_settling(&self) -> bool {
        self.settlement.is_some()
    }

    pub(super) fn settle(&mut self, settlement: impl Future<Output = S> + Send + 'a) {
        self.settlement = Some(Box::pin(settlement));
    }

    /// Waits for the next thing to happen, `time` among them. Nothing is lost if it is dropped.
    pub(super) async fn next(&mut self, time: Pin<&mut impl Future<Output = ()>>) -> Happened<A, S> {
        let Self { attempts, settlement } = self;
        let is_settling = settlement.is_some();
        let settled = async {
            match settlement {
                Some(settlement) => settlement.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(first) = attempts.next(), if !attempts.is_empty() => {
                let mut ended = vec![first];
                while let Some(Some(another)) = attempts.next().now_or_never() {
                    ended.push(another);
                }
                Happened::Ended(ended)
            }
            settled = settled, if is_settling => {
                self.settlement = None;
                Happened::Settled(settled)
            }
            () = time => Happened::TimeIsUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// An attempt that is answered at once, if somebody looks for the answer in time.
    async fn answered(name: &str) -> Result<&str, &str> {
        let answer = async {
            sleep(SECOND / 2).await;
            sleep(SECOND / 4).await;
            name
        };
        timeout(SECOND, answer).await.map_err(|_| "it took too long")
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_go_on_while_a_settlement_waits() {
        let mut doing = Doing::new();
        let mut time = pin!(std::future::pending());
        doing.settle(async {
            sleep(10 * SECOND).await;
            "settled"
        });
        for name in ["one", "other"] {
            doing.attempt(answered(name));
        }
        let Happened::Ended(mut ended) = doing.next(time.as_mut()).await else { panic!("they go on") };
        ended.sort_unstable();
        assert_eq!(ended, [Ok("one"), Ok("other")]);
        assert!(doing.is_settling());
        assert_eq!(doing.next(time.as_mut()).await, Happened::Settled("settled"));
        assert!(!doing.is_settling());
    }

    #[tokio::test(start_paused = true)]
    async fn a_settlement_goes_on_while_attempts_take_long_and_the_time_is_kept() {
        let mut doing = Doing::new();
        doing.attempt(async {
            sleep(60 * SECOND).await;
            "ended"
        });
        let mut time = pin!(sleep(5 * SECOND));
        for _ in 0..4 {
            doing.settle(sleep(SECOND));
            assert_eq!(doing.next(time.as_mut()).await, Happened::Settled(()));
        }
        doing.settle(sleep(2 * SECOND));
        assert_eq!(doing.next(time.as_mut()).await, Happened::TimeIsUp);
        let mut none = pin!(std::future::pending());
        assert_eq!(doing.next(none.as_mut()).await, Happened::Settled(()));
        assert_eq!(doing.next(none.as_mut()).await, Happened::Ended(vec!["ended"]));
    }
}
