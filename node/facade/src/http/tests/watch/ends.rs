//! How streams end, and what they leave behind.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_has_not_been_ready_for_long_sends_its_watchers_on() {
    let behind_duration = Duration::from_secs(1);
    let scene = Scene::within(Bounds { behind_duration, ..Bounds::default() }).await;
    let mut stream = scene.watch(&scene.mia, "").await;
    stream.expect("hello").await;
    scene.node.service.replica().shut_down().await;
    let cut = stream.expect("cut").await;
    assert_eq!(cut.data["reason"], json!("behind"), "{cut:?}");
    assert_eq!(cut.data["resumeAfter"], json!(cut.id.unwrap()));
    assert_eq!(stream.next().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_is_taken_as_long_as_anything_written_for_it_is_kept() {
    let scene = Scene::within(Bounds { watchers_per_user: 1, ..Bounds::default() }).await;
    let (stop, stopping) = watch::channel(false);
    let unread = scene.try_watch(&scene.mia, "", None, Some(Stopping(stopping))).await.unwrap();
    stop.send_replace(true);
    // The watcher is gone, and nobody has read what it left.
    timeout(PATIENCE, stop.closed()).await.expect("it goes on");
    assert_eq!(scene.refused(&scene.mia, "").await, (429, "too_many_watches".to_owned()));
    drop(unread);
    scene.watch(&scene.mia, "").await.expect("hello").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_of_what_is_left_does_not_put_off_the_sign_of_life() {
    let keep_alive_interval = Duration::from_millis(500);
    let scene = Scene::within(Bounds { keep_alive_interval, ..Bounds::default() }).await;
    let slot = scene.open_slots(1).await;
    let mut stream = scene.watch(&scene.tom, &format!("slotId={slot}&kind=slot.availability")).await;
    stream.expect("hello").await;
    stream.expect("slot.availability").await;
    for _ in 0..8 {
        scene.book(&scene.mia, slot, false).await;
        stream.expect("slot.availability").await;
    }
    assert!(stream.comments > 0, "it was told at most every 200 ms, and nothing else came between");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_what_is_stale_begins_at_a_node_that_is_cut_off() {
    let scene = Scene::open().await;
    scene.node.service.replica().shut_down().await;
    let mut stream = scene.watch(&scene.mia, "consistency=stale").await;
    stream.expect("hello").await;
    for query in ["consistency=soon", "consistency=stale&max_staleness=x"] {
        assert_eq!(scene.refused(&scene.mia, query).await, (400, "malformed".to_owned()), "{query}");
    }
}
