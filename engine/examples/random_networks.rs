//! Takes many random networks through import, program, both executions, both proof systems and
//! verification.
//!
//! ```text
//! cargo run --release --example random_networks -- --count 200 [--seed N] [--jobs N]
//! ```
//!
//! The exit code is 1 where a promise isn't kept. A network that fails is written to
//! `target/random-networks`, with as few nodes as still show it.

#[path = "../tests/random/mod.rs"]
mod random;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use microtome_engine::program::operators::OPERATORS;
use random::draft::Profile;
use random::hunt::{Failure, Found, Proofs, Summary, folder, record, shrink, try_seed};
use random::network::Seed;

/// Random networks through all of the engine.
#[derive(Parser)]
struct Args {
    /// How many networks.
    #[arg(long, default_value_t = 200)]
    count: u64,
    /// The first seed; the others follow it.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many networks at a time.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Leave the proofs out.
    #[arg(long)]
    no_proofs: bool,
    /// Larger and stranger networks; without proofs only.
    #[arg(long, requires = "no_proofs")]
    extreme: bool,
    /// Draws of nodes at most, to see a smaller failure again.
    #[arg(long, default_value_t = 10)]
    nodes: usize,
    /// Keep only what the last node needs, to see a smaller failure again.
    #[arg(long)]
    only_last: bool,
    /// Write every network to this folder.
    #[arg(long)]
    write: Option<std::path::PathBuf>,
}

fn main() -> ExitCode {
    microtome_engine::run::child_main_if_asked();
    let args = Args::parse();
    // A panic is a failure with its place; the default message would tear the progress line.
    std::panic::set_hook(Box::new(|panic| eprintln!("\n{panic}")));
    let start = Instant::now();
    let (summary, failures) = hunt(&args, &start);
    report(&summary, &start);
    for failure in &failures {
        println!("FAILED {failure}");
    }
    println!("{} of {} networks failed", failures.len(), args.count);
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn hunt(args: &Args, start: &Instant) -> (Summary, Vec<String>) {
    let profile = if args.extreme { Profile::Extreme } else { Profile::Small };
    let proofs = if args.no_proofs { Proofs::None } else { Proofs::By(None) };
    let next = AtomicU64::new(args.seed);
    let results = Mutex::new((Summary::default(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..args.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number - args.seed >= args.count {
                        break;
                    }
                    let mut seed = Seed::new(number, profile);
                    (seed.most_nodes, seed.only_last) = (args.nodes, args.only_last);
                    write(args, seed);
                    let found = try_seed(seed, proofs);
                    take(found, proofs, &results, args, start);
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn write(args: &Args, seed: Seed) {
    let Some(folder) = &args.write else { return };
    let path = folder.join(format!("{}.onnx", seed.number));
    let bytes = random::network::Network::of(seed).bytes;
    if let Err(error) = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, bytes)) {
        eprintln!("network {} could not be written: {error}", seed.number);
    }
}

fn take(
    found: Result<Found, Failure>,
    proofs: Proofs<'_>,
    results: &Mutex<(Summary, Vec<String>)>,
    args: &Args,
    start: &Instant,
) {
    let found = found.map_err(|failure| record(&shrink(failure, proofs), proofs, &folder()));
    let mut results = results.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (summary, failures) = &mut *results;
    match found {
        Ok(found) => summary.add(found),
        Err(failure) => {
            eprintln!("\nFAILED {failure}");
            failures.push(failure);
        }
    }
    let (done, secs) = (summary.networks + failures.len(), start.elapsed().as_secs_f64());
    let line = format!(
        "{done} of {} networks, {} proofs, {} failed, {secs:.0} s",
        args.count,
        summary.proofs,
        failures.len()
    );
    if std::io::stderr().is_terminal() {
        eprint!("\r{line} ");
    } else if done.is_multiple_of(20) {
        eprintln!("{line}");
    }
}

fn report(summary: &Summary, start: &Instant) {
    let covered = OPERATORS.iter().filter(|o| summary.operators.contains_key(o.name)).count();
    println!(
        "\n{} networks in {:.0} s: {} refused as a whole, {} with nodes that can't be proven",
        summary.networks,
        start.elapsed().as_secs_f64(),
        summary.refused,
        summary.with_obstacles
    );
    println!("operators: {covered} of {}", OPERATORS.len());
    let missing: Vec<&str> = OPERATORS
        .iter()
        .map(|operator| operator.name)
        .filter(|name| !summary.operators.contains_key(*name))
        .collect();
    if !missing.is_empty() {
        println!("  not drawn: {}", missing.join(" "));
    }
    println!(
        "bundles: {} with {} proofs, {} of them proven in part",
        summary.bundles, summary.proofs, summary.partial
    );
    println!("halo2 circuits by k: {:?}", summary.ks);
    println!("changes refused: {:?}", summary.changes);
    println!(
        "bound of the fixed-point run, median: {:.1}% of an output's range",
        100.0 * summary.median_looseness()
    );
    for (reason, count) in &summary.reasons {
        println!("  {count}× {reason}");
    }
}
