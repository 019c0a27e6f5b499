//! The panels around the graph, one module each.

pub mod bits;
pub mod charts;
pub mod input;
pub mod inspector;
pub mod jobs;
pub mod log;
pub mod plans;
pub mod slices;
pub mod systems;
pub mod tamper;
pub mod verify;

use egui::{
    Color32, CornerRadius, Rect, Response, RichText, Sense, Ui, Vec2, WidgetInfo, WidgetType,
};

use crate::theme;
use crate::words::Term;

/// A row as high as its text: rows are otherwise as high as a button.
pub fn line<R>(ui: &mut Ui, add_contents: impl FnOnce(&mut Ui) -> R) -> R {
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = theme::LINE;
        ui.horizontal(add_contents).inner
    })
    .inner
}

/// A row of a name and a value, the name calm, the value at the right edge.
pub fn fact(ui: &mut Ui, name: &str, value: impl Into<RichText>) {
    line(ui, |ui| {
        ui.label(theme::weak(ui, name));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.add(egui::Label::new(value.into()).truncate());
        });
    });
}

/// The same for a name that is a term of the field.
pub fn fact_about(ui: &mut Ui, term: Term, name: &str, value: impl Into<RichText>) {
    line(ui, |ui| {
        term.label(ui, name);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.add(egui::Label::new(value.into()).truncate());
        });
    });
}

/// A small filled label such as `verified`.
pub fn badge(ui: &mut Ui, text: &str, color: Color32) -> Response {
    let font = theme::strong_font(11.0);
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, color);
    let size = galley.size() + Vec2::new(12.0, 4.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().rect_filled(rect, CornerRadius::same(8), theme::faded(color, 34));
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, color);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, text));
    response
}

/// A thin bar that is filled up to a part of its width.
pub fn bar(ui: &mut Ui, size: Vec2, part: f32, color: Color32) -> Rect {
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let t = theme::of(ui);
    let radius = CornerRadius::same((size.y / 2.0).min(4.0) as u8);
    ui.painter().rect_filled(rect, radius, t.sunken);
    let mut filled = rect;
    filled.set_width(rect.width() * part.clamp(0.0, 1.0));
    ui.painter().rect_filled(filled, radius, color);
    rect
}

/// A calm sentence where there is nothing to show yet.
pub fn nothing(ui: &mut Ui, text: &str) {
    ui.add_space(theme::GAP);
    ui.label(theme::weak(ui, text));
}

/// Tabs as underlined words. Returns whether the choice changed.
pub fn tabs<T: Copy + PartialEq>(ui: &mut Ui, chosen: &mut T, all: &[(T, &str)]) -> bool {
    let before = *chosen;
    let t = theme::of(ui);
    for &(tab, text) in all {
        let on = *chosen == tab;
        let color = if on { t.text } else { t.weak };
        let label = egui::Button::new(theme::strong(text).size(12.5).color(color)).frame(false);
        let response = ui.add(label);
        response.widget_info(|| WidgetInfo::selected(WidgetType::RadioButton, true, on, text));
        if response.clicked() {
            *chosen = tab;
        }
        if on {
            let y = response.rect.bottom() + 1.0;
            ui.painter().hline(response.rect.x_range(), y, egui::Stroke::new(2.0, t.accent));
        }
    }
    *chosen != before
}
