//! Makes a thread deterministic: what it asks the operating system for random numbers comes from a seed, and the time
//! stands still but for what it is told. Other threads notice nothing.
//!
//! The linker takes these functions instead of the C library's, for this program alone. Collections with random
//! hashing, salts, and clocks that libraries read behind our back all end here.

#![expect(unsafe_code, reason = "the C library's functions are replaced by ours")]

use std::cell::Cell;
use std::ffi::{c_int, c_long, c_uint, c_void};

use crate::chance::Chance;

thread_local! {
    static SEEDED: Cell<Option<u64>> = const { Cell::new(None) };
    static NANOS: Cell<u64> = const { Cell::new(0) };
}

/// Time that a thread begins with: its clocks must never be before what libraries subtract from them.
const FIRST_SECOND: u64 = 1_000_000;

/// From now on this thread is deterministic.
pub fn begin(seed: u64) {
    SEEDED.set(Some(seed));
    set_time_ms(0);
}

/// Sets this thread's clocks, in milliseconds since it became deterministic.
pub fn set_time_ms(now_ms: u64) {
    NANOS.set((FIRST_SECOND * 1000 + now_ms) * 1_000_000);
}

/// As the C library's, for deterministic threads from their seed.
///
/// # Safety
///
/// `buffer` has room for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrandom(buffer: *mut c_void, length: usize, flags: c_uint) -> isize {
    let Some(seed) = SEEDED.get() else {
        // SAFETY: as the caller says.
        return unsafe { libc::syscall(libc::SYS_getrandom, buffer, length, flags) } as isize;
    };
    let mut chance = Chance::new(seed);
    // SAFETY: as the caller says.
    let bytes = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length) };
    for chunk in bytes.chunks_mut(8) {
        let number = chance.draw().to_le_bytes();
        chunk.copy_from_slice(&number[..chunk.len()]);
    }
    SEEDED.set(Some(chance.draw()));
    length as isize
}

/// As the C library's, for deterministic threads as they are told.
///
/// # Safety
///
/// `time` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    if SEEDED.get().is_none() {
        // SAFETY: as the caller says.
        return unsafe { libc::syscall(libc::SYS_clock_gettime, clock as c_long, time) } as c_int;
    }
    let nanos = NANOS.get();
    let since_epoch = if clock == libc::CLOCK_REALTIME { crate::time::EPOCH_MS / 1000 } else { 0 };
    // SAFETY: as the caller says.
    unsafe {
        (*time).tv_sec = (nanos / 1_000_000_000 + since_epoch) as libc::time_t;
        (*time).tv_nsec = (nanos % 1_000_000_000) as c_long;
    }
    0
}
