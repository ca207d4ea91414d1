//! Calls to a cluster: to one node after the other, until one knows.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use hyper::Method;
use serde_json::Value;

use crate::failure::Failure;
use crate::http::{Connection, Reply};

/// A cluster, and who calls it.
#[derive(Clone)]
pub struct Api {
    /// HOST:PORT of the nodes to try, in turn.
    pub endpoints: Vec<String>,
    /// The caller's access token, or an app's credential.
    pub token: Option<String>,
}

/// Leaves the token out, so that no log can show it.
impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

impl Api {
    /// Calls one node after the other until one has a definite answer. A call that changes something is made under one
    /// key, so trying again is safe.
    ///
    /// # Errors
    ///
    /// [`Failure::Unknown`] if it may have taken effect and no node could say; otherwise the last failure.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Reply, Failure> {
        self.call_with_key(method, path, body, &uuid::Uuid::now_v7().to_string()).await
    }

    /// The same under a key of the caller's, who may then make the call again: it takes effect once.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn call_with_key(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        key: &str,
    ) -> Result<Reply, Failure> {
        let body = body.map(|body| Bytes::from(body.to_string()));
        let key = (method != Method::GET).then_some(key);
        let mut last =
            Failure::Usage("no endpoints: give --endpoints HOST:PORT,.. or HOLDFAST_ENDPOINTS".to_owned());
        // The key, once an attempt may have taken effect. Nothing that a later node fails at makes that less so.
        let mut unsure = None;
        for endpoint in &self.endpoints {
            let mut connection = Connection::to(endpoint);
            let sent = connection.send(method.clone(), path, self.token.as_deref(), key, body.clone()).await;
            match sent {
                Ok(reply) if reply.is_definite() && (unsure.is_none() || reply.is_remembered()) => {
                    return Ok(reply);
                }
                Ok(reply) => {
                    unsure = unsure.or(key.filter(|_| matches!(reply.status, 500 | 504)));
                    last = reply.success().err().unwrap_or(last);
                }
                Err(failure) => {
                    unsure = unsure.or(key.filter(|_| !matches!(failure, Failure::Connect(_))));
                    last = failure;
                }
            }
        }
        Err(unsure.map_or(last, |key| Failure::Unknown(key.to_owned())))
    }

    /// `GET`.
    ///
    /// # Errors
    ///
    /// Also if the answer is no success.
    pub async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, None).await?.success()
    }

    /// `POST`.
    ///
    /// # Errors
    ///
    /// Also if the answer is no success.
    pub async fn post(&self, path: &str, body: Value) -> Result<Value, Failure> {
        self.call(Method::POST, path, Some(body)).await?.success()
    }

    /// Logs in; calls are made as this user from here on.
    ///
    /// # Errors
    ///
    /// If the address or the password is wrong, or no node answers.
    pub async fn log_in(&mut self, email: &str, password: &str) -> Result<(), Failure> {
        let body = serde_json::json!({"email": email, "password": password});
        let tokens = self.post("/auth/login", body).await?;
        self.token = tokens["accessToken"].as_str().map(str::to_owned);
        Ok(())
    }
}
