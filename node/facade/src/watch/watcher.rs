//! One watcher: what comes next on his stream, and why it ends.

use std::sync::Arc;

use holdfast_raft::{Consistency, View};
use holdfast_reservations::Revision;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::availability::{Availability, SlotLeft};
use super::filter::{Filter, may_see};
use super::happening::{Happening, Shown};
use super::tail::{Gone, Place, Tail, last_of, now_in};
use super::{CHECK_DURATION_MAX, CHECK_INTERVAL};
use crate::access::Endpoint;
use crate::problem::{Problem, Result};
use crate::service::{Caller, Service};

/// Turns true when the node stops. Put into every request by the listener.
#[derive(Clone, Debug)]
pub(crate) struct Stopping(pub(crate) watch::Receiver<bool>);

/// Where a stream starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// Behind everything that has happened by now.
    Now,
    /// Behind a revision.
    Revision(Revision),
    /// Behind everything of an entry: the index of an answer that showed what was there.
    Index(u64),
}

/// What somebody who wants to watch asks for.
pub(crate) struct WatchCall {
    pub(crate) token: Option<String>,
    pub(crate) from: From,
    pub(crate) filter: Filter,
    /// Whether a quorum is asked where the feed stands now.
    pub(crate) consistency: Consistency,
    pub(crate) stopping: Option<Stopping>,
}

/// What comes next on a stream.
#[derive(Debug)]
pub(crate) enum Item {
    /// What happened, in order.
    Events(Vec<Shown>),
    /// Nothing for this watcher; the stream lives, and he has missed nothing up to here.
    KeepAlive(Revision),
    /// What is left of slots; not in the order of the feed.
    Availability(Vec<SlotLeft>),
    /// The stream ends.
    Cut(Cut),
}

/// Why a stream ends, and how to go on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cut {
    /// Stable, for programs.
    pub(crate) reason: &'static str,
    pub(crate) detail: String,
    /// Behind which revision to go on; `None` if that cannot be.
    pub(crate) resume_after: Option<Revision>,
    /// The first entry whose events are kept, if it goes on only from there.
    pub(crate) first_index: Option<u64>,
}

impl Cut {
    pub(super) fn at(at: Revision, reason: &'static str, detail: &str) -> Self {
        Self { reason, detail: detail.to_owned(), resume_after: Some(at), first_index: None }
    }
}

/// Somebody who watches.
pub(crate) struct Watcher {
    service: Service,
    tail: Arc<Tail>,
    token: Option<String>,
    caller: Caller,
    filter: Filter,
    availability: Availability,
    at: Revision,
    reached: watch::Receiver<u64>,
    stopping: Option<Stopping>,
    check_at: Instant,
    keep_alive_at: Instant,
    /// Since when the node is seen not to be ready.
    unready_since: Option<Instant>,
}

/// What a watcher waits for.
enum Next {
    /// There may be something to tell.
    Look,
    KeepAlive,
    Stopping,
    Removed,
}

impl Service {
    /// Lets somebody watch; a quorum is asked where the feed stands unless he says where to start. His place is taken as
    /// long as anything that is written for him may be kept.
    pub(crate) async fn watch(&self, call: WatchCall, deadline: Instant) -> Result<(Watcher, Place)> {
        let WatchCall { token, from, filter, consistency, stopping } = call;
        let caller = self.admit(Endpoint::Watch, token.as_deref(), deadline).await?;
        let tail = self.tail().clone();
        let place = tail.enter(caller.user)?;
        // Subscribed before anything is read: what comes meanwhile is not slept through.
        let reached = tail.reached();
        let at = self.start_of(from, consistency, deadline).await?;
        if let Err(gone) = tail.read(at)? {
            return Err(revision_gone(at, gone));
        }
        let now = Instant::now();
        let watcher = Watcher {
            service: self.clone(),
            token,
            caller,
            availability: Availability::of(&filter),
            filter,
            at,
            reached,
            stopping,
            check_at: now + CHECK_INTERVAL,
            keep_alive_at: now + tail.bounds().keep_alive_interval,
            unready_since: None,
            tail,
        };
        Ok((watcher, place))
    }

    /// The revision behind which a stream starts.
    async fn start_of(&self, from: From, consistency: Consistency, deadline: Instant) -> Result<Revision> {
        let index = match from {
            From::Now => {
                let read = self.read(consistency, deadline, now_in).await?;
                return read.value.ok_or_else(not_kept);
            }
            From::Revision(Revision { index, .. }) | From::Index(index) => index,
        };
        if self.replica().applied() < index {
            // This node may be behind the one that gave the revision, but not once it has caught up.
            let read = self.read(Consistency::Linearizable, deadline, |_| ()).await?;
            if read.index < index {
                return Err(revision_unknown(index, read.index));
            }
        }
        let look = |view: &View<'_>| now_in(view).map(|_| last_of(view, index));
        let (last, _) = self.replica().look(look)?;
        let last = last.ok_or_else(not_kept)?;
        Ok(match from {
            From::Revision(revision) => revision,
            From::Index(_) | From::Now => last,
        })
    }
}

impl Watcher {
    /// Everything up to here was given out.
    pub(crate) fn at(&self) -> Revision {
        self.at
    }

    pub(super) fn service(&self) -> &Service {
        &self.service
    }

    /// Waits for what comes next. After a cut nothing does.
    pub(crate) async fn next(&mut self) -> Item {
        let item = self.next_item().await;
        match item {
            Item::Events(_) | Item::KeepAlive(_) => {
                self.keep_alive_at = Instant::now() + self.tail.bounds().keep_alive_interval;
            }
            // It does not say how far he is: on a busy slot he would never hear.
            Item::Availability(_) | Item::Cut(_) => (),
        }
        item
    }

    async fn next_item(&mut self) -> Item {
        loop {
            if self.check_at <= Instant::now() {
                if let Err(cut) = self.check().await {
                    return Item::Cut(cut);
                }
                self.check_at = Instant::now() + CHECK_INTERVAL;
            }
            if self.availability.due_at().is_some_and(|due_at| due_at <= Instant::now()) {
                let left = self.service.look(|view| self.availability.tell(view)).unwrap_or_default();
                if !left.is_empty() {
                    return Item::Availability(left);
                }
            }
            match self.read() {
                Err(cut) => return Item::Cut(cut),
                Ok((shown, _)) if !shown.is_empty() => return Item::Events(shown),
                // Of a long way behind: others want to get on too.
                Ok((_, false)) => tokio::task::yield_now().await,
                Ok((_, true)) => match self.wait().await {
                    Next::Look => (),
                    Next::KeepAlive => return Item::KeepAlive(self.at),
                    Next::Stopping => {
                        return Item::Cut(self.cut("stopping", "the node stops; go on at another"));
                    }
                    Next::Removed => {
                        return Item::Cut(self.cut("removed", "the node was removed; go on at another"));
                    }
                },
            }
        }
    }

    /// The next events that this watcher wants and may see, and whether they are the last there are.
    fn read(&mut self) -> std::result::Result<(Vec<Shown>, bool), Cut> {
        let at = self.at;
        let broken = |problem: Problem| Cut::at(at, "stopping", &problem.detail);
        let page = match self.tail.read(at).map_err(broken)? {
            Ok(page) => page,
            Err(gone) => return Err(cut_off(at, gone)),
        };
        let (filter, availability, caller) = (&self.filter, &mut self.availability, self.caller);
        let is_of_use = |event: &&Arc<Happening>| availability.is_wanted() || filter.may_want(&event.event);
        let events: Vec<_> = page.events.iter().filter(is_of_use).collect();
        let shown = match events.is_empty() {
            true => Vec::new(),
            false => {
                let show_all = |view: &View<'_>| {
                    let shown =
                        events.into_iter().map(|event| show(view, caller, filter, availability, event));
                    shown.flatten().collect()
                };
                self.service.look(show_all).map_err(broken)?
            }
        };
        self.at = page.at;
        Ok((shown, page.is_last))
    }

    async fn wait(&mut self) -> Next {
        let look_at = self.availability.due_at().map_or(self.check_at, |due_at| due_at.min(self.check_at));
        let Self { at, reached, stopping, service, keep_alive_at, .. } = self;
        let stops = async {
            match stopping {
                // If nobody is left who could say that the node stops, it does.
                Some(Stopping(stopping)) => drop(stopping.wait_for(|stopping| *stopping).await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = reached.wait_for(|reached| *reached > at.index) => Next::Look,
            () = sleep_until(look_at) => Next::Look,
            () = sleep_until(*keep_alive_at) => Next::KeepAlive,
            () = stops => Next::Stopping,
            _ = service.replica().removed() => Next::Removed,
        }
    }

    /// Whether the node has lately heard what happens, and what the watcher has shown of himself still counts and lets
    /// him see as much as at first.
    async fn check(&mut self) -> std::result::Result<(), Cut> {
        // Since it was first seen: between two looks a reader may have been waited for.
        let is_ready = self.service.replica().is_ready();
        self.unready_since =
            if is_ready { None } else { self.unready_since.or_else(|| Some(Instant::now())) };
        let bound = self.tail.bounds().behind_duration;
        if self.unready_since.is_some_and(|since| since.elapsed() >= bound) {
            return Err(self.cut("behind", "the node is cut off or far behind; go on at another"));
        }
        let deadline = Instant::now() + CHECK_DURATION_MAX;
        match self.service.identify(Endpoint::Watch, self.token.as_deref(), deadline).await {
            Ok(caller) if caller == self.caller => Ok(()),
            Ok(_) => Err(self.cut("unauthenticated", "your role has changed; watch anew")),
            // That nobody could say is no word against him.
            Err(problem) if problem.status == 503 => Err(self.cut("behind", &problem.detail)),
            Err(problem) => Err(self.cut("unauthenticated", &problem.detail)),
        }
    }

    fn cut(&self, reason: &'static str, detail: &str) -> Cut {
        Cut::at(self.at, reason, detail)
    }
}

/// An event as a watcher may see it, if he wants to. What it changes is noted in any case.
fn show(
    view: &View<'_>,
    caller: Caller,
    filter: &Filter,
    availability: &mut Availability,
    event: &Happening,
) -> Option<Shown> {
    let is_wanted = filter.may_want(&event.event);
    let details = event.details(view);
    availability.note(filter, &event.event, details.resource);
    let is_shown =
        is_wanted && filter.wants_resource(details.resource) && may_see(caller, &event.event, details);
    let (revision, event, resource) = (event.revision, event.event, details.resource);
    is_shown.then_some(Shown { revision, event, resource })
}

/// How to start again.
const START_AGAIN: &str =
    "read anew what you keep, then watch with `after` set to the Holdfast-Index of that answer";

fn revision_gone(at: Revision, Gone { first_index }: Gone) -> Problem {
    let detail =
        format!("events behind {at} are not kept any more, only since entry {first_index}: {START_AGAIN}");
    Problem::new(410, "revision_gone", detail).with("firstIndex", json!(first_index))
}

fn revision_unknown(index: u64, reached: u64) -> Problem {
    let detail = format!(
        "there is no entry {index}: the log ends at {reached}. The revision is of another cluster, or of one that was \
         restored since: {START_AGAIN}"
    );
    Problem::new(409, "revision_unknown", detail).with("lastIndex", json!(reached))
}

fn not_kept() -> Problem {
    let detail = "no events are kept until all nodes run a version that knows the feed";
    Problem::new(503, "feed_not_kept", detail)
}

fn cut_off(at: Revision, Gone { first_index }: Gone) -> Cut {
    let Problem { code: reason, detail, .. } = revision_gone(at, Gone { first_index });
    Cut { reason, detail, resume_after: None, first_index: Some(first_index) }
}
