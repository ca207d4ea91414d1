//! `/v1/users`, described.

use serde_json::{Value, json};

use super::page;
use crate::access::Endpoint;
use crate::http::v1::users::{BanBody, CreateBody, PasswordBody, RoleBody, UserBody};
use crate::openapi::answers::{answer, read};
use crate::openapi::codes::{
    BAD_CREDENTIALS, EMAIL_TAKEN, FORBIDDEN, INVALID, LAST_OPERATOR, NO_PASSWORD, TOO_MANY_ATTEMPTS,
    USER_IS_APP, USER_NOT_FOUND,
};
use crate::openapi::operation::{Operation, delete, get, post, put};
use crate::openapi::parameters::{id, part, query};
use crate::openapi::schemas::{of, page_of, text};

pub(in crate::openapi) fn operations() -> Vec<Operation> {
    vec![
        post("/v1/users", "Add a user")
            .about("Apps add guests only.")
            .by(Endpoint::CreateUser)
            .keyed()
            .body(of::<CreateBody>, asked())
            .answers(answer(201, "The user.", of::<UserBody>, user()))
            .refuses(&[INVALID, EMAIL_TAKEN]),
        get("/v1/users", "List users, newest first")
            .by(Endpoint::ListUsers)
            .with(query("email", "Only the one with this address.", text()))
            .reads()
            .paged()
            .answers(read("A page of users.", page_of::<UserBody>, page(user()))),
        get("/v1/users/{id}", "Show a user")
            .about("Oneself; anybody for operators.")
            .by(Endpoint::ReadUser)
            .with(part(
                "id",
                "The user; `me` for oneself.",
                json!({"type": "string", "pattern": "^(me|[0-9]{1,19})$"}),
                json!("me"),
            ))
            .reads()
            .answers(read("The user.", of::<UserBody>, user()))
            .refuses(&[USER_NOT_FOUND]),
        changing(Endpoint::ChangeRole, put("/v1/users/{id}/role", "Give a user another role"))
            .about("Voids his tokens.")
            .body(of::<RoleBody>, json!({"role": "staff"}))
            .refuses(&[LAST_OPERATOR, NO_PASSWORD]),
        changing(Endpoint::SetPassword, put("/v1/users/{id}/password", "Change a password"))
            .about("One's own with the old one; anybody's for operators. Voids the user's tokens.")
            .body(of::<PasswordBody>, json!({"password": "correct horse", "oldPassword": "battery staple"}))
            .refuses(&[INVALID, BAD_CREDENTIALS, TOO_MANY_ATTEMPTS]),
        changing(Endpoint::BanUser, put("/v1/users/{id}/ban", "Keep a user from acting"))
            .body_if_any(of::<BanBody>, json!({"reason": "resold tickets"}))
            .refuses(&[INVALID, LAST_OPERATOR]),
        changing(Endpoint::BanUser, delete("/v1/users/{id}/ban", "Let a banned user log in again")),
    ]
}

/// What all calls have in common that change a user.
fn changing(endpoint: Endpoint, operation: Operation) -> Operation {
    operation
        .by(endpoint)
        .with(id("id", "The user."))
        .keyed()
        .answers(answer(200, "The user as he is now.", of::<UserBody>, user()))
        .refuses(&[FORBIDDEN, USER_NOT_FOUND, USER_IS_APP])
}

fn asked() -> Value {
    json!({"email": "mia@example.com", "name": "Mia", "password": "correct horse", "role": "guest"})
}

fn user() -> Value {
    json!({
        "id": 7, "email": "mia@example.com", "name": "Mia", "role": "guest", "createdAt": "2030-06-01T12:00:00Z",
        "banned": null,
    })
}
