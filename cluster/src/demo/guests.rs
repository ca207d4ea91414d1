//! Guests with a phone: they sign up, log in, and ask again until they know.

use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::{Value, json};

use crate::api::Api;
use crate::failure::Failure;
use crate::http::Reply;

pub(super) const PASSWORD: &str = "down-by-the-lake";

/// Without a definite answer by then, something is wrong with the cluster.
const PATIENCE_DURATION: Duration = Duration::from_secs(30);

/// Between two attempts.
const PAUSE_DURATION: Duration = Duration::from_millis(50);

/// Somebody who books.
#[derive(Clone)]
pub(super) struct Guest {
    pub(super) email: String,
    api: Api,
}

impl Guest {
    /// Signs a guest up and in.
    pub(super) async fn arrive(endpoints: &[String], name: &str) -> Result<Self, Failure> {
        let email = format!("{}-{:06x}@guests.local", name.to_lowercase(), rand::random::<u32>() >> 8);
        let mut api = Api { endpoints: endpoints.to_vec(), token: None };
        api.post("/auth/signup", json!({"email": email, "password": PASSWORD, "name": name})).await?;
        api.log_in(&email, PASSWORD).await?;
        Ok(Self { email, api })
    }

    /// Asks a node first; the others when it does not answer.
    pub(super) fn at(&self, node: usize) -> Self {
        let mut guest = self.clone();
        let count = guest.api.endpoints.len();
        guest.api.endpoints.rotate_left(node % count);
        guest
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.api.get(path).await
    }

    /// Sends a call until there is a definite answer, always under one key: it takes effect once.
    pub(super) async fn insist(
        &self,
        method: Method,
        path: &str,
        body: Value,
        key: &str,
    ) -> Result<Reply, Failure> {
        let started_at = Instant::now();
        loop {
            let asked = self.api.call_with_key(method.clone(), path, Some(body.clone()), key).await;
            match asked {
                Ok(reply) if reply.status < 500 => return Ok(reply),
                Ok(reply) if started_at.elapsed() > PATIENCE_DURATION => {
                    return Err(Failure::Unhealthy(format!("{path} still answers {}", reply.status)));
                }
                Err(failure) if started_at.elapsed() > PATIENCE_DURATION => return Err(failure),
                Ok(_) | Err(_) => tokio::time::sleep(PAUSE_DURATION).await,
            }
        }
    }
}

/// A key that no other call has.
pub(super) fn fresh_key() -> String {
    uuid::Uuid::now_v7().to_string()
}
