//! The network: streams between machines as TCP gives them. What a cut or lossy link holds back is sent again later, so
//! that streams outlive short cuts; what a machine without power had open is reset when it is back.
//!
//! turmoil's own TCP sends nothing twice, so that every cut would end every stream for good, and cannot hold one
//! direction back.

mod ends;
mod link;
mod listening;
mod state;
mod stream;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holdfast_raft::net::{Connection, Listener, NetFuture, Network};

use crate::chance::Chance;
use crate::trace::Trace;
pub use link::{Holder, Link};
pub use state::NetworkCounts;
use state::State;
use stream::{Ear, SimulatedStream};

/// A machine, by its number.
pub type MachineNumber = usize;

/// Before another try to connect to a machine that does not answer.
const CONNECT_AGAIN: Duration = Duration::from_millis(200);

/// The network of all machines. Clones are the same.
#[derive(Clone)]
pub struct Net {
    state: Arc<Mutex<State>>,
}

/// The network as one machine sees it.
#[derive(Clone)]
pub struct MachineNet {
    net: Net,
    machine: MachineNumber,
}

impl Net {
    /// A network of so many machines.
    #[must_use]
    pub fn new(machines: usize, chance: Chance, trace: Trace) -> Self {
        Self { state: Arc::new(Mutex::new(State::new(machines, chance, trace))) }
    }

    /// The network as a machine sees it.
    #[must_use]
    pub fn of(&self, machine: MachineNumber) -> MachineNet {
        MachineNet { net: self.clone(), machine }
    }

    /// Delivers what has arrived by now.
    pub fn step(&self, now_ms: u64) {
        let wakers = self.lock().step(now_ms);
        wakers.into_iter().for_each(std::task::Waker::wake);
    }

    /// Changes a link, one way.
    pub fn change_link(&self, from: MachineNumber, to: MachineNumber, change: impl FnOnce(&mut Link)) {
        self.lock().change_link(from, to, change);
    }

    /// Somebody new who does something to ways, clocks or disks, which nobody else undoes.
    #[must_use]
    pub fn new_holder(&self) -> Holder {
        self.lock().new_holder()
    }

    /// Everything between two machines that is open now is forgotten on the way: neither end ever hears of it again. How many
    /// streams that were.
    pub fn forget_streams(&self, one: MachineNumber, other: MachineNumber) -> usize {
        self.lock().forget_streams(one, other)
    }

    /// Resets one of the streams that are open; `false` if there is none.
    pub fn reset_one(&self) -> bool {
        let (is_reset, wakers) = self.lock().reset_one();
        wakers.into_iter().for_each(std::task::Waker::wake);
        is_reset
    }

    /// Takes a machine's power: nothing it had open says anything any more.
    pub fn power_off(&self, machine: MachineNumber) {
        self.lock().power_off(machine);
    }

    /// Gives the power back.
    pub fn power_on(&self, machine: MachineNumber) {
        self.lock().power_on(machine);
    }

    /// How many machines there are.
    #[must_use]
    pub fn machines(&self) -> usize {
        self.lock().machines()
    }

    /// What has gone over it.
    #[must_use]
    pub fn counts(&self) -> NetworkCounts {
        self.lock().counts
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a machine listens.
#[must_use]
pub fn address(machine: MachineNumber, port: u16) -> SocketAddr {
    ([10, 0, 0, machine as u8 + 1], port).into()
}

/// The machine at an address.
fn machine_at(address: SocketAddr) -> io::Result<MachineNumber> {
    match address {
        SocketAddr::V4(address) if address.ip().octets()[..3] == [10, 0, 0] => {
            Ok(usize::from(address.ip().octets()[3]) - 1)
        }
        SocketAddr::V4(_) | SocketAddr::V6(_) => Err(io::ErrorKind::AddrNotAvailable.into()),
    }
}

impl Network for MachineNet {
    fn connect<'a>(&'a self, address: &'a str) -> NetFuture<'a, Connection> {
        Box::pin(async move {
            let address: SocketAddr = address.parse().map_err(io::Error::other)?;
            let target = machine_at(address)?;
            loop {
                let round_trip = self.net.lock().round_trip(self.machine, target);
                let Some(round_trip) = round_trip else {
                    tokio::time::sleep(CONNECT_AGAIN).await;
                    continue;
                };
                tokio::time::sleep(round_trip).await;
                let (opened, waker) = self.net.lock().open(self.machine, address);
                if let Some(waker) = waker {
                    waker.wake();
                }
                let number = opened?;
                let stream = SimulatedStream::new(self.net.clone(), number, 0);
                return Ok(Connection::over(stream, Some(address)));
            }
        })
    }

    fn listen<'a>(&'a self, address: &'a str) -> NetFuture<'a, Box<dyn Listener>> {
        Box::pin(async move {
            let address: SocketAddr = address.parse().map_err(io::Error::other)?;
            self.net.lock().listen(address)?;
            Ok(Box::new(Ear::new(self.net.clone(), address)) as Box<dyn Listener>)
        })
    }
}
