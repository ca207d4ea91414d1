//! Carries what a watcher is told to his connection, and ends with either.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::Stream;

use super::STALLED_DURATION_MAX;
use super::tail::Place;
use super::watcher::{Cut, Item, Watcher};

/// Messages on their way out, besides the last one: a slow watcher reads on in the feed, not here.
const MESSAGES_AHEAD: usize = 2;

/// What is written for a watcher. A connection whose reader takes nothing keeps it when the stream has long been cut: the
/// place is free when it is gone, so that the number of places bounds the memory.
pub(crate) struct Messages<T> {
    receiver: mpsc::Receiver<T>,
    _place: Place,
}

impl<T> Stream for Messages<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.receiver.poll_recv(context)
    }
}

/// Writes `first`, and then all that comes, as `written` says, until either end is gone.
pub(crate) fn pump<T: Send + 'static>(
    (watcher, place): (Watcher, Place),
    first: T,
    mut written: impl FnMut(&Item) -> io::Result<T> + Send + 'static,
) -> Messages<T> {
    let (sender, receiver) = mpsc::channel(1 + MESSAGES_AHEAD);
    // One place stays free for the word that the stream is cut.
    let last = sender.clone().try_reserve_owned().ok();
    drop(sender.try_send(first));
    // It ends with its reader, at the latest when he takes nothing, and with the node.
    tokio::spawn(async move {
        let cut = run(watcher, &sender, &mut written).await;
        if let (Some(cut), Some(last)) = (cut, last)
            && let Ok(message) = written(&Item::Cut(cut))
        {
            last.send(message);
        }
    });
    Messages { receiver, _place: place }
}

/// Runs until the reader is gone, or is to be told why it ends.
async fn run<T>(
    mut watcher: Watcher,
    sender: &mpsc::Sender<T>,
    written: &mut impl FnMut(&Item) -> io::Result<T>,
) -> Option<Cut> {
    let metrics = watcher.service().metrics().clone();
    loop {
        // What is on its way out by then is still taken, or nothing is.
        let sent_until = watcher.at();
        let item = tokio::select! {
            item = watcher.next() => item,
            () = sender.closed() => return None,
        };
        let events = match &item {
            Item::Cut(cut) => {
                metrics.watch_cut(cut.reason);
                return Some(cut.clone());
            }
            Item::Events(events) => events.len(),
            Item::KeepAlive(_) | Item::Availability(_) => 0,
        };
        let message = written(&item).ok()?;
        match timeout(STALLED_DURATION_MAX, sender.send(message)).await {
            Ok(Ok(())) => metrics.watched(events),
            Ok(Err(_)) => return None,
            Err(_) => {
                let too_slow = Cut::at(sent_until, "too_slow", "you took nothing for half a minute");
                metrics.watch_cut(too_slow.reason);
                return Some(too_slow);
            }
        }
    }
}
