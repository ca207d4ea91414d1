//! The first moments of a cluster.

use std::time::{SystemTime, UNIX_EPOCH};

use holdfast_reservations::{ReadTyped as _, User};

use crate::replicas::{node, sign_up};

/// Whether leadership, members or the first command is seen first is a race, so it is run several times.
const CLUSTERS: u64 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_begins_with_the_clock_of_the_founder_however_soon_the_first_command_comes() {
    for _ in 0..CLUSTERS {
        let dir = tempfile::tempdir().unwrap();
        let before_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let first = node(dir.path(), &[]).await;
        let id = sign_up(&first, 1).await;
        let (user, _) = first.look(|view| view.row::<User>(id)).unwrap();
        let began_ms = u128::from(user.unwrap().created_at.0);
        assert!(began_ms >= before_ms, "time began at {began_ms}");
    }
}
