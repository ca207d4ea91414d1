//! Signing up and in, and the keys that tokens are verified with, described.

use serde_json::{Value, json};

use super::answers::{answer, read};
use super::codes::{
    BAD_CREDENTIALS, BANNED, Code, EMAIL_TAKEN, SESSION_INVALID, TOO_MANY_ATTEMPTS, UNAUTHENTICATED,
};
use super::operation::{Operation, get, post};
use super::schemas::{Components, Shape, digits, list, object, of, text, word};
use crate::access::Endpoint;
use crate::http::accounts::{LogInBody, RefreshBody, SignUpBody};

const SIGNED_UP: Shape = |_| object(&[("message", text()), ("userId", digits())]);
const PAIR: Shape = |_| object(&[("accessToken", text()), ("refreshToken", text())]);
const SAID: Shape = |_| object(&[("message", text())]);

/// How these calls refuse.
const IN_BOTH_WORDS: &str = "Problems have `statusCode`, `message` and `error` too, as those of S1.";

/// What a command comes to that the node makes in its own name.
const REFUSED: &[Code] = &[BANNED, UNAUTHENTICATED];

pub(super) fn operations() -> Vec<Operation> {
    vec![
        post("/auth/signup", "Sign up")
            .about(IN_BOTH_WORDS)
            .keyed()
            .body(
                of::<SignUpBody>,
                json!({"email": "mia@example.com", "password": "correct horse", "name": "Mia"}),
            )
            .answers(answer(
                201,
                "Signed up as a guest.",
                SIGNED_UP,
                json!({"message": "signed up", "userId": "7"}),
            ))
            .refuses(&[EMAIL_TAKEN]),
        post("/auth/login", "Log in")
            .about(IN_BOTH_WORDS)
            .keyed()
            .body(of::<LogInBody>, json!({"email": "mia@example.com", "password": "correct horse"}))
            .answers(answer(200, "A pair of tokens.", PAIR, pair()))
            .refuses(REFUSED)
            .refuses(&[BAD_CREDENTIALS, TOO_MANY_ATTEMPTS]),
        post("/auth/refresh", "Trade a refresh token for a new pair")
            .about(IN_BOTH_WORDS)
            .about("Each may be used once: one that comes a second time ends the session.")
            .keyed()
            .body(of::<RefreshBody>, json!({"refreshToken": "eyJ..."}))
            .answers(answer(200, "A pair of tokens.", PAIR, pair()))
            .refuses(REFUSED)
            .refuses(&[SESSION_INVALID]),
        post("/auth/logout", "Log out everywhere")
            .about(IN_BOTH_WORDS)
            .about("Voids all tokens of the caller.")
            .by(Endpoint::LogOut)
            .keyed()
            .answers(answer(200, "Logged out.", SAID, json!({"message": "logged out"}))),
        keys("/.well-known/jwks.json"),
    ]
}

fn keys(path: &'static str) -> Operation {
    get(path, "List the public keys of access tokens (RFC 7517)").reads().answers(read(
        "A JWK set.",
        jwk_set,
        jwk_set_example(),
    ))
}

fn jwk_set(_: &mut Components) -> Value {
    let key = object(&[
        ("kty", word(&["OKP"])),
        ("crv", word(&["Ed25519"])),
        ("use", word(&["sig"])),
        ("alg", word(&["EdDSA"])),
        ("kid", text()),
        ("x", text()),
    ]);
    object(&[("keys", list(key))])
}

fn jwk_set_example() -> Value {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "1-1", "x": x}]})
}

fn pair() -> Value {
    json!({"accessToken": "eyJ...", "refreshToken": "eyJ..."})
}
