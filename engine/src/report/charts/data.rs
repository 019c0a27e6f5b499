//! The data that charts draw: plain structures that a caller fills with what it has.

use serde::{Deserialize, Serialize};

use crate::bits::{Bits, Point};
use crate::predict::Prediction;
use crate::prove::System;
use crate::run::Measured;

/// A predicted value and the interval in which it is expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predicted {
    /// The expected value.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// A value that may have been predicted, measured, both or neither. Its unit is in the name of
/// the field that holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantity {
    /// What was measured.
    pub measured: Option<f64>,
    /// What was expected.
    pub predicted: Option<Predicted>,
}

impl Quantity {
    /// A value that was measured and not predicted.
    #[must_use]
    pub fn measured(value: f64) -> Self {
        Self { measured: Some(value), predicted: None }
    }

    /// A value that was predicted and not measured.
    #[must_use]
    pub fn predicted(value: f64, low: f64, high: f64) -> Self {
        Self { measured: None, predicted: Some(Predicted { value, low, high }) }
    }

    /// The same with a measurement.
    #[must_use]
    pub fn with_measured(self, value: f64) -> Self {
        Self { measured: Some(value), ..self }
    }

    /// The measured value, or the predicted one in its place.
    #[must_use]
    pub fn best(&self) -> Option<f64> {
        self.measured.or(self.predicted.map(|p| p.value))
    }

    /// The same without what no axis can show: negative values, infinities, not-a-number.
    pub(super) fn drawable(self) -> Self {
        let shown = |value: f64| value.is_finite() && value >= 0.0;
        Self {
            measured: self.measured.filter(|&value| shown(value)),
            predicted: self.predicted.filter(|p| shown(p.value)).map(|p| Predicted {
                value: p.value,
                low: if shown(p.low) { p.low.min(p.value) } else { p.value },
                high: if shown(p.high) { p.high.max(p.value) } else { p.value },
            }),
        }
    }

    /// The largest value that a drawing of it reaches.
    pub(super) fn top(&self) -> f64 {
        let shown = self.drawable();
        shown.measured.unwrap_or(0.0).max(shown.predicted.map_or(0.0, |p| p.high))
    }

    /// The least value above zero that a drawing of it reaches.
    pub(super) fn least(&self) -> Option<f64> {
        let shown = self.drawable();
        let ends =
            [shown.measured, shown.predicted.map(|p| p.low), shown.predicted.map(|p| p.value)];
        ends.into_iter().flatten().filter(|&value| value > 0.0).reduce(f64::min)
    }

    /// The quantity of several pieces together. Measured values are added as far as they are
    /// there; a prediction only counts when every piece has one. Interval ends are added as if
    /// the pieces erred alike, which is the cautious assumption.
    pub(super) fn fold(pieces: &[Self], join: fn(f64, f64) -> f64) -> Self {
        let predicted: Option<Vec<Predicted>> = pieces.iter().map(|p| p.predicted).collect();
        Self {
            measured: pieces.iter().filter_map(|p| p.measured).reduce(join),
            predicted: predicted.and_then(|all| {
                all.into_iter().reduce(|a, b| Predicted {
                    value: join(a.value, b.value),
                    low: join(a.low, b.low),
                    high: join(a.high, b.high),
                })
            }),
        }
    }
}

/// What one piece costs: a slice that is proven, or the whole model in one proof.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PieceCosts {
    /// A short name, such as the slice's number.
    pub name: String,
    /// Seconds for parameters and keys, which later proofs of the same piece share.
    pub setup_secs: Quantity,
    /// Seconds to compute the witness.
    pub witness_secs: Quantity,
    /// Seconds to prove.
    pub prove_secs: Quantity,
    /// Seconds to verify.
    pub verify_secs: Quantity,
    /// Peak memory of the prover.
    pub peak_bytes: Quantity,
    /// Size of the proof.
    pub proof_bytes: Quantity,
}

impl PieceCosts {
    /// What was predicted and what was measured of a piece.
    #[must_use]
    pub fn of(name: String, predicted: Option<&Prediction>, measured: Option<&Measured>) -> Self {
        let quantity = |expected: Option<(f64, f64, f64)>, found: Option<f64>| {
            let expected = expected
                .map_or_else(Quantity::default, |(v, low, high)| Quantity::predicted(v, low, high));
            found.map_or(expected, |v| expected.with_measured(v))
        };
        let point = |value: f64| (value, value, value);
        let interval = |p: &Prediction| (p.prove_secs, p.prove_secs_low, p.prove_secs_high);
        Self {
            name,
            setup_secs: quantity(
                predicted.map(|p| point(p.setup_secs)),
                measured.map(|m| m.setup_secs),
            ),
            witness_secs: quantity(None, measured.map(|m| m.witness_secs)),
            prove_secs: quantity(predicted.map(interval), measured.map(|m| m.prove_secs)),
            verify_secs: quantity(
                predicted.map(|p| point(p.verify_secs)),
                measured.map(|m| m.verify_secs),
            ),
            peak_bytes: quantity(
                predicted.map(|p| point(p.peak_bytes as f64)),
                measured.map(|m| m.peak_bytes as f64),
            ),
            proof_bytes: quantity(
                predicted.map(|p| point(p.proof_bytes as f64)),
                measured.map(|m| m.proof_bytes as f64),
            ),
        }
    }

    /// Seconds of everything but set-up; missing where one of the parts is missing.
    pub(super) fn total_secs(&self) -> Quantity {
        let parts = [self.witness_secs, self.prove_secs, self.verify_secs];
        let sum = Quantity::fold(&parts, |a, b| a + b);
        let complete = parts.iter().all(|part| part.measured.is_some());
        Quantity { measured: sum.measured.filter(|_| complete), ..sum }
    }
}

/// Whether the cells of the comparison share one axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scales {
    /// Each phase has its own axis from zero, so that a verification of milliseconds can be
    /// compared as well as a proof of minutes.
    #[default]
    Own,
    /// All phases share one axis in seconds, so that they can be compared with each other.
    Shared,
}

/// Sliced against monolithic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompareData {
    /// What was compared, such as the model's name; may be empty.
    pub subtitle: String,
    /// The slices that are proven, or are to be proven.
    pub slices: Vec<PieceCosts>,
    /// The same model in one proof.
    pub whole: PieceCosts,
    /// Seconds to link the slices, which the whole does not need.
    pub linking_secs: Quantity,
    /// How phases share axes.
    pub scales: Scales,
}

/// Predicted and measured proving costs by slice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PerSliceData {
    /// What is shown, such as the model's name; may be empty.
    pub subtitle: String,
    /// The slices in their order.
    pub slices: Vec<PieceCosts>,
}

/// A phase of a job, in the order in which a job runs through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Waiting for a core or for memory.
    Queued,
    /// Making or loading the proof system's parameters.
    Parameters,
    /// Generating the proving and verifying keys.
    Keys,
    /// Computing the witness.
    Witness,
    /// Proving.
    Prove,
    /// Verifying the finished proof.
    Verify,
}

impl Phase {
    /// Every phase in its order.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Parameters, Self::Keys, Self::Witness, Self::Prove, Self::Verify];

    /// The phase's name in a legend.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Parameters => "parameters",
            Self::Keys => "keys",
            Self::Witness => "witness",
            Self::Prove => "prove",
            Self::Verify => "verify",
        }
    }
}

/// The time that a job spent in one phase, in seconds after the run's start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// The phase.
    pub phase: Phase,
    /// When it began.
    pub start_secs: f64,
    /// When it ended; nothing while it runs.
    pub end_secs: Option<f64>,
}

/// How a job stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowState {
    /// It waits or runs.
    #[default]
    Open,
    /// Its proof was verified.
    Verified,
    /// It failed or was cancelled.
    Failed,
}

/// One job of a timeline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimelineRow {
    /// The piece's name, such as `slice 3` or `whole`.
    pub name: String,
    /// Its phases.
    pub spans: Vec<Span>,
    /// How it stands.
    pub state: RowState,
}

/// The memory of all running jobs together at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MemorySample {
    /// Seconds after the run's start.
    pub at_secs: f64,
    /// Bytes.
    pub bytes: f64,
}

/// What ran when, and how much memory it took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimelineData {
    /// What ran, such as the model's name; may be empty.
    pub subtitle: String,
    /// The jobs from top to bottom.
    pub rows: Vec<TimelineRow>,
    /// The present moment, while jobs run.
    pub now_secs: Option<f64>,
    /// Memory over time, in the order of time. Without samples that part is left out.
    pub memory: Vec<MemorySample>,
    /// The budget that the scheduler keeps.
    pub budget_bytes: Option<f64>,
}

/// The cost of a plan with some number of slices.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SweepPoint {
    /// How many slices.
    pub slices: usize,
    /// Seconds for all slices one after the other, linking included.
    pub sum_secs: Quantity,
    /// Seconds for the slowest slice, which is the time with a machine for each slice.
    pub slowest_secs: Quantity,
    /// Peak memory of the largest slice.
    pub peak_bytes: Quantity,
}

/// Cost over the number of slices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SweepData {
    /// What is shown, such as the model's name; may be empty.
    pub subtitle: String,
    /// The plans, by rising number of slices.
    pub points: Vec<SweepPoint>,
    /// The number of slices that is recommended.
    pub sweet_spot: Option<usize>,
    /// The number of slices of the plan at hand.
    pub current: Option<usize>,
}

/// One piece under each proof system: a slice, or the whole model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SystemsPiece {
    /// A short name, such as `slice 3` or `whole`.
    pub name: String,
    /// Seconds to prove, in the order of [`System::ALL`]. Neither predicted nor measured is what a
    /// system can't prove.
    pub prove_secs: [Quantity; System::ALL.len()],
}

/// The proof systems compared on the same pieces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SystemsData {
    /// What is shown, such as the model's name; may be empty.
    pub subtitle: String,
    /// The slices in their order, and the whole.
    pub pieces: Vec<SystemsPiece>,
}

/// One of several plans of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanCosts {
    /// What the plan is called, such as `A` or `3 slices by whir`. It should be short.
    pub name: String,
    /// Its slices that are proven, or are to be proven.
    pub slices: Vec<PieceCosts>,
    /// Seconds to link the slices, where that was measured.
    pub linking_secs: Quantity,
}

impl PlanCosts {
    /// A plan of these slices, whose linking was not measured.
    #[must_use]
    pub fn new(name: impl Into<String>, slices: Vec<PieceCosts>) -> Self {
        Self { name: name.into(), slices, linking_secs: Quantity::default() }
    }
}

/// What settings of bits do to a model's answers, against what they cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BitsData {
    /// What is shown, such as the model's name; may be empty.
    pub subtitle: String,
    /// The settings that were tried.
    pub points: Vec<Point>,
    /// The greatest D1 that is asked for.
    pub target_d1: Option<f64>,
    /// The setting that is chosen.
    pub chosen: Option<Bits>,
    /// The setting in use.
    pub current: Option<Bits>,
}

/// Several plans of one model side by side. Fill it with a [`PlanCosts::new`] for each plan, its
/// slices from [`PieceCosts::of`]; two to four are readable, more are drawn all the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlansData {
    /// What is shown, such as the model's name; may be empty.
    pub subtitle: String,
    /// The plans from left to right; the others are compared with the first.
    pub plans: Vec<PlanCosts>,
}
