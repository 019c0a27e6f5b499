//! A job from its request to its outcome.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use super::control::{Control, Stop};
use super::piece::{ProvenPiece, Prover};
use super::pool::Failure;
use super::prepare::{Prepared, execute, prepare};
use super::refusal;
use super::schedule::{Schedule, Waiting};
use super::worker::{Start, lock, own_program};
use super::{Event, Outcome, Phase, Piece, Proven, Request, fastest_jobs};
use crate::bundle::{Backing, Bundle, Custody, Demands, Layout, Outline, SliceRecord, verify_with};
use crate::predict;
use crate::program::{Fidelity, ProgramSlice, Source, Trace};
use crate::prove::{Shape, Statement, System, Unprovable, halo2};

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
) -> (Receiver<Event>, Arc<Control>) {
    let (sender, events) = mpsc::channel();
    let control = Arc::new(Control::new(sender, wake));
    let theirs = Arc::clone(&control);
    std::thread::spawn(move || {
        let ending = Ending(&theirs);
        let last = match run(&request, &theirs) {
            Ok(outcome) => Event::Done { outcome: Box::new(outcome) },
            Err(Stop::Error { reason, cuts }) if theirs.check().is_ok() => {
                Event::Error { reason, cuts }
            }
            Err(_) => Event::Cancelled,
        };
        ending.0.end(last);
    });
    (events, control)
}

/// Ends a job whose thread ends without a word, so that nobody waits for ever.
struct Ending<'a>(&'a Control);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let reason = "the job broke off by a mistake of this program".to_owned();
        self.0.end(Event::Error { reason, cuts: Vec::new() });
    }
}

/// Scales that are fitted to the proven input tell its greatest values exactly: whoever guesses
/// the input could confirm the guess by the card. So a hidden input needs scales of its own.
fn refuse_telling_scales(request: &Request) -> Result<(), Stop> {
    let is_hidden = !(request.reveal.input || request.reveal.all);
    if is_hidden && matches!(request.card.source, Source::ProvenInput { .. }) {
        let reason = "the input is to stay hidden, but the scales are fitted to it and would tell \
                      of it: calibrate with other inputs (--calib FILE), or reveal the input";
        return Err(reason.to_owned().into());
    }
    Ok(())
}

fn run(request: &Request, control: &Control) -> Result<Outcome, Stop> {
    refuse_telling_scales(request)?;
    let cuts = request.plan.cuts();
    let layout = layout(request, cuts)?;
    control.send(Event::Planned { slices: layout.slices.len(), whole: request.whole_too });

    let systems: Vec<System> =
        (0..layout.slices.len()).map(|slice| request.plan.system(slice)).collect();
    let mut waiting = pieces(request, &layout, &systems)?;
    let trace = execute(request, &layout, control)?;
    let output = layout.real_outputs(&request.program, &trace);
    control.check()?;
    let fidelity = fidelity(request, output.as_deref());
    control.send(Event::Executed { output: output.clone(), fidelity });

    let sliced = prepare(request, layout, cuts, systems.clone(), &request.prove, &trace, control)?;
    let mut failures = Vec::new();
    let mut whole = None;
    if request.whole_too {
        match whole_piece(request, systems[0], &trace, control) {
            Ok((prepared, piece)) => {
                waiting.push(piece);
                whole = Some(prepared);
            }
            Err(Stop::Cancelled) => return Err(Stop::Cancelled),
            Err(Stop::Error { reason, .. }) => failures.push((Piece::Whole, reason)),
        }
    }
    for (piece, reason) in &failures {
        control.send(Event::Failed { piece: *piece, reason: reason.clone() });
    }

    let mut results = prove_all(request, control, &trace, &sliced, whole.as_ref(), waiting)?;
    results.failures.extend(failures);

    let all = request.prove.len() == sliced.layout.slices.len();
    control.check()?;
    let sliced = finish(request, sliced, all, Piece::Slice, &results);
    control.check()?;
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
        wall_secs: control.now_secs(),
    })
}

fn layout(request: &Request, cuts: &[usize]) -> Result<Layout, String> {
    Outline::of(&request.model.graph, &request.skeleton)
        .and_then(|outline| Layout::new(&outline, &request.program, cuts))
        .map_err(|reason| format!("the plan doesn't fit the model: {reason}"))
}

/// The slices to prove, each checked: it can be proven, and it fits the memory.
fn pieces(request: &Request, layout: &Layout, systems: &[System]) -> Result<Vec<Waiting>, Stop> {
    request
        .prove
        .iter()
        .map(|&index| {
            let Some(slice) = layout.slices.get(index) else {
                return Err(format!(
                    "there is no slice {index} to prove: the plan has {} slices, from 0 on",
                    layout.slices.len()
                )
                .into());
            };
            let what = format!("slice {index}");
            if let Some(obstacle) = &slice.obstacle {
                return Err(format!(
                    "{what} can't be proven: {obstacle}; leave it out, so that it is only executed"
                )
                .into());
            }
            if request.weights == Custody::Committed && systems[index] != System::Whir {
                return Err(format!(
                    "{what} is to be proven with {}, which needs public weights: take whir for \
                     committed ones, or leave the slice out",
                    systems[index]
                )
                .into());
            }
            let shape = shape_within(request, systems[index], &slice.program)
                .map_err(|reason| format!("{what} can't be proven: {reason}"))?;
            let piece = piece(Piece::Slice(index), request, &slice.program, &shape);
            if piece.peak_bytes > request.memory_bytes {
                let refusal = refusal::of_slice(request, index, piece.peak_bytes);
                return Err(Stop::Error { reason: refusal.reason, cuts: refusal.cuts });
            }
            Ok(piece)
        })
        .collect()
}

/// The whole model as one slice, with a header of its own.
fn whole_piece(
    request: &Request,
    system: System,
    trace: &Trace,
    control: &Control,
) -> Result<(Prepared, Waiting), Stop> {
    let layout = layout(request, &[])?;
    let slice = &layout.slices[0];
    if let Some(obstacle) = &slice.obstacle {
        return Err(format!("the whole model can't be proven: {obstacle}").into());
    }
    let shape = shape_within(request, system, &slice.program)
        .map_err(|reason| format!("the whole model can't be proven: {reason}"))?;
    let piece = piece(Piece::Whole, request, &slice.program, &shape);
    if piece.peak_bytes > request.memory_bytes {
        return Err(refusal::of_whole(piece.peak_bytes, request.memory_bytes).into());
    }
    let proven = [0].into();
    Ok((prepare(request, layout, &[], vec![system], &proven, trace, control)?, piece))
}

/// The circuit that a slice is proven with: the cheapest that fits the memory.
fn shape_within(
    request: &Request,
    system: System,
    slice: &ProgramSlice,
) -> Result<Shape, Unprovable> {
    match system {
        System::Halo2 => {
            predict::halo2_within(&request.program, slice, request.memory_bytes).map(Shape::Halo2)
        }
        System::Whir => system.proof_system().shape(&request.program, slice),
    }
}

/// A piece, with what it is predicted to take.
fn piece(piece: Piece, request: &Request, slice: &ProgramSlice, shape: &Shape) -> Waiting {
    let keys = match shape {
        Shape::Halo2(shape) => halo2::key_name(&request.program, slice, shape),
        Shape::Whir(_) => None,
    };
    Waiting { piece, peak_bytes: predict::of(shape).peak_bytes, keys }
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
    request: &Request,
    control: &Control,
    trace: &Trace,
    sliced: &Prepared,
    whole: Option<&Prepared>,
    waiting: Vec<Waiting>,
) -> Result<Results, Stop> {
    for waiting in &waiting {
        control.phase(waiting.piece, Phase::Queued);
    }
    let at_a_time = Schedule::at_a_time(&waiting, request.jobs, request.memory_bytes);
    let schedule = Mutex::new(Schedule::new(waiting, at_a_time, request.memory_bytes));
    let released = Condvar::new();
    let results = Mutex::new(Results::default());
    let prover = Prover {
        request,
        control,
        schedule: &schedule,
        start: worker_start(request, at_a_time)?,
        trace,
        parameters: Mutex::new(()),
    };
    std::thread::scope(|scope| {
        for _ in 0..at_a_time {
            scope.spawn(|| {
                while let Some(next) = next_piece(&schedule, &released, control) {
                    let proven = match (next.piece, whole) {
                        (Piece::Slice(index), _) => prover.prove(sliced, index, &next),
                        (Piece::Whole, Some(whole)) => prover.prove(whole, 0, &next),
                        (Piece::Whole, None) => Err(Failure::Cancelled),
                    };
                    lock(&schedule).release(&next);
                    released.notify_all();
                    let mut results = lock(&results);
                    match proven {
                        Ok(proven) => results.proven.push((next.piece, proven)),
                        Err(Failure::Cancelled) => {}
                        Err(Failure::Broken(reason)) => {
                            let event = Event::Failed { piece: next.piece, reason: reason.clone() };
                            control.send(event);
                            results.failures.push((next.piece, reason));
                        }
                    }
                }
            });
        }
    });
    // What is kept for a job to come must leave room for everything else on the machine.
    request.pool.shrink(request.memory_bytes / 2);
    control.check()?;
    Ok(results.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// How workers are started: with their share of the cores, where several work at a time.
fn worker_start(request: &Request, at_a_time: usize) -> Result<Start, String> {
    let program = match &request.child_program {
        Some(program) => program.clone(),
        None => own_program()?,
    };
    let threads = (at_a_time > 1).then(|| (fastest_jobs() / at_a_time).max(1));
    Ok(Start { program, threads })
}

/// Waits for a piece that may start; `None` where there is none left.
fn next_piece(
    schedule: &Mutex<Schedule>,
    released: &Condvar,
    control: &Control,
) -> Option<Waiting> {
    let mut schedule = lock(schedule);
    loop {
        if control.check().is_err() || schedule.is_empty() {
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
