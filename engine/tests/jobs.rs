//! Jobs: they end at once when cancelled, survive a crash, keep keys, and refuse what is too large.

mod common;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::jobs::{outcome, request};
use common::{Folder, cli, sample};
use microtome_engine::prove::System;
use microtome_engine::run::{self, Event, Outcome, Phase, Piece, Pool, Request};

/// Two jobs at a time would share the cores, and find each other's processes.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Processes of this one that are workers and go on.
#[cfg(target_os = "linux")]
fn workers() -> Vec<u32> {
    let own = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // After the name in brackets come the state and the parent.
        let Some((_, rest)) = stat.rsplit_once(')') else { continue };
        let fields: Vec<&str> = rest.split_whitespace().collect();
        if fields[1] == own && fields[0] != "Z" {
            found.push(pid);
        }
    }
    found
}

/// Waits for something that happens soon.
fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// When a job is cancelled.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    Begin,
    Planned,
    Executed,
    In(Phase),
}

impl Moment {
    fn is_now(self, event: &Event) -> bool {
        match (self, event) {
            (Self::Planned, Event::Planned { .. }) | (Self::Executed, Event::Executed { .. }) => {
                true
            }
            (Self::In(wanted), Event::Phase { phase, .. }) => wanted == *phase,
            _ => false,
        }
    }
}

#[test]
fn a_job_is_cancelled_at_once_in_every_phase() {
    let _alone = alone();
    let phases = [
        Phase::Queued,
        Phase::Parameters,
        Phase::Keys,
        Phase::Witness,
        Phase::Prove,
        Phase::Verify,
        Phase::Check,
    ];
    let moments = [Moment::Begin, Moment::Planned, Moment::Executed];
    for moment in moments.into_iter().chain(phases.map(Moment::In)) {
        let request = request(&[2], &[0, 1], "");
        let skeleton = Arc::clone(&request.skeleton);
        let holders = Arc::strong_count(&skeleton) - 1;
        let job = run::start(request, || {});
        if moment != Moment::Begin {
            let reached = job.events.iter().any(|event| moment.is_now(&event));
            assert!(reached, "{moment:?}");
        }
        let start = Instant::now();
        job.cancel();
        let rest: Vec<Event> = job.events.iter().collect();
        let took = start.elapsed();
        assert!(matches!(rest.last(), Some(Event::Cancelled)), "{moment:?}: {rest:?}");
        let ends = rest.iter().filter(|event| matches!(event, Event::Cancelled)).count();
        assert_eq!(ends, 1, "{moment:?}");
        assert!(took < Duration::from_millis(100), "{moment:?} took {took:?}");
        // The job's own thread ends too, and its processes.
        soon("the thread goes on", || Arc::strong_count(&skeleton) <= holders.max(1));
        #[cfg(target_os = "linux")]
        soon("a process goes on", || workers().is_empty());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_worker_that_is_killed_costs_one_slice() {
    let _alone = alone();
    let mut request = request(&[1, 2, 3], &[0, 1, 2, 3], "");
    request.jobs = 1;
    let job = run::start(request, || {});
    let (mut killed, mut failed, mut finished) = (None, BTreeSet::new(), BTreeSet::new());
    let mut last = None;
    for event in &job.events {
        match event {
            Event::Phase { piece, phase: Phase::Prove, .. } if piece == Piece::Slice(1) => {
                // The others of this job are idle: only one proves at a time.
                for pid in workers() {
                    let pid = pid.to_string();
                    std::process::Command::new("kill").args(["-9", &pid]).status().unwrap();
                }
                killed = Some(piece);
            }
            Event::Failed { piece, reason } => {
                assert!(reason.contains("signal 9"), "{reason}");
                failed.insert(piece);
            }
            Event::Finished { piece, .. } => {
                finished.insert(piece);
            }
            Event::Done { outcome } => last = Some(outcome),
            _ => {}
        }
    }
    assert_eq!(killed, Some(Piece::Slice(1)));
    assert_eq!(failed, BTreeSet::from([Piece::Slice(1)]));
    assert_eq!(finished, [0, 2, 3].map(Piece::Slice).into());
    let Outcome { sliced, failures, .. } = *last.unwrap();
    assert_eq!(failures.len(), 1);
    let proven: Vec<bool> = sliced.measured.iter().map(Option::is_some).collect();
    assert_eq!(proven, [true, false, true, true]);
}

/// The same plan with another input.
fn with_input(base: &Request, input: [f32; 4]) -> Request {
    Request { input: vec![input.to_vec()], ..base.clone() }
}

#[test]
#[cfg(target_os = "linux")]
fn a_plan_that_is_proven_again_finds_its_keys() {
    let _alone = alone();
    let pool = Pool::lasting();
    let mut base = request(&[2], &[0, 1], "");
    base.jobs = 1;
    base.pool = pool.clone();
    let reused = |outcome: &Outcome| -> Vec<bool> {
        assert!(outcome.sliced.verdict.accepted, "{:?}", outcome.sliced.verdict);
        outcome.sliced.measured.iter().map(|measured| measured.unwrap().keys_reused).collect()
    };
    let first = outcome(base.clone());
    assert_eq!(reused(&first), [false, false]);
    assert!(pool.held_bytes() > 0);
    let again = outcome(with_input(&base, [0.25, 0.5, -0.5, 0.0]));
    assert_eq!(reused(&again), [true, true]);
    let sum = |outcome: &Outcome| -> f64 {
        outcome.sliced.measured.iter().map(|measured| measured.unwrap().setup_secs).sum()
    };
    assert!(sum(&first) > 0.0);
    assert_eq!(sum(&again), 0.0);
    assert_ne!(first.output, again.output);

    // One slice is cut differently: it needs keys of its own, and the other doesn't.
    let mut cut = base.clone();
    cut.plan =
        microtome_engine::plan::Plan::from_cuts(cut.plan.model, &cut.skeleton, &[2, 3]).unwrap();
    cut.prove = [0, 1, 2].into();
    assert_eq!(reused(&outcome(cut)), [true, false, false]);

    // Without room nothing is kept, and the proofs are made all the same.
    let mut tight = base.clone();
    let needs = tight_budget(&tight);
    tight.memory_bytes = needs;
    outcome(tight);
    assert!(pool.held_bytes() <= needs / 2, "{} of {needs}", pool.held_bytes());

    drop((base, pool));
    soon("the workers go on", || workers().is_empty());
}

/// The least that a job is let start with.
fn tight_budget(request: &Request) -> u64 {
    let estimator = microtome_engine::plan::Estimator::new(
        Arc::clone(&request.model.graph),
        Arc::clone(&request.skeleton),
        Arc::clone(&request.program),
    );
    let slices = estimator.slices(&request.plan);
    slices.iter().map(|slice| slice.prediction.unwrap().peak_bytes).max().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_job_of_its_own_leaves_no_process() {
    let _alone = alone();
    for system in System::ALL {
        let mut request = request(&[2], &[0, 1], "");
        request.plan.set_all_systems(system);
        assert!(outcome(request).sliced.verdict.accepted);
        soon("the workers go on", || workers().is_empty());
    }
}

fn refusal(request: Request) -> (String, Vec<usize>) {
    let job = run::start(request, || {});
    let events: Vec<Event> = job.events.iter().collect();
    assert!(!events.iter().any(|event| matches!(event, Event::Phase { .. })), "it started");
    match events.into_iter().last() {
        Some(Event::Error { reason, cuts }) => (reason, cuts),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_no_cut_helps_is_refused_with_the_operation_to_split() {
    let mut request = request(&[], &[0], "");
    assert!(tight_budget(&request) > 1 << 20);
    request.memory_bytes = 1 << 20;
    let (reason, cuts) = refusal(request);
    assert!(cuts.is_empty() && reason.contains("1 MiB are allowed"), "{reason}");
    assert!(reason.contains("split that operation"), "{reason}");
}

/// What the slices of a plan are predicted to take at most, by the command line.
fn peak_of(model: &Path, input: &Path, cut: &[&dyn AsRef<OsStr>]) -> u64 {
    let mut args: Vec<&dyn AsRef<OsStr>> = vec![&"plan", &model, &"--input", &input, &"--json"];
    args.extend(cut);
    let plan = cli(&args).succeeds().json();
    let slices = plan["slices"].as_array().unwrap().iter();
    slices.map(|slice| slice["predicted_peak_bytes"].as_u64().unwrap()).max().unwrap()
}

/// The refusal names cuts that are let start.
#[test]
fn a_slice_that_is_too_large_is_refused_with_the_cuts_that_help() {
    let folder = Folder::new();
    let bundle = folder.path("bundle");
    for (name, slices, words) in [
        ("digits-lenet", "2", "a cut before node"),
        ("digits-resnet", "5", "no single cut is enough"),
    ] {
        let model = sample(&format!("{name}/model.onnx"));
        let input = sample(&format!("{name}/input.json"));
        let balance: [&dyn AsRef<OsStr>; 6] =
            [&"--slices", &slices, &"--balance", &"prove-memory", &"--tolerance", &"0"];
        let allowed = peak_of(&model, &input, &balance);
        assert!(peak_of(&model, &input, &[&"--slices", &"1"]) > allowed);
        let memory = allowed.to_string();
        let prove: [&dyn AsRef<OsStr>; 8] =
            [&"prove", &model, &"--input", &input, &"--memory", &memory, &"-o", &bundle];
        let refused = cli(&prove);
        refused.fails(2, &["slice 0 is predicted to take", "are allowed", words]);
        let (_, cuts) = refused.stderr.split_once("--cuts ").unwrap();
        let cuts = cuts.split(')').next().unwrap().to_owned();
        assert!(peak_of(&model, &input, &[&"--cuts", &cuts]) <= allowed, "{name} --cuts {cuts}");
    }
    assert!(!bundle.exists());
}
