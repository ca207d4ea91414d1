//! The one variable part of a path, as every handler takes it.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::problem::{Problem, Result};
use crate::wire::id_in;

/// The text at the variable part of a path.
pub(crate) struct Segment(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Self(text)),
            Err(_) => Err(Problem::malformed("the path is not UTF-8")),
        }
    }
}

/// The id in a path: a booking whose id is no id does not exist.
pub(crate) fn path_id(text: &str, code: &'static str, what: &str) -> Result<u64> {
    id_in(text).ok_or_else(|| Problem::not_found(code, format!("{what} {text}")))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    async fn get_status(path: &str) -> (u16, Option<String>) {
        let routes = Router::new().route("/v1/bookings/{id}", get(|Segment(text): Segment| async { text }));
        let response = routes.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let content_type = response.headers().get("content-type");
        let content_type = content_type.map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), content_type)
    }

    #[tokio::test]
    async fn a_path_that_is_no_text_is_a_problem() {
        assert_eq!(get_status("/v1/bookings/%C3%A9").await.0, 200);
        let (status, content_type) = get_status("/v1/bookings/%FF").await;
        assert_eq!((status, content_type.as_deref()), (400, Some("application/problem+json")));
    }
}
