//! Sliced against monolithic: for each phase, all slices together and the slowest of them beside
//! the whole model in one proof.

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingBackend};

use crate::report::format;

use super::bars::Bar;
use super::canvas::Canvas;
use super::cells::{self, Cell, Note};
use super::data::{CompareData, PieceCosts, Quantity, Scales};
use super::legend::{ALL_HIDDEN, Entry, Mark, head};
use super::palette::Palette;
use super::plot;
use super::scale::{Extent, Measure};
use super::scene::Scene;
use super::view::{Series, View};
use super::{Drawn, Look};

pub(super) const TITLE: &str = "Sliced against monolithic";

/// One group of values, before any is hidden.
struct Group {
    name: &'static str,
    measure: Measure,
    /// All slices together, the largest slice, the whole; each with whether pieces are missing.
    values: [Option<(Quantity, bool)>; 3],
}

/// Draws the comparison over all of `area`.
///
/// # Errors
/// What the backend reports.
pub fn compare<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    data: &CompareData,
    look: Look,
    view: &View,
) -> Drawn<DB, Scene> {
    let canvas = Canvas::new(area, look, view);
    let palette = canvas.palette;
    let sum_label = sum_label(data);
    let mut entries = vec![Entry::of(Series::Sum, Mark::Bar(palette.sum), &sum_label)];
    if data.slices.len() > 1 {
        entries.push(Entry::of(Series::Largest, Mark::Bar(palette.largest), "largest slice"));
    }
    entries.push(Entry::of(Series::Whole, Mark::Bar(palette.whole), "whole model"));
    entries.push(Entry::predicted());
    let frame = canvas.frame().inset(12.0);
    let body = head(&canvas, frame, TITLE, &data.subtitle, &entries)?;

    let groups = groups(data);
    let mut cells: Vec<Cell> =
        groups.iter().map(|group| cell(group, &sum_label, view, &palette)).collect();
    cells.retain(Cell::holds_anything);
    if cells.is_empty() {
        let text = match groups.is_empty() {
            true => "Nothing has been predicted or measured yet.",
            false => ALL_HIDDEN,
        };
        plot::nothing_yet(&canvas, body, text)?;
        return Ok(canvas.into_scene());
    }
    if data.scales == Scales::Shared {
        let times = cells.iter().filter(|cell| cell.measure == Measure::Secs);
        let shared = Extent::of(times.flat_map(|cell| &cell.bars).map(|bar| &bar.quantity));
        for cell in cells.iter_mut().filter(|cell| cell.measure == Measure::Secs) {
            cell.extent = Some(shared);
        }
    }
    cells::draw(&canvas, body, &cells)?;
    Ok(canvas.into_scene())
}

fn sum_label(data: &CompareData) -> String {
    match data.slices.len() {
        1 => "the one slice".to_owned(),
        n => format!("sum of {n} slices"),
    }
}

/// The groups that hold anything.
fn groups(data: &CompareData) -> Vec<Group> {
    type Field = fn(&PieceCosts) -> Quantity;
    let phases: [(&'static str, Measure, Field); 6] = [
        ("Set-up", Measure::Secs, |p| p.setup_secs),
        ("Witness", Measure::Secs, |p| p.witness_secs),
        ("Prove", Measure::Secs, |p| p.prove_secs),
        ("Verify", Measure::Secs, |p| p.verify_secs),
        ("Peak memory", Measure::Bytes, |p| p.peak_bytes),
        ("Proof size", Measure::Bytes, |p| p.proof_bytes),
    ];
    let group = |name, measure, field: Field| {
        let of_slices: Vec<Quantity> = data.slices.iter().map(field).collect();
        let partial = of_slices.iter().any(|quantity| quantity.measured.is_none());
        let sum = Quantity::fold(&of_slices, |a, b| a + b);
        let largest = Quantity::fold(&of_slices, f64::max);
        // Peaks of slices that run one after the other don't add up.
        let sum = (name != "Peak memory" || data.slices.len() == 1).then_some((sum, partial));
        let largest = (data.slices.len() > 1).then_some((largest, partial));
        Group { name, measure, values: [sum, largest, Some((field(&data.whole), false))] }
    };
    let mut groups: Vec<Group> =
        phases.into_iter().map(|(name, measure, field)| group(name, measure, field)).collect();
    let linking = Group {
        name: "Linking",
        measure: Measure::Secs,
        values: [Some((data.linking_secs, false)), None, None],
    };
    let mut total = group("Total after set-up", Measure::Secs, PieceCosts::total_secs);
    if data.linking_secs.top() > 0.0
        && let Some((sum, partial)) = &mut total.values[0]
    {
        *partial |= data.linking_secs.measured.is_none();
        *sum = Quantity {
            measured: sum.measured.map(|secs| secs + data.linking_secs.measured.unwrap_or(0.0)),
            ..Quantity::fold(&[*sum, data.linking_secs], |a, b| a + b)
        };
    }
    groups.splice(4..4, [linking, total]);
    groups.retain(|group| {
        group.values.iter().flatten().any(|(quantity, _)| quantity.drawable().best().is_some())
    });
    groups
}

/// The bars of a group that are shown.
fn cell(group: &Group, sum_label: &str, view: &View, palette: &Palette) -> Cell {
    let kinds = [
        (Series::Sum, palette.sum, sum_label),
        (Series::Largest, palette.largest, "largest slice"),
        (Series::Whole, palette.whole, "whole model"),
    ];
    let shown = |index: usize| {
        let (quantity, partial) = group.values[index]?;
        view.shows(kinds[index].0).then_some((view.quantity(quantity), partial))
    };
    let bar = |index: usize| {
        let (quantity, partial) = shown(index)?;
        let (series, color, kind) = kinds[index];
        let label = format!("{}: {kind}", group.name);
        let partial = partial && quantity.measured.is_some();
        Some(Bar { quantity, color, partial, series, label })
    };
    let value = |index: usize| shown(index)?.0.drawable().best();
    Cell {
        name: group.name,
        measure: group.measure,
        bars: (0..kinds.len()).filter_map(bar).collect(),
        note: note(value(1).or(value(0)), value(2), group.values[1].is_some(), palette),
        extent: None,
    }
}

/// How the slices compare with the whole: by the largest where there are several.
fn note(slices: Option<f64>, whole: Option<f64>, several: bool, palette: &Palette) -> Option<Note> {
    let (slices, whole) = (slices?, whole?);
    let short = format::against(slices, whole)?;
    let long = several.then(|| format!("largest slice {short}"));
    let color = if slices <= whole { palette.good } else { palette.muted };
    Some(Note { texts: long.into_iter().chain([short]).collect(), color })
}
