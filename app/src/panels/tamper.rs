//! Attacks on a copy of the bundle, and the check that catches each.

use egui::{Align, Button, Color32, Label, Layout, RichText, ScrollArea, Ui, Vec2};
use microtome_engine::attack::{Attack, Found};

use crate::tamper::Tamper;
use crate::theme;

/// From this width on, what came of an attack stands beside its button.
const WIDE: f32 = 340.0;
/// Width of the column of attacks.
const NAMES: f32 = 172.0;

/// Draws the desk, and gives the attacks that are asked for.
pub fn show(ui: &mut Ui, tamper: &Tamper) -> Vec<Attack> {
    let Some((from, _)) = &tamper.bundle else {
        super::nothing(
            ui,
            "Here you can cheat. Prove a model or open a bundle, then try attacks on a copy of it, \
             and see which check catches each.",
        );
        return Vec::new();
    };
    let mut asked = Vec::new();
    ui.horizontal(|ui| {
        let all = ui.add_enabled(!tamper.is_busy(), Button::new("Try all"));
        let hint = "Tries every attack, each on a copy of its own: the bundle stays as it is";
        if all.on_hover_text(hint).clicked() {
            asked = Attack::ALL.to_vec();
        }
        if tamper.is_busy() {
            ui.spinner();
        }
        summary(ui, tamper);
        let text = format!("on copies of {from}");
        ui.add(Label::new(theme::weak(ui, text)).truncate());
    });
    ui.add_space(theme::GAP);
    ScrollArea::vertical().id_salt("tamper").auto_shrink(false).show(ui, |ui| {
        row(
            ui,
            "Verified first, as it is: it has to pass.",
            |ui| drop(ui.label(theme::strong("Honest bundle"))),
            |ui| honest(ui, tamper),
        );
        for attack in Attack::ALL {
            let button = |ui: &mut Ui| {
                let button = ui.add_enabled(!tamper.is_busy(), Button::new(attack.name()));
                if button.on_hover_text(attack.description()).clicked() {
                    asked = vec![attack];
                }
            };
            row(ui, attack.description(), button, |ui| result(ui, tamper, attack));
        }
    });
    asked
}

fn summary(ui: &mut Ui, tamper: &Tamper) {
    let t = theme::of(ui);
    let count = |of: fn(&Found) -> bool| tamper.attempts.values().filter(|f| of(f)).count();
    let caught = count(|found| matches!(found, Found::Caught(_)));
    let accepted = count(|found| matches!(found, Found::Accepted));
    if accepted > 0 {
        super::badge(ui, &format!("{accepted} of {} ACCEPTED", caught + accepted), t.bad);
    } else if caught > 0 {
        super::badge(ui, &format!("{caught} of {caught} caught"), t.good);
    }
}

/// A row of what is tried and what came of it, with a sentence below.
fn row(ui: &mut Ui, sentence: &str, left: impl FnOnce(&mut Ui), right: impl FnOnce(&mut Ui)) {
    ui.spacing_mut().item_spacing.y = 2.0;
    if ui.available_width() > WIDE {
        ui.horizontal(|ui| {
            let size = Vec2::new(NAMES, ui.spacing().interact_size.y);
            ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
                ui.set_min_width(NAMES);
                left(ui);
            });
            right(ui);
        });
    } else {
        left(ui);
        ui.horizontal(right);
    }
    ui.label(theme::small(ui, sentence));
    ui.add_space(theme::GAP);
}

fn honest(ui: &mut Ui, tamper: &Tamper) {
    let t = theme::of(ui);
    match &tamper.honest {
        None => {}
        Some(Ok(())) => finding(ui, "accepted", t.good, "every proof and every link holds"),
        Some(Err(reason)) => finding(ui, "NOT ACCEPTED", t.bad, reason),
    }
}

fn result(ui: &mut Ui, tamper: &Tamper, attack: Attack) {
    let t = theme::of(ui);
    match tamper.attempts.get(&attack) {
        Some(Found::Caught(reason)) => finding(ui, "caught", t.good, reason),
        Some(Found::Accepted) => {
            finding(ui, "ACCEPTED", t.bad, "no check noticed the change: the verifier failed");
        }
        Some(Found::NotApplicable(reason)) => finding(ui, "not tried", t.weak, reason),
        None => {}
    }
}

/// The result and the check behind it, on one line; the pointer shows all of a long one.
fn finding(ui: &mut Ui, badge: &str, color: Color32, reason: &str) {
    super::badge(ui, badge, color);
    ui.add(Label::new(RichText::new(reason).size(12.0)).truncate()).on_hover_text(reason);
}
