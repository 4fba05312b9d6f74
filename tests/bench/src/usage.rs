//! Processor time and memory, of this process and of others.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Processor time of this process so far, all threads together.
pub(crate) fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanoseconds)
}

/// Most memory that this process has had so far, in MiB. 0 where the system does not tell.
pub(crate) fn memory_peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// Processor time of another process so far, in seconds.
pub(crate) fn processor_of(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    ticks_of_process(&stat).map(seconds)
}

/// Processor time of all processes so far, in seconds.
pub(crate) fn processor_of_all() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    ticks_of_all(&stat).map(seconds)
}

/// User and system time in a process's line of `/proc`.
fn ticks_of_process(stat: &str) -> Option<u64> {
    // The name stands in brackets and may hold spaces and brackets of its own.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(ticks()? + ticks()?)
}

/// Time that the first line of `/proc/stat` does not count as idle.
fn ticks_of_all(stat: &str) -> Option<u64> {
    let first = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = first
        .split_whitespace()
        .take(8)
        .map(|ticks| ticks.parse().ok())
        .collect::<Option<_>>()?;
    let idle = ticks.get(3)? + ticks.get(4)?;
    Some(ticks.iter().sum::<u64>() - idle)
}

fn seconds(ticks: u64) -> f64 {
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_is_read_by_field() {
        // Shows that odd names do not shift the fields, and that idle time does not count as work.
        let line = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 31 11 0 0 20 0 1 0 1 1 1";
        assert_eq!(ticks_of_process(line), Some(42));
        assert_eq!(ticks_of_process("7 (a"), None);
        let stat = "cpu  10 1 5 1000 50 2 3 4 9 9\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(ticks_of_all(stat), Some(25));
        assert_eq!(ticks_of_all("cpu x"), None);
    }

    #[test]
    fn this_process_has_used_something() {
        // Shows that the system is read at all.
        assert!(processor() > Duration::ZERO);
        assert!(memory_peak_mib() > 0);
        assert!(processor_of(std::process::id()).is_some());
        assert!(processor_of_all().is_some_and(|seconds| seconds > 0.0));
    }
}
