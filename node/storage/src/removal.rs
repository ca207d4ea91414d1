//! A mark in a data folder: its node was removed from the cluster, and must never take part again.

use std::io;
use std::path::Path;

use crate::files::{Files, replace};
use crate::identity::Membership;

const NAME: &str = "removed";

/// Marks a folder; durable when it returns.
///
/// # Errors
///
/// If the mark cannot be written.
pub async fn write<F: Files>(files: &F, data_dir: &Path, own: Membership) -> io::Result<()> {
    let text = format!(
        "node {} was removed from cluster {}\nIt must never take part again. To join as a new node, empty this folder.\n",
        own.node, own.cluster
    );
    replace(files, &data_dir.join(NAME), text.as_bytes()).await
}

/// Whether a folder is marked. What stands in the mark is for people.
///
/// # Errors
///
/// If the folder cannot be looked at.
pub fn is_marked<F: Files>(files: &F, data_dir: &Path) -> io::Result<bool> {
    files.exists(&data_dir.join(NAME))
}
