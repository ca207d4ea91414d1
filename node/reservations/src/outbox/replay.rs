//! Has dead letters sent again.

use serde::{Deserialize, Serialize};

use super::{Delivery, dead_letters, destination};
use crate::context::Context;
use crate::ids::WebhookId;
use crate::outbox;
use crate::outcome::{Halt, Outcome};
use crate::principal::Role;
use crate::rows::{Order, ReadTyped as _};

/// Dead letters one command looks at. Whoever wants more goes on behind the last of them.
pub const REPLAYED_MAX: usize = 1000;

/// Puts dead letters at the end of their channels, as the events they are, to be tried as if for the first time. Those
/// that have nowhere to go stay. Operators only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayDeadLetters {
    /// Which.
    pub which: Replay,
}

/// Which dead letters to send again. The order is a stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Replay {
    /// Those of these ids, as far as they are there.
    Letters(Vec<u64>),
    /// Those of a webhook.
    Webhook {
        /// Which.
        webhook: WebhookId,
        /// Behind this id; 0 for all.
        after: u64,
    },
    /// All.
    All {
        /// Behind this id; 0 for all.
        after: u64,
    },
}

impl ReplayDeadLetters {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.actor_who(Role::operates)?;
        let page = |webhook, after: u64| {
            let first = after.saturating_add(1);
            dead_letters::ids(context, webhook, first, u64::MAX, Order::Ascending, REPLAYED_MAX)
        };
        let (ids, is_page) = match &self.which {
            Replay::Letters(ids) => (ids.iter().copied().take(REPLAYED_MAX).collect(), false),
            Replay::Webhook { webhook, after } => (page(Some(*webhook), *after), true),
            Replay::All { after } => (page(None, *after), true),
        };
        let mut replayed = 0u32;
        for id in &ids {
            replayed = replayed.saturating_add(u32::from(replay(context, *id)));
        }
        let is_full = is_page && ids.len() == REPLAYED_MAX;
        let next = ids.last().copied().filter(|_| is_full);
        Ok(Outcome::DeadLettersReplayed { replayed, next })
    }
}

/// Sends a dead letter again; whether it was there and has somewhere to go.
fn replay(context: &mut Context<'_>, id: u64) -> bool {
    let letter = context.row::<dead_letters::DeadLetter>(id);
    let has_destination =
        letter.is_some_and(|letter| destination(context, &letter.delivery, context.now).is_some());
    let Some(letter) = has_destination.then(|| dead_letters::take(context, id)).flatten() else {
        return false;
    };
    let now = context.now;
    let again =
        Delivery { put_at: now, attempts: 0, next_at: now, last_error: None, ..letter.delivery.clone() };
    outbox::put(context, letter.channel, again);
    true
}
