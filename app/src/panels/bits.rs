//! The bits of the model: the two numbers beside the answer, and the choice of them for a target
//! above the chart of error against cost.

use egui::{Button, ComboBox, DragValue, RichText, Ui, Vec2, WidgetInfo, WidgetType};
use microtome_engine::bits::{Bits, Point, Target};
use microtome_engine::report::format as fmt;

use crate::command::Command;
use crate::session::Session;
use crate::theme;

/// Room for every number of bits, so that none has to be scrolled to.
const LIST_HEIGHT: f32 = 420.0;

/// Draws the two numbers of bits, and where to have them chosen.
pub fn settings(ui: &mut Ui, session: &Session, queue: &mut Vec<Command>) {
    let mut bits = session.bits();
    let locked = session.is_proving();
    ui.add_enabled_ui(!locked, |ui| {
        let text = "A run goes on with these bits: wait for its end, or cancel it.";
        let rows = [
            ("activations", &mut bits.act_bits, Bits::ACT),
            ("weights", &mut bits.weight_bits, Bits::WEIGHT),
        ];
        for (name, value, range) in rows {
            ui.horizontal(|ui| {
                ui.label(theme::weak(ui, name));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    number(ui, name, value, range).on_disabled_hover_text(text);
                });
            });
        }
    });
    if bits != session.bits() {
        queue.push(Command::Bits(bits));
    }
    let command = Command::SweepBits;
    let enabled = session.why_not_sweep().is_none();
    let button = ui.add_enabled(enabled, Button::new(command.text()));
    if button.on_hover_text(command.tooltip()).clicked() {
        queue.push(command);
    }
}

fn number(ui: &mut Ui, name: &str, value: &mut u32, [least, most]: [u32; 2]) -> egui::Response {
    let label = format!("Bits of {name}: {value}");
    let list = ComboBox::from_id_salt(("bits", name))
        .width(76.0)
        .height(LIST_HEIGHT)
        .selected_text(format!("{value} bits"))
        .show_ui(ui, |ui| {
            for bits in least..=most {
                ui.selectable_value(value, bits, format!("{bits} bits"));
            }
        });
    list.response.widget_info(|| WidgetInfo::labeled(WidgetType::ComboBox, true, &label));
    list.response
}

/// Draws the target, the sweep's progress, and what came of it, above the chart.
pub fn head(ui: &mut Ui, session: &mut Session, queue: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(theme::weak(ui, "Keep"));
        demands(ui, &mut session.bits_view.target);
        match session.sweep_progress() {
            Some((done, all)) => progress(ui, done, all, queue),
            None => {
                let command = Command::SweepBits;
                let obstacle = session.why_not_sweep();
                let button = ui.add_enabled(obstacle.is_none(), Button::new("Sweep"));
                button.widget_info(|| {
                    WidgetInfo::labeled(WidgetType::Button, obstacle.is_none(), "Sweep over bits")
                });
                let button = button.on_hover_text(command.tooltip());
                if button.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
                    queue.push(command);
                }
            }
        }
    });
    outcome(ui, session, queue);
}

/// The two demands, each of which can be left out.
fn demands(ui: &mut Ui, target: &mut Target) {
    let usual = Target::DEFAULT;
    let mut percent = target.argmax_agreement.or(usual.argmax_agreement).unwrap_or(1.0) * 100.0;
    let mut d1 = target.d1.or(usual.d1).unwrap_or(0.0);
    let on = (target.argmax_agreement.is_some(), target.d1.is_some());
    let (mut keeps_argmax, mut keeps_d1) = on;
    ui.checkbox(&mut keeps_argmax, "arg-max ≥")
        .on_hover_text("The part of inputs whose answer stays that of the float model");
    let value = DragValue::new(&mut percent).range(0.0..=100.0).speed(0.1).suffix("%");
    let value = ui.add_enabled(keeps_argmax, value.max_decimals(1));
    name_value(&value, keeps_argmax, "Least arg-max agreement in percent", percent);
    ui.checkbox(&mut keeps_d1, "D1 ≤")
        .on_hover_text("The mean distance of the probabilities from the float model's");
    let value = DragValue::new(&mut d1).range(0.0..=1.0).speed(0.0001).max_decimals(5);
    let value = ui.add_enabled(keeps_d1, value);
    name_value(&value, keeps_d1, "Greatest mean D1", d1);
    target.argmax_agreement = keeps_argmax.then_some(percent / 100.0);
    target.d1 = keeps_d1.then_some(d1);
}

fn name_value(response: &egui::Response, enabled: bool, name: &str, value: f64) {
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(WidgetType::DragValue, enabled, name);
        info.value = Some(value);
        info
    });
}

fn progress(ui: &mut Ui, done: usize, all: usize, queue: &mut Vec<Command>) {
    let color = theme::of(ui).busy;
    let part = if all == 0 { 0.0 } else { done as f32 / all as f32 };
    if ui.button("Cancel").on_hover_text(Command::CancelSweep.tooltip()).clicked() {
        queue.push(Command::CancelSweep);
    }
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        ui.label(theme::small(ui, format!("{done} of {all} steps")));
        super::bar(ui, Vec2::new(90.0, 4.0), part, color);
    });
    ui.ctx().request_repaint_after(std::time::Duration::from_millis(100));
}

/// The setting that is chosen, or that the user picked in the chart, with the button to use it, in
/// one line: the chart below needs the room.
fn outcome(ui: &mut Ui, session: &mut Session, queue: &mut Vec<Command>) {
    let Some(choice) = session.bits_choice() else { return };
    let t = theme::of(ui);
    let Some(point) = session.picked_point().or_else(|| session.bits_point(choice.bits)) else {
        return;
    };
    let bits = point.bits;
    let is_picked = bits != choice.bits;
    let is_met = session.bits_view.target.is_met_by(point);
    let word = match (is_picked, is_met) {
        (false, true) => "cheapest that keeps the target",
        (false, false) => "closest, none keeps the target",
        (true, true) => "keeps the target",
        (true, false) => "misses the target",
    };
    let text = format!("{word} · {}", figures(point));
    let reason = if is_picked { text.clone() } else { capitalised(&choice.reason) };
    ui.horizontal(|ui| {
        use_button(ui, session, bits, queue);
        if is_picked {
            let back = ui.button("Back to the choice");
            if back.on_hover_text("Show the setting that is chosen for the target").clicked() {
                session.bits_view.picked = None;
            }
        }
        let color = if is_met { t.text } else { t.bad };
        let text = RichText::new(text).size(12.0).color(color);
        let label = ui.add(egui::Label::new(text).truncate());
        label.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &reason));
        label.on_hover_text(&reason);
    });
    if session.is_sweep_stale() {
        let text = "The plan or the input has changed since: sweep again for its costs.";
        ui.label(RichText::new(text).size(12.0).color(t.accent));
    }
}

fn use_button(ui: &mut Ui, session: &Session, bits: Bits, queue: &mut Vec<Command>) {
    let Bits { act_bits, weight_bits } = bits;
    let (hindrance, text) = match () {
        () if bits == session.bits() => {
            (Some("These bits are in use."), format!("✔ {act_bits} × {weight_bits} bits in use"))
        }
        () => {
            let running = session.is_proving().then_some("A run goes on with other bits.");
            (running, format!("Use {act_bits} × {weight_bits} bits"))
        }
    };
    let button = ui.add_enabled(hindrance.is_none(), Button::new(text));
    button.widget_info(|| {
        WidgetInfo::labeled(WidgetType::Button, hindrance.is_none(), "Use these bits")
    });
    let tip = format!("Quantise with {bits} from now on. Click a point for others.");
    let button = button.on_hover_text(tip);
    if button.on_disabled_hover_text(hindrance.unwrap_or_default()).clicked() {
        queue.push(Command::Bits(bits));
    }
}

/// What the sweep found of a setting, in a few words.
fn figures(point: &Point) -> String {
    let agreement = point.argmax_agreement.map_or_else(|| "–".to_owned(), fmt::percent);
    let d1 = point.d1.map_or_else(|| "–".to_owned(), fmt::distance);
    let secs = fmt::secs(point.prove_secs());
    let failed = match point.failed {
        0 => String::new(),
        count => format!(" · {count} of {} out of range", point.inputs),
    };
    format!("arg-max {agreement} · D1 {d1} · {secs}{failed}")
}

/// A reason as a sentence of its own.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}
