//! All links and all streams, with what is on its way.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::task::Waker;
use std::time::Duration;

use super::MachineNumber;
use super::ends::{End, Segment, What};
use super::link::{Holder, Link};
use super::listening::Listening;
use crate::chance::Chance;
use crate::trace::Trace;

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
    trace: Trace,
    /// Who cut or held a way last.
    last_holder: Holder,
    /// By sender, then receiver.
    links: Vec<Vec<Link>>,
    has_power: Vec<bool>,
    pub(super) listeners: BTreeMap<SocketAddr, Listening>,
    pub(super) streams: BTreeMap<u64, [End; 2]>,
    pub(super) last_stream: u64,
    /// Ends that something is on its way to.
    expecting: BTreeSet<EndName>,
    pub(super) counts: NetworkCounts,
}

impl State {
    pub(super) fn new(machines: usize, chance: Chance, trace: Trace) -> Self {
        Self {
            now_ms: 0,
            chance,
            trace,
            last_holder: 0,
            links: vec![vec![Link::default(); machines]; machines],
            has_power: vec![true; machines],
            listeners: BTreeMap::new(),
            streams: BTreeMap::new(),
            last_stream: 0,
            expecting: BTreeSet::new(),
            counts: NetworkCounts::default(),
        }
    }

    /// Somebody new who does something to ways, clocks or disks, which nobody else undoes.
    pub(super) fn new_holder(&mut self) -> Holder {
        self.last_holder += 1;
        self.last_holder
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
        let is_through = !link.is_cut() && !link.is_held() && self.has_power[receiver];
        if segment.arrives_ms > self.now_ms || !is_through {
            return false;
        }
        let Some(segment) = end.flight.pop_front() else { return false };
        let (kind, size) = segment.what.kind_and_size();
        self.trace.mix([self.now_ms, number, sender as u64, receiver as u64, kind, size as u64]);
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
    pub(super) fn send(&mut self, (number, side): EndName, what: What) {
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

    pub(super) fn forget_if_over(&mut self, number: u64) {
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
        let was_cut = link.is_cut();
        change(link);
        if !was_cut || link.is_cut() {
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

    /// How many streams were open.
    pub(super) fn forget_streams(&mut self, one: MachineNumber, other: MachineNumber) -> usize {
        let mut count = 0;
        let is_between = |ends: &[End; 2]| {
            let machines = (ends[0].machine, ends[1].machine);
            machines == (one, other) || machines == (other, one)
        };
        for ends in self.streams.values_mut().filter(|ends| is_between(ends)) {
            count += 1;
            for end in ends {
                // What is sent from now on goes nowhere, and nothing answers it.
                end.flight.clear();
                end.is_gone = true;
            }
        }
        count
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
        if there.is_cut() || back.is_cut() || !self.has_power[to] {
            return None;
        }
        let travel_ms = there.travel_ms(&mut self.chance) + back.travel_ms(&mut self.chance);
        Some(Duration::from_millis(travel_ms))
    }
}
