//! Answers: JSON with the log index it reflects, or a problem.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use holdfast_raft::Read;
use serde::Serialize;

use crate::problem::Problem;

/// Which log index an answer reflects. What says nothing of the rows has none as long as the node has not caught up since it
/// started: that index could be behind one which the node has shown before.
pub(crate) const INDEX_HEADER: &str = "holdfast-index";

/// How old what was read may be; zero when it is certain to be current.
const AGE_HEADER: &str = "holdfast-age-ms";

/// What a handler gives back.
pub(crate) type Answer = Result<Reply, Problem>;

/// A success.
pub(crate) struct Reply {
    status: StatusCode,
    body: Vec<u8>,
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
        let unwritable = |_| Problem::new(500, "internal", "the answer cannot be written");
        let body = serde_json::to_vec(body).map_err(unwritable)?;
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
        let mut reply = Self::ok(&body(value))?;
        (reply.index, reply.age) = (Some(index), Some(age));
        Ok(reply)
    }

    /// Anything else.
    pub(crate) fn bytes(body: Vec<u8>, content_type: &'static str, cache: &'static str) -> Self {
        Self {
            status: StatusCode::OK,
            body,
            content_type,
            index: None,
            age: None,
            etag: None,
            location: None,
            cache,
        }
    }

    /// Adds the version of what is shown, for `If-Match`.
    pub(crate) fn version(mut self, version: u32) -> Self {
        self.etag = Some(version);
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
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
