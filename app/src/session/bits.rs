//! How many bits the model is quantised to, and the sweep over settings that tells how many it
//! needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use microtome_engine::bits::{Bits, Cases, Choice, Grid, Point, Question, Sweep, Target};
use microtome_engine::plan::Plan;
use microtome_engine::report::charts::BitsData;

use super::Session;
use super::record::same_slices;

/// What the user wants to know of bits, and what is known.
#[derive(Default)]
pub struct BitsView {
    /// What chosen bits are to keep.
    pub target: Target,
    /// A setting that the user looks at, instead of the chosen one.
    pub picked: Option<Bits>,
    found: Option<Found>,
    running: Option<Arc<SweepRun>>,
    /// How many sweeps were begun.
    begun: u64,
}

/// A finished sweep with what it is of.
struct Found {
    sweep: Sweep,
    plan: Plan,
    inputs_version: u64,
    case: usize,
}

/// A sweep that goes on. Its worker and the window share it.
#[derive(Debug)]
pub struct SweepRun {
    /// Which one it is.
    pub number: u64,
    plan: Plan,
    inputs_version: u64,
    case: usize,
    cancel: AtomicBool,
    done: AtomicUsize,
    all: AtomicUsize,
}

/// A sweep, to be taken to a worker.
pub struct Sweeping {
    question: Question,
    run: Arc<SweepRun>,
}

impl Sweeping {
    /// Which one it is.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.run.number
    }

    /// Tries every setting. It takes long: for a worker.
    ///
    /// # Errors
    /// Where the settings can't be tried, or the sweep was cancelled; the text says so.
    pub fn run(self) -> Result<Sweep, String> {
        let progress = |done: usize, all: usize| {
            self.run.all.store(all, Ordering::Relaxed);
            // Steps may be reported out of order.
            self.run.done.fetch_max(done, Ordering::Relaxed);
        };
        self.question.sweep(&self.run.cancel, &progress).map_err(|error| error.to_string())
    }
}

impl Session {
    /// The bits that the model is quantised to.
    #[must_use]
    pub fn bits(&self) -> Bits {
        self.bits
    }

    /// Quantises with other bits from now on. Returns whether they differ from those before.
    pub fn set_bits(&mut self, bits: Bits) -> bool {
        let is_new = bits.is_possible() && bits != self.bits;
        if is_new {
            self.bits = bits;
        }
        is_new
    }

    /// Takes the bits of the program that is there again, where there is one.
    pub fn back_to_prepared_bits(&mut self) -> bool {
        let card = self.prepared.as_ref().map(|prepared| &prepared.card);
        let bits = card.and_then(|card| {
            let act_bits = card.values.first()?.bits;
            Some(Bits { act_bits, weight_bits: card.weight_bits })
        });
        self.bits = bits.unwrap_or(self.bits);
        bits.is_some()
    }

    /// Why bits can't be swept over now, where that is so.
    #[must_use]
    pub fn why_not_sweep(&self) -> Option<&'static str> {
        if self.is_sweeping() {
            Some("A sweep goes on: wait for its end, or cancel it.")
        } else if self.calibration.is_empty() && self.case().is_none() {
            Some("Open an input first: bits are judged by what they do to answers.")
        } else {
            None
        }
    }

    /// Whether a sweep goes on.
    #[must_use]
    pub fn is_sweeping(&self) -> bool {
        self.bits_view.running.is_some()
    }

    /// How far it is: steps done, and steps in all.
    #[must_use]
    pub fn sweep_progress(&self) -> Option<(usize, usize)> {
        let run = self.bits_view.running.as_ref()?;
        Some((run.done.load(Ordering::Relaxed), run.all.load(Ordering::Relaxed)))
    }

    /// Begins a sweep over all settings, by the cost of the plan that is shown.
    pub fn begin_sweep(&mut self) -> Option<Sweeping> {
        if self.why_not_sweep().is_some() {
            return None;
        }
        let cases = match self.case() {
            _ if !self.calibration.is_empty() => Cases::data(self.calibration.clone()),
            case => Cases::proven_input(case?.tensors.clone()),
        };
        let plan = self.plan().clone();
        self.bits_view.begun += 1;
        let run = Arc::new(SweepRun {
            number: self.bits_view.begun,
            plan: plan.clone(),
            inputs_version: self.inputs_version(),
            case: self.case_index(),
            cancel: AtomicBool::new(false),
            done: AtomicUsize::new(0),
            all: AtomicUsize::new(0),
        });
        self.bits_view.running = Some(Arc::clone(&run));
        let (model, skeleton) = (Arc::clone(&self.model), Arc::clone(&self.skeleton));
        let question = Question { model, skeleton, plan, cases, grid: Grid::full() };
        Some(Sweeping { question, run })
    }

    /// Stops the sweep that goes on.
    pub fn cancel_sweep(&mut self) {
        if let Some(run) = self.bits_view.running.take() {
            run.cancel.store(true, Ordering::Relaxed);
        }
    }

    /// Takes what a sweep found; one that was cancelled is of no use. Returns why it failed.
    pub fn take_sweep(&mut self, number: u64, result: Result<Sweep, String>) -> Option<String> {
        let run = self.bits_view.running.take_if(|run| run.number == number)?;
        match result {
            Ok(sweep) => {
                let SweepRun { plan, inputs_version, case, .. } = &*run;
                let (plan, inputs_version, case) = (plan.clone(), *inputs_version, *case);
                self.bits_view.found = Some(Found { sweep, plan, inputs_version, case });
                self.bits_view.picked = None;
                None
            }
            Err(reason) => Some(reason),
        }
    }

    /// Whether the plan or the inputs have changed since the sweep.
    #[must_use]
    pub fn is_sweep_stale(&self) -> bool {
        self.bits_view.found.as_ref().is_some_and(|found| {
            let is_judged_by_case = self.calibration.is_empty();
            let case = (self.inputs_version(), self.case_index());
            !same_slices(&found.plan, self.plan())
                || is_judged_by_case && case != (found.inputs_version, found.case)
        })
    }

    /// The setting that the sweep chooses for the target.
    #[must_use]
    pub fn bits_choice(&self) -> Option<Choice> {
        self.bits_view.found.as_ref()?.sweep.choose(&self.bits_view.target)
    }

    /// What the sweep found of a setting.
    #[must_use]
    pub fn bits_point(&self, bits: Bits) -> Option<&Point> {
        let found = self.bits_view.found.as_ref()?;
        found.sweep.points.iter().find(|point| point.bits == bits)
    }

    /// What it found of the setting that the user looks at.
    #[must_use]
    pub fn picked_point(&self) -> Option<&Point> {
        self.bits_point(self.bits_view.picked?)
    }

    /// The data of the chart of error against cost.
    #[must_use]
    pub fn bits_chart(&self) -> Option<BitsData> {
        let found = self.bits_view.found.as_ref()?;
        let evidence = found.sweep.evidence.text();
        Some(BitsData {
            subtitle: format!("{}, {evidence}", self.graph.name),
            points: found.sweep.points.clone(),
            target_d1: self.bits_view.target.d1,
            chosen: self.bits_choice().map(|choice| choice.bits),
            current: Some(self.bits),
        })
    }
}
