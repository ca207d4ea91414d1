//! Nothing: building this crate runs the build script of `librocksdb-sys`, which compiles RocksDB.
