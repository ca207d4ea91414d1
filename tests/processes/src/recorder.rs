//! Records what clients ask and are told, on one clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use holdfast_model::Call;
use tokio::sync::watch;

/// The calls of a test. Clones record together.
#[derive(Clone)]
pub struct Recorder {
    started_at: Instant,
    calls: Arc<Mutex<Vec<Call>>>,
    invoked: watch::Sender<usize>,
    acknowledged: watch::Sender<usize>,
}

impl Default for Recorder {
    fn default() -> Self {
        let (invoked, acknowledged) = (watch::Sender::new(0), watch::Sender::new(0));
        Self { started_at: Instant::now(), calls: Arc::default(), invoked, acknowledged }
    }
}

impl Recorder {
    /// Nanoseconds since it was made.
    #[must_use]
    pub fn now(&self) -> u64 {
        u64::try_from(self.started_at.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Notes that a call is about to be sent, and when.
    #[must_use]
    pub fn invoke(&self) -> u64 {
        self.invoked.send_modify(|count| *count += 1);
        self.now()
    }

    /// Records a call.
    pub fn record(&self, call: Call) {
        let is_acknowledged = matches!(call.answer, holdfast_model::Answer::Booking(_));
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        if is_acknowledged {
            self.acknowledged.send_modify(|count| *count += 1);
        }
    }

    /// Completes when so many more calls than now were sent.
    pub fn invocations(&self, more: usize) -> impl Future<Output = ()> + use<> {
        reaching(&self.invoked, more)
    }

    /// Completes when so many more calls than now were acknowledged.
    pub fn acknowledgements(&self, more: usize) -> impl Future<Output = ()> + use<> {
        reaching(&self.acknowledged, more)
    }

    /// All calls so far, which are forgotten.
    #[must_use]
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn reaching(counter: &watch::Sender<usize>, more: usize) -> impl Future<Output = ()> + use<> {
    let mut count = counter.subscribe();
    let wanted = *count.borrow_and_update() + more;
    // The recorder, and with it the sender, lives as long as its users.
    async move { drop(count.wait_for(|count| *count >= wanted).await) }
}
