//! The worker process: proves or verifies one statement after the other.
//!
//! It reads requests from stdin and reports on stdout. Its stdin stays open as long as the parent
//! lives, so its end is the sign to end too. What a request brings is gone when it is answered;
//! only keys stay, which say nothing but what the public model says.

use std::io::{self, Write};
use std::process;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::memory;
use super::wire::{self, Answer, Report, Work};
use crate::prove::halo2::{self, Halo2};
use crate::prove::{Event, System, Witness};

/// The hidden argument that makes a process a worker.
pub(super) const WORKER_ARGUMENT: &str = "--microtome-worker";

/// How long a worker waits for its next request before it gives its memory back.
const MOST_IDLE: Duration = Duration::from_secs(10 * 60);

/// Exit code of a worker whose parent is gone.
const ORPHANED: i32 = 3;

/// Exit code of a worker that had nothing to do for too long.
pub(super) const IDLE: i32 = 4;

/// Where this process was started as a worker, serves and ends it. Every program that starts jobs
/// calls this first.
pub fn child_main_if_asked() {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == WORKER_ARGUMENT) {
        process::exit(serve());
    }
}

fn serve() -> i32 {
    memory::volunteer_for_the_memory_killer();
    // The parent sends equal circuits to the same worker, and others elsewhere: so the memory of a
    // proof is never that of the keys of another.
    halo2::keep_proving_keys(1);
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        while let Ok(work) = wire::receive::<Work>(&mut stdin) {
            if sender.send(work).is_err() {
                break;
            }
        }
        // The parent is gone: nobody waits for the proof that is being made.
        process::exit(ORPHANED);
    });
    let mut out = io::stdout().lock();
    let mut is_first = true;
    loop {
        let work = match requests.recv_timeout(MOST_IDLE) {
            Ok(work) => work,
            Err(RecvTimeoutError::Timeout) => return IDLE,
            Err(RecvTimeoutError::Disconnected) => return ORPHANED,
        };
        let is_own_peak = memory::forget_own_peak() || is_first;
        is_first = false;
        let answer = run(work, &mut out);
        let report = Report::Done {
            answer,
            peak_bytes: memory::own_peak_bytes().filter(|_| is_own_peak),
            held_bytes: memory::own_bytes(),
        };
        if wire::send(&mut out, &report).is_err() {
            return ORPHANED;
        }
    }
}

fn run(work: Work, out: &mut impl Write) -> Answer {
    match work {
        Work::Prove { system, width, statement, trace, salts } => {
            let witness = Witness { trace, salts };
            let mut progress = |event: Event| {
                let report = match event {
                    Event::Started(phase) => Report::Started(phase),
                    Event::Finished(phase, secs) => Report::Finished(phase, secs),
                    Event::Reused(phase) => Report::Reused(phase),
                };
                // A report that can't be sent means that the parent is gone; the watch on stdin
                // ends the process then.
                let _ = wire::send(out, &report);
            };
            let halo2 = Halo2 { width };
            let system = match system {
                System::Halo2 => &halo2,
                System::Whir => system.proof_system(),
            };
            let proved =
                statement.with(|statement| system.prove(statement, &witness, &mut progress));
            match proved {
                Ok(proof) => Answer::Proof(proof),
                Err(error) => Answer::Failed(error.to_string()),
            }
        }
        Work::Verify { system, statement, proof } => {
            match statement.with(|statement| system.proof_system().verify(statement, &proof)) {
                Ok(()) => Answer::Holds,
                Err(error) => Answer::Failed(error.to_string()),
            }
        }
        Work::Parameters { k } => match halo2::parameters(k, halo2::default_cache().as_deref()) {
            Ok(_) => Answer::Parameters,
            Err(error) => Answer::Failed(error.to_string()),
        },
    }
}
