//! HTTP for all senders: who is trusted, how long a call may take, and how much of an answer is read.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, Url};
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

/// One call, and what its answer begins with; else why nobody knows what became of it. The body is not waited for: the
/// status says it all.
pub(super) async fn call_for_status(request: RequestBuilder) -> Result<Reply, String> {
    begin(request).await.map(|(reply, _)| reply)
}

/// One call, and as much of its answer as is needed; else why nobody knows what became of it. A body that breaks off is
/// as long as it came: it changes nothing about what the status says.
pub(super) async fn call(request: RequestBuilder) -> Result<Reply, String> {
    let (mut reply, mut response) = begin(request).await?;
    while reply.body.len() < REPLY_LENGTH_MAX {
        let Ok(Some(chunk)) = response.chunk().await else { break };
        let room = REPLY_LENGTH_MAX - reply.body.len();
        reply.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok(reply)
}

async fn begin(request: RequestBuilder) -> Result<(Reply, Response), String> {
    let response = request.send().await.map_err(words)?;
    let status = response.status().as_u16();
    let retry_after =
        response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let retry_after = retry_after.map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
    Ok((Reply { status, retry_after, body: Vec::new() }, response))
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
pub(super) mod tests {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpListener;

    use tokio::task::JoinHandle;

    use super::*;

    /// What a server does after its answer.
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Then {
        /// Closes the connection.
        Closes,
        /// Says nothing more until the caller goes.
        Stalls,
    }

    /// A server that gives one answer: where it is, and the head of what it was asked.
    pub(crate) fn answering(answer: &'static str, then: Then) -> (String, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let serving = tokio::task::spawn_blocking(move || {
            let (stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let mut stream = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head}");
            }
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            std::io::copy(&mut stream.by_ref().take(length.unwrap_or(0)), &mut std::io::sink()).unwrap();
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            if then == Then::Stalls {
                // Until the caller is gone, however that shows.
                drop(stream.read(&mut [0]));
            }
            head
        });
        (url, serving)
    }

    pub(crate) fn client_of_anybody(patience: Duration) -> Client {
        let settings = Settings { send_duration_max: patience, ..Settings::default() };
        client(&settings, Callee::AnyServer).unwrap()
    }

    #[tokio::test]
    async fn a_status_counts_also_when_the_body_breaks_off_or_stalls() {
        let client = client_of_anybody(Duration::from_secs(2));
        for then in [Then::Closes, Then::Stalls] {
            let (url, serving) =
                answering("HTTP/1.1 429 No\r\nretry-after: 7\r\ncontent-length: 100\r\n\r\nbeg", then);
            let reply = call(client.post(url)).await.unwrap();
            assert_eq!((reply.status, &reply.body[..]), (429, &b"beg"[..]));
            assert_eq!(reply.retry_after, Some(Duration::from_secs(7)));
            serving.await.unwrap();
        }
        let (url, serving) = answering("HTTP/1.1 20", Then::Closes);
        assert!(call(client.post(url)).await.is_err(), "nobody knows what it would have said");
        serving.await.unwrap();
    }

    #[test]
    fn a_service_is_called_over_tls_only() {
        assert!(service_url("notifications.fcm.url", "https://fcm.example").is_ok());
        for url in ["http://fcm.example", "fcm.example", ""] {
            let error = service_url("notifications.fcm.url", url).unwrap_err();
            assert!(error.to_string().starts_with("notifications.fcm.url: "), "{error}");
        }
    }
}
