//! Answers: JSON with the log index it reflects, or a problem.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use holdfast_raft::Read;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

use crate::problem::Problem;
use crate::service::Service;

/// Which log index an answer reflects. What says nothing of the rows has none as long as the node has not caught up since it
/// started: that index could be behind one which the node has shown before.
pub(crate) const INDEX_HEADER: &str = "holdfast-index";

/// How old what was read may be; zero when it is certain to be current.
const AGE_HEADER: &str = "holdfast-age-ms";

/// A body, or one that is still written while it is read.
enum Written {
    Whole(Vec<u8>),
    InParts(Body),
}

/// A list in JSON, between what stands before it and behind it.
pub(crate) struct LongList {
    pub(crate) before: String,
    pub(crate) after: &'static str,
    /// How many entries it has, or a few more.
    pub(crate) len: usize,
}

/// The entries of a list, made from what was read.
pub(crate) type Entries<'a, Entry> = Box<dyn Iterator<Item = Entry> + Send + 'a>;

/// What a handler gives back.
pub(crate) type Answer = Result<Reply, Problem>;

/// Entries of a list that is written at once.
const SHORT_LIST: usize = 1000;

/// Bytes of a long list that are written at a time.
const PART_BYTES: usize = 64 << 10;

/// How long a part of a list waits for its reader. Who is slower has broken off, or wants others to wait.
const PART_DURATION_MAX: Duration = Duration::from_secs(30);

/// A success.
pub(crate) struct Reply {
    status: StatusCode,
    body: Written,
    content_type: &'static str,
    index: Option<u64>,
    age: Option<Duration>,
    etag: Option<u32>,
    location: Option<String>,
    cache: &'static str,
}

impl Reply {
    /// JSON with a status.
    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
        let body = serde_json::to_vec(body).map_err(|_| unwritable())?;
        Ok(Self { status, ..Self::bytes(body, "application/json", "no-store") })
    }

    pub(crate) fn ok(body: &impl Serialize) -> Answer {
        Self::json(StatusCode::OK, body)
    }

    /// Taken, but not done.
    pub(crate) fn accepted(body: &impl Serialize) -> Answer {
        Self::json(StatusCode::ACCEPTED, body)
    }

    /// Says where what was made is found.
    pub(crate) fn at(mut self, path: String) -> Self {
        self.location = Some(path);
        self
    }

    pub(crate) fn created(body: &impl Serialize) -> Answer {
        Self::json(StatusCode::CREATED, body)
    }

    /// What was read, with the index and age of its moment.
    pub(crate) fn read<T, B: Serialize>(read: Read<T>, body: impl FnOnce(T) -> B) -> Answer {
        let Read { value, index, age } = read;
        Ok(Self::ok(&body(value))?.of_moment(index, age))
    }

    /// A list that was read and may be long: no more of it than a part is in memory at a time, and only so many long ones
    /// are written at once.
    pub(crate) async fn list<T: Send + Sync + 'static, Entry: Serialize + 'static>(
        service: &Service,
        deadline: Instant,
        read: Read<T>,
        frame: LongList,
        entries: impl for<'a> FnOnce(&'a T) -> Entries<'a, Entry> + Send + 'static,
    ) -> Answer {
        let Read { value, index, age } = read;
        let body = if frame.len <= SHORT_LIST {
            let parts = Parts::of(frame, entries(&value)).collect::<io::Result<Vec<_>>>();
            Written::Whole(parts.map_err(|_| unwritable())?.concat())
        } else {
            let place = service.place_for_long_list(deadline).await?;
            // One place stays free for the word that it broke off: what just ends would look whole.
            let (sender, receiver) = mpsc::channel(2);
            let last = sender.clone().try_reserve_owned().ok();
            // It ends with its reader, at the latest when he does not take a part.
            tokio::spawn(async move {
                let parts = Parts::of(frame, entries(&value));
                if let (Err(error), Some(last)) = (send_all(parts, &sender).await, last) {
                    last.send(Err(error));
                }
                drop(place);
            });
            Written::InParts(Body::from_stream(ReceiverStream::new(receiver)))
        };
        let mut reply = Self::bytes(Vec::new(), "application/json", "no-store");
        (reply.body, reply.index, reply.age) = (body, Some(index), Some(age));
        Ok(reply)
    }

    /// Anything else.
    pub(crate) fn bytes(body: Vec<u8>, content_type: &'static str, cache: &'static str) -> Self {
        Self {
            status: StatusCode::OK,
            body: Written::Whole(body),
            content_type,
            index: None,
            age: None,
            etag: None,
            location: None,
            cache,
        }
    }

    /// Of which moment it is.
    pub(crate) fn of_moment(mut self, index: u64, age: Duration) -> Self {
        (self.index, self.age) = (Some(index), Some(age));
        self
    }

    /// What is written as it happens; nobody on the way may keep it until there is more.
    pub(crate) fn stream(
        parts: impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static,
        content_type: &'static str,
    ) -> Self {
        Self {
            body: Written::InParts(Body::from_stream(parts)),
            ..Self::bytes(Vec::new(), content_type, "no-store, no-transform")
        }
    }

    /// Adds the version of what is shown, for `If-Match`.
    pub(crate) fn version(mut self, version: u32) -> Self {
        self.etag = Some(version);
        self
    }
}

/// A list as it is written, part by part.
struct Parts<'a, Entry> {
    entries: Entries<'a, Entry>,
    before: String,
    after: &'static str,
    is_first: bool,
    is_done: bool,
}

impl<'a, Entry: Serialize> Parts<'a, Entry> {
    fn of(LongList { before, after, .. }: LongList, entries: Entries<'a, Entry>) -> Self {
        Self { entries, before, after, is_first: true, is_done: false }
    }
}

impl<Entry: Serialize> Iterator for Parts<'_, Entry> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let mut part = std::mem::take(&mut self.before).into_bytes();
        while part.len() < PART_BYTES {
            let Some(entry) = self.entries.next() else {
                part.extend_from_slice(self.after.as_bytes());
                self.is_done = true;
                break;
            };
            if !std::mem::replace(&mut self.is_first, false) {
                part.push(b',');
            }
            if let Err(error) = serde_json::to_writer(&mut part, &entry) {
                self.is_done = true;
                return Some(Err(error.into()));
            }
        }
        Some(Ok(part))
    }
}

/// Sends all parts, unless their reader is gone or too slow.
async fn send_all<Entry: Serialize>(
    parts: Parts<'_, Entry>,
    sender: &mpsc::Sender<io::Result<Vec<u8>>>,
) -> io::Result<()> {
    for part in parts {
        match timeout(PART_DURATION_MAX, sender.send(Ok(part?))).await {
            Ok(Ok(())) => (),
            Ok(Err(_)) => return Ok(()),
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
    Ok(())
}

fn unwritable() -> Problem {
    Problem::new(500, "internal", "the answer cannot be written")
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let body = match self.body {
            Written::Whole(bytes) => Body::from(bytes),
            Written::InParts(body) => body,
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache));
        if let Some(index) = self.index {
            headers.insert(INDEX_HEADER, HeaderValue::from(index));
        }
        if let Some(age) = self.age {
            headers.insert(AGE_HEADER, HeaderValue::from(u64::try_from(age.as_millis()).unwrap_or(u64::MAX)));
        }
        if let Some(version) = self.etag
            && let Ok(etag) = HeaderValue::try_from(format!("\"{version}\""))
        {
            headers.insert(header::ETAG, etag);
        }
        if let Some(location) = self.location.and_then(|path| HeaderValue::try_from(path).ok()) {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}

/// Ends the connection behind an answer. HTTP/2 has other means, and forbids the header.
pub(crate) fn close_after(version: Version, response: &mut Response) {
    if version <= Version::HTTP_11 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_json().to_string()));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // A seed writes it in its own words.
        response.extensions_mut().insert(self);
        response
    }
}
