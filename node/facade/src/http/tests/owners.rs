//! Whoever an event belongs to opens its slots.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_opens_slots_of_his_event_and_nobody_else_does() {
    let node = Node::start().await;
    let (olga, mia, tom) = (node.operator().await, node.guest("mia").await, node.guest("tom").await);
    let event = json!({"name": "Concert", "venue": "Hall"});
    let event = node.say("POST /v1/events").by(&mia).body(event).made().await["id"].as_u64().unwrap();
    let call = format!("POST /v1/resources/{event}/slots");
    let open = |who: &str| {
        let slot = slot_of(json!([{"name": "all", "capacity": 3}]));
        node.say(&call).by(who).body(slot)
    };
    let told = open(&mia).told().await;
    assert_eq!((told.status, &told.body["resourceId"]), (201, &json!(event)), "{told:?}");
    assert_eq!(open(&tom).told().await.says(), (403, "forbidden"));
    assert_eq!(node.say(&call).by(&tom).body(json!([])).told().await.says(), (403, "forbidden"));
    assert_eq!(node.say(&call).by(&mia).body(json!([])).told().await.says(), (422, "invalid"));
    let unknown = node
        .say("POST /v1/resources/999/slots")
        .by(&mia)
        .body(slot_of(json!([{"name": "a", "capacity": 1}])));
    assert_eq!(unknown.told().await.says(), (403, "forbidden"));

    // Only operators send as much as many slots take.
    let seats: Vec<String> = (0..10_000).map(|number| format!("seat-{number}")).collect();
    let many = |who: &str| node.say(&call).by(who).body(slot_of(json!([{"name": "all", "seats": seats}])));
    assert_eq!(many(&mia).told().await.says(), (413, "too_large"));
    assert_eq!(many(&olga).told().await.status, 201);
}
