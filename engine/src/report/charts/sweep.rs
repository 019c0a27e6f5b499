//! Cost over the number of slices, with the number that is recommended.

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingAreaErrorKind, DrawingBackend, RGBColor};

use super::canvas::{Align, Canvas, SMALL_PX};
use super::data::{Predicted, Quantity, SweepData, SweepPoint};
use super::frame::Frame;
use super::legend::{ALL_HIDDEN, Entry, Mark, head};
use super::palette::Palette;
use super::plot::{self, AXIS_PX, HEADING_PX};
use super::scale::{Extent, Measure, Scale};
use super::scene::{Hit, Scene, Value};
use super::view::{Series, View};
use super::{Drawn, Look};

pub(super) const TITLE: &str = "Cost over the number of slices";

/// One line of a panel: its series, its name, its colour and the value that it follows.
#[derive(Clone, Copy)]
struct Line {
    series: Series,
    name: &'static str,
    color: RGBColor,
    of: fn(&SweepPoint) -> Quantity,
}

/// A plot with several lines over the same axis.
struct Panel {
    name: &'static str,
    measure: Measure,
    lines: Vec<Line>,
}

/// Draws the sweep over all of `area`: time above, memory below.
///
/// # Errors
/// What the backend reports.
pub fn sweep<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    data: &SweepData,
    look: Look,
    view: &View,
) -> Drawn<DB, Scene> {
    let canvas = Canvas::new(area, look, view);
    let palette = canvas.palette;
    let lines = lines(palette);
    let mut entries: Vec<Entry> = lines
        .iter()
        .map(|line| Entry::of(line.series, Mark::Line(line.color), line.name))
        .collect();
    entries.push(Entry::of(Series::Predicted, Mark::Hollow, "predicted"));
    if data.current.is_some() {
        entries.push(Entry::of(Series::Current, Mark::Dashed(palette.muted), "this plan"));
    }
    let frame = canvas.frame().inset(12.0);
    let body = head(&canvas, frame, TITLE, &data.subtitle, &entries)?;
    let [sum, slowest, memory] = lines;
    let mut panels = vec![
        Panel { name: "Time", measure: Measure::Secs, lines: vec![sum, slowest] },
        Panel {
            name: "Peak memory of the largest slice",
            measure: Measure::Bytes,
            lines: vec![memory],
        },
    ];
    let is_empty = !panels.iter().any(|panel| panel.holds_anything(data, &View::default()));
    for panel in &mut panels {
        panel.lines.retain(|line| view.shows(line.series));
    }
    panels.retain(|panel| panel.holds_anything(data, view));
    if panels.is_empty() {
        let text = if is_empty { "No plan has been estimated yet." } else { ALL_HIDDEN };
        plot::nothing_yet(&canvas, body, text)?;
        return Ok(canvas.into_scene());
    }
    let body = plot::axis_name(&canvas, body, "number of slices")?;
    let places: Vec<Frame> =
        (0..panels.len()).map(|i| body.cell(i, 1, panels.len(), 6.0)).collect();
    let mut margin: f64 = 0.0;
    let mut scales = Vec::new();
    for (panel, place) in panels.iter().zip(&places) {
        let ticks = plot::ticks_for(inner(*place, 0.0).height());
        let extent = panel.extent(data, view).raised(1.04);
        let scale = Scale::spanning(extent, ticks, panel.measure, view.scaling);
        margin = margin.max(plot::labels_width(&canvas, &scale)?);
        scales.push(scale);
    }
    for (i, ((panel, place), scale)) in panels.iter().zip(places).zip(scales).enumerate() {
        plot::heading(&canvas, place, panel.name, &scale)?;
        let plot = inner(place, margin);
        if plot.height() >= 4.0 && plot.width() >= 4.0 {
            draw_panel(&canvas, plot, &scale, panel, data, i == 0)?;
        }
    }
    Ok(canvas.into_scene())
}

fn lines(palette: Palette) -> [Line; 3] {
    [
        Line {
            series: Series::Sum,
            name: "sum over slices",
            color: palette.sum,
            of: |point| point.sum_secs,
        },
        Line {
            series: Series::Largest,
            name: "slowest slice",
            color: palette.largest,
            of: |point| point.slowest_secs,
        },
        Line {
            series: Series::Memory,
            name: "peak memory",
            color: palette.memory,
            of: |point| point.peak_bytes,
        },
    ]
}

fn inner(place: Frame, margin: f64) -> Frame {
    place.without(margin, HEADING_PX + 6.0, 0.0, AXIS_PX)
}

impl Panel {
    fn quantities(&self, data: &SweepData, view: &View) -> Vec<Quantity> {
        let of_point = |point| self.lines.iter().map(move |line| view.quantity((line.of)(point)));
        data.points.iter().flat_map(of_point).collect()
    }

    fn holds_anything(&self, data: &SweepData, view: &View) -> bool {
        let quantities = self.quantities(data, view);
        quantities.iter().any(|quantity| quantity.drawable().best().is_some())
    }

    fn extent(&self, data: &SweepData, view: &View) -> Extent {
        Extent::of(&self.quantities(data, view))
    }
}

/// Where a number of slices stands: the points are spread evenly over the whole range, with half a
/// step to each side.
fn x_of(plot: Frame, data: &SweepData, slices: usize) -> f64 {
    let counts = || data.points.iter().map(|point| point.slices);
    let (least, most) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
    let steps = (most - least) as f64 + 1.0;
    let offset = slices.clamp(least, most.max(least)) - least;
    plot.left + plot.width() * (offset as f64 + 0.5) / steps
}

fn draw_panel<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    plot: Frame,
    scale: &Scale,
    panel: &Panel,
    data: &SweepData,
    first: bool,
) -> Drawn<DB> {
    let known = |count: Option<usize>| count.filter(|c| data.points.iter().any(|p| p.slices == *c));
    if let Some(count) = known(data.sweet_spot) {
        draw_sweet_spot(canvas, plot, data, count, first)?;
    }
    plot::vertical_axis(canvas, plot, scale)?;
    if let Some(count) = known(data.current).filter(|_| canvas.shows(Series::Current)) {
        let x = x_of(plot, data, count);
        canvas.dashed_line((x, plot.top), (x, plot.bottom), canvas.palette.muted, 1.0)?;
    }
    for line in &panel.lines {
        draw_line(canvas, plot, scale, panel.measure, line, data)?;
    }
    let mut names: Vec<(f64, String)> = data
        .points
        .iter()
        .map(|point| (x_of(plot, data, point.slices), point.slices.to_string()))
        .collect();
    names.dedup_by(|a, b| a.1 == b.1);
    plot::names_below(canvas, plot, &names)
}

fn draw_sweet_spot<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    plot: Frame,
    data: &SweepData,
    count: usize,
    with_label: bool,
) -> Drawn<DB> {
    let x = x_of(plot, data, count);
    let half = ((x_of(plot, data, count + 1) - x).abs() / 2.0).clamp(5.0, 14.0);
    let band = Frame { left: x - half, right: x + half, ..plot };
    canvas.fill(band, canvas.palette.good, 0.18)?;
    if with_label {
        let word = if count == 1 { "slice" } else { "slices" };
        let label = format!("sweet spot: {count} {word}");
        let half = canvas.text_width(&label, SMALL_PX)? / 2.0;
        let x = x.clamp(plot.left + half, (plot.right - half).max(plot.left + half));
        let at = (x, plot.top - 7.0);
        canvas.text(&label, at, SMALL_PX, canvas.palette.good, Align::Centre)?;
    }
    Ok(())
}

fn draw_line<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    plot: Frame,
    scale: &Scale,
    measure: Measure,
    line: &Line,
    data: &SweepData,
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    let color = line.color;
    let points: Vec<(usize, f64, Quantity)> = data
        .points
        .iter()
        .map(|point| {
            let quantity = canvas.view.quantity((line.of)(point)).drawable();
            (point.slices, x_of(plot, data, point.slices), quantity)
        })
        .filter(|(_, _, quantity)| quantity.best().is_some())
        .collect();
    let intervals: Vec<(f64, Predicted)> =
        points.iter().filter_map(|(_, x, quantity)| Some((*x, quantity.predicted?))).collect();
    let edge = |end: fn(&Predicted) -> f64| -> Vec<(f64, f64)> {
        intervals.iter().map(|(x, predicted)| (*x, scale.y(plot, end(predicted)))).collect()
    };
    canvas.area_between(&edge(|p| p.high), &edge(|p| p.low), color, 0.15)?;
    let course: Vec<(f64, f64)> = points
        .iter()
        .filter_map(|(_, x, quantity)| Some((*x, scale.y(plot, quantity.best()?))))
        .collect();
    canvas.line(&course, color, 2.0)?;
    let radius = (plot.width() / points.len().max(1) as f64 * 0.3).clamp(1.5, 3.5);
    for (&at, &(slices, _, quantity)) in course.iter().zip(&points) {
        canvas.dot(at, radius, color, quantity.measured.is_some())?;
        let word = if slices == 1 { "slice" } else { "slices" };
        canvas.hit(Hit {
            frame: Frame::around(at, radius),
            reach: Frame::around(at, 9.0),
            label: format!("{slices} {word}: {}", line.name),
            series: line.series,
            value: Value::Quantity { quantity, measure, partial: false },
        });
    }
    Ok(())
}
