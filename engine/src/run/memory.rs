//! Memory of processes, as the operating system counts it.

use std::fs;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Watches the memory of another process.
pub(super) struct Watch {
    /// Missing where the system is not known to the library.
    system: Option<System>,
    pid: Pid,
}

impl Watch {
    pub(super) fn new(pid: u32) -> Self {
        Self { system: System::new().ok(), pid: Pid::from_u32(pid) }
    }

    /// Bytes that the process holds now; `None` where it is gone.
    pub(super) fn resident_bytes(&mut self) -> Option<u64> {
        let kind = ProcessRefreshKind::nothing().with_memory();
        let system = self.system.as_mut()?;
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[self.pid]), true, kind);
        system.process(self.pid).map(sysinfo::Process::memory)
    }
}

/// The most bytes that this process has held since it began, or since it forgot, where the system
/// tells (on Linux).
pub(super) fn own_peak_bytes() -> Option<u64> {
    own_status("VmHWM:")
}

/// The bytes that this process holds, where the system tells (on Linux).
pub(super) fn own_bytes() -> Option<u64> {
    own_status("VmRSS:")
}

fn own_status(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// Lets [`own_peak_bytes`] count anew from what is held now; false where the system can't.
pub(super) fn forget_own_peak() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// Asks the system to end this process first where memory runs out, so that the window lives on.
pub(super) fn volunteer_for_the_memory_killer() {
    // Only Linux has this file; elsewhere, and where it is not allowed, nothing changes.
    let _ = fs::write("/proc/self/oom_score_adj", "800");
}

/// Memory of this machine that is free to use now.
#[must_use]
pub fn available_bytes() -> u64 {
    let Ok(mut system) = System::new() else {
        // Nothing is known of this system, so nothing is held back.
        return u64::MAX;
    };
    system.refresh_memory();
    system.available_memory()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_holds_memory() {
        let bytes = Watch::new(std::process::id()).resident_bytes().unwrap();
        assert!(bytes > 100_000, "{bytes}");
        #[cfg(target_os = "linux")]
        assert!(own_peak_bytes().unwrap() >= bytes / 2);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_peak_that_is_forgotten_counts_anew() {
        const MUCH: usize = 256 << 20;
        let much = vec![1u8; MUCH];
        assert!(std::hint::black_box(&much).iter().step_by(4096).all(|&byte| byte == 1));
        drop(much);
        assert!(own_peak_bytes().unwrap() >= MUCH as u64);
        // Where a container forbids it, the peak stays, and the caller is told.
        if forget_own_peak() {
            assert!(own_peak_bytes().unwrap() < own_bytes().unwrap() + (MUCH / 2) as u64);
        }
    }
}
