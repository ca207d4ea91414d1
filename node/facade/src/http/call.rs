//! What a handler gets: the caller's token, the name and deadline of the call, and its body, each judged the same way
//! everywhere.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Uri, header};
use bytes::Bytes;
use holdfast_raft::Consistency;
use holdfast_reservations::{RequestId, RequestKey};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::access::Endpoint;
use crate::problem::{Problem, Result};
use crate::service::{CallContext, Caller, DEADLINE_MAX, Service};
use crate::wire::id_in;

/// A body that makes one thing.
pub(crate) const BODY_BYTES_MAX: usize = 64 << 10;

/// A body that makes many.
pub(crate) const BULK_BODY_BYTES_MAX: usize = 4 << 20;

const KEY_HEADERS: [&str; 2] = ["idempotency-key", "x-idempotency-key"];
const KEY_BYTES_MAX: usize = 255;
const TIMEOUT_HEADER: &str = "holdfast-timeout-ms";

/// A call as a handler sees it.
pub(crate) struct Call {
    pub(crate) context: CallContext,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
}

/// How a call is named: the caller's key, or one made for it. Put into the request by what surrounds every call.
#[derive(Clone, Debug)]
pub(crate) struct CallName {
    /// As the caller wrote it, or as we did.
    pub(crate) text: String,
    key: RequestKey,
}

impl CallName {
    /// The name in the headers, or a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self> {
        let Some(text) = KEY_HEADERS.iter().find_map(|name| headers.get(*name)) else {
            let made = Uuid::new_v4();
            return Ok(Self { text: made.to_string(), key: RequestKey::Made(made.into_bytes()) });
        };
        let is_visible = |text: &&str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let text = text.to_str().ok().filter(|text| (1..=KEY_BYTES_MAX).contains(&text.len()));
        let text = text
            .filter(is_visible)
            .ok_or_else(|| Problem::malformed("an idempotency key has 1 to 255 visible ASCII characters"))?;
        Ok(Self { text: text.to_owned(), key: key_of(text) })
    }
}

impl CallName {
    /// The identity of a call with this name and payload.
    pub(crate) fn request_id(&self, payload_hash: u64) -> RequestId {
        RequestId { key: self.key, payload_hash }
    }
}

/// A UUID keeps its bytes, and with them the time in it; anything else is hashed.
fn key_of(text: &str) -> RequestKey {
    match Uuid::try_parse(text) {
        Ok(uuid) => RequestKey::Uuid(uuid.into_bytes()),
        Err(_) => RequestKey::Named(xxhash_rust::xxh3::xxh3_128(text.as_bytes()).to_be_bytes()),
    }
}

impl FromRequest<Service> for Call {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Service) -> Result<Self> {
        let (head, body) = request.into_parts();
        let name = match head.extensions.get::<CallName>() {
            Some(name) => name.clone(),
            None => CallName::of(&head.headers)?,
        };
        let limit = body_limit(head.uri.path());
        let too_large = || {
            let detail = format!("the body is larger than {limit} bytes");
            Problem::new(413, "too_large", detail)
        };
        let announced =
            head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: u64| length > limit as u64) {
            return Err(too_large());
        }
        let body = to_bytes(body, limit).await.map_err(|_| too_large())?;
        let id = name.request_id(payload_hash(head.method.as_str(), head.uri.path(), &body));
        let timeout = timeout(&head.headers)?.unwrap_or(service.settings().deadline);
        let context = CallContext { id, deadline: tokio::time::Instant::now() + timeout };
        Ok(Self { context, headers: head.headers, uri: head.uri, body })
    }
}

/// Bulk calls: the slots of a resource.
fn body_limit(path: &str) -> usize {
    let is_bulk = path.starts_with("/v1/resources/") && path.ends_with("/slots");
    if is_bulk { BULK_BODY_BYTES_MAX } else { BODY_BYTES_MAX }
}

/// A hash of what a call asks for. The same key with another one is another call.
pub(crate) fn payload_hash(method: &str, path: &str, body: &[u8]) -> u64 {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    for part in [method.as_bytes(), path.as_bytes(), body] {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.digest()
}

fn timeout(headers: &HeaderMap) -> Result<Option<Duration>> {
    let Some(text) = headers.get(TIMEOUT_HEADER) else { return Ok(None) };
    let millis = text.to_str().ok().and_then(|text| text.parse().ok()).filter(|millis| *millis > 0);
    let millis =
        millis.ok_or_else(|| Problem::malformed("Holdfast-Timeout-Ms is a number of milliseconds"))?;
    Ok(Some(Duration::from_millis(millis).min(DEADLINE_MAX)))
}

impl Call {
    /// The caller, if he may make this call.
    pub(crate) async fn caller(&self, service: &Service, endpoint: Endpoint) -> Result<Caller> {
        service.admit(endpoint, self.bearer()?, self.context.deadline).await
    }

    /// The caller as this node knows him, for calls that must be answered without a quorum.
    pub(crate) async fn caller_here(&self, service: &Service, endpoint: Endpoint) -> Result<Caller> {
        service.admit_here(endpoint, self.bearer()?, self.context.deadline).await
    }

    fn bearer(&self) -> Result<Option<&str>> {
        let Some(value) = self.headers.get(header::AUTHORIZATION) else { return Ok(None) };
        let token = value.to_str().ok().and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        token.map(Some).ok_or_else(|| Problem::unauthenticated("Authorization is `Bearer ACCESS_TOKEN`"))
    }

    /// The body as JSON. Whether unknown fields are refused, the type says.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let is_json =
            self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(
                |value| {
                    let media_type = value.split(';').next().unwrap_or_default().trim();
                    media_type.eq_ignore_ascii_case("application/json")
                },
            );
        if !is_json {
            return Err(Problem::new(415, "unsupported_media_type", "the body must be application/json"));
        }
        let mut json = serde_json::Deserializer::from_slice(&self.body);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            match path.as_str() {
                "." => Problem::malformed(error.inner().to_string()),
                path => Problem::malformed(format!("{path}: {}", error.inner())),
            }
        })?;
        json.end().map_err(|error| Problem::malformed(error.to_string()))?;
        Ok(value)
    }

    /// Whether the body is a JSON array.
    pub(crate) fn is_array(&self) -> bool {
        self.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[')
    }

    /// A parameter of the query.
    pub(crate) fn query(&self, name: &str) -> Result<Option<Cow<'_, str>>> {
        let pairs = self.uri.query().unwrap_or_default().split('&');
        for (key, value) in pairs.filter_map(|pair| pair.split_once('=')) {
            if decoded(key)? == name {
                return decoded(value).map(Some);
            }
        }
        Ok(None)
    }

    /// An id in the query.
    pub(crate) fn query_id(&self, name: &str) -> Result<Option<u64>> {
        match self.query(name)?.filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => id_in(&text)
                .map(Some)
                .ok_or_else(|| Problem::malformed(format!("{name} is not an id: {text}"))),
        }
    }

    /// `limit` of a list: 50 unless given, 200 at most.
    pub(crate) fn limit(&self) -> Result<usize> {
        let Some(text) = self.query("limit")? else { return Ok(50) };
        let limit: i64 = text.parse().map_err(|_| Problem::malformed("limit is not a number"))?;
        match limit {
            1..=200 => Ok(usize::try_from(limit).unwrap_or(200)),
            _ => Err(Problem::senseless("limit is from 1 to 200")),
        }
    }

    /// How current the caller wants his answer.
    pub(crate) fn consistency(&self) -> Result<Consistency> {
        let max_staleness = self.query("max_staleness")?;
        match self.query("consistency")?.as_deref() {
            None | Some("linearizable") => Ok(Consistency::Linearizable),
            Some("stale") => {
                let parsed = max_staleness.map(|text| text.parse().map(Duration::from_millis)).transpose();
                let max_age =
                    parsed.map_err(|_| Problem::malformed("max_staleness is a number of milliseconds"))?;
                Ok(Consistency::Stale { max_age })
            }
            Some(other) => {
                Err(Problem::malformed(format!("consistency is linearizable or stale, not {other}")))
            }
        }
    }

    /// The version in `If-Match`.
    pub(crate) fn expected_version(&self) -> Result<Option<u32>> {
        let Some(value) = self.headers.get(header::IF_MATCH) else { return Ok(None) };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(None);
        }
        let version = text.trim_start_matches("W/").trim_matches('"').parse();
        version.map(Some).map_err(|_| Problem::malformed("If-Match is \"VERSION\" or *"))
    }
}

/// The id in a path: a booking whose id is no id does not exist.
pub(crate) fn path_id(text: &str, code: &'static str, what: &str) -> Result<u64> {
    id_in(text).ok_or_else(|| Problem::not_found(code, format!("{what} {text}")))
}

/// Percent-decoding of a query (WHATWG URL, application/x-www-form-urlencoded).
fn decoded(text: &str) -> Result<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next(), rest.next()];
                let hex = |digit: Option<u8>| digit.and_then(|digit| char::from(digit).to_digit(16));
                let (Some(high), Some(low)) = (hex(digits[0]), hex(digits[1])) else {
                    return Err(Problem::malformed(
                        "a percent sign in the query is not followed by two digits",
                    ));
                };
                bytes.push((high * 16 + low) as u8);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| Problem::malformed("the query is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_and_short_and_a_uuid_keeps_its_bytes() {
        let name = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("idempotency-key", text.parse().unwrap());
            CallName::of(&headers).map(|name| name.key)
        };
        let uuid = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(name(uuid), Ok(RequestKey::Uuid(Uuid::parse_str(uuid).unwrap().into_bytes())));
        assert!(matches!(name("order-17"), Ok(RequestKey::Named(_))));
        assert!(name(&"x".repeat(255)).is_ok());
        for refused in ["", "a b", &"x".repeat(256)] {
            assert_eq!(name(refused).unwrap_err().status, 400, "{refused:?}");
        }
        assert!(matches!(CallName::of(&HeaderMap::new()).unwrap().key, RequestKey::Made(_)));
    }

    #[test]
    fn the_payload_is_method_path_and_body() {
        let hash = payload_hash("POST", "/v1/bookings", b"{}");
        assert_eq!(hash, payload_hash("POST", "/v1/bookings", b"{}"));
        assert_ne!(hash, payload_hash("PUT", "/v1/bookings", b"{}"));
        assert_ne!(hash, payload_hash("POST", "/v1/bookings/", b"{}"));
        assert_ne!(hash, payload_hash("POST", "/v1/bookings", b"{ }"));
    }

    #[test]
    fn queries_are_decoded() {
        assert_eq!(decoded("a%20b+c").unwrap(), "a b c");
        assert!(decoded("%").is_err() && decoded("%zz").is_err() && decoded("%ff").is_err());
    }
}
