//! Codes, scans and what comes of them, described.

use serde_json::{Value, json};

use super::bookings::{changing, shown, with_status};
use super::page;
use crate::access::Endpoint;
use crate::http::v1::entrance::{
    CheckInBody, CodeBody, DecisionBody, RevokedCodeBody, UndoBody, VersionBody,
};
use crate::openapi::answers::{answer, read};
use crate::openapi::codes::{
    ALREADY_CANCELLED, ALREADY_USED, BAD_CODE, BOOKING_NOT_FOUND, CODE_REVOKED, CODE_STALE, Code, FORBIDDEN,
    HOLD_EXPIRED, INVALID, NO_SHOW, NODE_KEY_NOT_FOUND, NODE_KEY_REVOKED, NOT_CONFIRMED, NOT_USED,
    NOTHING_TO_DECIDE, SLOT_NOT_FOUND, TOO_EARLY, TOO_LATE,
};
use crate::openapi::operation::{Operation, get, post};
use crate::openapi::parameters::{id, part, query, query_id};
use crate::openapi::schemas::{Components, Shape, list, moment, number, object, of, page_of, text, word};
use crate::wire::NoShowsBody;

/// Why a booking has no code.
const OF_CODES: &[Code] = &[
    BOOKING_NOT_FOUND,
    ALREADY_CANCELLED,
    ALREADY_USED,
    HOLD_EXPIRED,
    NO_SHOW,
    NOT_CONFIRMED,
    NODE_KEY_REVOKED,
];

pub(in crate::openapi) fn operations() -> Vec<Operation> {
    let mut operations = of_bookings();
    operations.extend(of_slots_and_keys());
    operations
}

fn of_bookings() -> Vec<Operation> {
    vec![
        get("/v1/bookings/{id}/code", "Show the code of a booking")
            .about("At a URL that is signed anew and valid for some minutes; the code stays the same.")
            .by(Endpoint::ReadCode)
            .with(id("id", "The booking."))
            .reads()
            .answers(read("The code.", of::<CodeBody>, code()))
            .refuses(OF_CODES),
        post("/v1/bookings/{id}/code", "Give a booking another code")
            .about("The one before is void.")
            .by(Endpoint::ReadCode)
            .with(id("id", "The booking."))
            .keyed()
            .answers(answer(200, "The code that counts from now on.", of::<CodeBody>, code()))
            .refuses(OF_CODES),
        changing(Endpoint::CheckIn, post("/v1/bookings/{id}/check-in", "Admit a party"))
            .about("With a reason also too early, too late, or given up while nobody else has its places.")
            .body_if_any(
                of::<CheckInBody>,
                json!({"token": "HF2AIAA", "nonce": "0b9c6d1e", "place": "north gate"}),
            )
            .answers(shown(200, "The booking, used.", with_status("used")))
            .refuses(&[
                BAD_CODE,
                CODE_REVOKED,
                CODE_STALE,
                INVALID,
                NOT_CONFIRMED,
                TOO_EARLY,
                TOO_LATE,
            ]),
        post("/v1/bookings/{id}/check-in/undo", "Take an admission back")
            .about("The party is expected again, and has as long to come as one that books now.")
            .by(Endpoint::CheckIn)
            .with(id("id", "The booking."))
            .keyed()
            .versioned()
            .body(of::<UndoBody>, json!({"reason": "scanned for somebody else"}))
            .answers(shown(200, "The booking, expected again.", with_status("ready")))
            .refuses(&[BOOKING_NOT_FOUND, INVALID, NOT_USED]),
        get("/v1/bookings/{id}/history", "List what became of a booking, newest first")
            .by(Endpoint::ReadBookings)
            .with(id("id", "The booking."))
            .reads()
            .paged()
            .answers(read("A page of its versions.", page_of::<VersionBody>, page(version())))
            .refuses(&[BOOKING_NOT_FOUND]),
        get("/v1/codes/revoked", "List codes that do not count although they are signed")
            .about("For scanners without a network; in the order of the bookings, and of those whose time has not passed.")
            .by(Endpoint::CheckIn)
            .with(query("limit", "Items of a page; as many as are found at once unless given, which may be 2,000.", json!({"type": "integer", "minimum": 1, "maximum": 200})))
            .with(query_id("after", "`next` of the page before. A page may be short, or empty, and not be the last."))
            .reads()
            .answers(read("A page of codes.", page_of::<RevokedCodeBody>, page(json!({"bookingId": 7, "codeRevision": 2}))))
            .refuses(&[FORBIDDEN, INVALID]),
    ]
}

fn of_slots_and_keys() -> Vec<Operation> {
    let kid = || part("kid", "The key: NODE-GENERATION.", text(), json!("1-1"));
    vec![
        post("/v1/slots/{id}/no-shows", "Decide about no-shows that were too many to be true")
            .by(Endpoint::DecideNoShows)
            .with(id("id", "The slot."))
            .keyed()
            .body(of::<DecisionBody>, json!({"decision": "release"}))
            .answers(answer(
                200,
                "What becomes of them.",
                decided,
                json!({"slotId": 1, "noShows": {"state": "releasing"}}),
            ))
            .refuses(&[INVALID, SLOT_NOT_FOUND, NOTHING_TO_DECIDE]),
        get("/v1/keys", "List the public keys of codes (RFC 7517), with what became of them")
            .reads()
            .answers(read("A JWK set.", key_set, keys())),
        post("/v1/keys/{kid}/revoke", "Revoke a key that somebody else may have")
            .about("Whatever it has signed is void at once: codes, tokens and URLs. Rotate the node's key first.")
            .by(Endpoint::ChangeNodeKey)
            .with(kid())
            .keyed()
            .answers(answer(200, "It is revoked.", REVOKED, revoked()))
            .refuses(&[NODE_KEY_NOT_FOUND]),
    ]
}

const REVOKED: Shape = |_| {
    object(&[
        ("kid", text()),
        ("status", word(&["revoked"])),
        ("revokedAt", moment()),
        ("revokedBy", number()),
    ])
};

fn revoked() -> Value {
    json!({"kid": "1-1", "status": "revoked", "revokedAt": "2030-06-20T08:30:00Z", "revokedBy": 1})
}

fn decided(components: &mut Components) -> Value {
    object(&[("slotId", number()), ("noShows", of::<NoShowsBody>(components))])
}

fn key_set(_: &mut Components) -> Value {
    let mut key = object(&[
        ("kty", word(&["OKP"])),
        ("crv", word(&["Ed25519"])),
        ("use", word(&["sig"])),
        ("alg", word(&["EdDSA"])),
        ("kid", text()),
        ("x", text()),
        ("status", word(&["valid", "retired", "revoked"])),
    ]);
    key["properties"]["revokedAt"] = moment();
    object(&[("keys", list(key)), ("cluster", text())])
}

fn keys() -> Value {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    json!({
        "keys": [{
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "1-1", "x": x, "status": "valid",
        }],
        "cluster": "4f1d7c5230d24c3a9d705f0f2a6f3b11",
    })
}

fn code() -> Value {
    let url = "https://tickets.example.com/q/HF2AIAA.png?exp=1908354600&sig=1-1.Qk5G";
    json!({"token": "HF2AIAA", "url": url, "expiresAt": "2030-06-20T08:40:00Z"})
}

fn version() -> Value {
    json!({
        "version": 2, "kind": "changed", "revision": "1042-3", "logIndex": 1042, "at": "2030-06-20T08:30:00Z",
        "actor": 7, "reason": "wrong gate",
    })
}
