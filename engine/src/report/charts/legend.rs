//! The head of a chart: title, subtitle and legend.

use plotters::prelude::{DrawingAreaErrorKind, DrawingBackend, RGBColor};

use super::Drawn;
use super::canvas::{Align, Canvas, LABEL_PX, SMALL_PX, TITLE_PX};
use super::frame::Frame;

/// How an entry of the legend is drawn in the chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mark {
    /// A filled bar or area.
    Bar(RGBColor),
    /// A dashed outline with a whisker: a prediction and its interval.
    Prediction,
    /// A line with measured points.
    Line(RGBColor),
    /// A hollow point: predicted, not measured.
    Hollow,
    /// A dashed line.
    Dashed(RGBColor),
    /// An outline.
    Outline(RGBColor),
}

/// One entry of a legend.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub mark: Mark,
    pub label: String,
}

impl Entry {
    pub fn new(mark: Mark, label: impl Into<String>) -> Self {
        Self { mark, label: label.into() }
    }
}

const MARK_WIDTH: f64 = 16.0;
const MARK_GAP: f64 = 5.0;
const ENTRY_GAP: f64 = 14.0;
const TITLE_LINE: f64 = 22.0;
const LEGEND_LINE: f64 = 17.0;

/// Draws title, subtitle and legend at the top of `frame` and returns what is left below.
pub(super) fn head<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    frame: Frame,
    title: &str,
    subtitle: &str,
    entries: &[Entry],
) -> Result<Frame, DrawingAreaErrorKind<DB::ErrorType>> {
    let (line, below) = frame.split_top(TITLE_LINE);
    let middle = line.top + TITLE_LINE / 2.0 - 2.0;
    let title = canvas.fitted(title, TITLE_PX, line.width())?;
    canvas.text(&title, (line.left, middle), TITLE_PX, canvas.palette.text, Align::Left)?;
    let title_end = line.left + canvas.text_width(&title, TITLE_PX)? + 12.0;
    let subtitle = canvas.fitted(subtitle, LABEL_PX, line.right - title_end)?;
    let place = (title_end, middle + 1.0);
    canvas.text(&subtitle, place, LABEL_PX, canvas.palette.muted, Align::Left)?;

    let mut widths = Vec::with_capacity(entries.len());
    for entry in entries {
        widths.push(MARK_WIDTH + MARK_GAP + canvas.text_width(&entry.label, SMALL_PX)?);
    }
    let (mut x, mut y) = (below.left, below.top + LEGEND_LINE / 2.0);
    for (entry, width) in entries.iter().zip(&widths) {
        if x > below.left && x + width > below.right {
            x = below.left;
            y += LEGEND_LINE;
        }
        draw_mark(canvas, entry.mark, (x, y))?;
        let place = (x + MARK_WIDTH + MARK_GAP, y);
        canvas.text(&entry.label, place, SMALL_PX, canvas.palette.muted, Align::Left)?;
        x += width + ENTRY_GAP;
    }
    let used = if entries.is_empty() { 0.0 } else { y + LEGEND_LINE / 2.0 + 4.0 - below.top };
    Ok(below.split_top(used).1)
}

fn draw_mark<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    mark: Mark,
    (x, y): (f64, f64),
) -> Drawn<DB> {
    let (end, middle) = (x + MARK_WIDTH, x + MARK_WIDTH / 2.0);
    let swatch = Frame { left: x + 2.0, top: y - 5.0, right: end - 2.0, bottom: y + 5.0 };
    let text = canvas.palette.text;
    match mark {
        Mark::Bar(color) => canvas.fill(swatch, color, 1.0),
        Mark::Prediction => {
            canvas.dashed_outline(swatch, text, 1.0)?;
            canvas.line(
                &[(swatch.left, swatch.bottom), (swatch.right, swatch.bottom)],
                text,
                1.0,
            )?;
            canvas.line(&[(middle, y - 7.0), (middle, y - 2.0)], text, 1.0)
        }
        Mark::Line(color) => {
            canvas.line(&[(x, y), (end, y)], color, 2.0)?;
            canvas.dot((middle, y), 3.0, color, true)
        }
        Mark::Hollow => canvas.dot((middle, y), 3.0, canvas.palette.muted, false),
        Mark::Dashed(color) => canvas.dashed_line((x, y), (end, y), color, 1.5),
        Mark::Outline(color) => canvas.outline(swatch, color, 2.0),
    }
}
