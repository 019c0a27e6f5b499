//! Bits that are chosen for a target, and `run --sweep-bits`.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use microtome_engine::bits::{Bits, Cases, Choice, Grid, Question, Sweep, Target};
use microtome_engine::files::{self, Access};
use microtome_engine::inputs::Case;
use microtome_engine::plan::Plan;
use microtome_engine::report::charts::{BitsData, Chart};
use microtome_engine::report::format;
use microtome_engine::report::table::Table;
use serde::Serialize;

use crate::args::CardArgs;
use crate::opened::Opened;
use crate::{End, chart, output};

/// Characters of the longest bar of the curve.
const BAR: f64 = 32.0;

/// The bits of a program, and why they are so where they were chosen.
#[derive(Clone, Debug, Serialize)]
pub struct ChosenBits {
    #[serde(flatten)]
    pub bits: Bits,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_met: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bits_reason: Option<String>,
}

impl ChosenBits {
    /// Bits as they are given, or as usual.
    pub fn given(args: &CardArgs) -> Self {
        Self { bits: args.given_bits(), target_met: None, bits_reason: None }
    }
}

/// The bits as given; where they are to be chosen, the cheapest that keep the target, said with
/// the reason on stderr.
pub fn chosen(
    opened: &Opened,
    args: &CardArgs,
    input: Option<&Case>,
    plan: &Plan,
) -> Result<ChosenBits> {
    if !args.is_auto() {
        return Ok(ChosenBits::given(args));
    }
    let sweep = swept(opened, args, input, plan, args.grid_to_choose_from())?;
    let choice = choice(&sweep, &args.target())?;
    let word = if choice.target_met { "bits" } else { "warning" };
    eprintln!("{word}: {}", choice.reason);
    Ok(ChosenBits {
        bits: choice.bits,
        target_met: Some(choice.target_met),
        bits_reason: Some(choice.reason),
    })
}

/// What `run --sweep-bits` is asked for beside the usual.
pub struct Files<'a> {
    pub chart: Option<&'a Path>,
    pub csv: Option<&'a Path>,
}

#[derive(Serialize)]
struct SweepJson<'a> {
    #[serde(flatten)]
    sweep: &'a Sweep,
    /// Indices of points: the least error for each cost.
    frontier: Vec<usize>,
    target: Target,
    #[serde(flatten)]
    choice: &'a Choice,
}

/// Tries every setting of bits, and shows what each does and costs.
pub fn sweep(
    opened: &Opened,
    args: &CardArgs,
    input: &Case,
    plan: &Plan,
    files: &Files<'_>,
    json: bool,
) -> Result<End> {
    if let Some(path) = files.chart {
        chart::check(path)?;
    }
    let sweep = swept(opened, args, Some(input), plan, args.grid_to_sweep())?;
    let target = args.target();
    let choice = choice(&sweep, &target)?;
    let chart = Chart::Bits(BitsData {
        subtitle: format!("{}, {}", opened.model.graph.name, sweep.evidence.text()),
        points: sweep.points.clone(),
        target_d1: target.d1,
        chosen: Some(choice.bits),
        current: None,
    });
    if let Some(path) = files.chart {
        chart::write_chart(path, &chart)?;
    }
    if let Some(path) = files.csv {
        files::write(path, chart.table().to_csv().as_bytes(), Access::Usual)?;
    }
    if json {
        let frontier = sweep.frontier();
        output::json(&SweepJson { sweep: &sweep, frontier, target, choice: &choice })?;
    } else {
        output::text(&describe(&sweep, &choice))?;
    }
    Ok(End::Success)
}

/// Tries the settings of a grid, with a progress bar on a terminal.
fn swept(
    opened: &Opened,
    args: &CardArgs,
    input: Option<&Case>,
    plan: &Plan,
    grid: Grid,
) -> Result<Sweep> {
    let cases = match (&args.calib, input) {
        (Some(path), _) => Cases::data(opened.calibration_cases(path)?),
        (None, Some(input)) => Cases::proven_input(input.tensors.clone()),
        (None, None) => bail!(
            "bits are chosen by what they do to the answers: give inputs to run (--calib FILE, or \
             --input IN)"
        ),
    };
    let question = Question {
        model: Arc::clone(&opened.model),
        skeleton: Arc::clone(&opened.skeleton),
        plan: plan.clone(),
        cases,
        grid,
    };
    let bar = OnceLock::new();
    let is_seen = std::io::stderr().is_terminal();
    let progress = |done: usize, all: usize| {
        let bar = bar.get_or_init(|| new_bar(all, is_seen));
        bar.set_position(done as u64);
    };
    let found = question.sweep(&AtomicBool::new(false), &progress);
    if let Some(bar) = bar.get() {
        bar.finish_and_clear();
    }
    Ok(found?)
}

fn new_bar(all: usize, is_seen: bool) -> ProgressBar {
    let bar = if is_seen { ProgressBar::new(all as u64) } else { ProgressBar::hidden() };
    let template = "[{elapsed}] {bar:24} {pos}/{len} bits are tried";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

fn choice(sweep: &Sweep, target: &Target) -> Result<Choice> {
    sweep.choose(target).with_context(|| {
        let problem = sweep.points.iter().find_map(|point| point.problem.clone());
        let problem = problem.map_or_else(String::new, |problem| format!(": {problem}"));
        format!("no setting of bits gives an answer{problem}")
    })
}

fn describe(sweep: &Sweep, choice: &Choice) -> String {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let frontier = sweep.frontier();
    let mut table = Table::new([
        "", "act", "weights", "D1", "TVD", "arg-max", "failed", "prove", "peak", "proofs", "size",
    ]);
    for (index, point) in sweep.points.iter().enumerate() {
        let mark = match () {
            () if index == choice.point => "=>",
            () if frontier.contains(&index) => "*",
            () => "",
        };
        let cost = point.cost.as_ref();
        let size = cost.map(|cost| match (cost.k, cost.rows, cost.cells) {
            (Some(k), Some(rows), None) => {
                format!("{} rows, k = {k}", format::grouped(rows as u64))
            }
            (None, _, Some(cells)) => format!("{} elements", format::grouped(cells as u64)),
            _ => "mixed".to_owned(),
        });
        table.push([
            mark.to_owned(),
            point.bits.act_bits.to_string(),
            point.bits.weight_bits.to_string(),
            or_dash(point.d1.map(format::distance)),
            or_dash(point.tvd.map(format::distance)),
            or_dash(point.argmax_agreement.map(|share| format!("{:.1}%", 100.0 * share))),
            format!("{}/{}", point.failed, point.inputs),
            or_dash(cost.map(|cost| format::secs(cost.predicted_prove_secs))),
            or_dash(cost.map(|cost| format::bytes(cost.predicted_peak_bytes))),
            or_dash(cost.map(|cost| format::bytes(cost.predicted_proof_bytes))),
            or_dash(size),
        ]);
    }
    let mut text = table.to_text();
    if !frontier.is_empty() {
        text += "\nThe least error for each cost (*), on a logarithmic scale:\n";
        text += &curve(sweep, &frontier, choice.point);
    }
    text += &format!("\n=> {}\n", choice.reason);
    text
}

/// The frontier as bars.
fn curve(sweep: &Sweep, frontier: &[usize], chosen: usize) -> String {
    // A perfect answer has no logarithm: it gets no bar.
    let log = |index: usize| {
        let d1 = sweep.points.get(index).and_then(|point| point.d1);
        d1.filter(|&d1| d1 > 0.0).map(f64::log10)
    };
    let known = || frontier.iter().filter_map(|&index| log(index));
    let (least, most) =
        (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    let mut table = Table::new(["", "prove", "act", "weights", "D1", "curve"]);
    for &index in frontier {
        let Some(point) = sweep.points.get(index) else { continue };
        let part = log(index).map(|log| (log - least) / (most - least).max(1e-9));
        let bar = part.map_or(0, |part| 1 + (part * (BAR - 1.0)).round() as usize);
        table.push([
            if index == chosen { "=>" } else { "" }.to_owned(),
            format::secs(point.prove_secs()),
            point.bits.act_bits.to_string(),
            point.bits.weight_bits.to_string(),
            point.d1.map(format::distance).unwrap_or_default(),
            "█".repeat(bar),
        ]);
    }
    table.to_text()
}
