//! What ran when: a row for each job with its phases, and the memory of all of them below.

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingAreaErrorKind, DrawingBackend};

use crate::report::format;

use super::canvas::{Align, Canvas, LABEL_PX, SMALL_PX};
use super::data::{MemorySample, Phase, RowState, Span, TimelineData, TimelineRow};
use super::frame::Frame;
use super::legend::{Entry, Mark, head};
use super::plot::{self, AXIS_PX, HEADING_PX};
use super::scale::{Measure, Scale};
use super::scene::{Hit, Scene, Value};
use super::view::{Series, View};
use super::{Drawn, Look};

pub(super) const TITLE: &str = "Timeline";

/// Room to the right of the last bar for its duration.
const DURATION_PX: f64 = 52.0;

/// The height of a row where there is room.
const TALLEST_PX: f64 = 30.0;

/// Draws the timeline over all of `area`.
///
/// # Errors
/// What the backend reports.
pub fn timeline<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    data: &TimelineData,
    look: Look,
    view: &View,
) -> Drawn<DB, Scene> {
    let canvas = Canvas::new(area, look, view);
    let frame = canvas.frame().inset(12.0);
    let body = head(&canvas, frame, TITLE, &data.subtitle, &entries(&canvas, data))?;
    if data.rows.iter().all(|row| row.spans.is_empty()) && data.memory.is_empty() {
        plot::nothing_yet(&canvas, body, "No job has run yet.")?;
        return Ok(canvas.into_scene());
    }
    let memory_top = data.memory.iter().map(|sample| sample.bytes).fold(0.0, f64::max);
    let with_memory = memory_top > 0.0 && body.height() > 150.0 && canvas.shows(Series::Memory);
    let jobs_height = data.rows.len() as f64 * TALLEST_PX + AXIS_PX + 10.0;
    let memory_least = (body.height() * 0.34).clamp(70.0, 180.0);
    let memory_height = match with_memory {
        true => (body.height() - jobs_height).clamp(memory_least, memory_least.max(240.0)),
        false => 0.0,
    };
    let (jobs, memory) = body.split_top((body.height() - memory_height).min(jobs_height));
    let memory = memory.split_top(memory_height).0;

    // The budget is shown where it is near; a distant one would press the curve to the ground.
    let budget = data
        .budget_bytes
        .filter(|&b| b.is_finite() && b > 0.0 && b < memory_top * 3.0)
        .filter(|_| canvas.shows(Series::Budget));
    let memory_end = memory_top.max(budget.unwrap_or(0.0)) * 1.06;
    let memory_ticks = plot::ticks_for(memory_height - HEADING_PX);
    let memory_scale = Scale::reaching(memory_end, memory_ticks, Measure::Bytes);
    let mut margin = plot::labels_width(&canvas, &memory_scale)?;
    for row in &data.rows {
        margin = margin.max(canvas.text_width(&row.name, LABEL_PX)? + 8.0);
    }
    let margin = margin.min(body.width() * 0.3);

    let rows_plot = jobs.without(margin, 4.0, DURATION_PX, AXIS_PX);
    let ticks = (rows_plot.width() / 75.0).clamp(1.0, 12.0) as usize;
    let time = Scale::reaching(end_secs(data), ticks, Measure::Secs);
    if rows_plot.height() >= 4.0 && rows_plot.width() >= 4.0 {
        plot::horizontal_axis(&canvas, rows_plot, &time, true)?;
        draw_rows(&canvas, rows_plot, &time, data, body.left)?;
    }
    let memory_plot = memory.without(margin, HEADING_PX, DURATION_PX, 6.0);
    let memory_shown = with_memory && memory_plot.height() >= 4.0 && memory_plot.width() >= 4.0;
    if memory_shown {
        plot::heading(&canvas, memory, "Memory", &memory_scale)?;
        plot::horizontal_axis(&canvas, memory_plot, &time, false)?;
        plot::vertical_axis(&canvas, memory_plot, &memory_scale)?;
        draw_memory(&canvas, memory_plot, &time, &memory_scale, data, budget)?;
        if let Some(budget) = budget {
            let y = memory_scale.y(memory_plot, budget);
            let ends = [(memory_plot.left, y), (memory_plot.right, y)];
            canvas.dashed_line(ends[0], ends[1], canvas.palette.bad, 1.0)?;
        }
    }
    if let Some(now) = data.now_secs.filter(|now| now.is_finite()) {
        let bottom = if memory_shown { memory_plot.bottom } else { rows_plot.bottom };
        let x = time.x(rows_plot, now);
        canvas.dashed_line((x, rows_plot.top), (x, bottom), canvas.palette.text, 1.0)?;
    }
    Ok(canvas.into_scene())
}

/// Legend entries for the phases that occur.
fn entries<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, data: &TimelineData) -> Vec<Entry> {
    let spans = || data.rows.iter().flat_map(|row| &row.spans);
    let mut entries: Vec<Entry> = Phase::ALL
        .into_iter()
        .filter(|&phase| spans().any(|span| span.phase == phase))
        .map(|phase| {
            let mark = Mark::Bar(canvas.palette.phase(phase));
            Entry::of(Series::Phase(phase), mark, phase.label())
        })
        .collect();
    if data.rows.iter().any(|row| row.state == RowState::Failed) {
        entries.push(Entry::fixed(Mark::Outline(canvas.palette.bad), "failed"));
    }
    if data.now_secs.is_some() {
        entries.push(Entry::fixed(Mark::Dashed(canvas.palette.text), "now"));
    }
    if !data.memory.is_empty() {
        entries.push(Entry::of(Series::Memory, Mark::Bar(canvas.palette.memory), "memory"));
        if let Some(budget) = data.budget_bytes {
            let label = format!("memory budget {}", format::bytes_f64(budget));
            let mark = Mark::Dashed(canvas.palette.bad);
            entries.push(Entry::of(Series::Budget, mark, label));
        }
    }
    entries
}

/// The end of the time axis: the last thing that happened, or now.
fn end_secs(data: &TimelineData) -> f64 {
    let spans = data.rows.iter().flat_map(|row| &row.spans);
    spans
        .flat_map(|span| [Some(span.start_secs), span.end_secs])
        .flatten()
        .chain(data.now_secs)
        .chain(data.memory.iter().map(|sample| sample.at_secs))
        .filter(|secs| secs.is_finite())
        .fold(0.0, f64::max)
}

fn draw_rows<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    plot: Frame,
    time: &Scale,
    data: &TimelineData,
    names_left: f64,
) -> Drawn<DB> {
    let pitch = (plot.height() / data.rows.len().max(1) as f64).min(TALLEST_PX);
    let mut names_free_from = f64::NEG_INFINITY;
    for (i, row) in data.rows.iter().enumerate() {
        let top = plot.top + i as f64 * pitch;
        let place = Frame {
            top: top + pitch * 0.14,
            bottom: top + pitch * 0.86,
            left: plot.left,
            right: plot.right,
        };
        let end = data.now_secs.unwrap_or(time.max);
        let reach = Frame { top, bottom: top + pitch, ..place };
        draw_row(canvas, place, reach, time, row, end)?;
        // With many rows only every so many names fit.
        if place.middle_y() - names_free_from >= LABEL_PX * 1.15 {
            let name = canvas.fitted(&row.name, LABEL_PX, plot.left - names_left - 8.0)?;
            let at = (plot.left - 8.0, place.middle_y());
            canvas.text(&name, at, LABEL_PX, canvas.palette.text, Align::Right)?;
            if let Some(label) = duration_label(row) {
                let width = canvas.text_width(&label, SMALL_PX)?;
                let left = clear_of_now(plot, time, data, bars_end(plot, time, row, end), width);
                let at = (left, place.middle_y());
                canvas.text(&label, at, SMALL_PX, state_color(canvas, row), Align::Left)?;
            }
            names_free_from = place.middle_y();
        }
    }
    plot::base_line(canvas, plot)
}

fn draw_row<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    place: Frame,
    reach: Frame,
    time: &Scale,
    row: &TimelineRow,
    open_end: f64,
) -> Drawn<DB> {
    let is_shown =
        |span: &&Span| span.start_secs.is_finite() && canvas.shows(Series::Phase(span.phase));
    for span in row.spans.iter().filter(is_shown) {
        let bar = Frame {
            left: time.x(place, span.start_secs),
            right: time.x(place, end_of(span, open_end)),
            ..place
        };
        // A phase of an instant is still one that happened.
        let bar = Frame { right: bar.right.max(bar.left + 1.0), ..bar };
        let bar = match span.phase {
            // Waiting is no work: a thin line leads to where work begins.
            Phase::Queued => {
                Frame { top: bar.middle_y() - 1.0, bottom: bar.middle_y() + 1.0, ..bar }
            }
            _ => bar,
        };
        canvas.fill(bar, canvas.palette.phase(span.phase), 1.0)?;
        canvas.hit(Hit {
            frame: bar,
            reach: Frame { left: bar.left - 1.0, right: bar.right + 1.0, ..reach },
            label: format!("{}: {}", row.name, span.phase.label()),
            series: Series::Phase(span.phase),
            value: Value::Span {
                phase: span.phase,
                start_secs: span.start_secs,
                end_secs: span.end_secs.filter(|end| end.is_finite()),
            },
        });
    }
    if row.state == RowState::Failed
        && let Some(span) = row.spans.last()
    {
        let left = time.x(place, span.start_secs);
        let right = time.x(place, end_of(span, open_end)).max(left + 4.0);
        canvas.outline(Frame { left, right, ..place }, canvas.palette.bad, 2.0)?;
    }
    Ok(())
}

fn end_of(span: &Span, open_end: f64) -> f64 {
    span.end_secs.filter(|end| end.is_finite()).unwrap_or(open_end).max(span.start_secs)
}

/// Where a text behind a row's bars begins so that the marker of the present does not cross it.
fn clear_of_now(plot: Frame, time: &Scale, data: &TimelineData, end: f64, width: f64) -> f64 {
    const GAP_PX: f64 = 6.0;
    let left = end + GAP_PX;
    let now = data.now_secs.map(|now| time.x(plot, now));
    now.filter(|now| (left - 2.0..left + width + 2.0).contains(now))
        .map_or(left, |now| now + GAP_PX)
}

fn bars_end(plot: Frame, time: &Scale, row: &TimelineRow, open_end: f64) -> f64 {
    let end = row.spans.iter().map(|span| end_of(span, open_end)).fold(0.0, f64::max);
    time.x(plot, end)
}

/// How long the job has worked, once it is over, and how it ended.
fn duration_label(row: &TimelineRow) -> Option<String> {
    let work = row.spans.iter().filter(|span| span.phase != Phase::Queued);
    let secs: f64 = work.clone().map(|span| end_of(span, span.start_secs) - span.start_secs).sum();
    if row.state == RowState::Failed {
        return Some("failed".to_owned());
    }
    let over = row.spans.iter().all(|span| span.end_secs.is_some());
    (over && work.count() > 0).then(|| format::secs(secs))
}

fn state_color<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    row: &TimelineRow,
) -> plotters::prelude::RGBColor {
    match row.state {
        RowState::Open => canvas.palette.muted,
        RowState::Verified => canvas.palette.good,
        RowState::Failed => canvas.palette.bad,
    }
}

fn draw_memory<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    plot: Frame,
    time: &Scale,
    scale: &Scale,
    data: &TimelineData,
    budget: Option<f64>,
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    let color = canvas.palette.memory;
    let shown = |sample: &&MemorySample| sample.at_secs.is_finite() && sample.bytes.is_finite();
    let samples: Vec<&MemorySample> = data.memory.iter().filter(shown).collect();
    let kept = thinned(&samples, |sample| time.x(plot, sample.at_secs));
    let points: Vec<(f64, f64)> = kept
        .iter()
        .map(|sample| (time.x(plot, sample.at_secs), scale.y(plot, sample.bytes)))
        .collect();
    let ground: Vec<(f64, f64)> = points.iter().map(|&(x, _)| (x, plot.bottom)).collect();
    canvas.area_between(&points, &ground, color, 0.25)?;
    canvas.line(&points, color, 1.5)?;
    for (index, (&at, sample)) in points.iter().zip(&kept).enumerate() {
        // A pointer means the sample that is nearest in time.
        let halfway = |other: Option<&(f64, f64)>| other.map(|other| at.0.midpoint(other.0));
        let left = halfway(index.checked_sub(1).and_then(|before| points.get(before)));
        let right = halfway(points.get(index + 1));
        let (left, right) = (left.unwrap_or(at.0 - 4.0), right.unwrap_or(at.0 + 4.0));
        canvas.hit(Hit {
            frame: Frame::around(at, 2.0),
            reach: Frame { left, right, ..plot },
            label: "Memory of all jobs".to_owned(),
            series: Series::Memory,
            value: Value::Memory { at_secs: sample.at_secs, bytes: sample.bytes },
        });
    }
    let highest = points.iter().copied().reduce(|a, b| if b.1 < a.1 { b } else { a });
    let peak = samples.iter().map(|sample| sample.bytes).fold(0.0, f64::max);
    if let Some((x, y)) = highest {
        let label = format::bytes_f64(peak);
        let half = canvas.text_width(&label, SMALL_PX)? / 2.0;
        let x = x.clamp(plot.left + half, (plot.right - half).max(plot.left + half));
        // Above the curve, but below it where the line of the budget is close.
        let near = budget.is_some_and(|bytes| (scale.y(plot, bytes) - (y - 8.0)).abs() < 9.0);
        let at = (x, if near { y + 10.0 } else { y - 8.0 });
        canvas.text(&label, at, SMALL_PX, canvas.palette.text, Align::Centre)?;
    }
    Ok(())
}

/// The samples with at most one a pixel, the highest: a long run has more samples than pixels.
fn thinned<'a>(
    samples: &[&'a MemorySample],
    x_of: impl Fn(&MemorySample) -> f64,
) -> Vec<&'a MemorySample> {
    let mut kept: Vec<&MemorySample> = Vec::new();
    let mut pixel = f64::NEG_INFINITY;
    for &sample in samples {
        let x = x_of(sample);
        match kept.last_mut() {
            Some(last) if x - pixel < 1.0 => {
                if sample.bytes > last.bytes {
                    *last = sample;
                }
            }
            _ => {
                pixel = x;
                kept.push(sample);
            }
        }
    }
    kept
}
