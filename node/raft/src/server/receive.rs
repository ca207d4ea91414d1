//! Takes in a snapshot that the leader sends: the pieces come from the network, a thread of their own writes them down.

use std::sync::Arc;
use std::time::Duration;

use holdfast_proto::raft as wire;
use holdfast_proto::raft::snapshot_piece::Piece;
use holdfast_storage::snapshots::{Manifest, decode_manifest};
use tokio::sync::mpsc;
use tonic::{Status, Streaming};

use super::{PeerParts, failed, malformed};
use crate::convert::{from_wire_vote, to_wire_vote};
use crate::store::{Library, SnapshotFiles, labelled};

/// Pieces received and not yet written.
const PIECES_AHEAD_MAX: usize = 4;

/// A sender that is silent for so long is given up: another one may be waiting.
const PIECE_DURATION_MAX: Duration = Duration::from_secs(30);

/// Receives a snapshot and installs it.
pub(super) async fn receive(
    parts: &PeerParts,
    mut pieces: Streaming<wire::SnapshotPiece>,
) -> Result<wire::SnapshotReply, Status> {
    let Some(Piece::Start(start)) = next(&mut pieces).await? else {
        return Err(Status::invalid_argument("the snapshot does not start with its manifest"));
    };
    let vote = from_wire_vote(start.vote).map_err(malformed)?;
    let manifest = decode_manifest(&start.manifest).map_err(|error| malformed(error.into()))?;
    if manifest.mark.group != parts.group {
        return Err(Status::failed_precondition("the snapshot is of another group"));
    }

    let (sender, incoming) = mpsc::channel(PIECES_AHEAD_MAX);
    let written = parts.placement.run("snapshot", write(parts.library.clone(), manifest, incoming));
    let (passed, written) = tokio::join!(pass_on(pieces, sender), written);
    passed?;
    let snapshot = labelled(written.map_err(failed)??).map_err(failed)?;
    tracing::info!(snapshot = %snapshot.meta, "a snapshot was received");
    let installed = parts.raft.install_full_snapshot(vote, snapshot).await;
    let reply = installed.map_err(|error| Status::unavailable(error.to_string()))?;
    Ok(wire::SnapshotReply { vote: Some(to_wire_vote(&reply.vote)) })
}

async fn next(pieces: &mut Streaming<wire::SnapshotPiece>) -> Result<Option<Piece>, Status> {
    let late = |_| Status::deadline_exceeded("the rest of the snapshot does not come");
    let piece = tokio::time::timeout(PIECE_DURATION_MAX, pieces.message()).await.map_err(late)??;
    Ok(piece.and_then(|piece| piece.piece))
}

/// Passes pieces on until all are here or nobody takes them any more.
async fn pass_on(
    mut pieces: Streaming<wire::SnapshotPiece>,
    sender: mpsc::Sender<Piece>,
) -> Result<(), Status> {
    while let Some(piece) = next(&mut pieces).await? {
        if sender.send(piece).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Writes pieces down as they come. When no more do, what is there is kept if it is whole.
async fn write(
    library: Arc<dyn Library>,
    manifest: Manifest,
    mut pieces: mpsc::Receiver<Piece>,
) -> Result<Arc<dyn SnapshotFiles>, Status> {
    let mut receiver = library.receive(manifest).map_err(failed)?;
    while let Some(piece) = pieces.recv().await {
        match piece {
            Piece::Data(data) => {
                receiver.piece(data.file as usize, data.offset, &data.bytes).map_err(failed)?;
            }
            Piece::FileEnd(end) => {
                receiver.end_file(end.file as usize, end.crc32c).await.map_err(failed)?;
            }
            Piece::Start(_) => return Err(Status::invalid_argument("a snapshot starts within a snapshot")),
        }
    }
    receiver.keep().await.map_err(failed)
}
