//! Work that takes longer than a frame, on threads of its own.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use egui::Context;
use microtome_engine::plan::{Estimator, Plan};

use crate::session::{Estimates, estimate, estimate_by_system};

/// What a frame waits for an estimate: most are there at once, and then the numbers move with the
/// boundary and not a frame behind it.
const PATIENCE: Duration = Duration::from_millis(3);

/// Threads that send what they find as messages.
pub struct Workers<M> {
    send: Sender<M>,
    receive: Receiver<M>,
    ctx: Context,
}

impl<M: Send + 'static> Workers<M> {
    /// Workers that wake this window when they have something.
    #[must_use]
    pub fn new(ctx: &Context) -> Self {
        let (send, receive) = channel();
        Self { send, receive, ctx: ctx.clone() }
    }

    /// Does something on a thread of its own.
    pub fn start(&self, name: &str, work: impl FnOnce() -> M + Send + 'static) {
        let (send, ctx) = (self.send.clone(), self.ctx.clone());
        let task = move || {
            // Where the window is gone already, nobody waits for the result.
            let _ = send.send(work());
            ctx.request_repaint();
        };
        // Threads can only be missing when the machine is out of them; then the window is slow
        // instead of useless.
        if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn(task) {
            eprintln!("no thread for {name:?}: {error}");
        }
    }

    /// Does something on a thread of its own that finds one thing after the other.
    pub fn start_many(&self, name: &str, work: impl FnOnce(&dyn Fn(M)) + Send + 'static) {
        let (send, ctx) = (self.send.clone(), self.ctx.clone());
        let task = move || {
            work(&|message| {
                let _ = send.send(message);
                ctx.request_repaint();
            });
        };
        if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn(task) {
            eprintln!("no thread for {name:?}: {error}");
        }
    }

    /// The next thing that a worker found.
    #[must_use]
    pub fn next(&self) -> Option<M> {
        self.receive.try_recv().ok()
    }
}

/// The thread that estimates plans, always the newest one.
pub struct EstimateWorker {
    plans: Sender<Plan>,
    results: Receiver<Estimates>,
}

impl EstimateWorker {
    /// Starts it for a program.
    #[must_use]
    pub fn start(estimator: Arc<Estimator>, ctx: &Context) -> Self {
        let (plans, wanted) = mpsc::channel::<Plan>();
        let (found, results) = channel();
        let ctx = ctx.clone();
        let work = move || {
            let mut next = wanted.recv().ok();
            while let Some(mut plan) = next {
                while let Ok(newer) = wanted.try_recv() {
                    plan = newer;
                }
                if found.send(estimate(&estimator, plan.clone())).is_err() {
                    return;
                }
                ctx.request_repaint();
                // What the plan costs by its own systems is what a drag waits for; what it would
                // cost by others only comes where no newer plan is there.
                next = match wanted.try_recv() {
                    Ok(newer) => Some(newer),
                    Err(_) => {
                        if found.send(estimate_by_system(&estimator, plan)).is_err() {
                            return;
                        }
                        ctx.request_repaint();
                        wanted.recv().ok()
                    }
                };
            }
        };
        if let Err(error) = std::thread::Builder::new().name("estimates".to_owned()).spawn(work) {
            eprintln!("no thread for estimates: {error}");
        }
        Self { plans, results }
    }

    /// Asks for a plan's estimates, and waits for a moment that no eye sees.
    #[must_use]
    pub fn ask(&self, plan: Plan) -> Option<Estimates> {
        // The thread only ends with this value, so that there is always somebody to ask.
        let _ = self.plans.send(plan);
        match self.results.recv_timeout(PATIENCE) {
            Ok(estimates) => Some(self.poll().unwrap_or(estimates)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    /// The newest estimates that arrived.
    #[must_use]
    pub fn poll(&self) -> Option<Estimates> {
        self.results.try_iter().last()
    }
}
