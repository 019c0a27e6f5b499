//! The child process: proves or verifies one statement and ends.
//!
//! It reads one request from stdin and reports on stdout. Its stdin stays open as long as the
//! parent lives, so its end is the sign to end too.

use std::io::{self, Read, Write};
use std::process;

use super::memory;
use super::wire::{self, Report, Work};
use crate::prove::{Event, Witness};

/// The hidden argument that makes a process a child.
pub(super) const CHILD_ARGUMENT: &str = "--microtome-prove-child";

/// Exit code of a child whose parent is gone.
const ORPHANED: i32 = 3;

/// Where this process was started as a child, serves and ends it. Every program that starts jobs
/// calls this first.
pub fn child_main_if_asked() {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == CHILD_ARGUMENT) {
        process::exit(serve());
    }
}

fn serve() -> i32 {
    memory::volunteer_for_the_memory_killer();
    let Ok(work) = wire::receive::<Work>(&mut io::stdin().lock()) else {
        return ORPHANED;
    };
    std::thread::spawn(|| {
        let mut rest = [0; 64];
        // Nothing more is ever sent: whatever ends the wait, the parent is gone.
        while matches!(io::stdin().lock().read(&mut rest), Ok(1..)) {}
        process::exit(ORPHANED);
    });
    let mut out = io::stdout().lock();
    let report = run(work, &mut out);
    match wire::send(&mut out, &report) {
        Ok(()) => 0,
        Err(_) => ORPHANED,
    }
}

fn run(work: Work, out: &mut impl Write) -> Report {
    match work {
        Work::Prove { system, statement, trace, salts } => {
            let witness = Witness { trace, salts };
            let mut progress = |event: Event| {
                let report = match event {
                    Event::Started(phase) => Report::Started(phase),
                    Event::Finished(phase, secs) => Report::Finished(phase, secs),
                };
                // A report that can't be sent means that the parent is gone; the watch on stdin
                // ends the process then.
                let _ = wire::send(out, &report);
            };
            let proved = statement
                .with(|statement| system.proof_system().prove(statement, &witness, &mut progress));
            match proved {
                Ok(bytes) => Report::Proof { bytes, peak_bytes: memory::own_peak_bytes() },
                Err(error) => Report::Failed { reason: error.to_string() },
            }
        }
        Work::Verify { system, statement, proof } => {
            match statement.with(|statement| system.proof_system().verify(statement, &proof)) {
                Ok(()) => Report::Holds { peak_bytes: memory::own_peak_bytes() },
                Err(error) => Report::Failed { reason: error.to_string() },
            }
        }
    }
}
