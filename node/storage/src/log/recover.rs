//! Reads the segments at start, changes nothing, and finds what the log says and where it ends.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::header::{HEADER_BYTES, Header, ReadHeader};
use super::memory::Memory;
use super::next::Home;
use super::open::{Loss, OpenError};
use super::scan::Scan;
use super::segment::{Segment, SegmentFile, count_disposable, number_of};
use super::state::index_of;
use super::watermark::Mark;
use crate::files::{File, Files};

pub(super) struct Recovered<F: Files> {
    pub(super) memory: Memory<F>,
    pub(super) chain: u32,
    /// Live segments, oldest first; the log ends in the last one.
    pub(super) live: VecDeque<Ended<F>>,
    /// Older than all that is needed.
    pub(super) disposable: VecDeque<Segment<F>>,
    /// Numbers of segments after the end: prepared ones, and those whose predecessors were lost unsynced.
    pub(super) beyond: Vec<u64>,
}

/// A segment, and where its records end.
pub(super) struct Ended<F: Files> {
    pub(super) segment: Segment<F>,
    pub(super) end: u64,
}

/// A segment file, and its header if that is whole.
type Found<F> = (Segment<F>, Option<Header>);

pub(super) fn recover<F: Files>(
    home: &Home<F>,
    group: u32,
    mark: &Mark,
    tail_bytes_max: u64,
) -> Result<Recovered<F>, OpenError> {
    let mut segments = find_segments(home)?;
    let synced = segments.range(..=mark.position.segment);
    let headers: Vec<Header> = synced.filter_map(|(_, (_, header))| *header).collect();
    let Some(first) = first_needed(&headers, mark) else {
        return Err(OpenError::lost(mark, None, Loss::Segments));
    };
    let needed = segments.split_off(&first.number);
    let disposable = segments.into_values().map(|(segment, _)| segment).collect();

    let mut scan = Scan::new(home, group, mark, Memory::new(first.state, tail_bytes_max), first.chain);
    let (mut live, mut beyond) = (VecDeque::new(), Vec::new());
    for (number, (segment, header)) in needed {
        if beyond.is_empty() && header.is_some_and(|header| scan.goes_on_with(&header)) {
            let end = scan.read(&segment)?;
            live.push_back(Ended { segment, end });
        } else {
            beyond.push(number);
        }
    }
    let (memory, chain) = scan.finish()?;
    Ok(Recovered { memory, chain, live, disposable, beyond })
}

fn find_segments<F: Files>(home: &Home<F>) -> Result<BTreeMap<u64, Found<F>>, OpenError> {
    let mut segments = BTreeMap::new();
    for number in home.files.list(&home.dir)?.iter().filter_map(|name| number_of(name)) {
        segments.insert(number, find_segment(home, number)?);
    }
    Ok(segments)
}

fn find_segment<F: Files>(home: &Home<F>, number: u64) -> Result<Found<F>, OpenError> {
    let path = home.path(number);
    let file = home.files.open(&path)?;
    let length = file.length()?;
    let mut bytes = [0; HEADER_BYTES];
    if length >= HEADER_BYTES as u64 {
        file.read_exact_at(0, &mut bytes)?;
    }
    let header = match ReadHeader::read(&bytes) {
        // The header of a purged segment stays in its file until that is begun again.
        ReadHeader::Whole(header) => Some(header).filter(|header| header.number == number),
        ReadHeader::Missing => None,
        ReadHeader::UnknownVersion(version) => {
            return Err(OpenError::Format { path, problem: format!("version {version}") });
        }
    };
    let last_before = header.and_then(|header| index_of(header.state.last));
    let file = Arc::new(SegmentFile { number, file });
    Ok((Segment { file, length, last_before }, header))
}

/// The oldest segment with live entries. Headers are given oldest first, up to the watermark's segment: that one was
/// synced, and none is removed before the watermark is durable in a later one.
fn first_needed(headers: &[Header], mark: &Mark) -> Option<Header> {
    // Before a gap there are only purged segments whose removal the disk forgot.
    let run = headers.chunk_by(|older, newer| older.number + 1 == newer.number).last()?;
    let marked = run.last().filter(|header| header.number == mark.position.segment)?;
    let disposable = count_disposable(run.iter().map(|header| index_of(header.state.last)), &marked.state);
    run.get(disposable).copied()
}
