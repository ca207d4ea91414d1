//! The simulated disk behind the traits that the real one offers.

use std::io;
use std::path::Path;
use std::sync::MutexGuard;

use super::faults::power_lost;
use super::names::NameChange;
use super::syncs::SimulatedSync;
use super::{Disk, DiskOperation, SimulatedDisk, SimulatedFile};
use crate::files::{File, Files};

impl Files for SimulatedDisk {
    type File = SimulatedFile;

    fn create(&self, path: &Path, length: u64) -> io::Result<SimulatedFile> {
        let mut disk = self.lock();
        disk.faults.admit(DiskOperation::Create)?;
        let spot = disk.tree.spot(path)?;
        if disk.tree.at(&spot)?.is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        disk.make_room(length)?;
        let node = disk.tree.new_file();
        let sequence = disk.next_sequence();
        disk.tree.file_mut(node)?.set_length(sequence, length as usize);
        disk.tree.change(spot.folder, sequence, NameChange::Set { name: spot.name, node })?;
        self.opened(&mut disk, node)
    }

    fn open(&self, path: &Path) -> io::Result<SimulatedFile> {
        let mut disk = self.lock();
        disk.faults.admit(DiskOperation::Open)?;
        let node = disk.tree.find(path)?;
        self.opened(&mut disk, node)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let mut disk = self.lock();
        disk.faults.admit(DiskOperation::List)?;
        Ok(disk.tree.find(path).is_ok())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut disk = self.lock();
        disk.faults.admit(DiskOperation::List)?;
        let node = disk.tree.find(dir)?;
        Ok(disk.tree.folder(node)?.live().keys().cloned().collect())
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        let mut ancestors: Vec<&Path> = dir.ancestors().filter(|dir| dir.file_name().is_some()).collect();
        ancestors.reverse();
        for dir in ancestors {
            let spot = disk.tree.spot(dir)?;
            if disk.tree.at(&spot)?.is_none() {
                disk.faults.admit(DiskOperation::CreateFolder)?;
                let node = disk.tree.new_folder();
                let sequence = disk.next_sequence();
                disk.tree.change(spot.folder, sequence, NameChange::Set { name: spot.name, node })?;
            }
        }
        let node = disk.tree.find(dir)?;
        disk.tree.folder(node).map(|_| ())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        disk.faults.admit(DiskOperation::Rename)?;
        let node = disk.tree.find(from)?;
        let (from, to) = (disk.tree.spot(from)?, disk.tree.spot(to)?);
        if disk.tree.at(&to)?.is_some_and(|node| disk.tree.folder(node).is_ok()) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let sequence = disk.next_sequence();
        if from.folder == to.folder {
            let rename = NameChange::Rename { from: from.name, to: to.name, node };
            return disk.tree.change(from.folder, sequence, rename);
        }
        // Between two folders each has its own sync to wait for.
        disk.tree.change(to.folder, sequence, NameChange::Set { name: to.name, node })?;
        disk.tree.change(from.folder, sequence, NameChange::Unset { name: from.name })
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        disk.faults.admit(DiskOperation::Link)?;
        let node = disk.tree.find(from)?;
        disk.tree.file(node)?;
        let to = disk.tree.spot(to)?;
        if disk.tree.at(&to)?.is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let sequence = disk.next_sequence();
        disk.tree.change(to.folder, sequence, NameChange::Set { name: to.name, node })
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        disk.faults.admit(DiskOperation::Remove)?;
        let node = disk.tree.find(path)?;
        disk.tree.file(node)?;
        let spot = disk.tree.spot(path)?;
        let sequence = disk.next_sequence();
        disk.tree.change(spot.folder, sequence, NameChange::Unset { name: spot.name })
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        disk.faults.admit(DiskOperation::Remove)?;
        let node = disk.tree.find(dir)?;
        disk.tree.folder(node)?;
        let spot = disk.tree.spot(dir)?;
        let sequence = disk.next_sequence();
        disk.tree.remove_all(spot, sequence)
    }

    fn sync_dir(&self, dir: &Path) -> impl Future<Output = io::Result<()>> + Send {
        let disk = self.lock();
        match disk.tree.find(dir) {
            Ok(node) => self.start_sync(disk, node, DiskOperation::SyncFolder),
            Err(error) => SimulatedSync::Done(Some(Err(error))),
        }
    }
}

impl File for SimulatedFile {
    fn length(&self) -> io::Result<u64> {
        let disk = self.admit(DiskOperation::List)?;
        Ok(disk.tree.file(*self.node)?.live().len() as u64)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let mut disk = self.admit(DiskOperation::SetLength)?;
        let now = disk.tree.file(*self.node)?.live().len() as u64;
        disk.make_room(length.saturating_sub(now))?;
        let sequence = disk.next_sequence();
        disk.tree.file_mut(*self.node)?.set_length(sequence, length as usize);
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let disk = self.admit(DiskOperation::Read)?;
        let bytes = disk.tree.file(*self.node)?.live();
        let rest = bytes.get(offset as usize..).unwrap_or(&[]);
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.lock_alive()?;
        let admitted = disk.faults.admit(DiskOperation::Write);
        if disk.faults.is_off() {
            return admitted;
        }
        let now = disk.tree.file(*self.node)?.live().len() as u64;
        let written = match &admitted {
            Ok(()) => bytes.len(),
            Err(_) => disk.random.up_to(bytes.len()),
        };
        disk.make_room((offset + written as u64).saturating_sub(now))?;
        disk.faults.note(offset);
        disk.faults.note(written as u64);
        let sequence = disk.next_sequence();
        disk.tree.file_mut(*self.node)?.write(sequence, offset as usize, &bytes[..written]);
        admitted
    }

    fn sync(&self) -> impl Future<Output = io::Result<()>> + Send {
        match self.lock_alive() {
            Ok(disk) => self.disk.start_sync(disk, *self.node, DiskOperation::Sync),
            Err(error) => SimulatedSync::Done(Some(Err(error))),
        }
    }
}

impl SimulatedFile {
    fn lock_alive(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let disk = self.disk.lock();
        if disk.incarnation == self.incarnation { Ok(disk) } else { Err(power_lost()) }
    }

    fn admit(&self, operation: DiskOperation) -> io::Result<MutexGuard<'_, Disk>> {
        let mut disk = self.lock_alive()?;
        disk.faults.admit(operation)?;
        Ok(disk)
    }
}
