//! The tamper desk: attacks on a copy of the newest bundle, tried by a worker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use microtome_engine::attack::{Attack, Attempt, Desk, Found};
use microtome_engine::bundle::Bundle;

use crate::app::App;
use crate::tasks::Message;

/// The bundle on the desk, and what came of the attacks on it.
#[derive(Default)]
pub struct Tamper {
    /// Where the bundle came from, and the bundle.
    pub(crate) bundle: Option<(String, Arc<Bundle>)>,
    /// A bundle of another run, whose proof can be replayed.
    other: Option<Arc<Bundle>>,
    /// What the verifier says of the bundle as it is; an error where it isn't accepted.
    pub honest: Option<Result<(), String>>,
    /// What came of each attack.
    pub attempts: BTreeMap<Attack, Found>,
    /// Attacks that are still to be tried.
    pub waiting: Vec<Attack>,
    /// The attack whose details are shown.
    pub about: Option<Attack>,
    /// Which trial is the newest; a worker of an older one ends.
    newest: Arc<AtomicU64>,
}

/// What a worker found at the desk.
pub(crate) enum Step {
    Honest(Result<(), String>),
    Attempt(Attempt),
}

impl Tamper {
    /// Whether attacks are being tried.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Puts a bundle on the desk. The one before is kept where it is of another run.
    pub fn hold(&mut self, from: String, bundle: Bundle) {
        if let Some((before, held)) = &mut self.bundle {
            if **held == bundle {
                *before = from;
                return;
            }
            if held.header.nonce != bundle.header.nonce {
                self.other = Some(Arc::clone(held));
            }
        }
        self.forget();
        self.bundle = Some((from, Arc::new(bundle)));
    }

    /// Clears the desk, as its bundles are of a model that was closed.
    pub(crate) fn clear(&mut self) {
        self.forget();
        self.bundle = None;
        self.other = None;
    }

    fn forget(&mut self) {
        self.newest.fetch_add(1, Ordering::Relaxed);
        self.honest = None;
        self.attempts.clear();
        self.waiting.clear();
    }

    pub(crate) fn take(&mut self, trial: u64, step: Step) {
        if trial != self.newest.load(Ordering::Relaxed) {
            return;
        }
        match step {
            Step::Honest(result) => self.honest = Some(result),
            Step::Attempt(Attempt { attack, found }) => {
                self.waiting.retain(|waiting| *waiting != attack);
                self.attempts.insert(attack, found);
            }
        }
    }
}

impl App {
    /// Tries attacks on the bundle that is on the desk, one after the other in the background.
    pub(crate) fn attack(&mut self, attacks: Vec<Attack>) {
        let (Some(session), Some((_, bundle))) = (&self.session, &self.tamper.bundle) else {
            return;
        };
        let (model, bundle) = (Arc::clone(&session.model), Arc::clone(bundle));
        let other = self.tamper.other.clone();
        let newest = Arc::clone(&self.tamper.newest);
        let trial = newest.fetch_add(1, Ordering::Relaxed) + 1;
        for attack in &attacks {
            self.tamper.attempts.remove(attack);
        }
        self.tamper.waiting.clone_from(&attacks);
        self.workers.start_many("tamper", move |send| {
            let desk = Desk::new(&bundle, &model).with_other(other.as_deref());
            let result = match desk.honest().reasons.first() {
                Some(reason) => Err(reason.clone()),
                None => Ok(()),
            };
            send(Message::Tampered { trial, step: Step::Honest(result) });
            for attack in attacks {
                if newest.load(Ordering::Relaxed) != trial {
                    return;
                }
                send(Message::Tampered { trial, step: Step::Attempt(desk.attempt(attack)) });
            }
        });
    }
}
