//! JSON web tokens, signed as Apple (ES256) and Google (RS256) want them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

/// A private key that signs tokens.
pub(super) enum SigningKey {
    Es256(Box<EcdsaKeyPair>),
    Rs256(Box<RsaKeyPair>),
}

impl SigningKey {
    /// A P-256 key in PEM.
    pub(super) fn es256(pem: &str) -> Result<Self, String> {
        let der = pkcs8(pem)?;
        let key = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            der.secret_pkcs8_der(),
            &SystemRandom::new(),
        );
        key.map(|key| Self::Es256(Box::new(key))).map_err(|error| format!("it is no key for ES256: {error}"))
    }

    /// An RSA key in PEM.
    pub(super) fn rs256(pem: &str) -> Result<Self, String> {
        let key = RsaKeyPair::from_pkcs8(pkcs8(pem)?.secret_pkcs8_der());
        key.map(|key| Self::Rs256(Box::new(key))).map_err(|error| format!("it is no key for RS256: {error}"))
    }

    /// A token that says `claims`.
    pub(super) fn token(&self, key_id: &str, claims: &Value) -> Result<String, String> {
        let header = match self {
            Self::Es256(_) => json!({"alg": "ES256", "kid": key_id}),
            Self::Rs256(_) => json!({"alg": "RS256", "kid": key_id, "typ": "JWT"}),
        };
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let signature = self.sign(signed.as_bytes()).map_err(|_| "the token could not be signed")?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, ring::error::Unspecified> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(key) => Ok(key.sign(&random, text)?.as_ref().to_vec()),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)?;
                Ok(signature)
            }
        }
    }
}

fn pkcs8(pem: &str) -> Result<PrivatePkcs8KeyDer<'static>, String> {
    PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| format!("it is no private key (PKCS #8 in PEM): {error}"))
}
