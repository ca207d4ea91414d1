//! Watches what happens: one stream to some node, begun again at another where it broke off.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use holdfast_proto::v1 as proto;
use holdfast_proto::v1::watch_client::WatchClient;
use holdfast_proto::v1::watch_reply::Item;
use holdfast_proto::v1::watch_request::Start;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Certificate;
use tonic::{Request, Status, Streaming};

use crate::booking::Revision;
use crate::error::{Error, Refusal, refusal_from};
use crate::line;

/// What may wait for a slow reader; then nothing more is read from the node, which goes on without him.
const WAITING_MAX: usize = 256;

/// A node that takes the call says so by then, or another is tried. A node may take five seconds to catch up.
const OPEN_DURATION_MAX: Duration = Duration::from_secs(8);

/// A node that watches says something every fifteen seconds.
const SILENCE_DURATION_MAX: Duration = Duration::from_secs(40);

/// Between two attempts; a random part keeps many watchers apart.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// What to watch, and from where on. Filters are all to be met, each by one of its values, if it has any.
#[derive(Clone, Debug, Default)]
pub struct Watch(proto::WatchRequest);

/// What a watcher is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Watched {
    /// A node lets him watch: what comes now is behind this, and nothing was missed before it.
    Begun(Revision),
    /// Something happened. Every event comes once, in the order of the revisions.
    Event(Event),
    /// What is left of a slot that is watched. It is of now, whatever events are still to come.
    Availability(SlotAvailability),
    /// Nothing was missed up to here: where a watcher who keeps his place may go on, though no event was for him.
    Progress(Revision),
    /// There is no stream at the moment, for this reason: it broke off, or a node was tried in vain. Others are tried,
    /// until it goes on.
    Lost(String),
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// Names the event for ever.
    pub revision: Revision,
    /// `booking.held`, `slot.opened`, ...
    pub kind: String,
    /// The booking it is about.
    pub booking_id: Option<u64>,
    /// The slot, or that of the booking.
    pub slot_id: Option<u64>,
    /// The resource, or that of the slot.
    pub resource_id: Option<u64>,
    /// The venue it is about.
    pub venue_id: Option<u64>,
    /// Whose booking it is.
    pub user_id: Option<u64>,
}

/// What is left of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlotAvailability {
    /// Of which.
    pub slot_id: u64,
    /// As of which log index.
    pub index: u64,
    /// Of each pool.
    pub pools: Vec<PoolAvailability>,
}

/// What is left of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolAvailability {
    /// Of which.
    pub id: u64,
    /// Nobody's places.
    pub available: u32,
    /// Places that are held.
    pub held: u32,
    /// Places that are booked.
    pub confirmed: u32,
}

/// What happens, as a stream: it goes on at another node when one is lost, without a gap and without telling anything
/// twice. It ends with an error that trying again does not mend: a token that is refused ([`Error::Refused`] with
/// status 401 or 403), or a place that is not kept any more (`revision_gone`).
#[derive(Debug)]
pub struct Watching(ReceiverStream<Result<Watched, Error>>);

impl Watch {
    /// Everything the caller may see, from now on.
    #[must_use]
    pub fn everything() -> Self {
        Self::default()
    }

    /// Goes on behind an event: the last that was seen.
    #[must_use]
    pub fn after(mut self, revision: Revision) -> Self {
        self.0.start = Some(Start::After(to_proto(revision)));
        self
    }

    /// Begins behind everything that an answer with this log index showed.
    #[must_use]
    pub fn after_index(mut self, index: u64) -> Self {
        self.0.start = Some(Start::AfterIndex(index));
        self
    }

    /// Of this slot, or another that is named; what is left of them is told too.
    #[must_use]
    pub fn slot(mut self, slot_id: u64) -> Self {
        self.0.slot_ids.push(slot_id);
        self
    }

    /// Of this resource, or another that is named; what is left of their slots is told too.
    #[must_use]
    pub fn resource(mut self, resource_id: u64) -> Self {
        self.0.resource_ids.push(resource_id);
        self
    }

    /// Bookings of this user, or another that is named.
    #[must_use]
    pub fn user(mut self, user_id: u64) -> Self {
        self.0.user_ids.push(user_id);
        self
    }

    /// Of this kind, or another that is named: `booking.held`, `booking.*`.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.0.kinds.push(kind.into());
        self
    }
}

impl Watching {
    /// Waits for what comes next; `None` behind an error.
    pub async fn next(&mut self) -> Option<Result<Watched, Error>> {
        tokio_stream::StreamExt::next(&mut self.0).await
    }
}

impl tokio_stream::Stream for Watching {
    type Item = Result<Watched, Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::pin::Pin::new(&mut self.0).poll_next(context)
    }
}

/// How to reach the cluster, and as whom.
#[derive(Clone)]
pub(crate) struct Reach {
    pub(crate) endpoints: Arc<[String]>,
    pub(crate) authority: Option<Certificate>,
    pub(crate) token: AsciiMetadataValue,
}

/// Leaves the token out, so that no log can show it.
impl std::fmt::Debug for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reach").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

/// Begins to watch.
pub(crate) fn watch(reach: Reach, Watch(request): Watch) -> Watching {
    let (told, receiver) = mpsc::channel(WAITING_MAX);
    let position = rand::random_range(0..reach.endpoints.len().max(1));
    let watcher = Watcher { reach, request, position, told };
    // It ends with its reader.
    tokio::spawn(watcher.run());
    Watching(ReceiverStream::new(receiver))
}

struct Watcher {
    reach: Reach,
    /// With the place to go on from.
    request: proto::WatchRequest,
    /// Which endpoint to try next.
    position: usize,
    told: mpsc::Sender<Result<Watched, Error>>,
}

/// How a stream ended.
enum End {
    /// It may go on at another node; whether this one has told anything.
    Broken {
        was_of_use: bool,
        why: String,
    },
    /// Nobody reads any more.
    Unread,
    Refused(Error),
}

impl Watcher {
    async fn run(mut self) {
        let mut pause = PAUSE_MIN;
        loop {
            let told = self.told.clone();
            let end = tokio::select! {
                end = self.watch_at_one() => end,
                () = told.closed() => End::Unread,
            };
            match end {
                End::Unread => return,
                End::Refused(error) => {
                    drop(self.told.send(Err(error)).await);
                    return;
                }
                End::Broken { was_of_use, why } => {
                    let why = format!("{}: {why}", self.address());
                    if self.say(Watched::Lost(why)).await.is_some() {
                        return;
                    }
                    pause = if was_of_use { PAUSE_MIN } else { pause };
                }
            }
            self.position += 1;
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn watch_at_one(&mut self) -> End {
        let opened = tokio::time::timeout(OPEN_DURATION_MAX, self.open()).await;
        let mut replies = match opened {
            Ok(Ok(replies)) => replies,
            Ok(Err(status)) => return end_of(&status),
            Err(_) => {
                return End::Broken { was_of_use: false, why: "it does not answer".to_owned() };
            }
        };
        let mut was_of_use = false;
        loop {
            let why = match tokio::time::timeout(SILENCE_DURATION_MAX, replies.message()).await {
                Ok(Ok(Some(proto::WatchReply { item: Some(item) }))) => match self.tell(item).await {
                    None => {
                        was_of_use = true;
                        continue;
                    }
                    Some(end) => return end,
                },
                Ok(Ok(Some(proto::WatchReply { item: None }))) => continue,
                Ok(Ok(None)) => "the stream broke off".to_owned(),
                Ok(Err(status)) => status.message().to_owned(),
                Err(_) => "it fell silent".to_owned(),
            };
            return End::Broken { was_of_use, why };
        }
    }

    /// The endpoint to try.
    fn address(&self) -> &str {
        let endpoints = &self.reach.endpoints;
        &endpoints[self.position % endpoints.len()]
    }

    async fn open(&self) -> Result<Streaming<proto::WatchReply>, Status> {
        let Reach { authority, token, .. } = &self.reach;
        let unusable = |error: tonic::transport::Error| Status::unavailable(with_causes(&error));
        let endpoint = line::endpoint(self.address(), authority.as_ref()).map_err(unusable)?;
        let channel = endpoint.connect().await.map_err(unusable)?;
        let mut request = Request::new(self.request.clone());
        request.metadata_mut().insert("authorization", token.clone());
        Ok(WatchClient::new(channel).watch(request).await?.into_inner())
    }

    /// Passes on what a node said; how the stream ends, if it does.
    async fn tell(&mut self, item: Item) -> Option<End> {
        match item {
            // Where the stream starts, wherever it is begun again.
            Item::Hello(at) => {
                self.go_on_after(at);
                self.say(Watched::Begun(from_proto(at))).await
            }
            Item::Progress(at) => {
                self.go_on_after(at);
                self.say(Watched::Progress(from_proto(at))).await
            }
            Item::Events(events) => {
                for event in events.events {
                    let Some(at) = event.revision else { continue };
                    let end = self.say(Watched::Event(event_from(event, at))).await;
                    self.go_on_after(at);
                    if end.is_some() {
                        return end;
                    }
                }
                None
            }
            Item::Availability(availability) => {
                for slot in availability.slots {
                    if let Some(end) = self.say(Watched::Availability(slot_from(slot))).await {
                        return Some(end);
                    }
                }
                None
            }
            Item::Cut(proto::WatchCut { reason, detail, .. }) => {
                // The next attempt says for sure, and with a status.
                let was_of_use = !matches!(reason.as_str(), "unauthenticated" | "revision_gone");
                Some(End::Broken { was_of_use, why: format!("{reason}: {detail}") })
            }
        }
    }

    fn go_on_after(&mut self, at: proto::Revision) {
        self.request.start = Some(Start::After(at));
    }

    async fn say(&self, watched: Watched) -> Option<End> {
        self.told.send(Ok(watched)).await.is_err().then_some(End::Unread)
    }
}

/// A refusal that another node would repeat ends the watch; anything else is tried elsewhere.
fn end_of(status: &Status) -> End {
    match refusal_from(status) {
        Some(refusal) if is_final(&refusal) => End::Refused(Error::Refused(refusal)),
        Some(refusal) => End::Broken { was_of_use: false, why: refusal.to_string() },
        None => End::Broken { was_of_use: false, why: status.message().to_owned() },
    }
}

/// An error, and what has led to it.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn is_final(refusal: &Refusal) -> bool {
    matches!(refusal.status, 400..=428)
}

fn to_proto(Revision { index, ordinal }: Revision) -> proto::Revision {
    proto::Revision { index, ordinal }
}

fn from_proto(proto::Revision { index, ordinal }: proto::Revision) -> Revision {
    Revision { index, ordinal }
}

fn event_from(event: proto::WatchEvent, at: proto::Revision) -> Event {
    let proto::WatchEvent { kind, booking_id, slot_id, resource_id, venue_id, user_id, .. } = event;
    Event { revision: from_proto(at), kind, booking_id, slot_id, resource_id, venue_id, user_id }
}

fn slot_from(slot: proto::SlotAvailability) -> SlotAvailability {
    let pool = |pool: proto::PoolAvailability| PoolAvailability {
        id: pool.id,
        available: pool.available,
        held: pool.held,
        confirmed: pool.confirmed,
    };
    let pools = slot.pools.into_iter().map(pool).collect();
    SlotAvailability { slot_id: slot.slot_id, index: slot.index, pools }
}
