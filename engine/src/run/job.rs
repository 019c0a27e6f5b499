//! A job from its request to its outcome.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use super::piece::{ProvenPiece, Prover};
use super::prepare::{Prepared, execute, prepare};
use super::schedule::{Schedule, Waiting};
use super::worker::{ChildError, Children, lock, own_program};
use super::{Event, Outcome, Phase, Piece, Proven, Request};
use crate::bundle::{Backing, Bundle, Custody, Demands, Layout, Outline, SliceRecord, verify_with};
use crate::predict;
use crate::program::{Fidelity, Source, Trace};
use crate::prove::{Shape, Statement, System};

/// Why a job ends early.
enum Stop {
    Cancelled,
    Error(String),
}

impl From<String> for Stop {
    fn from(reason: String) -> Self {
        Self::Error(reason)
    }
}

/// Where events go.
pub(super) struct Sink {
    sender: Sender<Event>,
    wake: Box<dyn Fn() + Send + Sync>,
    start: Instant,
}

impl Sink {
    pub(super) fn send(&self, event: Event) {
        // Nobody listens any more where the job was dropped; it is cancelled then.
        let _ = self.sender.send(event);
        (self.wake)();
    }

    pub(super) fn now_secs(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    pub(super) fn phase(&self, piece: Piece, phase: Phase) {
        self.send(Event::Phase { piece, phase, at_secs: self.now_secs() });
    }
}

/// What came of the pieces.
#[derive(Default)]
struct Results {
    proven: Vec<(Piece, ProvenPiece)>,
    failures: Vec<(Piece, String)>,
}

impl Results {
    fn proven(&self, piece: Piece) -> Option<&ProvenPiece> {
        self.proven.iter().find(|(p, _)| *p == piece).map(|(_, proven)| proven)
    }
}

pub(super) fn spawn(
    request: Request,
    wake: Box<dyn Fn() + Send + Sync>,
) -> (Receiver<Event>, Arc<Children>) {
    let (sender, events) = mpsc::channel();
    let children = Arc::new(Children::default());
    let theirs = Arc::clone(&children);
    std::thread::spawn(move || {
        let sink = Sink { sender, wake, start: Instant::now() };
        let last = match run(&request, &theirs, &sink) {
            Ok(outcome) => Event::Done { outcome: Box::new(outcome) },
            Err(Stop::Error(reason)) if !theirs.is_cancelled() => Event::Error { reason },
            Err(_) => Event::Cancelled,
        };
        sink.send(last);
    });
    (events, children)
}

/// Scales that are fitted to the proven input tell its greatest values exactly: whoever guesses
/// the input could confirm the guess by the card. So a hidden input needs scales of its own.
fn refuse_telling_scales(request: &Request) -> Result<(), Stop> {
    let is_hidden = !(request.reveal.input || request.reveal.all);
    if is_hidden && matches!(request.card.source, Source::ProvenInput { .. }) {
        return Err(Stop::Error(
            "the input is to stay hidden, but the scales are fitted to it and would tell of it: \
             calibrate with other inputs (--calib FILE), or reveal the input"
                .to_owned(),
        ));
    }
    Ok(())
}

fn run(request: &Request, children: &Children, sink: &Sink) -> Result<Outcome, Stop> {
    let child_program: PathBuf = match &request.child_program {
        Some(program) => program.clone(),
        None => own_program()?,
    };
    refuse_telling_scales(request)?;
    let cuts = request.plan.cuts();
    let layout = layout(request, cuts)?;
    sink.send(Event::Planned { slices: layout.slices.len(), whole: request.whole_too });

    let systems: Vec<System> =
        (0..layout.slices.len()).map(|slice| request.plan.system(slice)).collect();
    let mut waiting = pieces(request, &layout, &systems)?;
    let trace = execute(request, &layout)?;
    let output = layout.real_outputs(&request.program, &trace);
    let fidelity = fidelity(request, output.as_deref());
    sink.send(Event::Executed { output: output.clone(), fidelity });

    let sliced = prepare(request, layout, cuts, systems.clone(), &request.prove, &trace)?;
    let mut failures = Vec::new();
    let mut whole = None;
    if request.whole_too {
        match whole_piece(request, systems[0], &trace) {
            Ok((prepared, piece)) => {
                waiting.push(piece);
                whole = Some(prepared);
            }
            Err(reason) => failures.push((Piece::Whole, reason)),
        }
    }
    for (piece, reason) in &failures {
        sink.send(Event::Failed { piece: *piece, reason: reason.clone() });
    }

    let prover = Prover { request, children, sink, child_program, trace: &trace };
    let mut results = prove_all(&prover, &sliced, whole.as_ref(), waiting)?;
    results.failures.extend(failures);

    let all = request.prove.len() == sliced.layout.slices.len();
    let sliced = finish(request, sliced, all, Piece::Slice, &results);
    // A whole that could not be proven is among the failures, and has no bundle.
    let whole = whole
        .filter(|_| results.proven(Piece::Whole).is_some())
        .map(|whole| finish(request, whole, true, |_| Piece::Whole, &results));
    Ok(Outcome {
        sliced,
        whole,
        failures: results.failures,
        output,
        fidelity,
        wall_secs: sink.now_secs(),
    })
}

fn layout(request: &Request, cuts: &[usize]) -> Result<Layout, String> {
    Outline::of(&request.model.graph, &request.skeleton)
        .and_then(|outline| Layout::new(&outline, &request.program, cuts))
        .map_err(|reason| format!("the plan doesn't fit the model: {reason}"))
}

/// The slices to prove, each checked: it can be proven, and it fits the memory.
fn pieces(request: &Request, layout: &Layout, systems: &[System]) -> Result<Vec<Waiting>, String> {
    request
        .prove
        .iter()
        .map(|&index| {
            let Some(slice) = layout.slices.get(index) else {
                return Err(format!(
                    "there is no slice {index} to prove: the plan has {} slices, from 0 on",
                    layout.slices.len()
                ));
            };
            let what = format!("slice {index}");
            if let Some(obstacle) = &slice.obstacle {
                return Err(format!(
                    "{what} can't be proven: {obstacle}; leave it out, so that it is only executed"
                ));
            }
            if request.weights == Custody::Committed && systems[index] != System::Whir {
                return Err(format!(
                    "{what} is to be proven with {}, which needs public weights: take whir for \
                     committed ones, or leave the slice out",
                    systems[index]
                ));
            }
            let shape = systems[index]
                .proof_system()
                .shape(&request.program, &slice.program)
                .map_err(|reason| format!("{what} can't be proven: {reason}"))?;
            fitting(request, Piece::Slice(index), &what, &shape)
        })
        .collect()
}

/// The whole model as one slice, with a header of its own.
fn whole_piece(
    request: &Request,
    system: System,
    trace: &Trace,
) -> Result<(Prepared, Waiting), String> {
    let layout = layout(request, &[])?;
    let slice = &layout.slices[0];
    if let Some(obstacle) = &slice.obstacle {
        return Err(format!("the whole model can't be proven: {obstacle}"));
    }
    let shape = system
        .proof_system()
        .shape(&request.program, &slice.program)
        .map_err(|reason| format!("the whole model can't be proven: {reason}"))?;
    let piece = fitting(request, Piece::Whole, "the whole model", &shape)?;
    let proven = [0].into();
    Ok((prepare(request, layout, &[], vec![system], &proven, trace)?, piece))
}

/// A piece that fits the memory by itself.
fn fitting(request: &Request, piece: Piece, what: &str, shape: &Shape) -> Result<Waiting, String> {
    let peak_bytes = predict::of(shape).peak_bytes;
    if peak_bytes > request.memory_bytes {
        return Err(format!(
            "{what} is predicted to take {} of memory, and {} are allowed: cut it smaller, or \
             allow more",
            mebibytes(peak_bytes),
            mebibytes(request.memory_bytes)
        ));
    }
    Ok(Waiting { piece, peak_bytes })
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

fn fidelity(request: &Request, output: Option<&[Vec<f32>]>) -> Option<Fidelity> {
    let float = request.model.float_run(&request.input).ok()?;
    let outputs = &request.model.graph.outputs;
    let float: Vec<f32> =
        outputs.iter().filter_map(|id| float.get(id)).flatten().copied().collect();
    let fixed = output?.concat();
    (fixed.len() == float.len()).then(|| Fidelity::of(&fixed, &float))
}

/// Proves all pieces, as many at a time as jobs and memory allow.
fn prove_all(
    prover: &Prover<'_>,
    sliced: &Prepared,
    whole: Option<&Prepared>,
    waiting: Vec<Waiting>,
) -> Result<Results, Stop> {
    for waiting in &waiting {
        prover.sink.phase(waiting.piece, Phase::Queued);
    }
    let workers = prover.request.jobs.clamp(1, waiting.len().max(1));
    let schedule = Schedule::new(waiting, workers, prover.request.memory_bytes);
    let schedule = Mutex::new(schedule);
    let released = Condvar::new();
    let results = Mutex::new(Results::default());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(next) = next_piece(&schedule, &released, prover.children) {
                    let proven = match (next.piece, whole) {
                        (Piece::Slice(index), _) => prover.prove(sliced, index, next.piece),
                        (Piece::Whole, Some(whole)) => prover.prove(whole, 0, next.piece),
                        (Piece::Whole, None) => Err(ChildError::Cancelled),
                    };
                    lock(&schedule).release(&next);
                    released.notify_all();
                    let mut results = lock(&results);
                    match proven {
                        Ok(proven) => results.proven.push((next.piece, proven)),
                        Err(ChildError::Cancelled) => {}
                        Err(ChildError::Failed(reason)) => {
                            let event = Event::Failed { piece: next.piece, reason: reason.clone() };
                            prover.sink.send(event);
                            results.failures.push((next.piece, reason));
                        }
                    }
                }
            });
        }
    });
    if prover.children.is_cancelled() {
        return Err(Stop::Cancelled);
    }
    Ok(results.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Waits for a piece that may start; `None` where there is none left.
fn next_piece(
    schedule: &Mutex<Schedule>,
    released: &Condvar,
    children: &Children,
) -> Option<Waiting> {
    let mut schedule = lock(schedule);
    loop {
        if children.is_cancelled() || schedule.is_empty() {
            return None;
        }
        if let Some(next) = schedule.admit() {
            return Some(next);
        }
        schedule = released.wait(schedule).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Puts a plan's bundle together and verifies it as somebody who lowers the model again. Each
/// proof was verified in a process of its own when it was made; here its statement must be the
/// very one that was verified.
fn finish(
    request: &Request,
    prepared: Prepared,
    all: bool,
    piece_of: fn(usize) -> Piece,
    results: &Results,
) -> Proven {
    let count = prepared.layout.slices.len();
    let record = |index: usize| {
        let backing = match results.proven(piece_of(index)) {
            Some(proven) => Backing::Proof(proven.proof.clone()),
            None => Backing::Executed,
        };
        // The header's cuts are that many, and are 32-bit numbers.
        SliceRecord { index: index as u32, backing }
    };
    let bundle = Bundle { header: prepared.header, slices: (0..count).map(record).collect() };
    let demands = Demands {
        input: request.reveal.input.then(|| request.input.clone()),
        program: Some(bundle.header.program),
        context: Some(request.context.clone()),
        min_coverage: if all { 1.0 } else { 0.0 },
    };
    let checking = Instant::now();
    let check = &mut |index: usize, _: System, statement: &Statement<'_>, proof: &[u8]| {
        let proven = results.proven(piece_of(index));
        let same = proven.is_some_and(|proven| proven.is_of(statement, proof));
        if same { Ok(()) } else { Err("the statement is not the one that was proven".to_owned()) }
    };
    let verdict = verify_with(&bundle, (&request.model).into(), &demands, check);
    Proven {
        verdict,
        measured: (0..count)
            .map(|index| results.proven(piece_of(index)).map(|proven| proven.measured))
            .collect(),
        linking_secs: prepared.commit_secs + checking.elapsed().as_secs_f64(),
        secrets: prepared.secrets,
        bundle,
    }
}
