//! Every setting of a grid, tried on the same inputs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;

use super::{Bits, Cost, Evidence, Grid, Point, Sweep};
use crate::bundle::{Layout, Outline};
use crate::onnx::Model;
use crate::plan::{Estimator, Plan};
use crate::program::{CalibrateError, Card, Fidelity, Program, Ranges, Settings, Skeleton, Source};

/// With fewer inputs than this, halves would say too little: all are fitted to, and judge.
const LEAST_TO_DIVIDE: usize = 8;

/// Inputs that judge at most: more change the means little and take long.
const MOST_JUDGES: usize = 64;

/// A tensor for each input of the model.
type Case = Vec<Vec<f32>>;

/// The inputs of a sweep: those that scales are fitted to, and those that settings are judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct Cases {
    cases: Vec<Case>,
    headroom: f64,
    source: Source,
}

impl Cases {
    /// A calibration set. Of eight cases or more every second one is fitted to and the others
    /// judge, so that a set that is ordered by class has all classes in both halves; fewer are
    /// fitted to and judge as well.
    #[must_use]
    pub fn data(cases: Vec<Case>) -> Self {
        let headroom = Settings::DEFAULT.headroom;
        let source = Source::Data { cases: cases.len(), headroom };
        Self { cases, headroom, source }
    }

    /// The input that is to be proven, where there is no calibration set.
    #[must_use]
    pub fn proven_input(case: Case) -> Self {
        let headroom = Settings::INPUT_HEADROOM;
        Self { cases: vec![case], headroom, source: Source::ProvenInput { headroom } }
    }

    fn is_divided(&self) -> bool {
        self.cases.len() >= LEAST_TO_DIVIDE
    }

    fn is_fitted(&self, index: usize) -> bool {
        !self.is_divided() || index.is_multiple_of(2)
    }

    /// Which cases judge: evenly spread over those that may.
    fn judges(&self) -> Vec<usize> {
        let may: Vec<usize> = (0..self.cases.len())
            .filter(|&index| !self.is_divided() || !self.is_fitted(index))
            .collect();
        let step = may.len().div_ceil(MOST_JUDGES).max(1);
        may.into_iter().step_by(step).collect()
    }
}

/// Why there is no sweep.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The ranges can't be measured.
    #[error(transparent)]
    Calibrate(#[from] CalibrateError),
    /// The model's answer is never computed in fixed point.
    #[error(
        "bits can't be judged: the model's output depends on {0}, so that it has no answer in \
         fixed point"
    )]
    NoAnswer(String),
    /// The sweep was stopped.
    #[error("the sweep over bits was cancelled")]
    Cancelled,
}

/// What a sweep is about.
#[derive(Clone, Debug)]
pub struct Question {
    /// The model.
    pub model: Arc<Model>,
    /// Its structure.
    pub skeleton: Arc<Skeleton>,
    /// The slices and systems whose cost is predicted.
    pub plan: Plan,
    /// The inputs.
    pub cases: Cases,
    /// The settings.
    pub grid: Grid,
}

/// How far a sweep is: steps done, and steps in all.
pub type Progress<'a> = dyn Fn(usize, usize) + Sync + 'a;

impl Question {
    /// Tries every setting, on all cores. Each input is run once in floats, and once in fixed
    /// point for each setting. It takes long: `cancel` stops it between two runs.
    ///
    /// # Errors
    /// Where the ranges can't be measured, the model has no answer in fixed point, or the sweep
    /// was cancelled.
    pub fn sweep(&self, cancel: &AtomicBool, progress: &Progress<'_>) -> Result<Sweep, SweepError> {
        let no_answer = |node: String| SweepError::NoAnswer(node);
        let outline = Outline::of(&self.model.graph, &self.skeleton).map_err(no_answer)?;
        if outline.outputs.iter().any(Option::is_none) {
            return Err(no_answer(self.obstacle()));
        }
        let settings = self.grid.settings();
        let all = self.cases.cases.len() + settings.len();
        progress(0, all);
        let done = AtomicUsize::new(0);
        let step = || progress(done.fetch_add(1, Ordering::Relaxed) + 1, all);
        let (ranges, judges) = self.float_runs(cancel, &step)?;
        let points: Result<Vec<Point>, SweepError> = settings
            .into_par_iter()
            .map(|bits| {
                let point = self.point(bits, &outline, &ranges, &judges, cancel)?;
                step();
                Ok(point)
            })
            .collect();
        let fitted = (0..self.cases.cases.len()).filter(|&i| self.cases.is_fitted(i)).count();
        let held_out = self.cases.is_divided();
        Ok(Sweep { points: points?, evidence: Evidence { fitted, judged: judges.len(), held_out } })
    }

    /// The node that stands between the model and an answer.
    fn obstacle(&self) -> String {
        let nodes = self.model.graph.nodes.iter().enumerate();
        let found = nodes.filter_map(|(index, node)| Some((node, self.skeleton.obstacle(index)?)));
        match found.into_iter().next() {
            Some((node, reason)) => format!("node {:?} ({}): {reason}", node.name, node.op),
            None => "a node that can't be lowered".to_owned(),
        }
    }

    /// Runs each input in floats: the ranges of those that are fitted to, and the outputs of those
    /// that judge.
    fn float_runs(
        &self,
        cancel: &AtomicBool,
        step: &dyn Fn(),
    ) -> Result<(Ranges, Vec<Judge<'_>>), SweepError> {
        let cases = &self.cases;
        if cases.cases.is_empty() {
            return Err(CalibrateError::NoCases.into());
        }
        let who_judges = cases.judges();
        let mut ranges = Ranges::new(&self.skeleton);
        let mut judges = Vec::with_capacity(who_judges.len());
        for (index, inputs) in cases.cases.iter().enumerate() {
            check(cancel)?;
            let is_judge = who_judges.binary_search(&index).is_ok();
            if cases.is_fitted(index) || is_judge {
                let trace = self.model.float_run(inputs).map_err(CalibrateError::from)?;
                if cases.is_fitted(index) {
                    ranges.widen(&self.skeleton, &trace, index)?;
                }
                if is_judge {
                    let outputs = self.model.graph.outputs.iter();
                    let output = outputs.filter_map(|id| trace.get(id)).flatten().copied();
                    judges.push(Judge { inputs, output: output.collect() });
                }
            }
            step();
        }
        Ok((ranges, judges))
    }

    fn point(
        &self,
        bits: Bits,
        outline: &Outline,
        ranges: &Ranges,
        judges: &[Judge<'_>],
        cancel: &AtomicBool,
    ) -> Result<Point, SweepError> {
        check(cancel)?;
        let settings = bits.settings(self.cases.headroom);
        let card = Card::of_ranges(&self.skeleton, ranges, settings, self.cases.source.clone());
        let graph = &self.model.graph;
        let lowered = self.skeleton.lower(graph, &card).map_err(|error| error.to_string());
        let lowered = lowered.and_then(|program| {
            let layout = Layout::new(outline, &program, self.plan.cuts())?;
            Ok((Arc::new(program), layout))
        });
        let (program, layout) = match lowered {
            Ok(lowered) => lowered,
            Err(problem) => return Ok(Point::impossible(bits, problem)),
        };
        let mut found = Vec::new();
        let mut problem = None;
        for judge in judges {
            check(cancel)?;
            match judge.fidelity(&program, &layout) {
                Ok(fidelity) => found.push(fidelity),
                Err(reason) => problem = problem.or(Some(reason)),
            }
        }
        check(cancel)?;
        let skeleton = Arc::clone(&self.skeleton);
        let estimator = Estimator::new(Arc::clone(graph), skeleton, program);
        let slices = estimator.slices(&self.plan);
        let count = found.len();
        let mean = |of: fn(&Fidelity) -> f64| {
            (count > 0).then(|| found.iter().map(of).sum::<f64>() / count as f64)
        };
        Ok(Point {
            bits,
            d1: mean(|f| f.d1),
            tvd: mean(|f| f.tvd),
            argmax_agreement: mean(|f| if f.argmax_agrees { 1.0 } else { 0.0 }),
            inputs: judges.len(),
            failed: judges.len() - count,
            problem,
            cost: Cost::of(slices.iter().map(AsRef::as_ref)),
        })
    }
}

impl Point {
    /// A setting that the model can't be lowered with.
    fn impossible(bits: Bits, problem: String) -> Self {
        Self {
            bits,
            d1: None,
            tvd: None,
            argmax_agreement: None,
            inputs: 0,
            failed: 0,
            problem: Some(problem),
            cost: None,
        }
    }
}

/// An input with the float answer to it.
struct Judge<'a> {
    inputs: &'a Case,
    output: Vec<f32>,
}

impl Judge<'_> {
    /// How far the program's answer is from the float one.
    fn fidelity(&self, program: &Program, layout: &Layout) -> Result<Fidelity, String> {
        let quantised = layout.quantise(program, self.inputs)?;
        let whole = program.slice(0..program.ops.len());
        let trace = program.run_slice(&whole, quantised).map_err(|error| error.to_string())?;
        let output = layout.real_outputs(program, &trace);
        let output = output.ok_or("the program's output was not computed")?;
        Ok(Fidelity::of(&output.concat(), &self.output))
    }
}

fn check(cancel: &AtomicBool) -> Result<(), SweepError> {
    if cancel.load(Ordering::Relaxed) { Err(SweepError::Cancelled) } else { Ok(()) }
}
