//! One simulated file's bytes: what reads show, what is surely on the disk, and the changes between the two.

use std::collections::BTreeMap;

use super::random::{Random, Survival};

/// Smallest unit a disk writes whole.
const SECTOR_BYTES: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Contents {
    live: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Unsynced>,
}

#[derive(Debug)]
struct Unsynced {
    sequence: u64,
    change: Change,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl Contents {
    pub(super) fn live(&self) -> &[u8] {
        &self.live
    }

    pub(super) fn write(&mut self, sequence: u64, offset: usize, bytes: &[u8]) {
        self.change(sequence, Change::Write { offset, bytes: bytes.to_vec() });
    }

    pub(super) fn set_length(&mut self, sequence: u64, length: usize) {
        self.change(sequence, Change::Length(length));
    }

    fn change(&mut self, sequence: u64, change: Change) {
        change.apply(&mut self.live);
        self.unsynced.push(Unsynced { sequence, change });
    }

    /// A sync of everything up to `sequence` succeeded.
    pub(super) fn settle(&mut self, sequence: u64) {
        for change in self.take_until(sequence) {
            change.apply(&mut self.durable);
        }
    }

    /// Bytes that a crash keeps, whatever the dice say: they are on the disk, and nothing on its way there would change
    /// them.
    pub(super) fn durable_at(&self, offset: usize, length: usize) -> Option<&[u8]> {
        let end = offset.checked_add(length)?;
        let is_spared = |unsynced: &Unsynced| match &unsynced.change {
            Change::Write { offset: from, bytes } => from + bytes.len() <= offset || end <= *from,
            Change::Length(length) => end <= *length,
        };
        self.durable.get(offset..end).filter(|_| self.unsynced.iter().all(is_spared))
    }

    /// A sync of everything up to `sequence` failed: reads go on showing the bytes, but the disk will never have them.
    pub(super) fn lose(&mut self, sequence: u64) {
        self.take_until(sequence);
    }

    fn take_until(&mut self, sequence: u64) -> Vec<Change> {
        let count = self.unsynced.partition_point(|unsynced| unsynced.sequence <= sequence);
        self.unsynced.drain(..count).map(|unsynced| unsynced.change).collect()
    }

    pub(super) fn crash(&mut self, random: &mut Random) {
        let changes = self.take_until(u64::MAX);
        for change in surviving(changes, random) {
            change.apply(&mut self.durable);
        }
        self.live = self.durable.clone();
    }

    /// Rot: the bit is wrong on the disk, and in every read from now on.
    pub(super) fn flip_bit(&mut self, bit: usize) {
        for bytes in [&mut self.live, &mut self.durable] {
            if let Some(byte) = bytes.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }
}

impl Change {
    fn apply(&self, contents: &mut Vec<u8>) {
        match self {
            Change::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if contents.len() < end {
                    contents.resize(end, 0);
                }
                contents[*offset..end].copy_from_slice(bytes);
            }
            Change::Length(length) => contents.resize(*length, 0),
        }
    }
}

fn surviving(changes: Vec<Change>, random: &mut Random) -> Vec<Change> {
    match random.survival() {
        Survival::Nothing => Vec::new(),
        Survival::Everything => changes,
        Survival::Prefix => prefix(changes, random),
        Survival::Scattered => scattered(changes, random),
    }
}

fn prefix(mut changes: Vec<Change>, random: &mut Random) -> Vec<Change> {
    changes.truncate(random.up_to(changes.len()));
    if let Some(Change::Write { offset, bytes }) = changes.last_mut() {
        match random.up_to(2) {
            0 => (),
            1 => bytes.truncate(random.up_to(bytes.len())),
            _ => tear_at_sector(*offset, bytes, random),
        }
    }
    changes
}

fn tear_at_sector(offset: usize, bytes: &mut Vec<u8>, random: &mut Random) {
    let sectors = (offset + bytes.len()) / SECTOR_BYTES - offset / SECTOR_BYTES;
    let boundary = (offset / SECTOR_BYTES + random.up_to(sectors)) * SECTOR_BYTES;
    bytes.truncate(boundary.saturating_sub(offset));
}

/// Each sector keeps a prefix of the writes to it, whatever its neighbours keep.
fn scattered(changes: Vec<Change>, random: &mut Random) -> Vec<Change> {
    let mut sectors: BTreeMap<Option<usize>, Vec<Change>> = BTreeMap::new();
    for change in changes {
        match change {
            Change::Write { offset, bytes } => {
                for (sector, piece) in pieces(offset, &bytes) {
                    sectors.entry(Some(sector)).or_default().push(piece);
                }
            }
            // Lengths come first, so that a cut never takes a sector that was kept.
            length @ Change::Length(_) => sectors.entry(None).or_default().push(length),
        }
    }
    let mut kept = Vec::new();
    for mut pieces in sectors.into_values() {
        // Most draws keep or drop a sector whole: that is how records in the middle go missing.
        let count = if random.coin() { pieces.len() } else { random.up_to(pieces.len()) };
        pieces.truncate(if random.coin() { count } else { 0 });
        kept.append(&mut pieces);
    }
    kept
}

fn pieces(offset: usize, bytes: &[u8]) -> impl Iterator<Item = (usize, Change)> {
    let first = (SECTOR_BYTES - offset % SECTOR_BYTES).min(bytes.len());
    let (head, rest) = bytes.split_at(first);
    let mut at = offset;
    std::iter::once(head).chain(rest.chunks(SECTOR_BYTES)).filter(|piece| !piece.is_empty()).map(
        move |piece| {
            let change = Change::Write { offset: at, bytes: piece.to_vec() };
            let sector = at / SECTOR_BYTES;
            at += piece.len();
            (sector, change)
        },
    )
}
