//! A model with what the commands need of it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use microtome_engine::inputs::{self, Case};
use microtome_engine::onnx::Model;
use microtome_engine::plan::{Estimator, Plan};
use microtome_engine::program::{Card, Program, Settings, Skeleton, Source};
use microtome_engine::prove::System;
use microtome_engine::split;

use crate::args::{CardArgs, InputArgs, ModelArgs};
use crate::bits::{self, ChosenBits};
use crate::plan;

/// An opened model and its structure.
pub struct Opened {
    pub model: Arc<Model>,
    pub skeleton: Arc<Skeleton>,
}

/// A model in fixed point.
pub struct Quantised {
    pub card: Card,
    pub program: Arc<Program>,
    pub bits: ChosenBits,
}

impl Opened {
    pub fn open(args: &ModelArgs) -> Result<Self> {
        let model = Model::open(&args.model, &args.shapes.bindings())?;
        Ok(Self::of(split::split(&model, &args.splits())?))
    }

    /// Opens the model that a plan is for: split as the plan says.
    pub fn open_planned(args: &ModelArgs, plan: Option<&Path>) -> Result<Self> {
        let Some(path) = plan else { return Self::open(args) };
        let splits = plan::read_file(path)?.splits;
        if !args.splits.is_empty() && args.splits() != splits {
            bail!("{} has splits of its own: give --split to `plan` alone", path.display());
        }
        let model = Model::open(&args.model, &args.shapes.bindings())?;
        Ok(Self::of(split::split(&model, &splits).with_context(|| path.display().to_string())?))
    }

    pub fn of(model: Model) -> Self {
        let skeleton = Arc::new(Skeleton::of(&model.graph));
        Self { model: Arc::new(model), skeleton }
    }

    /// The case of the input file that is asked for.
    pub fn input(&self, args: &InputArgs) -> Result<Case> {
        self.case(&args.input, args.case)
    }

    /// One case of a file of inputs.
    pub fn case(&self, path: &Path, case: usize) -> Result<Case> {
        let mut cases = inputs::read(path, &self.model.graph)?.cases;
        let count = cases.len();
        if case >= count {
            bail!("{} has {count} cases, so --case is at most {}", path.display(), count - 1);
        }
        Ok(cases.swap_remove(case))
    }

    /// Calibrates on a file, else on the input. Bits that are to be chosen are chosen by what
    /// proving the slices of `plan` costs.
    pub fn calibrate(
        &self,
        args: &CardArgs,
        input: Option<&Case>,
        plan: &Plan,
    ) -> Result<Quantised> {
        let bits = bits::chosen(self, args, input, plan)?;
        self.calibrate_with(args, input, bits)
    }

    /// Calibrates for bits that are known.
    pub fn calibrate_with(
        &self,
        args: &CardArgs,
        input: Option<&Case>,
        bits: ChosenBits,
    ) -> Result<Quantised> {
        let settings = |headroom| bits.bits.settings(headroom);
        let card = match (&args.calib, input) {
            (Some(path), _) => {
                let cases = self.calibration_cases(path)?;
                let settings = settings(Settings::DEFAULT.headroom);
                let source = Source::Data { cases: cases.len(), headroom: settings.headroom };
                Card::calibrate(&self.model, &self.skeleton, &cases, settings, source)?
            }
            (None, Some(input)) => {
                let settings = settings(Settings::INPUT_HEADROOM);
                let source = Source::ProvenInput { headroom: settings.headroom };
                let cases = [input.tensors.clone()];
                Card::calibrate(&self.model, &self.skeleton, &cases, settings, source)?
            }
            (None, None) => Card::nominal(&self.skeleton, settings(Settings::DEFAULT.headroom)),
        };
        let program = self.skeleton.lower(&self.model.graph, &card)?;
        Ok(Quantised { card, program: Arc::new(program), bits })
    }

    /// The cases of a calibration set.
    pub fn calibration_cases(&self, path: &Path) -> Result<Vec<Vec<Vec<f32>>>> {
        let cases = inputs::read(path, &self.model.graph)?.cases.into_iter();
        Ok(cases.map(|case| case.tensors).collect())
    }

    /// Estimates of the model's slices.
    pub fn estimator(&self, quantised: &Quantised) -> Estimator {
        Estimator::new(
            Arc::clone(&self.model.graph),
            Arc::clone(&self.skeleton),
            Arc::clone(&quantised.program),
        )
    }

    /// The plan of a file, which must be of this model; without a file, one slice. A proof system
    /// given here replaces the plan's.
    pub fn plan(&self, path: Option<&Path>, system: Option<System>) -> Result<Plan> {
        let digest = self.model.graph.digest;
        let mut plan = match path {
            None => Plan::of(&self.model.graph),
            Some(path) => {
                let plan = plan::read_file(path)?;
                plan.check(digest, &self.skeleton).with_context(|| path.display().to_string())?;
                plan
            }
        };
        if let Some(system) = system {
            plan.set_all_systems(system);
        }
        Ok(plan)
    }
}
