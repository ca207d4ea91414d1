//! How a client is set up.

use std::time::Duration;

use tokio::sync::mpsc;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Certificate;

use crate::calls::IN_FLIGHT_MAX;
use crate::driver::Driver;
use crate::unary::Unary;
use crate::watch::Reach;
use crate::{Client, Error};

/// Until when a call is retried, unless said otherwise.
const DEADLINE: Duration = Duration::from_secs(10);

/// Where the cluster is, who calls, and how long a call may take.
#[derive(Clone)]
pub struct Builder {
    endpoints: Vec<String>,
    authority: Option<Certificate>,
    token: String,
    deadline: Duration,
}

/// Leaves the token out, so that no log can show it.
impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { endpoints, deadline, .. } = self;
        f.debug_struct("Builder")
            .field("endpoints", endpoints)
            .field("deadline", deadline)
            .finish_non_exhaustive()
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self { endpoints: Vec::new(), authority: None, token: String::new(), deadline: DEADLINE }
    }
}

impl Builder {
    /// HOST:PORT of some nodes, with `https://` before it if they speak TLS; any will do.
    #[must_use]
    pub fn endpoints<T: Into<String>>(mut self, endpoints: impl IntoIterator<Item = T>) -> Self {
        self.endpoints = endpoints.into_iter().map(Into::into).collect();
        self
    }

    /// Who has signed the certificates of the nodes, in PEM; unless said, whoever this machine trusts.
    #[must_use]
    pub fn certificate_authority(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.authority = Some(Certificate::from_pem(pem));
        self
    }

    /// What the caller shows of himself: an access token, or, for an app server, the credential that does not expire
    /// (`hfa_...`).
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = token.into();
        self
    }

    /// Until when a call is retried.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// A client that connects when it is first used. Call it within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] if there is no endpoint or the token cannot be one.
    pub fn build(self) -> Result<Client, Error> {
        if self.endpoints.is_empty() {
            return Err(Error::Setup("a client needs at least one endpoint".to_owned()));
        }
        let token = AsciiMetadataValue::try_from(format!("Bearer {}", self.token));
        let mut token = token.map_err(|_| Error::Setup("the token is not ASCII".to_owned()))?;
        token.set_sensitive(true);
        let (operations, queue) = mpsc::channel(IN_FLIGHT_MAX);
        let unary = Unary::new(&self.endpoints, self.authority.as_ref(), token.clone())?;
        let (endpoints, authority) = (self.endpoints.clone().into(), self.authority.clone());
        let reach = Reach { endpoints, authority, token: token.clone() };
        tokio::spawn(Driver::new(self.endpoints, self.authority, token, queue).run());
        Ok(Client { operations, unary, reach, deadline: self.deadline })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_token_is_shown_in_a_log() {
        let builder = Client::builder().endpoints(["127.0.0.1:1"]).token("hfa_6_1_5ecret");
        let shown = format!("{builder:?}");
        assert!(shown.contains("127.0.0.1:1") && !shown.contains("5ecret"), "{shown}");
        let shown = format!("{:?}", builder.build().unwrap());
        assert!(!shown.contains("5ecret"), "{shown}");
    }
}
