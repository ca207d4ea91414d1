//! Serves the description, and Swagger UI over it, from this process alone.

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::document::DOCUMENT;
use crate::http::Segment;
use crate::problem::Problem;
use crate::service::Service;

const PAGE: &str = include_str!("../../assets/swagger-ui/page.html");
const START: &[u8] = include_bytes!("../../assets/swagger-ui/start.js");
const SCRIPT: &[u8] = include_bytes!("../../assets/swagger-ui/swagger-ui-bundle.js.gz");
const STYLE: &[u8] = include_bytes!("../../assets/swagger-ui/swagger-ui.css.gz");

/// The page loads nothing from elsewhere, and talks to nobody else. Swagger UI writes styles into its elements.
const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Parts change with the binary only, but keep their names.
const CACHE: &str = "public, max-age=3600";

/// Its paths.
pub(crate) fn routes() -> Router<Service> {
    Router::new()
        .route("/openapi.json", get(document))
        .route("/api-json", get(document))
        .route("/api", get(page))
        .route("/api/ui/{file}", get(part))
}

async fn document() -> Response {
    answer(DOCUMENT.as_bytes(), "application/json", "no-cache", &[])
}

async fn page() -> Response {
    let policy = (header::CONTENT_SECURITY_POLICY, SECURITY_POLICY);
    answer(PAGE.as_bytes(), "text/html; charset=utf-8", "no-cache", &[policy])
}

async fn part(Segment(file): Segment) -> Response {
    let compressed = (header::CONTENT_ENCODING, "gzip");
    let script = "text/javascript; charset=utf-8";
    match file.as_str() {
        "start.js" => answer(START, script, CACHE, &[]),
        "swagger-ui-bundle.js" => answer(SCRIPT, script, CACHE, &[compressed]),
        "swagger-ui.css" => answer(STYLE, "text/css; charset=utf-8", CACHE, &[compressed]),
        _ => {
            Problem::new(404, "no_such_path", format!("nothing is served at /api/ui/{file}")).into_response()
        }
    }
}

fn answer(
    body: &'static [u8],
    content_type: &'static str,
    cache: &'static str,
    more: &[(HeaderName, &'static str)],
) -> Response {
    let usual = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, cache),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let all = usual.iter().chain(more).map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
    (all.collect::<HeaderMap>(), body).into_response()
}
