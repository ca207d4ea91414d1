//! Apps: credentials that last, and act for the customers they name.

use std::time::Duration;

use holdfast_client::{Book, Client, Error};
use holdfast_processes::{Grpc, Park, Stage, beside, fresh_key};
use holdfast_proto::v1 as proto;
use hyper::Method;
use serde_json::{Value, json};

use super::{Person, ask, ask_again, operate, seen, text};

/// An app of the operator's, and its credential.
async fn create_app(stage: &Stage, node: usize) -> (u64, String) {
    let made = operate(stage, node, Method::POST, "/v1/apps", Some(json!({"name": "shop"}))).await;
    assert_eq!((made.status, &made.json["secretId"]), (201, &json!(1)), "{}", made.json);
    assert_eq!(made.json["id"], made.json["userId"]);
    (made.json["id"].as_u64().unwrap(), text(&made.json, "secret"))
}

fn client(stage: &Stage, credential: &str) -> Client {
    let client = Client::builder().endpoints(stage.addresses()).token(credential);
    client.deadline(Duration::from_secs(5)).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_books_for_a_customer_until_its_credential_is_revoked() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let slot = Park::open(&stage.operator).await.slots(&stage.operator, &[1000]).await[0];
    let (app, credential) = create_app(&stage, 1).await;
    let customer = json!({"email": "customer@example.com", "name": "A Customer"});
    let customer = ask(&stage, 2, Some(&credential), Method::POST, "/v1/users", Some(customer)).await;
    assert_eq!((customer.status, &customer.json["role"]), (201, &json!("guest")), "{}", customer.json);
    let customer = customer.json["id"].as_u64().unwrap();
    let stranger = Person::arrive(&stage).await;

    let shop = client(&stage, &credential);
    let booking = shop.book(Book::in_slot(slot.0).count(2).user(customer)).await.unwrap();
    assert_eq!((booking.user_id, booking.count), (customer, 2));
    let body = json!({"slotId": slot.0});
    let own = stranger.ask(&stage, 0, Method::POST, "/v1/bookings", Some(body)).await;
    for node in 0..3 {
        let path = format!("/v1/bookings?userId={customer}");
        let list = ask(&stage, node, Some(&credential), Method::GET, &path, None).await;
        assert_eq!(list.json["items"][0]["id"], booking.id, "{}", list.json);
        let path = format!("/v1/bookings/{}", own.json["id"]);
        let refused = ask(&stage, node, Some(&credential), Method::GET, &path, None).await;
        assert_eq!(seen(&refused), (404, "booking_not_found"), "not one that the app made");
        for path in ["/v1/users", "/v1/apps", "/v1/cluster"] {
            let refused = ask(&stage, node, Some(&credential), Method::GET, path, None).await;
            assert_eq!(seen(&refused), (403, "forbidden"), "{path}");
        }
    }

    let secrets = format!("/v1/apps/{app}/secrets");
    let rotated = operate(&stage, 2, Method::POST, &secrets, None).await;
    let (second, number) = (text(&rotated.json, "secret"), rotated.json["secretId"].as_u64().unwrap());
    assert_eq!((rotated.status, number), (201, 2));
    let cancelled = client(&stage, &second).cancel(booking.id).await.unwrap();
    assert_eq!(cancelled.id, booking.id);
    shop.book(Book::in_slot(slot.0).user(customer)).await.unwrap();

    let revoked = operate(&stage, 0, Method::DELETE, &format!("{secrets}/1"), None).await;
    assert_eq!(revoked.status, 200, "{}", revoked.json);
    expect_refused_everywhere(&stage, &credential, slot.0, customer).await;
    let refused = shop.book(Book::in_slot(slot.0).user(customer)).await.unwrap_err();
    assert!(is_refused_as(&refused, "unauthenticated"), "{refused:?}");
    client(&stage, &second).book(Book::in_slot(slot.0).user(customer)).await.unwrap();

    let deleted = operate(&stage, 1, Method::DELETE, &format!("/v1/apps/{app}"), None).await;
    assert_eq!(deleted.status, 200, "{}", deleted.json);
    expect_refused_everywhere(&stage, &second, slot.0, customer).await;
    let gone = operate(&stage, 2, Method::GET, &format!("/v1/apps/{app}"), None).await;
    assert_eq!(seen(&gone), (404, "app_not_found"));
    stage.digest().await;
}

async fn expect_refused_everywhere(stage: &Stage, credential: &str, slot: u64, customer: u64) {
    for node in 0..3 {
        for path in ["/v1/venues", "/v1/bookings"] {
            let refused = ask(stage, node, Some(credential), Method::GET, path, None).await;
            assert_eq!(seen(&refused), (401, "unauthenticated"), "{path} at node {node}");
        }
        let book = json!({"slotId": slot, "userId": customer});
        let refused = ask(stage, node, Some(credential), Method::POST, "/v1/bookings", Some(book)).await;
        assert_eq!(seen(&refused), (401, "unauthenticated"), "node {node}");
        let book = proto::BookRequest { count: Some(1), ..Default::default() };
        let bearer = format!("Bearer {credential}");
        let reply = Grpc::connect(&stage.address(node))
            .await
            .call("holdfast.v1.Reservations/Book", &[("authorization", &bearer)], &book)
            .await;
        assert_eq!(reply.status, "UNAUTHENTICATED", "{reply:?}");
    }
}

fn is_refused_as(error: &Error, code: &str) -> bool {
    matches!(error, Error::Refused(refusal) if refusal.code == code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_to_the_call_that_made_it_and_to_nobody_else() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let (key, body) = (fresh_key(), Some(json!({"name": "shop"})));
    let operator = stage.operator.token.as_deref();
    let create =
        async |node| ask_again(&stage, node, operator, Method::POST, "/v1/apps", body.clone(), &key).await;
    let made = create(0).await;
    let credential = text(&made.json, "secret");
    for node in 0..3 {
        let again = create(node).await;
        assert_eq!((again.status, &again.json["id"]), (201, &made.json["id"]));
        assert_eq!(again.json["secret"], Value::Null, "the secret itself is kept nowhere");
    }
    let listed = operate(&stage, 1, Method::GET, "/v1/apps", None).await;
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 1, "{}", listed.json);
    // Without its checksum.
    let secret = &credential.rsplit('_').next().unwrap()[..64];
    assert!(!listed.json.to_string().contains(secret));
    let byte = |position: usize| u8::from_str_radix(&secret[2 * position..2 * position + 2], 16).unwrap();
    let spellings = [secret.as_bytes().to_vec(), (0..32).map(byte).collect()];
    let name = b"shop".to_vec();
    for node in &stage.cluster.nodes {
        let stored: Vec<u8> = files_below(&node.data_dir).iter().flat_map(|file| written(file)).collect();
        let is_stored = |what: &Vec<u8>| stored.windows(what.len()).any(|window| window == what);
        assert!(is_stored(&name), "what is stored is looked at");
        assert!(!spellings.iter().any(is_stored), "the secret is in {}", node.data_dir.display());
    }
    for forged in [
        format!("{}0", &credential[..credential.len() - 1]),
        credential.replace("_1_", "_2_"),
        "hfa_".to_owned(),
        "hfa_1_1_x".to_owned(),
    ] {
        let refused = ask(&stage, 2, Some(&forged), Method::GET, "/v1/venues", None).await;
        assert!(forged == credential || seen(&refused) == (401, "unauthenticated"), "{forged}");
    }
}

fn files_below(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => files.extend(files_below(&path)),
            path => files.push(path),
        }
    }
    files
}

/// The bytes of a file without the room that was made for more.
fn written(file: &std::path::Path) -> Vec<u8> {
    let mut bytes = std::fs::read(file).unwrap_or_default();
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.truncate(end);
    bytes
}
