//! Whatever the log asked to be sent was sent, or is known to be undeliverable; nothing else was; and whoever was told of
//! a booking was told in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use holdfast_reservations::{
    Channel, Delivery, Destination, Entry, Key, MemoryRows, Order, Platform, ReadRows as _, Row, State,
    Target, WebhookId, delivery_destination,
};

use crate::outside::{Recipient, Sent};

/// More than wait at once.
const ROWS_MAX: usize = 100_000;

/// An event to somebody.
type Notice = (String, Recipient);

/// What the log says of the outbox.
#[derive(Default)]
struct Asked {
    /// Every notice that ever waited, in the order of each channel.
    notices: Vec<(Notice, Arc<Delivery>)>,
    /// Those that were taken out as delivered, or because the receiver is gone.
    settled: BTreeSet<Notice>,
    /// Those that were dead letters at some time.
    dead: BTreeSet<Notice>,
    /// Those that wait still.
    waiting: BTreeMap<(Channel, u64), (Notice, Arc<Delivery>)>,
}

/// Compares what the log asked for with what was sent.
///
/// # Errors
///
/// What does not fit.
pub(super) fn judge(log: &[(u64, Entry)], sent: &[Sent]) -> Result<(), String> {
    let asked = Asked::of(log);
    if let Some((notice, _)) = asked.waiting.values().next() {
        return Err(format!("outbox: {} wait still, {notice:?} among them", asked.waiting.len()));
    }
    let mut attempts: BTreeMap<Notice, Vec<&Sent>> = BTreeMap::new();
    for attempt in sent {
        attempts.entry((attempt.event.clone(), attempt.to.clone())).or_default().push(attempt);
    }
    asked.judge_sent(&attempts)?;
    asked.judge_settled(&attempts)?;
    asked.judge_order(&attempts)
}

impl Asked {
    fn of(log: &[(u64, Entry)]) -> Self {
        let (mut asked, mut state) = (Self::default(), State::over(MemoryRows::default()));
        for (index, entry) in log {
            state.apply(*index, entry);
            asked.look(&state);
        }
        asked
    }

    fn look(&mut self, state: &State<MemoryRows>) {
        let rows = state.rows();
        let mut dead = BTreeSet::new();
        let letters = Key::DeadLetter(0)..Key::DeadLetter(u64::MAX);
        for (_, row) in rows.scan(letters, Order::Ascending, ROWS_MAX) {
            let Row::DeadLetter(letter) = row else { continue };
            dead.extend(notice_of(state, &letter.delivery));
        }
        let all = Key::Outbox(Channel::Apns, 0)..Key::Outbox(Channel::Webhook(WebhookId(u64::MAX)), u64::MAX);
        let mut waiting = BTreeMap::new();
        for (key, row) in rows.scan(all, Order::Ascending, ROWS_MAX) {
            let (Key::Outbox(channel, number), Row::Delivery(delivery)) = (key, row) else { continue };
            let known = self.waiting.remove(&(channel, number));
            let is_new = known.is_none();
            let known = known.or_else(|| Some((notice_of(state, &delivery)?, delivery)));
            if is_new {
                self.notices.extend(known.clone());
            }
            waiting.extend(known.map(|known| ((channel, number), known)));
        }
        let gone = std::mem::replace(&mut self.waiting, waiting);
        // A letter that was given up and sent once more by one entry waits again, under another number.
        let again: BTreeSet<&Notice> = self.waiting.values().map(|(notice, _)| notice).collect();
        for (notice, delivery) in gone.into_values() {
            // Whoever is there no more is told nothing more.
            let is_open = dead.contains(&notice) || again.contains(&notice);
            if !is_open && notice_of(state, &delivery).is_some() {
                self.settled.insert(notice);
            }
        }
        self.dead.extend(dead);
    }

    /// Only what was asked for is sent, and it says what was asked for.
    fn judge_sent(&self, attempts: &BTreeMap<Notice, Vec<&Sent>>) -> Result<(), String> {
        let asked: BTreeMap<&Notice, &Delivery> =
            self.notices.iter().map(|(notice, delivery)| (notice, &**delivery)).collect();
        for sent in attempts.values().flatten() {
            let Some(delivery) = asked.get(&(sent.event.clone(), sent.to.clone())) else {
                return Err(format!("outbox: nobody has asked for {sent:?}"));
            };
            let booking = delivery.booking.map_or(0, |booking| booking.0);
            if (&sent.kind, sent.booking, sent.slot) != (&delivery.kind, booking, delivery.slot.0) {
                return Err(format!("outbox: {sent:?} is not what was asked for: {delivery:?}"));
            }
        }
        Ok(())
    }

    /// What does not wait any more, and is no dead letter, has arrived, or was told that nobody is there.
    fn judge_settled(&self, attempts: &BTreeMap<Notice, Vec<&Sent>>) -> Result<(), String> {
        let is_done = |sent: &&&Sent| sent.arrived.is_some() || sent.is_gone;
        let is_lost =
            |notice: &&Notice| attempts.get(*notice).is_none_or(|all| !all.iter().any(|sent| is_done(&sent)));
        match self.settled.iter().find(is_lost) {
            None => Ok(()),
            Some(notice) => {
                let tried = attempts.get(notice).map_or(0, Vec::len);
                Err(format!("outbox: {notice:?} was settled, and never arrived; it was tried {tried} times"))
            }
        }
    }

    /// Nobody is told of a later event of a booking before an earlier one has reached him.
    fn judge_order(&self, attempts: &BTreeMap<Notice, Vec<&Sent>>) -> Result<(), String> {
        let mut reached: BTreeMap<(&Recipient, u64, u64), (u64, &str)> = BTreeMap::new();
        let mut known = BTreeSet::new();
        for (notice, delivery) in &self.notices {
            // What is sent once more comes when it comes.
            if !known.insert(notice) || self.dead.contains(notice) {
                continue;
            }
            let Some(all) = attempts.get(notice) else { continue };
            let (Some(began), arrived) =
                (all.iter().map(|sent| sent.began).min(), all.iter().filter_map(|sent| sent.arrived).min())
            else {
                continue;
            };
            let subject = match delivery.booking {
                Some(booking) => (&notice.1, booking.0, 0),
                None => (&notice.1, 0, delivery.slot.0),
            };
            if let Some((before_at, before)) = reached.get(&subject)
                && began < *before_at
            {
                return Err(format!("outbox: {notice:?} was sent before {before} had arrived"));
            }
            reached.extend(arrived.map(|arrived| (subject, (arrived, notice.0.as_str()))));
        }
        Ok(())
    }
}

/// To whom a delivery goes; nobody if he is there no more.
fn notice_of(state: &State<MemoryRows>, delivery: &Delivery) -> Option<Notice> {
    let to = match delivery_destination(state.rows(), delivery, state.now())? {
        Destination::Device { platform: Platform::Apns, token, .. } => Recipient::Apple(token),
        Destination::Device { platform: Platform::Fcm, token, .. } => Recipient::Google(token),
        Destination::Address { email, .. } => Recipient::Mailbox(email),
        Destination::Webhook { .. } => match delivery.target {
            Target::Webhook(id) => Recipient::Hook(id.0),
            Target::Device { .. } | Target::Address(_) => return None,
        },
    };
    Some((delivery.event.to_string(), to))
}

#[cfg(test)]
mod tests {
    use holdfast_reservations::{BookingId, Revision, SlotId, Timestamp, UserId};

    use super::*;

    fn phone() -> Recipient {
        Recipient::Apple("phone".to_owned())
    }

    fn notice(index: u64) -> Notice {
        (format!("{index}-0"), phone())
    }

    /// Events of one booking, all of them settled.
    fn asked(events: &[u64]) -> Asked {
        let delivery = |index: &u64| Delivery {
            event: Revision { index: *index, ordinal: 0 },
            kind: "booking.ready".to_owned(),
            booking: Some(BookingId(7)),
            slot: SlotId(1),
            user: Some(UserId(3)),
            target: Target::Device { user: UserId(3), device: 1 },
            occurred_at: Timestamp(0),
            put_at: Timestamp(0),
            attempts: 0,
            next_at: Timestamp(0),
            last_error: None,
        };
        Asked {
            notices: events.iter().map(|index| (notice(*index), Arc::new(delivery(index)))).collect(),
            settled: events.iter().map(|index| notice(*index)).collect(),
            ..Asked::default()
        }
    }

    fn sent(index: u64, began: u64, arrived: Option<u64>) -> Sent {
        let (event, kind) = (format!("{index}-0"), "booking.ready".to_owned());
        Sent { event, kind, booking: 7, slot: 1, to: phone(), began, arrived, is_gone: false }
    }

    fn says(asked: &Asked, sent: &[Sent]) -> String {
        let mut attempts: BTreeMap<Notice, Vec<&Sent>> = BTreeMap::new();
        for one in sent {
            attempts.entry((one.event.clone(), one.to.clone())).or_default().push(one);
        }
        let judged = asked.judge_sent(&attempts).and_then(|()| asked.judge_settled(&attempts));
        judged.and_then(|()| asked.judge_order(&attempts)).err().unwrap_or_default()
    }

    #[test]
    fn what_is_settled_has_arrived_however_often_it_was_tried() {
        let tried = [sent(5, 1, None), sent(5, 3, Some(4)), sent(5, 5, Some(6))];
        assert_eq!(says(&asked(&[5]), &tried), "");
        let gone = Sent { is_gone: true, ..sent(5, 1, None) };
        assert_eq!(says(&asked(&[5]), &[gone]), "");
        assert!(says(&asked(&[5]), &tried[..1]).contains("was settled, and never arrived"));
        assert!(says(&asked(&[5]), &[]).contains("it was tried 0 times"));
    }

    #[test]
    fn only_what_was_asked_for_is_sent_and_says_so() {
        assert!(says(&asked(&[]), &[sent(5, 1, Some(2))]).contains("nobody has asked"));
        let other = Sent { booking: 8, ..sent(5, 1, Some(2)) };
        assert!(says(&asked(&[5]), &[other]).contains("is not what was asked for"));
    }

    #[test]
    fn a_booking_is_told_of_in_order_unless_an_event_was_given_up() {
        let in_order = [sent(5, 1, Some(2)), sent(6, 3, Some(4)), sent(5, 5, Some(6))];
        assert_eq!(says(&asked(&[5, 6]), &in_order), "", "an old leader may send it once more");
        let too_early = [sent(6, 1, Some(2)), sent(5, 3, Some(4))];
        assert!(says(&asked(&[5, 6]), &too_early).contains("was sent before 5-0 had arrived"));
        let mut given_up = asked(&[5, 6]);
        given_up.dead.insert(notice(5));
        assert_eq!(says(&given_up, &too_early), "");
    }
}
