//! The wire contract: what clients and peers say, as code made from the `.proto` files.

/// What app servers and operators call.
#[expect(
    clippy::all,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
pub mod v1 {
    tonic::include_proto!("holdfast.v1");

    /// For gRPC reflection.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/holdfast_v1.bin"));
}

/// What nodes say to each other.
#[expect(
    clippy::all,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
pub mod raft {
    tonic::include_proto!("holdfast.raft.v1");
}
