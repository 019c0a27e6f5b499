//! `export`: each slice as an ONNX file of its own.

use std::path::PathBuf;

use anyhow::{Context, Result};
use microtome_engine::files::{self, Access};
use microtome_engine::plan::Plan;
use serde::Serialize;

use crate::End;
use crate::args::ModelArgs;
use crate::opened::Opened;
use crate::output;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Where to cut, as `plan -o` writes it
    #[arg(long, value_name = "PLAN")]
    plan: PathBuf,
    /// The folder to write to; it is made where it is missing
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

/// `manifest.json`, and the JSON output.
#[derive(Serialize)]
struct Manifest {
    model: String,
    name: String,
    cuts: Vec<usize>,
    slices: Vec<ManifestSlice>,
}

#[derive(Serialize)]
struct ManifestSlice {
    index: usize,
    file: String,
    nodes: Vec<String>,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

pub fn main(args: &Args) -> Result<End> {
    let opened = Opened::open_planned(&args.model, Some(&args.plan))?;
    let plan = opened.plan(Some(&args.plan), None)?;
    let graph = &opened.model.graph;
    let groups = groups(&plan, &opened);
    let slices = opened.model.export(&groups);
    std::fs::create_dir_all(&args.output)
        .with_context(|| format!("{} can't be made", args.output.display()))?;
    let mut manifest = Manifest {
        model: graph.digest.to_string(),
        name: graph.name.clone(),
        cuts: plan.cuts().to_vec(),
        slices: Vec::new(),
    };
    for (index, (slice, nodes)) in slices.iter().zip(&groups).enumerate() {
        let file = format!("slice_{index}.onnx");
        files::write(&args.output.join(&file), &slice.bytes, Access::Usual)?;
        manifest.slices.push(ManifestSlice {
            index,
            file,
            nodes: nodes.iter().map(|&node| graph.nodes[node].name.clone()).collect(),
            inputs: slice.inputs.clone(),
            outputs: slice.outputs.clone(),
        });
    }
    let text = serde_json::to_vec_pretty(&manifest)?;
    files::write(&args.output.join("manifest.json"), &text, Access::Usual)?;
    if args.json {
        output::json(&manifest)?;
    } else {
        let count = manifest.slices.len();
        output::text(&format!(
            "{count} slices and manifest.json written to {}",
            args.output.display()
        ))?;
    }
    Ok(End::Success)
}

/// The nodes of each slice.
fn groups(plan: &Plan, opened: &Opened) -> Vec<Vec<usize>> {
    plan.ranges(opened.model.graph.nodes.len())
        .into_iter()
        .map(|(from, to)| opened.skeleton.nodes_between(from, to))
        .collect()
}
