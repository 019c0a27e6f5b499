//! `compare`: what proving takes, sliced and whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use microtome_engine::bundle::Custody;
use microtome_engine::plan::{Estimator, Plan};
use microtome_engine::prove::System;
use microtome_engine::report::format::{bytes, secs};
use microtome_engine::report::table::Table;
use microtome_engine::run::{Measured, Pool, Request, Reveal};
use serde::Serialize;

use crate::args::{CardArgs, EffortArgs, InputArgs, ModelArgs};
use crate::bits::ChosenBits;
use crate::opened::{Opened, Quantised};
use crate::output;
use crate::proving::{self, ProofJson};
use crate::{End, chart};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    input: InputArgs,
    /// Where to cut, as `plan -o` writes it
    #[arg(long, value_name = "PLAN")]
    plan: PathBuf,
    /// The proof system of all slices, instead of the plan's; of several, each is measured on the
    /// same slices
    #[arg(long = "system", value_name = "SYSTEMS", value_delimiter = ',')]
    systems: Vec<System>,
    #[command(flatten)]
    card: CardArgs,
    #[command(flatten)]
    effort: EffortArgs,
    /// Draws the comparison into a file, .svg or .png, or writes its numbers, .csv: slices against
    /// the whole, or the systems against each other where there are several
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
    /// Writes the report of the (first system's) run as one HTML page
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

/// The first system's comparison; where there are several, each one's under its name.
#[derive(Serialize)]
struct CompareJson {
    #[serde(flatten)]
    first: ComparisonJson,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    systems: BTreeMap<System, ComparisonJson>,
    #[serde(flatten)]
    bits: ChosenBits,
}

#[derive(Clone, Serialize)]
struct ComparisonJson {
    monolithic: ProofJson,
    sliced: ProofJson,
    /// The slices one after the other.
    sum: Measured,
    /// The slices at the same time, on as many machines.
    slowest: Measured,
    reductions: Reductions,
}

/// Monolithic over sliced: above 1, slicing takes less.
#[derive(Clone, Serialize)]
struct Reductions {
    /// Proving, by the slices' sum.
    prove_secs: f64,
    /// Proving, by the slowest slice.
    prove_secs_slowest: f64,
    /// Proving with the linking that slicing brings.
    prove_secs_with_linking: f64,
    /// Verifying, by the slices' sum.
    verify_secs: f64,
    /// Making parameters and keys, by the slices' sum.
    setup_secs: f64,
    /// The most memory.
    peak_bytes: f64,
    /// The most memory of a verifier.
    verify_peak_bytes: f64,
    /// All proofs.
    proof_bytes: f64,
}

pub fn main(args: &Args) -> Result<End> {
    if let Some(path) = &args.chart {
        chart::check(path)?;
    }
    let opened = Opened::open_planned(&args.model, Some(&args.plan))?;
    let input = opened.input(&args.input)?;
    let first_plan = opened.plan(Some(&args.plan), args.systems.first().copied())?;
    let quantised = opened.calibrate(&args.card, Some(&input), &first_plan)?;
    let choices: Vec<Option<System>> = match args.systems.as_slice() {
        [] => vec![None],
        systems => systems.iter().copied().map(Some).collect(),
    };
    let mut found = Vec::new();
    for system in choices {
        let plan = opened.plan(Some(&args.plan), system)?;
        let chart = args.chart.as_deref().filter(|_| args.systems.len() < 2);
        match comparison(args, &opened, &quantised, &input.tensors, plan, chart, found.is_empty())?
        {
            Some(comparison) => found.push((system, comparison)),
            None => return Ok(End::Failure),
        }
    }
    if let (Some(path), true) = (&args.chart, found.len() > 1) {
        let measured: Vec<_> = found
            .iter()
            .filter_map(|(system, comparison)| Some(((*system)?, measured(comparison))))
            .collect();
        chart::write_systems(path, &opened.model.graph.name, &measured)?;
    }
    let text = describe_all(&found);
    let systems = match found.as_slice() {
        [_] => BTreeMap::new(),
        several => several.iter().filter_map(|(s, c)| Some(((*s)?, c.clone()))).collect(),
    };
    let (_, first) = found.swap_remove(0);
    if args.json {
        output::json(&CompareJson { first, systems, bits: quantised.bits })?
    } else {
        output::text(&text)?
    }
    Ok(End::Success)
}

/// Seconds to prove each slice, and the whole.
fn measured(comparison: &ComparisonJson) -> Vec<f64> {
    let ComparisonJson { sliced, monolithic, .. } = comparison;
    let all = sliced.slices.iter().chain(&monolithic.slices);
    all.map(|slice| slice.measured.prove_secs).collect()
}

/// Proves a plan, and the whole as one slice; none where one of them could not be proven.
fn comparison(
    args: &Args,
    opened: &Opened,
    quantised: &Quantised,
    input: &[Vec<f32>],
    plan: Plan,
    chart: Option<&Path>,
    is_first: bool,
) -> Result<Option<ComparisonJson>> {
    let estimator = Estimator::new(
        Arc::clone(&opened.model.graph),
        Arc::clone(&opened.skeleton),
        Arc::clone(&quantised.program),
    );
    let estimates = estimator.slices(&plan);
    let whole_estimate = estimator.whole(plan.system(0));
    let outcome = proving::run_job(Request {
        model: Arc::clone(&opened.model),
        skeleton: Arc::clone(&opened.skeleton),
        program: Arc::clone(&quantised.program),
        card: quantised.card.clone(),
        prove: (0..plan.slice_count()).collect(),
        plan: plan.clone(),
        input: input.to_vec(),
        reveal: Reveal::ENDS,
        context: String::new(),
        jobs: args.effort.jobs.unwrap_or(1),
        memory_bytes: args.effort.memory_bytes(),
        weights: Custody::Public,
        whole_too: true,
        child_program: None,
        pool: Pool::default(),
    })?;
    let slices: Option<Vec<Measured>> = outcome.sliced.measured.iter().copied().collect();
    let (Some(slices), Some(whole)) = (slices, &outcome.whole) else {
        proving::complain(&outcome);
        return Ok(None);
    };
    if let Some(path) = args.report.as_ref().filter(|_| is_first) {
        proving::write_report(path, opened, Arc::clone(&quantised.program), &plan, &outcome)?;
    }
    let monolithic = proving::proof_json(whole, &outcome);
    let sliced = proving::proof_json(&outcome.sliced, &outcome);
    let whole = monolithic.slices[0].measured;
    if let Some(path) = chart {
        let name = &opened.model.graph.name;
        let estimates = estimates.iter().map(AsRef::as_ref);
        let pieces: Vec<chart::Piece<'_>> = slices.iter().zip(estimates).collect();
        let linking_secs = sliced.linking_secs;
        chart::write(path, name, &pieces, (&whole, &whole_estimate), linking_secs)?;
    }
    let (sum, slowest) = (sum(&slices), slowest(&slices));
    let reductions = reductions(&whole, &sum, &slowest, sliced.linking_secs);
    Ok(Some(ComparisonJson { monolithic, sliced, sum, slowest, reductions }))
}

/// Each comparison, and the systems beside each other where there are several.
fn describe_all(found: &[(Option<System>, ComparisonJson)]) -> String {
    if let [(_, only)] = found {
        return describe(only);
    }
    let mut table = Table::new(["system", "slices", "prove", "verify", "set-up", "peak", "proofs"]);
    let mut text = String::new();
    for (system, comparison) in found {
        let name = system.map(|system| system.to_string()).unwrap_or_default();
        let whole = &comparison.monolithic.slices[0].measured;
        let count = comparison.sliced.slices.len().to_string();
        for (slices, measured) in [("1".to_owned(), whole), (count, &comparison.sum)] {
            table.push([
                name.clone(),
                slices,
                secs(measured.prove_secs),
                secs(measured.verify_secs),
                secs(measured.setup_secs),
                bytes(measured.peak_bytes),
                bytes(measured.proof_bytes),
            ]);
        }
        text.push_str(&format!("{name}\n\n{}\n", describe(comparison)));
    }
    text.push_str(&table.to_text());
    for (system, _) in found {
        if let Some(system) = system {
            text.push_str(&format!("{system}: {}\n", system.promise()));
        }
    }
    text
}

/// One slice after the other: seconds and proofs add up, memory is that of the largest.
fn sum(slices: &[Measured]) -> Measured {
    slices.iter().fold(Measured::default(), |sum, slice| Measured {
        witness_secs: sum.witness_secs + slice.witness_secs,
        setup_secs: sum.setup_secs + slice.setup_secs,
        prove_secs: sum.prove_secs + slice.prove_secs,
        verify_secs: sum.verify_secs + slice.verify_secs,
        peak_bytes: sum.peak_bytes.max(slice.peak_bytes),
        verify_peak_bytes: sum.verify_peak_bytes.max(slice.verify_peak_bytes),
        proof_bytes: sum.proof_bytes + slice.proof_bytes,
        keys_reused: sum.keys_reused || slice.keys_reused,
    })
}

/// All slices at the same time: what the longest takes, for each measure by itself.
fn slowest(slices: &[Measured]) -> Measured {
    slices.iter().fold(Measured::default(), |most, slice| Measured {
        witness_secs: most.witness_secs.max(slice.witness_secs),
        setup_secs: most.setup_secs.max(slice.setup_secs),
        prove_secs: most.prove_secs.max(slice.prove_secs),
        verify_secs: most.verify_secs.max(slice.verify_secs),
        peak_bytes: most.peak_bytes.max(slice.peak_bytes),
        verify_peak_bytes: most.verify_peak_bytes.max(slice.verify_peak_bytes),
        proof_bytes: most.proof_bytes.max(slice.proof_bytes),
        keys_reused: most.keys_reused || slice.keys_reused,
    })
}

fn reductions(whole: &Measured, sum: &Measured, slowest: &Measured, linking: f64) -> Reductions {
    let ratio = |whole: f64, sliced: f64| if sliced > 0.0 { whole / sliced } else { 0.0 };
    let sizes = |whole: u64, sliced: u64| ratio(whole as f64, sliced as f64);
    Reductions {
        prove_secs: ratio(whole.prove_secs, sum.prove_secs),
        prove_secs_slowest: ratio(whole.prove_secs, slowest.prove_secs),
        prove_secs_with_linking: ratio(whole.prove_secs, sum.prove_secs + linking),
        verify_secs: ratio(whole.verify_secs, sum.verify_secs),
        setup_secs: ratio(whole.setup_secs, sum.setup_secs),
        peak_bytes: sizes(whole.peak_bytes, sum.peak_bytes),
        verify_peak_bytes: sizes(whole.verify_peak_bytes, sum.verify_peak_bytes),
        proof_bytes: sizes(whole.proof_bytes, sum.proof_bytes),
    }
}

fn describe(result: &ComparisonJson) -> String {
    let mut table =
        Table::new(["", "monolithic", "slices, sum", "slowest slice", "sum is smaller by"]);
    let whole = &result.monolithic.slices[0].measured;
    let (sum, slowest) = (&result.sum, &result.slowest);
    let times = |reduction: f64| format!("{reduction:.2}×");
    let reductions = &result.reductions;
    let mut time = |name: &str, of: fn(&Measured) -> f64, reduction: f64| {
        let cells = [secs(of(whole)), secs(of(sum)), secs(of(slowest)), times(reduction)];
        table.push([name.to_owned()].into_iter().chain(cells));
    };
    time("prove", |m| m.prove_secs, reductions.prove_secs);
    time("verify", |m| m.verify_secs, reductions.verify_secs);
    time("set-up", |m| m.setup_secs, reductions.setup_secs);
    let mut size = |name: &str, of: fn(&Measured) -> u64, reduction: f64| {
        let cells = [bytes(of(whole)), bytes(of(sum)), bytes(of(slowest)), times(reduction)];
        table.push([name.to_owned()].into_iter().chain(cells));
    };
    size("peak memory", |m| m.peak_bytes, reductions.peak_bytes);
    size("verifier's peak", |m| m.verify_peak_bytes, reductions.verify_peak_bytes);
    size("proofs", |m| m.proof_bytes, reductions.proof_bytes);
    format!(
        "{}\nlinking the slices took {}; the slices:\n\n{}",
        table.to_text(),
        secs(result.sliced.linking_secs),
        proving::table(&result.sliced.slices)
    )
}
