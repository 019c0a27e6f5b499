//! The report of a run: one HTML page that any browser opens and prints, with everything inside.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::charts::{
    Chart, CompareData, ExportError, PerSliceData, PieceCosts, Quantity, TimelineData, View, to_svg,
};
use super::format::{bytes, grouped, secs};
use super::graph_picture;
use crate::bundle::{SliceVerdict, Standing};
use crate::cost::Totals;
use crate::graph::Graph;
use crate::plan::{Plan, SliceEstimate};
use crate::program::Source;
use crate::prove::System;
use crate::run::{Measured, Outcome, Piece};

/// Pixels of a chart on the page.
const CHART_PX: (u32, u32) = (760, 400);

/// What a report is made of.
pub struct Report<'a> {
    /// The model.
    pub graph: &'a Graph,
    /// Its costs.
    pub totals: Totals,
    /// The plan that was proven.
    pub plan: &'a Plan,
    /// The estimate of each slice, and of the whole model as one.
    pub estimates: Vec<&'a SliceEstimate>,
    /// See [`Report::estimates`].
    pub whole: &'a SliceEstimate,
    /// What came out.
    pub outcome: &'a Outcome,
    /// What ran when, where that was recorded.
    pub timeline: Option<TimelineData>,
}

impl Report<'_> {
    /// The page.
    ///
    /// # Errors
    /// Where a chart can't be drawn.
    pub fn to_html(&self) -> Result<String, ExportError> {
        let verdict = &self.outcome.sliced.verdict;
        let charts = self.charts()?;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width";
                    title { "Microtome: " (self.graph.name) }
                    style { (PreEscaped(STYLE)) (PreEscaped(graph_picture::STYLE)) }
                }
                body {
                    header {
                        h1 { (self.graph.name) }
                        p class="badge" data-good=(verdict.accepted) {
                            @if verdict.accepted { "accepted by the verifier" }
                            @else { "rejected by the verifier" }
                        }
                    }
                    @for reason in &verdict.reasons { p class="reason" { (reason) } }
                    (self.summary())
                    h2 { "Plan" }
                    (self.cuts())
                    (graph_picture::picture(self.graph, &self.estimates))
                    h2 { "Slices" }
                    (self.slices())
                    h2 { "Charts" }
                    @for chart in charts { figure { (PreEscaped(chart)) } }
                    h2 { "Answer" }
                    (self.answer())
                    h2 { "Receipt" }
                    (self.receipt())
                    h2 { "What is promised" }
                    @for system in System::ALL {
                        @if verdict.slices.iter().any(|slice| slice.system == system) {
                            p { b { (system) } ": " (system.promise()) }
                        }
                    }
                    p {
                        "The model is public: whoever sees a revealed tensor can compute everything \
                         after it, and can often guess what came before. A slice that is executed \
                         and not proven is trusted, and said to be."
                    }
                }
            }
        };
        Ok(page.into_string())
    }

    fn summary(&self) -> Markup {
        let verdict = &self.outcome.sliced.verdict;
        let linked = if verdict.linked { "yes" } else { "no" };
        let output = if verdict.output_proven { "proven" } else { "not proven" };
        let parts = [
            ("nodes", self.graph.nodes.len().to_string()),
            ("opset", self.graph.opset.to_string()),
            ("MACs", grouped(self.totals.macs)),
            ("parameters", grouped(self.totals.params)),
            ("slices", self.plan.slice_count().to_string()),
            ("MACs proven", format!("{:.1}%", 100.0 * verdict.coverage_macs)),
            ("slices linked", linked.to_owned()),
            ("output", output.to_owned()),
            ("wall clock", secs(self.outcome.wall_secs)),
            ("linking", secs(self.outcome.sliced.linking_secs)),
        ];
        html! {
            dl class="facts" {
                @for (name, value) in parts { div { dt { (name) } dd { (value) } } }
            }
        }
    }

    /// Where the model is cut, in words.
    fn cuts(&self) -> Markup {
        let cuts: Vec<String> = self
            .plan
            .cuts()
            .iter()
            .filter_map(|&cut| Some((cut, self.graph.nodes.get(cut)?)))
            .map(|(cut, node)| format!("node {cut} ({} {})", node.op, node.name))
            .collect();
        html! {
            @if cuts.is_empty() {
                p { "The model is proven as one slice." }
            } @else {
                p { "A new slice begins at " (cuts.join(", ")) "." }
            }
        }
    }

    fn slices(&self) -> Markup {
        let sliced = &self.outcome.sliced;
        html! {
            table {
                thead {
                    tr {
                        @for name in ["slice", "system", "standing", "MACs", "predicted", "proved in",
                            "verified in", "memory", "proof"] {
                            th { (name) }
                        }
                    }
                }
                tbody {
                    @for (slice, estimate) in sliced.verdict.slices.iter().zip(&self.estimates) {
                        @let measured = sliced.measured.get(slice.index).copied().flatten();
                        (row(&slice.index.to_string(), slice, estimate, measured))
                    }
                    @if let Some(whole) = &self.outcome.whole {
                        @if let Some(slice) = whole.verdict.slices.first() {
                            @let measured = whole.measured.first().copied().flatten();
                            (row("whole", slice, self.whole, measured))
                        }
                    }
                }
            }
            @for (piece, reason) in &self.outcome.failures {
                p class="reason" { (name_of(*piece)) " was not proven: " (reason) }
            }
        }
    }

    fn charts(&self) -> Result<Vec<String>, ExportError> {
        let sliced = &self.outcome.sliced;
        let costs = |(index, estimate): (usize, &&SliceEstimate)| {
            let measured = sliced.measured.get(index).copied().flatten();
            PieceCosts::of(index.to_string(), estimate.prediction.as_ref(), measured.as_ref())
        };
        let slices: Vec<PieceCosts> = self.estimates.iter().enumerate().map(costs).collect();
        let subtitle = self.graph.name.clone();
        let mut charts = Vec::new();
        if let Some(whole) = &self.outcome.whole {
            let measured = whole.measured.first().copied().flatten();
            let prediction = self.whole.prediction.as_ref();
            charts.push(Chart::Compare(CompareData {
                subtitle: subtitle.clone(),
                slices: slices.clone(),
                whole: PieceCosts::of("whole".to_owned(), prediction, measured.as_ref()),
                linking_secs: Quantity::measured(sliced.linking_secs),
                ..CompareData::default()
            }));
        }
        charts.push(Chart::PerSlice(PerSliceData { subtitle, slices }));
        charts.extend(self.timeline.clone().map(Chart::Timeline));
        charts.iter().map(|chart| to_svg(chart, &View::default(), CHART_PX, false)).collect()
    }

    fn answer(&self) -> Markup {
        let Outcome { output, fidelity, .. } = self.outcome;
        html! {
            @match output {
                None => p { "The output depends on a node that can't be lowered." },
                Some(tensors) => {
                    @for tensor in tensors {
                        p class="numbers" {
                            @for value in tensor.iter().take(64) { (format!("{value:.4}")) " " }
                            @if tensor.len() > 64 { "… (" (tensor.len()) " numbers)" }
                        }
                    }
                }
            }
            @if let Some(fidelity) = fidelity {
                p {
                    "Beside the float network: mean difference of probabilities (D1) "
                    (format!("{:.6}", fidelity.d1)) ", total variation (TVD) "
                    (format!("{:.6}", fidelity.tvd)) ", the arg-max "
                    @if fidelity.argmax_agrees { "agrees." } @else { b { "differs." } }
                }
            }
        }
    }

    fn receipt(&self) -> Markup {
        let verdict = &self.outcome.sliced.verdict;
        let calibration = match &verdict.calibration {
            Some(Source::Data { cases, .. }) => format!("{cases} inputs"),
            Some(Source::ProvenInput { .. }) => "the proven input itself".to_owned(),
            Some(Source::Nominal) | None => "none".to_owned(),
        };
        let digest = |digest: Option<crate::digest::Digest>| match digest {
            Some(digest) => digest.to_string(),
            None => "none".to_owned(),
        };
        let context = verdict.context.clone().filter(|context| !context.is_empty());
        let parts = [
            ("receipt (Merkle root)", digest(verdict.root)),
            ("program", digest(verdict.program)),
            ("model", verdict.model.to_string()),
            ("context", context.unwrap_or_else(|| "none".to_owned())),
            ("scales calibrated with", calibration),
        ];
        html! {
            table class="receipt" {
                @for (name, value) in parts { tr { th { (name) } td { code { (value) } } } }
            }
        }
    }
}

fn name_of(piece: Piece) -> String {
    match piece {
        Piece::Slice(index) => format!("slice {index}"),
        Piece::Whole => "the whole model".to_owned(),
    }
}

fn row(
    name: &str,
    slice: &SliceVerdict,
    estimate: &SliceEstimate,
    measured: Option<Measured>,
) -> Markup {
    let standing = match slice.standing {
        Standing::Proven => "proven",
        Standing::Rerun => "executed, run again",
        Standing::Unchecked => "executed",
        Standing::Rejected => "rejected",
    };
    let predicted = estimate.prediction.as_ref().map(|p| secs(p.prove_secs));
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    html! {
        tr {
            td { (name) }
            td { (slice.system) }
            td title=(slice.reason) { (standing) }
            td { (grouped(slice.macs)) }
            td { (or_none(predicted)) }
            td { (or_none(measured.map(|m| secs(m.prove_secs)))) }
            td { (or_none(measured.map(|m| secs(m.verify_secs)))) }
            td { (or_none(measured.map(|m| bytes(m.peak_bytes)))) }
            td { (or_none(measured.map(|m| bytes(m.proof_bytes)))) }
        }
    }
}

const STYLE: &str = "
:root { color: #1d2330; font: 14px/1.45 Inter, system-ui, sans-serif; }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
header { display: flex; align-items: baseline; gap: 1rem; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; border-bottom: 1px solid #d8dce5; }
.badge { margin: 0; padding: .1rem .6rem; border-radius: 1rem; background: #fbe3e1; color: #a12218; }
.badge[data-good=true] { background: #dff3e7; color: #146c3c; }
.reason { color: #a12218; }
.facts { display: grid; grid-template-columns: repeat(5, 1fr); gap: .6rem; }
.facts dt { color: #5d6678; font-size: .85rem; } .facts dd { margin: 0; font-weight: 600; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; color: #5d6678; }
th, td { padding: .25rem .5rem .25rem 0; border-bottom: 1px solid #e7eaf0; }
tbody td:nth-child(n+4) { font-variant-numeric: tabular-nums; }
.receipt code { overflow-wrap: anywhere; } .receipt th { width: 14rem; }
.numbers { font-family: monospace; }
figure { margin: 1rem 0; break-inside: avoid; } svg { max-width: 100%; height: auto; }
.badge, .reason { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
@page { margin: 14mm; }
@media print {
  :root { font-size: 12px; } body { margin: 0; max-width: none; padding: 0; }
  h2 { break-after: avoid; margin-top: 1.4rem; } tr, dl, p { break-inside: avoid; }
  figure { margin: .4rem 0; } figure svg { max-height: 10.5cm; } .graph { max-height: 25cm; }
}
";
