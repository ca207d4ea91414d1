//! Reminders say where the code of the booking is drawn: the leader sends them, and the facade signs.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use holdfast_facade::Service;
use holdfast_leader::Post;
use holdfast_leader::senders::{Attempt, Message, Senders, Target};
use tokio::time::Instant;

/// What guests are told when their slot is about to start.
const REMINDER: &str = "booking.ready";

/// A reminder without a link is better than none in time.
const LINK_DURATION_MAX: Duration = Duration::from_secs(2);

/// Sends what the leader has to send, reminders with a link.
pub(crate) struct Reminders {
    pub(crate) senders: Arc<Senders>,
    pub(crate) service: Service,
}

impl Post for Reminders {
    fn attempt<'a>(&'a self, message: &'a Message) -> Pin<Box<dyn Future<Output = Attempt> + Send + 'a>> {
        Box::pin(async move {
            if message.kind != REMINDER || matches!(message.target, Target::Webhook { .. } | Target::Log) {
                return self.senders.send(message).await;
            }
            let mut linked = message.clone();
            let until = Instant::now() + LINK_DURATION_MAX;
            linked.facts.code_url = self.service.code_link(message.booking_id, until).await;
            self.senders.send(&linked).await
        })
    }
}
