//! How RocksDB is set up for rows: small values, one writer, many reads of keys that are not there.

use rocksdb::{BlockBasedOptions, Cache, DBCompressionType, LogLevel, Options};

/// Information logs kept, and the size of each: for whoever looks into a problem, not for us.
const INFORMATION_LOGS_KEPT: usize = 2;
const INFORMATION_LOG_BYTES: usize = 4 << 20;

/// Background threads: one flushes, one compacts; more would take cores from the node itself.
const BACKGROUND_JOBS: i32 = 2;

/// Bits per key of the bloom filters: about one false positive in a hundred. A request is looked up before it is
/// known to be new, so most lookups find nothing.
const BLOOM_BITS: f64 = 10.0;

/// Sizes that depend on the machine.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// A memtable this large is flushed: also what has to be replayed from the log after a crash.
    pub memtable_bytes: usize,
    /// Memory for blocks that were read.
    pub block_cache_bytes: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { memtable_bytes: 64 << 20, block_cache_bytes: 128 << 20 }
    }
}

impl Tuning {
    pub(crate) fn options(&self) -> Options {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.set_paranoid_checks(true);

        options.set_write_buffer_size(self.memtable_bytes);
        options.set_max_write_buffer_number(3);
        options.set_allow_concurrent_memtable_write(false);
        options.set_memtable_prefix_bloom_ratio(0.05);
        options.set_memtable_whole_key_filtering(true);

        options.set_max_background_jobs(BACKGROUND_JOBS);
        options.set_level_compaction_dynamic_level_bytes(true);
        options.set_compression_type(DBCompressionType::Lz4);
        // Steady writing instead of a burst at the end of each file, which would delay the log's syncs.
        options.set_bytes_per_sync(1 << 20);

        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&Cache::new_lru_cache(self.block_cache_bytes));
        blocks.set_bloom_filter(BLOOM_BITS, false);
        blocks.set_whole_key_filtering(true);
        options.set_block_based_table_factory(&blocks);

        options.set_keep_log_file_num(INFORMATION_LOGS_KEPT);
        options.set_max_log_file_size(INFORMATION_LOG_BYTES);
        options.set_log_level(LogLevel::Warn);
        options.set_stats_dump_period_sec(0);
        options
    }
}
