//! Webhooks: addresses of other servers that want to hear of events.

pub mod add;
pub mod address;
pub mod enable;
pub mod remove;
pub mod rotate_secret;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use add::AddWebhook;
pub use address::{WebhookAddress, WebhookUrlError, is_public_address};
pub use enable::EnableWebhook;
pub use remove::RemoveWebhook;
pub use rotate_secret::RotateWebhookSecret;

use crate::bookings::Booking;
use crate::context::{Actor, Context};
use crate::event::Event;
use crate::ids::{UserId, WebhookId};
use crate::kinds::KindPattern;
use crate::outcome::{Halt, Rejection};
use crate::principal::Role;
use crate::rows::{Key, Order, ReadRows, ReadTyped as _, Stored as _};
use crate::time::{Millis, Timestamp};
use crate::users::{self, User};

/// Webhooks a cluster may have: each event may go to all of them.
pub const WEBHOOKS_MAX: usize = 100;

/// Webhooks one app may have of these, so that none takes all.
pub const WEBHOOKS_PER_APP_MAX: usize = 10;

/// Bytes of an address. The facade refuses more.
pub const WEBHOOK_URL_MAX: usize = 2048;

/// How long a secret still signs beside the one that has replaced it.
pub const FORMER_SECRET_DURATION: Millis = Millis::from_hours(24);

/// An address that wants to hear of events.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// What it wants to hear of.
    pub kinds: Vec<KindPattern>,
    /// Who made it.
    pub owner: UserId,
    /// Of what it may hear at all.
    pub reach: Reach,
    /// What signs what is sent.
    pub secret: [u8; 32],
    /// The secret before.
    pub former: Option<FormerSecret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Why nothing is sent, if nothing is.
    pub disabled: Option<Disabled>,
}

/// Of what a webhook may hear. The order is a stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// Everything: an operator made it.
    Everything,
    /// The bookings of the app that made it.
    Bookings,
}

/// A secret that was replaced.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerSecret {
    /// The secret.
    pub secret: [u8; 32],
    /// Until when it signs.
    pub until: Timestamp,
}

/// That nothing is sent to a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// What the webhooks that are not disabled want to hear of, in one row that every event asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookKinds {
    /// How many webhooks there ever were: the id of the next one is one more.
    pub made: u64,
    /// Each of them, by id.
    pub wanted: Vec<Wanted>,
}

/// What one webhook wants to hear of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Which.
    pub webhook: WebhookId,
    /// What it wants to hear of.
    pub kinds: Vec<KindPattern>,
    /// The app whose bookings it hears of; `None` for an operator's, which hear of all.
    pub app: Option<UserId>,
}

impl Webhook {
    /// Whether a user of this role may see and change it.
    #[must_use]
    pub fn is_managed_by(&self, user: UserId, role: Role) -> bool {
        match role {
            Role::Operator => true,
            Role::App => self.owner == user,
            Role::Staff | Role::Guest => false,
        }
    }

    /// What signs at a moment: the secret, and the one before for as long as it counts.
    #[must_use]
    pub fn secrets_at(&self, now: Timestamp) -> Vec<[u8; 32]> {
        let former = self.former.iter().filter(|former| now < former.until).map(|former| former.secret);
        std::iter::once(self.secret).chain(former).collect()
    }

    fn wanted(&self, id: WebhookId) -> Wanted {
        let app = match self.reach {
            Reach::Everything => None,
            Reach::Bookings => Some(self.owner),
        };
        Wanted { webhook: id, kinds: self.kinds.clone(), app }
    }
}

/// Leaves the secrets out.
impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("url", &self.url)
            .field("kinds", &self.kinds)
            .field("owner", &self.owner)
            .field("reach", &self.reach)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

/// Leaves the secret out.
impl std::fmt::Debug for FormerSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FormerSecret").field("until", &self.until).finish_non_exhaustive()
    }
}

/// All webhooks, by id: few enough for one page.
pub fn list(rows: &(impl ReadRows + ?Sized)) -> Vec<(WebhookId, Arc<Webhook>)> {
    let all = Key::Webhook(WebhookId(0))..Key::Webhook(WebhookId(u64::MAX));
    let found = rows.scan(all, Order::Ascending, WEBHOOKS_MAX).into_iter();
    let webhooks = found.filter_map(|(key, row)| {
        let Key::Webhook(id) = key else { return None };
        Some((id, Webhook::from_row(row)?))
    });
    webhooks.collect()
}

/// The webhooks that hear of an event, by id.
pub(crate) fn of_event(context: &Context<'_>, event: &Event) -> Vec<WebhookId> {
    let Some(kinds) = context.row::<WebhookKinds>(()) else { return Vec::new() };
    let hears = |wanted: &&Wanted| {
        wanted.kinds.iter().any(|kind| kind.matches(event.name()))
            && wanted.app.is_none_or(|app| is_of_app(context, event, app))
    };
    kinds.wanted.iter().filter(hears).map(|wanted| wanted.webhook).collect()
}

/// Whether an event is of a booking that an app manages, and it is one still.
fn is_of_app(context: &Context<'_>, event: &Event, app: UserId) -> bool {
    let Event::Booking { booking, .. } = event else { return false };
    let is_app = || context.row::<User>(app).is_some_and(|user| user.role == Role::App);
    let booking = context.row::<Booking>(*booking);
    booking.is_some_and(|booking| booking.is_managed_by(app, Role::App))
        && is_app()
        && !users::is_banned(context, app)
}

/// The webhook of an id if the caller may know of it; somebody else's is as unknown as none.
fn find(context: &Context<'_>, id: WebhookId) -> Result<Arc<Webhook>, Halt> {
    let Actor { user, role } = context.actor_who(may_have_some)?;
    let webhook = context.row::<Webhook>(id).filter(|webhook| webhook.is_managed_by(user, role));
    webhook.ok_or_else(|| Rejection::WebhookNotFound(id).into())
}

fn may_have_some(role: Role) -> bool {
    match role {
        Role::Operator | Role::App => true,
        Role::Guest | Role::Staff => false,
    }
}

/// Writes a webhook, and what all of them want to hear of.
pub(crate) fn write(context: &mut Context<'_>, id: WebhookId, webhook: Webhook) {
    let wanted = webhook.disabled.is_none().then(|| webhook.wanted(id));
    context.put(id, webhook);
    want(context, id, wanted);
}

/// Notes what a webhook wants to hear of, or that it wants nothing.
fn want(context: &mut Context<'_>, id: WebhookId, wanted: Option<Wanted>) {
    let mut kinds = context.row::<WebhookKinds>(()).map_or_else(WebhookKinds::default, Arc::unwrap_or_clone);
    kinds.made = kinds.made.max(id.0);
    kinds.wanted.retain(|other| other.webhook != id);
    kinds.wanted.extend(wanted);
    kinds.wanted.sort_by_key(|wanted| wanted.webhook);
    context.put((), kinds);
}
