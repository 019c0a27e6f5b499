//! The proof systems on the same pieces: seconds to prove each slice, and the whole, by each.

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingAreaErrorKind, DrawingBackend};

use crate::prove::System;
use crate::report::format;

use super::bars::{self, Bar, VALUE_PX};
use super::canvas::{Align, Canvas, SMALL_PX};
use super::data::{Quantity, SystemsData, SystemsPiece};
use super::frame::Frame;
use super::legend::{ALL_HIDDEN, Entry, Mark, head};
use super::plot::{self, AXIS_PX, HEADING_PX};
use super::scale::{Extent, Measure, Scale};
use super::scene::Scene;
use super::view::{Series, View};
use super::{Drawn, Look};

pub(super) const TITLE: &str = "Proof systems";

/// Room under the names for the comparison in words.
const NOTE_PX: f64 = 15.0;

/// Draws the comparison over all of `area`.
///
/// # Errors
/// What the backend reports.
pub fn systems<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    data: &SystemsData,
    look: Look,
    view: &View,
) -> Drawn<DB, Scene> {
    let canvas = Canvas::new(area, look, view);
    let promise = |system: System| {
        if system.is_zero_knowledge() { "zero knowledge" } else { "integrity only" }
    };
    let mut entries: Vec<Entry> = System::ALL
        .map(|system| {
            let label = format!("{system} ({})", promise(system));
            Entry::of(Series::System(system), Mark::Bar(canvas.palette.system(system)), label)
        })
        .into();
    entries.push(Entry::predicted());
    let frame = canvas.frame().inset(12.0);
    let body = head(&canvas, frame, TITLE, &data.subtitle, &entries)?;

    let shown = shown(canvas.view);
    let quantities: Vec<Quantity> = data
        .pieces
        .iter()
        .flat_map(|piece| shown.iter().map(|&system| piece.prove_secs[system as usize]))
        .map(|quantity| view.quantity(quantity))
        .collect();
    if !quantities.iter().any(|quantity| quantity.drawable().best().is_some()) {
        let all = data.pieces.iter().flat_map(|piece| &piece.prove_secs);
        let text = match all.into_iter().any(|quantity| quantity.drawable().best().is_some()) {
            true => ALL_HIDDEN,
            false => "No slice has been predicted or measured yet.",
        };
        plot::nothing_yet(&canvas, body, text)?;
        return Ok(canvas.into_scene());
    }
    let inner =
        |margin: f64| body.without(margin, HEADING_PX + VALUE_PX * 0.6, 0.0, AXIS_PX + NOTE_PX);
    let ticks = plot::ticks_for(inner(0.0).height());
    let scale = Scale::spanning(Extent::of(&quantities), ticks, Measure::Secs, view.scaling);
    plot::heading(&canvas, body, "Prove", &scale)?;
    let plot = inner(plot::labels_width(&canvas, &scale)?);
    if plot.height() >= 4.0 && plot.width() >= 4.0 {
        plot::vertical_axis(&canvas, plot, &scale)?;
        draw_pieces(&canvas, plot, &scale, &data.pieces, &shown)?;
    }
    Ok(canvas.into_scene())
}

/// The systems that are not hidden.
fn shown(view: &View) -> Vec<System> {
    System::ALL.into_iter().filter(|&system| view.shows(Series::System(system))).collect()
}

fn draw_pieces<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    plot: Frame,
    scale: &Scale,
    pieces: &[SystemsPiece],
    systems: &[System],
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    const WIDEST_PX: f64 = 62.0;
    let slot = plot.width() / pieces.len().max(1) as f64;
    let width = (slot * 0.92 / systems.len().max(1) as f64).min(WIDEST_PX);
    let mut names = Vec::with_capacity(pieces.len());
    let mut notes_end = f64::NEG_INFINITY;
    for (i, piece) in pieces.iter().enumerate() {
        let middle = plot.left + (i as f64 + 0.5) * slot;
        let mut left = middle - width * systems.len() as f64 / 2.0;
        for &system in systems {
            let quantity = piece.prove_secs[system as usize];
            let bar = Bar {
                quantity,
                color: canvas.palette.system(system),
                partial: false,
                series: Series::System(system),
                label: format!("{} by {system}", piece.name),
            };
            bars::draw(canvas, plot, (left, left + width), scale, Measure::Secs, &bar)?;
            if quantity.drawable().best().is_none() {
                let at = (left + width / 2.0, plot.bottom - VALUE_PX / 2.0);
                canvas.text("–", at, SMALL_PX, canvas.palette.muted, Align::Centre)?;
            }
            left += width;
        }
        names.push((middle, canvas.fitted(&piece.name, SMALL_PX, slot.max(60.0))?));
        // Notes are thinned as names are, so that none touches its neighbour.
        let Some((note, good)) = note(piece).filter(|_| systems.len() == System::ALL.len()) else {
            continue;
        };
        let half = canvas.text_width(&note, SMALL_PX)? / 2.0;
        if middle - half > notes_end && half * 2.0 <= slot.max(60.0) {
            let color = if good { canvas.palette.good } else { canvas.palette.muted };
            let at = (middle, plot.bottom + AXIS_PX + NOTE_PX / 2.0);
            canvas.text(&note, at, SMALL_PX, color, Align::Centre)?;
            notes_end = middle + half + 4.0;
        }
    }
    plot::base_line(canvas, plot)?;
    plot::names_below(canvas, plot, &names)
}

/// How the fast system compares with the one that hides, and whether it is faster.
fn note(piece: &SystemsPiece) -> Option<(String, bool)> {
    let secs = |system: System| piece.prove_secs[system as usize].drawable().best();
    let (whir, halo2) = (secs(System::Whir)?, secs(System::Halo2)?);
    Some((format!("whir {}", format::against(whir, halo2)?), whir <= halo2))
}
