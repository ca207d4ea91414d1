//! Watching what happens: nothing missed, nothing twice and nothing out of order, whatever happens to nodes and readers.

mod continuity;
mod gate;
mod retention;
mod roles;
mod slow;

use std::collections::BTreeMap;
use std::time::Duration;

use holdfast_model::{Revision, SlotId, UserId};
use holdfast_processes::{
    Acknowledged, Guest, Opened, Park, Recorder, Sse, SseCall, Stage, Told, Traffic, Watcher, arrive,
    arrive_app, revision_in, until,
};

/// A machine that is busy with other things too comes to anything by then.
const PATIENCE: Duration = Duration::from_secs(60);

/// A snapshot comes after so few entries, and so little is kept behind it, that the log is purged all the time.
const PURGING: [(&str, &str); 2] =
    [("HOLDFAST_RAFT_SNAPSHOT_ENTRIES", "200"), ("HOLDFAST_RAFT_KEEP_ENTRIES", "20")];

const SLOTS: usize = 4;
const CAPACITY: u64 = 1_000_000;

/// Three nodes that purge their logs, and an app that books for its customers.
struct Scene {
    stage: Stage,
    app: Guest,
    slots: Vec<SlotId>,
    customers: Vec<UserId>,
    /// Before anything that a watcher of the scene may see.
    begun: Revision,
}

impl Scene {
    async fn open(nodes: usize) -> Self {
        let stage = Stage::start_with(nodes, &PURGING).await;
        let recorder = Recorder::default();
        let park = Park::open(&stage.operator).await;
        let slots = park.slots(&stage.operator, &[CAPACITY; SLOTS]).await;
        let customers = arrive(&stage, &recorder, 2).await.iter().map(|guest| guest.user).collect();
        let app = arrive_app(&stage, &recorder).await;
        let begun = now(&stage, 0).await;
        Self { stage, app, slots, customers, begun }
    }

    fn traffic(&self) -> Traffic {
        Traffic::start(&self.app, &self.slots, &self.customers)
    }

    /// A watcher who begins at a node, and sees everything.
    fn watcher(&self, node: usize) -> Watcher {
        let mut addresses = self.stage.addresses();
        addresses.rotate_left(node);
        let token = self.stage.operator.token.clone().unwrap();
        Watcher { addresses, token, after: Some(self.begun) }
    }

    /// Everything since the scene began, as one node tells it; it ends with a slot that is opened for that. Each change
    /// of a booking is one of its events, and no other event is of a booking. Holds may end later.
    async fn whole(&self, node: usize, acknowledged: &[Acknowledged]) -> Vec<Told> {
        let park = Park::open(&self.stage.operator).await;
        let last = park.slots(&self.stage.operator, &[1]).await[0];
        let whole = read_until(&self.stage, node, self.begun, last).await;
        let mut told: Vec<_> = whole.iter().filter(|told| told.kind.starts_with("booking.")).collect();
        let mut kept = self.histories().await;
        kept.retain(|(revision, ..)| *revision < whole.last().unwrap().revision);
        kept.sort_unstable();
        told.sort_unstable();
        let told: Vec<_> =
            told.into_iter().map(|told| (told.revision, told.kind.clone(), told.booking.unwrap())).collect();
        assert_eq!(told.len(), kept.len(), "events of bookings, and changes in their histories");
        for (told, kept) in told.iter().zip(&kept) {
            assert_eq!(told, kept, "an event, and what the booking's history has");
        }
        for Acknowledged { revision, kind, booking } in acknowledged {
            let change = (*revision, (*kind).to_owned(), *booking);
            assert!(told.binary_search(&change).is_ok(), "acknowledged, and not in the feed: {change:?}");
        }
        whole
    }

    /// Every change of every booking, as their histories have it.
    async fn histories(&self) -> Vec<(Revision, String, u64)> {
        let operator = &self.stage.operator;
        let mut changes = Vec::new();
        for slot in &self.slots {
            let mut after = String::new();
            loop {
                let path = format!("/v1/bookings?slotId={}&limit=200{after}", slot.0);
                let page = operator.get(&path).await.unwrap();
                for booking in page["items"].as_array().unwrap() {
                    let id = booking["id"].as_u64().unwrap();
                    let history = operator.get(&format!("/v1/bookings/{id}/history")).await.unwrap();
                    assert!(history["next"].is_null(), "{history}");
                    changes.extend(history["items"].as_array().unwrap().iter().map(|change| {
                        let kind = format!("booking.{}", change["kind"].as_str().unwrap());
                        (revision_in(change["revision"].as_str().unwrap()), kind, id)
                    }));
                }
                let Some(next) = page["next"].as_u64() else { break };
                after = format!("&after={next}");
            }
        }
        changes
    }
}

/// Where the feed stands at a node, once it is kept: right after the first start nobody knows yet what all nodes run.
async fn now(stage: &Stage, node: usize) -> Revision {
    let token = stage.operator.token.as_deref().unwrap();
    let mut stream = until("the feed is kept", PATIENCE, async || {
        let opened = Sse::open(&stage.address(node), SseCall { token, ..SseCall::default() }).await;
        let is_kept = !matches!(opened, Opened::Refused(503, _));
        is_kept.then(|| opened.stream())
    })
    .await;
    let hello = stream.next().await.unwrap();
    assert_eq!(hello.name, "hello");
    revision_in(hello.data["revision"].as_str().unwrap())
}

/// The feed behind a revision, as one node tells it on one stream, up to the opening of a slot.
async fn read_until(stage: &Stage, node: usize, after: Revision, last: SlotId) -> Vec<Told> {
    let (token, after) = (stage.operator.token.as_deref().unwrap(), after.to_string());
    let call = SseCall { token, last_event_id: Some(&after), ..SseCall::default() };
    let mut stream = Sse::open(&stage.address(node), call).await.stream();
    let mut whole = Vec::new();
    let read = async {
        while let Some(event) = stream.next().await {
            if event.name == "hello" {
                continue;
            }
            let told = Told::in_json(&event.data);
            let is_last = told.kind == "slot.opened" && told.slot == Some(last.0);
            whole.push(told);
            if is_last {
                return;
            }
        }
        panic!("the stream ended before the last event");
    };
    assert!(tokio::time::timeout(PATIENCE, read).await.is_ok(), "the feed has no end");
    let in_order = whole.windows(2).all(|pair| pair[0].revision < pair[1].revision);
    assert!(in_order, "the feed is in the order of its revisions, each once");
    whole
}

/// How many events there are of each kind.
fn kinds(whole: &[Told]) -> BTreeMap<&str, usize> {
    let mut kinds = BTreeMap::new();
    for told in whole {
        *kinds.entry(told.kind.as_str()).or_default() += 1;
    }
    kinds
}
