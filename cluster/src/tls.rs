//! TLS to the nodes: an endpoint that begins with `https://` must show a certificate that an authority has signed whom
//! this machine trusts, or the one of `--ca`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::failure::Failure;

/// The authorities of this process, from its command line.
static CA: OnceLock<PathBuf> = OnceLock::new();

/// Trusts the authorities in a file, in PEM, instead of those that this machine trusts; for the whole process, before
/// anything is connected.
///
/// # Errors
///
/// [`Failure::Usage`] if the file holds none.
pub fn trust(ca: &Path) -> Result<(), Failure> {
    roots_in(ca)?;
    drop(CA.set(ca.to_owned()));
    Ok(())
}

/// The text of that file, if there is one.
pub(crate) fn trusted_pem() -> Result<Option<String>, Failure> {
    let Some(ca) = CA.get() else { return Ok(None) };
    let unreadable = |error: std::io::Error| Failure::Usage(format!("--ca {}: {error}", ca.display()));
    std::fs::read_to_string(ca).map(Some).map_err(unreadable)
}

/// Whether an endpoint is to be secured, and its HOST:PORT.
pub(crate) fn parts(endpoint: &str) -> (bool, &str) {
    let (is_secured, rest) = match endpoint.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, endpoint.strip_prefix("http://").unwrap_or(endpoint)),
    };
    (is_secured, rest.trim_end_matches('/'))
}

/// Secures a connection to HOST:PORT.
pub(crate) async fn secure(stream: TcpStream, address: &str) -> Result<TlsStream<TcpStream>, Failure> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|error| Failure::Usage(format!("{address}: {error}")))?;
    let connected = connector()?.connect(name, stream).await;
    connected.map_err(|error| Failure::Connect(format!("{address}: {error}")))
}

fn connector() -> Result<TlsConnector, Failure> {
    static CONNECTOR: OnceLock<TlsConnector> = OnceLock::new();
    if let Some(connector) = CONNECTOR.get() {
        return Ok(connector.clone());
    }
    let roots = match CA.get() {
        Some(ca) => roots_in(ca)?,
        None => roots_of_machine(),
    };
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Failure::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(CONNECTOR.get_or_init(|| TlsConnector::from(Arc::new(config))).clone())
}

fn roots_of_machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn roots_in(ca: &Path) -> Result<RootCertStore, Failure> {
    let unusable = |problem: String| Failure::Usage(format!("--ca {}: {problem}", ca.display()));
    let certificates = CertificateDer::pem_file_iter(ca).map_err(|error| unusable(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() { Err(unusable("it holds no certificate in PEM".to_owned())) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_says_whether_it_is_secured() {
        assert_eq!(parts("https://a.example:3000/"), (true, "a.example:3000"));
        assert_eq!(parts("http://a.example:3000"), (false, "a.example:3000"));
        assert_eq!(parts("[::1]:3000"), (false, "[::1]:3000"));
    }

    #[test]
    fn a_file_without_authorities_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let failure = trust(file.path()).unwrap_err();
        assert!(failure.exit_code() == 2 && failure.to_string().contains("--ca"), "{failure}");
    }
}
