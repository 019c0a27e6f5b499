//! A pool of worker processes, which outlives a job: what is proven again finds its keys there.
//!
//! Each proving worker keeps the keys of the circuit that it proved last, and only proofs of that
//! circuit come back to it. So the peak of a proof is its own, equal slices share their keys, and
//! giving keys up is ending a process, which gives back all of its memory.

use std::fmt;
use std::sync::{Arc, Mutex};

use super::shelf::{Kind, Shelf, Waiting};
use super::wire::{Answer, Report, Work};
use super::worker::{Lost, Sign, Worker, Working, lock};
use crate::prove::halo2::KeyName;

/// The worker processes of one job, or of several that come after one another. Clones are the same
/// pool; when the last one is dropped, its workers end.
#[derive(Clone, Default)]
pub struct Pool(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Whether keys are kept that only another job could use.
    is_lasting: bool,
    shelf: Mutex<Shelf<Worker>>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("held_bytes", &self.held_bytes()).finish_non_exhaustive()
    }
}

/// A request to whichever worker suits it best.
pub(super) struct Task<'a> {
    pub work: &'a Work,
    pub kind: &'a Kind,
    /// The keys that it needs; none where it needs none.
    pub keys: Option<KeyName>,
    /// Bytes that the workers which wait may hold meanwhile, and afterwards.
    pub room_bytes: [&'a dyn Fn() -> u64; 2],
    /// Whether a request to come in the same job can use the worker's keys.
    pub is_needed_again: &'a dyn Fn() -> bool,
}

/// What a request ended with.
pub(super) struct Done {
    pub answer: Answer,
    /// The most memory that the worker held, where the system tells.
    pub peak_bytes: Option<u64>,
}

/// Why a request got no answer.
pub(super) enum Failure {
    /// The job was cancelled.
    Cancelled,
    /// No worker could be started, or it crashed.
    Broken(String),
}

impl Pool {
    /// A pool that keeps keys for jobs to come: for a program that proves the same model again.
    /// [`Pool::default`] keeps only keys that are needed again in the job that goes on.
    #[must_use]
    pub fn lasting() -> Self {
        Self(Arc::new(Inner { is_lasting: true, shelf: Mutex::default() }))
    }

    /// Bytes that its waiting workers hold, and give back when a job needs them.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        lock(&self.0.shelf).bytes()
    }

    /// Has a request done. `sign` is told everything that happens meanwhile.
    pub(super) fn ask(
        &self,
        task: &Task<'_>,
        working: &Working,
        sign: &mut (dyn FnMut(Sign) + Send),
    ) -> Result<Done, Failure> {
        loop {
            if working.is_cancelled() {
                return Err(Failure::Cancelled);
            }
            let waited = self.take(task);
            let is_new = waited.is_none();
            let mut worker = match waited {
                Some(worker) => worker,
                None => Worker::start(&task.kind.start).map_err(Failure::Broken)?,
            };
            match worker.ask(task.work, working, sign) {
                Ok(Report::Done { answer, peak_bytes, held_bytes }) => {
                    self.put(worker, task, held_bytes);
                    return Ok(Done { answer, peak_bytes });
                }
                // It went home just before the request came; the next one is awake.
                Err(Lost::Idle) if !is_new => {}
                Err(Lost::Cancelled) => return Err(Failure::Cancelled),
                Err(Lost::Crashed(reason)) => return Err(Failure::Broken(reason)),
                Ok(_) | Err(Lost::Idle) => {
                    return Err(Failure::Broken("a worker process gave no answer".to_owned()));
                }
            }
        }
    }

    /// A waiting worker that suits, and room for its work.
    fn take(&self, task: &Task<'_>) -> Option<Worker> {
        let mut shelf = lock(&self.0.shelf);
        let over = shelf.give_up(|waiting| waiting.worker.has_ended());
        let worker = shelf.take(task.kind, task.keys);
        let given_up = shelf.shrink((task.room_bytes[0])());
        drop(shelf);
        // Ending processes takes a moment, in which nobody else need wait.
        drop((over, given_up));
        worker
    }

    fn put(&self, worker: Worker, task: &Task<'_>, held_bytes: Option<u64>) {
        if !self.0.is_lasting && !(task.is_needed_again)() {
            return;
        }
        // Where nothing is known of what it holds, it can't be kept within bounds.
        let Some(bytes) = held_bytes.or_else(|| worker.resident_bytes()) else { return };
        let mut shelf = lock(&self.0.shelf);
        shelf.put(Waiting { worker, kind: task.kind.clone(), keys: task.keys, bytes });
        let given_up = shelf.shrink((task.room_bytes[1])());
        drop(shelf);
        drop(given_up);
    }

    /// Ends waiting workers until the others hold no more than so much.
    pub(super) fn shrink(&self, most_bytes: u64) {
        let given_up = lock(&self.0.shelf).shrink(most_bytes);
        drop(given_up);
    }
}
