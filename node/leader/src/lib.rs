//! What only the leader does. It is a client of the log like everyone else: it changes nothing but by proposing.

mod key_keeper;
mod scheduler;
mod tenure;

pub use tenure::serve;
