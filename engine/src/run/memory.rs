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

/// The most bytes that this process has held, where the system tells (on Linux).
pub(super) fn own_peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
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
}
