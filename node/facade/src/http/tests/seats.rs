//! Long lists of seats.

use super::*;
use crate::service::LONG_LISTS_MAX;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_list_of_seats_is_whole_in_every_dialect() {
    let node =
        Node::with(FacadeSettings { trust_declared_identity: true, ..FacadeSettings::default() }).await;
    let (olga, mia) = (node.operator().await, node.guest("mia").await);
    let pools = json!([{"name": "stalls", "seatCount": 20_000}, {"name": "balcony", "seatCount": 3}]);
    let (event, slot) = node.slot(&olga, &olga, pools).await;
    let taken = json!({"slotId": slot, "seats": ["17"]});
    let taken = node.say("POST /v1/bookings").by(&mia).body(taken).made().await;
    for (call, list, label, count) in [
        (format!("GET /v1/slots/{slot}/seats"), "/seats", "label", 20_003),
        (format!("GET /v1/slots/{slot}/seats?status=sold"), "/seats", "label", 1),
        (format!("GET /performances/{slot}/seats"), "", "seatNumber", 20_003),
        (format!("GET /performances/{slot}/seats?status=AVAILABLE"), "", "seatNumber", 20_002),
        (format!("GET /seats/list/{event}"), "/seats", "seatNumber", 20_002),
        (format!("GET /ticket?ticket_type_id={}", taken["poolId"]), "", "name", 20_000),
    ] {
        let told = node.say(&call).by(&mia).told().await;
        assert_eq!(told.status, 200, "{call}");
        assert_eq!(told.headers["content-type"], "application/json", "{call}");
        assert!(told.headers.contains_key("holdfast-index"), "{call}");
        let seats = told.body.pointer(list).and_then(Value::as_array).unwrap();
        assert_eq!(seats.len(), count, "{call}");
        let first = if count == 1 { "17" } else { "1" };
        assert_eq!(seats[0][label], json!(first), "{call}");
        if call.starts_with("GET /seats/list") {
            assert_eq!(
                (&told.body["total"], &told.body["event"]["name"]),
                (&json!(count), &json!("Concert"))
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_so_many_long_lists_are_written_at_once() {
    let node = Node::start().await;
    let olga = node.operator().await;
    let (_, long) = node.slot(&olga, &olga, json!([{"name": "all", "seatCount": 5_000}])).await;
    let (_, short) = node.slot(&olga, &olga, json!([{"name": "all", "seatCount": 50}])).await;
    let list = |slot: u64| {
        let call = format!("GET /performances/{slot}/seats");
        async { node.say(&{ call }).with("holdfast-timeout-ms", "300").told().await }
    };
    let deadline = Instant::now() + PATIENCE;
    let mut places = Vec::new();
    for _ in 0..LONG_LISTS_MAX {
        places.push(node.service.place_for_long_list(deadline).await.unwrap());
    }
    assert_eq!(list(long).await.says(), (503, "overloaded"));
    assert_eq!(list(short).await.status, 200);
    drop(places.pop());
    // Each gives its place back.
    for _ in 0..3 {
        assert_eq!(list(long).await.status, 200);
    }
}
