//! What a node goes through, one operation a line.

use holdfast_storage::files::block_on;
use holdfast_storage::simulated::SimulatedDisk;

use crate::ledger::{Ledger, identity};
use crate::node::{Node, Store, identity_path};
use crate::peer;

/// Runs a script as far as the disk lets it.
pub fn run(disk: &SimulatedDisk, store: Store, ledger: &mut Ledger, script: &str) -> Result<(), String> {
    let mut node = Node::open(disk, store)?;
    // From here on others may know what was found.
    ledger.recover(&node, &|| format!("opened at {} steps", disk.steps()));
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (verb, number) = line.split_once(' ').unwrap_or((line, "0"));
        let number: u64 = number.parse().unwrap();
        match verb {
            "identify" => node.identify(ledger)?,
            "apply" => {
                node.apply(number);
                ledger.applied += number;
            }
            "flush" => {
                block_on(node.generations.engine().flush()).map_err(said)?;
                ledger.rows_durable = ledger.applied;
            }
            "snapshot" => node.snapshot(ledger)?,
            "receive" => node.receive(ledger, store, number)?,
            "receive-half" => {
                let sent = peer::snapshot_at(ledger.applied + number, store);
                let mut receiving = node.snapshots.receive(sent.manifest.clone()).map_err(said)?;
                peer::send(&sent, &mut receiving, 3).map_err(said)?;
            }
            "install" => node.install(ledger)?,
            "retire" => node.generations.remove_retired().map_err(said)?,
            "reopen" => {
                drop(node);
                node = Node::open(disk, store)?;
                // Nothing was lost, but rows that were not flushed are the memory of the process.
                ledger.recover(&node, &|| format!("reopened: {line}"));
            }
            unknown => panic!("{unknown}?"),
        }
    }
    Ok(())
}

impl Node {
    fn identify(&mut self, ledger: &mut Ledger) -> Result<(), String> {
        ledger.identity.begun += 1;
        let identity = identity(ledger.identity.begun).unwrap();
        block_on(identity.write(&self.disk, &identity_path())).map_err(said)?;
        ledger.identity.reported = ledger.identity.begun;
        Ok(())
    }

    fn snapshot(&self, ledger: &mut Ledger) -> Result<(), String> {
        ledger.begun.push(ledger.applied);
        let engine = self.generations.engine();
        let snapshot = block_on(self.snapshots.build(&*engine)).map_err(said)?;
        assert_eq!(snapshot.manifest.mark.applied.index, ledger.applied);
        self.check_snapshot(&snapshot);
        // One that was received may be newer.
        ledger.saved = ledger.saved.max(ledger.applied);
        ledger.rows_durable = ledger.applied;
        Ok(())
    }

    fn receive(&self, ledger: &mut Ledger, store: Store, ahead: u64) -> Result<(), String> {
        let sent = peer::snapshot_at(ledger.applied + ahead, store);
        ledger.begun.push(ledger.applied + ahead);
        let mut receiving = self.snapshots.receive(sent.manifest.clone()).map_err(said)?;
        peer::send(&sent, &mut receiving, usize::MAX).map_err(said)?;
        let kept = block_on(self.snapshots.keep(receiving)).map_err(said)?;
        assert_eq!(kept.manifest, sent.manifest);
        self.check_snapshot(&kept);
        ledger.saved = ledger.saved.max(ledger.applied + ahead);
        Ok(())
    }

    fn install(&self, ledger: &mut Ledger) -> Result<(), String> {
        let snapshot = self.snapshots.latest().unwrap();
        ledger.installing.push(ledger.saved);
        block_on(self.generations.install(&snapshot.rows(), &snapshot.manifest.files)).map_err(said)?;
        assert_eq!(self.applied(), ledger.saved);
        (ledger.applied, ledger.rows_durable) = (ledger.saved, ledger.saved);
        Ok(())
    }
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
