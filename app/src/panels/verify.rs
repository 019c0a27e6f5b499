//! What a stranger with the model and the bundle finds out.

use egui::{Grid, RichText, ScrollArea, Ui, WidgetInfo, WidgetType};
use microtome_engine::bundle::{Standing, Verdict};
use microtome_engine::report::format as fmt;

use super::{fact, fact_about};
use crate::command::Command;
use crate::theme;
use crate::words::Term;

/// From this width on slices and facts stand side by side.
const WIDE: f32 = 430.0;
/// The same where each slice also says how long it took.
const WIDE_TIMED: f32 = 620.0;

/// A bundle that was verified.
pub struct Verified {
    /// Where it came from: a file, or the last run.
    pub from: String,
    /// What was found.
    pub verdict: Verdict,
    /// Whether the proofs were checked here and now, so that the times are those of checking.
    pub timed: bool,
}

/// Draws the verdict.
pub fn show(
    ui: &mut Ui,
    verified: Option<&Verified>,
    busy: bool,
    can_save: bool,
    queue: &mut Vec<Command>,
) {
    ui.horizontal_wrapped(|ui| {
        if busy {
            theme::spinner(ui, 13.0);
            ui.label(theme::weak(ui, "Verifying…"));
        } else if let Some(v) = verified {
            let t = theme::of(ui);
            // A bundle may hold in all that it has and still leave slices unproven: that is no
            // green badge, since an answer may be invented behind such a slice.
            let is_complete = v.verdict.linked && v.verdict.output_proven;
            let (text, color) = match v.verdict.accepted {
                true if is_complete => ("✔ accepted", t.good),
                true => ("holds, but not everything is proven", t.accent),
                false => ("✖ not accepted", t.bad),
            };
            super::badge(ui, text, color);
            ui.label(theme::weak(ui, &v.from));
        }
        for (command, text, enabled) in [
            (Command::OpenBundle, "Open…", !busy),
            (Command::Verify, "Verify", can_save && !busy),
            (Command::SaveBundle, "Save…", can_save),
        ] {
            let button = ui.add_enabled(enabled, egui::Button::new(text));
            let name = command.text();
            button.widget_info(|| WidgetInfo::labeled(WidgetType::Button, enabled, name));
            if button.on_hover_text(command.hint(ui.ctx())).clicked() {
                queue.push(command);
            }
        }
    });
    let Some(verified) = verified else {
        if !busy {
            super::nothing(
                ui,
                "A run ends with a bundle: one file that anyone with the model can verify. \
                 It is verified here as soon as it is there.",
            );
        }
        return;
    };
    ui.add_space(theme::GAP);
    ScrollArea::vertical().id_salt("verify").auto_shrink(false).show(ui, |ui| {
        let wide = if verified.timed { WIDE_TIMED } else { WIDE };
        if ui.available_width() > wide {
            ui.columns_const(|[left, right]| {
                slices(left, verified);
                facts(right, &verified.verdict);
            });
        } else {
            facts(ui, &verified.verdict);
            ui.add_space(theme::GAP);
            slices(ui, verified);
        }
    });
}

fn slices(ui: &mut Ui, verified: &Verified) {
    let t = theme::of(ui);
    let verdict = &verified.verdict;
    Grid::new("slice verdicts").num_columns(5).spacing([8.0, 4.0]).show(ui, |ui| {
        for slice in &verdict.slices {
            ui.label(theme::strong(format!("slice {}", slice.index)).color(t.slice(slice.index)));
            let (text, color) = match slice.standing {
                Standing::Proven => ("proven", t.good),
                Standing::Rerun => ("run again", t.busy),
                Standing::Unchecked => ("unchecked", t.accent),
                Standing::Rejected => ("rejected", t.bad),
            };
            super::badge(ui, text, color).on_hover_text(&slice.reason);
            ui.label(theme::weak(ui, slice.system.to_string()))
                .on_hover_text(slice.system.promise());
            ui.label(theme::weak(ui, fmt::bytes(slice.proof_bytes)));
            if verified.timed {
                ui.label(theme::weak(ui, format!("checked in {}", fmt::secs(slice.verify_secs))));
            }
            ui.end_row();
        }
    });
    for reason in &verdict.reasons {
        ui.label(RichText::new(reason).color(t.bad).size(12.0));
    }
}

fn facts(ui: &mut Ui, verdict: &Verdict) {
    let yes = |holds: bool| if holds { "yes" } else { "no" };
    fact_about(ui, Term::Commitment, "slices linked", yes(verdict.linked));
    fact_about(ui, Term::Soundness, "output proven", yes(verdict.output_proven));
    let coverage = fmt::percent(verdict.coverage_macs);
    fact_about(ui, Term::Coverage, "coverage of MACs", coverage);
    if !verdict.splits.is_empty() {
        fact(ui, "split", verdict.splits.to_string());
    }
    if let Some(root) = &verdict.root {
        digest(ui, Some(Term::Receipt), "receipt root", &root.to_string());
    }
    if let Some(program) = &verdict.program {
        digest(ui, Some(Term::FixedPoint), "program", &program.to_string());
    }
    digest(ui, None, "model", &verdict.model.to_string());
}

fn digest(ui: &mut Ui, term: Option<Term>, name: &str, text: &str) {
    let short: String = text.chars().take(16).collect();
    let label = egui::Label::new(RichText::new(format!("{short}…")).monospace());
    super::line(ui, |ui| {
        match term {
            Some(term) => drop(term.label(ui, name)),
            None => drop(ui.label(theme::weak(ui, name))),
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let copy = ui.add(label.sense(egui::Sense::click()));
            copy.widget_info(|| {
                WidgetInfo::labeled(WidgetType::Button, true, format!("Copy {name}"))
            });
            if copy.clicked() {
                ui.ctx().copy_text(text.to_owned());
            }
            copy.on_hover_text(format!("{text}\nClick to copy."));
        });
    });
}
