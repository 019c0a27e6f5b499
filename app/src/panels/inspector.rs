//! What is known of the selected node.

use egui::Ui;
use microtome_engine::graph::{Attribute, TensorId};
use microtome_engine::prove::System;
use microtome_engine::report::format as fmt;

use super::fact;
use crate::graph_view::error_text;
use crate::session::Session;
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
