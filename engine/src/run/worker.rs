//! The parent's side of a child process.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::child::CHILD_ARGUMENT;
use super::memory::Watch;
use super::wire::{self, Report, Work};

/// How often the memory of a child is looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(100);

/// Bytes of a child's last words that are kept.
const MOST_STDERR_BYTES: u64 = 4096;

/// The children of a job, to be ended together.
#[derive(Default)]
pub(super) struct Children {
    cancelled: AtomicBool,
    running: Mutex<Vec<Arc<Mutex<Child>>>>,
}

/// Why a child gave no answer.
pub(super) enum ChildError {
    /// The job was cancelled.
    Cancelled,
    /// The child could not start, crashed, or said why it can't.
    Failed(String),
}

/// What a child reports while it works.
pub(super) enum Sign {
    Report(Report),
    /// Bytes that it holds.
    Memory(u64),
}

impl Children {
    /// Ends all children and lets no new one start.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        for child in lock(&self.running).iter() {
            // A child that has just ended by itself can't be ended again.
            let _ = lock(child).kill();
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Runs one child to its end. `sign` is called from two threads, never at the same time, with
    /// everything that happens; what comes back is the last report.
    pub(super) fn run(
        &self,
        program: &Path,
        work: &Work,
        sign: &mut (dyn FnMut(Sign) + Send),
    ) -> Result<Report, ChildError> {
        let mut child = Command::new(program)
            .arg(CHILD_ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                ChildError::Failed(format!("{} can't be started: {error}", program.display()))
            })?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let pid = child.id();
        let child = Arc::new(Mutex::new(child));
        {
            let mut running = lock(&self.running);
            running.push(Arc::clone(&child));
            // A cancel that came before the push has not seen this child.
            if self.is_cancelled() {
                let _ = lock(&child).kill();
            }
        }
        let (Some(mut stdin), Some(mut stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(ChildError::Failed("the child process has no pipes".to_owned()));
        };

        let sign = Mutex::new(sign);
        let done = AtomicBool::new(false);
        let (last, words) = std::thread::scope(|scope| {
            let words = scope.spawn(|| last_words(stderr));
            let sampler = scope.spawn(|| sample(pid, &done, &sign));
            let last = match wire::send(&mut stdin, work) {
                Ok(()) => reports(&mut stdout, &sign),
                Err(error) => Err(error),
            };
            done.store(true, Ordering::SeqCst);
            sampler.thread().unpark();
            // The end of its input tells a child that hangs to end.
            drop(stdin);
            (last, words.join().unwrap_or_default())
        });
        lock(&self.running).retain(|other| !Arc::ptr_eq(other, &child));
        let status = lock(&child).wait();
        match last {
            _ if self.is_cancelled() => Err(ChildError::Cancelled),
            Ok(Report::Failed { reason }) => Err(ChildError::Failed(reason)),
            Ok(report) => Ok(report),
            Err(_) => Err(ChildError::Failed(crash_reason(status, &words))),
        }
    }
}

/// The program that children run: this one.
pub(super) fn own_program() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| format!("this program can't find itself: {error}"))
}

/// Passes reports on until the last one.
fn reports(
    stdout: &mut impl Read,
    sign: &Mutex<&mut (dyn FnMut(Sign) + Send)>,
) -> io::Result<Report> {
    loop {
        match wire::receive(stdout)? {
            report @ (Report::Started(_) | Report::Finished(..)) => {
                lock(sign)(Sign::Report(report));
            }
            last => return Ok(last),
        }
    }
}

fn sample(pid: u32, done: &AtomicBool, sign: &Mutex<&mut (dyn FnMut(Sign) + Send)>) {
    let mut watch = Watch::new(pid);
    while !done.load(Ordering::SeqCst) {
        if let Some(bytes) = watch.resident_bytes() {
            lock(sign)(Sign::Memory(bytes));
        }
        std::thread::park_timeout(SAMPLE_EVERY);
    }
}

/// The first bytes of what a child writes to stderr; the rest is read too, so that it never waits
/// for a full pipe.
fn last_words(mut stderr: impl Read) -> String {
    let mut words = Vec::new();
    let _ = stderr.by_ref().take(MOST_STDERR_BYTES).read_to_end(&mut words);
    let _ = io::copy(&mut stderr, &mut io::sink());
    String::from_utf8_lossy(&words).trim().to_owned()
}

fn crash_reason(status: io::Result<ExitStatus>, words: &str) -> String {
    let how = match status {
        Ok(status) => how_it_ended(status),
        Err(error) => format!("was lost: {error}"),
    };
    match words.lines().next() {
        None => format!("the process that proves it {how}"),
        Some(_) => format!("the process that proves it {how}: {}", words.replace('\n', " ")),
    }
}

fn how_it_ended(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            let guess = if signal == 9 { " (too little memory is the usual reason)" } else { "" };
            return format!("was ended by signal {signal}{guess}");
        }
    }
    format!("ended without an answer ({status})")
}

/// Locks, also where a thread panicked with the lock held: what is guarded here stays usable.
pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
