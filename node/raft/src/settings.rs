//! How openraft is set up, and why.

use holdfast_storage::log::LogOptions;
use openraft::{Config, SnapshotPolicy};

/// Milliseconds between heartbeats: well above a slow sync and a round trip.
const HEARTBEAT_INTERVAL_MS: u64 = 100;

/// A follower that hears nothing for so long stands for election: a killed leader is replaced in 1.5 to 2 s.
const ELECTION_TIMEOUT_MIN_MS: u64 = 500;
const ELECTION_TIMEOUT_MAX_MS: u64 = 1000;

/// A leader without a quorum stops its heartbeats for so long, so that others can elect (openraft #2080).
const QUORUM_LOSS_PROBE_INTERVAL_MS: u64 = 2000;

/// Entries of one append; their bytes are limited where they are read.
const PAYLOAD_ENTRIES_MAX: u64 = 1024;

/// Entries purged at once.
const PURGE_BATCH: u64 = 256;

/// A snapshot may take this long to be sent and installed.
const INSTALL_SNAPSHOT_MS: u64 = 600_000;

/// What an operator may change.
#[derive(Clone, Debug)]
pub struct RaftSettings {
    /// A snapshot is made after so many applied entries.
    pub snapshot_entries: u64,
    /// A snapshot is also made when the log has grown to so many bytes.
    pub snapshot_log_bytes: u64,
    /// Entries kept behind a snapshot, so that a follower that was away for a moment catches up from the log.
    pub keep_entries: u64,
    /// Decoded rows kept in memory.
    pub rows_cached: usize,
    /// Lets a restarted leader lead without an election: for the scenario that shows why it never may.
    #[cfg(feature = "simulation")]
    pub restores_leader: bool,
    /// Entries purged at once: a short run must come to need snapshots.
    #[cfg(feature = "simulation")]
    pub purge_batch: u64,
    /// The log's sizes: a short run must come to its segments' ends, and to read entries from its files.
    #[cfg(feature = "simulation")]
    pub log: LogOptions,
}

impl Default for RaftSettings {
    fn default() -> Self {
        Self {
            snapshot_entries: 50_000,
            snapshot_log_bytes: 512 << 20,
            keep_entries: 5_000,
            rows_cached: 200_000,
            #[cfg(feature = "simulation")]
            restores_leader: false,
            #[cfg(feature = "simulation")]
            purge_batch: PURGE_BATCH,
            #[cfg(feature = "simulation")]
            log: LogOptions::default(),
        }
    }
}

impl RaftSettings {
    /// openraft's settings.
    pub(crate) fn openraft(&self, cluster: &str) -> Result<Config, String> {
        let config = Config {
            cluster_name: cluster.to_owned(),
            heartbeat_interval: HEARTBEAT_INTERVAL_MS,
            election_timeout_min: ELECTION_TIMEOUT_MIN_MS,
            election_timeout_max: ELECTION_TIMEOUT_MAX_MS,
            quorum_loss_probe_interval: Some(QUORUM_LOSS_PROBE_INTERVAL_MS),
            enable_pre_vote: Some(true),
            max_payload_entries: PAYLOAD_ENTRIES_MAX,
            purge_batch_size: self.purge_batch(),
            install_snapshot_timeout: INSTALL_SNAPSHOT_MS,
            // We decide when to take one, by entries and by bytes.
            snapshot_policy: SnapshotPolicy::Never,
            max_in_snapshot_log_to_keep: self.keep_entries,
            // A restarted leader may have lost entries it replicated but had not synced: it must be elected anew.
            enable_leader_restore: Some(false),
            ..Config::default()
        };
        let config = config.validate().map_err(|error| error.to_string())?;
        #[cfg(feature = "simulation")]
        if self.restores_leader {
            return Ok(Config { enable_leader_restore: Some(true), ..config });
        }
        assert_safe(&config)?;
        Ok(config)
    }
}

impl RaftSettings {
    #[cfg(not(feature = "simulation"))]
    fn purge_batch(&self) -> u64 {
        PURGE_BATCH
    }

    #[cfg(feature = "simulation")]
    fn purge_batch(&self) -> u64 {
        self.purge_batch
    }

    /// The log's sizes.
    #[cfg(not(feature = "simulation"))]
    pub(crate) fn log(&self) -> LogOptions {
        LogOptions::default()
    }

    /// The log's sizes.
    #[cfg(feature = "simulation")]
    pub(crate) fn log(&self) -> LogOptions {
        self.log.clone()
    }
}

/// Refuses settings under which an acknowledged entry could be lost.
fn assert_safe(config: &Config) -> Result<(), String> {
    if config.enable_leader_restore != Some(false) {
        return Err("a restarted leader must not lead without an election".to_owned());
    }
    if config.allow_log_reversion.is_some() {
        return Err("a log must never be allowed to go back".to_owned());
    }
    Ok(())
}
