//! Bars: a filled one for what was measured, a dashed outline with a whisker for what was expected.
//!
//! On a logarithmic axis a bar stands on the axis' near end, which is not zero: a tear across its
//! foot says so.

use plotters::prelude::{DrawingAreaErrorKind, DrawingBackend, RGBColor};

use super::Drawn;
use super::canvas::{Align, Canvas, SMALL_PX};
use super::data::Quantity;
use super::frame::Frame;
use super::scale::{Measure, Scale};
use super::scene::{Hit, Value};
use super::view::Series;

/// Room above the highest bar for its value.
pub(super) const VALUE_PX: f64 = 15.0;

/// The smallest size of text that is still worth drawing.
const TINY_PX: f64 = 8.5;

/// One bar of a group.
pub(super) struct Bar {
    pub quantity: Quantity,
    pub color: RGBColor,
    /// Whether the measured value still lacks pieces.
    pub partial: bool,
    pub series: Series,
    /// What it is, in full.
    pub label: String,
}

/// Draws the bar over the slot between `left` and `right`, its value above it where that fits.
pub(super) fn draw<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    plot: Frame,
    (left, right): (f64, f64),
    scale: &Scale,
    measure: Measure,
    bar: &Bar,
) -> Drawn<DB> {
    const WIDEST_PX: f64 = 44.0;
    let middle = (left + right) / 2.0;
    let half = ((right - left) * 0.4).min(WIDEST_PX / 2.0);
    let quantity = canvas.view.quantity(bar.quantity).drawable();
    let column = |value: f64| Frame {
        left: middle - half,
        top: scale.y(plot, value),
        right: middle + half,
        bottom: plot.bottom,
    };
    let mut top = plot.bottom;
    if let Some(value) = quantity.measured {
        // A value that rounds to nothing still shows that it was measured.
        let full = column(value);
        let shown = Frame { top: full.top.min(plot.bottom - 1.0), ..full };
        canvas.fill(shown, bar.color, if bar.partial { 0.5 } else { 1.0 })?;
        top = top.min(shown.top);
    }
    if let Some(expected) = quantity.predicted {
        let text = canvas.palette.text;
        if quantity.measured.is_none() {
            canvas.fill(column(expected.value), bar.color, 0.18)?;
        }
        canvas.dashed_outline(column(expected.value), text, 1.0)?;
        let (low, high) = (scale.y(plot, expected.low), scale.y(plot, expected.high));
        if low - high > 1.0 {
            let cap = (half * 0.35).max(1.5);
            canvas.line(&[(middle, low), (middle, high)], text, 1.0)?;
            for y in [low, high] {
                canvas.line(&[(middle - cap, y), (middle + cap, y)], text, 1.0)?;
            }
        }
        top = top.min(high.min(scale.y(plot, expected.value)));
    }
    if quantity.best().is_none() {
        return Ok(());
    }
    if scale.is_logarithmic() && plot.bottom - top > 10.0 {
        tear(canvas, Frame { top, ..column(0.0) })?;
    }
    canvas.hit(Hit {
        frame: Frame { top, ..column(0.0) },
        reach: Frame { left, right, top: plot.top - VALUE_PX, bottom: plot.bottom },
        label: bar.label.clone(),
        series: bar.series,
        value: Value::Quantity { quantity, measure, partial: bar.partial },
    });
    let Some(label) = value_label(&quantity, measure, bar.partial) else { return Ok(()) };
    let color =
        if quantity.measured.is_some() { canvas.palette.text } else { canvas.palette.muted };
    if let Some(size) = fitting_size(canvas, &label, right - left - 2.0)? {
        canvas.text(&label, (middle, top - VALUE_PX / 2.0), size, color, Align::Centre)?;
    }
    Ok(())
}

/// Two slanted lines in the ground's colour across the foot of a bar that doesn't begin at zero.
fn tear<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, column: Frame) -> Drawn<DB> {
    for above in [4.0, 7.0] {
        let y = column.bottom - above;
        let ends = [(column.left - 1.0, y + 1.0), (column.right + 1.0, y - 1.0)];
        canvas.line(&ends, canvas.palette.background, 1.5)?;
    }
    Ok(())
}

/// What was measured, else what is expected; signs tell which, and whether more is to come.
fn value_label(quantity: &Quantity, measure: Measure, partial: bool) -> Option<String> {
    match (quantity.measured, quantity.predicted) {
        (Some(value), _) if partial => Some(format!("≥ {}", measure.text(value))),
        (Some(value), _) => Some(measure.text(value)),
        (None, Some(expected)) => Some(format!("~{}", measure.text(expected.value))),
        (None, None) => None,
    }
}

/// The largest readable size at which a label fits in a width.
fn fitting_size<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    label: &str,
    width: f64,
) -> Result<Option<f64>, DrawingAreaErrorKind<DB::ErrorType>> {
    let needed = canvas.text_width(label, SMALL_PX)?.max(1.0);
    let size = SMALL_PX * (width / needed).min(1.0);
    Ok((size >= TINY_PX).then_some(size))
}
