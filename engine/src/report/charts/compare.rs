//! Sliced against monolithic: for each phase, all slices together and the slowest of them beside
//! the whole model in one proof.

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingBackend};

use crate::report::format;

use super::bars::{self, Bar, VALUE_PX};
use super::canvas::{Align, Canvas, LABEL_PX, SMALL_PX};
use super::data::{CompareData, PieceCosts, Quantity, Scales};
use super::frame::Frame;
use super::legend::{Entry, Mark, head};
use super::plot::{self, HEADING_PX};
use super::scale::{Measure, Scale};
use super::{Drawn, Look};

pub(super) const TITLE: &str = "Sliced against monolithic";

/// Room under the bars for the comparison in words.
const NOTE_PX: f64 = 17.0;

/// One group of bars.
struct Cell {
    name: &'static str,
    measure: Measure,
    /// All slices together, the largest slice, the whole.
    bars: [Option<(Quantity, bool)>; 3],
}

/// Draws the comparison over all of `area`.
///
/// # Errors
/// What the backend reports.
pub fn compare<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    data: &CompareData,
    look: Look,
) -> Drawn<DB> {
    let canvas = Canvas::new(area, look);
    let palette = canvas.palette;
    let sum_label = match data.slices.len() {
        1 => "the one slice".to_owned(),
        n => format!("sum of {n} slices"),
    };
    let mut entries = vec![Entry::new(Mark::Bar(palette.sum), sum_label)];
    if data.slices.len() > 1 {
        entries.push(Entry::new(Mark::Bar(palette.largest), "largest slice"));
    }
    entries.push(Entry::new(Mark::Bar(palette.whole), "whole model"));
    entries.push(Entry::new(Mark::Prediction, "predicted, with interval"));
    let frame = canvas.frame().inset(12.0);
    let body = head(&canvas, frame, TITLE, &data.subtitle, &entries)?;

    let cells = cells(data);
    if cells.is_empty() {
        return plot::nothing_yet(&canvas, body, "Nothing has been predicted or measured yet.");
    }
    let shared_top = match data.scales {
        Scales::Own => None,
        Scales::Shared => Some(
            cells.iter().filter(|c| c.measure == Measure::Secs).map(Cell::top).fold(0.0, f64::max),
        ),
    };
    let (columns, rows) = grid(cells.len(), body);
    for (i, cell) in cells.iter().enumerate() {
        let place = body.cell(i, columns, rows, 14.0);
        let top = shared_top.filter(|_| cell.measure == Measure::Secs);
        draw_cell(&canvas, place, cell, top.unwrap_or_else(|| cell.top()))?;
    }
    Ok(())
}

/// Columns and rows for a number of cells, so that each is wide enough for its labels.
fn grid(cells: usize, body: Frame) -> (usize, usize) {
    const NARROWEST_PX: f64 = 112.0;
    let fitting = (body.width() / NARROWEST_PX).floor().max(1.0) as usize;
    let rows = cells.div_ceil(fitting.min(cells).max(1));
    (cells.div_ceil(rows), rows)
}

/// The groups that hold anything.
fn cells(data: &CompareData) -> Vec<Cell> {
    type Field = fn(&PieceCosts) -> Quantity;
    let phases: [(&'static str, Measure, Field); 6] = [
        ("Set-up", Measure::Secs, |p| p.setup_secs),
        ("Witness", Measure::Secs, |p| p.witness_secs),
        ("Prove", Measure::Secs, |p| p.prove_secs),
        ("Verify", Measure::Secs, |p| p.verify_secs),
        ("Peak memory", Measure::Bytes, |p| p.peak_bytes),
        ("Proof size", Measure::Bytes, |p| p.proof_bytes),
    ];
    let group = |name, measure, field: Field| {
        let of_slices: Vec<Quantity> = data.slices.iter().map(field).collect();
        let partial = of_slices.iter().any(|quantity| quantity.measured.is_none());
        let sum = Quantity::fold(&of_slices, |a, b| a + b);
        let largest = Quantity::fold(&of_slices, f64::max);
        // Peaks of slices that run one after the other don't add up.
        let sum = (name != "Peak memory" || data.slices.len() == 1).then_some((sum, partial));
        let largest = (data.slices.len() > 1).then_some((largest, partial));
        Cell { name, measure, bars: [sum, largest, Some((field(&data.whole), false))] }
    };
    let mut cells: Vec<Cell> =
        phases.into_iter().map(|(name, measure, field)| group(name, measure, field)).collect();
    let linking = Cell {
        name: "Linking",
        measure: Measure::Secs,
        bars: [Some((data.linking_secs, false)), None, None],
    };
    let mut total = group("Total after set-up", Measure::Secs, PieceCosts::total_secs);
    if linking.top() > 0.0
        && let Some((sum, partial)) = &mut total.bars[0]
    {
        *partial |= data.linking_secs.measured.is_none();
        *sum = Quantity {
            measured: sum.measured.map(|secs| secs + data.linking_secs.measured.unwrap_or(0.0)),
            ..Quantity::fold(&[*sum, data.linking_secs], |a, b| a + b)
        };
    }
    cells.splice(4..4, [linking, total]);
    cells.retain(|cell| {
        cell.bars.iter().flatten().any(|(quantity, _)| quantity.drawable().best().is_some())
    });
    cells
}

impl Cell {
    fn top(&self) -> f64 {
        self.bars.iter().flatten().map(|(quantity, _)| quantity.top()).fold(0.0, f64::max)
    }

    /// How the slices compare with the whole: by the largest where there are several.
    fn note(&self) -> Option<(String, bool)> {
        let value = |i: usize| {
            let (quantity, _) = self.bars.get(i).copied().flatten()?;
            quantity.drawable().best()
        };
        let whole = value(2)?;
        let slices = value(1).or(value(0))?;
        Some((format::against(slices, whole)?, slices <= whole))
    }
}

fn draw_cell<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    place: Frame,
    cell: &Cell,
    top: f64,
) -> Drawn<DB> {
    let name = canvas.fitted(cell.name, LABEL_PX, place.width())?;
    let heading = (place.middle_x(), place.top + HEADING_PX / 2.0);
    canvas.text(&name, heading, LABEL_PX, canvas.palette.text, Align::Centre)?;
    let inner = place.without(0.0, HEADING_PX + VALUE_PX, 0.0, NOTE_PX);
    if inner.height() < 4.0 || inner.width() < 4.0 {
        return Ok(());
    }
    let scale = Scale::reaching(top, 3, cell.measure);
    let slot = inner.width() / 3.0;
    let palette = canvas.palette;
    let shown: Vec<_> =
        cell.bars.iter().zip([palette.sum, palette.largest, palette.whole]).collect();
    let drawn = shown.iter().filter(|(bar, _)| bar.is_some()).count();
    // The group is centred where a bar has no meaning, such as the sum of peaks.
    let mut left = inner.middle_x() - slot * drawn as f64 / 2.0;
    for (bar, color) in shown {
        let Some((quantity, partial)) = *bar else { continue };
        let bar = Bar { quantity, color, partial: partial && quantity.measured.is_some() };
        bars::draw(canvas, inner, (left, left + slot), &scale, cell.measure, &bar)?;
        left += slot;
    }
    plot::base_line(canvas, inner)?;
    if let Some((note, good)) = cell.note() {
        let long = format!("largest slice {note}");
        let several = cell.bars[1].is_some();
        let fits = several && canvas.text_width(&long, SMALL_PX)? <= place.width();
        let color = if good { palette.good } else { palette.muted };
        let at = (place.middle_x(), inner.bottom + NOTE_PX / 2.0);
        canvas.text(if fits { &long } else { &note }, at, SMALL_PX, color, Align::Centre)?;
    }
    Ok(())
}
