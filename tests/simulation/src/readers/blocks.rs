//! Server-sent events, as browsers read them.

use holdfast_model::{Happened, Revision};
use serde_json::Value;

/// What a stream has said and nobody has taken in yet.
#[derive(Default)]
pub(super) struct Blocks {
    text: String,
}

/// One block of a stream.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Block {
    /// Where to go on after it, if it says so.
    pub(super) id: Option<String>,
    /// Its name; empty if it is none but a comment.
    pub(super) event: String,
    pub(super) data: Value,
}

impl Blocks {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.text.push_str(&String::from_utf8_lossy(bytes));
    }

    /// The next block that is whole.
    pub(super) fn next(&mut self) -> Option<Block> {
        let (block, rest) = self.text.split_once("\n\n")?;
        let mut read = Block::default();
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => read.id = Some(id.to_owned()),
                Some(("event", event)) => event.clone_into(&mut read.event),
                Some(("data", data)) => read.data = serde_json::from_str(data).unwrap_or_default(),
                Some(_) | None => (),
            }
        }
        self.text = rest.to_owned();
        Some(read)
    }
}

impl Block {
    /// The event it tells of.
    pub(super) fn happened(&self) -> Option<Happened> {
        let number = |name: &str| self.data[name].as_u64();
        let revision = self.id.as_deref().and_then(revision_in)?;
        let is_of_one_mind = self.data["revision"].as_str() == self.id.as_deref()
            && self.data["kind"].as_str() == Some(self.event.as_str());
        is_of_one_mind.then(|| Happened {
            revision,
            kind: self.event.clone(),
            booking: number("bookingId"),
            slot: number("slotId"),
            resource: number("resourceId"),
            venue: number("venueId"),
            user: number("userId"),
        })
    }
}

pub(super) fn revision_in(text: &str) -> Option<Revision> {
    let (index, ordinal) = text.split_once('-')?;
    Some(Revision { index: index.parse().ok()?, ordinal: ordinal.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn blocks_come_whole_however_the_stream_is_cut() {
        let text =
            "retry: 1000\nid: 7-0\nevent: hello\ndata: {\"kind\":\"hello\"}\n\n: keep-alive\nid: 9-1\n\n";
        let mut blocks = Blocks::default();
        let mut read = Vec::new();
        for byte in text.bytes() {
            blocks.add(&[byte]);
            read.extend(blocks.next());
        }
        let hello =
            Block { id: Some("7-0".to_owned()), event: "hello".to_owned(), data: json!({"kind": "hello"}) };
        assert_eq!(read, [hello, Block { id: Some("9-1".to_owned()), ..Block::default() }]);
    }

    #[test]
    fn an_event_is_what_its_id_and_its_name_say_too() {
        let data = json!({"revision": "7-1", "kind": "booking.used", "bookingId": 3, "slotId": 4});
        let mut block = Block { id: Some("7-1".to_owned()), event: "booking.used".to_owned(), data };
        let happened = block.happened().unwrap();
        assert_eq!((happened.revision, happened.booking), (Revision { index: 7, ordinal: 1 }, Some(3)));
        block.id = Some("7-2".to_owned());
        assert_eq!(block.happened(), None);
    }
}
