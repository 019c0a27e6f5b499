//! What a boundary costs, in words: what crosses it, what linking adds to the proofs beside it, and
//! how moving it changes its neighbours.

use egui::{Grid, Ui};
use microtome_engine::plan::{Linking, LinkingSide};
use microtome_engine::prove::System;
use microtome_engine::report::format as fmt;

use super::boundary_drag::Drag;
use crate::session::{Session, SliceRow};
use crate::theme;

/// Names and sizes of the tensors that a boundary cuts through.
pub(super) fn crossing_list(ui: &mut Ui, session: &Session, cut: usize) {
    let tensors = session.crossing_tensors(cut);
    let word = if tensors.len() == 1 { "tensor crosses" } else { "tensors cross" };
    let bytes = fmt::bytes(session.crossing_bytes_at(cut));
    ui.label(theme::strong(format!("{} {word}, {bytes}", tensors.len())));
    for (name, shape) in tensors.iter().take(4) {
        ui.label(theme::small(ui, format!("{name}  {shape}")));
    }
    if tensors.len() > 4 {
        ui.label(theme::small(ui, format!("and {} more", tensors.len() - 4)));
    }
}

/// What linking costs at a boundary, where it is known.
pub(super) fn linking_line(ui: &mut Ui, session: &Session, cut: usize) {
    if let Some(linking) = session.linking(cut) {
        ui.label(linking_text(linking));
    }
}

/// What linking costs, in a sentence.
fn linking_text(linking: &Linking) -> String {
    let Linking { above, below } = linking;
    let public = |side: &LinkingSide| match side.system {
        System::Whir => side.elements,
        System::Halo2 => 0,
    };
    let shown = public(above).max(public(below));
    let public = format!("{} elements become public", fmt::count(shown));
    if linking.rows() == 0 {
        return format!("Linking: {public}, and no circuit hashes them");
    }
    let rows = format!("{} + {} rows of hashing", fmt::count(above.rows), fmt::count(below.rows));
    let secs = match linking.prove_secs() {
        Some(0.0) => ", in rows that the circuits have anyway".to_owned(),
        Some(secs) => format!(", ≈ {} of proving", fmt::secs(secs)),
        None => String::new(),
    };
    let also = if shown > 0 { format!("; {public}") } else { String::new() };
    format!("Linking: {rows}{secs}{also}")
}

/// What a drag has changed so far: of both neighbours and of the linking, before and after.
pub(super) fn changes(ui: &mut Ui, session: &Session, ordinal: usize, cut: usize, drag: &Drag) {
    ui.spacing_mut().interact_size.y = theme::LINE;
    Grid::new("drag costs").num_columns(5).spacing([10.0, 2.0]).show(ui, |ui| {
        for (side, was) in drag.before.iter().enumerate() {
            let is = session.rows().get(ordinal + side);
            if let (Some(was), Some(is)) = (was, is) {
                costs(ui, ordinal + side, was, is);
            }
        }
        if let (Some(was), Some(is)) = (&drag.linking, session.linking(cut)) {
            ui.label(theme::strong("Linking"));
            let rows = |linking: &Linking| linking.rows() as f64;
            change(ui, rows(was), rows(is), |v| fmt::count(v as u64) + " rows");
            if let (Some(was), Some(is)) = (was.prove_secs(), is.prove_secs())
                && was + is > 0.0
            {
                ui.label("");
                change(ui, was, is, fmt::secs);
            }
        }
    });
}

fn costs(ui: &mut Ui, index: usize, was: &SliceRow, is: &SliceRow) {
    let t = theme::of(ui);
    ui.label(theme::strong(format!("Slice {index}")).color(t.slice(index)));
    change(ui, was.totals.macs as f64, is.totals.macs as f64, |v| fmt::count(v as u64) + " MACs");
    match (&was.prediction, &is.prediction) {
        (Some(was), Some(is)) => {
            ui.label("");
            change(ui, was.prove_secs, is.prove_secs, fmt::secs);
            ui.label("");
            change(ui, was.peak_bytes as f64, is.peak_bytes as f64, fmt::bytes_f64);
        }
        (None, Some(is)) => {
            ui.label("");
            ui.label(theme::weak(ui, "not provable"));
            ui.label(theme::weak(ui, "→"));
            let now = format!("{}, {}", fmt::secs(is.prove_secs), fmt::bytes(is.peak_bytes));
            ui.colored_label(t.good, now);
            ui.end_row();
        }
        (_, None) => {
            ui.label("");
            ui.colored_label(t.bad, "not provable here");
            ui.end_row();
        }
    }
}

/// The rest of a row: before, after, and the change.
fn change(ui: &mut Ui, was: f64, is: f64, text: impl Fn(f64) -> String) {
    let t = theme::of(ui);
    let color = match is.total_cmp(&was) {
        std::cmp::Ordering::Less => t.good,
        std::cmp::Ordering::Equal => t.weak,
        std::cmp::Ordering::Greater => t.bad,
    };
    ui.label(theme::weak(ui, text(was)));
    ui.label(theme::weak(ui, "→"));
    ui.colored_label(color, text(is));
    ui.colored_label(color, fmt::change(was, is));
    ui.end_row();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(system: System, elements: u64, rows: u64, prove_secs: Option<f64>) -> LinkingSide {
        LinkingSide { system, elements, rows, prove_secs }
    }

    #[test]
    fn linking_is_told_in_a_sentence() {
        let halo2 = |rows, secs| side(System::Halo2, 864, rows, secs);
        let whir = side(System::Whir, 864, 0, Some(0.0));
        for (above, below, text) in [
            (
                halo2(3_000, Some(0.4)),
                halo2(2_000, Some(0.0)),
                "Linking: 3,000 + 2,000 rows of hashing, ≈ 400 ms of proving",
            ),
            (
                halo2(3_000, Some(0.0)),
                halo2(2_000, Some(0.0)),
                "Linking: 3,000 + 2,000 rows of hashing, in rows that the circuits have anyway",
            ),
            (halo2(3_000, None), halo2(9, Some(0.1)), "Linking: 3,000 + 9 rows of hashing"),
            (whir, whir, "Linking: 864 elements become public, and no circuit hashes them"),
            (
                halo2(3_000, Some(0.4)),
                whir,
                "Linking: 3,000 + 0 rows of hashing, ≈ 400 ms of proving; 864 elements become public",
            ),
        ] {
            assert_eq!(linking_text(&Linking { above, below }), text);
        }
    }
}
