//! What a job and whoever watches it share: where events go, and whether it is cancelled.

use std::sync::Mutex;
use std::sync::mpsc::Sender;
use std::time::Instant;

use super::worker::{Working, lock};
use super::{Event, Phase, Piece};

/// Why a job ends early.
pub(super) enum Stop {
    Cancelled,
    /// It can't be done; with the cuts that would help, where some would.
    Error {
        reason: String,
        cuts: Vec<usize>,
    },
}

impl From<String> for Stop {
    fn from(reason: String) -> Self {
        Self::Error { reason, cuts: Vec::new() }
    }
}

/// The reins of a job.
pub(super) struct Control {
    pub working: Working,
    /// Where events go, until the last one.
    sender: Mutex<Option<Sender<Event>>>,
    wake: Box<dyn Fn() + Send + Sync>,
    start: Instant,
}

impl Control {
    pub(super) fn new(sender: Sender<Event>, wake: Box<dyn Fn() + Send + Sync>) -> Self {
        let (working, sender) = (Working::default(), Mutex::new(Some(sender)));
        Self { working, sender, wake, start: Instant::now() }
    }

    /// Ends the workers, and answers at once: the thread of the job may be in the middle of what
    /// can't be interrupted, and stops at its next check. What it says until then is not heard.
    pub(super) fn cancel(&self) {
        self.working.cancel();
        self.end(Event::Cancelled);
    }

    /// Whether the job goes on.
    ///
    /// # Errors
    /// Where it is cancelled.
    pub(super) fn check(&self) -> Result<(), Stop> {
        if self.working.is_cancelled() { Err(Stop::Cancelled) } else { Ok(()) }
    }

    pub(super) fn send(&self, event: Event) {
        if let Some(sender) = lock(&self.sender).as_ref() {
            // Nobody listens any more where the job was dropped; it is cancelled then.
            let _ = sender.send(event);
        }
        (self.wake)();
    }

    /// Sends the last event, unless there was one.
    pub(super) fn end(&self, event: Event) {
        let sender = lock(&self.sender).take();
        if let Some(sender) = sender {
            let _ = sender.send(event);
            // Whoever reads to the end must find one.
            drop(sender);
            (self.wake)();
        }
    }

    pub(super) fn now_secs(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    pub(super) fn phase(&self, piece: Piece, phase: Phase) {
        self.send(Event::Phase { piece, phase, at_secs: self.now_secs() });
    }
}
