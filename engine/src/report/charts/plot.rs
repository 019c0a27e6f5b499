//! What charts with axes share: a heading with the unit, grid lines, labels that never overlap.

use plotters::prelude::{DrawingAreaErrorKind, DrawingBackend};

use super::Drawn;
use super::canvas::{Align, Canvas, LABEL_PX, SMALL_PX};
use super::frame::Frame;
use super::scale::Scale;

/// Room for a panel's heading, and for the labels under an axis.
pub(super) const HEADING_PX: f64 = 20.0;
pub(super) const AXIS_PX: f64 = 18.0;

/// Room between a label and its axis.
const LABEL_GAP: f64 = 6.0;

/// How many grid lines suit a plot of some height.
pub(super) fn ticks_for(height: f64) -> usize {
    (height / 28.0).clamp(2.0, 6.0) as usize
}

/// The widest of the scale's labels, with the gap to the axis.
pub(super) fn labels_width<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    scale: &Scale,
) -> Result<f64, DrawingAreaErrorKind<DB::ErrorType>> {
    let mut widest: f64 = 0.0;
    for (_, label) in scale.ticks() {
        widest = widest.max(canvas.text_width(&label, SMALL_PX)?);
    }
    Ok(widest + LABEL_GAP)
}

/// A panel's heading: what it shows, and the unit of its axis.
pub(super) fn heading<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    panel: Frame,
    name: &str,
    scale: &Scale,
) -> Drawn<DB> {
    let text = canvas.fitted(&format!("{name} ({})", scale.unit()), LABEL_PX, panel.width())?;
    let place = (panel.left, panel.top + HEADING_PX / 2.0 - 1.0);
    canvas.text(&text, place, LABEL_PX, canvas.palette.text, Align::Left)
}

/// Grid lines over `plot`, their labels to its left, and its base line.
pub(super) fn vertical_axis<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    plot: Frame,
    scale: &Scale,
) -> Drawn<DB> {
    for (value, label) in scale.ticks() {
        let y = scale.y(plot, value);
        if y < plot.bottom - 0.5 {
            canvas.line(&[(plot.left, y), (plot.right, y)], canvas.palette.grid, 1.0)?;
        }
        let place = (plot.left - LABEL_GAP, y);
        canvas.text(&label, place, SMALL_PX, canvas.palette.muted, Align::Right)?;
    }
    base_line(canvas, plot)
}

/// Grid lines over `plot` and their labels below it, with the unit behind the last.
pub(super) fn horizontal_axis<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    plot: Frame,
    scale: &Scale,
    with_labels: bool,
) -> Drawn<DB> {
    for (value, label) in scale.ticks() {
        let x = scale.x(plot, value);
        if value > 0.0 {
            canvas.line(&[(x, plot.top), (x, plot.bottom)], canvas.palette.grid, 1.0)?;
        }
        if with_labels {
            let label = if value == 0.0 { format!("0 {}", scale.unit()) } else { label };
            let place = (x, plot.bottom + AXIS_PX / 2.0 + 1.0);
            canvas.text(&label, place, SMALL_PX, canvas.palette.muted, Align::Centre)?;
        }
    }
    base_line(canvas, plot)
}

/// Names under the points of an axis, thinned so that they don't touch.
pub(super) fn names_below<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    plot: Frame,
    names: &[(f64, String)],
) -> Drawn<DB> {
    const BETWEEN: f64 = 5.0;
    let mut free_from = f64::NEG_INFINITY;
    for (x, name) in names {
        let half = canvas.text_width(name, SMALL_PX)? / 2.0;
        if x - half < free_from {
            continue;
        }
        let place = (*x, plot.bottom + AXIS_PX / 2.0 + 1.0);
        canvas.text(name, place, SMALL_PX, canvas.palette.muted, Align::Centre)?;
        free_from = x + half + BETWEEN;
    }
    Ok(())
}

/// The line that bars stand on.
pub(super) fn base_line<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, plot: Frame) -> Drawn<DB> {
    canvas.line(&[(plot.left, plot.bottom), (plot.right, plot.bottom)], canvas.palette.axis, 1.0)
}

/// What the names below count, in a line of its own at the bottom of `frame`. Returns the rest.
pub(super) fn axis_name<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    frame: Frame,
    name: &str,
) -> Result<Frame, DrawingAreaErrorKind<DB::ErrorType>> {
    let (rest, line) = frame.split_top(frame.height() - AXIS_PX * 0.8);
    let name = canvas.fitted(name, SMALL_PX, line.width())?;
    let place = (line.middle_x(), line.middle_y() + 2.0);
    canvas.text(&name, place, SMALL_PX, canvas.palette.muted, Align::Centre)?;
    Ok(rest)
}

/// A sentence in the middle of a chart that has nothing to show yet.
pub(super) fn nothing_yet<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    frame: Frame,
    text: &str,
) -> Drawn<DB> {
    let text = canvas.fitted(text, LABEL_PX, frame.width())?;
    let place = (frame.middle_x(), frame.middle_y());
    canvas.text(&text, place, LABEL_PX, canvas.palette.muted, Align::Centre)
}
