//! What only the leader does. It is a client of the log like everyone else: it changes nothing but by proposing.

mod dispatcher;
mod edition;
mod key_keeper;
mod scheduler;
pub mod senders;
mod tenure;

pub use dispatcher::Post;
pub use tenure::serve;
