//! Watching what happens.

mod ends;

use axum::body::BodyDataStream;
use futures_util::StreamExt as _;
use holdfast_reservations::{AdoptEdition, Edition};
use tokio::sync::watch;
use tokio::time::{timeout, timeout_at};

use super::*;
use crate::watch::Stopping;

/// A node of the latest edition, with an operator, two guests, and an event of Mia's.
struct Scene {
    node: Node,
    olga: String,
    mia: String,
    tom: String,
    event: u64,
}

/// A stream as its reader sees it.
struct Heard {
    body: BodyDataStream,
    read: String,
    /// Signs of life between the blocks.
    comments: usize,
}

/// One block of a stream.
#[derive(Debug, PartialEq)]
struct Block {
    id: Option<String>,
    event: String,
    data: Value,
}

impl Scene {
    async fn open() -> Self {
        Self::within(Bounds::default()).await
    }

    async fn within(bounds: Bounds) -> Self {
        let node = Node::within(FacadeSettings::default(), bounds).await;
        node.submit(Command::AdoptEdition(AdoptEdition { edition: Edition::LATEST })).await;
        let olga = node.operator().await;
        let (mia, tom) = (node.guest("mia").await, node.guest("tom").await);
        let body = json!({"name": "Concert", "venue": "Hall"});
        let event = node.say("POST /v1/events").by(&mia).body(body).made().await["id"].as_u64().unwrap();
        Self { node, olga, mia, tom, event }
    }

    /// Opens slots, all in one command; the id of the first.
    async fn open_slots(&self, count: usize) -> u64 {
        let slots = vec![slot_of(json!([{"name": "all", "capacity": 9}])); count];
        let call = format!("POST /v1/resources/{}/slots", self.event);
        self.node.say(&call).by(&self.olga).body(json!(slots)).made().await[0]["id"].as_u64().unwrap()
    }

    async fn book(&self, token: &str, slot: u64, hold: bool) -> u64 {
        let body = json!({"slotId": slot, "hold": hold});
        self.node.say("POST /v1/bookings").by(token).body(body).made().await["id"].as_u64().unwrap()
    }

    async fn watch(&self, token: &str, query: &str) -> Heard {
        self.try_watch(token, query, None, None).await.unwrap_or_else(|told| panic!("{told:?}"))
    }

    async fn try_watch(
        &self,
        token: &str,
        query: &str,
        last: Option<&str>,
        stopping: Option<Stopping>,
    ) -> Result<Heard, Told> {
        let mut request = Request::get(format!("/v1/watch?{query}"))
            .header("authorization", format!("Bearer {token}"))
            .header("last-event-id", last.unwrap_or_default())
            .body(Body::empty())
            .unwrap();
        if let Some(stopping) = stopping {
            request.extensions_mut().insert(stopping);
        }
        let response = router(self.node.service.clone()).oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        if status == 200 {
            assert_eq!(headers["content-type"], "text/event-stream");
            return Ok(Heard {
                body: response.into_body().into_data_stream(),
                read: String::new(),
                comments: 0,
            });
        }
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Err(Told { status, headers, body: serde_json::from_slice(&body).unwrap() })
    }

    async fn refused(&self, token: &str, query: &str) -> (u16, String) {
        match self.try_watch(token, query, None, None).await {
            Ok(_) => panic!("{query} was taken"),
            Err(told) => (told.status, told.body["code"].as_str().unwrap_or_default().to_owned()),
        }
    }
}

impl Heard {
    /// The next block with data; `None` at the end.
    async fn next(&mut self) -> Option<Block> {
        let patience = Instant::now() + PATIENCE;
        loop {
            while let Some((block, rest)) = self.read.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.read = rest;
                self.comments += usize::from(block.starts_with(':'));
                let field = |name: &str| {
                    let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    line.map(str::to_owned)
                };
                if let Some(data) = field("data") {
                    let data = serde_json::from_str(&data).unwrap();
                    return Some(Block { id: field("id"), event: field("event").unwrap(), data });
                }
            }
            let part = timeout_at(patience, self.body.next()).await.expect("nothing came")?.unwrap();
            self.read.push_str(std::str::from_utf8(&part).unwrap());
        }
    }

    async fn expect(&mut self, event: &str) -> Block {
        let block = self.next().await.unwrap_or_else(|| panic!("it ended before {event}"));
        assert_eq!(block.event, event, "{block:?}");
        block
    }

    /// So many events, each with its revision.
    async fn events(&mut self, count: usize) -> Vec<(String, String)> {
        let mut events = Vec::new();
        while events.len() < count {
            let block = self.next().await.unwrap();
            if let Some(id) = block.id {
                assert_eq!(block.data["revision"], json!(id));
                events.push((id, block.event));
            }
        }
        events
    }

    async fn kinds(&mut self, count: usize) -> Vec<String> {
        self.events(count).await.into_iter().map(|(_, kind)| kind).collect()
    }
}

fn numbers(events: &[(String, String)]) -> Vec<(u64, u32)> {
    let number = |(id, _): &(String, String)| {
        let (index, ordinal) = id.split_once('-').unwrap();
        (index.parse().unwrap(), ordinal.parse().unwrap())
    };
    events.iter().map(number).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_sees_what_is_on_offer_and_his_own_bookings_and_staff_sees_all() {
    let scene = Scene::open().await;
    let mut of_olga = scene.watch(&scene.olga, "").await;
    let mut of_mia = scene.watch(&scene.mia, "").await;
    let mut of_tom = scene.watch(&scene.tom, "kind=booking.*,resource.*").await;
    for stream in [&mut of_olga, &mut of_mia, &mut of_tom] {
        let hello = stream.expect("hello").await;
        assert_eq!(hello.data, json!({"kind": "hello", "revision": hello.id.unwrap()}));
    }

    let slot = scene.open_slots(1).await;
    let booking = scene.book(&scene.mia, slot, false).await;
    scene.book(&scene.tom, slot, true).await;
    let cancel = format!("POST /v1/bookings/{booking}/cancel");
    scene.node.say(&cancel).by(&scene.mia).made().await;
    let all = ["slot.opened", "booking.confirmed", "booking.held", "booking.cancelled"];
    assert_eq!(of_olga.kinds(4).await, all);
    assert_eq!(of_mia.expect("slot.opened").await.data["slotId"], json!(slot));
    let booked = of_mia.expect("booking.confirmed").await;
    assert_eq!(booked.data["bookingId"], json!(booking));
    assert_eq!(booked.data["slotId"], json!(slot));
    assert_eq!(booked.data["resourceId"], json!(scene.event));
    assert_eq!(of_mia.kinds(1).await, ["booking.cancelled"]);
    assert_eq!(of_tom.kinds(1).await, ["booking.held"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_goes_on_in_the_middle_of_an_entry() {
    let scene = Scene::open().await;
    let mut first = scene.watch(&scene.mia, "").await;
    let hello = first.expect("hello").await.id.unwrap();
    scene.open_slots(4).await;
    let events = first.events(4).await;
    let all = numbers(&events);
    assert_eq!(all.iter().map(|(_, ordinal)| *ordinal).collect::<Vec<_>>(), [0, 1, 2, 3]);
    drop(first);

    let last = Some(events[1].0.as_str());
    let mut second = scene.try_watch(&scene.mia, "after=1-0", last, None).await.unwrap();
    assert_eq!(second.expect("hello").await.id.as_deref(), last, "the header counts, not the query");
    assert_eq!(second.events(2).await, events[2..]);
    let mut third = scene.watch(&scene.mia, &format!("after={hello}")).await;
    third.expect("hello").await;
    assert_eq!(third.events(4).await, events);
    // Behind all of an entry, as behind an answer.
    let mut fourth = scene.watch(&scene.mia, &format!("after={}", all[0].0)).await;
    assert_eq!(fourth.expect("hello").await.id, Some(events[3].0.clone()));
    let more = scene.open_slots(1).await;
    for stream in [&mut second, &mut third, &mut fourth] {
        assert_eq!(stream.next().await.unwrap().data["slotId"], json!(more));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_behind_the_ring_reads_rows_and_comes_back_to_it() {
    let scene = Scene::within(Bounds { ring_events: 3, ..Bounds::default() }).await;
    let mut steady = scene.watch(&scene.olga, "").await;
    let start = steady.expect("hello").await.id.unwrap();
    scene.open_slots(7).await;
    let mut late = scene.watch(&scene.olga, &format!("after={start}")).await;
    late.expect("hello").await;
    let mut others = scene.watch(&scene.olga, &format!("after={start}")).await;
    others.expect("hello").await;
    let slot = scene.open_slots(300).await;
    for _ in 0..5 {
        scene.book(&scene.mia, slot, false).await;
    }
    let all = steady.events(312).await;
    assert!(numbers(&all).is_sorted_by(|before, after| before < after));
    assert_eq!(late.events(312).await, all);
    assert_eq!(others.events(312).await, all);
    scene.book(&scene.tom, slot, false).await;
    let next = steady.events(1).await;
    assert_eq!((late.events(1).await, others.events(1).await), (next.clone(), next));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_is_not_kept_or_never_was_is_refused() {
    let scene = Scene::open().await;
    let told = scene.try_watch(&scene.mia, "after=0-0", None, None).await.err().unwrap();
    assert_eq!(told.says(), (410, "revision_gone"));
    let first = told.body["firstIndex"].as_u64().unwrap();
    scene.watch(&scene.mia, &format!("after={}", first - 1)).await.expect("hello").await;
    assert_eq!(scene.refused(&scene.mia, "after=999999-0").await, (409, "revision_unknown".to_owned()));
    for query in ["after=x", "after=1-x", "slotId=x", "slot=1", "kind=booking.held&limit=3"] {
        assert_eq!(scene.refused(&scene.mia, query).await, (400, "malformed".to_owned()), "{query}");
    }
    assert_eq!(scene.refused(&scene.mia, "kind=booking.hold").await, (422, "invalid".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_the_cluster_keeps_events_nobody_watches() {
    let node = Node::start().await;
    let mia = node.guest("mia").await;
    assert_eq!(node.say("GET /v1/watch").by(&mia).told().await.says(), (503, "feed_not_kept"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_watch_and_no_more() {
    let scene = Scene::within(Bounds { watchers: 3, watchers_per_user: 2, ..Bounds::default() }).await;
    let first = scene.watch(&scene.mia, "").await;
    let _second = scene.watch(&scene.mia, "").await;
    assert_eq!(scene.refused(&scene.mia, "").await, (429, "too_many_watches".to_owned()));
    let _third = scene.watch(&scene.tom, "").await;
    assert_eq!(scene.refused(&scene.olga, "").await, (503, "watchers_full".to_owned()));
    drop(first);
    let patience = Instant::now() + PATIENCE;
    while scene.try_watch(&scene.olga, "", None, None).await.is_err() {
        assert!(Instant::now() < patience, "the place never became free");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_of_a_slot_is_told_to_whoever_names_it() {
    let scene = Scene::open().await;
    let slot = scene.open_slots(2).await;
    let query = format!("slotId={slot},{}&kind=slot.availability&kind=slot.opened", slot + 1);
    let mut stream = scene.watch(&scene.tom, &query).await;
    stream.expect("hello").await;
    let left = |block: &Block| {
        let pool = &block.data["pools"][0];
        let number = |name: &str| pool[name].as_u64().unwrap();
        (block.data["slotId"].as_u64().unwrap(), number("available"), number("held"), number("confirmed"))
    };
    for (slot, left_at_first) in [(slot, 9), (slot + 1, 9)] {
        let first = stream.expect("slot.availability").await;
        assert_eq!((first.id.as_ref(), left(&first)), (None, (slot, left_at_first, 0, 0)));
    }
    let booking = scene.book(&scene.mia, slot, false).await;
    let block = stream.expect("slot.availability").await;
    assert_eq!(left(&block), (slot, 8, 0, 1), "it is told of bookings of others, and nothing else of them");
    // Who moves to another slot leaves one behind that no event names.
    let body = json!({"slotId": slot + 1});
    let call = format!("PATCH /v1/bookings/{booking}");
    scene.node.say(&call).by(&scene.mia).body(body).made().await;
    let after = [stream.expect("slot.availability").await, stream.expect("slot.availability").await];
    assert_eq!(after.each_ref().map(left), [(slot, 9, 0, 0), (slot + 1, 8, 0, 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_the_rights_of_its_reader() {
    let scene = Scene::open().await;
    let mut stream = scene.watch(&scene.mia, "").await;
    let hello = stream.expect("hello").await;
    scene.node.say("POST /auth/logout").by(&scene.mia).told().await;
    let began_at = Instant::now();
    let cut = stream.expect("cut").await;
    assert!(began_at.elapsed() < Duration::from_secs(5), "{:?}", began_at.elapsed());
    assert_eq!(cut.data["reason"], json!("unauthenticated"));
    assert_eq!(cut.data["resumeAfter"], json!(cut.id), "where to go on, behind {:?}", hello.id);
    assert_eq!(stream.next().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_says_so_to_those_who_watch() {
    let scene = Scene::open().await;
    let (stop, stopping) = watch::channel(false);
    let stopping = Some(Stopping(stopping));
    let mut stream = scene.try_watch(&scene.mia, "", None, stopping).await.unwrap();
    stream.expect("hello").await;
    stop.send_replace(true);
    assert_eq!(stream.expect("cut").await.data["reason"], json!("stopping"));
    assert_eq!(stream.next().await, None);
}
