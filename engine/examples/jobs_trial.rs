//! Tries whether several proofs at a time, each with its share of the cores, are faster than one at
//! a time with all of them: the LeNet of the samples in five and in ten slices, by both systems.
//! The default of `--jobs` follows its output. Also measures what keys save that were kept from a
//! run before, and what keeping them takes.
//!
//! ```text
//! cargo run --release --example jobs_trial              # three rounds
//! cargo run --release --example jobs_trial -- 5 halo2   # rounds, and one system only
//! cargo run --release --example jobs_trial -- again     # the same plan twice
//! ```

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use microtome_engine::bundle::Custody;
use microtome_engine::inputs;
use microtome_engine::onnx::{Bindings, Model};
use microtome_engine::plan::{Estimator, Metric, Plan};
use microtome_engine::program::{Card, Settings, Skeleton, Source};
use microtome_engine::prove::System;
use microtome_engine::run::{self, Event, Outcome, Pool, Request, Reveal};

fn main() -> Result<(), Box<dyn Error>> {
    run::child_main_if_asked();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rounds = arguments.iter().find_map(|text| text.parse().ok()).unwrap_or(3usize);
    let systems: Vec<System> = arguments.iter().filter_map(|text| text.parse().ok()).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let base = request()?;
    if arguments.iter().any(|text| text == "again") {
        return again(&base);
    }
    println!("{cores} cores, medians of {rounds} rounds, in which both take turns");
    println!(
        "system slices | wall s: 1 at a time, {cores} at a time, ratio | prove s, summed: 1, {cores}"
    );
    for system in System::ALL {
        if !systems.is_empty() && !systems.contains(&system) {
            continue;
        }
        for slices in [5, 10] {
            let mut request = base.clone();
            request.plan = plan(&base, slices, system)?;
            request.prove = (0..request.plan.slice_count()).collect();
            let (mut walls, mut proofs) = ([vec![], vec![]], [vec![], vec![]]);
            for _ in 0..rounds {
                for (place, jobs) in [1, cores].into_iter().enumerate() {
                    let outcome =
                        prove(Request { jobs, pool: Pool::default(), ..request.clone() })?;
                    walls[place].push(outcome.wall_secs);
                    let measured = outcome.sliced.measured.iter().flatten();
                    proofs[place].push(measured.map(|measured| measured.prove_secs).sum());
                }
            }
            let [one, several] = walls.map(median);
            let [one_proof, several_proofs] = proofs.map(median);
            println!(
                "{system:>6} {slices:>6} | {one:8.3} {several:8.3} {:6.2} | {one_proof:8.3} {several_proofs:8.3}",
                one / several
            );
        }
    }
    Ok(())
}

/// Proves five slices twice, and prints what each took.
fn again(base: &Request) -> Result<(), Box<dyn Error>> {
    println!("system slice | set-up s: first, again | peak MB | check's peak MB");
    for system in System::ALL {
        let mut request = Request { pool: Pool::lasting(), ..base.clone() };
        request.plan = plan(base, 5, system)?;
        request.prove = (0..request.plan.slice_count()).collect();
        let first = prove(request.clone())?;
        let held_bytes = request.pool.held_bytes();
        let again = prove(request.clone())?;
        let pairs = first.sliced.measured.iter().zip(&again.sliced.measured);
        for (slice, (first, again)) in pairs.enumerate() {
            let (Some(first), Some(again)) = (first, again) else { continue };
            let megabytes = |bytes: u64| bytes / 1_000_000;
            println!(
                "{system:>6} {slice:>5} | {:6.3} {:6.3} | {:>5} {:>5} | {:>5} {:>5}",
                first.setup_secs,
                again.setup_secs,
                megabytes(first.peak_bytes),
                megabytes(again.peak_bytes),
                megabytes(first.verify_peak_bytes),
                megabytes(again.verify_peak_bytes),
            );
        }
        println!(
            "{system:>6}: {:.2} s, then {:.2} s; {} MB held between",
            first.wall_secs,
            again.wall_secs,
            held_bytes / 1_000_000
        );
    }
    Ok(())
}

/// The sample with its first test image, calibrated as it comes.
fn request() -> Result<Request, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/digits-lenet");
    let model = Arc::new(Model::open(&folder.join("model.onnx"), &Bindings::default())?);
    let skeleton = Arc::new(Skeleton::of(&model.graph));
    let cases = |name: &str| inputs::read(&folder.join(name), &model.graph);
    let input = cases("input.json")?.cases.swap_remove(0).tensors;
    let cases: Vec<_> = cases("calib.npz")?.cases.into_iter().map(|case| case.tensors).collect();
    let settings = Settings::DEFAULT;
    let source = Source::Data { cases: cases.len(), headroom: settings.headroom };
    let card = Card::calibrate(&model, &skeleton, &cases, settings, source)?;
    let program = Arc::new(skeleton.lower(&model.graph, &card)?);
    Ok(Request {
        plan: Plan::whole(model.graph.digest),
        model,
        skeleton,
        program,
        card,
        input,
        prove: [0].into(),
        reveal: Reveal::ENDS,
        context: String::new(),
        jobs: 1,
        memory_bytes: run::available_bytes(),
        weights: Custody::Public,
        whole_too: false,
        child_program: None,
        pool: Pool::default(),
    })
}

fn plan(request: &Request, slices: usize, system: System) -> Result<Plan, Box<dyn Error>> {
    let estimator = Estimator::new(
        Arc::clone(&request.model.graph),
        Arc::clone(&request.skeleton),
        Arc::clone(&request.program),
    );
    let mut whole = request.plan.clone();
    whole.set_all_systems(system);
    Ok(whole.balanced(&estimator, slices, Metric::ProveTime, 0.05)?)
}

fn prove(request: Request) -> Result<Outcome, Box<dyn Error>> {
    let job = run::start(request, || {});
    for event in &job.events {
        match event {
            Event::Done { outcome } if outcome.failures.is_empty() => return Ok(*outcome),
            Event::Done { outcome } => return Err(outcome.failures[0].1.clone().into()),
            Event::Error { reason, .. } => return Err(reason.into()),
            _ => {}
        }
    }
    Err("the job ended without an outcome".into())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
