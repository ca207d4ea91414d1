//! The dispatcher: has what waits in the outbox sent, and says to the rules what became of it.
//!
//! Each channel has its own messages under way, so that one that is down holds up no other. A later event of a booking is
//! not sent while an earlier one waits for the same channel.

mod compose;
mod doing;
mod pick;

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use holdfast_raft::{Consistency, ProposeError, Replica, View};
use holdfast_reservations::{
    Backlog, Channel, Command, Delivery, Destination, Outcome, SETTLED_MAX, SettleDeliveries, Settled,
    Target, Timestamp, delivery_destination, next_deliveries, outbox_channels,
};
use tokio::time::Instant;

use crate::senders::{self, Attempt, Message, Senders, is_given_up, wait_after};
use doing::{Doing, Happened};
use pick::{Picker, Place, Quiet, UnderWay, Wanted, is_overdue};

/// Brings a message to whom it is for: one attempt.
pub trait Post: Send + Sync {
    /// Makes the attempt.
    fn attempt<'a>(&'a self, message: &'a Message) -> Pin<Box<dyn Future<Output = Attempt> + Send + 'a>>;
}

impl Post for Senders {
    fn attempt<'a>(&'a self, message: &'a Message) -> Pin<Box<dyn Future<Output = Attempt> + Send + 'a>> {
        Box::pin(self.send(message))
    }
}

/// Messages of one channel that are under way at once.
const UNDER_WAY_MAX: usize = 32;

/// Deliveries of a channel that are read together.
const PAGE: usize = 512;

/// Pages of a channel that are looked at for some to send: so many may wait for another attempt before those behind them
/// are held up.
const PAGES_MAX: usize = 64;

/// Between two looks at the outbox: a busy leader applies entries all the time.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Longest wait for something to happen: a delivery may be due again. Also the pause after a settlement that the rules
/// did not take: each leaves an entry in the log, and an error in the operator's.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// A settlement that takes longer is given up and proposed again: settling twice does nothing.
const SETTLE_DURATION_MAX: Duration = Duration::from_secs(2);

/// After a settlement that failed, before another is proposed.
const PAUSE: Duration = Duration::from_millis(50);

/// How long to wait for what earlier leaders have proposed before it is asked anew how much that is.
const CATCH_UP_DURATION_MAX: Duration = Duration::from_secs(30);

/// Why a delivery was given up that was never tried: its destination was left alone, or there is no sender for it.
const GIVEN_UP: &str = "nobody took it for a day; the log of the leader says why";

/// An attempt that has ended.
struct Ended {
    place: Place,
    delivery: Arc<Delivery>,
    attempt: Attempt,
}

/// A settlement that has ended: so many of the first were agreed, none if it failed.
struct Agreed(usize);

/// What is to be done with a delivery that was picked.
enum Work {
    Send(Box<Message>),
    /// Whom it was for is gone, or it has waited too long.
    Settle(Settled),
}

/// What a look at the outbox has found.
#[derive(Default)]
struct Looked {
    work: Vec<(Place, Arc<Delivery>, Work)>,
    quiet: BTreeMap<Channel, Quiet>,
}

/// The dispatcher of one tenure.
pub(crate) struct Dispatcher {
    replica: Replica,
    post: Arc<dyn Post>,
    under_way: UnderWay,
    /// Channels that are left alone, and until when.
    resting: BTreeMap<Channel, Instant>,
    /// Channels in which nothing was to be done when they were last looked at.
    quiet: BTreeMap<Channel, Quiet>,
    /// What became of deliveries, and is not agreed yet.
    settled: Vec<(Place, Settled)>,
}

impl Dispatcher {
    pub(crate) fn new(replica: Replica, post: Arc<dyn Post>) -> Self {
        let (resting, quiet) = (BTreeMap::new(), BTreeMap::new());
        Self { replica, post, under_way: UnderWay::default(), resting, quiet, settled: Vec::new() }
    }

    /// Runs until it is dropped; what is under way then is sent again by the next leader.
    pub(crate) async fn run(mut self) {
        let post = Arc::clone(&self.post);
        let replica = self.replica.clone();
        until_caught_up(&replica).await;
        let mut doing = Doing::new();
        loop {
            let seen = self.send_more(&*post, &mut doing);
            let mut wait = pin!(until_something_is_new(&replica, seen));
            loop {
                self.settle(&mut doing);
                match doing.next(wait.as_mut()).await {
                    // There is room for others when it is agreed.
                    Happened::Ended(ended) => ended.into_iter().for_each(|ended| self.note(ended)),
                    Happened::Settled(Agreed(0)) => (),
                    Happened::Settled(Agreed(count)) => {
                        self.settled.drain(..count).for_each(|(place, _)| self.under_way.end(place));
                        break;
                    }
                    Happened::TimeIsUp => break,
                }
            }
        }
    }

    /// Starts attempts for what may be sent now. The answer is up to which log index the outbox was looked at.
    fn send_more<'a>(&mut self, post: &'a dyn Post, doing: &mut Doing<'a, Ended, Agreed>) -> u64 {
        let now = Instant::now();
        self.resting.retain(|_, until| *until > now);
        // Without entries the rows' time stands still, and an attempt becomes due all the same.
        let (_, running) = self.replica.due();
        let looked = self.replica.look(|view| self.look(view, view.now().max(running)));
        let Ok((looked, index)) = looked else { return 0 };
        self.quiet = looked.quiet;
        for (place, delivery, work) in looked.work {
            self.under_way.begin(place);
            match work {
                Work::Settle(settled) => self.settled.push((place, settled)),
                Work::Send(message) => doing.attempt(async move {
                    let attempt = post.attempt(&message).await;
                    Ended { place, delivery, attempt }
                }),
            }
        }
        index
    }

    fn look(&self, view: &View<'_>, now: Timestamp) -> Looked {
        let mut looked = Looked::default();
        for (channel, backlog) in outbox_channels(view) {
            if let Some(quiet) = self.quiet.get(&channel).filter(|quiet| quiet.lasts(backlog, now)) {
                looked.quiet.insert(channel, *quiet);
                continue;
            }
            let Some(wanted) = self.wanted(view, channel, backlog, now) else { continue };
            let picker = self.pick(view, channel, wanted, now);
            if let Some(quiet) = picker.quiet(backlog) {
                looked.quiet.insert(channel, quiet);
            }
            for (number, delivery) in picker.picked {
                let destination = delivery_destination(view, &delivery, now);
                let message = |destination| compose::message(view, channel, &delivery, destination, now);
                if let Some(work) = work(&delivery, destination, now, message) {
                    looked.work.push(((channel, number), delivery, work));
                }
            }
        }
        looked
    }

    /// What is looked for in a channel now, if anything.
    fn wanted(&self, view: &View<'_>, channel: Channel, backlog: Backlog, now: Timestamp) -> Option<Wanted> {
        let under_way = self.under_way.of(channel);
        if backlog.waiting <= under_way as u64 || under_way >= UNDER_WAY_MAX {
            return None;
        }
        if !self.resting.contains_key(&channel) {
            return Some(Wanted::Due);
        }
        // They were put there in the order of their numbers: if the first is young, all are.
        let first = next_deliveries(view, channel, 0, 1);
        first.iter().any(|(_, first)| is_overdue(first, now)).then_some(Wanted::Overdue)
    }

    fn pick(&self, view: &View<'_>, channel: Channel, wanted: Wanted, now: Timestamp) -> Picker<'_> {
        let pages_max = match wanted {
            Wanted::Due => PAGES_MAX,
            // They are the first of the channel, and the next look finds others.
            Wanted::Overdue => 1,
        };
        let mut picker = Picker::new(channel, wanted, &self.under_way, now, UNDER_WAY_MAX);
        let mut behind = 0;
        for _ in 0..pages_max {
            let page = next_deliveries(view, channel, behind, PAGE);
            picker.look_at(&page);
            match page.last() {
                Some((last, _)) if page.len() == PAGE && picker.has_room() => behind = *last,
                Some(_) | None => break,
            }
        }
        picker
    }

    /// Notes how an attempt ended.
    fn note(&mut self, ended: Ended) {
        let Ended { place, delivery, attempt } = ended;
        match attempt {
            Attempt::Waits(wait) => {
                self.under_way.end(place);
                self.resting.insert(place.0, Instant::now() + wait);
            }
            Attempt::Made(made) => {
                let (_, now) = self.replica.due();
                let settled = settled(place, &delivery, made, now);
                self.settled.push((place, settled));
            }
        }
    }

    /// Begins to have the rules agree to what became of deliveries. What is not known to be agreed is tried again.
    fn settle(&self, doing: &mut Doing<'_, Ended, Agreed>) {
        if self.settled.is_empty() || doing.is_settling() {
            return;
        }
        let results: Vec<_> = self.settled.iter().take(SETTLED_MAX).cloned().collect();
        let results = results.into_iter().map(|((channel, number), settled)| (channel, number, settled));
        doing.settle(agree(self.replica.clone(), results.collect()));
    }
}

async fn agree(replica: Replica, results: Vec<(Channel, u64, Settled)>) -> Agreed {
    let count = results.len();
    let command = Command::SettleDeliveries(SettleDeliveries { results });
    match replica.propose_internal(command, Instant::now() + SETTLE_DURATION_MAX).await {
        Ok(applied) => agreed(count, &applied.outcome).await,
        Err(error) => {
            if !matches!(error, ProposeError::NotLeader | ProposeError::NoLeader) {
                tracing::debug!(%error, "what became of notifications is not agreed yet");
            }
            tokio::time::sleep(PAUSE).await;
            Agreed(0)
        }
    }
}

/// How a settlement ended that was applied. One that was not taken is proposed again: without it, all that it tells of
/// would be sent again.
async fn agreed(count: usize, outcome: &Outcome) -> Agreed {
    if matches!(outcome, Outcome::DeliveriesSettled(_)) {
        return Agreed(count);
    }
    tracing::error!(?outcome, count, "the rules do not take what became of notifications");
    tokio::time::sleep(WAIT_MAX).await;
    Agreed(0)
}

/// Waits until all that earlier leaders have proposed is applied or lost: what they saw arrive is not sent again, behind
/// what came after it.
async fn until_caught_up(replica: &Replica) {
    while replica
        .read(Consistency::Linearizable, Instant::now() + CATCH_UP_DURATION_MAX, |_| ())
        .await
        .is_err()
    {
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits until the outbox is to be looked at again, having been looked at up to a log index.
async fn until_something_is_new(replica: &Replica, seen: u64) {
    tokio::time::sleep(LOOK_INTERVAL).await;
    drop(tokio::time::timeout(WAIT_MAX, replica.applied_past(seen)).await);
}

/// What is to be done with a delivery; nothing for a webhook that is gone, which ticks clear away.
fn work(
    delivery: &Delivery,
    destination: Option<Destination>,
    now: Timestamp,
    message: impl FnOnce(Destination) -> Message,
) -> Option<Work> {
    match destination {
        Some(_) if is_overdue(delivery, now) => {
            let error = delivery.last_error.clone().unwrap_or_else(|| GIVEN_UP.to_owned());
            Some(Work::Settle(Settled::Dead { error }))
        }
        Some(destination) => Some(Work::Send(Box::new(message(destination)))),
        None => match delivery.target {
            Target::Webhook(_) => None,
            Target::Device { .. } => {
                Some(Work::Settle(Settled::Gone { error: "the device was removed".to_owned() }))
            }
            // He may give one later.
            Target::Address(_) => {
                Some(Work::Settle(Settled::Dead { error: "the user has no address".to_owned() }))
            }
        },
    }
}

/// What the rules are told of an attempt.
fn settled(place: Place, delivery: &Delivery, made: senders::Delivery, now: Timestamp) -> Settled {
    match made {
        senders::Delivery::Delivered => Settled::Delivered { status: 200 },
        senders::Delivery::Gone { why } => Settled::Gone { error: why },
        senders::Delivery::Refused { why } => Settled::Dead { error: why },
        senders::Delivery::Retry { after, why } | senders::Delivery::NotNow { after, why } => {
            again(place, delivery, after, why, now)
        }
    }
}

fn again(place: Place, delivery: &Delivery, after: Option<Duration>, why: String, now: Timestamp) -> Settled {
    let attempts = delivery.attempts.saturating_add(1);
    let age = Duration::from_millis(now.since(delivery.put_at).0);
    if is_given_up(attempts, age) {
        return Settled::Dead { error: why };
    }
    let wait = wait_after(attempts, scattered(place, attempts), after);
    let wait = holdfast_reservations::Millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    Settled::Retry { attempts, next_at: now.plus(wait), error: why }
}

/// A number that differs from delivery to delivery, so that what failed together does not come back together.
fn scattered((_, number): Place, attempts: u32) -> u64 {
    number.wrapping_add(u64::from(attempts) << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16
}

#[cfg(test)]
mod tests;
