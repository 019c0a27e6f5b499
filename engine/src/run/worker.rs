//! The parent's side of a worker process.

use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::child::{IDLE, WORKER_ARGUMENT};
use super::memory::Watch;
use super::wire::{self, Report, Work};

/// How often the memory of a worker is looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(100);

/// Bytes of a worker's last words that are kept.
const MOST_STDERR_BYTES: u64 = 4096;

/// The workers that work for a job, to be ended together.
#[derive(Default)]
pub(super) struct Working {
    cancelled: AtomicBool,
    processes: Mutex<Vec<Arc<Mutex<Child>>>>,
}

/// Why a worker gave no answer.
pub(super) enum Lost {
    /// The job was cancelled.
    Cancelled,
    /// It had ended by itself before the request came, since it had nothing to do for long.
    Idle,
    /// It crashed; how.
    Crashed(String),
}

/// What a worker reports while it works.
pub(super) enum Sign {
    Report(Report),
    /// Bytes that it holds.
    Memory(u64),
}

impl Working {
    /// Ends all workers of the job and lets no other one work for it.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        for process in lock(&self.processes).iter() {
            // One that has just ended by itself can't be ended again.
            let _ = lock(process).kill();
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    fn begin(&self, process: &Arc<Mutex<Child>>) {
        let mut processes = lock(&self.processes);
        processes.push(Arc::clone(process));
        // A cancel that came before the push has not seen this one.
        if self.is_cancelled() {
            let _ = lock(process).kill();
        }
    }

    fn end(&self, process: &Arc<Mutex<Child>>) {
        lock(&self.processes).retain(|other| !Arc::ptr_eq(other, process));
    }
}

/// How a worker is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// The program, which must serve as a worker.
    pub program: PathBuf,
    /// How many threads it computes with; one a core unless said otherwise.
    pub threads: Option<usize>,
}

/// A process that serves one request after the other. Dropping it ends it.
pub(super) struct Worker {
    process: Arc<Mutex<Child>>,
    pid: u32,
    stdin: ChildStdin,
    stdout: ChildStdout,
    /// Ends with the process, and gives what it wrote to stderr.
    words: Option<JoinHandle<String>>,
}

impl Worker {
    /// Starts a worker.
    pub(super) fn start(start: &Start) -> Result<Self, String> {
        let mut command = Command::new(&start.program);
        command.arg(WORKER_ARGUMENT);
        if let Some(threads) = start.threads {
            command.env("RAYON_NUM_THREADS", threads.to_string());
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{} can't be started: {error}", start.program.display()))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            let _ = child.kill();
            return Err("a worker process has no pipes".to_owned());
        };
        Ok(Self {
            pid: child.id(),
            process: Arc::new(Mutex::new(child)),
            stdin,
            stdout,
            words: Some(thread::spawn(|| last_words(stderr))),
        })
    }

    /// Whether the process is over.
    pub(super) fn has_ended(&self) -> bool {
        !matches!(lock(&self.process).try_wait(), Ok(None))
    }

    /// Bytes that it holds, where the system tells.
    pub(super) fn resident_bytes(&self) -> Option<u64> {
        Watch::new(self.pid).resident_bytes()
    }

    /// Asks for one thing and waits for the last report. `sign` is called from two threads, never
    /// at the same time, with everything that happens until then.
    pub(super) fn ask(
        &mut self,
        work: &Work,
        working: &Working,
        sign: &mut (dyn FnMut(Sign) + Send),
    ) -> Result<Report, Lost> {
        working.begin(&self.process);
        let sign = Mutex::new(sign);
        let done = AtomicBool::new(false);
        let (pid, stdin, stdout) = (self.pid, &mut self.stdin, &mut self.stdout);
        let last = thread::scope(|scope| {
            let sampler = scope.spawn(|| sample(pid, &done, &sign));
            let last = wire::send(stdin, work).and_then(|()| reports(stdout, &sign));
            done.store(true, Ordering::SeqCst);
            sampler.thread().unpark();
            last
        });
        working.end(&self.process);
        match last {
            _ if working.is_cancelled() => Err(Lost::Cancelled),
            Ok(report) => Ok(report),
            Err(_) => Err(self.loss()),
        }
    }

    /// Why a worker is gone that didn't answer.
    fn loss(&mut self) -> Lost {
        let status = {
            let mut process = lock(&self.process);
            // Its pipes broke, so it is over; one that only closed them must be over too.
            if !matches!(process.try_wait(), Ok(Some(_))) {
                thread::sleep(Duration::from_millis(50));
            }
            if !matches!(process.try_wait(), Ok(Some(_))) {
                let _ = process.kill();
            }
            process.wait()
        };
        if status.as_ref().is_ok_and(|status| status.code() == Some(IDLE)) {
            return Lost::Idle;
        }
        let words = self.words.take().and_then(|words| words.join().ok()).unwrap_or_default();
        Lost::Crashed(crash_reason(status, &words))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        let process = Arc::clone(&self.process);
        let _ = lock(&process).kill();
        // Waiting takes it off the system's list. Until then it gives its memory back, for which
        // whoever drops it, such as a window, need not stop.
        let _ = thread::Builder::new().spawn(move || lock(&process).wait());
    }
}

/// The program that workers run: this one.
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
            last @ Report::Done { .. } => return Ok(last),
            report => lock(sign)(Sign::Report(report)),
        }
    }
}

fn sample(pid: u32, done: &AtomicBool, sign: &Mutex<&mut (dyn FnMut(Sign) + Send)>) {
    let mut watch = Watch::new(pid);
    while !done.load(Ordering::SeqCst) {
        if let Some(bytes) = watch.resident_bytes() {
            lock(sign)(Sign::Memory(bytes));
        }
        thread::park_timeout(SAMPLE_EVERY);
    }
}

/// The first bytes of what a worker writes to stderr; the rest is read too, so that it never waits
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
