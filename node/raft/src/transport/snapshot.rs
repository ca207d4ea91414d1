//! Sends a snapshot: its manifest, then every file in pieces, each file followed by its checksum.

use std::sync::Arc;

use bytes::Bytes;
use holdfast_proto::raft as wire;
use holdfast_proto::raft::snapshot_piece::Piece;
use holdfast_storage::codec::CodecError;
use holdfast_storage::snapshots::encode_manifest;
use openraft::raft::SnapshotResponse;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;

use crate::convert::{from_wire_vote, to_wire_vote};
use crate::peers::Client;
use crate::runtime::{Placement, spawn};
use crate::store::SnapshotFiles;
use crate::transport::{failed, malformed};
use crate::types::{RpcError, Types, Vote};

/// Bytes of one piece.
const PIECE_BYTES: usize = 1 << 20;

/// Pieces read ahead of the network.
const PIECES_AHEAD_MAX: usize = 4;

/// Sends a snapshot and waits until the follower has installed it.
pub(super) async fn send(
    mut client: Client,
    vote: Vote,
    snapshot: Arc<dyn SnapshotFiles>,
    placement: Placement,
) -> Result<SnapshotResponse<Types>, RpcError> {
    let (pieces, outgoing) = mpsc::channel(PIECES_AHEAD_MAX);
    let reading = placement.run("snapshot", async move {
        if let Err(error) = read_out(vote, &*snapshot, &pieces).await {
            tracing::warn!(%error, "a snapshot cannot be read out");
        }
    });
    let reader = spawn(async move {
        if let Err(error) = reading.await {
            tracing::warn!(%error, "a snapshot cannot be read out");
        }
    });
    let reply = client.install_snapshot(Request::new(ReceiverStream::new(outgoing))).await;
    drop(reader);
    let reply = reply.map_err(|status| failed(&status))?.into_inner();
    from_wire_vote(reply.vote).map(SnapshotResponse::new).map_err(malformed)
}

#[derive(Debug, thiserror::Error)]
enum ReadOutError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("{0}: it was damaged on this node's disk since the snapshot was taken")]
    Damaged(String),
}

/// Reads a snapshot piece by piece until it is out or nobody wants it any more.
async fn read_out(
    vote: Vote,
    snapshot: &dyn SnapshotFiles,
    pieces: &mpsc::Sender<wire::SnapshotPiece>,
) -> Result<(), ReadOutError> {
    let manifest = encode_manifest(snapshot.manifest())?;
    let start = Piece::Start(wire::SnapshotStart { vote: Some(to_wire_vote(&vote)), manifest });
    let mut is_wanted = put(pieces, start).await;
    for (file, listed) in (0..).zip(&snapshot.manifest().files) {
        let (mut offset, mut checksum) = (0, 0);
        while offset < listed.length && is_wanted {
            let bytes = snapshot.read(file as usize, offset, PIECE_BYTES)?;
            checksum = crc32c::crc32c_append(checksum, &bytes);
            let piece = wire::SnapshotData { file, offset, bytes: Bytes::clone(&bytes) };
            offset += bytes.len() as u64;
            is_wanted = put(pieces, Piece::Data(piece)).await;
        }
        if is_wanted && checksum != listed.checksum {
            return Err(ReadOutError::Damaged(listed.name.clone()));
        }
        is_wanted =
            is_wanted && put(pieces, Piece::FileEnd(wire::SnapshotFileEnd { file, crc32c: checksum })).await;
    }
    Ok(())
}

async fn put(pieces: &mpsc::Sender<wire::SnapshotPiece>, piece: Piece) -> bool {
    pieces.send(wire::SnapshotPiece { piece: Some(piece) }).await.is_ok()
}
