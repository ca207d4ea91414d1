//! What surrounds every call: its name, limits on its head, the headers of answers that have none of their own, and a problem
//! for paths and methods that nobody serves.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tokio::time::Instant;

use crate::http::health;
use crate::http::name::CallName;
use crate::http::reply::{INDEX_HEADER, close_after};
use crate::problem::Problem;
use crate::service::Service;

/// Longest path and query.
const URI_BYTES_MAX: usize = 8 << 10;

/// All header names and values of a call together.
const HEADER_BYTES_MAX: usize = 16 << 10;

/// Headers of a call.
const HEADERS_MAX: usize = 64;

/// Under which name a retry of this call would be recognised; every answer has it.
const REQUEST_ID_HEADER: &str = "holdfast-request-id";

/// Puts everything around the routes.
pub(crate) fn surround(routes: Router<Service>, service: Service) -> Router {
    routes
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(service.clone(), around))
        .with_state(service)
}

async fn around(State(service): State<Service>, mut request: Request, next: Next) -> Response {
    let (started_at, version) = (Instant::now(), request.version());
    let name = CallName::of(request.headers());
    let mut response = match (&name, check_head(&request).and_then(|()| count(&service, &request))) {
        (_, Err(problem)) => problem.into_response(),
        (Err(problem), Ok(())) => problem.clone().into_response(),
        (Ok(name), Ok(())) => {
            request.extensions_mut().insert(name.clone());
            next.run(request).await
        }
    };
    if response.status() == StatusCode::REQUEST_TIMEOUT {
        // The rest of the body would be taken for the next call.
        close_after(version, &mut response);
    }
    let headers = response.headers_mut();
    if !headers.contains_key(INDEX_HEADER)
        && let Some(index) = service.replica().shown()
    {
        headers.insert(INDEX_HEADER, HeaderValue::from(index));
    }
    if let Some(text) = name.ok().and_then(|name| HeaderValue::try_from(name.text).ok()) {
        headers.insert(REQUEST_ID_HEADER, text);
    }
    service.metrics().answered("http", response.status().as_u16(), started_at.elapsed());
    response
}

fn check_head(request: &Request) -> Result<(), Problem> {
    let uri_bytes = request.uri().path().len() + request.uri().query().map_or(0, str::len);
    if uri_bytes > URI_BYTES_MAX {
        let detail = format!("path and query are longer than {URI_BYTES_MAX} bytes");
        return Err(Problem::new(414, "uri_too_long", detail));
    }
    if request.headers().len() > HEADERS_MAX {
        let detail = format!("there are more than {HEADERS_MAX} headers");
        return Err(Problem::new(431, "headers_too_large", detail));
    }
    let headers = request.headers().iter();
    let header_bytes: usize = headers.map(|(name, value)| name.as_str().len() + value.len()).sum();
    if header_bytes > HEADER_BYTES_MAX {
        let detail = format!("the headers are larger than {HEADER_BYTES_MAX} bytes");
        return Err(Problem::new(431, "headers_too_large", detail));
    }
    Ok(())
}

fn count(service: &Service, request: &Request) -> Result<(), Problem> {
    if health::is_at(request.uri().path()) {
        return Ok(());
    }
    service.limits().count_address(request.extensions().get())
}

async fn no_such_path(uri: Uri) -> Problem {
    Problem::new(404, "no_such_path", format!("nothing is served at {}", uri.path()))
}

async fn no_such_method(method: Method, uri: Uri) -> Problem {
    Problem::new(405, "no_such_method", format!("{} does not take {method}", uri.path()))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn check(path: &str, headers: usize, value: &str) -> Result<(), (u16, &'static str)> {
        let mut request = Request::get(path);
        for number in 0..headers {
            request = request.header(format!("x-{number}"), value);
        }
        let checked = check_head(&request.body(Body::empty()).unwrap());
        checked.map_err(|problem| (problem.status, problem.code))
    }

    #[test]
    fn a_head_is_of_a_usual_size() {
        assert_eq!(check("/v1/bookings", HEADERS_MAX, "x"), Ok(()));
        assert_eq!(check("/v1/bookings", HEADERS_MAX + 1, "x"), Err((431, "headers_too_large")));
        assert_eq!(check("/v1/bookings", 1, &"x".repeat(HEADER_BYTES_MAX)), Err((431, "headers_too_large")));
        assert_eq!(check(&format!("/{}", "x".repeat(URI_BYTES_MAX - 1)), 1, "x"), Ok(()));
        assert_eq!(check(&format!("/{}", "x".repeat(URI_BYTES_MAX)), 1, "x"), Err((414, "uri_too_long")));
    }
}
