//! Why a call came to nothing, sorted by what the caller can do.

use holdfast_proto::v1 as proto;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

/// Why a call came to nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It has no effect: the cluster decided against it, for good if the refusal is a remembered one.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// It was never tried and never will be. Try again later.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Nobody knows whether it took effect. Call again with the same request id to find out.
    #[error("the outcome of request {request_id} is unknown")]
    Unknown {
        /// Under which id to ask.
        request_id: Uuid,
    },
    /// The client was set up or called wrongly.
    #[error("{0}")]
    Setup(String),
}

/// A refusal in the words of the HTTP API.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {detail}")]
#[non_exhaustive]
pub struct Refusal {
    /// The HTTP status of the same refusal.
    pub status: u32,
    /// Stable: `slot_full`, `booking_not_found`, ...
    pub code: String,
    /// For people.
    pub detail: String,
    /// What else a program can use, for instance the alternatives of a full slot.
    pub extra: serde_json::Value,
}

impl Refusal {
    /// Whether this is what the request came to, whenever it was sent first: a decision of the rules, which a retry gets
    /// again. Any other refusal (a token that expired, too many calls, ...) is about one attempt and says nothing of
    /// earlier ones.
    #[must_use]
    pub fn is_remembered(&self) -> bool {
        matches!(self.status, 404 | 409 | 412 | 422) && self.code != "key_expired"
    }
}

impl From<proto::Problem> for Refusal {
    fn from(problem: proto::Problem) -> Self {
        let extra = serde_json::from_str(&problem.extra_json).unwrap_or_default();
        Self { status: problem.status, code: problem.code, detail: problem.detail, extra }
    }
}

/// The refusal that a node put into the status of a call; `None` if the status does not come from one.
pub(crate) fn refusal_from(status: &Status) -> Option<Refusal> {
    let info = status.get_details_error_info()?;
    let http_status = match status.code() {
        Code::InvalidArgument => 422,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound => 404,
        Code::FailedPrecondition => 409,
        Code::Aborted => 412,
        Code::ResourceExhausted => 429,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::AlreadyExists
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss => 500,
    };
    let extra = info.metadata.into_iter().map(|(name, text)| {
        let value = serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text));
        (name, value)
    });
    Some(Refusal {
        status: http_status,
        code: info.reason,
        detail: status.message().to_owned(),
        extra: serde_json::Value::Object(extra.collect()),
    })
}
