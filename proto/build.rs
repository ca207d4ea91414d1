//! Compiles the .proto files without a `protoc` on the machine.

use std::path::Path;

use prost::Message as _;

const FILES: [&str; 4] = [
    "holdfast/v1/reservations.proto",
    "holdfast/v1/watch.proto",
    "holdfast/v1/cluster.proto",
    "holdfast/raft/v1/peer.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for file in FILES {
        println!("cargo:rerun-if-changed={file}");
    }
    let descriptors = protox::compile(FILES, ["."])?;

    // For reflection: only what clients see.
    let public = prost_types_of(&descriptors, "holdfast.v1");
    let path = Path::new(&std::env::var("OUT_DIR")?).join("holdfast_v1.bin");
    std::fs::write(path, public.encode_to_vec())?;

    // Payloads stay where they were received; nothing copies them.
    tonic_prost_build::configure().bytes(".").compile_fds(descriptors)?;
    Ok(())
}

fn prost_types_of(
    all: &tonic_prost_build::FileDescriptorSet,
    package: &str,
) -> tonic_prost_build::FileDescriptorSet {
    let file = all.file.iter().filter(|file| file.package() == package).cloned().collect();
    tonic_prost_build::FileDescriptorSet { file }
}
