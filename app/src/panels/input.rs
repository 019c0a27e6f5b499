//! The input that is proven, and what the model answers.

use egui::{ColorImage, Sense, TextureHandle, TextureOptions, Ui, Vec2, WidgetInfo, WidgetType};
use microtome_engine::report::format as fmt;

use super::{bits, fact, fact_about};
use crate::command::Command;
use crate::session::{Answer, Session};
use crate::theme;
use crate::words::Term;

/// Classes that are shown as bars.
const TOP_CLASSES: usize = 5;

/// The picture of the case that is shown, kept until the case changes.
#[derive(Default)]
pub struct InputPicture {
    key: Option<(u64, usize)>,
    texture: Option<TextureHandle>,
}

/// Draws input and answer, and the bits that the answer is computed with.
pub fn show(ui: &mut Ui, session: &Session, picture: &mut InputPicture, queue: &mut Vec<Command>) {
    theme::heading(ui, "Input");
    input(ui, session, picture, queue);
    ui.add_space(theme::GROUP);
    theme::heading(ui, "Answer");
    match (&session.answer, session.case()) {
        (_, None) => super::nothing(ui, "Open an input to see the model's answer."),
        (None, Some(_)) => super::nothing(ui, "Running the model…"),
        (Some(answer), Some(_)) => show_answer(ui, answer, session.expected_label()),
    }
    ui.add_space(theme::GROUP);
    theme::heading(ui, "Bits");
    bits::settings(ui, session, queue);
}

fn input(ui: &mut Ui, session: &Session, picture: &mut InputPicture, queue: &mut Vec<Command>) {
    let t = theme::of(ui);
    ui.horizontal(|ui| {
        let side = 84.0;
        match picture.of(ui, session) {
            Some(texture) => {
                let response = ui.add(
                    egui::Image::new(texture)
                        .fit_to_exact_size(Vec2::splat(side))
                        .corner_radius(4)
                        .alt_text("The input as a picture"),
                );
                ui.painter().rect_stroke(
                    response.rect,
                    4,
                    egui::Stroke::new(1.0, t.border),
                    egui::StrokeKind::Outside,
                );
            }
            None => {
                let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::hover());
                ui.painter().rect_filled(rect, 4, t.sunken);
                let text = if session.case().is_some() { "no picture" } else { "no input" };
                ui.painter().text(
                    rect.center(),
                    egui::Align2::CENTER_CENTER,
                    text,
                    egui::FontId::proportional(11.0),
                    t.faint,
                );
                response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, text));
            }
        }
        ui.vertical(|ui| {
            let cases = session.case_count();
            if let Some(name) = session.input_name() {
                ui.add(egui::Label::new(theme::strong(name)).truncate());
            }
            if cases > 0 {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = 4.0;
                    step(ui, "‹", Command::PreviousCase, cases > 1, queue);
                    ui.label(format!("{} / {cases}", session.case_index() + 1));
                    step(ui, "›", Command::NextCase, cases > 1, queue);
                });
            }
            if let Some(label) = session.expected_label() {
                ui.label(theme::weak(ui, format!("label {label}")));
            }
            if ui.button("Open…").on_hover_text(Command::OpenInput.hint(ui.ctx())).clicked() {
                queue.push(Command::OpenInput);
            }
        });
    });
}

fn step(ui: &mut Ui, text: &str, command: Command, enabled: bool, queue: &mut Vec<Command>) {
    let button = egui::Button::new(theme::strong(text)).min_size(Vec2::new(24.0, 22.0));
    let response = ui.add_enabled(enabled, button);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, enabled, command.text()));
    if response.on_hover_text(command.hint(ui.ctx())).clicked() {
        queue.push(command);
    }
}

fn show_answer(ui: &mut Ui, answer: &Answer, expected: Option<i64>) {
    let t = theme::of(ui);
    let color = |class: usize| match expected {
        Some(label) if i64::try_from(class) == Ok(label) => t.good,
        Some(_) => t.bad,
        None => t.text,
    };
    if let Some(reason) = &answer.problem {
        ui.label(egui::RichText::new(reason).color(t.bad).size(12.0));
    }
    if !answer.classes {
        let count = fmt::count(answer.float.len() as u64);
        fact(ui, "output", format!("{count} numbers, no classes"));
        fidelity(ui, answer);
        return;
    }
    if let Some((class, probability)) = answer.top_float() {
        let value = theme::strong(format!("{class}   {probability:.3}")).color(color(class));
        fact(ui, "float", value);
    }
    if let Some((class, probability)) = answer.top_fixed() {
        let value = theme::strong(format!("{class}   {probability:.3}")).color(color(class));
        fact_about(ui, Term::FixedPoint, "fixed point", value);
    }
    fidelity(ui, answer);
    let classes = answer.top_classes(TOP_CLASSES);
    if classes.is_empty() {
        return;
    }
    ui.add_space(theme::GAP);
    for class in classes {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let name = egui::Label::new(theme::weak(ui, class.index.to_string()));
            ui.add_sized([22.0, 16.0], name);
            let width = (ui.available_width() - 46.0).max(20.0);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                super::bar(ui, Vec2::new(width, 6.0), class.float as f32, t.busy);
                if let Some(fixed) = class.fixed {
                    super::bar(ui, Vec2::new(width, 6.0), fixed as f32, t.accent);
                }
            });
            ui.label(theme::small(ui, fmt::percent(class.fixed.unwrap_or(class.float))));
        });
    }
    ui.horizontal(|ui| {
        for (text, color) in [("float", t.busy), ("fixed point", t.accent)] {
            let (dot, _) = ui.allocate_exact_size(Vec2::splat(8.0), Sense::hover());
            ui.painter().rect_filled(dot, 2, color);
            ui.label(theme::small(ui, text));
        }
    });
}

/// How far the fixed-point answer is from the float one.
fn fidelity(ui: &mut Ui, answer: &Answer) {
    let t = theme::of(ui);
    let Some(fidelity) = &answer.fidelity else {
        if answer.problem.is_none() {
            let text = "No answer in fixed point: a node on the way can't be proven.";
            ui.label(theme::small(ui, text));
        }
        return;
    };
    fact(ui, "D1", format!("{:.4}", fidelity.d1));
    fact(ui, "TVD", format!("{:.4}", fidelity.tvd));
    let (text, color) = if fidelity.argmax_agrees {
        ("arg-max agrees", t.good)
    } else {
        ("arg-max differs", t.bad)
    };
    ui.horizontal(|ui| {
        super::badge(ui, text, color);
        if answer.proven {
            super::badge(ui, "proven", t.good);
        }
    });
}

impl InputPicture {
    fn of(&mut self, ui: &Ui, session: &Session) -> Option<&TextureHandle> {
        let key = session.case().map(|_| (session.inputs_version(), session.case_index()));
        if key != self.key {
            self.key = key;
            self.texture = image(session)
                .map(|image| ui.ctx().load_texture("input", image, TextureOptions::NEAREST));
        }
        self.texture.as_ref()
    }
}

/// The case as a picture, where the model takes one: 1 or 3 channels of some height and width.
fn image(session: &Session) -> Option<ColorImage> {
    let case = session.case()?;
    let values = case.tensors.first()?;
    let dims = session.graph.tensor(*session.graph.inputs.first()?).shape.clone()?;
    let (channels, height, width) = match dims.as_slice() {
        [1, c @ (1 | 3), h, w] => (*c, *h, *w),
        [c @ (1 | 3), h, w] if *h > 4 && *w > 4 => (*c, *h, *w),
        [1, n] | [n] => {
            let side = n.isqrt();
            (side * side == *n && side >= 4).then_some((1, side, side))?
        }
        _ => return None,
    };
    if values.len() != channels * height * width || height > 4096 || width > 4096 {
        return None;
    }
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let span = if high > low { high - low } else { 1.0 };
    let level = |v: f32| ((v - low) / span * 255.0).round().clamp(0.0, 255.0) as u8;
    let plane = height * width;
    let pixels = (0..plane)
        .flat_map(|i| {
            let channel = |c: usize| level(values[(c % channels) * plane + i]);
            [channel(0), channel(1), channel(2)]
        })
        .collect::<Vec<_>>();
    Some(ColorImage::from_rgb([width, height], &pixels))
}
