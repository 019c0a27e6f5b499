//! `plan`: where to cut, and what that is predicted to cost.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use microtome_engine::cost::Totals;
use microtome_engine::files::{self, Access};
use microtome_engine::graph::Splits;
use microtome_engine::inputs::Case;
use microtome_engine::plan::{Estimator, Metric, Plan, SliceEstimate};
use microtome_engine::program::Source;
use microtome_engine::prove::{Shape, System};
use microtome_engine::report::format::{bytes, grouped, secs};
use microtome_engine::report::table::Table;
use microtome_engine::split::{self, Wanted};
use serde::Serialize;
use serde_json::Value;

use crate::End;
use crate::args::{self, CardArgs, ModelArgs};
use crate::bits::ChosenBits;
use crate::opened::{Opened, Quantised};
use crate::output;

/// Bytes that a plan file may have.
const MOST_PLAN_BYTES: u64 = 64 << 20;

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("how").required(true).args(["slices", "cuts", "budget"])))]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Cuts the model into this many slices, balanced
    #[arg(long, value_name = "N")]
    slices: Option<usize>,
    /// Cuts before these nodes
    #[arg(long, value_name = "3,7", value_delimiter = ',')]
    cuts: Option<Vec<usize>>,
    /// The fewest slices that each prove within this much memory
    #[arg(long, value_name = "2GiB", value_parser = args::bytes)]
    budget: Option<u64>,
    /// What is balanced: flops, params, activations, prove-time, prove-memory
    #[arg(long, value_name = "METRIC", default_value_t = Metric::default())]
    balance: Metric,
    /// How much of the balance may be traded for fewer bytes that cross
    #[arg(long, value_name = "PART", default_value_t = 0.05)]
    tolerance: f64,
    /// The proof system of all slices: halo2 (zero knowledge, proofs below 10 KB) or whir (fast and
    /// hash-based; the boundaries of slices become public)
    #[arg(long, value_name = "SYSTEM")]
    system: Option<System>,
    #[command(flatten)]
    card: CardArgs,
    /// An input to calibrate with, for exact circuits; without it and --calib, ranges are
    /// estimated from the weights
    #[arg(long, value_name = "IN")]
    input: Option<PathBuf>,
    /// Where to write the plan
    #[arg(short, long, value_name = "PLAN")]
    output: Option<PathBuf>,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

/// The plan with its estimates, as file and as JSON output.
#[derive(Serialize)]
struct PlanJson<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    /// What the scales behind the estimates come from.
    calibration: &'a Source,
    #[serde(flatten)]
    bits: &'a ChosenBits,
    slices: Vec<SliceJson>,
    monolithic: SliceJson,
}

#[derive(Serialize)]
struct SliceJson {
    index: usize,
    nodes: Vec<String>,
    #[serde(flatten)]
    totals: Totals,
    in_bytes: u64,
    out_bytes: u64,
    system: System,
    k: Option<u32>,
    rows: Option<usize>,
    cells: Option<usize>,
    lookups: Option<usize>,
    predicted_prove_secs: Option<f64>,
    predicted_setup_secs: Option<f64>,
    predicted_verify_secs: Option<f64>,
    predicted_peak_bytes: Option<u64>,
    predicted_proof_bytes: Option<u64>,
    /// Why it can't be proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    obstacle: Option<String>,
}

/// Keys of a plan file that are estimates, and no part of the plan.
const ESTIMATES: [&str; 7] =
    ["calibration", "slices", "monolithic", "act_bits", "weight_bits", "target_met", "bits_reason"];

/// Reads the plan of a file that `plan -o` wrote, or that somebody wrote with `model` and `cuts`.
pub fn read_file(path: &Path) -> Result<Plan> {
    let bytes = files::read(path, MOST_PLAN_BYTES, "a plan")?;
    let what = || format!("{} is no plan", path.display());
    let mut value: Value = serde_json::from_slice(&bytes).with_context(what)?;
    if let Some(object) = value.as_object_mut() {
        for key in ESTIMATES {
            object.remove(key);
        }
    }
    serde_json::from_value(value).with_context(what)
}

pub fn main(args: &Args) -> Result<End> {
    let mut opened = Opened::open(&args.model)?;
    let input = match &args.input {
        None => None,
        Some(path) => Some(opened.case(path, 0)?),
    };
    let usual = || ChosenBits::given(&args.card);
    let mut quantised = opened.calibrate_with(&args.card, input.as_ref(), usual())?;
    if args.model.splits.is_empty()
        && let Some(budget) = args.budget
        && whole(args, &opened).within_budget(&opened.estimator(&quantised), budget).is_err()
        && let Some(splits) = fitting_splits(&opened, args, input.as_ref(), budget)?
    {
        opened = Opened::of(split::split(&opened.model, &splits)?);
        quantised = opened.calibrate_with(&args.card, input.as_ref(), usual())?;
    }
    let (mut estimator, mut plan) = cut(args, &opened, &quantised)?;
    if args.card.is_auto() {
        // Bits are chosen by what the slices cost, and the slices are made by what they cost: the
        // plan of the usual bits decides on the bits, and is made anew with these.
        quantised = opened.calibrate(&args.card, input.as_ref(), &plan)?;
        (estimator, plan) = cut(args, &opened, &quantised)?;
    }
    let slices = estimator.slices(&plan);
    let result = PlanJson {
        plan: &plan,
        calibration: &quantised.card.source,
        bits: &quantised.bits,
        slices: (0..).zip(&slices).map(|(i, slice)| slice_json(i, slice, &estimator)).collect(),
        monolithic: slice_json(0, &estimator.whole(plan.system(0)), &estimator),
    };
    if let Some(path) = &args.output {
        let text = serde_json::to_vec_pretty(&result)?;
        files::write(path, &text, Access::Usual)?;
    }
    if args.json {
        output::json(&result)?
    } else {
        output::text(&describe(&result))?
    }
    Ok(End::Success)
}

/// The model as one slice. Balance and budget go by what slices cost with their system.
fn whole(args: &Args, opened: &Opened) -> Plan {
    let mut whole = Plan::of(&opened.model.graph);
    whole.set_all_systems(args.system.unwrap_or_default());
    whole
}

/// Cuts the model as is asked for.
fn cut(args: &Args, opened: &Opened, quantised: &Quantised) -> Result<(Estimator, Plan)> {
    let graph = &opened.model.graph;
    let estimator = opened.estimator(quantised);
    let whole = whole(args, opened);
    let mut plan = match (args.slices, &args.cuts, args.budget) {
        (Some(slices), _, _) => whole.balanced(&estimator, slices, args.balance, args.tolerance)?,
        (_, Some(cuts), _) => Plan::cut(graph, &opened.skeleton, cuts)?,
        (_, _, Some(budget)) => whole.within_budget(&estimator, budget)?,
        (None, None, None) => whole,
    };
    if let Some(system) = args.system {
        plan.set_all_systems(system);
    }
    Ok((estimator, plan))
}

/// The splits with which every node fits the budget, where there are some.
fn fitting_splits(
    opened: &Opened,
    args: &Args,
    input: Option<&Case>,
    budget: u64,
) -> Result<Option<Splits>> {
    let system = args.system.unwrap_or_default();
    split::fitting(&opened.model, &Wanted { budget, system, node: None }, |model| {
        let tiles = Opened::of(model.clone());
        let bits = ChosenBits::given(&args.card);
        let quantised = tiles.calibrate_with(&args.card, input, bits)?;
        Ok(tiles.estimator(&quantised))
    })
}

fn slice_json(index: usize, slice: &SliceEstimate, estimator: &Estimator) -> SliceJson {
    let (halo2, whir) = match &slice.circuit {
        Some(Shape::Halo2(shape)) => (Some(shape), None),
        Some(Shape::Whir(shape)) => (None, Some(shape)),
        None => (None, None),
    };
    let prediction = slice.prediction.as_ref();
    SliceJson {
        index,
        nodes: slice.nodes.iter().map(|&node| estimator.node_name(node)).collect(),
        totals: slice.totals,
        in_bytes: slice.in_bytes,
        out_bytes: slice.out_bytes,
        system: slice.system,
        k: halo2.map(|shape| shape.k),
        rows: halo2.map(|shape| shape.rows.max()),
        cells: whir.map(|shape| shape.cells),
        lookups: whir.map(|shape| shape.lookups),
        predicted_prove_secs: prediction.map(|p| p.prove_secs),
        predicted_setup_secs: prediction.map(|p| p.setup_secs),
        predicted_verify_secs: prediction.map(|p| p.verify_secs),
        predicted_peak_bytes: prediction.map(|p| p.peak_bytes),
        predicted_proof_bytes: prediction.map(|p| p.proof_bytes),
        obstacle: slice.obstacle.clone(),
    }
}

/// Rows and k of a circuit; committed elements and look-ups of a sumcheck proof.
fn size(slice: &SliceJson) -> Option<String> {
    let count = |n: usize| grouped(n as u64);
    match (slice.k, slice.rows, slice.cells, slice.lookups) {
        (Some(k), Some(rows), ..) => Some(format!("{} rows, k = {k}", count(rows))),
        (_, _, Some(cells), Some(lookups)) => {
            Some(format!("{} elements, {} look-ups", count(cells), count(lookups)))
        }
        _ => None,
    }
}

fn describe(result: &PlanJson<'_>) -> String {
    let mut table = Table::new([
        "slice",
        "nodes",
        "MACs",
        "parameters",
        "in",
        "out",
        "system",
        "size",
        "prove",
        "peak",
        "proof",
    ]);
    let row = |name: String, slice: &SliceJson| {
        let nodes = match &slice.nodes[..] {
            [] => String::new(),
            [only] => only.clone(),
            [first, .., last] => format!("{first} … {last}"),
        };
        let mut row = vec![name, nodes, grouped(slice.totals.macs), grouped(slice.totals.params)];
        row.extend([bytes(slice.in_bytes), bytes(slice.out_bytes)]);
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
        row.extend([
            slice.system.to_string(),
            or_none(size(slice)),
            or_none(slice.predicted_prove_secs.map(secs)),
            or_none(slice.predicted_peak_bytes.map(bytes)),
            or_none(slice.predicted_proof_bytes.map(bytes)),
        ]);
        row
    };
    for slice in &result.slices {
        table.push(row(slice.index.to_string(), slice));
    }
    table.push(row("whole".to_owned(), &result.monolithic));
    let mut text = format!("{}\ncuts {:?}\n", table.to_text(), result.plan.cuts());
    if !result.plan.splits.is_empty() {
        text.push_str(&format!("split {}\n", result.plan.splits));
    }
    for slice in &result.slices {
        if let Some(obstacle) = &slice.obstacle {
            text.push_str(&format!("slice {} can't be proven: {obstacle}\n", slice.index));
        }
    }
    if *result.calibration == Source::Nominal {
        text.push_str(
            "Ranges are estimated from the weights; --calib or --input give the exact circuits.\n",
        );
    }
    text
}
