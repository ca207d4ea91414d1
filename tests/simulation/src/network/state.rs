//! All links and all streams, with what is on its way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::io::ReadBuf;

use super::link::Link;
use super::{MachineNumber, address, machine_at};
use crate::chance::Chance;

/// Bytes on their way or unread in one direction; beyond this the writer waits.
const WINDOW_BYTES: usize = 256 << 10;

/// A stream, by its number, and one of its two ends.
pub(super) type EndName = (u64, usize);

/// What has gone over the network.
#[derive(Clone, Copy, Debug, Default)]
pub struct NetworkCounts {
    /// Streams opened.
    pub streams: u64,
    /// Segments sent.
    pub segments: u64,
}

pub(super) struct State {
    now_ms: u64,
    chance: Chance,
    /// By sender, then receiver.
    links: Vec<Vec<Link>>,
    has_power: Vec<bool>,
    listeners: BTreeMap<SocketAddr, Listening>,
    streams: BTreeMap<u64, [End; 2]>,
    last_stream: u64,
    /// Ends that something is on its way to.
    expecting: BTreeSet<EndName>,
    pub(super) counts: NetworkCounts,
}

#[derive(Default)]
struct Listening {
    /// Streams opened and not yet accepted.
    queue: VecDeque<u64>,
    waker: Option<Waker>,
}

struct End {
    machine: MachineNumber,
    address: SocketAddr,
    /// On its way to this end.
    flight: VecDeque<Segment>,
    arrived: VecDeque<Bytes>,
    bytes: usize,
    has_all: bool,
    /// Somebody holds it.
    is_held: bool,
    /// Its machine has lost power, or the way has forgotten the stream: it neither says nor hears anything.
    is_gone: bool,
    is_reset: bool,
    has_ended: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

struct Segment {
    arrives_ms: u64,
    what: What,
}

enum What {
    Data(Bytes),
    End,
    Reset,
}

impl State {
    pub(super) fn new(machines: usize, chance: Chance) -> Self {
        Self {
            now_ms: 0,
            chance,
            links: vec![vec![Link::default(); machines]; machines],
            has_power: vec![true; machines],
            listeners: BTreeMap::new(),
            streams: BTreeMap::new(),
            last_stream: 0,
            expecting: BTreeSet::new(),
            counts: NetworkCounts::default(),
        }
    }

    pub(super) fn machines(&self) -> usize {
        self.links.len()
    }

    pub(super) fn step(&mut self, now_ms: u64) -> Vec<Waker> {
        self.now_ms = now_ms;
        let mut wakers = Vec::new();
        let names: Vec<EndName> = self.expecting.iter().copied().collect();
        for name in names {
            while self.deliver_next(name, &mut wakers) {}
        }
        wakers
    }

    /// Delivers the next segment to an end if it has arrived.
    fn deliver_next(&mut self, (number, side): EndName, wakers: &mut Vec<Waker>) -> bool {
        let Some(ends) = self.streams.get_mut(&number) else {
            self.expecting.remove(&(number, side));
            return false;
        };
        let (sender, receiver) = (ends[1 - side].machine, ends[side].machine);
        let end = &mut ends[side];
        let Some(segment) = end.flight.front() else {
            self.expecting.remove(&(number, side));
            return false;
        };
        let link = &self.links[sender][receiver];
        let is_through = !link.is_cut && !link.is_held && self.has_power[receiver];
        if segment.arrives_ms > self.now_ms || !is_through {
            return false;
        }
        let Some(segment) = end.flight.pop_front() else { return false };
        match segment.what {
            // Nobody there knows the stream.
            What::Data(_) | What::End if end.is_gone || (!end.is_held && !end.has_all) => {
                if let What::Data(bytes) = &segment.what {
                    end.bytes -= bytes.len();
                }
                end.has_all |= matches!(segment.what, What::End);
                if !matches!(segment.what, What::End) || end.is_gone {
                    self.send((number, 1 - side), What::Reset);
                }
            }
            What::Data(bytes) => end.arrived.push_back(bytes),
            What::End => end.has_all = true,
            What::Reset => {
                end.is_reset = true;
                end.flight.clear();
                wakers.extend(end.writer.take());
            }
        }
        let end = self.streams.get_mut(&number).map(|ends| &mut ends[side]);
        wakers.extend(end.and_then(|end| end.reader.take()));
        self.forget_if_over(number);
        true
    }

    /// Sends something to an end.
    fn send(&mut self, (number, side): EndName, what: What) {
        let Some(ends) = self.streams.get_mut(&number) else { return };
        let (sender, receiver) = (ends[1 - side].machine, ends[side].machine);
        let travel_ms = self.links[sender][receiver].travel_ms(&mut self.chance);
        let end = &mut ends[side];
        // In the order in which they were sent.
        let after = end.flight.back().map_or(0, |last| last.arrives_ms);
        let arrives_ms = after.max(self.now_ms + 1 + travel_ms);
        if let What::Data(bytes) = &what {
            end.bytes += bytes.len();
        }
        end.flight.push_back(Segment { arrives_ms, what });
        self.expecting.insert((number, side));
        self.counts.segments += 1;
    }

    fn forget_if_over(&mut self, number: u64) {
        let is_over = |end: &End| !end.is_held && (end.flight.is_empty() || end.is_gone);
        if self.streams.get(&number).is_some_and(|ends| ends.iter().all(is_over)) {
            self.streams.remove(&number);
        }
    }

    pub(super) fn change_link(
        &mut self,
        from: MachineNumber,
        to: MachineNumber,
        change: impl FnOnce(&mut Link),
    ) {
        let link = &mut self.links[from][to];
        let was_cut = link.is_cut;
        change(link);
        if !was_cut || link.is_cut {
            return;
        }
        let link = link.clone();
        for ends in self.streams.values_mut() {
            for side in [0, 1] {
                if ends[1 - side].machine == from && ends[side].machine == to {
                    let again_ms = self.now_ms + link.wait_after_cut_ms(&mut self.chance);
                    for segment in &mut ends[side].flight {
                        segment.arrives_ms = segment.arrives_ms.max(again_ms);
                    }
                }
            }
        }
    }

    pub(super) fn forget_streams(&mut self, one: MachineNumber, other: MachineNumber) {
        let is_between = |ends: &[End; 2]| {
            let machines = (ends[0].machine, ends[1].machine);
            machines == (one, other) || machines == (other, one)
        };
        for ends in self.streams.values_mut().filter(|ends| is_between(ends)) {
            for end in ends {
                // What is sent from now on goes nowhere, and nothing answers it.
                end.flight.clear();
                end.is_gone = true;
            }
        }
    }

    pub(super) fn reset_one(&mut self) -> (bool, Vec<Waker>) {
        let open: Vec<u64> = self
            .streams
            .iter()
            .filter(|(_, ends)| ends.iter().all(|end| end.is_held && !end.is_reset && !end.is_gone))
            .map(|(number, _)| *number)
            .collect();
        if open.is_empty() {
            return (false, Vec::new());
        }
        let number = *self.chance.pick(&open);
        let mut wakers = Vec::new();
        for end in self.streams.get_mut(&number).into_iter().flatten() {
            end.is_reset = true;
            end.flight.clear();
            wakers.extend(end.reader.take());
            wakers.extend(end.writer.take());
        }
        (true, wakers)
    }

    pub(super) fn power_off(&mut self, machine: MachineNumber) {
        self.has_power[machine] = false;
        for ends in self.streams.values_mut() {
            for end in ends.iter_mut().filter(|end| end.machine == machine) {
                end.is_gone = true;
            }
        }
    }

    pub(super) fn power_on(&mut self, machine: MachineNumber) {
        self.has_power[machine] = true;
    }

    /// How long a round trip takes; `None` if there is none at the moment.
    pub(super) fn round_trip(&mut self, from: MachineNumber, to: MachineNumber) -> Option<Duration> {
        let (there, back) = (self.links[from][to].clone(), self.links[to][from].clone());
        if there.is_cut || back.is_cut || !self.has_power[to] {
            return None;
        }
        let travel_ms = there.travel_ms(&mut self.chance) + back.travel_ms(&mut self.chance);
        Some(Duration::from_millis(travel_ms))
    }

    /// Opens a stream to somebody who listens.
    pub(super) fn open(&mut self, from: MachineNumber, to: SocketAddr) -> (io::Result<u64>, Option<Waker>) {
        let Some(listening) = self.listeners.get_mut(&to) else {
            return (Err(io::ErrorKind::ConnectionRefused.into()), None);
        };
        self.last_stream += 1;
        let number = self.last_stream;
        listening.queue.push_back(number);
        let waker = listening.waker.take();
        let port = 40_000 + (number % 20_000) as u16;
        let ends = [(from, address(from, port)), (machine_at(to).unwrap_or(from), to)];
        self.streams.insert(number, ends.map(|(machine, address)| End::new(machine, address)));
        self.counts.streams += 1;
        (Ok(number), waker)
    }

    pub(super) fn listen(&mut self, address: SocketAddr) -> io::Result<()> {
        match self.listeners.contains_key(&address) {
            true => Err(io::ErrorKind::AddrInUse.into()),
            false => {
                self.listeners.insert(address, Listening::default());
                Ok(())
            }
        }
    }

    pub(super) fn poll_accept(
        &mut self,
        address: SocketAddr,
        context: &Context<'_>,
    ) -> Poll<io::Result<(u64, SocketAddr)>> {
        let Some(listening) = self.listeners.get_mut(&address) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        match listening.queue.pop_front() {
            Some(number) => {
                let caller = self.streams.get(&number).map_or(address, |ends| ends[0].address);
                Poll::Ready(Ok((number, caller)))
            }
            None => {
                listening.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    pub(super) fn close(&mut self, address: SocketAddr) {
        let waiting = self.listeners.remove(&address).map(|listening| listening.queue);
        for number in waiting.into_iter().flatten() {
            self.drop_end((number, 1));
        }
    }

    pub(super) fn poll_read(
        &mut self,
        (number, side): EndName,
        context: &Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> (Poll<io::Result<()>>, Option<Waker>) {
        let Some(ends) = self.streams.get_mut(&number) else {
            return (Poll::Ready(Err(io::ErrorKind::NotConnected.into())), None);
        };
        let end = &mut ends[side];
        let mut has_read = false;
        while let Some(bytes) = end.arrived.front_mut().filter(|_| buffer.remaining() > 0) {
            let count = bytes.len().min(buffer.remaining());
            buffer.put_slice(&bytes[..count]);
            bytes.advance(count);
            end.bytes -= count;
            has_read = true;
            if bytes.is_empty() {
                end.arrived.pop_front();
            }
        }
        if has_read {
            return (Poll::Ready(Ok(())), ends[1 - side].writer.take());
        }
        if end.is_reset {
            return (Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())), None);
        }
        if end.has_all {
            return (Poll::Ready(Ok(())), None);
        }
        end.reader = Some(context.waker().clone());
        (Poll::Pending, None)
    }

    pub(super) fn poll_write(
        &mut self,
        (number, side): EndName,
        context: &Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(ends) = self.streams.get_mut(&number) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let (end, other) = match ends {
            [one, two] if side == 0 => (one, two),
            [one, two] => (two, one),
        };
        if end.is_reset || end.has_ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if other.bytes >= WINDOW_BYTES {
            end.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let is_lost = end.is_gone;
        if !is_lost {
            self.send((number, 1 - side), What::Data(Bytes::copy_from_slice(bytes)));
        }
        Poll::Ready(Ok(bytes.len()))
    }

    /// Says that nothing more will come from an end.
    pub(super) fn end(&mut self, (number, side): EndName) {
        let Some(ends) = self.streams.get_mut(&number) else { return };
        let end = &mut ends[side];
        if !std::mem::replace(&mut end.has_ended, true) && !end.is_gone && !end.is_reset {
            self.send((number, 1 - side), What::End);
        }
    }

    /// Whoever held an end is gone. What it had not read is reason for a reset.
    pub(super) fn drop_end(&mut self, (number, side): EndName) {
        let Some(ends) = self.streams.get_mut(&number) else { return };
        let end = &mut ends[side];
        end.is_held = false;
        let (is_silent, has_unread) = (end.is_gone || end.is_reset, !end.arrived.is_empty());
        if !is_silent && has_unread {
            self.send((number, 1 - side), What::Reset);
        } else {
            self.end((number, side));
        }
        self.forget_if_over(number);
    }
}

impl End {
    fn new(machine: MachineNumber, address: SocketAddr) -> Self {
        Self {
            machine,
            address,
            flight: VecDeque::new(),
            arrived: VecDeque::new(),
            bytes: 0,
            has_all: false,
            is_held: true,
            is_gone: false,
            is_reset: false,
            has_ended: false,
            reader: None,
            writer: None,
        }
    }
}
