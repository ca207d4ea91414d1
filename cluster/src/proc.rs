//! What the operating system counts of a process (proc(5)).

/// Ticks of the processor clock in a second: fixed for programs on Linux.
const TICKS_PER_SECOND: u64 = 100;

/// What a process has used since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// Processor time, its own and the kernel's for it, in microseconds.
    pub(crate) cpu_us: u64,
    /// Bytes it had written to the disk.
    pub(crate) written_bytes: u64,
}

/// What a process has used; `None` if it is gone or not ours.
pub(crate) fn used(pid: u32) -> Option<Used> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may contain anything; the numbers come after it.
    let numbers: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = numbers.get(11)?.parse::<u64>().ok()? + numbers.get(12)?.parse::<u64>().ok()?;
    let io = std::fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok())?;
    Some(Used { cpu_us: ticks * (1_000_000 / TICKS_PER_SECOND), written_bytes: written })
}
