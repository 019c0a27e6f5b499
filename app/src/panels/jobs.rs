//! What runs in the background, piece by piece.

use egui::{Align, Layout, RichText, ScrollArea, Ui, Vec2};
use microtome_engine::report::format as fmt;
use microtome_engine::run::{Phase, Piece};

use crate::command::Command;
use crate::remaining;
use crate::run_view::{PieceView, RunView, State, Status, phase_name, piece_name};
use crate::session::Session;
use crate::theme;
use crate::words::Term;

/// Draws the run.
pub fn show(ui: &mut Ui, session: &Session, queue: &mut Vec<Command>) {
    let Some(run) = &session.run else {
        super::nothing(
            ui,
            "Nothing was proven yet. Mark slices in the table, then press Prove: proving runs in \
             the background, and this window stays free.",
        );
        return;
    };
    head(ui, session, run, queue);
    ui.add_space(theme::GAP);
    ScrollArea::vertical().id_salt("jobs").auto_shrink(false).show(ui, |ui| {
        for (&piece, view) in &run.pieces {
            row(ui, session, run, piece, view);
        }
    });
}

fn head(ui: &mut Ui, session: &Session, run: &RunView, queue: &mut Vec<Command>) {
    let t = theme::of(ui);
    ui.horizontal(|ui| match &run.status {
        Status::Running => running(ui, run, queue),
        Status::Done => {
            let failed =
                run.pieces.values().filter(|v| matches!(v.state, State::Failed(_))).count();
            if failed == 0 {
                super::badge(ui, "done", t.good);
            } else {
                super::badge(ui, &format!("done, {failed} failed"), t.bad);
            }
            ui.label(theme::weak(ui, format!("in {}", fmt::secs(run.now_secs()))));
        }
        Status::Cancelled => {
            super::badge(ui, "cancelled", t.weak);
            ui.label(theme::weak(ui, format!("after {}", fmt::secs(run.now_secs()))));
        }
        Status::Failed(reason) => {
            super::badge(ui, "failed", t.bad);
            if !session.helpful_cuts().is_empty() {
                let cut = ui.small_button(Command::CutToFit.text());
                if cut.on_hover_text(Command::CutToFit.hint(ui.ctx())).clicked() {
                    queue.push(Command::CutToFit);
                }
            }
            ui.add(egui::Label::new(RichText::new(reason).color(t.bad)).wrap());
        }
    });
}

/// How far a run is: a bar for all of it, and how long the rest takes.
fn running(ui: &mut Ui, run: &RunView, queue: &mut Vec<Command>) {
    const BAR_PX: f32 = 90.0;
    let t = theme::of(ui);
    let outlook = run.outlook();
    theme::spinner(ui, 14.0);
    ui.label(theme::strong(format!("Proving, {}", fmt::secs(run.now_secs().floor()))));
    let left = outlook.remaining_secs.map(remaining::text).unwrap_or_default();
    let name = format!("Run: {} done {left}", fmt::percent(outlook.part));
    let bar = super::bar(ui, Vec2::new(BAR_PX, 8.0), outlook.part as f32, t.busy);
    let progress = ui.interact(bar, ui.id().with("run progress"), egui::Sense::hover());
    progress.widget_info(|| {
        egui::WidgetInfo::labeled(egui::WidgetType::ProgressIndicator, true, name.trim_end())
    });
    let sentence = "By the predictions, corrected by what the finished pieces of this run took";
    progress.on_hover_text(sentence);
    ui.label(theme::weak(ui, left)).on_hover_text(sentence);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let cancel = ui.small_button(Command::Cancel.text());
        if cancel.on_hover_text(Command::Cancel.hint(ui.ctx())).clicked() {
            queue.push(Command::Cancel);
        }
        let bytes: u64 = run.pieces.values().map(|view| view.memory_bytes).sum();
        let memory = egui::Label::new(theme::weak(ui, format!("{} in use", fmt::bytes(bytes))));
        if bytes > 0 && ui.available_width() > 100.0 {
            ui.add(memory.truncate());
        }
    });
}

fn row(ui: &mut Ui, session: &Session, run: &RunView, piece: Piece, view: &PieceView) {
    let t = theme::of(ui);
    let color = match piece {
        Piece::Slice(index) => t.slice(index),
        Piece::Whole => t.weak,
    };
    ui.horizontal(|ui| {
        let (chip, _) = ui.allocate_exact_size(Vec2::new(4.0, 16.0), egui::Sense::hover());
        ui.painter().rect_filled(chip, 2, color);
        let name = egui::Label::new(theme::strong(piece_name(piece)));
        // In a narrow panel the numbers behind are worth more than the system's name.
        let with_system = ui.available_width() > 400.0;
        let width = if with_system { 96.0 } else { 60.0 };
        ui.allocate_ui_with_layout(
            Vec2::new(width, 18.0),
            Layout::left_to_right(Align::Center),
            |ui| {
                ui.set_min_width(width);
                ui.spacing_mut().item_spacing.x = 6.0;
                ui.add(name);
                if with_system {
                    ui.label(theme::small(ui, run.system(piece).to_string()));
                }
            },
        );
        let width = (ui.available_width() * 0.4).clamp(60.0, 280.0);
        match &view.state {
            State::Queued => {
                super::bar(ui, Vec2::new(width, 8.0), 0.0, t.busy);
                ui.label(theme::weak(ui, "queued"));
            }
            State::Running(phase) => {
                let prediction = session.prediction(piece);
                let part = session.progress(piece, *phase, prediction);
                super::bar(ui, Vec2::new(width, 8.0), part.unwrap_or(0.1) as f32, t.busy);
                let since = run.now_secs() - view.phase_start_secs();
                let mut text = format!("{} for {}", phase_name(*phase), fmt::secs(since.floor()));
                if view.memory_bytes > 0 {
                    text = format!("{text}, {}", fmt::bytes(view.memory_bytes));
                }
                let label = ui.add(egui::Label::new(theme::weak(ui, text)).truncate());
                let term = match phase {
                    Phase::Witness => Some(Term::Witness),
                    Phase::Prove => Some(Term::Proof),
                    Phase::Verify | Phase::Check => Some(Term::Soundness),
                    Phase::Queued | Phase::Parameters | Phase::Keys => None,
                };
                if let Some(term) = term {
                    term.explain(label);
                }
            }
            State::Verified => {
                // The numbers need the room more than a bar that is full.
                super::bar(ui, Vec2::new(36.0, 8.0), 1.0, t.good);
                if let Some(m) = &view.measured {
                    let kept = if m.keys_reused { " · keys kept" } else { "" };
                    let text = format!(
                        "prove {} · verify {} · {} · {}{kept}",
                        fmt::secs(m.prove_secs),
                        fmt::secs(m.verify_secs),
                        fmt::bytes(m.peak_bytes),
                        fmt::bytes(m.proof_bytes),
                    );
                    let kept = if m.keys_reused { ", its keys kept from before" } else { "" };
                    let all = format!(
                        "prove {} · verify {} · peak memory {} · proof {} · set-up {}{kept}",
                        fmt::secs(m.prove_secs),
                        fmt::secs(m.verify_secs),
                        fmt::bytes(m.peak_bytes),
                        fmt::bytes(m.proof_bytes),
                        fmt::secs(m.setup_secs),
                    );
                    let text = theme::weak(ui, text).size(12.5);
                    ui.add(egui::Label::new(text).truncate()).on_hover_text(all);
                }
            }
            State::Failed(reason) => {
                super::bar(ui, Vec2::new(width, 8.0), 1.0, t.bad);
                ui.add(egui::Label::new(RichText::new(reason).color(t.bad)).truncate())
                    .on_hover_text(reason);
            }
            State::Cancelled => {
                super::bar(ui, Vec2::new(width, 8.0), 0.0, t.busy);
                ui.label(theme::weak(ui, "cancelled"));
            }
        }
    });
}
