//! A cluster of one node whose router is called directly.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use holdfast_reservations::{Command, Principal, RegisterNodeKey, RequestId, RequestKey};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::http;
use crate::metrics::Metrics;
use crate::service::{CallContext, FacadeSettings, Service};

/// Long enough for any step on a loaded machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Scene {
    router: Router,
    /// A token of a guest; some calls void the one they are made with.
    guest: Mutex<String>,
    _dir: tempfile::TempDir,
}

impl Scene {
    pub(super) async fn open() -> Self {
        let (dir, metrics) = (tempfile::tempdir().unwrap(), Metrics::default());
        let replica = holdfast_raft::alone::found(dir.path(), Arc::new(metrics.clone())).await.unwrap();
        replica.recovered(Instant::now() + PATIENCE).await.unwrap();
        let service = Service::new(replica, metrics, FacadeSettings::default());
        publish_key(&service).await;
        Self { router: http::router(service), guest: Mutex::default(), _dir: dir }
    }

    pub(super) async fn call(&self, method: Method, path: &str, token: Option<&str>) -> Response {
        self.send(method, path, token, Body::empty()).await
    }

    async fn send(&self, method: Method, path: &str, token: Option<&str>, body: Body) -> Response {
        let mut request =
            Request::builder().method(method).uri(path).header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap()
    }

    pub(super) async fn text(&self, path: &str) -> String {
        text_of(self.call(Method::GET, path, None).await).await
    }

    pub(super) async fn call_as_guest(&self, method: Method, path: &str) -> Response {
        let mut token = self.guest.lock().await;
        let response = self.call(method.clone(), path, Some(&token)).await;
        if response.status() != StatusCode::UNAUTHORIZED {
            return response;
        }
        *token = self.sign_in().await;
        self.call(method, path, Some(&token)).await
    }

    async fn sign_in(&self) -> String {
        let mia = json!({"email": "mia@example.com", "password": "correct horse", "name": "Mia"});
        let body = || Body::from(mia.to_string());
        self.send(Method::POST, "/auth/signup", None, body()).await;
        let pair = text_of(self.send(Method::POST, "/auth/login", None, body()).await).await;
        let pair: Value = serde_json::from_str(&pair).unwrap();
        pair["accessToken"].as_str().unwrap_or_else(|| panic!("{pair}")).to_owned()
    }
}

/// What the leader does when it begins: without it nobody could log in.
async fn publish_key(service: &Service) {
    let (node, own) = (service.replica().identity().node, service.replica().own_key());
    let public_key = own.signing_key.verifying_key().to_bytes();
    let register = Command::RegisterNodeKey(RegisterNodeKey { node, generation: own.generation, public_key });
    let id = RequestId { key: RequestKey::Uuid([1; 16]), payload_hash: 1 };
    let call = CallContext { id, deadline: Instant::now() + PATIENCE };
    service.submit(Principal::Internal, register, &call).await.unwrap();
}

async fn text_of(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

/// Whether the caller's role was the reason.
pub(super) async fn is_forbidden(response: Response) -> bool {
    response.status() == 403 && text_of(response).await.contains("your role does not allow this call")
}

/// A path with something at its variable parts.
pub(super) fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}
