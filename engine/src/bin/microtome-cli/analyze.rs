//! `analyze`: nodes, costs, provability.

use std::collections::BTreeMap;

use anyhow::Result;
use microtome_engine::cost::{self, Totals};
use microtome_engine::graph::Graph;
use microtome_engine::program::{Card, Settings, Skeleton};
use microtome_engine::prove::System;
use microtome_engine::report::format;
use microtome_engine::report::table::Table;
use serde::Serialize;
use serde_json::Value;

use crate::End;
use crate::args::ModelArgs;
use crate::opened::Opened;
use crate::output;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct AnalyzeJson {
    model: String,
    digest: String,
    opset: i64,
    inputs: Vec<TensorJson>,
    outputs: Vec<TensorJson>,
    nodes: Vec<NodeJson>,
    totals: Totals,
}

#[derive(Serialize)]
struct TensorJson {
    name: String,
    shape: Option<Vec<usize>>,
}

#[derive(Serialize)]
struct NodeJson {
    index: usize,
    name: String,
    op: String,
    cut: bool,
    macs: u64,
    flops: u64,
    params: u64,
    output_shapes: Vec<Option<Vec<usize>>>,
    provable: BTreeMap<String, Value>,
}

pub fn main(args: &Args) -> Result<End> {
    let opened = Opened::open(&args.model)?;
    let graph = &opened.model.graph;
    let tensors = |ids: &[microtome_engine::graph::TensorId]| {
        ids.iter()
            .map(|&id| graph.tensor(id))
            .map(|tensor| TensorJson { name: tensor.name.clone(), shape: tensor.shape.clone() })
            .collect()
    };
    let result = AnalyzeJson {
        model: graph.name.clone(),
        digest: graph.digest.to_string(),
        opset: graph.opset,
        inputs: tensors(&graph.inputs),
        outputs: tensors(&graph.outputs),
        nodes: nodes(graph, &opened.skeleton),
        totals: cost::totals(graph),
    };
    if args.json {
        output::json(&result)?
    } else {
        output::text(&describe(&result))?
    }
    Ok(End::Success)
}

fn nodes(graph: &Graph, skeleton: &Skeleton) -> Vec<NodeJson> {
    let costs = cost::of(graph);
    let obstacles = System::ALL.map(|system| (system, obstacles(graph, skeleton, system)));
    let node = |(index, node): (usize, &microtome_engine::graph::Node)| {
        let shapes = node.outputs.iter().flatten().map(|&id| graph.tensor(id).shape.clone());
        let provable = |obstacle: &Option<String>| match obstacle {
            None => Value::Bool(true),
            Some(reason) => Value::String(reason.clone()),
        };
        NodeJson {
            index,
            name: node.name.clone(),
            op: node.op.clone(),
            cut: skeleton.legal_cuts().binary_search(&index).is_ok(),
            macs: costs[index].macs,
            flops: costs[index].flops,
            params: costs[index].params,
            output_shapes: shapes.collect(),
            provable: obstacles
                .iter()
                .map(|(system, obstacles)| (system.to_string(), provable(&obstacles[index])))
                .collect(),
        }
    };
    graph.nodes.iter().enumerate().map(node).collect()
}

/// Why each node can't be proven by a system, where it can't: it can't be lowered, or it would be
/// too large even as a slice of its own.
fn obstacles(graph: &Graph, skeleton: &Skeleton, system: System) -> Vec<Option<String>> {
    let mut obstacles: Vec<Option<String>> =
        (0..graph.nodes.len()).map(|n| skeleton.obstacle(n).map(str::to_owned)).collect();
    let card = Card::nominal(skeleton, Settings::DEFAULT);
    let program = match skeleton.lower(graph, &card) {
        Ok(program) => program,
        Err(error) => {
            let reason = error.to_string();
            return obstacles.into_iter().map(|o| Some(o.unwrap_or(reason.clone()))).collect();
        }
    };
    let system = system.proof_system();
    for (index, op) in program.ops.iter().enumerate() {
        let obstacle = &mut obstacles[op.node];
        if obstacle.is_none() {
            let slice = program.slice(index..index + 1);
            *obstacle = system.shape(&program, &slice).err().map(|reason| reason.to_string());
        }
    }
    obstacles
}

fn describe(result: &AnalyzeJson) -> String {
    let mut table =
        Table::new(["node", "name", "operator", "MACs", "parameters", "output", "provable"]);
    for node in &result.nodes {
        let shapes = node.output_shapes.iter().map(|shape| match shape {
            None => "?".to_owned(),
            Some(dims) => dims.iter().map(ToString::to_string).collect::<Vec<_>>().join("×"),
        });
        let reasons = node.provable.iter().map(|(system, value)| match value {
            Value::String(reason) => format!("no: {reason}"),
            _ => system.clone(),
        });
        table.push([
            format!("{}{}", node.index, if node.cut { "" } else { " +" }),
            node.name.clone(),
            node.op.clone(),
            format::grouped(node.macs),
            format::grouped(node.params),
            shapes.collect::<Vec<_>>().join(" "),
            reasons.collect::<Vec<_>>().join(" "),
        ]);
    }
    let totals = &result.totals;
    format!(
        "{}, opset {}\n\n{}\n{} MACs, {} FLOPs, {} parameters, {} of activations at most\n\
         A node with + has no cut of its own before it.\n",
        result.model,
        result.opset,
        table.to_text(),
        format::grouped(totals.macs),
        format::grouped(totals.flops),
        format::grouped(totals.params),
        format::bytes(totals.peak_activation_bytes),
    )
}
