//! Payments: what is to be paid, and what providers say of it. Their calls are signed as Standard Webhooks are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use holdfast_raft::{Consistency, View};
use holdfast_reservations::{
    Booking, BookingId, Command, Money, Outcome, PaymentState, Principal, ReadTyped as _, SettlePayment,
    Timestamp,
};
use sha2::Sha256;
use tokio::time::Instant;

use crate::problem::{Problem, Result, unexpected};
use crate::service::{Asked, CallContext, Caller, Service};

/// How far the clock of a provider may be from ours.
const TOLERANCE_SECONDS: u64 = 300;

/// Signatures of one call that are looked at: a provider that changes its secret sends two.
const SIGNATURES_MAX: usize = 16;

/// A signature of the only kind we know.
type Signature = [u8; 32];

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

    /// Whether one of the signatures is of this content, which is looked at once.
    fn has_signed(&self, content: &[u8], signatures: &[Signature]) -> bool {
        if signatures.is_empty() {
            return false;
        }
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return false };
        mac.update(content);
        signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    }
}

/// The signatures in a header that could be right: the first of our kind. Nobody who sends more makes us look at them.
fn signatures_in(header: &str) -> Vec<Signature> {
    let mine = header.split(' ').filter_map(|signature| signature.strip_prefix("v1,"));
    let mine = mine.take(SIGNATURES_MAX).filter_map(|signature| STANDARD.decode(signature).ok());
    mine.filter_map(|signature| signature.try_into().ok()).collect()
}

impl Service {
    /// Refuses a call that no provider we know has signed just now.
    pub(crate) async fn check_webhook(
        &self,
        head: WebhookHead<'_>,
        body: &[u8],
        deadline: Instant,
    ) -> Result<()> {
        let refused = |detail: &str| Problem::new(401, "bad_signature", detail);
        let secrets = self.payment_secrets();
        if secrets.is_empty() {
            return Err(refused("this cluster knows no payment provider; set payments.webhook_secrets"));
        }
        let sent_at: u64 = head.timestamp.parse().map_err(|_| refused("webhook-timestamp is no number"))?;
        let mut content = format!("{}.{}.", head.id, head.timestamp).into_bytes();
        content.extend_from_slice(body);
        let signatures = signatures_in(head.signatures);
        if !secrets.iter().any(|secret| secret.has_signed(&content, &signatures)) {
            return Err(refused("no signature is right"));
        }
        // A node that has just started may not know the time.
        self.replica().recovered(deadline).await?;
        let now = self.now().0 / 1000;
        if sent_at.abs_diff(now) > TOLERANCE_SECONDS {
            return Err(refused("webhook-timestamp is not of now"));
        }
        Ok(())
    }

    /// What the payment of a booking is called that is waited for already, if it is of this price.
    pub(crate) async fn pending_reference(
        &self,
        caller: Caller,
        id: BookingId,
        price: &Money,
        call: &CallContext,
    ) -> Result<Option<String>> {
        let asked = Asked { caller, consistency: Consistency::Linearizable, deadline: call.deadline };
        let with = |view: &View<'_>, caller: Caller| {
            let booking = view.row::<Booking>(id);
            let own = booking.filter(|booking| booking.is_managed_by(caller.user, caller.role));
            let payment = own.and_then(|booking| booking.payment.clone());
            let pending = payment.filter(|payment| payment.state == PaymentState::Pending);
            Ok(pending
                .filter(|payment| payment.price.as_ref() == Some(price))
                .map(|payment| payment.reference))
        };
        Ok(self.read_as(asked, with).await?.value)
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
        let has_signed = |content: &[u8], header: &str| secret.has_signed(content, &signatures_in(header));
        assert!(has_signed(content, right));
        assert!(has_signed(content, &format!("v1a,x v1,AAAA {right}")));
        assert!(!has_signed(content, "v1,AAAA"));
        assert!(!has_signed(b"msg.1.{}", right));
        for wrong in ["", "whsec_", "whsec_!", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(WebhookSecret::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn only_so_many_signatures_are_looked_at_and_none_of_another_length() {
        let signature = |length: usize| format!("v1,{}", STANDARD.encode(vec![7; length]));
        let many = |text: &str, count: usize| vec![text.to_owned(); count].join(" ");
        assert_eq!(signatures_in(&many(&signature(32), 4_000)).len(), SIGNATURES_MAX);
        assert_eq!(signatures_in(&many("v2,AAAA", 100)).len(), 0);
        for length in [0, 31, 33, 64] {
            assert_eq!(signatures_in(&signature(length)).len(), 0, "{length}");
        }
        let behind = format!("{} {}", many("v1,", SIGNATURES_MAX), signature(32));
        assert_eq!(signatures_in(&behind).len(), 0, "what is empty counts too");
    }
}
