//! What scanners fetch before they do without a network.

use ed25519_dalek::SigningKey;
use holdfast_codes::{Code, KeyId, decode};
use holdfast_reservations::{
    AdoptEdition, BookingId, Edition, IssueCode, NodeKeyId, RegisterNodeKey, RetireNodeKeys, Timestamp,
};

use super::*;
use crate::codes::{Format, ImageUrl};

/// Nobody waits for long for a quorum that there is not.
const BRIEFLY: (&str, &str) = ("holdfast-timeout-ms", "300");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_current_or_not_told_unless_stale_ones_will_do() {
    let node = Node::start().await;
    node.service.replica().shut_down().await;
    for path in ["/v1/keys", "/.well-known/jwks.json"] {
        let told = node.say(&format!("GET {path}")).with(BRIEFLY.0, BRIEFLY.1).told().await;
        assert_eq!(told.says(), (503, "no_quorum"), "{path}");
        let told = node.say(&format!("GET {path}?consistency=stale")).told().await;
        assert_eq!(told.status, 200, "{told:?}");
        assert!(told.headers.contains_key("holdfast-age-ms"), "{told:?}");
        assert_eq!(told.body["keys"].as_array().unwrap().len(), 1, "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn void_codes_are_listed_in_pages_of_any_size() {
    let node = Node::start().await;
    node.submit(Command::AdoptEdition(AdoptEdition { edition: Edition::LATEST })).await;
    let (olga, mia) = (node.operator().await, node.guest("mia").await);
    let (_, slot) = node.slot(&mia, &olga, json!([{"name": "all", "capacity": 9}])).await;
    let mut void = Vec::new();
    for _ in 0..3 {
        let booked = node.say("POST /v1/bookings").by(&mia).body(json!({"slotId": slot})).made().await;
        let call = format!("POST /v1/bookings/{}/code", booked["id"]);
        for _ in 0..2 {
            node.say(&call).by(&mia).made().await;
        }
        void.push(json!({"bookingId": booked["id"], "codeRevision": 2}));
    }
    let page = async |query: &str| {
        let told = node.say(&format!("GET /v1/codes/revoked{query}")).by(&olga).made().await;
        (told["items"].as_array().unwrap().clone(), told["next"].clone())
    };
    assert_eq!(page("").await, (void.clone(), json!(null)));
    let (first, next) = page("?limit=2").await;
    assert_eq!((&first[..], &next), (&void[..2], &void[1]["bookingId"]));
    assert_eq!(page(&format!("?limit=2&after={next}")).await, (void[2..].to_vec(), json!(null)));
    assert_eq!(page("?limit=3").await, (void.clone(), json!(null)));
    for (query, refused) in [("limit=0", (422, "invalid")), ("limit=x", (400, "malformed"))] {
        let told = node.say(&format!("GET /v1/codes/revoked?{query}")).by(&olga).told().await;
        assert_eq!(told.says(), refused, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_link_of_a_reminder_leads_to_the_code_that_counts_though_its_key_is_retired() {
    const PUBLIC: &str = "https://tickets.example.com";
    let public_url = Some(format!("{PUBLIC}/"));
    let node = Node::with(FacadeSettings { public_url, ..FacadeSettings::default() }).await;
    node.submit(Command::AdoptEdition(AdoptEdition { edition: Edition::LATEST })).await;
    let (olga, mia) = (node.operator().await, node.guest("mia").await);
    let (_, slot) = node.slot(&mia, &olga, json!([{"name": "all", "capacity": 9}])).await;
    let booked = node.say("POST /v1/bookings").by(&mia).body(json!({"slotId": slot})).made().await;
    let booking = booked["id"].as_u64().unwrap();
    let deadline = Instant::now() + PATIENCE;
    let link = node.service.code_link(booking, deadline).await.unwrap();
    let path = link.strip_prefix(&format!("{PUBLIC}/q/")).unwrap();
    let (token, query) = path.split_once(".png?exp=").unwrap();
    let (expires, signature) = query.split_once("&sig=").unwrap();
    let expires = expires.parse().unwrap();
    let drawn = async |token: &str| {
        let url = ImageUrl { token, expires, signature };
        node.service.image(&url, Format::Svg, deadline).await.err().map(|problem| problem.code)
    };
    assert_eq!(drawn(token).await, None);

    let (id, own) = (node.service.replica().identity().node, node.service.replica().own_key());
    // Another key of the node, and a code that it has signed.
    let (next, other) =
        (NodeKeyId { node: id, generation: own.generation + 1 }, SigningKey::from_bytes(&[9; 32]));
    let public_key = other.verifying_key().to_bytes();
    let (node_id, generation) = (next.node, next.generation);
    node.submit(Command::RegisterNodeKey(RegisterNodeKey { node: node_id, generation, public_key })).await;
    let booked = node.say("POST /v1/bookings").by(&mia).body(json!({"slotId": slot})).made().await;
    let by_other = BookingId(booked["id"].as_u64().unwrap());
    node.submit(Command::IssueCode(IssueCode { booking: by_other, signer: next, is_reissue: false })).await;

    let stolen = node.service.codes().signer().unwrap();
    node.submit(Command::RetireNodeKeys(RetireNodeKeys { keys: vec![(id, own.generation)] })).await;
    assert_eq!(drawn(token).await, None);

    // Whoever has the retired key can sign any link.
    let genuine = *decode(token).unwrap().claims();
    let of_other =
        Code { key: KeyId { node: id, generation: next.generation }, booking: by_other.0, ..genuine };
    let signed_by_thief = async |token: &str| {
        let path = node.service.codes().path_until(&stolen, token, Timestamp(expires * 1000));
        let (token, query) = path.strip_prefix("/q/").unwrap().split_once(".png?exp=").unwrap();
        let (_, signature) = query.split_once("&sig=").unwrap();
        let url = ImageUrl { token, expires, signature };
        node.service.image(&url, Format::Svg, deadline).await.err().map(|problem| problem.code)
    };
    assert_eq!(signed_by_thief(token).await, None, "it counts");
    for (refused, why) in [
        ("HF2AIAA".to_owned(), "it is no code"),
        (genuine.sign(&other), "it names a key that has not signed it"),
        (of_other.sign(&other), "it is of another key"),
        (Code { key: genuine.key, ..of_other }.sign(&own.signing_key), "that key has signed no code of it"),
    ] {
        assert_eq!(signed_by_thief(&refused).await, Some("bad_signature"), "{why}");
    }
    let signer = NodeKeyId { node: id, generation: own.generation };
    let another = IssueCode { booking: BookingId(booking), signer, is_reissue: true };
    node.submit(Command::IssueCode(another)).await;
    assert_eq!(drawn(token).await, Some("bad_signature"), "it counts no more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reminders_have_no_link_unless_it_is_known_where_guests_find_the_cluster() {
    let node = Node::start().await;
    node.submit(Command::AdoptEdition(AdoptEdition { edition: Edition::LATEST })).await;
    let (olga, mia) = (node.operator().await, node.guest("mia").await);
    let (_, slot) = node.slot(&mia, &olga, json!([{"name": "all", "capacity": 9}])).await;
    let booked = node.say("POST /v1/bookings").by(&mia).body(json!({"slotId": slot})).made().await;
    let link = node.service.code_link(booked["id"].as_u64().unwrap(), Instant::now() + PATIENCE).await;
    assert_eq!(link, None);
}
