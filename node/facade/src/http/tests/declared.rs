//! Those who only say who they are: nobody is made of a question, nor of nonsense.

use super::*;

async fn believing() -> Node {
    Node::with(FacadeSettings { trust_declared_identity: true, ..FacadeSettings::default() }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_only_asks_is_not_made() {
    let node = believing().await;
    for call in ["GET /booking/1/status", "GET /booking/1/ticket"] {
        for consistency in ["", "?consistency=stale"] {
            let call = format!("{call}{consistency}");
            assert_eq!(
                node.say(&call).with("cookie", "uid=mia").told().await.says(),
                (404, "booking_not_found")
            );
        }
    }
    let stats = node.say("GET /user/stats").with("cookie", "uid=mia").told().await;
    assert_eq!((stats.status, stats.body), (200, json!({})));
    assert_eq!(node.users(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_for_nothing_that_is_there_is_not_made() {
    let node = believing().await;
    let event = json!({"name": "Match", "totalSeats": 10});
    let event = node.say("POST /events/create").body(event).made().await;
    let path = format!("GET /seats/list/{}", event["id"].as_str().unwrap());
    let seat = node.say(&path).told().await.body["seats"][0]["id"].as_str().unwrap().to_owned();
    let users = node.users();
    for (call, id, status) in [
        ("POST /seats/hold", "1", 404),
        ("POST /seats/hold", "999999999999", 404),
        ("POST /seats/reserve", seat.as_str(), 409),
        ("POST /seats/reserve", "1", 404),
        ("POST /seats/hold/refresh", seat.as_str(), 409),
    ] {
        let told = node.say(call).body(json!({"id": id, "UUID": "mia"})).told().await;
        assert_eq!(told.status, status, "{call} {id}: {told:?}");
    }
    let booking = format!("POST /event/{}/booking", event["id"].as_str().unwrap());
    for (call, body, status) in [
        (booking.as_str(), Some(json!({"quantity": 1})), 400),
        (booking.as_str(), Some(json!({"ticket_type_id": "77", "quantity": 1})), 404),
        ("POST /event/999/booking", Some(json!({"ticket_ids": [seat]})), 404),
        ("POST /booking/1/payment", None, 404),
        ("POST /booking/1/cancel", None, 404),
        ("POST /booking/x/cancel", None, 404),
        ("POST /event", Some(json!({"name": "Concert"})), 400),
        ("POST /event/999/ticket", Some(json!({"seat_type": "General"})), 400),
    ] {
        let say = node.say(call).with("cookie", "uid=mia");
        let told = match body {
            Some(body) => say.body(body).told().await,
            None => say.told().await,
        };
        assert_eq!(told.status, status, "{call}: {told:?}");
    }
    assert_eq!(node.users(), users);

    let hold = node.say("POST /seats/hold").body(json!({"id": seat, "UUID": "mia"})).told().await;
    assert_eq!((hold.status, node.users()), (202, users + 1), "{hold:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seat_that_is_held_with_others_is_not_bought_by_itself() {
    let node = believing().await;
    let event = node.say("POST /events/create").body(json!({"name": "Match", "totalSeats": 10})).made().await;
    let event = event["id"].as_str().unwrap();
    let path = format!("GET /seats/list/{event}");
    let seats = node.say(&path).told().await.body["seats"].clone();
    let seat = |number: usize| seats[number]["id"].as_str().unwrap().to_owned();
    let path = format!("POST /event/{event}/booking");
    let body = json!({"ticket_ids": [seat(0), seat(1)]});
    assert_eq!(node.say(&path).with("cookie", "uid=mia").body(body).told().await.status, 201);
    for call in ["POST /seats/reserve", "POST /seats/hold/refresh"] {
        let told = node.say(call).body(json!({"id": seat(1), "UUID": "mia"})).told().await;
        let status = told.body["currentStatus"].as_str();
        assert_eq!((told.says(), status), ((409, "held_with_others"), Some("On hold")), "{call}");
    }

    let body = json!({"ticket_ids": [seat(2)]});
    assert_eq!(node.say(&path).with("cookie", "uid=mia").body(body).told().await.status, 201);
    let told = node.say("POST /seats/reserve").body(json!({"id": seat(2), "UUID": "mia"})).told().await;
    assert_eq!(told.status, 202, "{told:?}");
    let job = format!("GET {}", told.body["statusEndpoint"].as_str().unwrap());
    assert_eq!(node.say(&job).told().await.body["data"]["seatId"], json!(seat(2)));
}
