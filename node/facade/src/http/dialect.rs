//! Errors in the words of a seed: its facade renders every problem of its paths, whoever found it.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use serde_json::Value;

use crate::problem::Problem;
use crate::service::Service;

/// How a seed writes a problem.
pub(crate) type Render = fn(&Problem) -> Value;

/// These routes, with problems as this seed writes them. Status and headers stay.
pub(crate) fn with_errors(routes: Router<Service>, render: Render) -> Router<Service> {
    routes.layer(map_response(move |mut response: Response| async move {
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            *response.body_mut() = Body::from(render(&problem).to_string());
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        response
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_problem_is_rendered_and_keeps_its_status_and_headers() {
        use axum::response::IntoResponse as _;
        let problem = Problem::overloaded("too much");
        let response = problem.clone().into_response();
        assert_eq!(response.extensions().get::<Problem>(), Some(&problem));
        let mut response = response;
        let render: Render = |problem| json!({"error": problem.detail});
        let kept = response.extensions_mut().remove::<Problem>().unwrap();
        assert_eq!(render(&kept), json!({"error": "too much"}));
        assert_eq!(
            (response.status().as_u16(), &response.headers()["retry-after"]),
            (503, &HeaderValue::from(1))
        );
    }
}
