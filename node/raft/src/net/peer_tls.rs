//! TLS between nodes. Each end shows a certificate of its own making over its Ed25519 key, and the other asks one thing
//! only: whose key that is. Names, dates and authorities mean nothing here. See docs/adr/0005.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, PeerMisbehaved,
    ServerConfig, SignatureScheme,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::oid::ObjectIdentifier;

use super::Connection;
use super::handshakes::Handshake;
use crate::own_key::{KeyInUse, OwnKey, PublicKey};

/// Only the simulator's cluster, in one thread, speaks in the clear; no setting does.
pub(crate) const IS_SECURED: bool = cfg!(not(feature = "simulation"));

/// What this protocol is called in a handshake.
const PROTOCOL: &[u8] = b"h2";

/// Ed25519 (RFC 8410).
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// What comes before the 32 bytes of a secret key in PKCS #8 (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] = [48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];

/// Says whether the key that the other end shows is the one that was looked for, or why not.
pub(crate) type Judge = Arc<dyn Fn(&PublicKey) -> Result<(), String> + Send + Sync>;

/// Secures connections with this node's key.
pub(crate) struct PeerTls {
    key: KeyInUse,
    provider: Arc<CryptoProvider>,
    /// The certificate of a key, made once: it is the same whenever it is made.
    made: Mutex<Option<(PublicKey, Arc<CertifiedKey>)>>,
}

impl PeerTls {
    pub(crate) fn new(key: KeyInUse) -> Self {
        Self { key, provider: Arc::new(rustls::crypto::ring::default_provider()), made: Mutex::default() }
    }

    /// Which of this node's keys is in use.
    pub(crate) fn generation(&self) -> u32 {
        self.key.borrow().generation
    }

    /// Secures a connection that this node has made. The other end must show a key that `judge` takes.
    pub(crate) async fn connect(&self, connection: Connection, judge: Judge) -> io::Result<Connection> {
        if !IS_SECURED {
            return Ok(connection);
        }
        let verifier = Arc::new(Verifier { judge, provider: self.provider.clone(), why: Mutex::default() });
        let config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&TLS13])
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone());
        let mut config =
            config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(self.certified()?)));
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        // The key is looked at anew on every connection.
        config.resumption = rustls::client::Resumption::disabled();
        let name = ServerName::try_from("node.holdfast.internal").map_err(io::Error::other)?;
        let (remote, connector) = (connection.remote, TlsConnector::from(Arc::new(config)));
        let stream = connector.connect(name, connection).await.map_err(|error| verifier.explain(error))?;
        let peer_key = key_shown(stream.get_ref().1.peer_certificates())?;
        Ok(Connection { peer_key: Some(peer_key), ..Connection::over(stream, remote) })
    }

    /// Secures a connection that another node has made. Any node's certificate will do for that: what its key may do is
    /// for the calls to decide, which can say why not.
    async fn accept(&self, connection: Connection) -> io::Result<Connection> {
        let judge: Judge = Arc::new(|_| Ok(()));
        let verifier = Arc::new(Verifier { judge, provider: self.provider.clone(), why: Mutex::default() });
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&TLS13])
            .map_err(io::Error::other)?
            .with_client_cert_verifier(verifier.clone())
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(self.certified()?)));
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.send_tls13_tickets = 0;
        let (remote, acceptor) = (connection.remote, TlsAcceptor::from(Arc::new(config)));
        let stream = acceptor.accept(connection).await.map_err(|error| verifier.explain(error))?;
        let peer_key = key_shown(stream.get_ref().1.peer_certificates())?;
        Ok(Connection { peer_key: Some(peer_key), ..Connection::over(stream, remote) })
    }

    /// Secures what a listener takes.
    pub(crate) fn handshake(self: &Arc<Self>) -> Handshake {
        let tls = self.clone();
        Arc::new(move |connection| {
            let tls = tls.clone();
            Box::pin(async move { tls.accept(connection).await })
        })
    }

    fn certified(&self) -> io::Result<Arc<CertifiedKey>> {
        let key = self.key.borrow().clone();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, certified)) = made.as_ref().filter(|(of, _)| *of == key.public_key()) {
            return Ok(certified.clone());
        }
        let certified = Arc::new(certify(&key, &self.provider)?);
        *made = Some((key.public_key(), certified.clone()));
        Ok(certified)
    }
}

/// A certificate that says nothing but the key.
fn certify(key: &OwnKey, provider: &CryptoProvider) -> io::Result<CertifiedKey> {
    let mut pkcs8 = PKCS8_PREFIX.to_vec();
    pkcs8.extend_from_slice(key.signing_key.as_bytes());
    let pkcs8 = PrivatePkcs8KeyDer::from(pkcs8);
    let pair = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &rcgen::PKCS_ED25519);
    let mut parameters = rcgen::CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "holdfast node");
    let certificate = parameters.self_signed(&pair.map_err(io::Error::other)?).map_err(io::Error::other)?;
    let private_key = provider.key_provider.load_private_key(pkcs8.into()).map_err(io::Error::other)?;
    Ok(CertifiedKey::new(vec![certificate.into()], private_key))
}

/// The key in a certificate of a node's making.
fn node_key(certificate: &CertificateDer<'_>) -> Result<PublicKey, String> {
    let refuse = |why: &str| Err(format!("a certificate that no node has made: {why}"));
    let Ok(certificate) = Certificate::from_der(certificate) else { return refuse("it cannot be read") };
    let certificate = certificate.tbs_certificate();
    if certificate.issuer() != certificate.subject() {
        let issuer = certificate.issuer().to_string();
        return refuse(&format!(
            "{issuer} issued it, and nodes issue their own; clients have no business here"
        ));
    }
    let key = certificate.subject_public_key_info();
    match key.subject_public_key.as_bytes().map(PublicKey::try_from) {
        Some(Ok(public_key)) if key.algorithm.oid == ED25519 => Ok(public_key),
        Some(_) | None => refuse("its key is none of Ed25519"),
    }
}

fn key_shown(certificates: Option<&[CertificateDer<'_>]>) -> io::Result<PublicKey> {
    let first = certificates.and_then(<[_]>::first);
    let first = first.ok_or_else(|| io::Error::from(io::ErrorKind::PermissionDenied))?;
    node_key(first).map_err(|why| io::Error::new(io::ErrorKind::PermissionDenied, why))
}

/// Looks at the certificate of the other end, and keeps in words what is wrong with it.
struct Verifier {
    judge: Judge,
    provider: Arc<CryptoProvider>,
    why: Mutex<Option<String>>,
}

impl Verifier {
    fn verify(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        node_key(certificate).and_then(|key| (self.judge)(&key)).map_err(|why| {
            *self.why.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
        })
    }

    fn verify_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    /// What went wrong in the words of the one who knows.
    fn explain(&self, error: io::Error) -> io::Error {
        match self.why.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(why) => io::Error::new(io::ErrorKind::PermissionDenied, why),
            None => error,
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

const NO_TLS12: Error = Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedCipherSuite);

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify(certificate).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(NO_TLS12)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.verify(certificate).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(NO_TLS12)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_signature(message, certificate, signature)
    }

    /// All there are: who comes with another kind of key is to be told what is wrong with it.
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
