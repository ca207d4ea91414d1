//! What watchers are told, each in a diary of its own, and how they go on where a stream broke off.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holdfast_client::{Client, Watch, Watched};
use holdfast_model::Revision;
use holdfast_proto::v1 as proto;
use holdfast_proto::v1::watch_reply::Item;
use holdfast_proto::v1::watch_request::Start;
use prost::Message as _;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::grpc::Grpc;
use crate::sse::{Opened, Sse, SseCall, SseEvent};
use crate::until;

/// Between two attempts.
const PAUSE_DURATION: Duration = Duration::from_millis(20);

/// A gRPC stream that is alive says something every fifteen seconds.
const SILENCE_DURATION_MAX: Duration = Duration::from_secs(25);

/// An event as a watcher was told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// Names it.
    pub revision: Revision,
    /// `booking.held`, `slot.opened`, ...
    pub kind: String,
    /// The booking it is about.
    pub booking: Option<u64>,
    /// Its slot.
    pub slot: Option<u64>,
    /// Whose booking it is.
    pub user: Option<u64>,
}

/// How a watcher fares.
#[derive(Debug, Default)]
struct Pages {
    /// Behind which revision it began.
    since: Option<Revision>,
    told: Vec<Told>,
    /// Streams that were opened.
    streams: usize,
    /// Why nodes ended streams.
    cuts: Vec<String>,
    /// What must not happen.
    failure: Option<String>,
}

/// Somebody who watches, until it is dropped.
pub struct Diary {
    name: String,
    pages: Arc<Mutex<Pages>>,
    task: JoinHandle<()>,
}

/// How somebody watches: at which nodes, as whom, and from where on.
#[derive(Clone, Debug)]
pub struct Watcher {
    /// Client addresses; after each stream that ends the next one is tried.
    pub addresses: Vec<String>,
    /// The access token.
    pub token: String,
    /// Behind which revision; from now on if that is not said.
    pub after: Option<Revision>,
}

impl Watcher {
    /// Watches as a browser does.
    #[must_use]
    pub fn by_sse(self, name: &str) -> Diary {
        Diary::keep(name, self.after, |pages| self.read_sse(pages))
    }

    /// Watches by gRPC.
    #[must_use]
    pub fn by_grpc(self, name: &str) -> Diary {
        Diary::keep(name, self.after, |pages| self.read_grpc(pages))
    }

    /// Watches by the stream of the Rust client, which finds its nodes itself.
    #[must_use]
    pub fn by_client(self, name: &str) -> Diary {
        Diary::keep(name, self.after, |pages| self.read_client(pages))
    }

    async fn read_sse(self, pages: Arc<Mutex<Pages>>) {
        let mut last = self.after.map(|after| after.to_string());
        for address in self.addresses.iter().cycle() {
            let call = SseCall { token: &self.token, last_event_id: last.as_deref(), ..SseCall::default() };
            match Sse::open(address, call).await {
                Opened::Stream(mut stream) => {
                    while let Some(event) = stream.next().await {
                        note_sse(&pages, &event);
                    }
                    last = Some(stream.last_id);
                }
                Opened::Refused(503, _) | Opened::Unreachable => (),
                Opened::Refused(status, problem) => {
                    return fail(&pages, format!("refused: {status} {problem}"));
                }
            }
            tokio::time::sleep(PAUSE_DURATION).await;
        }
    }

    async fn read_grpc(self, pages: Arc<Mutex<Pages>>) {
        let bearer = format!("Bearer {}", self.token);
        let mut last = self.after;
        for address in self.addresses.iter().cycle() {
            tokio::time::sleep(PAUSE_DURATION).await;
            let start =
                last.map(|Revision { index, ordinal }| Start::After(proto::Revision { index, ordinal }));
            let request = proto::WatchRequest { start, ..proto::WatchRequest::default() };
            let Some(grpc) = Grpc::reach(address, None).await else { continue };
            let metadata = [("authorization", bearer.as_str())];
            let Some(mut stream) = grpc.stream("holdfast.v1.Watch/Watch", &metadata, &request).await else {
                continue;
            };
            while let Ok(Some(message)) = tokio::time::timeout(SILENCE_DURATION_MAX, stream.next()).await {
                last = note_grpc(&pages, &message).or(last);
            }
            let (status, reason) = stream.status();
            if !["", "OK", "UNAVAILABLE"].contains(&status) {
                return fail(&pages, format!("refused: {status} {reason}"));
            }
        }
    }

    async fn read_client(self, pages: Arc<Mutex<Pages>>) {
        let client = Client::builder().endpoints(self.addresses).token(self.token).build().unwrap();
        let everything = Watch::everything();
        let mut stream = client.watch(match self.after {
            Some(after) => {
                everything.after(holdfast_client::Revision { index: after.index, ordinal: after.ordinal })
            }
            None => everything,
        });
        lock(&pages).streams = 1;
        while let Some(told) = stream.next().await {
            match told {
                Ok(Watched::Event(event)) => {
                    let holdfast_client::Revision { index, ordinal } = event.revision;
                    lock(&pages).told.push(Told {
                        revision: Revision { index, ordinal },
                        kind: event.kind,
                        booking: event.booking_id,
                        slot: event.slot_id,
                        user: event.user_id,
                    });
                }
                Ok(_) => (),
                Err(error) => return fail(&pages, error.to_string()),
            }
        }
    }
}

impl Diary {
    fn keep<T: Future<Output = ()> + Send + 'static>(
        name: &str,
        since: Option<Revision>,
        read: impl FnOnce(Arc<Mutex<Pages>>) -> T,
    ) -> Self {
        let pages = Arc::new(Mutex::new(Pages { since, ..Pages::default() }));
        let task = tokio::spawn(read(Arc::clone(&pages)));
        Self { name: name.to_owned(), pages, task }
    }

    /// Waits until something was told, or the stream has begun.
    pub async fn begun(&self, at_most: Duration) {
        let what = format!("{} has begun", self.name);
        until(&what, at_most, async || self.look(|pages| (pages.streams > 0).then_some(()))).await;
    }

    /// Waits until it was told of something at or behind a revision.
    ///
    /// # Panics
    ///
    /// If it is not in time, or the watcher was refused for good.
    pub async fn reaches(&self, revision: Revision, at_most: Duration) {
        let what = format!("{} reads up to {revision}", self.name);
        let is_there = |pages: &Pages| pages.told.last().is_some_and(|last| last.revision >= revision);
        until(&what, at_most, async || self.look(|pages| is_there(pages).then_some(()))).await;
    }

    /// All it was told so far.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        self.look(|pages| pages.told.clone())
    }

    /// How many streams it took, and why nodes ended them.
    #[must_use]
    pub fn breaks(&self) -> (usize, Vec<String>) {
        self.look(|pages| (pages.streams, pages.cuts.clone()))
    }

    /// Makes sure that it was told all of the feed behind the revision it began at, up to the last event there, and
    /// nothing else: no gap, nothing twice, nothing out of order.
    ///
    /// # Panics
    ///
    /// With the first difference.
    pub fn agrees_with(&self, whole: &[Told]) {
        let since = self.look(|pages| pages.since);
        let begins = whole.partition_point(|told| Some(told.revision) <= since);
        let mut told = self.told();
        told.retain(|told| told.revision <= whole.last().unwrap().revision);
        for (position, expected) in whole[begins..].iter().enumerate() {
            let has = told.get(position);
            assert_eq!(has, Some(expected), "{}, event {position} of {}", self.name, told.len());
        }
        assert_eq!(told.len(), whole.len() - begins, "{} was told more than there is", self.name);
    }

    fn look<T>(&self, at: impl FnOnce(&Pages) -> T) -> T {
        let pages = lock(&self.pages);
        if let Some(failure) = &pages.failure {
            panic!("{}: {failure}", self.name);
        }
        at(&pages)
    }
}

impl Drop for Diary {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Told {
    /// What `data` says of an event.
    #[must_use]
    pub fn in_json(data: &Value) -> Self {
        let id = |name: &str| data[name].as_u64();
        Self {
            revision: revision_in(data["revision"].as_str().unwrap()),
            kind: data["kind"].as_str().unwrap().to_owned(),
            booking: id("bookingId"),
            slot: id("slotId"),
            user: id("userId"),
        }
    }
}

impl From<proto::WatchEvent> for Told {
    fn from(event: proto::WatchEvent) -> Self {
        let proto::Revision { index, ordinal } = event.revision.unwrap();
        let (booking, slot, user) = (event.booking_id, event.slot_id, event.user_id);
        Self { revision: Revision { index, ordinal }, kind: event.kind, booking, slot, user }
    }
}

/// INDEX-ORDINAL.
///
/// # Panics
///
/// If it is none.
#[must_use]
pub fn revision_in(text: &str) -> Revision {
    let parts =
        text.split_once('-').and_then(|(index, ordinal)| Some((index.parse().ok()?, ordinal.parse().ok()?)));
    let Some((index, ordinal)) = parts else { panic!("no revision: {text}") };
    Revision { index, ordinal }
}

fn note_sse(pages: &Mutex<Pages>, event: &SseEvent) {
    let mut pages = lock(pages);
    match event.name.as_str() {
        "hello" => pages.hello(revision_in(event.data["revision"].as_str().unwrap())),
        "cut" => pages.cuts.push(event.data["reason"].as_str().unwrap().to_owned()),
        _ => {
            assert_eq!(event.id.as_deref(), event.data["revision"].as_str(), "{event:?}");
            pages.told.push(Told::in_json(&event.data));
        }
    }
}

/// Notes a message, and says where a stream is to go on behind it.
fn note_grpc(pages: &Mutex<Pages>, message: &[u8]) -> Option<Revision> {
    let from = |proto::Revision { index, ordinal }| Revision { index, ordinal };
    let mut pages = lock(pages);
    match proto::WatchReply::decode(message).unwrap().item.unwrap() {
        Item::Hello(at) => {
            pages.hello(from(at));
            Some(from(at))
        }
        Item::Progress(at) => Some(from(at)),
        Item::Availability(_) => None,
        Item::Cut(cut) => {
            pages.cuts.push(cut.reason);
            cut.resume_after.map(from)
        }
        Item::Events(events) => {
            pages.told.extend(events.events.into_iter().map(Told::from));
            pages.told.last().map(|told| told.revision)
        }
    }
}

impl Pages {
    fn hello(&mut self, at: Revision) {
        self.streams += 1;
        self.since.get_or_insert(at);
    }
}

fn fail(pages: &Mutex<Pages>, failure: String) {
    lock(pages).failure = Some(failure);
}

fn lock(pages: &Mutex<Pages>) -> MutexGuard<'_, Pages> {
    pages.lock().unwrap_or_else(PoisonError::into_inner)
}
