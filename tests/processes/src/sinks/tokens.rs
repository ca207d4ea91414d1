//! JSON web tokens as receivers verify them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{UnparsedPublicKey, VerificationAlgorithm};
use serde_json::Value;

use super::time;

/// What a token is verified with.
pub(super) struct Verifier {
    pub(super) algorithm: &'static dyn VerificationAlgorithm,
    /// As the header of a token names it.
    pub(super) name: &'static str,
    pub(super) key_id: &'static str,
    pub(super) public_key: Vec<u8>,
}

impl Verifier {
    /// The claims of a token that is signed as it must be, else what is wrong with it.
    pub(super) fn claims(&self, token: &str) -> Result<Value, String> {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else { return Err("it has not three parts".to_owned()) };
        let said = decoded(header)?;
        if said["alg"] != self.name || said["kid"] != self.key_id {
            return Err(format!("its header is {said}"));
        }
        let signed = format!("{header}.{claims}");
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|error| error.to_string())?;
        let key = UnparsedPublicKey::new(self.algorithm, &self.public_key);
        key.verify(signed.as_bytes(), &signature).map_err(|_| "the signature is wrong")?;
        let claims = decoded(claims)?;
        let age = time::now().as_second() - claims["iat"].as_i64().unwrap_or_default();
        if (-60..3600).contains(&age) { Ok(claims) } else { Err(format!("it is {age} seconds old")) }
    }
}

fn decoded(part: &str) -> Result<Value, String> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}
