//! Payments of bookings, and what their providers say.

use axum::extract::State;
use holdfast_reservations::{
    BookingId, Command, RequestId, RequestKey, SettlePayment, Settlement, StartPayment,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::bodies::{money_from, reference_from};
use super::{booking_id, changed};
use crate::access::Endpoint;
use crate::http::path::Segment;
use crate::http::{Answer, Call, Reply, key_named};
use crate::openapi::words;
use crate::problem::{Problem, Result};
use crate::service::{CallContext, Service, WebhookHead};
use crate::wire::booking_body;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPayment)]
pub(crate) struct StartBody {
    /// What the provider will call it; one is made unless given.
    #[schema(min_length = 1, max_length = 255)]
    reference: Option<String>,
    /// In the smallest unit of the currency.
    #[schema(minimum = 0)]
    amount: i64,
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
}

/// What a provider sends. It may say more than we know.
#[derive(Deserialize, ToSchema)]
#[schema(as = PaymentEvent)]
pub(crate) struct SettleBody {
    #[schema(schema_with = words::payment_event)]
    r#type: String,
    data: SettleData,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = PaymentEventData)]
struct SettleData {
    #[schema(min_length = 1, max_length = 255)]
    reference: String,
    amount: Option<i64>,
    currency: Option<String>,
    reason: Option<String>,
}

pub(crate) async fn start_payment(
    State(service): State<Service>,
    Segment(id): Segment,
    call: Call,
) -> Answer {
    let caller = call.caller(&service, Endpoint::Pay).await?;
    let body: StartBody = call.json()?;
    let (booking, expected_version) = (booking_id(&id)?, call.expected_version()?);
    let price = money_from(body.amount, body.currency)?;
    let reference = match body.reference.map(reference_from).transpose()? {
        Some(reference) => Some(reference),
        // Whoever asks again waits for the same payment: it may be on its way.
        None => service.pending_reference(caller, booking, &price, &call.context).await?,
    };
    let reference = reference.unwrap_or_else(|| made_reference(booking, call.context.id));
    let start = StartPayment { booking, expected_version, reference, price };
    changed(&service, &call, caller, Command::StartPayment(start)).await
}

/// The same for every retry of a call.
fn made_reference(booking: BookingId, id: RequestId) -> String {
    let (RequestKey::Made(bytes) | RequestKey::Uuid(bytes) | RequestKey::Named(bytes)) = id.key;
    format!("hf-{}-{:032x}", booking.0, u128::from_be_bytes(bytes))
}

/// A payment provider's webhook, as Standard Webhooks describe them.
pub(crate) async fn settle(State(service): State<Service>, call: Call) -> Answer {
    let missing = |name: &str| Problem::malformed(format!("the header {name} is missing"));
    let header = |name: &'static str| call.header(name).ok_or_else(|| missing(name));
    let head = WebhookHead {
        id: header("webhook-id")?,
        timestamp: header("webhook-timestamp")?,
        signatures: header("webhook-signature")?,
    };
    service.check_webhook(head, call.bytes(), call.context.deadline).await?;
    let body: SettleBody = call.json()?;
    let settlement = settlement_from(&body)?;
    let reference = reference_from(body.data.reference)?;
    // The provider's own id is the key: it stays when the provider tells us again.
    let key = key_named("payment webhook", head.id);
    let context = CallContext { id: RequestId { key, ..call.context.id }, ..call.context };
    let settled = service.settle_payment(SettlePayment { reference, settlement }, &context).await?;
    Reply::ok(&booking_body(settled.0, &settled.1))
}

fn settlement_from(body: &SettleBody) -> Result<Settlement> {
    match body.r#type.as_str() {
        "payment.succeeded" => {
            let price = match (body.data.amount, &body.data.currency) {
                (Some(amount), Some(currency)) => Some(money_from(amount, currency.clone())?),
                (None, None) => None,
                _ => return Err(Problem::senseless("give amount and currency, or neither")),
            };
            Ok(Settlement::Paid { price })
        }
        "payment.failed" => {
            let reason = body.data.reason.clone().unwrap_or_default();
            let end = reason.floor_char_boundary(holdfast_reservations::PAYMENT_TEXT_MAX);
            Ok(Settlement::Failed { reason: reason[..end].to_owned() })
        }
        other => Err(Problem::senseless(format!("type is payment.succeeded or payment.failed, not {other}"))),
    }
}
