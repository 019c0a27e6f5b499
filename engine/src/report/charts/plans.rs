//! Several plans of one model side by side: for each cost, a bar for each plan.

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingBackend};

use crate::report::format;

use super::bars::Bar;
use super::canvas::Canvas;
use super::cells::{self, Cell, Note};
use super::data::{PieceCosts, PlanCosts, PlansData, Quantity};
use super::legend::{ALL_HIDDEN, Entry, Mark, head};
use super::plot;
use super::scale::Measure;
use super::scene::Scene;
use super::view::{Series, View};
use super::{Drawn, Look};

pub(super) const TITLE: &str = "Plans";

/// Letters of a plan's name below bars that are too narrow for all of it.
const SHORT_NAME: usize = 9;

/// One cost of a plan.
pub(super) struct Cost {
    pub name: &'static str,
    /// Its name as a column's, with the unit.
    pub column: &'static str,
    pub measure: Measure,
    /// Its value, and whether measurements of some pieces are missing.
    pub of: fn(&PlanCosts) -> (Quantity, bool),
}

/// The costs that plans are compared by.
pub(super) const COSTS: [Cost; 6] = [
    Cost {
        name: "Prove, all slices",
        column: "sum_prove_secs",
        measure: Measure::Secs,
        of: |plan| folded(plan, |p| p.prove_secs, |a, b| a + b),
    },
    Cost {
        name: "Slowest slice",
        column: "slowest_prove_secs",
        measure: Measure::Secs,
        of: |plan| folded(plan, |p| p.prove_secs, f64::max),
    },
    Cost {
        name: "Peak memory",
        column: "peak_bytes",
        measure: Measure::Bytes,
        of: |plan| folded(plan, |p| p.peak_bytes, f64::max),
    },
    Cost {
        name: "Proofs",
        column: "proof_bytes",
        measure: Measure::Bytes,
        of: |plan| folded(plan, |p| p.proof_bytes, |a, b| a + b),
    },
    Cost {
        name: "Verify, all slices",
        column: "verify_secs",
        measure: Measure::Secs,
        of: |plan| folded(plan, |p| p.verify_secs, |a, b| a + b),
    },
    Cost {
        name: "Slices",
        column: "slices",
        measure: Measure::Count,
        of: |plan| (Quantity::measured(plan.slices.len() as f64), false),
    },
];

fn folded(
    plan: &PlanCosts,
    of: fn(&PieceCosts) -> Quantity,
    join: fn(f64, f64) -> f64,
) -> (Quantity, bool) {
    let each: Vec<Quantity> = plan.slices.iter().map(of).collect();
    let quantity = Quantity::fold(&each, join);
    let is_partial = each.iter().any(|quantity| quantity.measured.is_none());
    (quantity, is_partial && quantity.measured.is_some())
}

/// Draws the comparison over all of `area`.
///
/// # Errors
/// What the backend reports.
pub fn plans<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    data: &PlansData,
    look: Look,
    view: &View,
) -> Drawn<DB, Scene> {
    let canvas = Canvas::new(area, look, view);
    let palette = canvas.palette;
    let mut entries: Vec<Entry> = data
        .plans
        .iter()
        .enumerate()
        .map(|(index, plan)| {
            Entry::of(Series::Plan(index), Mark::Bar(palette.plan(index)), &plan.name)
        })
        .collect();
    entries.push(Entry::predicted());
    let frame = canvas.frame().inset(12.0);
    let body = head(&canvas, frame, TITLE, &data.subtitle, &entries)?;

    let has_costs = data
        .plans
        .iter()
        .any(|plan| COSTS[..5].iter().any(|cost| (cost.of)(plan).0.drawable().best().is_some()));
    let shown: Vec<(usize, &PlanCosts)> = data
        .plans
        .iter()
        .enumerate()
        .filter(|(index, _)| view.shows(Series::Plan(*index)))
        .collect();
    let cell = |cost: &Cost| {
        let bar = |&(index, plan): &(usize, &PlanCosts)| {
            let (quantity, partial) = (cost.of)(plan);
            Bar {
                quantity: view.quantity(quantity),
                color: palette.plan(index),
                partial,
                series: Series::Plan(index),
                label: format!("{}: {}", cost.name, plan.name),
            }
        };
        let bars: Vec<Bar> = shown.iter().map(bar).collect();
        let note = note(&bars, &shown).filter(|_| cost.measure != Measure::Count);
        let note = note.map(|texts| Note { texts, color: palette.good });
        Cell { name: cost.name, measure: cost.measure, bars, note, extent: None }
    };
    let mut cells: Vec<Cell> = COSTS.iter().map(cell).collect();
    cells.retain(Cell::holds_anything);
    if !has_costs || cells.is_empty() {
        let text = match has_costs {
            true => ALL_HIDDEN,
            false => "No plan has been estimated yet.",
        };
        plot::nothing_yet(&canvas, body, text)?;
        return Ok(canvas.into_scene());
    }
    cells::draw(&canvas, body, &cells)?;
    Ok(canvas.into_scene())
}

/// Which plan takes least, and how much less than the one that takes most. Nothing while
/// measurements of some plans are missing: they would win by that.
fn note(bars: &[Bar], shown: &[(usize, &PlanCosts)]) -> Option<Vec<String>> {
    if bars.len() < 2 || bars.iter().any(|bar| bar.partial) {
        return None;
    }
    let values: Option<Vec<f64>> = bars.iter().map(|bar| bar.quantity.drawable().best()).collect();
    let values = values?;
    let order = |a: &usize, b: &usize| values[*a].total_cmp(&values[*b]);
    let least = (0..values.len()).min_by(order)?;
    let most = (0..values.len()).max_by(order)?;
    let text = format::against(values[least], values[most])?;
    if text == "the same" {
        return Some(vec![text]);
    }
    let name = &shown[least].1.name;
    let short: String = name.chars().take(SHORT_NAME).collect();
    Some(vec![format!("{name}: {text}"), format!("{}…: {text}", short.trim_end())])
}
