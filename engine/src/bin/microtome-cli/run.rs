//! `run`: fixed point beside floating point.

use std::path::PathBuf;

use anyhow::Result;
use microtome_engine::bundle::{Layout, Outline};
use microtome_engine::onnx::FloatTrace;
use microtome_engine::program::{Fidelity, Program, Trace};
use microtome_engine::prove::System;
use microtome_engine::report::table::Table;
use serde::Serialize;

use crate::End;
use crate::args::{CardArgs, InputArgs, ModelArgs};
use crate::bits::{self, ChosenBits, Files};
use crate::opened::Opened;
use crate::output;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    input: InputArgs,
    /// Where to cut, as `plan -o` writes it; without it, the model is one slice
    #[arg(long, value_name = "PLAN")]
    plan: Option<PathBuf>,
    #[command(flatten)]
    card: CardArgs,
    /// Tries every setting of bits instead of running one: error against predicted cost, and the
    /// cheapest setting that keeps the targets
    #[arg(long)]
    sweep_bits: bool,
    /// The proof system whose cost the sweep shows, instead of the plan's
    #[arg(long, value_name = "SYSTEM", requires = "sweep_bits")]
    system: Option<System>,
    /// Draws the sweep into a file, .svg or .png, or writes its numbers, .csv
    #[arg(long, value_name = "FILE", requires = "sweep_bits")]
    chart: Option<PathBuf>,
    /// Writes the numbers of the sweep
    #[arg(long, value_name = "FILE.csv", requires = "sweep_bits")]
    csv: Option<PathBuf>,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct RunJson {
    output: Option<Vec<Vec<f32>>>,
    float_output: Vec<Vec<f32>>,
    #[serde(flatten)]
    fidelity: Option<Fidelity>,
    label: Option<i64>,
    program: String,
    #[serde(flatten)]
    bits: ChosenBits,
    slices: Vec<SliceError>,
}

/// How far the tensors that a slice answers with are from the float run.
#[derive(Serialize)]
struct SliceError {
    index: usize,
    mean_absolute_error: Option<f64>,
    max_absolute_error: Option<f64>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    obstacle: Option<String>,
}

pub fn main(args: &Args) -> Result<End> {
    let opened = Opened::open_planned(&args.model, args.plan.as_deref())?;
    let input = opened.input(&args.input)?;
    let plan = opened.plan(args.plan.as_deref(), args.system)?;
    if args.sweep_bits {
        let files = Files { chart: args.chart.as_deref(), csv: args.csv.as_deref() };
        return bits::sweep(&opened, &args.card, &input, &plan, &files, args.json);
    }
    let quantised = opened.calibrate(&args.card, Some(&input), &plan)?;
    let program = &quantised.program;
    let graph = &opened.model.graph;
    let layout = Outline::of(graph, &opened.skeleton)
        .and_then(|outline| Layout::new(&outline, program, plan.cuts()))
        .map_err(|reason| anyhow::anyhow!("the plan doesn't fit the model: {reason}"))?;

    let float = opened.model.float_run(&input.tensors)?;
    let quantised_input = layout.quantise(program, &input.tensors).map_err(anyhow::Error::msg)?;
    let trace = program.run_slice(&program.slice(0..program.ops.len()), quantised_input)?;
    let output = layout.real_outputs(program, &trace);
    let float_output: Vec<Vec<f32>> =
        graph.outputs.iter().map(|id| float.get(id).cloned().unwrap_or_default()).collect();
    let fidelity =
        output.as_ref().map(|output| Fidelity::of(&output.concat(), &float_output.concat()));
    let result = RunJson {
        slices: slice_errors(&opened, &layout, program, &trace, &float),
        output,
        float_output,
        fidelity,
        label: input.label,
        program: program.digest().to_string(),
        bits: quantised.bits.clone(),
    };
    if args.json {
        output::json(&result)?
    } else {
        output::text(&describe(&result))?
    }
    Ok(End::Success)
}

fn slice_errors(
    opened: &Opened,
    layout: &Layout,
    program: &Program,
    trace: &Trace,
    float: &FloatTrace,
) -> Vec<SliceError> {
    let error = |(index, slice): (usize, &microtome_engine::bundle::SliceLayout)| {
        let (mut fixed, mut exact) = (Vec::new(), Vec::new());
        for id in &slice.program.outputs {
            let tensor = opened.skeleton.values[id.index()].tensor;
            let floats = tensor.and_then(|tensor| float.get(&tensor));
            if let (Some(elements), Some(floats)) = (trace.get(id), floats) {
                fixed.extend(program.dequantise(*id, elements));
                exact.extend_from_slice(floats);
            }
        }
        let known = !fixed.is_empty() && fixed.len() == exact.len();
        let fidelity = known.then(|| Fidelity::of(&fixed, &exact));
        SliceError {
            index,
            mean_absolute_error: fidelity.map(|f| f.mean_absolute_error),
            max_absolute_error: fidelity.map(|f| f.max_absolute_error),
            obstacle: slice.obstacle.clone(),
        }
    };
    layout.slices.iter().enumerate().map(error).collect()
}

fn describe(result: &RunJson) -> String {
    let mut table = Table::new(["slice", "mean error", "greatest error"]);
    for slice in &result.slices {
        let number = |n: Option<f64>| n.map_or("–".to_owned(), |n| format!("{n:.6}"));
        table.push([
            slice.index.to_string(),
            number(slice.mean_absolute_error),
            number(slice.max_absolute_error),
        ]);
    }
    let mut text = table.to_text();
    let mut line = |name: &str, value: String| text.push_str(&format!("{name:<9}{value}\n"));
    if let Some(output) = &result.output {
        line("fixed", output::tensors(output));
    }
    line("float", output::tensors(&result.float_output));
    if let Some(label) = result.label {
        line("label", label.to_string());
    }
    if let Some(fidelity) = &result.fidelity {
        line("D1", format!("{:.6}", fidelity.d1));
        line("TVD", format!("{:.6}", fidelity.tvd));
        line("arg-max", if fidelity.argmax_agrees { "agrees" } else { "differs" }.to_owned());
    }
    text
}
