//! A data folder without its log: who it belongs to, its rows in generations, and its snapshots, on a disk with every
//! fault.

#![cfg(test)]

mod bytes;
mod crashes;
mod damage;
mod keeping;
mod ledger;
mod node;
mod parts;
mod peer;
mod receiving;
mod script;
