//! What a handler gets: the caller's token, the name and deadline of the call, and its body, each judged the same way
//! everywhere.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, Uri, header};
use holdfast_raft::Consistency;
use holdfast_reservations::{RequestId, UserId};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::access::Endpoint;
use crate::http::body::{Buffered, too_large};
use crate::http::name::{CallName, payload_hash};
use crate::limits::Remote;
use crate::problem::{Problem, Result};
use crate::service::{Asked, CallContext, Caller, DEADLINE_MAX, Named, Service};
use crate::watch::Stopping;
use crate::wire::id_in;

/// A body that makes one thing.
const BODY_BYTES_MAX: usize = 64 << 10;

/// A body that makes many.
const BULK_BODY_BYTES_MAX: usize = 4 << 20;

const TIMEOUT_HEADER: &str = "holdfast-timeout-ms";

/// A call as a handler sees it.
pub(crate) struct Call {
    pub(crate) context: CallContext,
    /// Who is at the other end of the connection.
    pub(crate) remote: Option<IpAddr>,
    /// Tells when the node stops.
    pub(crate) stopping: Option<Stopping>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
    body: Buffered,
}

impl FromRequest<Service> for Call {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Service) -> Result<Self> {
        let (head, body) = request.into_parts();
        // The time a caller allows begins before his body has come, so that a slow one does not last for ever.
        let timeout = timeout(&head.headers)?.unwrap_or(service.settings().deadline);
        let deadline = Instant::now() + timeout;
        let name = match head.extensions.get::<CallName>() {
            Some(name) => name.clone(),
            None => CallName::of(&head.headers)?,
        };
        let mut size = BodySize::of(&head.method, head.uri.path());
        let is_within = |size: BodySize| {
            announced_length(&head.headers).is_none_or(|length| length <= size.bytes_max() as u64)
        };
        if size == BodySize::Bulk && is_within(size) {
            // Who may not make such a call need not send us so much, and an owner opens a few slots of his own.
            let caller = service.identify(Endpoint::ManageEvents, bearer(&head.headers)?, deadline).await?;
            size = if caller.role.operates() { BodySize::Bulk } else { BodySize::One };
        }
        if !is_within(size) {
            return Err(too_large(size.bytes_max()));
        }
        let body = service.bodies().read(body, size.bytes_max(), deadline).await?;
        let id = name.request_id(payload_hash(head.method.as_str(), head.uri.path(), &body));
        let context = CallContext { id, deadline };
        let remote = head.extensions.get::<Remote>().map(|remote| remote.0);
        let stopping = head.extensions.get::<Stopping>().cloned();
        Ok(Self {
            context,
            remote,
            stopping,
            method: head.method,
            headers: head.headers,
            uri: head.uri,
            body,
        })
    }
}

/// How large the body of a call may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodySize {
    One,
    Bulk,
}

impl BodySize {
    /// Bulk calls: opening the slots of a resource.
    fn of(method: &Method, path: &str) -> Self {
        let opens_slots = path.starts_with("/v1/resources/") && path.ends_with("/slots");
        if opens_slots && method == Method::POST { Self::Bulk } else { Self::One }
    }

    fn bytes_max(self) -> usize {
        match self {
            Self::One => BODY_BYTES_MAX,
            Self::Bulk => BULK_BODY_BYTES_MAX,
        }
    }
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    token.map(Some).ok_or_else(|| {
        Problem::unauthenticated("Authorization is `Bearer` and an access token or an app's credential")
    })
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
        service.admit(endpoint, bearer(&self.headers)?, self.context.deadline).await
    }

    /// The caller as this node knows him, for calls that must be answered without a quorum.
    pub(crate) async fn caller_here(&self, service: &Service, endpoint: Endpoint) -> Result<Caller> {
        service.admit_here(endpoint, bearer(&self.headers)?, self.context.deadline).await
    }

    /// How the caller, if he may make this call, asks to read.
    pub(crate) async fn asked(&self, service: &Service, endpoint: Endpoint) -> Result<Asked> {
        let caller = self.caller(service, endpoint).await?;
        Ok(Asked { caller, consistency: self.consistency()?, deadline: self.context.deadline })
    }

    /// The caller of a seed without a log-in: by his token, or by the name he gives himself.
    pub(crate) async fn named(
        &self,
        service: &Service,
        endpoint: Endpoint,
        alias: Option<&str>,
    ) -> Result<Named> {
        let consistency = match self.method {
            Method::GET | Method::HEAD => self.consistency()?,
            _ => Consistency::Linearizable,
        };
        service.named(endpoint, self.token()?, alias, consistency, self.context.deadline).await
    }

    /// The call, where its query says whom it is about: about somebody else it is another call.
    pub(crate) fn context_about(&self, user: Option<UserId>) -> CallContext {
        let Some(user) = user else { return self.context.clone() };
        let path = format!("{}?userId={}", self.uri.path(), user.0);
        let payload_hash = payload_hash(self.method.as_str(), &path, &self.body);
        CallContext { id: RequestId { payload_hash, ..self.context.id }, ..self.context }
    }

    /// A cookie of the call.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let values = self.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value.trim_matches('"'))
    }

    /// What the caller shows of himself.
    pub(crate) fn token(&self) -> Result<Option<&str>> {
        bearer(&self.headers)
    }

    /// The body as JSON, or the default if there is none.
    pub(crate) fn json_if_any<T: DeserializeOwned + Default>(&self) -> Result<T> {
        if self.body.is_empty() { Ok(T::default()) } else { self.json() }
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

    /// All of the query, of which each name must be one of `names`.
    pub(crate) fn queries(&self, names: &[&str]) -> Result<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
        let parts = self.uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty());
        let pair = |part| {
            let (name, value) = str::split_once(part, '=').unwrap_or((part, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if !names.contains(&&*name) {
                let known = names.join(", ");
                return Err(Problem::malformed(format!("the query takes {known}, and no {name}")));
            }
            Ok((name, value))
        };
        parts.map(pair).collect()
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

    /// Whether the caller rather has a job at once than an answer later (RFC 7240).
    pub(crate) fn prefers_job(&self) -> bool {
        self.preferences().any(|(name, _)| name.eq_ignore_ascii_case("respond-async"))
    }

    /// How long the caller would wait for a job to be done (RFC 7240; `?wait=` says the same).
    pub(crate) fn preferred_wait(&self) -> Result<Option<Duration>> {
        let in_query = self.query("wait")?.map(Cow::into_owned);
        let in_header = self
            .preferences()
            .find(|(name, _)| name.eq_ignore_ascii_case("wait"))
            .map(|(_, value)| value.to_owned());
        let Some(text) = in_query.or(in_header) else { return Ok(None) };
        let seconds = text.parse().map_err(|_| Problem::malformed("wait is a number of seconds"))?;
        Ok(Some(Duration::from_secs(seconds).min(DEADLINE_MAX)))
    }

    fn preferences(&self) -> impl Iterator<Item = (&str, &str)> {
        let values = self.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        let parts = values.flat_map(|value| value.split([',', ';']));
        parts
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(name, value)| (name.trim(), value.trim().trim_matches('"')))
    }

    /// A header of the call.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as it came.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.body
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
    fn queries_are_decoded() {
        assert_eq!(decoded("a%20b+c").unwrap(), "a b c");
        assert!(decoded("%").is_err() && decoded("%zz").is_err() && decoded("%ff").is_err());
    }
}
