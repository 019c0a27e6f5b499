//! The head of a chart: title, subtitle and legend.

use plotters::prelude::{DrawingAreaErrorKind, DrawingBackend, RGBColor};

use super::Drawn;
use super::canvas::{Align, Canvas, LABEL_PX, SMALL_PX, TITLE_PX};
use super::frame::Frame;
use super::palette;
use super::scene::LegendItem;
use super::view::Series;

/// How an entry of the legend is drawn in the chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mark {
    /// A filled bar or area.
    Bar(RGBColor),
    /// A dashed outline with a whisker: a prediction and its interval.
    Prediction,
    /// A line with measured points.
    Line(RGBColor),
    /// A point.
    Dot(RGBColor),
    /// A plain line.
    Stroke(RGBColor),
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
    mark: Mark,
    label: String,
    series: Option<Series>,
}

impl Entry {
    /// The entry of a series, which it can hide.
    pub fn of(series: Series, mark: Mark, label: impl Into<String>) -> Self {
        Self { mark, label: label.into(), series: Some(series) }
    }

    /// An entry that only explains a mark.
    pub fn fixed(mark: Mark, label: impl Into<String>) -> Self {
        Self { mark, label: label.into(), series: None }
    }

    /// The entry of what was predicted.
    pub fn predicted() -> Self {
        Self::of(Series::Predicted, Mark::Prediction, "predicted, with interval")
    }
}

/// What stands in a chart that has values, of which none is shown.
pub(super) const ALL_HIDDEN: &str = "All values are hidden: show a series in the legend.";

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

    let is_shown = |entry: &Entry| entry.series.is_none_or(|series| canvas.shows(series));
    let (mut x, mut y) = (below.left, below.top + LEGEND_LINE / 2.0);
    let mut used = 0.0;
    for entry in entries.iter().filter(|entry| canvas.interactive || is_shown(entry)) {
        let room = below.width() - MARK_WIDTH - MARK_GAP;
        let label = canvas.fitted(&entry.label, SMALL_PX, room)?;
        let width = MARK_WIDTH + MARK_GAP + canvas.text_width(&label, SMALL_PX)?;
        if x > below.left && x + width > below.right {
            x = below.left;
            y += LEGEND_LINE;
        }
        let half = LEGEND_LINE / 2.0;
        let frame = Frame { left: x, top: y - half, right: x + width, bottom: y + half };
        draw_entry(canvas, entry.mark, &label, is_shown(entry), (x, y), frame.right)?;
        let (series, shown) = (entry.series, is_shown(entry));
        canvas.legend_item(LegendItem { frame, label: entry.label.clone(), series, shown });
        x += width + ENTRY_GAP;
        used = y + LEGEND_LINE / 2.0 + 4.0 - below.top;
    }
    Ok(below.split_top(used).1)
}

/// Draws an entry; that of a hidden series dimmed and struck through, so that colour is not all
/// that tells.
fn draw_entry<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    mark: Mark,
    label: &str,
    is_shown: bool,
    (x, y): (f64, f64),
    right: f64,
) -> Drawn<DB> {
    let muted = canvas.palette.muted;
    let color = if is_shown { muted } else { palette::dimmed(muted, canvas.palette.background) };
    draw_mark(canvas, mark, is_shown, (x, y))?;
    let left = x + MARK_WIDTH + MARK_GAP;
    canvas.text(label, (left, y), SMALL_PX, color, Align::Left)?;
    if !is_shown {
        canvas.line(&[(left, y), (right, y)], color, 1.0)?;
    }
    Ok(())
}

fn draw_mark<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    mark: Mark,
    is_shown: bool,
    (x, y): (f64, f64),
) -> Drawn<DB> {
    let ink = |color: RGBColor| {
        if is_shown { color } else { palette::dimmed(color, canvas.palette.background) }
    };
    let (end, middle) = (x + MARK_WIDTH, x + MARK_WIDTH / 2.0);
    let swatch = Frame { left: x + 2.0, top: y - 5.0, right: end - 2.0, bottom: y + 5.0 };
    let text = ink(canvas.palette.text);
    match mark {
        Mark::Bar(color) => canvas.fill(swatch, ink(color), 1.0),
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
            canvas.line(&[(x, y), (end, y)], ink(color), 2.0)?;
            canvas.dot((middle, y), 3.0, ink(color), true)
        }
        Mark::Dot(color) => canvas.dot((middle, y), 3.5, ink(color), true),
        Mark::Stroke(color) => canvas.line(&[(x, y), (end, y)], ink(color), 1.5),
        Mark::Hollow => canvas.dot((middle, y), 3.0, ink(canvas.palette.muted), false),
        Mark::Dashed(color) => canvas.dashed_line((x, y), (end, y), ink(color), 1.5),
        Mark::Outline(color) => canvas.outline(swatch, ink(color), 2.0),
    }
}
