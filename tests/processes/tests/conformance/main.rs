//! The seeds' dialects as their documents promise them: written from the documents alone, as conversations with three real
//! nodes, each call at a node of chance. `walk.rs` says how to read a conversation.

#![cfg(test)]

mod client;
mod crossing;
mod everywhere;
mod pattern;
mod s0;
mod s1;
mod s2;
mod s3;
mod table;
mod traps;
mod walk;
