//! Somebody who calls on the peer port with whatever certificate, and what is said to him.

use std::io;
use std::sync::{Arc, Mutex};

use holdfast_proto::raft::peer_client::PeerClient;
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

/// A certificate and its key.
pub struct Stranger {
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Stranger {
    /// With a certificate as nodes make them, over a key of his own.
    pub fn with_key(seed: u8) -> Self {
        Self::with_secret(&[seed; 32])
    }

    /// With the key of a data folder.
    pub fn with_secret(secret: &[u8; 32]) -> Self {
        let pair = node_key(secret);
        let certificate = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
        Self {
            certificates: vec![certificate.into()],
            key: PrivatePkcs8KeyDer::from(pair.serialize_der()).into(),
        }
    }

    /// With a certificate that an authority has issued to a client, over any kind of key.
    pub fn client(algorithm: &'static rcgen::SignatureAlgorithm) -> Self {
        let authority = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::default();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "Some Authority");
        let issuer = rcgen::Issuer::new(parameters, authority);
        let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let mut parameters = rcgen::CertificateParams::default();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "a client");
        let certificate = parameters.signed_by(&pair, &issuer).unwrap();
        Self {
            certificates: vec![certificate.into()],
            key: PrivatePkcs8KeyDer::from(pair.serialize_der()).into(),
        }
    }

    /// A client of whoever listens there.
    pub async fn connect(&self, address: &str) -> Result<PeerClient<Channel>, String> {
        let stream = self.shake_hands(address).await.map_err(|error| error.to_string())?;
        let stream = Mutex::new(Some(TokioIo::new(stream)));
        let connector = tower::service_fn(move |_| {
            let stream = stream.lock().unwrap().take();
            async move { stream.ok_or_else(|| io::Error::other("used up")) }
        });
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let channel = endpoint.connect_with_connector(connector).await;
        channel.map(PeerClient::new).map_err(|error| format!("{error:?}"))
    }

    /// Why there is no connection. With TLS 1.3 a client may learn it only when it reads.
    pub async fn refusal(&self, address: &str) -> String {
        match self.shake_hands(address).await {
            Ok(mut stream) => stream.read_to_end(&mut Vec::new()).await.unwrap_err().to_string(),
            Err(error) => error.to_string(),
        }
    }

    async fn shake_hands(&self, address: &str) -> io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody))
            .with_client_auth_cert(self.certificates.clone(), self.key.clone_key())
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from("anybody").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(address).await?).await
    }
}

fn node_key(secret: &[u8; 32]) -> rcgen::KeyPair {
    let mut pkcs8 = vec![48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];
    pkcs8.extend(secret);
    rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8), &rcgen::PKCS_ED25519)
        .unwrap()
}

/// The public half of a key whose secret is this byte, 32 times.
pub fn public_key(seed: u8) -> Vec<u8> {
    ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes().to_vec()
}

/// What nodes say of themselves with every call.
pub fn introduced<T>(message: T, cluster: &str, from: u64, to: u64) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    let values = [
        ("cluster", cluster.to_owned()),
        ("group", "0".into()),
        ("from", from.to_string()),
        ("to", to.to_string()),
    ];
    for (name, value) in values {
        let name = format!("holdfast-{name}").parse::<tonic::metadata::AsciiMetadataKey>().unwrap();
        request.metadata_mut().insert(name, value.parse().unwrap());
    }
    request
}

pub fn said<T>(answer: Result<T, Status>) -> String {
    answer
        .map_or_else(|status| format!("{:?}: {}", status.code(), status.message()), |_| "answered".to_owned())
}

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        panic!("nodes speak TLS 1.3")
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}
