//! Predicted and measured proving time and memory, slice by slice.

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingAreaErrorKind, DrawingBackend, RGBColor};

use super::bars::{self, Bar, VALUE_PX};
use super::canvas::Canvas;
use super::data::{PerSliceData, Quantity};
use super::frame::Frame;
use super::legend::{ALL_HIDDEN, Entry, Mark, head};
use super::plot::{self, AXIS_PX, HEADING_PX};
use super::scale::{Extent, Measure, Scale};
use super::scene::Scene;
use super::view::{Series, View};
use super::{Drawn, Look};

pub(super) const TITLE: &str = "Cost by slice";

/// One row of bars, a bar for each slice.
struct Panel {
    name: &'static str,
    measure: Measure,
    series: Series,
    color: RGBColor,
    values: Vec<Quantity>,
}

impl Panel {
    fn holds_anything(&self) -> bool {
        self.values.iter().any(|quantity| quantity.drawable().best().is_some())
    }
}

/// Draws the slices' costs over all of `area`: time above, memory below.
///
/// # Errors
/// What the backend reports.
pub fn per_slice<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    data: &PerSliceData,
    look: Look,
    view: &View,
) -> Drawn<DB, Scene> {
    let canvas = Canvas::new(area, look, view);
    let palette = canvas.palette;
    let entries = [
        Entry::of(Series::Time, Mark::Bar(palette.sum), "proving time"),
        Entry::of(Series::Memory, Mark::Bar(palette.memory), "peak memory"),
        Entry::predicted(),
    ];
    let frame = canvas.frame().inset(12.0);
    let body = head(&canvas, frame, TITLE, &data.subtitle, &entries)?;
    let mut panels = vec![
        Panel {
            name: "Prove",
            measure: Measure::Secs,
            series: Series::Time,
            color: palette.sum,
            values: data.slices.iter().map(|slice| slice.prove_secs).collect(),
        },
        Panel {
            name: "Peak memory",
            measure: Measure::Bytes,
            series: Series::Memory,
            color: palette.memory,
            values: data.slices.iter().map(|slice| slice.peak_bytes).collect(),
        },
    ];
    panels.retain(Panel::holds_anything);
    let is_empty = panels.is_empty();
    for panel in &mut panels {
        for quantity in &mut panel.values {
            *quantity = view.quantity(*quantity);
        }
    }
    panels.retain(|panel| view.shows(panel.series) && panel.holds_anything());
    if panels.is_empty() {
        let text = match is_empty {
            true => "No slice has been predicted or measured yet.",
            false => ALL_HIDDEN,
        };
        plot::nothing_yet(&canvas, body, text)?;
        return Ok(canvas.into_scene());
    }
    let body = plot::axis_name(&canvas, body, "slice")?;
    let names: Vec<&str> = data.slices.iter().map(|slice| slice.name.as_str()).collect();
    let places: Vec<Frame> =
        (0..panels.len()).map(|i| body.cell(i, 1, panels.len(), 8.0)).collect();
    let mut scales = Vec::new();
    let mut margin: f64 = 0.0;
    for (panel, place) in panels.iter().zip(&places) {
        let ticks = plot::ticks_for(inner(*place, 0.0).height());
        let extent = Extent::of(&panel.values);
        let scale = Scale::spanning(extent, ticks, panel.measure, view.scaling);
        margin = margin.max(plot::labels_width(&canvas, &scale)?);
        scales.push(scale);
    }
    for ((panel, place), scale) in panels.iter().zip(places).zip(scales) {
        plot::heading(&canvas, place, panel.name, &scale)?;
        draw_panel(&canvas, inner(place, margin), &scale, panel, &names)?;
    }
    Ok(canvas.into_scene())
}

fn inner(place: Frame, margin: f64) -> Frame {
    place.without(margin, HEADING_PX + VALUE_PX * 0.6, 0.0, AXIS_PX)
}

fn draw_panel<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    plot: Frame,
    scale: &Scale,
    panel: &Panel,
    names: &[&str],
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    if plot.height() < 4.0 || plot.width() < 4.0 {
        return Ok(());
    }
    plot::vertical_axis(canvas, plot, scale)?;
    let slot = plot.width() / panel.values.len().max(1) as f64;
    let mut labels = Vec::with_capacity(names.len());
    for (i, (quantity, name)) in panel.values.iter().zip(names).enumerate() {
        let left = plot.left + i as f64 * slot;
        let bar = Bar {
            quantity: *quantity,
            color: panel.color,
            partial: false,
            series: panel.series,
            label: format!("{}: slice {name}", panel.name),
        };
        bars::draw(canvas, plot, (left, left + slot), scale, panel.measure, &bar)?;
        let name = canvas.fitted(name, super::canvas::SMALL_PX, slot.max(60.0))?;
        labels.push((left + slot / 2.0, name));
    }
    plot::base_line(canvas, plot)?;
    plot::names_below(canvas, plot, &labels)
}
