//! Error against predicted cost over settings of bits, with the curve of the least error for each
//! cost and the setting that is chosen.

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingAreaErrorKind, DrawingBackend};

use super::canvas::{Align, Canvas, SMALL_PX};
use super::data::{BitsData, Quantity};
use super::frame::Frame;
use super::legend::{ALL_HIDDEN, Entry, Mark, head};
use super::plot::{self, AXIS_PX, HEADING_PX};
use super::scale::{Extent, Measure, Scale};
use super::scene::{Hit, Scene, Value};
use super::view::{Scaling, Series, View};
use super::{Drawn, Look};
use crate::bits::{Bits, Point, frontier};

pub(super) const TITLE: &str = "Error against cost";

/// A setting with its place in the plot.
struct Spot<'a> {
    point: &'a Point,
    at: (f64, f64),
}

/// Draws the settings over all of `area`: predicted seconds to the right, D1 upwards, both on
/// logarithmic axes unless the view asks for linear ones.
///
/// # Errors
/// What the backend reports.
pub fn bits<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    data: &BitsData,
    look: Look,
    view: &View,
) -> Drawn<DB, Scene> {
    let canvas = Canvas::new(area, look, view);
    let palette = canvas.palette;
    let drawable: Vec<(&Point, f64, f64)> = data.points.iter().filter_map(figures).collect();
    let mut weights: Vec<u32> = drawable.iter().map(|(p, ..)| p.bits.weight_bits).collect();
    weights.sort_unstable();
    weights.dedup();
    let mut entries: Vec<Entry> = weights
        .iter()
        .enumerate()
        .map(|(place, &bits)| {
            let mark = Mark::Dot(palette.step(place, weights.len()));
            Entry::of(Series::Weights(bits), mark, format!("{bits}-bit weights"))
        })
        .collect();
    let line = Mark::Dashed(palette.muted);
    entries.push(Entry::of(Series::Frontier, Mark::Stroke(palette.text), "least for its cost"));
    if data.target_d1.is_some() {
        entries.push(Entry::of(Series::Target, line, "target"));
    }
    let frame = canvas.frame().inset(12.0);
    let body = head(&canvas, frame, TITLE, &data.subtitle, &entries)?;
    let shown: Vec<(&Point, f64, f64)> = drawable
        .iter()
        .filter(|(point, ..)| view.shows(Series::Weights(point.bits.weight_bits)))
        .copied()
        .collect();
    if shown.is_empty() {
        let text = match (drawable.is_empty(), data.points.is_empty()) {
            (false, _) => ALL_HIDDEN,
            (true, false) => "No setting has both an answer and a predicted cost yet.",
            (true, true) => "No settings of bits have been tried yet.",
        };
        plot::nothing_yet(&canvas, body, text)?;
        return Ok(canvas.into_scene());
    }
    let body = plot::axis_name(&canvas, body, "predicted time to prove all slices")?;
    let (x, y) = scales(&shown, data.target_d1, body, view.scaling);
    let margin = plot::labels_width(&canvas, &y)?;
    plot::heading(&canvas, body, "Mean D1", &y)?;
    let plot = body.without(margin, HEADING_PX + 6.0, 14.0, AXIS_PX);
    if plot.height() < 4.0 || plot.width() < 4.0 {
        return Ok(canvas.into_scene());
    }
    plot::vertical_axis(&canvas, plot, &y)?;
    plot::horizontal_axis(&canvas, plot, &x, true)?;
    if let Some(d1) = data.target_d1.filter(|_| canvas.shows(Series::Target)) {
        let height = y.y(plot, d1);
        canvas.dashed_line((plot.left, height), (plot.right, height), palette.muted, 1.5)?;
    }
    let spots: Vec<Spot<'_>> = shown
        .iter()
        .map(|&(point, secs, d1)| Spot { point, at: (x.x(plot, secs), y.y(plot, d1)) })
        .collect();
    draw_frontier(&canvas, plot, &spots)?;
    let radius = (plot.width().min(plot.height()) / 70.0).clamp(2.0, 4.0);
    for spot in &spots {
        let place = weights.binary_search(&spot.point.bits.weight_bits).unwrap_or(0);
        canvas.dot(spot.at, radius, palette.step(place, weights.len()), true)?;
        canvas.hit(hit(spot, radius));
    }
    for (bits, color, word) in
        [(data.current, palette.muted, "now"), (data.chosen, palette.good, "chosen")]
    {
        let found = spots.iter().find(|spot| Some(spot.point.bits) == bits);
        // What is chosen and in use already has one ring and one label.
        let hides = word == "now" && data.current == data.chosen;
        if let Some(spot) = found.filter(|_| !hides) {
            draw_ring(&canvas, plot, spot, radius, color, word)?;
        }
    }
    Ok(canvas.into_scene())
}

/// The point with its seconds and its D1, where both can be drawn.
fn figures(point: &Point) -> Option<(&Point, f64, f64)> {
    let shown = |value: f64| (value.is_finite() && value >= 0.0).then_some(value);
    Some((point, shown(point.prove_secs())?, shown(point.d1?)?))
}

/// The axes of time and of error.
fn scales(
    shown: &[(&Point, f64, f64)],
    target_d1: Option<f64>,
    body: Frame,
    scaling: Scaling,
) -> (Scale, Scale) {
    let secs: Vec<Quantity> = shown.iter().map(|&(_, secs, _)| Quantity::measured(secs)).collect();
    let errors = shown.iter().map(|&(.., d1)| d1).chain(target_d1);
    let errors: Vec<Quantity> = errors.map(Quantity::measured).collect();
    // Each bit halves the error and may double the time: on linear axes most settings would lie
    // on each other.
    let scaling = if scaling == Scaling::Auto { Scaling::Log } else { scaling };
    let across = (body.width() / 80.0).clamp(2.0, 8.0) as usize;
    let up = plot::ticks_for(body.height() - HEADING_PX - AXIS_PX);
    let scale = |quantities: &[Quantity], factor, ticks, measure| {
        let extent = Extent::of(quantities).raised(factor);
        Scale::spanning(extent, ticks, measure, scaling).close_to(extent, ticks)
    };
    (scale(&secs, 1.1, across, Measure::Secs), scale(&errors, 1.3, up, Measure::Distance))
}

/// The curve of the least error for each cost: between two of its settings the cheaper one is the
/// best to be had, so that it goes in steps.
fn draw_frontier<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    plot: Frame,
    spots: &[Spot<'_>],
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    if !canvas.shows(Series::Frontier) {
        return Ok(());
    }
    let points: Vec<Point> = spots.iter().map(|spot| spot.point.clone()).collect();
    let course: Vec<&Spot<'_>> =
        frontier(&points).into_iter().filter_map(|index| spots.get(index)).collect();
    let mut steps = Vec::new();
    for spot in &course {
        if let Some(&(_, above)) = steps.last() {
            steps.push((spot.at.0, above));
        }
        steps.push(spot.at);
    }
    canvas.line(&steps, canvas.palette.text, 1.0)?;
    if let Some(&(x, y)) = steps.last() {
        canvas.line(&[(x, y), (plot.right, y)], canvas.palette.text, 1.0)?;
    }
    Ok(())
}

fn hit(spot: &Spot<'_>, radius: f64) -> Hit {
    let Point { bits, d1, argmax_agreement, inputs, failed, .. } = *spot.point;
    let (prove_secs, peak_bytes) = spot
        .point
        .cost
        .as_ref()
        .map_or((0.0, 0), |cost| (cost.predicted_prove_secs, cost.predicted_peak_bytes));
    Hit {
        frame: Frame::around(spot.at, radius),
        reach: Frame::around(spot.at, radius + 4.0),
        label: bits.to_string(),
        series: Series::Weights(bits.weight_bits),
        value: Value::Setting {
            bits,
            d1: d1.unwrap_or(0.0),
            argmax_agreement: argmax_agreement.unwrap_or(0.0),
            inputs,
            failed,
            prove_secs,
            peak_bytes: peak_bytes as f64,
        },
    }
}

/// A ring around a setting, with a word beside it on the side where there is room.
fn draw_ring<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    plot: Frame,
    spot: &Spot<'_>,
    radius: f64,
    color: plotters::style::RGBColor,
    word: &str,
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    let (x, y) = spot.at;
    canvas.ring(spot.at, radius + 4.0, color, 2.0)?;
    let Bits { act_bits, weight_bits } = spot.point.bits;
    let label = format!("{word}: {act_bits} × {weight_bits} bits");
    let gap = radius + 9.0;
    let width = canvas.text_width(&label, SMALL_PX)?;
    let align = if x + gap + width > plot.right { Align::Right } else { Align::Left };
    let beside = if align == Align::Right { x - gap } else { x + gap };
    // Above the curve, which falls to the right.
    let height = (y - 9.0).max(plot.top + 4.0);
    canvas.text(&label, (beside, height), SMALL_PX, color, align)
}
