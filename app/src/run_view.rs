//! A run as the window shows it: the state of each piece, and what happened when.

use std::collections::BTreeMap;
use std::time::Instant;

use microtome_engine::digest::Digest;
use microtome_engine::plan::Plan;
use microtome_engine::predict::Prediction;
use microtome_engine::program::Fidelity;
use microtome_engine::prove::System;
use microtome_engine::report::charts::{
    MemorySample, Phase as ChartPhase, RowState, Span, TimelineData, TimelineRow,
};
use microtome_engine::report::format as fmt;
use microtome_engine::run::{Event, Job, Measured, Outcome, Phase, Piece};

use crate::remaining::{self, Outlook, Stage, Work};

/// Memory samples that are kept; when there are more, every other one is dropped.
const MOST_SAMPLES: usize = 600;

/// How a piece stands.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// It waits for its turn.
    Queued,
    /// It is in a phase.
    Running(Phase),
    /// Its proof was made and checked.
    Verified,
    /// It could not be proven, for this reason.
    Failed(String),
    /// The run was cancelled before it was done.
    Cancelled,
}

/// One piece of a run.
#[derive(Clone, Debug)]
pub struct PieceView {
    /// How it stands.
    pub state: State,
    /// What it took.
    pub measured: Option<Measured>,
    /// Bytes that its process holds now.
    pub memory_bytes: u64,
    /// Seconds that it was predicted to take, set-up and both verifications included.
    expected_secs: Option<f64>,
    spans: Vec<(Phase, f64, Option<f64>)>,
}

impl PieceView {
    /// When the phase that it is in began, in seconds after the run's start.
    #[must_use]
    pub fn phase_start_secs(&self) -> f64 {
        self.spans.last().map_or(0.0, |&(_, start, _)| start)
    }

    /// Seconds of work so far, without waiting.
    fn worked_secs(&self, now_secs: f64) -> f64 {
        let work = self.spans.iter().filter(|(phase, ..)| *phase != Phase::Queued);
        work.map(|&(_, start, end)| (end.unwrap_or(now_secs) - start).max(0.0)).sum()
    }

    fn enter(&mut self, phase: Phase, at_secs: f64) {
        self.close(at_secs);
        self.spans.push((phase, at_secs, None));
        self.state = if phase == Phase::Queued { State::Queued } else { State::Running(phase) };
    }

    fn close(&mut self, at_secs: f64) {
        if let Some((_, _, end @ None)) = self.spans.last_mut() {
            *end = Some(at_secs);
        }
    }
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// It goes on.
    Running,
    /// It came to its end.
    Done,
    /// The user stopped it.
    Cancelled,
    /// It could not be done, for this reason.
    Failed(String),
}

/// A run and what came of it so far.
pub struct RunView {
    /// The plan that is proven.
    pub plan: Plan,
    /// Which of the user's plans it is.
    pub draft: u64,
    /// The case that is proven.
    pub case: usize,
    /// Digest of the program that is proven, where that is known.
    pub program: Option<Digest>,
    /// How it stands.
    pub status: Status,
    /// Its pieces.
    pub pieces: BTreeMap<Piece, PieceView>,
    /// What came out.
    pub outcome: Option<Box<Outcome>>,
    /// The outputs of the fixed-point run, as soon as they are there.
    pub output: Option<(Vec<Vec<f32>>, Option<Fidelity>)>,
    /// Cuts that would let it start, where it was refused for its memory.
    pub helpful_cuts: Vec<usize>,
    job: Option<Job>,
    started: Instant,
    ended_secs: Option<f64>,
    memory: Vec<MemorySample>,
    budget_bytes: u64,
}

impl RunView {
    /// The view of a job that just started.
    #[must_use]
    pub fn new(
        job: Job,
        plan: Plan,
        draft: u64,
        case: usize,
        pieces: impl Iterator<Item = Piece>,
        budget_bytes: u64,
    ) -> Self {
        Self { job: Some(job), ..Self::begun(plan, draft, case, pieces, budget_bytes) }
    }

    /// A run as it was at some time after its start, by what had happened until then.
    #[must_use]
    pub fn replay(
        plan: Plan,
        pieces: impl Iterator<Item = Piece>,
        budget_bytes: u64,
        events: impl IntoIterator<Item = Event>,
        now_secs: f64,
    ) -> Self {
        let mut run = Self::begun(plan, 0, 0, pieces, budget_bytes);
        run.ended_secs = Some(now_secs);
        for event in events {
            run.apply(event);
        }
        run
    }

    fn begun(
        plan: Plan,
        draft: u64,
        case: usize,
        pieces: impl Iterator<Item = Piece>,
        budget_bytes: u64,
    ) -> Self {
        let queued = PieceView {
            state: State::Queued,
            measured: None,
            memory_bytes: 0,
            expected_secs: None,
            spans: vec![(Phase::Queued, 0.0, None)],
        };
        Self {
            plan,
            draft,
            case,
            program: None,
            status: Status::Running,
            pieces: pieces.map(|piece| (piece, queued.clone())).collect(),
            outcome: None,
            output: None,
            helpful_cuts: Vec::new(),
            job: None,
            started: Instant::now(),
            ended_secs: None,
            memory: Vec::new(),
            budget_bytes,
        }
    }

    /// Keeps what each piece is predicted to take.
    pub(crate) fn keep_predictions<'a>(
        &mut self,
        prediction: impl Fn(Piece) -> Option<&'a Prediction>,
    ) {
        for (&piece, view) in &mut self.pieces {
            // A proof is verified twice: where it was made, and by a stranger.
            view.expected_secs =
                prediction(piece).map(|p| p.setup_secs + p.prove_secs + 2.0 * p.verify_secs);
        }
    }

    /// How much is done, and how long the rest takes.
    #[must_use]
    pub fn outlook(&self) -> Outlook {
        let now = self.now_secs();
        let work = |view: &PieceView| Work {
            expected_secs: view.expected_secs,
            stage: match view.state {
                State::Queued => Stage::Waiting,
                State::Running(_) => Stage::Running { elapsed_secs: view.worked_secs(now) },
                State::Verified => Stage::Over { took_secs: view.worked_secs(now) },
                State::Failed(_) | State::Cancelled => Stage::Dropped,
            },
        };
        let works: Vec<Work> = self.pieces.values().map(work).collect();
        remaining::outlook(&works)
    }

    /// What was proven and what it took, in a sentence.
    #[must_use]
    pub fn report(&self) -> String {
        let proven: Vec<&Measured> =
            self.pieces.values().filter_map(|view| view.measured.as_ref()).collect();
        let slices = self
            .pieces
            .iter()
            .filter(|(piece, view)| matches!(piece, Piece::Slice(_)) && view.measured.is_some())
            .count();
        let word = if slices == 1 { "slice" } else { "slices" };
        let whole = if proven.len() > slices { " and the whole model" } else { "" };
        let prove: f64 = proven.iter().map(|measured| measured.prove_secs).sum();
        let peak = proven.iter().map(|measured| measured.peak_bytes).max().unwrap_or(0);
        format!(
            "{slices} {word}{whole} proven and verified in {}: {} of proving, {} of memory.",
            fmt::secs(self.now_secs()),
            fmt::secs(prove),
            fmt::bytes(peak),
        )
    }

    /// The proof system of a piece.
    #[must_use]
    pub fn system(&self, piece: Piece) -> System {
        match piece {
            Piece::Slice(slice) => self.plan.system(slice),
            // The whole is proven as the first slice is.
            Piece::Whole => self.plan.system(0),
        }
    }

    /// Whether it goes on.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.status == Status::Running
    }

    /// Stops it.
    pub fn cancel(&self) {
        if let Some(job) = &self.job {
            job.cancel();
        }
    }

    /// Seconds since it started, up to its end.
    #[must_use]
    pub fn now_secs(&self) -> f64 {
        self.ended_secs.unwrap_or_else(|| self.started.elapsed().as_secs_f64())
    }

    /// The events that arrived, up to a number that a frame can take.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.job.iter().flat_map(|job| job.events.try_iter().take(256)).collect()
    }

    /// Takes an event in.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Planned { .. } => {}
            Event::Executed { output, fidelity } => {
                self.output = output.map(|output| (output, fidelity));
            }
            Event::Phase { piece, phase, at_secs } => {
                if let Some(view) = self.pieces.get_mut(&piece) {
                    view.enter(phase, at_secs);
                }
            }
            Event::Memory { piece, bytes, at_secs } => {
                if let Some(view) = self.pieces.get_mut(&piece) {
                    view.memory_bytes = bytes;
                }
                self.sample(at_secs);
            }
            Event::Finished { piece, measured, at_secs } => {
                if let Some(view) = self.pieces.get_mut(&piece) {
                    view.close(at_secs);
                    view.measured = Some(measured);
                    view.memory_bytes = 0;
                    view.state = State::Verified;
                }
                self.sample(at_secs);
            }
            Event::Failed { piece, reason } => {
                let now = self.now_secs();
                if let Some(view) = self.pieces.get_mut(&piece) {
                    view.close(now);
                    view.memory_bytes = 0;
                    view.state = State::Failed(reason);
                }
            }
            Event::Done { outcome } => {
                self.outcome = Some(outcome);
                self.end(Status::Done);
            }
            Event::Cancelled => self.end(Status::Cancelled),
            Event::Error { reason, cuts } => {
                self.helpful_cuts = cuts;
                self.end(Status::Failed(reason));
            }
        }
    }

    fn end(&mut self, status: Status) {
        let now = self.now_secs();
        for view in self.pieces.values_mut() {
            view.close(now);
            view.memory_bytes = 0;
            if matches!(view.state, State::Queued | State::Running(_)) {
                view.state = State::Cancelled;
            }
        }
        self.ended_secs = Some(now);
        self.status = status;
        self.job = None;
    }

    fn sample(&mut self, at_secs: f64) {
        let bytes: u64 = self.pieces.values().map(|view| view.memory_bytes).sum();
        self.memory.push(MemorySample { at_secs, bytes: bytes as f64 });
        if self.memory.len() > MOST_SAMPLES {
            let mut position = 0;
            self.memory.retain(|_| {
                position += 1;
                position % 2 == 0
            });
        }
    }

    /// What ran when, for the chart.
    #[must_use]
    pub fn timeline(&self, subtitle: String) -> TimelineData {
        let row = |(piece, view): (&Piece, &PieceView)| TimelineRow {
            name: piece_name(*piece),
            spans: view
                .spans
                .iter()
                .map(|&(phase, start_secs, end_secs)| Span {
                    phase: chart_phase(phase),
                    start_secs,
                    end_secs,
                })
                .collect(),
            state: match view.state {
                State::Verified => RowState::Verified,
                State::Failed(_) | State::Cancelled => RowState::Failed,
                State::Queued | State::Running(_) => RowState::Open,
            },
        };
        TimelineData {
            subtitle,
            rows: self.pieces.iter().map(row).collect(),
            now_secs: self.is_running().then(|| self.now_secs()),
            memory: self.memory.clone(),
            budget_bytes: Some(self.budget_bytes as f64),
        }
    }
}

/// What people call a piece.
#[must_use]
pub fn piece_name(piece: Piece) -> String {
    match piece {
        Piece::Slice(index) => format!("slice {index}"),
        Piece::Whole => "whole".to_owned(),
    }
}

/// What people call a phase.
#[must_use]
pub fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Queued => "queued",
        Phase::Parameters => "parameters",
        Phase::Keys => "keys",
        Phase::Witness => "witness",
        Phase::Prove => "proving",
        Phase::Verify => "verifying",
        Phase::Check => "checking",
    }
}

fn chart_phase(phase: Phase) -> ChartPhase {
    match phase {
        Phase::Queued => ChartPhase::Queued,
        Phase::Parameters => ChartPhase::Parameters,
        Phase::Keys => ChartPhase::Keys,
        Phase::Witness => ChartPhase::Witness,
        Phase::Prove => ChartPhase::Prove,
        Phase::Verify | Phase::Check => ChartPhase::Verify,
    }
}
