//! A text that is never printed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A key, a password or a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// As webhooks write theirs: `whsec_` and base64.
    pub(crate) fn of_bytes(bytes: &[u8; 32]) -> Self {
        Self(format!("whsec_{}", STANDARD.encode(bytes)))
    }

    /// The text itself, for whoever signs or shows it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::from("whsec_abc".to_owned())), "Secret(..)");
    }
}
