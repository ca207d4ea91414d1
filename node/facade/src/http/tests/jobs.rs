//! Jobs: what was accepted is never denied, and answered when it is asked for again.

use holdfast_reservations::{Job, JobId};

use super::*;

/// A node with an operator, a guest, and a slot of three seats whose resource admits nobody.
struct Queue {
    node: Node,
    olga: String,
    mia: String,
    event: u64,
    slot: u64,
}

impl Queue {
    async fn start() -> Self {
        let node = Node::start().await;
        let (olga, mia) = (node.operator().await, node.guest("mia").await);
        let (event, slot) = node.slot(&olga, &olga, json!([{"name": "all", "capacity": 3}])).await;
        let queue = Self { node, olga, mia, event, slot };
        queue.admit(json!(0)).await;
        queue
    }

    async fn admit(&self, rate: Value) {
        let call = format!("PUT /v1/policies/resource/{}", self.event);
        self.node.say(&call).by(&self.olga).body(json!({"admissionPerSecond": rate})).made().await;
    }

    fn book(&self) -> Say<'_> {
        self.node.say("POST /v1/bookings").by(&self.mia).body(json!({"slotId": self.slot}))
    }

    async fn bookings(&self) -> usize {
        let told = self.node.say("GET /v1/bookings").by(&self.mia).told().await;
        told.body["items"].as_array().unwrap().len()
    }

    fn job(service: &Service, id: u64) -> Option<Arc<Job>> {
        service.look(|view| view.row::<Job>(JobId(id))).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_is_accepted_though_its_caller_may_not_look_any_more() {
    let queue = Queue::start().await;
    let waits = async { queue.book().with("prefer", "respond-async, wait=2").told().await };
    let leaves = async {
        while Queue::job(&queue.node.service, 1).is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(queue.node.say("POST /auth/logout").by(&queue.mia).told().await.status, 200);
    };
    let (told, ()) = tokio::join!(waits, leaves);
    assert_eq!((told.status, &told.body["status"]), (202, &json!("waiting")), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_that_is_no_number_is_refused_before_anything_is_done() {
    let queue = Queue::start().await;
    queue.admit(Value::Null).await;
    let told = queue.book().with("prefer", "respond-async, wait=long").told().await;
    assert_eq!((told.says(), queue.bookings().await), ((400, "malformed"), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_is_answered_with_and_without_the_preference_for_a_job() {
    let queue = Queue::start().await;
    queue.admit(Value::Null).await;
    let first = queue.book().with("idempotency-key", "a").told().await;
    assert_eq!(first.status, 201, "{first:?}");
    let again = queue.book().with("idempotency-key", "a").with("prefer", "respond-async").told().await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    let job = queue.book().with("idempotency-key", "b").with("prefer", "respond-async").told().await;
    assert_eq!((job.status, &job.body["status"]), (202, &json!("completed")), "{job:?}");
    let again = queue.book().with("idempotency-key", "b").told().await;
    assert_eq!((again.status, &again.body), (201, &job.body["result"]["booking"]));
    assert_eq!(queue.bookings().await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_is_answered_though_its_job_is_forgotten() {
    let queue = Queue::start().await;
    queue
        .node
        .say("PUT /v1/policies/cluster")
        .by(&queue.olga)
        .body(json!({"jobResultSeconds": 1}))
        .made()
        .await;
    let plain = || queue.book().with("idempotency-key", "a").with("holdfast-timeout-ms", "300");
    let waits = || queue.book().with("idempotency-key", "b").with("prefer", "respond-async, wait=1");
    assert_eq!(plain().told().await.says(), (504, "outcome_unknown"));
    assert_eq!(waits().told().await.status, 202);
    queue.admit(json!(1000)).await;
    queue.node.tick_until(|service| [1, 2].iter().all(|id| Queue::job(service, *id).is_none())).await;
    for told in [plain().told().await, waits().told().await] {
        assert_eq!((told.status, &told.body["type"]), (202, &json!("reserve")), "{told:?}");
    }
    assert_eq!(queue.bookings().await, 2);

    // What ran at once is in the log.
    queue.admit(Value::Null).await;
    let at_once = || queue.book().with("idempotency-key", "c").with("prefer", "respond-async");
    let first = at_once().told().await;
    queue.node.tick_until(|service| Queue::job(service, 3).is_none()).await;
    let plain = queue.book().with("idempotency-key", "c").told().await;
    assert_eq!((plain.status, &plain.body), (201, &first.body["result"]["booking"]));
    assert_eq!(at_once().told().await.body, first.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ride_whose_job_is_forgotten_is_not_said_to_be_none() {
    let queue = Queue::start().await;
    queue
        .node
        .say("PUT /v1/policies/cluster")
        .by(&queue.olga)
        .body(json!({"jobResultSeconds": 1}))
        .made()
        .await;
    let body = json!({
        "rideId": queue.event, "cnt": 1, "startTime": "2031-05-01T19:00:00Z", "endTime": "2031-05-01T22:00:00Z",
    });
    let book = || {
        let say = queue.node.say("POST /rides/book").by(&queue.mia).with("idempotency-key", "a");
        say.with("holdfast-timeout-ms", "300").body(body.clone())
    };
    assert_eq!(book().told().await.says(), (504, "outcome_unknown"));
    queue.admit(json!(1000)).await;
    queue.node.tick_until(|service| Queue::job(service, 1).is_none()).await;
    let told = book().told().await;
    assert_eq!((told.says(), &told.body["jobId"]), ((409, "key_expired"), &json!(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_not_to_begin_when_its_slot_is_over() {
    let queue = Queue::start().await;
    let book = |moment: &str| {
        let body = json!({"slotId": queue.slot, "notBefore": moment});
        queue.node.say("POST /v1/bookings").by(&queue.mia).with("idempotency-key", "a").body(body)
    };
    for moment in ["2031-05-01T22:00:00Z", "9000-01-01T00:00:00Z"] {
        assert_eq!(book(moment).told().await.says(), (422, "invalid"), "{moment}");
    }
    let in_time = "2031-05-01T21:59:59Z";
    assert_eq!(book(in_time).told().await.status, 202);
    // What was accepted stays so, wherever its slot is by now.
    let body = json!({"startTime": "2031-05-01T19:00:00Z", "endTime": "2031-05-01T20:00:00Z"});
    let call = format!("PATCH /v1/slots/{}", queue.slot);
    queue.node.say(&call).by(&queue.olga).body(body).made().await;
    assert_eq!(book(in_time).told().await.status, 202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_admitted_by_slot_or_pool() {
    let queue = Queue::start().await;
    for scope in [format!("slot/{}", queue.slot), "pool/1".to_owned()] {
        let call = format!("PUT /v1/policies/{scope}");
        let set =
            |value: Value| queue.node.say(&call).by(&queue.olga).body(json!({"admissionPerSecond": value}));
        let told = set(json!(2)).told().await;
        assert_eq!(told.says(), (422, "invalid"), "{scope}");
        assert!(told.body["detail"].as_str().unwrap().contains("resource"), "{told:?}");
        assert_eq!(set(Value::Null).told().await.status, 200, "{scope}");
    }
}
