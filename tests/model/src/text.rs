//! A history as text, one call a line: what tests are written in, and what a failed run leaves behind.
//!
//! ```text
//! 0..5 user:3 node:1 key:a book slot:1 count:2 -> booking:1 revision:10-0 index:12
//! 6..9 user:4 node:2 key:b book slot:1 -> refused slot_full
//! end slot:1 capacity:2 available:0 confirmed:2
//! end booking:1 slot:1 owner:3 count:2
//! ```
//!
//! What is usual is left out: one place, for the caller himself, a booking as it was asked for.

use std::fmt;
use std::str::FromStr;

use holdfast_reservations::{BookingId, Revision, SlotId, UserId};

use crate::history::{Answer, Booking, Call, Counts, End, History, Request, Status};

/// A line that is no part of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no part of a history: {}", self.0)
    }
}

impl std::error::Error for Unreadable {}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.calls.iter().try_for_each(|call| writeln!(f, "{call}"))?;
        self.end
            .slots
            .iter()
            .try_for_each(|(slot, counts)| writeln!(f, "end {slot}{}", WithBlank(counts)))?;
        let nothing = Request::List(SlotId(0));
        self.end.bookings.values().try_for_each(|booking| writeln!(f, "end{}", told(booking, nothing)))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{} {}", self.invoked_at, self.answered_at, self.user)?;
        self.node.iter().try_for_each(|node| write!(f, " node:{node}"))?;
        self.key.iter().try_for_each(|key| write!(f, " key:{key}"))?;
        match self.request {
            Request::Book { slot, count, owner } => {
                write!(f, " book {slot}")?;
                if count != 1 {
                    write!(f, " count:{count}")?;
                }
                if owner != self.user {
                    write!(f, " owner:{}", owner.0)?;
                }
            }
            Request::Modify { booking, slot, count } => {
                write!(f, " modify {booking}")?;
                slot.iter().try_for_each(|slot| write!(f, " {slot}"))?;
                count.iter().try_for_each(|count| write!(f, " count:{count}"))?;
            }
            Request::Cancel(booking) => write!(f, " cancel {booking}")?,
            Request::CheckIn(booking) => write!(f, " check-in {booking}")?,
            Request::Get(booking) => write!(f, " get {booking}")?,
            Request::Look(slot) => write!(f, " look {slot}")?,
            Request::List(slot) => write!(f, " list {slot}")?,
        }
        write!(f, " ->")?;
        match &self.answer {
            Answer::Booking(booking) => write!(f, "{}", told(booking, self.request))?,
            Answer::Slot(counts) => write!(f, "{}", WithBlank(counts))?,
            Answer::List { bookings, .. } if bookings.is_empty() => write!(f, " nothing")?,
            Answer::List { bookings, has_more } => {
                bookings.iter().try_for_each(|booking| write!(f, " {booking}"))?;
                write!(f, "{}", if *has_more { " more" } else { "" })?;
            }
            Answer::Refused(code) => write!(f, " refused {code}")?,
            Answer::NotDone(code) => write!(f, " not-done {code}")?,
            Answer::Unknown => write!(f, " unknown")?,
        }
        self.index.iter().try_for_each(|index| write!(f, " index:{index}"))
    }
}

struct WithBlank<T>(T);

impl fmt::Display for WithBlank<&Counts> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { capacity, available, held, confirmed } = self.0;
        write!(f, " capacity:{capacity} available:{available}")?;
        let others = [("held", held), ("confirmed", confirmed)].into_iter().filter(|(_, count)| **count > 0);
        others.into_iter().try_for_each(|(name, count)| write!(f, " {name}:{count}"))
    }
}

/// A booking, as far as it is not what was asked for.
fn told(booking: &Booking, request: Request) -> String {
    let Booking { id, slot, owner, count, status, revision } = booking;
    let mut text = format!(" {id}");
    if request != (Request::Book { slot: *slot, count: *count, owner: *owner }) {
        text += &format!(" {slot} owner:{}", owner.0);
        if *count != 1 {
            text += &format!(" count:{count}");
        }
    }
    text += match status {
        Status::Confirmed => "",
        Status::Used => " used",
        Status::Cancelled => " cancelled",
        Status::Held => " held",
        Status::Expired => " expired",
        Status::Queued => " queued",
        Status::Rejected => " rejected",
        Status::NoShow => " no_show",
    };
    if let Some(revision) = revision {
        text += &format!(" revision:{revision}");
    }
    text
}

impl FromStr for History {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let mut history = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let read = match line.strip_prefix("end ") {
                Some(end) => read_end(&Words::of(end), &mut history.end),
                None => read_call(line).map(|call| history.calls.push(call)),
            };
            read.ok_or_else(|| Unreadable(line.to_owned()))?;
        }
        Ok(history)
    }
}

/// `name:value`, and words that stand alone.
struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Self {
        Self(text.split_whitespace().collect())
    }

    fn has(&self, word: &str) -> bool {
        self.0.contains(&word)
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix(':'))
    }

    fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    fn slot(&self) -> Option<SlotId> {
        self.number("slot").map(SlotId)
    }

    fn booking_id(&self) -> Option<BookingId> {
        self.number("booking").map(BookingId)
    }

    fn owner(&self) -> Option<UserId> {
        self.number("owner").map(UserId)
    }

    fn counts(&self) -> Option<Counts> {
        let (capacity, available) = (self.number("capacity")?, self.number("available")?);
        let (held, confirmed) = (self.number("held").unwrap_or(0), self.number("confirmed").unwrap_or(0));
        Some(Counts { capacity, available, held, confirmed })
    }

    /// A booking; what is left out is as it was asked for.
    fn booking(&self, request: Option<Request>) -> Option<Booking> {
        let asked = match request {
            Some(Request::Book { slot, count, owner }) => Some((slot, count, owner)),
            Some(
                Request::Modify { .. }
                | Request::Cancel(_)
                | Request::CheckIn(_)
                | Request::Get(_)
                | Request::Look(_)
                | Request::List(_),
            )
            | None => None,
        };
        let (slot, count, owner) = match asked.filter(|_| self.slot().is_none()) {
            Some(asked) => asked,
            None => (self.slot()?, self.number("count").unwrap_or(1), self.owner()?),
        };
        let status = match (self.has("used"), self.has("cancelled")) {
            (true, _) => Status::Used,
            (false, true) => Status::Cancelled,
            (false, false) => Status::Confirmed,
        };
        let revision = self.text("revision").and_then(|text| {
            let (index, ordinal) = text.split_once('-')?;
            Some(Revision { index: index.parse().ok()?, ordinal: ordinal.parse().ok()? })
        });
        Some(Booking { id: self.booking_id()?, slot, owner, count, status, revision })
    }
}

fn read_end(words: &Words<'_>, end: &mut End) -> Option<()> {
    match words.booking_id() {
        Some(id) => drop(end.bookings.insert(id, words.booking(None)?)),
        None => drop(end.slots.insert(words.slot()?, words.counts()?)),
    }
    Some(())
}

fn read_call(line: &str) -> Option<Call> {
    let (asked, came) = line.split_once(" -> ")?;
    let (asked, came) = (Words::of(asked), Words::of(came));
    let (invoked_at, answered_at) = asked.0.first()?.split_once("..")?;
    let user = UserId(asked.number("user")?);
    let request = read_request(&asked, user)?;
    Some(Call {
        invoked_at: invoked_at.parse().ok()?,
        answered_at: answered_at.parse().ok()?,
        user,
        node: asked.number("node"),
        key: asked.text("key").map(str::to_owned),
        request,
        answer: read_answer(&came, request)?,
        index: came.number("index"),
    })
}

fn read_request(words: &Words<'_>, user: UserId) -> Option<Request> {
    let verb = words.0.iter().skip(1).find(|word| !word.contains(':'))?;
    Some(match *verb {
        "book" => Request::Book {
            slot: words.slot()?,
            count: words.number("count").unwrap_or(1),
            owner: words.owner().unwrap_or(user),
        },
        "modify" => {
            Request::Modify { booking: words.booking_id()?, slot: words.slot(), count: words.number("count") }
        }
        "cancel" => Request::Cancel(words.booking_id()?),
        "check-in" => Request::CheckIn(words.booking_id()?),
        "get" => Request::Get(words.booking_id()?),
        "look" => Request::Look(words.slot()?),
        "list" => Request::List(words.slot()?),
        _ => return None,
    })
}

fn read_answer(words: &Words<'_>, request: Request) -> Option<Answer> {
    Some(match (words.0.as_slice(), request) {
        (["refused", code, ..], _) => Answer::Refused((*code).to_owned()),
        (["not-done", code, ..], _) => Answer::NotDone((*code).to_owned()),
        (["unknown", ..], _) => Answer::Unknown,
        (_, Request::Look(_)) => Answer::Slot(words.counts()?),
        (listed, Request::List(_)) => {
            let ids = listed.iter().filter_map(|word| word.strip_prefix("booking:")?.parse().ok());
            Answer::List { bookings: ids.map(BookingId).collect(), has_more: words.has("more") }
        }
        (
            _,
            Request::Book { .. }
            | Request::Modify { .. }
            | Request::Cancel(_)
            | Request::CheckIn(_)
            | Request::Get(_),
        ) => Answer::Booking(words.booking(Some(request))?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let lines = [
            "0..5 user:3 node:1 key:a book slot:1 count:2 -> booking:1 revision:10-0 index:12",
            "0..5 user:3 node:1 key:a book slot:1 owner:4 -> booking:1",
            "0..5 user:3 node:1 key:a book slot:1 -> booking:1 slot:2 owner:3 count:7",
            "0..5 user:3 node:1 key:a book slot:1 -> refused slot_full index:12",
            "0..5 user:3 book slot:1 -> not-done no_quorum",
            "0..5 user:3 key:a:b book slot:1 -> unknown",
            "6..7 user:3 key:b cancel booking:1 -> booking:1 slot:1 owner:3 count:2 cancelled",
            "6..7 user:3 key:b modify booking:1 slot:2 count:3 -> booking:1 slot:2 owner:3 count:3 revision:9-0",
            "6..7 user:3 key:b modify booking:1 count:1 -> refused slot_full",
            "6..7 user:2 key:b check-in booking:1 -> booking:1 slot:1 owner:3 used",
            "6..7 user:3 get booking:1 -> booking:1 slot:1 owner:3 used index:7",
            "6..7 user:3 look slot:1 -> capacity:5 available:3 confirmed:2",
            "6..7 user:3 list slot:1 -> booking:3 booking:2 more",
            "6..7 user:3 list slot:1 -> nothing",
            "end slot:1 capacity:5 available:3 held:1 confirmed:1",
            "end booking:1 slot:1 owner:3 count:2 cancelled revision:11-3",
        ];
        let text = lines.map(|line| format!("{line}\n")).concat();
        let history: History = text.parse().unwrap();
        assert_eq!(history.to_string(), text);
        assert_eq!(history.to_string().parse(), Ok(history));
    }

    #[test]
    fn nonsense_is_refused() {
        for nonsense in [
            "0..5 user:3 book slot:1",
            "0..5 book slot:1 -> unknown",
            "0..5 user:3 steal slot:1 -> unknown",
            "0..5 user:3 book slot:x -> unknown",
            "0..x user:3 book slot:1 -> unknown",
            "6..7 user:3 get booking:1 -> booking:1",
            "end slot:1 capacity:5",
        ] {
            assert_eq!(nonsense.parse::<History>(), Err(Unreadable(nonsense.to_owned())));
        }
    }
}
