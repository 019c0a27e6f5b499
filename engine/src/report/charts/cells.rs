//! Groups of bars that each have an axis of their own, and a sentence below: what the comparisons
//! are made of.

use plotters::prelude::{DrawingBackend, RGBColor};

use super::Drawn;
use super::bars::{self, Bar, VALUE_PX};
use super::canvas::{Align, Canvas, LABEL_PX, SMALL_PX};
use super::frame::Frame;
use super::plot::{self, HEADING_PX};
use super::scale::{Extent, Measure, Scale};

/// Room under the bars for the comparison in words, and for where a logarithmic axis begins.
const NOTE_PX: f64 = 17.0;
const FLOOR_PX: f64 = 13.0;

/// A group of bars.
pub(super) struct Cell {
    pub name: &'static str,
    pub measure: Measure,
    pub bars: Vec<Bar>,
    pub note: Option<Note>,
    /// What its axis has to show where that is more than its own bars.
    pub extent: Option<Extent>,
}

/// A sentence below a group.
pub(super) struct Note {
    /// The words, the longest that may be drawn first.
    pub texts: Vec<String>,
    pub color: RGBColor,
}

impl Cell {
    /// Whether there is a value in it.
    pub fn holds_anything(&self) -> bool {
        self.bars.iter().any(|bar| bar.quantity.drawable().best().is_some())
    }

    /// What its bars reach.
    pub fn own_extent(&self) -> Extent {
        Extent::of(self.bars.iter().map(|bar| &bar.quantity))
    }
}

/// Draws groups in a grid over `body`.
pub(super) fn draw<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    body: Frame,
    cells: &[Cell],
) -> Drawn<DB> {
    let slots = cells.iter().map(|cell| cell.bars.len()).max().unwrap_or(1).max(2);
    let (columns, rows) = grid(cells.len(), slots, body);
    let places: Vec<Frame> = (0..cells.len()).map(|i| body.cell(i, columns, rows, 14.0)).collect();
    let scales: Vec<Scale> = cells
        .iter()
        .map(|cell| {
            let extent = cell.extent.unwrap_or_else(|| cell.own_extent());
            Scale::spanning(extent, 3, cell.measure, canvas.view.scaling)
        })
        .collect();
    let floor = if scales.iter().any(Scale::is_logarithmic) { FLOOR_PX } else { 0.0 };
    for ((cell, place), scale) in cells.iter().zip(places).zip(&scales) {
        let (place, floor_line) = place.split_top(place.height() - floor);
        draw_cell(canvas, place, cell, scale, slots)?;
        if let Some(text) = scale.floor_text() {
            let text = canvas.fitted(&format!("bars from {text}"), SMALL_PX, place.width())?;
            let at = (floor_line.middle_x(), floor_line.middle_y());
            canvas.text(&text, at, SMALL_PX, canvas.palette.muted, Align::Centre)?;
        }
    }
    Ok(())
}

/// Columns and rows for a number of cells, so that each is wide enough for its labels.
fn grid(cells: usize, slots: usize, body: Frame) -> (usize, usize) {
    const NARROWEST_PX: f64 = 112.0;
    let narrowest = NARROWEST_PX * (slots as f64 / 3.0).max(1.0);
    let fitting = (body.width() / narrowest).floor().max(1.0) as usize;
    let rows = cells.div_ceil(fitting.min(cells).max(1)).max(1);
    (cells.div_ceil(rows), rows)
}

fn draw_cell<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    place: Frame,
    cell: &Cell,
    scale: &Scale,
    slots: usize,
) -> Drawn<DB> {
    let palette = canvas.palette;
    let name = match scale.is_logarithmic() {
        true => format!("{} (log scale)", cell.name),
        false => cell.name.to_owned(),
    };
    let name = canvas.fitted(&name, LABEL_PX, place.width())?;
    let heading = (place.middle_x(), place.top + HEADING_PX / 2.0);
    canvas.text(&name, heading, LABEL_PX, palette.text, Align::Centre)?;
    let inner = place.without(0.0, HEADING_PX + VALUE_PX, 0.0, NOTE_PX);
    if inner.height() < 4.0 || inner.width() < 4.0 {
        return Ok(());
    }
    if scale.is_logarithmic() {
        for (value, _) in scale.ticks() {
            let y = scale.y(inner, value);
            canvas.line(&[(inner.left, y), (inner.right, y)], palette.grid, 1.0)?;
        }
    }
    let slot = inner.width() / slots as f64;
    // The group is centred where a bar has no meaning, such as the sum of peaks.
    let mut left = inner.middle_x() - slot * cell.bars.len() as f64 / 2.0;
    for bar in &cell.bars {
        bars::draw(canvas, inner, (left, left + slot), scale, cell.measure, bar)?;
        left += slot;
    }
    plot::base_line(canvas, inner)?;
    let Some(note) = &cell.note else { return Ok(()) };
    for (index, text) in note.texts.iter().enumerate() {
        let is_last = index + 1 == note.texts.len();
        if !is_last && canvas.text_width(text, SMALL_PX)? > place.width() {
            continue;
        }
        let text = canvas.fitted(text, SMALL_PX, place.width())?;
        let at = (place.middle_x(), inner.bottom + NOTE_PX / 2.0);
        return canvas.text(&text, at, SMALL_PX, note.color, Align::Centre);
    }
    Ok(())
}
