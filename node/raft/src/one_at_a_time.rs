//! Work that must not be done twice at a time, and must not be dropped halfway when whoever asked for it goes away.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::runtime::spawn;

/// Does one thing at a time, each to its end.
pub(crate) struct OneAtATime(Arc<Semaphore>);

impl OneAtATime {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Does the work in a task of its own; `None` if other work is not done yet.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let permit = self.0.clone().try_acquire_owned().ok()?;
        let task = spawn(async move {
            let done = work.await;
            drop(permit);
            done
        });
        // Without an answer it panicked, or the process ends.
        task.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_and_keeps_others_out_when_nobody_waits_for_it_any_more() {
        let one_at_a_time = OneAtATime::new();
        let (go_on, gate) = oneshot::channel::<()>();
        let (sender, done) = oneshot::channel();
        let work = async move {
            gate.await.unwrap();
            sender.send("done").unwrap();
        };
        tokio::select! {
            biased;
            _ = one_at_a_time.run(work) => unreachable!(),
            () = tokio::task::yield_now() => (),
        }
        assert_eq!(one_at_a_time.run(std::future::ready(2)).await, None);
        go_on.send(()).unwrap();
        assert_eq!(done.await, Ok("done"));
        tokio::task::yield_now().await;
        assert_eq!(one_at_a_time.run(std::future::ready(3)).await, Some(3));
    }
}
