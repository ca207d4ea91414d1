//! Whom to tell, which servers hear of events, and what becomes of what cannot be sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdfast_reservations::{
    AdoptEdition, Channel, Edition, SettleDeliveries, Settled, WEBHOOKS_PER_APP_MAX, WebhookId,
};

use super::*;

const URL: &str = "https://hooks.example.com/holdfast";

/// A node that notifies, its operator and two guests.
struct Park {
    node: Node,
    olga: String,
    mia: String,
    tom: String,
}

impl Park {
    async fn open() -> Self {
        Self::with(FacadeSettings::default()).await
    }

    async fn with(settings: FacadeSettings) -> Self {
        let node = Node::with(settings).await;
        node.submit(Command::AdoptEdition(AdoptEdition { edition: Edition::LATEST })).await;
        let (olga, mia, tom) = (node.operator().await, node.guest("mia").await, node.guest("tom").await);
        Self { node, olga, mia, tom }
    }

    async fn id_of(&self, token: &str) -> u64 {
        self.node.say("GET /v1/users/me").by(token).made().await["id"].as_u64().unwrap()
    }

    /// A token of somebody who was made staff.
    async fn staff(&self) -> String {
        let sam = self.node.guest("sam").await;
        let call = format!("PUT /v1/users/{}/role", self.id_of(&sam).await);
        self.node.say(&call).by(&self.olga).body(json!({"role": "staff"})).made().await;
        self.node.log_in(json!({"email": "sam@example.com", "password": "correct horse"})).await
    }

    async fn app(&self, name: &str) -> String {
        let made = self.node.say("POST /v1/apps").by(&self.olga).body(json!({"name": name})).made().await;
        made["secret"].as_str().unwrap().to_owned()
    }

    fn add_device(&self, who: &str, token: &str) -> Say<'_> {
        let body = json!({"platform": "apns", "token": token, "language": "de"});
        self.node.say("POST /v1/devices").by(who).body(body)
    }

    fn add_webhook(&self, who: &str, url: &str, kinds: Value) -> Say<'_> {
        self.node.say("POST /v1/webhooks").by(who).body(json!({"url": url, "kinds": kinds}))
    }

    /// The operator's webhook for slots, with so many deliveries that wait for it.
    async fn webhook_with(&self, deliveries: usize) -> u64 {
        let made = self.add_webhook(&self.olga, URL, json!(["slot.*"])).made().await;
        for _ in 0..deliveries {
            self.node.slot(&self.mia, &self.olga, json!([{"name": "all", "capacity": 3}])).await;
        }
        made["id"].as_u64().unwrap()
    }

    async fn settle(&self, webhook: u64, number: u64, settled: Settled) {
        let results = vec![(Channel::Webhook(WebhookId(webhook)), number, settled)];
        self.node.submit(Command::SettleDeliveries(SettleDeliveries { results })).await;
    }

    async fn get(&self, who: &str, path: &str) -> Value {
        self.node.say(&format!("GET {path}")).by(who).made().await
    }

    /// One member of each item of a list.
    async fn listed(&self, who: &str, path: &str, member: &str) -> Vec<Value> {
        let items = self.get(who, path).await["items"].as_array().unwrap().clone();
        items.into_iter().map(|item| item[member].clone()).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_some_node_may_not_know_is_not_begun() {
    let node = Node::start().await;
    let olga = node.operator().await;
    for (call, body) in [
        ("POST /v1/devices", json!({"platform": "fcm", "token": "a"})),
        ("PUT /v1/preferences", json!({})),
        ("POST /v1/webhooks", json!({"url": URL, "kinds": ["*"]})),
        ("POST /v1/dead-letters/replay", json!({"all": true})),
        ("PUT /v1/policies/cluster", json!({"noShowShareMax": 10})),
        ("POST /v1/slots/1/no-shows", json!({"decision": "keep"})),
    ] {
        let told = node.say(call).by(&olga).body(body).told().await;
        assert_eq!(told.says(), (503, "edition_too_old"), "{call}");
        assert!(told.body["detail"].as_str().unwrap().contains("upgrade all nodes"), "{told:?}");
    }
    for path in ["/v1/devices", "/v1/webhooks", "/v1/dead-letters"] {
        let told = node.say(&format!("GET {path}")).by(&olga).told().await;
        assert_eq!((told.status, &told.body), (200, &json!({"items": [], "next": null})), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_has_devices_and_nobody_reads_their_tokens() {
    let park = Park::open().await;
    let mia = park.id_of(&park.mia).await;
    let told = park.add_device(&park.mia, "a1").told().await;
    assert_eq!((told.status, &told.body["id"]), (201, &json!(1)), "{told:?}");
    assert_eq!((&told.body["userId"], &told.body["platform"]), (&json!(mia), &json!("apns")));
    assert_eq!((&told.body["language"], told.body.get("token")), (&json!("de"), None));
    assert!(told.body["addedAt"].is_string());
    park.add_device(&park.mia, "b2").made().await;
    assert_eq!(park.add_device(&park.mia, "a1").made().await["id"], 1, "one he has keeps its number");
    assert_eq!(park.listed(&park.mia, "/v1/devices", "id").await, [2, 1]);
    let page = park.get(&park.mia, "/v1/devices?limit=1").await;
    assert_eq!((&page["items"][0]["id"], &page["next"]), (&json!(2), &json!(2)));
    assert_eq!(park.listed(&park.mia, "/v1/devices?limit=1&after=2", "id").await, [1]);

    assert_eq!(park.add_device(&park.tom, "a1").made().await["id"], 1, "it is in another hand now");
    assert_eq!(park.listed(&park.mia, "/v1/devices", "id").await, [2]);
    let remove = || park.node.say("DELETE /v1/devices/2").by(&park.mia).with("idempotency-key", "r");
    let removed = remove().told().await;
    assert_eq!((removed.status, &removed.body["id"]), (200, &json!(2)));
    assert_eq!(remove().told().await.body, removed.body);
    for path in ["/v1/devices/2", "/v1/devices/x", "/v1/devices/9999999999"] {
        let told = park.node.say(&format!("DELETE {path}")).by(&park.mia).told().await;
        assert_eq!(told.says(), (404, "device_not_found"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_and_preferences_of_others_are_for_those_who_book_for_them() {
    let park = Park::open().await;
    let (staff, app) = (park.staff().await, park.app("Box office").await);
    let (mia, olga) = (park.id_of(&park.mia).await, park.id_of(&park.olga).await);
    let add = |who: &str, user: u64, token: &str| {
        let body = json!({"platform": "apns", "token": token, "userId": user});
        park.node.say("POST /v1/devices").by(who).body(body)
    };
    assert_eq!(add(&staff, mia, "a1").made().await["userId"], mia);
    assert_eq!(add(&app, mia, "a2").made().await["id"], 2);
    assert_eq!(add(&park.tom, mia, "a3").told().await.says(), (403, "forbidden"));
    assert_eq!(add(&app, olga, "a3").told().await.says(), (404, "user_not_found"));
    assert_eq!(add(&staff, 999, "a3").told().await.says(), (404, "user_not_found"));

    for path in ["devices", "preferences"] {
        let read = |who: &str, user: u64| {
            let call = format!("GET /v1/{path}?userId={user}");
            let (node, who) = (&park.node, who.to_owned());
            async move { node.say(&call).by(&who).told().await }
        };
        for (who, user, says) in [
            (&park.mia, mia, (200, "")),
            (&staff, mia, (200, "")),
            (&staff, olga, (200, "")),
            (&app, mia, (200, "")),
            (&app, olga, (404, "user_not_found")),
            (&staff, 999, (404, "user_not_found")),
            (&park.tom, mia, (403, "forbidden")),
            (&park.tom, 999, (403, "forbidden")),
        ] {
            assert_eq!(read(who, user).await.says(), says, "{path} of {user}");
        }
    }
    let remove = format!("DELETE /v1/devices/1?userId={mia}");
    assert_eq!(park.node.say(&remove).by(&park.tom).told().await.says(), (403, "forbidden"));
    assert_eq!(park.node.say(&remove).by(&staff).told().await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_what_its_service_can_reach_and_there_are_few() {
    let park = Park::open().await;
    let add = |body: Value| park.node.say("POST /v1/devices").by(&park.mia).body(body);
    for (body, says) in [
        (json!({"platform": "apns", "token": "no hex"}), (422, "invalid")),
        (json!({"platform": "fcm", "token": ""}), (422, "invalid")),
        (json!({"platform": "fcm", "token": "x".repeat(1025)}), (422, "invalid")),
        (json!({"platform": "fcm", "token": "a", "language": "d e"}), (422, "invalid")),
        (json!({"platform": "pigeon", "token": "a"}), (400, "malformed")),
        (json!({"platform": "fcm"}), (400, "malformed")),
        (json!({"platform": "fcm", "token": "a", "other": 1}), (400, "malformed")),
    ] {
        assert_eq!(add(body.clone()).told().await.says(), says, "{body}");
    }
    for number in 0..10 {
        add(json!({"platform": "fcm", "token": format!("t{number}")})).made().await;
    }
    assert_eq!(
        add(json!({"platform": "fcm", "token": "more"})).told().await.says(),
        (409, "too_many_devices")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn preferences_are_said_as_a_whole() {
    let park = Park::open().await;
    let mia = park.id_of(&park.mia).await;
    let default = json!({"userId": mia, "language": null, "push": true, "email": null, "kinds": null});
    assert_eq!(park.get(&park.mia, "/v1/preferences").await, default);
    let set = |body: Value| park.node.say("PUT /v1/preferences").by(&park.mia).body(body);
    let all =
        json!({"language": "fr", "push": false, "email": true, "kinds": ["booking.ready", "booking.c*"]});
    assert_eq!(set(all).told().await.says(), (422, "invalid"));
    let all = json!({"language": "fr", "push": false, "email": true, "kinds": ["booking.ready"]});
    let told = set(all).made().await;
    let expected =
        json!({"userId": mia, "language": "fr", "push": false, "email": true, "kinds": ["booking.ready"]});
    assert_eq!(told, expected);
    assert_eq!(park.get(&park.mia, "/v1/preferences").await, expected);
    set(json!({"email": false})).made().await;
    let expected = json!({"userId": mia, "language": null, "push": true, "email": false, "kinds": null});
    assert_eq!(park.get(&park.mia, "/v1/preferences").await, expected);
    assert_eq!(set(json!({"push": null, "email": null})).made().await, default);

    // Under one key, somebody else's are another call.
    let tom = park.id_of(&park.tom).await;
    let set = |user: u64| {
        let call = format!("PUT /v1/preferences?userId={user}");
        let (node, olga) = (&park.node, &park.olga);
        async move {
            node.say(&call).by(olga).with("idempotency-key", "p").body(json!({"push": false})).told().await
        }
    };
    assert_eq!(set(mia).await.body["userId"], mia);
    assert_eq!(set(tom).await.says(), (422, "key_reused"));
    assert_eq!(set(mia).await.body["userId"], mia);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_secret_of_a_webhook_is_shown_once_and_to_whoever_asks_again() {
    let park = Park::open().await;
    let add = || park.add_webhook(&park.olga, URL, json!(["booking.*"])).with("idempotency-key", "a");
    let first = add().told().await;
    assert_eq!((first.status, &first.body["status"]), (201, &json!("enabled")), "{first:?}");
    assert_eq!((&first.body["url"], &first.body["kinds"]), (&json!(URL), &json!(["booking.*"])));
    assert_eq!((&first.body["reach"], &first.body["disabled"]), (&json!("everything"), &Value::Null));
    let secret = first.body["secret"].as_str().unwrap();
    assert_eq!(STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap().len(), 32);
    let again = add().told().await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    let other = park.add_webhook(&park.olga, URL, json!(["*"])).with("idempotency-key", "a");
    assert_eq!(other.told().await.says(), (422, "key_reused"));

    let id = first.body["id"].as_u64().unwrap();
    let mut shown = first.body.clone();
    shown.as_object_mut().unwrap().remove("secret");
    assert_eq!(park.get(&park.olga, &format!("/v1/webhooks/{id}")).await, shown);
    assert_eq!(park.get(&park.olga, "/v1/webhooks").await, json!({"items": [shown], "next": null}));

    let call = format!("POST /v1/webhooks/{id}/rotate-secret");
    let rotate = |key: &'static str| park.node.say(&call).by(&park.olga).with("idempotency-key", key);
    let rotated = rotate("b").made().await;
    assert!(rotated["secret"] != first.body["secret"] && rotated["formerSecretUntil"].is_string());
    assert_eq!(rotate("b").made().await, rotated);
    assert_ne!(rotate("c").made().await["secret"], rotated["secret"]);
    assert_eq!(rotate("b").made().await, rotated, "a retry has its first answer");
    assert_eq!(add().told().await.body, first.body);

    let call = format!("DELETE /v1/webhooks/{id}");
    assert_eq!(park.node.say(&call).by(&park.olga).told().await.status, 200);
    assert_eq!(park.node.say(&call).by(&park.olga).told().await.says(), (404, "webhook_not_found"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_has_webhooks_of_its_own() {
    let park = Park::open().await;
    let (ann, ben) = (park.app("Ann").await, park.app("Ben").await);
    let made = park.add_webhook(&ann, URL, json!(["*"])).made().await;
    assert_eq!(made["reach"], "bookings");
    let id = made["id"].as_u64().unwrap();
    park.add_webhook(&park.olga, URL, json!(["*"])).made().await;
    assert_eq!(park.listed(&ann, "/v1/webhooks", "id").await, [id]);
    assert_eq!(park.listed(&park.olga, "/v1/webhooks", "id").await, [id + 1, id]);
    assert_eq!(park.listed(&park.olga, &format!("/v1/webhooks?after={}", id + 1), "id").await, [id]);
    for (method, path) in
        [("GET", ""), ("DELETE", ""), ("POST", "/enable"), ("POST", "/rotate-secret"), ("GET", "/deliveries")]
    {
        let call = format!("{method} /v1/webhooks/{id}{path}");
        assert_eq!(park.node.say(&call).by(&ben).told().await.says(), (404, "webhook_not_found"), "{call}");
        assert_eq!(park.node.say(&call).by(&park.mia).told().await.says(), (403, "forbidden"), "{call}");
    }
    for _ in 1..WEBHOOKS_PER_APP_MAX {
        park.add_webhook(&ann, URL, json!(["booking.used"])).made().await;
    }
    let more = park.add_webhook(&ann, URL, json!(["*"]));
    assert_eq!(more.told().await.says(), (409, "too_many_webhooks"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_names_a_public_address_and_kinds_that_there_are() {
    let park = Park::open().await;
    for (url, kinds, word) in [
        ("http://hooks.example.com/", json!(["*"]), "https://"),
        ("https://127.0.0.1/", json!(["*"]), "not public"),
        ("mailto:mia@example.com", json!(["*"]), "https://"),
        (URL, json!([]), "at least one"),
        (URL, json!(["booking.eaten"]), "booking.eaten"),
        (URL, json!(vec!["*"; 21]), "at most 20"),
    ] {
        let told = park.add_webhook(&park.olga, url, kinds.clone()).told().await;
        assert_eq!(told.says(), (422, "invalid"), "{url} {kinds}");
        assert!(told.body["detail"].as_str().unwrap().contains(word), "{told:?}");
    }
    let settings = FacadeSettings { allow_private_webhooks: true, ..FacadeSettings::default() };
    let park = Park::with(settings).await;
    park.add_webhook(&park.olga, "http://127.0.0.1:9000/", json!(["*"])).made().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_sent_is_listed_and_sent_again() {
    let park = Park::open().await;
    let webhook = park.webhook_with(3).await;
    let dead = || Settled::Dead { error: "503".to_owned() };
    park.settle(webhook, 1, Settled::Delivered { status: 204 }).await;
    park.settle(webhook, 2, dead()).await;
    park.settle(webhook, 3, dead()).await;

    let page = park.get(&park.olga, "/v1/dead-letters?limit=1").await;
    assert_eq!((&page["items"][0]["id"], &page["next"]), (&json!(2), &json!(2)));
    let page = park.get(&park.olga, &format!("/v1/dead-letters?webhookId={webhook}&after=2")).await;
    let letter = &page["items"][0];
    assert_eq!(
        (&letter["id"], &letter["channel"], &page["next"]),
        (&json!(1), &json!("webhook"), &Value::Null)
    );
    assert_eq!((&letter["kind"], &letter["error"]), (&json!("slot.opened"), &json!("503")));
    assert_eq!((&letter["webhookId"], &letter["attempts"]), (&json!(webhook), &json!(1)));
    assert_eq!(park.listed(&park.olga, "/v1/dead-letters?webhookId=99", "id").await, Vec::<Value>::new());

    let log = park.get(&park.olga, &format!("/v1/webhooks/{webhook}/deliveries")).await;
    let ended = |number: usize| (&log["items"][number]["ended"], &log["items"][number]["httpStatus"]);
    assert_eq!((ended(0), ended(2)), ((&json!("dead"), &Value::Null), (&json!("delivered"), &json!(204))));
    assert_eq!(log["items"][1]["revision"], letter["revision"]);

    let replay = |body: Value| park.node.say("POST /v1/dead-letters/replay").by(&park.olga).body(body);
    let one = || replay(json!({"ids": [1, 77]})).with("idempotency-key", "a");
    assert_eq!(one().made().await, json!({"replayed": 1, "next": null}));
    assert_eq!(one().made().await, json!({"replayed": 1, "next": null}), "a retry has its first answer");
    assert_eq!(park.listed(&park.olga, "/v1/dead-letters", "id").await, [2]);
    assert_eq!(replay(json!({"webhookId": 99})).made().await["replayed"], 0);
    assert_eq!(replay(json!({"webhookId": webhook.to_string()})).made().await["replayed"], 1);
    assert_eq!(replay(json!({"all": true})).made().await["replayed"], 0);
    assert_eq!(replay(json!({"ids": [1], "all": true})).told().await.says(), (422, "invalid"));
    // As the event it was, behind what waits.
    park.settle(webhook, 4, Settled::Delivered { status: 200 }).await;
    let revisions = park.listed(&park.olga, &format!("/v1/webhooks/{webhook}/deliveries"), "revision").await;
    assert_eq!(revisions[0], letter["revision"]);

    for call in ["GET /v1/dead-letters", "POST /v1/dead-letters/replay"] {
        assert_eq!(park.node.say(call).by(&park.mia).told().await.says(), (403, "forbidden"), "{call}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_gone_says_why_until_it_is_enabled() {
    let park = Park::open().await;
    let webhook = park.webhook_with(1).await;
    park.settle(webhook, 1, Settled::Gone { error: "410".to_owned() }).await;
    let shown = park.get(&park.olga, &format!("/v1/webhooks/{webhook}")).await;
    assert_eq!((&shown["status"], &shown["disabled"]["reason"]), (&json!("disabled"), &json!("410")));
    let replay = json!({"webhookId": webhook});
    let replay = || park.node.say("POST /v1/dead-letters/replay").by(&park.olga).body(replay.clone());
    assert_eq!(replay().made().await["replayed"], 0, "it has nowhere to go");

    let enable = format!("POST /v1/webhooks/{webhook}/enable");
    let enabled = park.node.say(&enable).by(&park.olga).made().await;
    assert_eq!((&enabled["status"], enabled.get("secret")), (&json!("enabled"), None));
    assert_eq!(replay().made().await["replayed"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whether_guests_get_mail_is_a_policy_of_the_cluster() {
    let park = Park::open().await;
    let set = |value: Value| {
        park.node.say("PUT /v1/policies/cluster").by(&park.olga).body(json!({"notifyByEmail": value}))
    };
    assert_eq!(set(json!(true)).made().await["notifyByEmail"], true);
    assert_eq!(park.get(&park.olga, "/v1/policies/cluster").await["notifyByEmail"], true);
    assert_eq!(set(json!(1)).told().await.says(), (400, "malformed"));
    assert_eq!(set(Value::Null).made().await["notifyByEmail"], Value::Null);
}
