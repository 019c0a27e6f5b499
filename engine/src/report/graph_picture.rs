//! A picture of a network and of where it is cut: nodes in rows in the graph's order, slices as
//! bands. Drawn as SVG inside a page, so that it prints sharply and its texts can be searched.
//!
//! A network with more nodes than a page has room for gets one line for each slice: which
//! operators it has, and what part of the work.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::format::{bytes, count, percent};
use crate::graph::{Graph, Node};
use crate::plan::SliceEstimate;

/// Nodes that a picture shows one by one.
const MOST_NODES: usize = 200;

/// Sizes in pixels of the picture.
const WIDTH: f64 = 960.0;
const NODE_WIDTH: f64 = 94.0;
const NODE_HEIGHT: f64 = 24.0;
const COLUMN: f64 = 116.0;
const ROW: f64 = 46.0;
/// Room left of the nodes: for the band's name, and then for the wires that run down past rows.
const GUTTER: f64 = 92.0;
/// Room for a band's name above its nodes, and below them.
const HEAD: f64 = 26.0;
const FOOT: f64 = 12.0;
/// Height of a band that only sums up.
const SUMMARY: f64 = 46.0;
/// Tracks in the gutter and between rows, so that wires don't lie on each other.
const TRACKS: usize = 6;
const TRACK: f64 = 5.0;
/// Letters that fit into a node.
const MOST_LETTERS: usize = 14;

/// A slice's band.
struct Band {
    index: usize,
    top: f64,
    bottom: f64,
}

/// Where each node stands.
type Places = BTreeMap<usize, Place>;

/// A node's upper left corner, and its row from the top of the picture.
#[derive(Clone, Copy)]
struct Place {
    x: f64,
    y: f64,
    row: usize,
}

/// The picture of a graph that is cut into these slices.
#[must_use]
pub fn picture(graph: &Graph, slices: &[&SliceEstimate]) -> Markup {
    let in_detail = graph.nodes.len() <= MOST_NODES;
    let mut places = Places::new();
    let mut bands = Vec::with_capacity(slices.len());
    let (mut top, mut row) = (1.0, 0);
    for (index, slice) in slices.iter().enumerate() {
        let bottom = match in_detail {
            true => place(&mut places, slice, top, &mut row),
            false => top + SUMMARY,
        };
        bands.push(Band { index, top, bottom });
        top = bottom + 3.0;
    }
    let macs: u64 = slices.iter().map(|slice| slice.totals.macs).sum();
    let label =
        format!("{} with {} nodes in {} slices", graph.name, graph.nodes.len(), slices.len());
    html! {
        svg.graph viewBox=(format!("0 0 {WIDTH} {top:.0}")) width=(WIDTH) height=(format!("{top:.0}"))
            role="img" aria-label=(label) xmlns="http://www.w3.org/2000/svg" {
            defs {
                marker id="tip" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6"
                    markerHeight="6" orient="auto-start-reverse" {
                    path.tip d="M0 0 L6 3 L0 6 z" {}
                }
            }
            @for (band, slice) in bands.iter().zip(slices) {
                (band_of(band, slice, macs, (!in_detail).then(|| operators(graph, slice))))
            }
            @for (number, wire) in wires(graph, &places).into_iter().enumerate() {
                path.wire d=(course(wire, number)) marker-end="url(#tip)" {}
            }
            @for (&index, &at) in &places { (node_of(graph, &graph.nodes[index], at)) }
        }
    }
}

/// Places a slice's nodes in rows below `top`, and gives the band's lower edge.
fn place(places: &mut Places, slice: &SliceEstimate, top: f64, row: &mut usize) -> f64 {
    let columns = (((WIDTH - GUTTER) / COLUMN).floor() as usize).max(1);
    for (position, &node) in slice.nodes.iter().enumerate() {
        let x = GUTTER + (position % columns) as f64 * COLUMN;
        let y = top + HEAD + (position / columns) as f64 * ROW + 8.0;
        places.insert(node, Place { x, y, row: *row + position / columns });
    }
    let rows = slice.nodes.len().div_ceil(columns).max(1);
    *row += rows;
    top + HEAD + rows as f64 * ROW - (ROW - NODE_HEIGHT) + 8.0 + FOOT
}

fn band_of(band: &Band, slice: &SliceEstimate, macs: u64, operators: Option<String>) -> Markup {
    let share = if macs == 0 { 0.0 } else { slice.totals.macs as f64 / macs as f64 };
    let about = format!(
        "{} · {} MACs ({}) · {} parameters · {} out",
        slice.system,
        count(slice.totals.macs),
        percent(share),
        count(slice.totals.params),
        bytes(slice.out_bytes),
    );
    let hue = format!("--hue: {}", band.index * 47 % 360);
    html! {
        g style=(hue) {
            rect.band x="1" y=(band.top) width=(WIDTH - 2.0) height=(band.bottom - band.top) rx="5" {}
            rect.edge x="1" y=(band.top) width="4" height=(band.bottom - band.top) {}
            text.name x="14" y=(band.top + 18.0) { "slice " (band.index) }
            text.about x=(WIDTH - 12.0) y=(band.top + 18.0) text-anchor="end" { (about) }
            @if let Some(operators) = operators {
                text.about x="14" y=(band.top + 36.0) { (operators) }
                rect.groove x=(WIDTH - 212.0) y=(band.top + 28.0) width="200" height="8" rx="4" {}
                rect.edge x=(WIDTH - 212.0) y=(band.top + 28.0) height="8" rx="4"
                    width=(format!("{:.1}", 200.0 * share)) {}
            }
        }
    }
}

/// A slice's operators and how often it has each, the most frequent first.
fn operators(graph: &Graph, slice: &SliceEstimate) -> String {
    const MOST: usize = 8;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for &node in &slice.nodes {
        *counts.entry(graph.nodes[node].op.as_str()).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let mut parts: Vec<String> =
        counts.iter().take(MOST).map(|(op, count)| format!("{count} {op}")).collect();
    if counts.len() > MOST {
        parts.push("…".to_owned());
    }
    format!("{} nodes: {}", slice.nodes.len(), parts.join(", "))
}

fn node_of(graph: &Graph, node: &Node, Place { x, y, .. }: Place) -> Markup {
    let shape = graph.output(node, 0).map(|tensor| tensor.shape_text()).unwrap_or_default();
    let mut letters: String = node.op.chars().take(MOST_LETTERS).collect();
    if letters.len() < node.op.len() {
        letters.pop();
        letters.push('…');
    }
    html! {
        g {
            title { (node.op) " " (node.name) ", gives " (shape) }
            rect.node x=(x) y=(y) width=(NODE_WIDTH) height=(NODE_HEIGHT) rx="4" {}
            text.op x=(x + NODE_WIDTH / 2.0) y=(y + 16.0) text-anchor="middle" { (letters) }
        }
    }
}

/// Pairs of places that a tensor goes between, each pair once.
fn wires(graph: &Graph, places: &Places) -> Vec<(Place, Place)> {
    let mut pairs: Vec<(usize, usize)> =
        graph.edges().into_iter().map(|(from, to, _)| (from, to)).collect();
    pairs.dedup();
    pairs
        .into_iter()
        .filter_map(|(from, to)| Some((*places.get(&from)?, *places.get(&to)?)))
        .collect()
}

/// The course of a wire: straight to the next node, in an arc over nodes of the same row, between
/// the rows to the next one, else down the gutter past the rows in between.
fn course((from, to): (Place, Place), number: usize) -> String {
    let track = (number % TRACKS) as f64 * TRACK;
    if from.row == to.row && (to.x - from.x - COLUMN).abs() < 1.0 {
        let y = from.y + NODE_HEIGHT / 2.0;
        return format!("M{:.1} {y:.1} H{:.1}", from.x + NODE_WIDTH, to.x - 1.0);
    }
    let leaves = from.x + NODE_WIDTH / 2.0;
    let enters = to.x + NODE_WIDTH / 2.0 - 8.0;
    let end = to.y - 1.0;
    if from.row == to.row {
        let (start, peak) = (from.y, from.y - 9.0);
        return format!("M{:.1} {start:.1} V{peak:.1} H{enters:.1} V{end:.1}", leaves + 8.0);
    }
    let below = from.y + NODE_HEIGHT + 4.0 + track / 6.0;
    let start = format!("M{leaves:.1} {:.1} V{below:.1}", from.y + NODE_HEIGHT);
    if to.row == from.row + 1 {
        return format!("{start} H{enters:.1} V{end:.1}");
    }
    let gutter = GUTTER - 8.0 - track;
    let above = to.y - 6.0 - track / 6.0;
    format!("{start} H{gutter:.1} V{above:.1} H{enters:.1} V{end:.1}")
}

/// How the picture's parts look, for the page's style sheet.
pub(super) const STYLE: &str = "
.graph { display: block; width: 100%; height: auto; font: 11px Inter, system-ui, sans-serif;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.graph .band { fill: hsl(var(--hue) 60% 96%); stroke: hsl(var(--hue) 30% 84%); }
.graph .edge { fill: hsl(var(--hue) 60% 45%); }
.graph .groove { fill: #fff; } .graph .name { font-weight: 600; font-size: 12px; }
.graph .about { fill: #5d6678; }
.graph .node { fill: #fff; stroke: #9aa3b4; } .graph .op { font-size: 11px; }
.graph .wire { fill: none; stroke: #7f899b; stroke-width: 1.1; } .graph .tip { fill: #7f899b; }
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::Totals;
    use crate::digest::Digest;
    use crate::graph::{Attributes, ElementType, Tensor, TensorId};
    use crate::prove::System;

    #[test]
    fn wires_go_beside_over_or_around() {
        let at = |column: f64, row: usize| {
            let (x, y) = (GUTTER + column * COLUMN, 30.0 + row as f64 * ROW);
            Place { x, y, row }
        };
        let start = at(0.0, 0);
        assert_eq!(course((start, at(1.0, 0)), 0), "M186.0 42.0 H207.0");
        let skip = course((start, at(3.0, 0)), 0);
        assert!(skip.contains("V21.0"), "over the nodes between: {skip}");
        let next_row = course((start, at(0.0, 1)), 0);
        assert!(!next_row.contains("H84.0"), "between the rows: {next_row}");
        let far = course((start, at(0.0, 3)), 0);
        assert!(far.contains("H84.0"), "down the gutter: {far}");
    }

    /// A chain of `count` nodes.
    fn chain(count: usize) -> Graph {
        let tensor = |index: usize| Tensor {
            name: format!("t{index}"),
            element: ElementType::F32,
            shape: Some(vec![1, 4]),
            constant: None,
            producer: index.checked_sub(1),
            consumers: if index < count { vec![index] } else { Vec::new() },
        };
        let node = |index: usize| Node {
            name: format!("node <{index}>"),
            op: if index.is_multiple_of(2) { "Gemm".to_owned() } else { "Relu".to_owned() },
            inputs: vec![Some(TensorId(index as u32))],
            outputs: vec![Some(TensorId(index as u32 + 1))],
            attributes: Attributes::default(),
        };
        Graph {
            name: "chain".to_owned(),
            opset: 17,
            digest: Digest::of("microtome test", b"chain"),
            nodes: (0..count).map(node).collect(),
            tensors: (0..=count).map(tensor).collect(),
            inputs: vec![TensorId(0)],
            outputs: vec![TensorId(count as u32)],
            tiling: None,
        }
    }

    fn slice(nodes: std::ops::Range<usize>) -> SliceEstimate {
        SliceEstimate {
            totals: Totals { macs: nodes.len() as u64 * 100, ..Totals::default() },
            ops: nodes.clone(),
            nodes: nodes.collect(),
            in_bytes: 8,
            out_bytes: 8,
            system: System::Whir,
            obstacle: None,
            circuit: None,
            prediction: None,
        }
    }

    #[test]
    fn a_small_network_is_drawn_node_by_node() {
        let (first, second) = (slice(0..3), slice(3..12));
        let svg = picture(&chain(12), &[&first, &second]).into_string();
        assert_eq!(svg.matches("class=\"node\"").count(), 12);
        assert_eq!(svg.matches("class=\"wire\"").count(), 11);
        assert!(svg.contains("Gemm node &lt;0&gt;, gives 1×4"), "names are escaped");
        assert!(svg.contains("whir · 300 MACs (25%)"));
    }

    #[test]
    fn a_large_network_is_summed_up_by_slice() {
        let (first, second) = (slice(0..101), slice(101..300));
        let svg = picture(&chain(300), &[&first, &second]).into_string();
        assert_eq!(svg.matches("class=\"node\"").count(), 0);
        assert!(svg.contains("101 nodes: 51 Gemm, 50 Relu"), "{svg}");
    }
}
