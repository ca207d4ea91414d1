//! Readers that take nothing: what they cost, what others notice of them, and how they go on.

use std::time::Duration;

use holdfast_model::{Revision, SlotId};
use holdfast_processes::{
    Grpc, GrpcStream, Park, Sse, SseCall, Stage, Told, Watcher, alone, revision_in, until,
};
use holdfast_proto::v1 as proto;
use holdfast_proto::v1::watch_reply::Item;
use holdfast_proto::v1::watch_request::Start;
use prost::Message as _;

use super::{PATIENCE, now, read_until};

/// Events of a feed that no socket can swallow: each is some 130 bytes of SSE, and operating systems keep some megabytes.
const EVENTS: usize = 100_000;

const STALLED_BY_SSE: usize = 24;
const STALLED_BY_GRPC: usize = 8;

const STALLED: usize = STALLED_BY_SSE + STALLED_BY_GRPC;

/// Of each, those that read on; all of them would only take longer.
const WAKING: usize = 2;

/// What a node may need for all of them: two megabytes each. The whole feed is thirteen.
const MEMORY_BYTES_MAX: u64 = 64 << 20;

/// What waits for a reader in his own operating system, or on his stream.
const WINDOW_BYTES: u32 = 64 << 10;

/// Slots that are opened while the others stand still.
const OPENED_MEANWHILE: usize = 50;

/// A reader is given up after thirty seconds.
const CUT_DURATION_MAX: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_stand_still_cost_little_block_nobody_and_go_on_where_they_were() {
    let _machine = alone().await;
    let stage = Stage::start(1).await;
    let park = Park::open(&stage.operator).await;
    let begun = now(&stage, 0).await;
    let last = *park.slots(&stage.operator, &[1; EVENTS]).await.last().unwrap();
    // Whatever the node needs to read all of it is there from now on.
    let whole = read_until(&stage, 0, begun, last).await;
    assert_eq!(whole.len(), EVENTS);

    let memory_before = stage.memory_bytes(0);
    let told_before = events_told(&stage).await;
    let mut by_grpc = Vec::new();
    for _ in 0..STALLED_BY_GRPC {
        by_grpc.push(GrpcReader::open(&stage, begun).await);
    }
    let mut by_sse = Vec::new();
    for _ in 0..STALLED_BY_SSE {
        by_sse.push(SseReader::open(&stage, begun).await);
    }

    // Nobody else notices.
    let live = watcher(&stage).by_sse("a reader who keeps up");
    live.begun(PATIENCE).await;
    for _ in 0..OPENED_MEANWHILE {
        let opened = park.slots(&stage.operator, &[1]).await[0];
        until("the next event", PATIENCE, async || {
            live.told().last().filter(|told| told.slot == Some(opened.0)).map(drop)
        })
        .await;
    }
    assert_eq!(live.told().len(), OPENED_MEANWHILE);
    assert_eq!(read_until(&stage, 0, begun, last).await, whole);

    let mut most = 0;
    until("the node lets go of readers that take nothing", CUT_DURATION_MAX, async || {
        most = most.max(stage.memory_bytes(0));
        // Connections that stand still are closed; on one that does not, the stream that does is cut.
        let watchers = stage.cluster.figure(0, "holdfast_watchers").await?;
        let cuts = stage.cluster.figure(0, r#"holdfast_watch_cuts_total{reason="too_slow"}"#).await?;
        (watchers <= (1 + STALLED_BY_GRPC) as f64 && cuts >= STALLED_BY_GRPC as f64).then_some(())
    })
    .await;
    let more = most.saturating_sub(memory_before);
    // The two readers who kept up had theirs.
    let told = events_told(&stage).await - told_before - EVENTS - OPENED_MEANWHILE;
    println!("{STALLED} readers that stood still: {} KiB more, and {told} events on their way", more >> 10);
    assert!(told <= STALLED * EVENTS / 2, "{told} events were written for readers that take nothing");
    assert!(more <= MEMORY_BYTES_MAX, "the node needs {more} bytes for readers that take nothing");

    // They wake up: what was on its way, an end, and all the rest behind it.
    let last = SlotId(live.told().last().unwrap().slot.unwrap());
    let whole = read_until(&stage, 0, begun, last).await;
    for reader in by_sse.into_iter().take(WAKING) {
        reader.goes_on(&stage, last, &whole).await;
    }
    for reader in by_grpc.into_iter().take(WAKING) {
        reader.goes_on(&stage, last, &whole).await;
    }
}

/// A reader over HTTP/1, whose connection is what stands still.
struct SseReader(Sse);

/// A reader over HTTP/2, whose stream stands still, and whose connection does not.
struct GrpcReader(GrpcStream);

impl SseReader {
    async fn open(stage: &Stage, begun: Revision) -> Self {
        let (token, after) = (stage.operator.token.as_deref().unwrap(), begun.to_string());
        let call = SseCall {
            token,
            last_event_id: Some(&after),
            receive_buffer: Some(WINDOW_BYTES),
            ..SseCall::default()
        };
        let mut stream = Sse::open(&stage.address(0), call).await.stream();
        assert_eq!(stream.next().await.unwrap().name, "hello");
        Self(stream)
    }

    async fn goes_on(self, stage: &Stage, last: SlotId, whole: &[Told]) {
        let Self(mut stream) = self;
        let mut told = Vec::new();
        let rest = async {
            while let Some(event) = stream.next().await {
                match event.name.as_str() {
                    "cut" => assert_eq!(event.data["reason"], "too_slow", "{event:?}"),
                    _ => told.push(Told::in_json(&event.data)),
                }
            }
        };
        assert!(tokio::time::timeout(PATIENCE, rest).await.is_ok(), "a stream that was let go has an end");
        assert!(told.len() < whole.len(), "it was told everything: nobody has let go of it");
        // Where a browser goes on.
        let after = revision_in(&stream.last_id);
        told.extend(read_until(stage, 0, after, last).await);
        assert!(
            told == *whole,
            "it has missed something, or was told twice: {} of {}",
            told.len(),
            whole.len()
        );
    }
}

impl GrpcReader {
    async fn open(stage: &Stage, begun: Revision) -> Self {
        let bearer = format!("Bearer {}", stage.operator.token.as_deref().unwrap());
        let Revision { index, ordinal } = begun;
        let start = Some(Start::After(proto::Revision { index, ordinal }));
        let request = proto::WatchRequest { start, ..proto::WatchRequest::default() };
        let grpc = Grpc::reach(&stage.address(0), Some(WINDOW_BYTES)).await.unwrap();
        let metadata = [("authorization", bearer.as_str())];
        let mut stream = grpc.stream("holdfast.v1.Watch/Watch", &metadata, &request).await.unwrap();
        let first = proto::WatchReply::decode(stream.next().await.unwrap()).unwrap();
        assert!(matches!(first.item, Some(Item::Hello(_))), "{first:?}");
        Self(stream)
    }

    async fn goes_on(self, stage: &Stage, last: SlotId, whole: &[Told]) {
        let Self(mut stream) = self;
        let mut told = Vec::new();
        let mut cut = None;
        let rest = async {
            while let Some(message) = stream.next().await {
                match proto::WatchReply::decode(message).unwrap().item.unwrap() {
                    Item::Events(events) => told.extend(events.events.into_iter().map(Told::from)),
                    Item::Cut(said) => cut = Some(said),
                    Item::Hello(_) | Item::Progress(_) | Item::Availability(_) => (),
                }
            }
        };
        assert!(tokio::time::timeout(PATIENCE, rest).await.is_ok(), "a stream that was cut has an end");
        let cut = cut.unwrap_or_else(|| panic!("cut without a word: {:?}", stream.status()));
        assert_eq!(cut.reason, "too_slow", "{cut:?}");
        let proto::Revision { index, ordinal } = cut.resume_after.unwrap();
        let after = Revision { index, ordinal };
        assert_eq!(told.last().unwrap().revision, after, "where to go on is where it was cut");
        told.extend(read_until(stage, 0, after, last).await);
        assert!(
            told == *whole,
            "it has missed something, or was told twice: {} of {}",
            told.len(),
            whole.len()
        );
    }
}

/// A watcher from now on.
fn watcher(stage: &Stage) -> Watcher {
    let token = stage.operator.token.clone().unwrap();
    Watcher { addresses: stage.addresses(), token, after: None }
}

/// Events that were written for whoever watches.
async fn events_told(stage: &Stage) -> usize {
    stage.cluster.figure(0, "holdfast_watch_events_total").await.unwrap() as usize
}
