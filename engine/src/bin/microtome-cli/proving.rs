//! What `prove` and `compare` share: the job, and its results as JSON and as tables.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use microtome_engine::bundle::SliceVerdict;
use microtome_engine::cost;
use microtome_engine::files::{self, Access};
use microtome_engine::plan::{Estimator, Plan};
use microtome_engine::program::Program;
use microtome_engine::prove::System;
use microtome_engine::report::format::{bytes, secs};
use microtome_engine::report::page::Report;
use microtome_engine::report::table::Table;
use microtome_engine::run::{self, Event, Measured, Outcome, Proven, Request};
use serde::Serialize;

use crate::opened::Opened;
use crate::progress::{self, Progress};

/// One slice as the JSON output has it.
#[derive(Clone, Serialize)]
pub struct SliceJson {
    pub index: usize,
    pub system: System,
    pub proven: bool,
    pub reason: String,
    pub macs: u64,
    #[serde(flatten)]
    pub measured: Measured,
}

/// A proven plan as the JSON output has it.
#[derive(Clone, Serialize)]
pub struct ProofJson {
    pub slices: Vec<SliceJson>,
    pub linking_secs: f64,
    pub coverage_macs: f64,
    pub output: Option<Vec<Vec<f32>>>,
    pub program: String,
    pub root: String,
}

/// Runs a job to its end, with a progress bar.
pub fn run_job(request: Request) -> Result<Outcome> {
    let job = run::start(request, || {});
    let mut progress = Progress::new();
    for event in &job.events {
        progress.show(&event);
        match event {
            Event::Done { outcome } => return Ok(*outcome),
            Event::Error { reason, .. } => bail!(reason),
            Event::Cancelled => bail!("cancelled"),
            _ => {}
        }
    }
    bail!("the job ended without a result")
}

/// Writes the report of a run as an HTML page.
pub fn write_report(
    path: &Path,
    opened: &Opened,
    program: Arc<Program>,
    plan: &Plan,
    outcome: &Outcome,
) -> Result<()> {
    let graph = &opened.model.graph;
    let estimator = Estimator::new(Arc::clone(graph), Arc::clone(&opened.skeleton), program);
    let (slices, whole) = (estimator.slices(plan), estimator.whole(plan.system(0)));
    let report = Report {
        graph,
        totals: cost::totals(graph),
        plan,
        estimates: slices.iter().map(AsRef::as_ref).collect(),
        whole: &whole,
        outcome,
        timeline: None,
    };
    Ok(files::write(path, report.to_html()?.as_bytes(), Access::Usual)?)
}

/// A proven plan as JSON.
pub fn proof_json(proven: &Proven, outcome: &Outcome) -> ProofJson {
    ProofJson {
        slices: proven.verdict.slices.iter().map(|slice| slice_json(slice, proven)).collect(),
        linking_secs: proven.linking_secs,
        coverage_macs: proven.verdict.coverage_macs,
        output: outcome.output.clone(),
        program: proven.bundle.header.program.to_string(),
        root: proven.bundle.root().to_string(),
    }
}

fn slice_json(slice: &SliceVerdict, proven: &Proven) -> SliceJson {
    let measured = proven.measured.get(slice.index).copied().flatten();
    SliceJson {
        index: slice.index,
        system: slice.system,
        proven: measured.is_some(),
        reason: slice.reason.clone(),
        macs: slice.macs,
        measured: measured.unwrap_or_default(),
    }
}

/// Says on stderr what could not be proven.
pub fn complain(outcome: &Outcome) {
    for (piece, reason) in &outcome.failures {
        eprintln!("error: {} was not proven: {reason}", progress::name(*piece));
    }
    for reason in &outcome.sliced.verdict.reasons {
        eprintln!("error: {reason}");
    }
}

/// A table of what the slices took.
pub fn table(slices: &[SliceJson]) -> String {
    let mut table =
        Table::new(["slice", "system", "witness", "set-up", "prove", "verify", "peak", "proof"]);
    for slice in slices {
        let mut row = vec![slice.index.to_string()];
        if slice.proven {
            row.push(slice.system.to_string());
            row.extend(cells(&slice.measured));
        } else {
            row.push("executed".to_owned());
        }
        table.push(row);
    }
    table.to_text()
}

fn cells(measured: &Measured) -> [String; 6] {
    let kept = if measured.keys_reused { ", keys kept" } else { "" };
    [
        secs(measured.witness_secs),
        format!("{}{kept}", secs(measured.setup_secs)),
        secs(measured.prove_secs),
        secs(measured.verify_secs),
        bytes(measured.peak_bytes),
        bytes(measured.proof_bytes),
    ]
}
