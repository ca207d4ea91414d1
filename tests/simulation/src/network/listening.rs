//! Addresses that somebody listens at, and the streams that are opened to them.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};

use super::ends::End;
use super::state::State;
use super::{MachineNumber, address, machine_at};

#[derive(Default)]
pub(super) struct Listening {
    /// Streams opened and not yet accepted.
    pub(super) queue: VecDeque<u64>,
    pub(super) waker: Option<Waker>,
}

impl State {
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
}
