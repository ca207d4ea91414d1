//! Schemas of fields whose type says less than there is to know: which words they may be, and how they are written.

use holdfast_reservations::KINDS_MAX;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Array, ArrayBuilder, Object, OneOfBuilder, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::wire::{Id, Moment};

/// The largest number that is an id.
const ID_MAX: isize = isize::MAX;

/// One of these words.
fn one_of(words: &[&str]) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.iter().copied())).build()
}

pub(crate) fn booking_status() -> Object {
    one_of(&["queued", "held", "confirmed", "ready", "used", "no_show", "cancelled", "expired", "rejected"])
}

pub(crate) fn booking_change() -> Object {
    one_of(&[
        "queued",
        "held",
        "confirmed",
        "changed",
        "ready",
        "used",
        "no_show",
        "cancelled",
        "expired",
        "rejected",
    ])
}

pub(crate) fn no_shows() -> Object {
    one_of(&["planned", "counting", "stopped", "releasing", "released", "kept"])
}

pub(crate) fn decision() -> Object {
    one_of(&["release", "keep"])
}

pub(crate) fn payment_status() -> Object {
    one_of(&["pending", "paid", "failed", "refused"])
}

pub(crate) fn payment_event() -> Object {
    one_of(&["payment.succeeded", "payment.failed"])
}

pub(crate) fn slot_status() -> Object {
    one_of(&["open", "finished", "withdrawn"])
}

pub(crate) fn seat_status() -> Object {
    one_of(&["available", "held", "sold"])
}

pub(crate) fn pool_kind() -> Object {
    one_of(&["counter", "seats"])
}

pub(crate) fn resource_status() -> Object {
    one_of(&["offered", "withdrawn"])
}

pub(crate) fn node_role() -> Object {
    one_of(&["voter", "learner"])
}

pub(crate) fn node_wish() -> Object {
    one_of(&["voter", "learner", "removed", "replaced"])
}

pub(crate) fn job_type() -> Object {
    one_of(&["reserve", "confirm"])
}

pub(crate) fn job_status() -> Object {
    one_of(&["waiting", "completed", "failed"])
}

/// Kinds of event.
pub(crate) fn kinds() -> Array {
    some_kinds().min_items(Some(1)).build()
}

pub(crate) fn kinds_or_null() -> Array {
    some_kinds().schema_type(SchemaType::Array(vec![Type::Array, Type::Null])).build()
}

fn some_kinds() -> ArrayBuilder {
    let pattern = "^(\\*|(booking|slot)\\.(\\*|[a-z_]+))$";
    let about = "One kind like `booking.ready`, all of a noun like `booking.*`, or `*`.";
    let kind = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).description(Some(about));
    ArrayBuilder::new().items(kind).max_items(Some(KINDS_MAX))
}

pub(crate) fn webhook_reach() -> Object {
    one_of(&["everything", "bookings"])
}

pub(crate) fn webhook_status() -> Object {
    one_of(&["enabled", "disabled"])
}

pub(crate) fn delivery_end() -> Object {
    one_of(&["delivered", "gone", "dead"])
}

pub(crate) fn channel() -> Object {
    one_of(&["apns", "fcm", "email", "webhook"])
}

pub(crate) fn ride_status() -> Object {
    one_of(&["BOOKING", "USED", "CANCELED", "NO-SHOW"])
}

pub(crate) fn s1_seat_status() -> Object {
    one_of(&["AVAILABLE", "HELD", "OCCUPIED"])
}

pub(crate) fn s1_reservation_status() -> Object {
    one_of(&["PENDING", "CONFIRMED", "CANCELLED"])
}

pub(crate) fn s2_seat_status() -> Object {
    one_of(&["Available", "On hold", "Reserved"])
}

pub(crate) fn s2_job_type() -> Object {
    one_of(&["HOLD_SEAT", "RESERVE_SEAT"])
}

/// What somebody goes by: what he declares, or his id.
pub(crate) fn s2_uuid() -> Schema {
    let declared = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-?A-~]{1,64}$"));
    let id = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(ID_MAX));
    OneOfBuilder::new().item(declared).item(id).description(Some("Who calls.")).build().into()
}

pub(crate) fn s3_seat_type() -> Object {
    one_of(&["General", "Named"])
}

pub(crate) fn s3_ticket_status() -> Object {
    one_of(&["Available", "Reserved", "Booked"])
}

pub(crate) fn checked_in() -> Object {
    one_of(&["checked-in"])
}

pub(crate) fn time_of_day() -> Object {
    let pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$";
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).build()
}

/// What a job came to: a booking, or a problem in the words of the API.
pub(crate) fn job_result() -> Schema {
    let result = ObjectBuilder::new()
        .property("success", ObjectBuilder::new().schema_type(Type::Boolean))
        .property("booking", Ref::from_schema_name("Booking"))
        .property("error", Ref::from_schema_name("Problem"))
        .required("success");
    let nothing_yet = ObjectBuilder::new().schema_type(Type::Null);
    OneOfBuilder::new().item(nothing_yet).item(result).build().into()
}

impl PartialSchema for Id {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(0))
            .maximum(Some(ID_MAX));
        let digits = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]{1,19}$"));
        OneOfBuilder::new()
            .item(number)
            .item(digits)
            .description(Some("An id: a number, or its digits."))
            .into()
    }
}

impl ToSchema for Id {}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("A moment with its offset (RFC 3339)."))
            .into()
    }
}

impl ToSchema for Moment {}
