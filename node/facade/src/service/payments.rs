//! Payments: what is to be paid, and what providers say of it. Their calls are signed as Standard Webhooks are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use holdfast_reservations::{Booking, BookingId, Command, Outcome, Principal, SettlePayment, Timestamp};
use sha2::Sha256;

use crate::problem::{Problem, Result, unexpected};
use crate::service::{CallContext, Service};

/// How far the clock of a provider may be from ours.
const TOLERANCE_SECONDS: u64 = 300;

/// What a provider signs with: the bytes behind `whsec_`.
#[derive(Clone)]
pub(crate) struct WebhookSecret(Vec<u8>);

/// What signs a provider's call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WebhookHead<'a> {
    pub(crate) id: &'a str,
    pub(crate) timestamp: &'a str,
    pub(crate) signatures: &'a str,
}

impl WebhookSecret {
    /// A secret as Standard Webhooks write it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.trim().strip_prefix("whsec_")?).ok()?;
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// Whether one of the signatures is of this content.
    fn has_signed(&self, content: &[u8], signatures: &str) -> bool {
        let mine = signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,"));
        mine.filter_map(|signature| STANDARD.decode(signature).ok()).any(|signature| {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return false };
            mac.update(content);
            mac.verify_slice(&signature).is_ok()
        })
    }
}

impl Service {
    /// Refuses a call that no provider we know has signed just now.
    pub(crate) fn check_webhook(&self, head: WebhookHead<'_>, body: &[u8]) -> Result<()> {
        let refused = |detail: &str| Problem::new(401, "bad_signature", detail);
        let secrets = self.payment_secrets();
        if secrets.is_empty() {
            return Err(refused("this cluster knows no payment provider; set payments.webhook_secrets"));
        }
        let sent_at: u64 = head.timestamp.parse().map_err(|_| refused("webhook-timestamp is no number"))?;
        let now = self.now().0 / 1000;
        if sent_at.abs_diff(now) > TOLERANCE_SECONDS {
            return Err(refused("webhook-timestamp is not of now"));
        }
        let mut content = format!("{}.{}.", head.id, head.timestamp).into_bytes();
        content.extend_from_slice(body);
        if secrets.iter().any(|secret| secret.has_signed(&content, head.signatures)) {
            Ok(())
        } else {
            Err(refused("no signature is right"))
        }
    }

    /// Notes what a provider says of a payment.
    pub(crate) async fn settle_payment(
        &self,
        settle: SettlePayment,
        call: &CallContext,
    ) -> Result<(BookingId, Booking, Timestamp)> {
        let command = Command::SettlePayment(settle);
        match self.submit(Principal::Internal, command, call).await? {
            (Outcome::Booking(id, booking), _) => Ok((id, booking, self.now())),
            (other, _) => Err(unexpected(&other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification.
    #[test]
    fn a_signature_is_the_one_of_the_specification() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let content = br#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;
        let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert!(secret.has_signed(content, right));
        assert!(secret.has_signed(content, &format!("v1a,x v1,AAAA {right}")));
        assert!(!secret.has_signed(content, "v1,AAAA"));
        assert!(!secret.has_signed(b"msg.1.{}", right));
        for wrong in ["", "whsec_", "whsec_!", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(WebhookSecret::parse(wrong).is_none(), "{wrong}");
        }
    }
}
