//! Payments that are started more than once.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_is_started_again_is_the_one_that_is_waited_for() {
    let node = Node::start().await;
    let (olga, mia) = (node.operator().await, node.guest("mia").await);
    let (_, slot) = node.slot(&olga, &olga, json!([{"name": "all", "capacity": 3}])).await;
    let held = json!({"slotId": slot, "hold": true});
    let booking = node.say("POST /v1/bookings").by(&mia).body(held).made().await["id"].as_u64().unwrap();
    let call = format!("POST /v1/bookings/{booking}/payment");
    let pay = |body: Value| node.say(&call).by(&mia).body(body).made();
    let euros = |amount: u64| json!({"amount": amount, "currency": "EUR"});
    let first = pay(euros(4200)).await;
    assert_eq!(pay(euros(4200)).await, first);
    let dearer = pay(euros(4300)).await;
    assert_ne!(dearer["payment"]["reference"], first["payment"]["reference"]);
    let named = pay(json!({"reference": "r", "amount": 4300, "currency": "EUR"})).await;
    assert_eq!(named["payment"]["reference"], "r");
    assert_eq!(pay(euros(4300)).await, named);
}
