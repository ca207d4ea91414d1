//! Nonsense from outside: each is answered by a clear problem, changes nothing, and no node minds.

mod accounts;
mod bodies;
mod calls;
mod grpc;
mod heads;
mod keys;
mod scene;
mod stream;
mod tokens;
