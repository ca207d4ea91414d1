//! Another node, far ahead: sends its snapshot piece by piece.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use holdfast_storage::files::block_on;
use holdfast_storage::simulated::SimulatedDisk;
use holdfast_storage::snapshots::{ReceiveError, Receiving, Snapshot, Snapshots};

use crate::node::{ORIGIN, Store, apply};

const PIECE_BYTES: usize = 100;

type Made = HashMap<(u64, Store), Arc<Snapshot<SimulatedDisk>>>;

thread_local! {
    static MADE: RefCell<Made> = RefCell::default();
}

/// Its snapshot at an index.
pub fn snapshot_at(index: u64, store: Store) -> Arc<Snapshot<SimulatedDisk>> {
    MADE.with_borrow_mut(|made| made.entry((index, store)).or_insert_with(|| make(index, store).1).clone())
}

/// Another such snapshot, and the disk it lies on.
pub fn make(index: u64, store: Store) -> (SimulatedDisk, Arc<Snapshot<SimulatedDisk>>) {
    let disk = SimulatedDisk::new(0);
    let opener = store.on(&disk);
    let engine = opener.open(Path::new("/rows")).unwrap();
    (1..=index).for_each(|index| apply(&*engine, index));
    let snapshots = block_on(Snapshots::open(disk.clone(), "/snapshots".into(), opener, ORIGIN)).unwrap();
    (disk, block_on(snapshots.build(&*engine)).unwrap())
}

/// Sends all files, or only so many pieces.
pub fn send(
    snapshot: &Snapshot<SimulatedDisk>,
    to: &mut Receiving<SimulatedDisk>,
    mut pieces_max: usize,
) -> Result<(), ReceiveError> {
    for (number, file) in snapshot.manifest.files.iter().enumerate() {
        let (mut offset, mut checksum) = (0, 0);
        while offset < file.length {
            if pieces_max == 0 {
                return Ok(());
            }
            pieces_max -= 1;
            let bytes = snapshot.read(file, offset, PIECE_BYTES).unwrap();
            checksum = crc32c::crc32c_append(checksum, &bytes);
            to.piece(number, offset, &bytes)?;
            offset += bytes.len() as u64;
        }
        block_on(to.end_file(number, checksum))?;
    }
    Ok(())
}
