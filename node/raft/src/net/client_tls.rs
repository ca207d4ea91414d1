//! TLS for clients and operators' tools: a certificate and its key from files, looked at again and again, so that a new
//! pair is shown to whoever connects next and no connection ends.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use tokio_rustls::TlsAcceptor;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::begun::refuse_http;
use super::handshakes::{Handshake, Handshakes};
use super::{Connection, Listener};

/// What clients may speak, the first they know (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Files that are larger are none of these.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where a certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain in PEM, the certificate of this node first.
    pub cert: PathBuf,
    /// Its private key in PEM.
    pub key: PathBuf,
}

/// What is wrong with the files.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {problem}", path = path.display())]
pub struct CertificateError {
    path: PathBuf,
    problem: String,
}

/// What came of looking at the files again.
#[derive(Debug)]
pub enum Reloaded {
    /// They are as they were.
    Unchanged,
    /// There is a new certificate; it expires then, in seconds since 1970.
    Renewed(u64),
    /// They are new, and of no use; what was in use stays in use.
    Refused(CertificateError),
}

/// Secures connections with a certificate from files.
pub struct ClientTls {
    files: CertificateFiles,
    config: Arc<ServerConfig>,
    shown: Arc<Shown>,
    /// The contents of the files that were last tried.
    tried: Mutex<Contents>,
}

type Contents = (Vec<u8>, Vec<u8>);

/// The certificate that is shown, and when it expires.
struct Shown(RwLock<(Arc<CertifiedKey>, u64)>);

impl ClientTls {
    /// With what is in the files now.
    ///
    /// # Errors
    ///
    /// Says what is wrong with which file.
    pub fn load(files: CertificateFiles) -> Result<Self, CertificateError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tried = read(&files)?;
        let shown = Arc::new(Shown(RwLock::new(parse(&files, &tried, &provider)?)));
        let unusable = |error: rustls::Error| wrong(&files.cert, error.to_string());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(unusable)?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Self { files, config: Arc::new(config), shown, tried: Mutex::new(tried) })
    }

    /// Looks at the files again.
    pub fn reload(&self) -> Reloaded {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let contents = match read(&self.files) {
            Ok(contents) if contents == *tried => return Reloaded::Unchanged,
            Ok(contents) => contents,
            // Said once, not at every look.
            Err(_) if tried.0.is_empty() => return Reloaded::Unchanged,
            Err(error) => {
                *tried = Contents::default();
                return Reloaded::Refused(error);
            }
        };
        let parsed = parse(&self.files, &contents, self.config.crypto_provider());
        *tried = contents;
        match parsed {
            Ok((certificate, expires_at)) => {
                *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = (certificate, expires_at);
                Reloaded::Renewed(expires_at)
            }
            Err(error) => Reloaded::Refused(error),
        }
    }

    /// When the certificate that is shown expires, in seconds since 1970.
    #[must_use]
    pub fn expires_at(&self) -> u64 {
        self.shown.0.read().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Secures what a listener takes; `what` is what its port is called.
    #[must_use]
    pub fn secure(&self, listener: Box<dyn Listener>, what: &'static str) -> Box<dyn Listener> {
        let acceptor = TlsAcceptor::from(self.config.clone());
        let handshake: Handshake = Arc::new(move |mut connection| {
            let acceptor = acceptor.clone();
            Box::pin(async move {
                let remote = connection.remote;
                refuse_http(&mut connection).await?;
                Ok(Connection::over(acceptor.accept(connection).await?, remote))
            })
        });
        Box::new(Handshakes::start(listener, what, handshake))
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).0.clone())
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

fn read(files: &CertificateFiles) -> Result<Contents, CertificateError> {
    check_owner(&files.key)?;
    Ok((read_file(&files.cert)?, read_file(&files.key)?))
}

fn read_file(path: &Path) -> Result<Vec<u8>, CertificateError> {
    let unreadable = |error: io::Error| wrong(path, error.to_string());
    if fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(wrong(path, format!("it is larger than {FILE_BYTES_MAX} bytes")));
    }
    fs::read(path).map_err(unreadable)
}

/// Nobody but its owner may read a private key; if that is root, its group may too, as packages install them.
fn check_owner(path: &Path) -> Result<(), CertificateError> {
    let metadata = fs::metadata(path).map_err(|error| wrong(path, error.to_string()))?;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    match metadata.mode() & forbidden {
        0 => Ok(()),
        _ => {
            let mode = metadata.mode() & 0o777;
            let problem =
                format!("others on this machine may read this private key (mode {mode:03o}): chmod 600");
            Err(wrong(path, problem))
        }
    }
}

fn parse(
    files: &CertificateFiles,
    (cert, key): &Contents,
    provider: &CryptoProvider,
) -> Result<(Arc<CertifiedKey>, u64), CertificateError> {
    let unusable =
        |error: &dyn fmt::Display| wrong(&files.cert, format!("it holds no certificate in PEM: {error}"));
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(cert).collect::<Result<_, _>>().map_err(|error| unusable(&error))?;
    let first = chain.first().ok_or_else(|| unusable(&"it is empty"))?;
    let first = Certificate::from_der(first).map_err(|error| unusable(&error))?;
    let expires_at = first.tbs_certificate().validity().not_after.to_unix_duration().as_secs();
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| wrong(&files.key, format!("it holds no private key in PEM: {error}")))?;
    let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| {
        if matches!(error, rustls::Error::InconsistentKeys(_)) {
            let cert = files.cert.display();
            return wrong(&files.key, format!("it is not the key of the certificate in {cert}"));
        }
        wrong(&files.key, error.to_string())
    })?;
    Ok((Arc::new(certified), expires_at))
}

fn wrong(path: &Path, problem: String) -> CertificateError {
    CertificateError { path: path.to_owned(), problem }
}
