//! Keys of retries that are used for something else.

use holdfast_cluster::Reply;
use holdfast_processes::{beside, fresh_key};

use super::scene::{CAPACITY, Scene, verdict};

impl Scene {
    async fn keyed(&self, key: &str, method: &str, path: &str, body: &str) -> Reply {
        let bearer = self.bearer();
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        self.call(method, path, &headers, body.to_owned()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_good_for_one_call() {
    let _machine = beside().await;
    let mut scene = Scene::open(3).await;
    let one = format!("{{\"slotId\":{}}}", scene.slot.0);
    let two = format!("{{\"slotId\":{},\"count\":2}}", scene.slot.0);
    let [uuid, named] = [fresh_key(), "order-17".to_owned()];
    for key in [&uuid, &named] {
        let first = scene.keyed(key, "POST", "/v1/bookings", &one).await;
        assert_eq!(first.status, 201, "{}", first.json);
        let seen = scene.visible().await;
        let mine = format!("/v1/bookings/{}", first.json["id"]);
        let others = [
            ("POST", "/v1/bookings".to_owned(), two.as_str()),
            ("POST", "/v1/bookings".to_owned(), &one.replace(':', ": ")),
            ("POST", format!("{mine}/cancel"), ""),
            ("PATCH", mine.clone(), "{\"count\":2}"),
            ("DELETE", mine.replace("/v1/bookings", "/rides/book"), ""),
        ];
        for (method, path, body) in others {
            let reply = scene.keyed(key, method, &path, body).await;
            assert_eq!(verdict(&reply), "422 key_reused", "{method} {path} {body}");
        }
        let again = scene.keyed(key, "POST", "/v1/bookings", &one).await;
        assert_eq!((again.status, again.json), (first.status, first.json), "a retry gets the first answer");
        scene.expect_unharmed(&seen).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_remembered_and_what_was_malformed_is_not() {
    let _machine = beside().await;
    let mut scene = Scene::open(3).await;
    let all = format!("{{\"slotId\":{},\"count\":{CAPACITY}}}", scene.slot.0);
    let (refused, malformed) = (fresh_key(), fresh_key());
    let first = scene.keyed(&refused, "POST", "/v1/bookings", &all).await;
    assert_eq!(verdict(&first), "409 slot_full");
    assert_eq!(verdict(&scene.keyed(&malformed, "POST", "/v1/bookings", "{").await), "400 malformed");

    for booking in ["$mine", "$theirs"] {
        let path = format!("/v1/bookings/{}/cancel", scene.word(booking));
        scene.stage.operator.call(hyper::Method::POST, &path, None).await.unwrap().success().unwrap();
    }
    let seen = scene.visible().await;
    let again = scene.keyed(&refused, "POST", "/v1/bookings", &all).await;
    assert_eq!(
        (again.status, again.json),
        (first.status, first.json),
        "there is room now, but not for this key"
    );
    scene.expect_unharmed(&seen).await;
    assert_eq!(scene.keyed(&malformed, "POST", "/v1/bookings", &all).await.status, 201);
}
