//! The two ends of a stream: what is on its way to each, and what whoever holds it reads and writes.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};

use bytes::{Buf as _, Bytes};
use tokio::io::ReadBuf;

use super::MachineNumber;
use super::state::{EndName, State};

/// Bytes on their way or unread in one direction; beyond this the writer waits.
const WINDOW_BYTES: usize = 256 << 10;

pub(super) struct End {
    pub(super) machine: MachineNumber,
    pub(super) address: SocketAddr,
    /// On its way to this end.
    pub(super) flight: VecDeque<Segment>,
    pub(super) arrived: VecDeque<Bytes>,
    pub(super) bytes: usize,
    pub(super) has_all: bool,
    /// Somebody holds it.
    pub(super) is_held: bool,
    /// Its machine has lost power, or the way has forgotten the stream: it neither says nor hears anything.
    pub(super) is_gone: bool,
    pub(super) is_reset: bool,
    pub(super) has_ended: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

pub(super) struct Segment {
    pub(super) arrives_ms: u64,
    pub(super) what: What,
}

pub(super) enum What {
    Data(Bytes),
    End,
    Reset,
}

impl What {
    /// For the trace.
    pub(super) fn kind_and_size(&self) -> (u64, usize) {
        match self {
            What::Data(bytes) => (0, bytes.len()),
            What::End => (1, 0),
            What::Reset => (2, 0),
        }
    }
}

impl State {
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
    pub(super) fn new(machine: MachineNumber, address: SocketAddr) -> Self {
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
