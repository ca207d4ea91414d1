//! How many bytes of requests wait at this node, for the log or for their way to the leader.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::proposals::Group;

/// Counts the bytes of what waits. Clones are the same.
#[derive(Clone)]
pub(crate) struct Backlog(Arc<Semaphore>);

/// A group that waits. Its bytes count until it is taken out or dropped.
pub(crate) struct Queued {
    group: Group,
    bytes: Option<OwnedSemaphorePermit>,
}

impl Backlog {
    /// Lets so many bytes wait.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes_max)))
    }

    /// Puts a group into a queue; hands it back if that is full, or too much is waiting.
    pub(crate) fn put(&self, group: Group, queue: &mpsc::Sender<Queued>) -> Result<(), Group> {
        queue.try_send(self.admit(group)?).map_err(|refused| refused.into_inner().take())
    }

    fn admit(&self, group: Group) -> Result<Queued, Group> {
        let bytes = u32::try_from(group.bytes()).unwrap_or(u32::MAX);
        match self.0.clone().try_acquire_many_owned(bytes) {
            Ok(bytes) => Ok(Queued { group, bytes: Some(bytes) }),
            Err(_) => Err(group),
        }
    }
}

impl Queued {
    /// A group that is let in however much is waiting, and not counted.
    pub(crate) fn uncounted(group: Group) -> Self {
        Self { group, bytes: None }
    }

    pub(crate) fn group(&self) -> &Group {
        &self.group
    }

    /// Takes the group out: it waits no more.
    pub(crate) fn take(self) -> Group {
        drop(self.bytes);
        self.group
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::sync::oneshot;

    use super::*;
    use crate::proposals::Notify;

    fn group(bytes: usize) -> Group {
        Group { requests: vec![Bytes::from(vec![0; bytes])], notify: Notify::Internal(oneshot::channel().0) }
    }

    #[test]
    fn what_waits_is_counted_exactly_whatever_becomes_of_it() {
        let backlog = Backlog::new(100);
        for _ in 0..1000 {
            let first = backlog.admit(group(60)).ok().unwrap();
            assert!(backlog.admit(group(41)).is_err());
            let second = backlog.admit(group(40)).ok().unwrap();
            // The cluster's own are neither kept out nor counted.
            drop(Queued::uncounted(group(500)).take());
            drop(first.take());
            drop(second);
        }
        assert!(backlog.admit(group(100)).is_ok(), "nothing is left of them");
        assert!(backlog.admit(group(101)).is_err(), "and no room was gained");
    }
}
