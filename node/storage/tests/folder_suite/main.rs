//! A data folder without its log: who it belongs to, its rows in generations, and its snapshots, on a disk with every
//! fault.

#![cfg(test)]

mod crashes;
mod ledger;
mod node;
mod parts;
mod peer;
mod script;
