//! The numbers behind a chart, in base units, for CSV and Markdown.

use crate::report::table::Table;

use super::Chart;
use super::data::{
    BitsData, PieceCosts, PlansData, Quantity, SweepData, SystemsData, TimelineData,
};
use super::plans::COSTS;
use crate::bits::frontier;
use crate::prove::System;

/// The chart's data as a table.
pub(super) fn of(chart: &Chart) -> Table {
    match chart {
        Chart::Compare(data) => {
            let mut table = pieces(data.slices.iter().chain([&data.whole]));
            // Linking is no piece's: it has a column of its own, filled in a row of its own.
            let width = table.headers.len();
            table.headers.extend(quantity_headers("linking_secs"));
            let before = ["linking".to_owned()]
                .into_iter()
                .chain(std::iter::repeat_n(String::new(), width - 1));
            table.push(before.chain(quantity_cells(&data.linking_secs)));
            table
        }
        Chart::PerSlice(data) => pieces(data.slices.iter()),
        Chart::Timeline(data) => timeline(data),
        Chart::Sweep(data) => sweep(data),
        Chart::Systems(data) => systems(data),
        Chart::Plans(data) => plans(data),
        Chart::Bits(data) => bits(data),
    }
}

fn pieces<'a>(pieces: impl Iterator<Item = &'a PieceCosts>) -> Table {
    type Field = fn(&PieceCosts) -> Quantity;
    let fields: [(&str, Field); 6] = [
        ("setup_secs", |p| p.setup_secs),
        ("witness_secs", |p| p.witness_secs),
        ("prove_secs", |p| p.prove_secs),
        ("verify_secs", |p| p.verify_secs),
        ("peak_bytes", |p| p.peak_bytes),
        ("proof_bytes", |p| p.proof_bytes),
    ];
    let mut table = Table::new(["piece"]);
    for (name, _) in fields {
        table.headers.extend(quantity_headers(name));
    }
    for piece in pieces {
        let mut row = vec![piece.name.clone()];
        row.extend(fields.iter().flat_map(|(_, field)| quantity_cells(&field(piece))));
        table.push(row);
    }
    table
}

fn timeline(data: &TimelineData) -> Table {
    let mut table = Table::new(["job", "phase", "start_secs", "end_secs", "memory_bytes"]);
    for row in &data.rows {
        for span in &row.spans {
            table.push([
                row.name.clone(),
                span.phase.label().to_owned(),
                span.start_secs.to_string(),
                cell(span.end_secs),
                String::new(),
            ]);
        }
    }
    for sample in &data.memory {
        let (at, bytes) = (sample.at_secs.to_string(), sample.bytes.to_string());
        table.push(["all".to_owned(), "memory".to_owned(), at.clone(), at, bytes]);
    }
    table
}

fn sweep(data: &SweepData) -> Table {
    let mut table = Table::new(["slices"]);
    for name in ["sum_secs", "slowest_secs", "peak_bytes"] {
        table.headers.extend(quantity_headers(name));
    }
    for point in &data.points {
        let mut row = vec![point.slices.to_string()];
        for quantity in [point.sum_secs, point.slowest_secs, point.peak_bytes] {
            row.extend(quantity_cells(&quantity));
        }
        table.push(row);
    }
    table
}

fn systems(data: &SystemsData) -> Table {
    let mut table = Table::new(["piece"]);
    for system in System::ALL {
        table.headers.extend(quantity_headers(&format!("{system}_prove_secs")));
    }
    for piece in &data.pieces {
        let mut row = vec![piece.name.clone()];
        row.extend(piece.prove_secs.iter().flat_map(quantity_cells));
        table.push(row);
    }
    table
}

/// One row a plan: what its bars show.
fn plans(data: &PlansData) -> Table {
    let (count, costs) = match COSTS.split_last() {
        Some((count, costs)) => (count.column, costs),
        None => return Table::default(),
    };
    let mut table = Table::new(["plan", count]);
    for cost in costs {
        table.headers.extend(quantity_headers(cost.column));
    }
    table.headers.extend(quantity_headers("linking_secs"));
    for plan in &data.plans {
        let mut row = vec![plan.name.clone(), plan.slices.len().to_string()];
        for cost in costs {
            // A sum over some of the slices would read as one over all of them.
            let (quantity, is_partial) = (cost.of)(plan);
            let measured = quantity.measured.filter(|_| !is_partial);
            row.extend(quantity_cells(&Quantity { measured, ..quantity }));
        }
        row.extend(quantity_cells(&plan.linking_secs));
        table.push(row);
    }
    table
}

/// One row a setting, with all that is known of it.
fn bits(data: &BitsData) -> Table {
    let mut table = Table::new([
        "act_bits",
        "weight_bits",
        "d1",
        "tvd",
        "argmax_agreement",
        "inputs",
        "failed",
        "predicted_prove_secs",
        "predicted_low_prove_secs",
        "predicted_high_prove_secs",
        "predicted_peak_bytes",
        "predicted_proof_bytes",
        "k",
        "rows",
        "cells",
        "lookups",
        "unproven_slices",
        "on_frontier",
        "chosen",
    ]);
    let on_frontier = frontier(&data.points);
    let count = |value: Option<usize>| value.map_or_else(String::new, |value| value.to_string());
    for (index, point) in data.points.iter().enumerate() {
        let mut row = vec![point.bits.act_bits.to_string(), point.bits.weight_bits.to_string()];
        row.extend([point.d1, point.tvd, point.argmax_agreement].map(cell));
        row.extend([point.inputs, point.failed].map(|count| count.to_string()));
        match &point.cost {
            Some(cost) => {
                row.extend([
                    cost.predicted_prove_secs.to_string(),
                    cost.predicted_prove_secs_low.to_string(),
                    cost.predicted_prove_secs_high.to_string(),
                    cost.predicted_peak_bytes.to_string(),
                    cost.predicted_proof_bytes.to_string(),
                    count(cost.k.map(|k| k as usize)),
                ]);
                row.extend([cost.rows, cost.cells, cost.lookups].map(count));
                row.push(cost.unproven.to_string());
            }
            None => row.extend(std::iter::repeat_n(String::new(), 10)),
        }
        row.push(on_frontier.contains(&index).to_string());
        row.push((data.chosen == Some(point.bits)).to_string());
        table.push(row);
    }
    table
}

fn quantity_headers(name: &str) -> [String; 4] {
    let with = |prefix: &str| format!("{prefix}{name}");
    [with(""), with("predicted_"), with("predicted_low_"), with("predicted_high_")]
}

fn quantity_cells(quantity: &Quantity) -> [String; 4] {
    let predicted = quantity.predicted;
    [
        cell(quantity.measured),
        cell(predicted.map(|p| p.value)),
        cell(predicted.map(|p| p.low)),
        cell(predicted.map(|p| p.high)),
    ]
}

fn cell(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
