//! A cluster of one node over a sorted map, for the tests of those above.

use std::path::Path;
use std::sync::Arc;

use holdfast_storage::files::RealFiles;
use holdfast_storage::sorted_map::SortedMaps;

use crate::net::{self, Network as _};
use crate::replica::Replica;
use crate::runtime::Machine;
use crate::settings::RaftSettings;
use crate::start::{Node, NodeOptions, StartError, start};
use crate::store::Observer;

/// Founds a cluster in an empty folder.
///
/// # Errors
///
/// See [`StartError`].
pub async fn found(data_dir: &Path, observer: Arc<dyn Observer>) -> Result<Replica, StartError> {
    let options = NodeOptions {
        data_dir: data_dir.to_owned(),
        init: true,
        join: Vec::new(),
        join_token: None,
        stays_learner: false,
        peer_advertise: String::new(),
        client_advertise: "nowhere:1".to_owned(),
        peer_listener: net::Tcp.listen("127.0.0.1:0").await?,
        settings: RaftSettings::default(),
        machine: Machine::real(),
        opener: Arc::new(SortedMaps(RealFiles)),
        observer,
    };
    let Node { replica } = start(RealFiles, options).await?;
    Ok(replica)
}
