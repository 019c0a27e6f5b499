//! Predicted and measured proving time and memory, slice by slice.

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingAreaErrorKind, DrawingBackend, RGBColor};

use super::bars::{self, Bar, VALUE_PX};
use super::canvas::Canvas;
use super::data::{PerSliceData, Quantity};
use super::frame::Frame;
use super::legend::{Entry, Mark, head};
use super::plot::{self, AXIS_PX, HEADING_PX};
use super::scale::{Measure, Scale};
use super::{Drawn, Look};

pub(super) const TITLE: &str = "Cost by slice";

/// Draws the slices' costs over all of `area`: time above, memory below.
///
/// # Errors
/// What the backend reports.
pub fn per_slice<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    data: &PerSliceData,
    look: Look,
) -> Drawn<DB> {
    let canvas = Canvas::new(area, look);
    let palette = canvas.palette;
    let entries = [
        Entry::new(Mark::Bar(palette.sum), "proving time"),
        Entry::new(Mark::Bar(palette.memory), "peak memory"),
        Entry::new(Mark::Prediction, "predicted, with interval"),
    ];
    let frame = canvas.frame().inset(12.0);
    let body = head(&canvas, frame, TITLE, &data.subtitle, &entries)?;
    let secs: Vec<Quantity> = data.slices.iter().map(|slice| slice.prove_secs).collect();
    let bytes: Vec<Quantity> = data.slices.iter().map(|slice| slice.peak_bytes).collect();
    let any = |all: &[Quantity]| all.iter().any(|quantity| quantity.drawable().best().is_some());
    let panels: Vec<_> = [
        ("Prove", Measure::Secs, palette.sum, secs),
        ("Peak memory", Measure::Bytes, palette.memory, bytes),
    ]
    .into_iter()
    .filter(|(_, _, _, values)| any(values))
    .collect();
    if panels.is_empty() {
        return plot::nothing_yet(&canvas, body, "No slice has been predicted or measured yet.");
    }
    let body = plot::axis_name(&canvas, body, "slice")?;
    let names: Vec<&str> = data.slices.iter().map(|slice| slice.name.as_str()).collect();
    let places: Vec<Frame> =
        (0..panels.len()).map(|i| body.cell(i, 1, panels.len(), 8.0)).collect();
    let mut scales = Vec::new();
    let mut margin: f64 = 0.0;
    for ((_, measure, _, values), place) in panels.iter().zip(&places) {
        let top = values.iter().map(Quantity::top).fold(0.0, f64::max);
        let scale = Scale::reaching(top, plot::ticks_for(inner(*place, 0.0).height()), *measure);
        margin = margin.max(plot::labels_width(&canvas, &scale)?);
        scales.push(scale);
    }
    for (((name, measure, color, values), place), scale) in panels.iter().zip(places).zip(scales) {
        plot::heading(&canvas, place, name, &scale)?;
        let plot = inner(place, margin);
        panel(&canvas, plot, &scale, *measure, *color, values, &names)?;
    }
    Ok(())
}

fn inner(place: Frame, margin: f64) -> Frame {
    place.without(margin, HEADING_PX + VALUE_PX * 0.6, 0.0, AXIS_PX)
}

fn panel<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    plot: Frame,
    scale: &Scale,
    measure: Measure,
    color: RGBColor,
    values: &[Quantity],
    names: &[&str],
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    if plot.height() < 4.0 || plot.width() < 4.0 {
        return Ok(());
    }
    plot::vertical_axis(canvas, plot, scale)?;
    let slot = plot.width() / values.len().max(1) as f64;
    let mut labels = Vec::with_capacity(names.len());
    for (i, (quantity, name)) in values.iter().zip(names).enumerate() {
        let left = plot.left + i as f64 * slot;
        let bar = Bar { quantity: *quantity, color, partial: false };
        bars::draw(canvas, plot, (left, left + slot), scale, measure, &bar)?;
        let name = canvas.fitted(name, super::canvas::SMALL_PX, slot.max(60.0))?;
        labels.push((left + slot / 2.0, name));
    }
    plot::base_line(canvas, plot)?;
    plot::names_below(canvas, plot, &labels)
}
