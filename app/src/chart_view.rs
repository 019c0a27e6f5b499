//! A chart that answers: values under the pointer or under the keyboard's focus, and a legend whose
//! entries hide and show their series. What it knows of the drawing is what the engine's drawing
//! code recorded, so that it can't point beside the marks.

use egui::{
    EventFilter, Id, Key, Pos2, Rect, Response, RichText, Sense, Stroke, StrokeKind, Tooltip, Ui,
    Vec2, WidgetInfo, WidgetType,
};
use microtome_engine::report::charts::{Chart, Frame, Hit, Scene, Value, View};

use crate::plot_backend::plot;
use crate::theme;

/// Values that a chart's description spells out; the rest are counted.
const MOST_SPOKEN: usize = 80;

/// A chart that was drawn.
pub struct Shown {
    /// Its place.
    pub response: Response,
    /// The value that was clicked, or that Enter was pressed on.
    pub chosen: Option<Value>,
}

/// Draws one of the engine's charts, with its title as the accessible name and its values as the
/// description. Arrow keys go from value to value while it has the focus.
pub fn chart(ui: &mut Ui, size: Vec2, chart: &Chart, view: &mut View) -> Shown {
    let (response, scene) = plot(ui, size, |area, look| chart.draw(area, look, view));
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Image, enabled, chart.title()));
    let Some(scene) = scene else { return Shown { response, chosen: None } };
    let origin = response.rect.min;
    legend(ui, &response, &scene, view);

    let focused = focused_hit(ui, &response, &scene);
    let pointer = response.hover_pos().map(|at| at - origin);
    let hovered = pointer.and_then(|at| scene.at(f64::from(at.x), f64::from(at.y)));
    if let Some(hit) = hovered.or(focused).and_then(|index| scene.hits.get(index)) {
        let around = on_screen(origin, &hit.frame);
        let color = theme::of(ui).text;
        let ring = around.expand(1.5);
        ui.painter().rect_stroke(ring, 1, Stroke::new(1.5, color), StrokeKind::Outside);
        values(ui, &response, around, hit, hovered.is_some());
    }
    let chosen =
        match ui.input(|input| (input.pointer.primary_clicked(), input.key_pressed(Key::Enter))) {
            (true, _) => hovered,
            (false, true) => focused,
            (false, false) => None,
        };
    let chosen = chosen.and_then(|index| scene.hits.get(index)).map(|hit| hit.value);
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_description(scene.summary(MOST_SPOKEN));
        if let Some(hit) = focused.and_then(|index| scene.hits.get(index)) {
            node.set_value(hit.sentence());
        }
    });
    Shown { response, chosen }
}

/// The value that the keyboard is at, while the chart has the focus.
fn focused_hit(ui: &Ui, response: &Response, scene: &Scene) -> Option<usize> {
    if !response.has_focus() || scene.hits.is_empty() {
        return None;
    }
    let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let place = response.id.with("value");
    let last = scene.hits.len() - 1;
    let at: usize = ui.data(|data| data.get_temp(place)).unwrap_or(0).min(last);
    let to = ui.input(|input| {
        let pressed = |key| input.key_pressed(key);
        match () {
            () if pressed(Key::ArrowRight) => (at + 1).min(last),
            () if pressed(Key::ArrowLeft) => at.saturating_sub(1),
            () if pressed(Key::Home) => 0,
            () if pressed(Key::End) => last,
            () => at,
        }
    });
    ui.data_mut(|data| data.insert_temp(place, to));
    let ring = Stroke::new(1.0, theme::of(ui).accent);
    ui.painter().rect_stroke(response.rect, 3, ring, StrokeKind::Inside);
    Some(to)
}

/// The tooltip with the exact values of a mark.
fn values(ui: &Ui, response: &Response, around: Rect, hit: &Hit, at_pointer: bool) {
    let id = response.id.with("values");
    let tip = Tooltip::always_open(ui.ctx().clone(), response.layer_id, id, around).gap(10.0);
    let tip = if at_pointer { tip.at_pointer() } else { tip };
    tip.show(|ui| {
        ui.label(theme::strong(&hit.label));
        egui::Grid::new(id).num_columns(2).spacing([14.0, 3.0]).show(ui, |ui| {
            for (name, value) in hit.facts() {
                ui.label(theme::weak(ui, name));
                ui.label(RichText::new(value));
                ui.end_row();
            }
        });
    });
}

/// Makes the entries of the legend, which the chart drew, into boxes to tick.
fn legend(ui: &mut Ui, response: &Response, scene: &Scene, view: &mut View) {
    let t = theme::of(ui);
    for item in &scene.legend {
        let Some(series) = item.series else { continue };
        let rect = on_screen(response.rect.min, &item.frame);
        let id: Id = response.id.with(("legend", series));
        let entry = ui.interact(rect.expand2(Vec2::new(4.0, 0.0)), id, Sense::click());
        let name = format!("Show {}", item.label);
        let enabled = ui.is_enabled();
        entry
            .widget_info(|| WidgetInfo::selected(WidgetType::Checkbox, enabled, item.shown, &name));
        if entry.has_focus() || entry.hovered() {
            let color = if entry.has_focus() { t.accent } else { t.faint };
            let line = Stroke::new(1.0, color);
            ui.painter().rect_stroke(entry.rect, 3, line, StrokeKind::Inside);
        }
        if entry.clicked() {
            view.toggle(series);
            ui.ctx().request_repaint();
        }
        entry.on_hover_text(if item.shown { "Click to hide" } else { "Click to show" });
    }
}

/// A frame of the chart as a rectangle of the window: its pixels are points there.
fn on_screen(origin: Pos2, frame: &Frame) -> Rect {
    let at = |x: f64, y: f64| origin + Vec2::new(x as f32, y as f32);
    Rect::from_min_max(at(frame.left, frame.top), at(frame.right, frame.bottom))
}
