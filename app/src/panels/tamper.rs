//! Attacks on a copy of the bundle, and the check that catches each: a line for each attack, and
//! below the list what the one under the pointer does and everything that the verifier said.

use egui::{Align, Button, Color32, Label, Layout, Rect, RichText, ScrollArea, Ui, Vec2};
use microtome_engine::attack::{Attack, Found};

use crate::tamper::Tamper;
use crate::theme;

/// Height of an attack's line.
const LINE: f32 = 17.5;
/// Width of the column of attacks.
const NAMES: f32 = 168.0;
/// Height of the details, two lines of them.
const DETAILS: f32 = 31.0;

/// Draws what belongs on the line of the tabs: how it went so far, and the button that tries all.
pub fn head(ui: &mut Ui, tamper: &Tamper) -> Vec<Attack> {
    let mut asked = Vec::new();
    let Some((from, _)) = &tamper.bundle else { return asked };
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let all = ui.add_enabled(!tamper.is_busy(), Button::new("Try all").small());
        let hint = format!(
            "Tries every attack, each on a copy of its own of {from}: the bundle stays as it is"
        );
        if all.on_hover_text(hint).clicked() {
            asked = Attack::ALL.to_vec();
        }
        if tamper.is_busy() {
            theme::spinner(ui, 13.0);
        }
        summary(ui, tamper);
    });
    asked
}

/// Draws the desk, and gives the attacks that are asked for.
pub fn show(ui: &mut Ui, tamper: &mut Tamper) -> Vec<Attack> {
    if tamper.bundle.is_none() {
        super::nothing(
            ui,
            "Here you can cheat. Prove a model or open a bundle, then try attacks on a copy of it, \
             and see which check catches each.",
        );
        return Vec::new();
    }
    let mut asked = Vec::new();
    ui.spacing_mut().item_spacing.y = 0.0;
    // A fade over the last line would hide half of what it says.
    ui.spacing_mut().scroll.fade.strength = 0.0;
    let list = (ui.available_height() - DETAILS).max(LINE);
    let mut about = tamper.about;
    ScrollArea::vertical().id_salt("tamper").max_height(list).min_scrolled_height(list).show(
        ui,
        |ui| {
            ui.set_min_width(ui.available_width());
            row(
                ui,
                |ui| {
                    ui.add_space(5.0);
                    ui.label(theme::strong("Honest bundle").size(12.5));
                },
                |ui| honest(ui, tamper),
            );
            for attack in Attack::ALL {
                let button = |ui: &mut Ui| {
                    ui.spacing_mut().button_padding.x = 5.0;
                    let text = RichText::new(attack.name()).size(12.5);
                    let button = Button::new(text).small().frame_when_inactive(false);
                    let button = ui.add_enabled(!tamper.is_busy(), button);
                    if button.has_focus() {
                        about = Some(attack);
                    }
                    if button.clicked() {
                        asked = vec![attack];
                        about = Some(attack);
                    }
                };
                let line = row(ui, button, |ui| result(ui, tamper, attack));
                if ui.rect_contains_pointer(line) {
                    about = Some(attack);
                }
            }
        },
    );
    if about != tamper.about {
        tamper.about = about;
        ui.ctx().request_repaint();
    }
    details(ui, tamper);
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

/// A line of what is tried and what came of it. Gives the place of all of it.
fn row(ui: &mut Ui, left: impl FnOnce(&mut Ui), right: impl FnOnce(&mut Ui)) -> Rect {
    let width = ui.available_width();
    let start = ui.cursor().min;
    ui.allocate_ui_with_layout(
        Vec2::new(width, LINE),
        Layout::left_to_right(Align::Center),
        |ui| {
            ui.spacing_mut().interact_size.y = LINE;
            let names = NAMES.min(width * 0.5);
            ui.allocate_ui_with_layout(
                Vec2::new(names, LINE),
                Layout::left_to_right(Align::Center),
                |ui| {
                    ui.set_min_width(names);
                    left(ui);
                },
            );
            right(ui);
        },
    );
    Rect::from_min_size(start, Vec2::new(width, LINE))
}

/// What the attack under the pointer does, and all that the verifier said of it.
fn details(ui: &mut Ui, tamper: &Tamper) {
    let (rect, _) =
        ui.allocate_exact_size(Vec2::new(ui.available_width(), DETAILS), egui::Sense::hover());
    let line = egui::Stroke::new(1.0, theme::of(ui).border);
    ui.painter().hline(rect.x_range(), rect.top() + 1.0, line);
    let text = match tamper.about {
        None => "Click an attack to try it on a copy. The unchanged bundle is verified first: it \
                 has to pass."
            .to_owned(),
        Some(attack) => {
            let found = tamper.attempts.get(&attack).map(|found| match found {
                Found::Caught(reason) => format!(" Caught: {reason}."),
                Found::Accepted => " ACCEPTED: no check noticed it.".to_owned(),
                Found::NotApplicable(reason) => format!(" Not tried: {reason}."),
            });
            format!("{}{}", attack.description(), found.unwrap_or_default())
        }
    };
    let place = Rect::from_min_max(rect.min + Vec2::new(0.0, 4.0), rect.max);
    let mut below = ui.new_child(egui::UiBuilder::new().max_rect(place));
    below.set_clip_rect(rect.intersect(ui.clip_rect()));
    let label = Label::new(theme::small(&below, &text)).wrap();
    below.add(label).on_hover_text(text);
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
        None if tamper.waiting.contains(&attack) => {
            ui.label(theme::small(ui, "waiting"));
        }
        None => {}
    }
}

/// The result and the check behind it, on one line; the pointer shows all of a long one.
fn finding(ui: &mut Ui, badge: &str, color: Color32, reason: &str) {
    super::badge(ui, badge, color);
    ui.add(Label::new(RichText::new(reason).size(12.0)).truncate()).on_hover_text(reason);
}
