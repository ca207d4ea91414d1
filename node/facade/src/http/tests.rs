//! Conversations with a node that is a cluster of its own.

mod accounts;
mod declared;
mod entrance;
mod jobs;
mod notifications;
mod owners;
mod payments;
mod seats;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use holdfast_raft::SystemClock;
use holdfast_reservations::{
    Command, CreateOperator, Principal, ReadTyped as _, RegisterNodeKey, RequestId, RequestKey, Tick, User,
    UserId,
};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::http::router;
use crate::metrics::Metrics;
use crate::service::{CallContext, FacadeSettings, Service};
use crate::watch::Bounds;

/// Long enough for any step on a loaded machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

struct Node {
    service: Service,
    calls: AtomicU64,
    _dir: tempfile::TempDir,
}

/// What somebody calls, and what he is told.
struct Say<'a> {
    node: &'a Node,
    call: &'a str,
    headers: Vec<(&'a str, String)>,
    body: Option<Value>,
}

#[derive(Debug)]
struct Told {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Node {
    async fn start() -> Self {
        Self::with(FacadeSettings::default()).await
    }

    async fn with(settings: FacadeSettings) -> Self {
        Self::within(settings, Bounds::default()).await
    }

    async fn within(settings: FacadeSettings, bounds: Bounds) -> Self {
        let (dir, metrics) = (tempfile::tempdir().unwrap(), Metrics::default());
        let replica = holdfast_raft::alone::found(dir.path(), Arc::new(metrics.clone())).await.unwrap();
        replica.recovered(Instant::now() + PATIENCE).await.unwrap();
        let service = Service::with_bounds(replica, Arc::new(SystemClock), metrics, settings, bounds);
        let node = Self { service, calls: AtomicU64::new(0), _dir: dir };
        let (id, own) = (node.service.replica().identity().node, node.service.replica().own_key());
        let public_key = own.signing_key.verifying_key().to_bytes();
        let register = RegisterNodeKey { node: id, generation: own.generation, public_key };
        node.submit(Command::RegisterNodeKey(register)).await;
        node
    }

    async fn submit(&self, command: Command) {
        let mut key = [0; 16];
        key[8..].copy_from_slice(&self.calls.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let id = RequestId { key: RequestKey::Made(key), payload_hash: 0 };
        let call = CallContext { id, deadline: Instant::now() + PATIENCE };
        self.service.submit(Principal::Internal, command, &call).await.unwrap();
    }

    async fn tick(&self) {
        self.submit(Command::Tick(Tick)).await;
    }

    /// Ticks until something has come true.
    async fn tick_until(&self, is_so: impl Fn(&Service) -> bool) {
        let patience = Instant::now() + PATIENCE;
        while !is_so(&self.service) {
            assert!(Instant::now() < patience, "it never came true");
            self.tick().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn say<'a>(&'a self, call: &'a str) -> Say<'a> {
        Say { node: self, call, headers: Vec::new(), body: None }
    }

    /// A token of somebody who signs up.
    async fn guest(&self, name: &str) -> String {
        let email = format!("{name}@example.com");
        let body = json!({"email": email, "password": "correct horse", "name": name});
        assert_eq!(self.say("POST /auth/signup").body(body.clone()).told().await.status, 201);
        self.log_in(body).await
    }

    async fn log_in(&self, body: Value) -> String {
        let told = self.say("POST /auth/login").body(body).told().await;
        told.body["accessToken"].as_str().unwrap_or_else(|| panic!("{told:?}")).to_owned()
    }

    /// A token of the operator.
    async fn operator(&self) -> String {
        self.guest("olga").await;
        let email = "olga@example.com".to_owned();
        let find = |user: UserId| {
            let row = self.service.look(|view| view.row::<User>(user)).unwrap()?;
            (row.email == email).then(|| row.password_hash.clone())
        };
        let password_hash = (1..100).find_map(|id| find(UserId(id))).unwrap();
        let name = "Olga".to_owned();
        self.submit(Command::CreateOperator(CreateOperator { email: email.clone(), name, password_hash }))
            .await;
        self.log_in(json!({"email": email, "password": "correct horse"})).await
    }

    /// An event of somebody, and a slot of it; the operator opens it.
    async fn slot(&self, owner: &str, operator: &str, pools: Value) -> (u64, u64) {
        let event = json!({"name": "Concert", "venue": "Hall"});
        let event = self.say("POST /v1/events").by(owner).body(event).made().await["id"].as_u64().unwrap();
        let slot = slot_of(pools);
        let call = format!("POST /v1/resources/{event}/slots");
        let slot = self.say(&call).by(operator).body(slot).made().await["id"].as_u64().unwrap();
        (event, slot)
    }

    fn users(&self) -> usize {
        let count = |view: &holdfast_raft::View<'_>| {
            (1..1000).take_while(|id| view.row::<User>(UserId(*id)).is_some()).count()
        };
        self.service.look(count).unwrap()
    }
}

/// A slot to be.
fn slot_of(pools: Value) -> Value {
    json!({"startTime": "2031-05-01T19:00:00Z", "endTime": "2031-05-01T22:00:00Z", "pools": pools})
}

impl Say<'_> {
    fn by(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    async fn told(self) -> Told {
        let (method, path) = self.call.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let body = self.body.map(|body| body.to_string());
        if let Some(body) = &body {
            request = request.header("content-type", "application/json").header("content-length", body.len());
        }
        let request = request.body(body.map_or_else(Body::empty, Body::from)).unwrap();
        let routes: Router = router(self.node.service.clone());
        let response = routes.oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&bytes)));
        Told { status, headers, body }
    }

    async fn made(self) -> Value {
        let call = self.call;
        let told = self.told().await;
        assert!(matches!(told.status, 200 | 201), "{call}: {told:?}");
        told.body
    }
}

impl Told {
    /// Its status and code.
    fn says(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
}
