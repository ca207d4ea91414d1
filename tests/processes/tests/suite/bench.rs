//! The load generator where it looks at a cluster while something is due: what it finds of a few bookings.

use std::time::Duration;

use holdfast_processes::{Program, beside};
use serde_json::Value;

/// A minute of moments, and a slow machine's time for the rest.
const ENDS_DURATION_MAX: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_at_once_is_measured_and_every_booking_looked_at() {
    let _machine = beside().await;
    let arguments = "bench --due 250 --rate 20 --clients 4 --slots 3 --warmup 0 --seconds 1 --output json";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let ended = Program::start(&arguments, &[]).ended(ENDS_DURATION_MAX).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let figures: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&figures["due"], &figures["slots"]), (&250.into(), &3.into()), "{figures}");
    for stage in ["ready", "noShows"] {
        let stage = &figures[stage];
        assert!(stage["seconds"].is_number() && stage["messagesSeconds"].is_number(), "{figures}");
        assert!(stage["ticks"].as_u64().is_some_and(|ticks| ticks > 0), "{figures}");
        assert!(stage["tickMaxMs"].as_f64().is_some_and(|max| max > 0.0), "{figures}");
    }
    for phase in ["before", "after"] {
        assert!(figures["foreground"][phase]["bookings"].as_u64() > Some(0), "{figures}");
    }
    assert!(figures["found"].as_u64() > Some(0), "{figures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_cluster_of_its_own_has_so_much_due() {
    let arguments = ["bench", "--due", "--endpoints", "127.0.0.1:1"];
    let ended = Program::start(&arguments, &[]).ended(ENDS_DURATION_MAX).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--endpoints"), "{ended:?}");
}
