//! Runs, and what the table and the charts show of them.

use std::path::PathBuf;

use microtome_engine::bundle::{Bundle, Custody};
use microtome_engine::predict::Prediction;
use microtome_engine::prove::System;
use microtome_engine::report::charts::{
    CompareData, PerSliceData, PieceCosts, Quantity, Scales, TimelineData,
};
use microtome_engine::run::{self, Event, Measured, Outcome, Phase, Piece, Request, Reveal};

use super::Session;
use super::record::Record;
use super::systems::prove_secs;
use crate::panels::slices::SummaryRow;
use crate::run_view::{RunView, State};

/// Costs of the slices together, and of the largest of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// One after the other.
    pub sum: Option<SummaryRow>,
    /// The largest of each.
    pub slowest: Option<SummaryRow>,
}

impl Session {
    /// Whether a run goes on.
    #[must_use]
    pub fn is_proving(&self) -> bool {
        self.run.as_ref().is_some_and(RunView::is_running)
    }

    /// Why nothing can be proven now, where that is so.
    #[must_use]
    pub fn why_not_prove(&self) -> Option<&'static str> {
        if self.is_proving() {
            Some("A run goes on: wait for its end, or cancel it.")
        } else if self.prepared.is_none() {
            Some("The model is not in fixed point yet.")
        } else if self.case().is_none() || self.is_nominal() {
            Some("Open an input first: a proof is about an input.")
        } else if self.marked().is_empty() && !self.proves_whole() {
            Some("Mark a slice to prove in the table first.")
        } else {
            None
        }
    }

    /// Whether the next run proves the whole model too: it is wished, and one circuit can hold it.
    #[must_use]
    pub fn proves_whole(&self) -> bool {
        self.whole_too && self.whole().is_some_and(|whole| whole.prediction.is_some())
    }

    /// Whether all slices are proven by a system that can bind weights that it isn't shown.
    #[must_use]
    pub fn can_commit_weights(&self) -> bool {
        self.common_system() == Some(System::Whir)
    }

    /// Where the weights are in the next run: what the user chose, where the systems can.
    #[must_use]
    pub fn custody(&self) -> Custody {
        if self.can_commit_weights() { self.weights } else { Custody::Public }
    }

    /// Starts proving the marked slices in the background, in no more memory than is free.
    pub fn prove(
        &mut self,
        jobs: usize,
        free_bytes: u64,
        child_program: Option<PathBuf>,
        wake: impl Fn() + Send + Sync + 'static,
    ) {
        let (Some(prepared), Some(case)) = (&self.prepared, self.case()) else { return };
        let marked = self.marked();
        // What waiting workers hold is theirs to give back.
        let memory_bytes = free_bytes.saturating_add(self.pool.held_bytes());
        let request = Request {
            model: self.model.clone(),
            skeleton: self.skeleton.clone(),
            program: prepared.program.clone(),
            card: prepared.card.clone(),
            plan: self.plan().clone(),
            input: case.tensors.clone(),
            prove: marked.clone(),
            reveal: Reveal::ENDS,
            context: String::new(),
            jobs,
            memory_bytes,
            weights: self.custody(),
            whole_too: self.proves_whole(),
            child_program,
            pool: self.pool.clone(),
        };
        let (plan, draft) = (self.plan().clone(), self.draft().id);
        let job = run::start(request, wake);
        let pieces =
            marked.into_iter().map(Piece::Slice).chain(self.proves_whole().then_some(Piece::Whole));
        let mut run = RunView::new(job, plan, draft, self.case, pieces, memory_bytes);
        // The plan can be edited while it is proven, so the run keeps what was expected of it.
        run.keep_predictions(|piece| self.prediction(piece));
        run.program = Some(prepared.digest);
        self.run = Some(run);
    }

    /// The cuts that would let the last run start, where it was refused for its memory and the plan
    /// is still that one.
    #[must_use]
    pub fn helpful_cuts(&self) -> &[usize] {
        match &self.run {
            Some(run) if run.plan == *self.plan() => &run.helpful_cuts,
            _ => &[],
        }
    }

    /// Adds them, as one step.
    pub fn add_helpful_cuts(&mut self) {
        let (cuts, skeleton) = (self.helpful_cuts().to_vec(), self.skeleton.clone());
        self.edit(|plan| cuts.into_iter().try_for_each(|cut| plan.add(&skeleton, cut)));
    }

    /// Takes the events of the run that goes on, and keeps what its proofs took.
    pub fn take_events(&mut self) {
        let nodes = self.graph.nodes.len();
        let Some(run) = &mut self.run else { return };
        for event in run.events() {
            if let Event::Finished { piece, measured, .. } = &event {
                let (slice, range) = match *piece {
                    Piece::Slice(slice) => (slice, run.plan.ranges(nodes).get(slice).copied()),
                    Piece::Whole => (0, Some((0, nodes))),
                };
                if let Some(range) = range {
                    self.last_measured.insert((range, run.plan.system(slice)), *measured);
                }
            }
            run.apply(event);
        }
    }

    /// Takes what came out of the run that just ended, and keeps it with the plan that made it.
    pub fn take_outcome(&mut self) {
        let Some(run) = &self.run else { return };
        let proven = run.outcome.as_ref().is_some_and(|o| o.sliced.verdict.output_proven);
        if let (true, Some(answer)) = (run.case == self.case, &mut self.answer) {
            answer.proven = proven;
        }
        let (Some(outcome), Some(prepared)) = (&run.outcome, &self.prepared) else { return };
        let input = self.input_name().unwrap_or_default();
        let program = prepared.digest;
        let record = Record::of(outcome, run.plan.clone(), program, input, run.case);
        let id = run.draft;
        if let Some(draft) = self.drafts.by_id(id) {
            draft.record = Some(record);
        }
    }

    /// What came out of the last run, where it was of the plan that is shown.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.run.as_ref().filter(|run| run.draft == self.draft().id)?.outcome.as_deref()
    }

    /// The bundle of the last run.
    #[must_use]
    pub fn bundle(&self) -> Option<&Bundle> {
        self.outcome().map(|outcome| &outcome.sliced.bundle)
    }

    /// The last run, where this piece of it is the plan's as it is now: the same nodes, proven by
    /// the same system, of the same program.
    fn run_of(&self, piece: Piece) -> Option<&RunView> {
        let (now, run) = (self.plan(), self.run.as_ref()?);
        let program = self.prepared.as_ref().map(|prepared| prepared.digest);
        if run.program.is_some_and(|proven| Some(proven) != program) {
            return None;
        }
        let is_same = match piece {
            Piece::Slice(slice) => {
                run.plan.cuts() == now.cuts() && run.plan.system(slice) == now.system(slice)
            }
            Piece::Whole => run.plan.system(0) == now.system(0),
        };
        is_same.then_some(run)
    }

    /// How a piece stands in the run that goes on or was the last, or in the one that was kept.
    #[must_use]
    pub fn state(&self, piece: Piece) -> Option<&State> {
        static VERIFIED: State = State::Verified;
        let view = self.run_of(piece).and_then(|run| run.pieces.get(&piece));
        let kept = || self.record().filter(|record| !self.is_stale() && record.has(piece));
        view.map(|view| &view.state).or_else(|| kept().map(|_| &VERIFIED))
    }

    /// What a slice took when it was last proven by its system, in whichever plan.
    #[must_use]
    pub fn measured(&self, slice: usize) -> Option<Measured> {
        let range = self.plan().ranges(self.graph.nodes.len()).get(slice).copied()?;
        self.last_measured(range, self.system(slice))
    }

    /// What the whole model took when it was last proven as one slice, by its system.
    #[must_use]
    pub fn whole_measured(&self) -> Option<Measured> {
        self.last_measured((0, self.graph.nodes.len()), self.whole_system())
    }

    /// What a piece is predicted to cost.
    #[must_use]
    pub fn prediction(&self, piece: Piece) -> Option<&Prediction> {
        match piece {
            Piece::Slice(slice) => self.rows().get(slice)?.prediction.as_ref(),
            Piece::Whole => self.whole()?.prediction.as_ref(),
        }
    }

    /// How far a piece is in its phase, by the prediction. It stays below one: only the end of
    /// the phase is its end.
    #[must_use]
    pub fn progress(
        &self,
        piece: Piece,
        phase: Phase,
        prediction: Option<&Prediction>,
    ) -> Option<f64> {
        let (run, prediction) = (self.run_of(piece)?, prediction?);
        let view = run.pieces.get(&piece)?;
        let expected = match phase {
            Phase::Prove => prediction.prove_secs,
            Phase::Parameters | Phase::Keys => prediction.setup_secs,
            Phase::Verify | Phase::Check => prediction.verify_secs,
            Phase::Queued | Phase::Witness => return None,
        };
        let elapsed = run.now_secs() - view.phase_start_secs();
        (expected > 0.0).then(|| (elapsed / expected).clamp(0.0, 0.98))
    }

    /// The part of the multiply-accumulates that the marked slices hold.
    #[must_use]
    pub fn coverage(&self) -> f64 {
        let rows = self.rows();
        let all: u64 = rows.iter().map(|row| row.totals.macs).sum();
        let marked: u64 =
            self.marked().iter().filter_map(|&s| rows.get(s)).map(|row| row.totals.macs).sum();
        if all == 0 { 0.0 } else { marked as f64 / all as f64 }
    }

    /// Costs of the slices together, and of the largest of them.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let measured = |slice: usize| self.measured(slice).map(|m| (m.prove_secs, m.peak_bytes));
        let each: Vec<SummaryRow> = self
            .rows()
            .iter()
            .enumerate()
            .map(|(slice, row)| SummaryRow {
                macs: row.totals.macs,
                flops: row.totals.flops,
                params: row.totals.params,
                peak_activation_bytes: row.totals.peak_activation_bytes,
                in_bytes: row.in_bytes,
                out_bytes: row.out_bytes,
                predicted: row.prediction.as_ref().map(|p| (p.prove_secs, p.peak_bytes)),
                measured: measured(slice),
            })
            .collect();
        Summary {
            // Slices run one after the other, so that times add up and memory doesn't.
            sum: fold(&each, |a, b| a + b, |a, b| a + b),
            slowest: fold(&each, u64::max, f64::max),
        }
    }

    /// The data of the chart that compares the slices with the whole.
    #[must_use]
    pub fn compare(&self) -> Option<CompareData> {
        let whole = self.whole().filter(|_| !self.marked().is_empty())?;
        let linking = self.record().filter(|_| !self.is_stale());
        Some(CompareData {
            subtitle: self.graph.name.clone(),
            slices: self.piece_costs(),
            whole: costs(
                "whole".to_owned(),
                whole.prediction.as_ref(),
                self.whole_measured().as_ref(),
            ),
            linking_secs: linking
                .map_or_else(Quantity::default, |record| Quantity::measured(record.linking_secs)),
            scales: Scales::Own,
        })
    }

    /// The data of the chart of each slice.
    #[must_use]
    pub fn per_slice(&self) -> Option<PerSliceData> {
        let slices = self.piece_costs();
        let subtitle = self.graph.name.clone();
        (!slices.is_empty()).then_some(PerSliceData { subtitle, slices })
    }

    /// The data of the chart of what ran when.
    #[must_use]
    pub fn timeline(&self) -> Option<TimelineData> {
        self.run.as_ref().map(|run| run.timeline(self.graph.name.clone()))
    }

    fn piece_costs(&self) -> Vec<PieceCosts> {
        let rows = self.rows();
        self.marked()
            .into_iter()
            .filter_map(|slice| {
                let measured = self.measured(slice);
                let row = rows.get(slice)?;
                Some(costs(slice.to_string(), row.prediction.as_ref(), measured.as_ref()))
            })
            .collect()
    }
}

fn fold(
    rows: &[SummaryRow],
    count: fn(u64, u64) -> u64,
    secs: fn(f64, f64) -> f64,
) -> Option<SummaryRow> {
    // A sum over some of the slices would look like a sum over all of them.
    let both = |a: Option<(f64, u64)>, b: Option<(f64, u64)>| {
        let ((a_secs, a_bytes), (b_secs, b_bytes)) = (a?, b?);
        Some((secs(a_secs, b_secs), a_bytes.max(b_bytes)))
    };
    rows.iter().cloned().reduce(|a, b| SummaryRow {
        macs: count(a.macs, b.macs),
        flops: count(a.flops, b.flops),
        params: count(a.params, b.params),
        peak_activation_bytes: a.peak_activation_bytes.max(b.peak_activation_bytes),
        in_bytes: count(a.in_bytes, b.in_bytes),
        out_bytes: count(a.out_bytes, b.out_bytes),
        predicted: both(a.predicted, b.predicted),
        measured: both(a.measured, b.measured),
    })
}

fn costs(name: String, prediction: Option<&Prediction>, measured: Option<&Measured>) -> PieceCosts {
    let quantity = |expected: Option<f64>, found: Option<f64>| {
        let expected = expected.map_or_else(Quantity::default, |v| Quantity::predicted(v, v, v));
        found.map_or(expected, |v| expected.with_measured(v))
    };
    PieceCosts {
        name,
        setup_secs: quantity(prediction.map(|p| p.setup_secs), measured.map(|m| m.setup_secs)),
        witness_secs: quantity(None, measured.map(|m| m.witness_secs)),
        prove_secs: prove_secs(prediction, measured),
        verify_secs: quantity(prediction.map(|p| p.verify_secs), measured.map(|m| m.verify_secs)),
        peak_bytes: quantity(
            prediction.map(|p| p.peak_bytes as f64),
            measured.map(|m| m.peak_bytes as f64),
        ),
        proof_bytes: quantity(
            prediction.map(|p| p.proof_bytes as f64),
            measured.map(|m| m.proof_bytes as f64),
        ),
    }
}
