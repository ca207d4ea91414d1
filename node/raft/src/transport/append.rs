//! Entries on their way to a follower: many appends in flight on one stream, heartbeats one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt as _};
use futures_util::{FutureExt as _, future::BoxFuture};
use openraft::errors::{NetworkError, Timeout};
use openraft::network::{NetAppend, NetStreamAppend, RPCOption, RPCTypes, stream_append_sequential};
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse};
use tokio_stream::Stream;
use tonic::{Request, Status};

use crate::convert::{AppendResult, from_wire_append_reply, to_wire_append};
use crate::peers::Purpose;
use crate::store::Purged;
use crate::transport::{Link, failed, malformed};
use crate::types::{RpcError, Types};

/// A follower that leaves an append unanswered for so long is given up, and the stream with it: a connection that is
/// half open would otherwise hold replication for ever.
const REPLY_DURATION_MAX: Duration = Duration::from_secs(2);

impl NetAppend<Types> for Link {
    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<Types>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<Types>, RpcError> {
        let mut client = self.control()?;
        let request = to_wire_append(request).map_err(malformed)?;
        let call = client.heartbeat(Request::new(request));
        let reply = self.within(&option, RPCTypes::AppendEntries, call).await?;
        from_wire_append_reply(reply).map(AppendEntriesResponse::from).map_err(malformed)
    }
}

impl NetStreamAppend<Types> for Link {
    fn stream_append<'s, S>(
        &'s mut self,
        requests: S,
        option: RPCOption,
    ) -> BoxFuture<'s, Result<BoxStream<'s, Result<AppendResult, RpcError>>, RpcError>>
    where
        S: Stream<Item = AppendEntriesRequest<Types>> + Send + Unpin + 'static,
    {
        match self.purpose {
            Purpose::Control => stream_append_sequential(self, requests, option),
            Purpose::Entries | Purpose::Snapshots | Purpose::HandOver => self.stream(requests).boxed(),
        }
    }
}

impl Link {
    async fn stream<'s, S>(
        &'s self,
        requests: S,
    ) -> Result<BoxStream<'s, Result<AppendResult, RpcError>>, RpcError>
    where
        S: Stream<Item = AppendEntriesRequest<Types>> + Send + Unpin + 'static,
    {
        let mut requests = until_gap(requests, self.purged.clone());
        // The first request comes after a pause when the follower was out of reach: openraft waits nowhere else.
        let Some(first) = requests.next().await else { return Ok(stream::empty().boxed()) };
        let requests = stream::once(std::future::ready(first)).chain(requests);
        let mut client = self.client()?;
        let sent = Arc::new(AtomicU64::new(0));
        let counter = sent.clone();
        let outgoing = requests.filter_map(move |request| {
            counter.fetch_add(1, Ordering::Relaxed);
            let request = to_wire_append(request);
            // What we made ourselves can be encoded; if not, the reply that never comes ends the stream.
            std::future::ready(request.inspect_err(|error| tracing::error!(%error, "an append is lost")).ok())
        });
        let opened = tokio::time::timeout(REPLY_DURATION_MAX, client.append(Request::new(outgoing))).await;
        let replies = match opened {
            Ok(Ok(response)) => response.into_inner(),
            Ok(Err(status)) => return Err(failed(&status)),
            Err(_) => return Err(self.timed_out()),
        };
        let waiting = Replies { link: self, replies, sent, received: 0 };
        Ok(futures_util::stream::unfold(Some(waiting), Replies::step).boxed())
    }

    fn timed_out(&self) -> RpcError {
        let (id, target) = (self.peers.own_id(), self.target);
        Timeout { action: RPCTypes::AppendEntries, id, target, timeout: REPLY_DURATION_MAX }.into()
    }
}

/// The requests up to one that has no entries because the next ones were purged before they were read: they will not come
/// back, and with this stream, and no other, ends what openraft meant to send.
fn until_gap<S>(requests: S, purged: Purged) -> impl Stream<Item = AppendEntriesRequest<Types>> + Send + Unpin
where
    S: Stream<Item = AppendEntriesRequest<Types>> + Send + Unpin + 'static,
{
    let has_gap = move |request: &AppendEntriesRequest<Types>| {
        let next = request.prev_log_id.map_or(0, |id| id.index + 1);
        request.entries.is_empty() && purged.has(next)
    };
    requests.take_while(move |request| std::future::ready(!has_gap(request)))
}

/// The replies to one stream of appends.
struct Replies<'s> {
    link: &'s Link,
    replies: tonic::Streaming<holdfast_proto::raft::AppendReply>,
    sent: Arc<AtomicU64>,
    received: u64,
}

impl Replies<'_> {
    /// The next reply, and what comes after it; an error ends the stream.
    async fn step(this: Option<Self>) -> Option<(Result<AppendResult, RpcError>, Option<Self>)> {
        let mut this = this?;
        match this.next().await {
            Ok(Some(reply)) => Some((Ok(reply), Some(this))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    }

    async fn next(&mut self) -> Result<Option<AppendResult>, RpcError> {
        loop {
            let is_owed = self.sent.load(Ordering::Relaxed) > self.received;
            match tokio::time::timeout(REPLY_DURATION_MAX, self.replies.next()).await {
                Ok(Some(Ok(reply))) => {
                    self.received += 1;
                    return from_wire_append_reply(reply).map(Some).map_err(malformed);
                }
                Ok(Some(Err(status))) => return Err(failed(&status)),
                Ok(None) if is_owed => return Err(self.ended()),
                Ok(None) => return Ok(None),
                // Nothing was owed for all that time: the leader has had nothing to say.
                Err(_) if !is_owed => (),
                Err(_) => return Err(self.link.timed_out()),
            }
        }
    }

    fn ended(&self) -> RpcError {
        let status = Status::unavailable("the stream ended before all its replies");
        NetworkError::from_string(format!("node {}: {}", self.link.target, status.message())).into()
    }
}

#[cfg(test)]
mod tests {
    use holdfast_storage::log::{Log, LogOptions};
    use holdfast_storage::simulated::SimulatedDisk;
    use openraft::entry::RaftEntry as _;
    use openraft::storage::RaftLogStorage as _;

    use super::*;
    use crate::convert::to_stored_entry;
    use crate::store::LogStore;
    use crate::types::{Entry, LeaderId, LogId, Payload, Vote};

    fn id(index: u64) -> LogId {
        LogId::new(LeaderId { term: 1, node_id: 1 }, index)
    }

    fn entry(index: u64) -> Entry {
        Entry::new(id(index), Payload::Blank)
    }

    fn request(prev: u64, entries: Vec<Entry>) -> AppendEntriesRequest<Types> {
        let (vote, leader_commit) = (Vote::new_committed(1, 1), None);
        AppendEntriesRequest { vote, prev_log_id: Some(id(prev)), entries, leader_commit }
    }

    #[tokio::test]
    async fn purged_entries_end_the_stream_of_the_follower_that_needs_them_and_no_other() {
        let (disk, options) = (SimulatedDisk::new(1), LogOptions::default());
        let (log, _writer) = Log::open(disk, "/log".into(), "/log.synced".into(), 0, options).await.unwrap();
        let mut store = LogStore::over(log);
        let stored = (0..10).map(|index| to_stored_entry(entry(index)).unwrap()).collect();
        store.0.append(stored, Box::new(|_| ()));
        let sent = |requests: Vec<AppendEntriesRequest<Types>>, store: &LogStore<_>| {
            until_gap(stream::iter(requests), store.purged()).count().now_or_never()
        };
        let behind = vec![request(2, vec![entry(3)]), request(3, vec![]), request(3, vec![])];
        assert_eq!(sent(behind.clone(), &store), Some(3), "nothing was purged");

        store.purge(id(5)).await.unwrap();
        assert_eq!(sent(behind, &store), Some(1));
        let beside = vec![request(5, vec![]), request(8, vec![entry(9)]), request(9, vec![])];
        assert_eq!(sent(beside, &store), Some(3));
    }
}
