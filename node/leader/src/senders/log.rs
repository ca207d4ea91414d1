//! Writes messages to the node's log instead of sending them: for development.

use super::message::{Delivery, Message};
use super::{Sender, Sending, templates};

/// Sends nothing.
#[derive(Clone, Copy, Debug)]
pub struct Log;

impl Sender for Log {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(async move {
            let text = templates::fill(message);
            let Message { event_id, kind, booking_id, target, .. } = message;
            tracing::info!(%event_id, %kind, booking_id, ?target, title = text.title, body = text.body, "message");
            Delivery::Delivered
        })
    }
}
