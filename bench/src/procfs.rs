//! What Linux counts: processor time of a process and of the machine, and resident memory
//! (proc(5)).

use std::path::Path;

use anyhow::{Context as _, Result};

/// Clock ticks a second in `/proc`: `USER_HZ`, which is 100 on every architecture Linux runs Envoy
/// on.
const TICKS: f64 = 100.0;

/// Processor time of a process, all its threads, in seconds, exact to the nanosecond: the first
/// field of every thread's `schedstat`. (`stat` counts in hundredths of a second.)
///
/// # Errors
/// When the process is gone.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let folder = format!("/proc/{pid}/task");
    let threads = std::fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))?;
    let mut nanoseconds = 0.0;
    for thread in threads {
        // A thread may end between the listing and the reading.
        if let Ok(text) = std::fs::read_to_string(thread?.path().join("schedstat")) {
            nanoseconds += run_time(&text).context("schedstat is not as sched-stats says")?;
        }
    }
    Ok(nanoseconds / 1e9)
}

/// Processor time of this process and of the children it has waited for, in seconds.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn own_and_ended_children_seconds() -> Result<f64> {
    let stat = read("/proc/self/stat")?;
    (|| Some((own_ticks(&stat)? + sum(&stat, 13..15)?) / TICKS))()
        .context("/proc/self/stat is not as proc(5) says")
}

/// Processor time that all processes of the machine took together, in seconds: user, nice and
/// system. Interrupts are left out; nobody's process pays for them.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn machine_seconds() -> Result<f64> {
    let stat = read("/proc/stat")?;
    machine_ticks(&stat)
        .map(|ticks| ticks / TICKS)
        .context("/proc/stat is not as proc(5) says")
}

/// Resident memory of a process in bytes.
///
/// # Errors
/// When the process is gone.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    let status = read(&format!("/proc/{pid}/status"))?;
    resident(&status).context("/proc/PID/status has no VmRSS")
}

/// Linear memories of the sandboxes in a process, in bytes, the largest first.
///
/// V8 reserves several GiB for each and opens as much of it as the module has asked for, from the
/// start on: a private writable mapping with a huge inaccessible one right behind it.
///
/// # Errors
/// When the process is gone.
pub fn sandbox_bytes(pid: u32) -> Result<Vec<u64>> {
    Ok(sandboxes(&read(&format!("/proc/{pid}/maps"))?))
}

/// The processor's name, for the record.
#[must_use]
pub fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or_else(
            || "unknown processor".to_owned(),
            |(_, name)| name.to_owned(),
        )
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(Path::new(path)).with_context(|| format!("cannot read {path}"))
}

fn run_time(schedstat: &str) -> Option<f64> {
    schedstat.split_ascii_whitespace().next()?.parse().ok()
}

/// `utime` and `stime`. The command's name, field 2, may hold blanks and parentheses.
fn own_ticks(stat: &str) -> Option<f64> {
    sum(stat, 11..13)
}

/// Sum of fields, counted from 0 at the one after the command's name.
fn sum(stat: &str, fields: std::ops::Range<usize>) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest
        .split_ascii_whitespace()
        .skip(fields.start)
        .take(fields.len())
        .collect();
    fields.iter().map(|field| field.parse::<f64>().ok()).sum()
}

fn machine_ticks(stat: &str) -> Option<f64> {
    let total = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields = total.split_ascii_whitespace().take(3);
    fields.map(|field| field.parse::<f64>().ok()).sum()
}

fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

fn sandboxes(maps: &str) -> Vec<u64> {
    const RESERVED: u64 = 1 << 30;
    let mut found = Vec::new();
    let mut open: Option<(u64, u64)> = None;
    for (start, end, rights) in maps.lines().filter_map(mapping) {
        match (rights, open) {
            ("rw-p", _) => open = Some((start, end)),
            ("---p", Some((first, last))) if last == start && end - start >= RESERVED => {
                found.push(last - first);
                open = None;
            }
            _ => open = None,
        }
    }
    found.sort_unstable_by(|left, right| right.cmp(left));
    found
}

fn mapping(line: &str) -> Option<(u64, u64, &str)> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    Some((address(start)?, address(end)?, words.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "4242 (a (b) c) S 1 4242 4242 0 -1 4194560 4119 7 0 0 120 30 5 6 20 0 12 0 \
                        8837 1 2 3";

    #[test]
    fn ticks_behind_a_name_with_parentheses() {
        assert_eq!(own_ticks(STAT), Some(150.0));
        assert_eq!(sum(STAT, 13..15), Some(11.0));
        for wrong in [
            "",
            "4242 (envoy) S 1",
            "4242 (envoy) S 1 2 3 4 5 6 7 8 9 10 x y",
        ] {
            assert_eq!(
                own_ticks(wrong).filter(|ticks| *ticks > 0.0),
                None,
                "{wrong}"
            );
        }
    }

    #[test]
    fn nanoseconds_of_a_thread() {
        assert_eq!(run_time("103203 2863994 2\n"), Some(103_203.0));
        assert_eq!(run_time("x 1 2"), None);
    }

    #[test]
    fn the_machine_without_idling_and_interrupts() {
        let stat = "cpu  100 5 50 9000 7 3 2 1 0 0\ncpu0 1 2 3\n";
        assert_eq!(machine_ticks(stat), Some(155.0));
        assert_eq!(machine_ticks("intr 1 2 3"), None);
    }

    #[test]
    fn resident_memory() {
        assert_eq!(
            resident("VmPeak:\t  9 kB\nVmRSS:\t   104 kB\n"),
            Some(106_496)
        );
        assert_eq!(resident("VmPeak:\t 9 kB\n"), None);
    }

    #[test]
    fn a_sandbox_is_writable_memory_in_front_of_a_huge_reservation() {
        let maps = "\
10000-20000 rw-p 00000000 00:00 0 [heap]
100000000-100300000 rw-p 00000000 00:00 0
100300000-300000000 ---p 00000000 00:00 0
400000000-400001000 rw-p 00000000 00:00 0
400001000-400002000 ---p 00000000 00:00 0
500000000-500500000 rw-p 00000000 00:00 0
500600000-700000000 ---p 00000000 00:00 0
800000000-800400000 rw-p 00000000 00:00 0
800400000-a00000000 ---p 00000000 00:00 0
";
        assert_eq!(sandboxes(maps), [0x40_0000, 0x30_0000]);
    }
}
