//! What is kept of a run: the plan that was proven, what each piece took, and the verdict.

use std::time::{SystemTime, UNIX_EPOCH};

use microtome_engine::digest::Digest;
use microtome_engine::plan::Plan;
use microtome_engine::run::{Measured, Outcome, Piece};
use serde::{Deserialize, Serialize};

use super::Session;

/// What is kept of a run that came to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The plan as it was proven.
    pub plan: Plan,
    /// Digest of the fixed-point program.
    pub program: Digest,
    /// The file of inputs, and which of its cases was proven.
    pub input: String,
    /// See [`Record::input`].
    pub case: usize,
    /// When it ended, in seconds since 1970.
    pub ended_unix_secs: u64,
    /// What was proven and verified, with what it took.
    pub pieces: Vec<(Piece, Measured)>,
    /// Seconds to commit to the tensors on boundaries, and to check links and openings.
    pub linking_secs: f64,
    /// Seconds in all.
    pub wall_secs: f64,
    /// Whether the verifier accepted the bundle.
    pub accepted: bool,
    /// The part of the multiply-accumulates that is proven, 0 to 1.
    pub coverage_macs: f64,
    /// The receipt.
    pub root: Option<Digest>,
    /// Name of the file that keeps the bundle, beside the project.
    pub bundle: Option<String>,
}

impl Record {
    /// What is kept of an outcome.
    #[must_use]
    pub fn of(outcome: &Outcome, plan: Plan, program: Digest, input: String, case: usize) -> Self {
        let proven = &outcome.sliced;
        let slices = proven.measured.iter().enumerate();
        let slices = slices.filter_map(|(slice, m)| Some((Piece::Slice(slice), (*m)?)));
        let whole = outcome.whole.as_ref().and_then(|whole| whole.measured.first().copied()?);
        Self {
            plan,
            program,
            input,
            case,
            ended_unix_secs: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
            pieces: slices.chain(whole.map(|m| (Piece::Whole, m))).collect(),
            linking_secs: proven.linking_secs,
            wall_secs: outcome.wall_secs,
            accepted: proven.verdict.accepted,
            coverage_macs: proven.verdict.coverage_macs,
            root: proven.verdict.root,
            bundle: None,
        }
    }

    /// Whether a piece was proven in this run.
    #[must_use]
    pub fn has(&self, piece: Piece) -> bool {
        self.pieces.iter().any(|(proven, _)| *proven == piece)
    }
}

/// Whether two plans make the same slices, proven by the same systems.
#[must_use]
pub fn same_slices(a: &Plan, b: &Plan) -> bool {
    a.cuts() == b.cuts() && (0..a.slice_count()).all(|slice| a.system(slice) == b.system(slice))
}

impl Session {
    /// What is kept of the last run of the plan that is shown.
    #[must_use]
    pub fn record(&self) -> Option<&Record> {
        self.draft().record.as_ref()
    }

    /// Whether the results of the plan that is shown are of the plan as it was before an edit, or
    /// of another fixed-point program.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.record().is_some_and(|record| {
            let program = self.prepared.as_ref().map(|p| p.digest);
            !same_slices(&record.plan, &self.draft().plan)
                || program.is_some_and(|program| program != record.program)
        })
    }

    /// Whether a slice was proven in the last run, of a plan that has changed elsewhere since.
    #[must_use]
    pub fn is_stale_slice(&self, slice: usize) -> bool {
        let Some(record) = self.record().filter(|_| self.is_stale()) else { return false };
        let nodes = self.graph.nodes.len();
        let now = self.draft().plan.ranges(nodes).get(slice).copied();
        let before = record.plan.ranges(nodes);
        before.into_iter().enumerate().any(|(index, range)| {
            Some(range) == now
                && record.plan.system(index) == self.system(slice)
                && record.has(Piece::Slice(index))
        })
    }
}
