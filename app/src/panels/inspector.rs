//! What is known of the selected node.

use std::collections::BTreeMap;

use egui::Ui;
use microtome_engine::graph::{Attribute, TensorId};
use microtome_engine::prove::System;
use microtome_engine::report::format as fmt;

use super::fact;
use crate::graph_view::error_text;
use crate::session::{NodeFacts, Session};
use crate::theme;

/// Draws the inspector.
pub fn show(ui: &mut Ui, session: &Session, node: Option<usize>) {
    theme::heading(ui, "Node");
    let Some(index) = node else {
        super::nothing(ui, "Click a node to see its shapes, costs and provability.");
        return;
    };
    let node = &session.graph.nodes[index];
    let facts = &session.facts[index];
    let t = theme::of(ui);
    ui.horizontal(|ui| {
        ui.label(theme::strong(&node.op).size(15.0));
        ui.label(theme::small(
            ui,
            format!("node {index} · slice {}", session.slice_of_node(index)),
        ));
    });
    ui.add(egui::Label::new(theme::small(ui, &node.name)).truncate());
    ui.add_space(theme::GAP);
    match (&facts.obstacle, facts.absorbed_by) {
        (Some(reason), _) => {
            super::badge(ui, "not provable", t.bad);
            ui.label(egui::RichText::new(reason).color(t.bad).size(12.0));
        }
        (None, Some(owner)) => {
            super::badge(ui, "absorbed", t.busy);
            let owner = &session.graph.nodes[owner];
            let text = format!("It is proven as a part of {} {}.", owner.op, owner.name);
            ui.label(theme::small(ui, text));
        }
        (None, None) => provability(ui, session, index),
    }
    ui.add_space(theme::GAP);
    fact(ui, "MACs", fmt::count(facts.macs));
    fact(ui, "FLOPs", fmt::count(facts.flops));
    fact(ui, "parameters", fmt::count(facts.params));
    fact(ui, "output", fmt::bytes(facts.output_bytes));
    if let Some(error) = session.node_error(index) {
        fact(ui, "quantisation error", error_text(error));
    }
    tensors(ui, session, "Inputs", node.inputs.iter().flatten());
    tensors(ui, session, "Outputs", node.outputs.iter().flatten());
    if !node.attributes.0.is_empty() {
        ui.add_space(theme::GAP);
        theme::heading(ui, "Attributes");
        for (name, value) in &node.attributes.0 {
            fact(ui, name, attribute(value));
        }
    }
}

/// Draws what is known of a block: its first node and the one after its last.
pub fn block(ui: &mut Ui, session: &Session, (start, end): (usize, usize), name: Option<&str>) {
    theme::heading(ui, "Block");
    let inside = session.facts.get(start..end).unwrap_or_default();
    let last = end.saturating_sub(1);
    let (first_slice, last_slice) = (session.slice_of_node(start), session.slice_of_node(last));
    let slices = if first_slice == last_slice {
        format!("slice {first_slice}")
    } else {
        format!("slices {first_slice}–{last_slice}")
    };
    ui.add(egui::Label::new(theme::strong(name.unwrap_or("Block")).size(15.0)).truncate());
    ui.label(theme::small(ui, format!("nodes {start}–{last} · {slices}")));
    ui.add_space(theme::GAP);
    let unprovable = inside.iter().filter(|facts| facts.obstacle.is_some()).count();
    if unprovable > 0 {
        super::badge(ui, &format!("{unprovable} not provable"), theme::of(ui).bad);
        ui.add_space(theme::GAP);
    }
    let sum = |of: fn(&NodeFacts) -> u64| fmt::count(inside.iter().map(of).sum());
    fact(ui, "MACs", sum(|facts| facts.macs));
    fact(ui, "FLOPs", sum(|facts| facts.flops));
    fact(ui, "parameters", sum(|facts| facts.params));
    let bytes = inside.last().map_or(0, |facts| facts.output_bytes);
    fact(ui, "output", fmt::bytes(bytes));
    ui.add_space(theme::GAP);
    theme::heading(ui, "Operators");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for node in session.graph.nodes.get(start..end).unwrap_or_default() {
        *counts.entry(&node.op).or_default() += 1;
    }
    for (op, count) in counts {
        fact(ui, op, count.to_string());
    }
}

/// Which systems can prove the node, and why the others can't.
fn provability(ui: &mut Ui, session: &Session, index: usize) {
    let t = theme::of(ui);
    let Some(verdicts) = session.provability.as_ref().and_then(|found| found.get(index)) else {
        ui.label(theme::small(ui, "Finding out who can prove it…"));
        return;
    };
    for (system, found) in System::ALL.into_iter().zip(verdicts) {
        match found {
            Ok(_) => {
                super::badge(ui, &format!("provable in {system}"), t.good)
                    .on_hover_text(system.promise());
            }
            Err(reason) => {
                super::badge(ui, &format!("not provable in {system}"), t.bad);
                ui.label(egui::RichText::new(reason).color(t.bad).size(12.0));
            }
        }
    }
}

fn tensors<'a>(
    ui: &mut Ui,
    session: &Session,
    title: &str,
    ids: impl Iterator<Item = &'a TensorId>,
) {
    ui.add_space(theme::GAP);
    theme::heading(ui, title);
    for &id in ids {
        let tensor = session.graph.tensor(id);
        let kind = if tensor.constant.is_some() { "constant" } else { "flows" };
        let shape = tensor.shape_text();
        fact(ui, &shortened(&tensor.name, 22), format!("{shape}  {}", kind_mark(kind)));
    }
}

fn kind_mark(kind: &str) -> &'static str {
    if kind == "constant" { "const" } else { "" }
}

fn shortened(name: &str, most: usize) -> String {
    let count = name.chars().count();
    if count <= most {
        return name.to_owned();
    }
    // The end of a tensor's name is what tells it from its neighbours.
    std::iter::once('…').chain(name.chars().skip(count - most + 1)).collect()
}

fn attribute(value: &Attribute) -> String {
    let list = |items: Vec<String>| {
        let more = if items.len() > 6 { ", …" } else { "" };
        format!("[{}{more}]", items.into_iter().take(6).collect::<Vec<_>>().join(", "))
    };
    match value {
        Attribute::Int(v) => v.to_string(),
        Attribute::Float(v) => v.to_string(),
        Attribute::Text(v) => v.clone(),
        Attribute::Ints(v) => list(v.iter().map(ToString::to_string).collect()),
        Attribute::Floats(v) => list(v.iter().map(ToString::to_string).collect()),
        Attribute::Other(kind) => (*kind).to_owned(),
    }
}
