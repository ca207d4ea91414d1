//! HTTP for all senders: who is trusted, how long a call may take, and how much of an answer is read.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};
use rustls::ClientConfig;
use rustls::crypto::ring::default_provider;

use super::guard::PublicOnly;
use super::settings::{Settings, SettingsError};

/// What is read of an answer; the rest is not waited for.
const REPLY_LENGTH_MAX: usize = 16 * 1024;

/// A connection that nobody uses for so long is closed.
const IDLE_DURATION_MAX: Duration = Duration::from_secs(60);

/// The longest wait that a receiver may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60 * 60);

/// Whom a client calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callee {
    /// A service that speaks HTTP/2 and nothing else.
    Http2Service,
    Service,
    /// Anybody in the public internet.
    PublicServer,
    /// Anybody.
    AnyServer,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// How long it asks to wait, in seconds.
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// Where a service is, which is called over TLS only.
pub(super) fn service_url(setting: &'static str, text: &str) -> Result<Url, SettingsError> {
    match Url::parse(text) {
        Ok(url) if url.scheme() == "https" => Ok(url),
        Ok(_) | Err(_) => Err(SettingsError::new(setting, "it is no URL that begins with https://")),
    }
}

/// Makes a client. It follows no redirect, uses no proxy, and repeats nothing by itself.
pub(super) fn client(settings: &Settings, callee: Callee) -> Result<Client, SettingsError> {
    let unusable = |error: String| SettingsError::new("notifications", error);
    let mut tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .with_root_certificates(settings.authorities()?)
        .with_no_client_auth();
    tls.alpn_protocols = match callee {
        Callee::Http2Service => vec![b"h2".to_vec()],
        Callee::Service | Callee::PublicServer | Callee::AnyServer => {
            vec![b"h2".to_vec(), b"http/1.1".to_vec()]
        }
    };
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(settings.send_duration_max)
        .pool_idle_timeout(IDLE_DURATION_MAX)
        .redirect(Policy::none())
        .referer(false)
        .https_only(callee != Callee::AnyServer)
        .retry(reqwest::retry::never())
        .no_proxy()
        .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")));
    let builder = match callee {
        Callee::Http2Service => builder.http2_prior_knowledge(),
        Callee::PublicServer => builder.dns_resolver(PublicOnly),
        Callee::Service | Callee::AnyServer => builder,
    };
    builder.build().map_err(|error| unusable(words(error)))
}

/// One call, and as much of its answer as is needed; else why nobody knows what became of it.
pub(super) async fn call(request: RequestBuilder) -> Result<Reply, String> {
    let mut response = request.send().await.map_err(words)?;
    let status = response.status().as_u16();
    let retry_after =
        response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let retry_after = retry_after.map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
    let mut body = Vec::new();
    while body.len() < REPLY_LENGTH_MAX {
        let Some(chunk) = response.chunk().await.map_err(words)? else { break };
        let room = REPLY_LENGTH_MAX - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok(Reply { status, retry_after, body })
}

/// Why a call failed, without the URL: that may hold a secret.
fn words(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_called_over_tls_only() {
        assert!(service_url("notifications.fcm.url", "https://fcm.example").is_ok());
        for url in ["http://fcm.example", "fcm.example", ""] {
            let error = service_url("notifications.fcm.url", url).unwrap_err();
            assert!(error.to_string().starts_with("notifications.fcm.url: "), "{error}");
        }
    }
}
