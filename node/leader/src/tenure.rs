//! Starts the leader's work when this node comes to lead, and ends it when another does.

use std::sync::Arc;

use holdfast_raft::Replica;

use crate::dispatcher::{Dispatcher, Post};
use crate::edition;
use crate::key_keeper;
use crate::scheduler::Scheduler;

/// Does the leader's work whenever this node leads, until the replica is gone. `post` brings its messages to the world.
pub async fn serve(replica: Replica, post: Arc<dyn Post>) {
    let mut leadership = replica.watch_leadership();
    loop {
        let Ok(began) = leadership.wait_for(|leadership| leadership.is_own).await.map(|began| *began) else {
            return;
        };
        tracing::info!(term = began.term, "this node leads");
        tokio::select! {
            () = Scheduler::new(replica.clone()).run() => (),
            () = key_keeper::run(replica.clone()) => (),
            () = edition::run(replica.clone()) => (),
            () = Dispatcher::new(replica.clone(), Arc::clone(&post)).run() => (),
            ended = leadership.wait_for(|now| *now != began) => if ended.is_err() { return },
        }
        tracing::info!(term = began.term, "this node leads no more");
    }
}
