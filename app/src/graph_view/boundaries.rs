//! Boundaries of slices as handles to select, drag and lock, and offers of new ones.

use std::collections::BTreeSet;

use egui::{
    Align2, CornerRadius, CursorIcon, EventFilter, FontId, Id, Key, Modifiers, Painter, Pos2,
    Rangef, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, WidgetType,
};
use microtome_engine::report::format as fmt;

use super::{Camera, GraphAction, GraphView, boundary_cost};
use crate::command::Command;
use crate::session::Session;
use crate::theme;

const PILL: Vec2 = Vec2::new(92.0, 22.0);
/// How near, in points, the pointer must be to a legal place for the ghost of a boundary to show.
const GHOST_REACH: f32 = 12.0;

/// What the drawing of boundaries looks at.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub area: Rect,
    pub camera: Camera,
    pub session: &'a Session,
    /// Boundaries that are selected.
    pub chosen: &'a BTreeSet<usize>,
}

/// A boundary of the plan.
#[derive(Clone, Copy)]
pub(super) struct Boundary {
    /// Which one, counted from the top.
    pub ordinal: usize,
    pub cut: usize,
    /// Height of its line on the screen.
    pub y: f32,
}

impl Boundary {
    /// What it is called: boundary 1 is the one between slices 0 and 1.
    pub fn number(self) -> usize {
        self.ordinal + 1
    }
}

impl GraphView {
    /// Height of a cut's line on the screen.
    pub(super) fn cut_y(&self, area: Rect, camera: Camera, cut: usize) -> f32 {
        camera.screen(area.min, Pos2::new(0.0, self.layout.cut_heights[cut])).y
    }

    pub(super) fn boundaries(
        &mut self,
        ui: &Ui,
        stage: Stage<'_>,
        background: &Response,
        actions: &mut Vec<GraphAction>,
    ) {
        let Stage { area, camera, session, .. } = stage;
        if self.drag.is_none() && self.band.is_none() {
            self.ghost(ui, stage, background, actions);
        }
        for (ordinal, &cut) in session.cuts().iter().enumerate() {
            let y = self.cut_y(area, camera, cut);
            let dragged = self.drag.as_ref().is_some_and(|d| d.ordinal == ordinal);
            let focus = self.focus_cut == Some(cut);
            if !dragged && !focus && !area.expand(PILL.y / 2.0).y_range().contains(y) {
                continue;
            }
            self.boundary(ui, stage, Boundary { ordinal, cut, y }, actions);
        }
    }

    fn boundary(
        &mut self,
        ui: &Ui,
        stage: Stage<'_>,
        boundary: Boundary,
        actions: &mut Vec<GraphAction>,
    ) {
        let Stage { area, session, chosen, .. } = stage;
        let Boundary { ordinal, cut, y } = boundary;
        let locked = session.is_locked(cut);
        let floating = self.drag.as_ref().filter(|d| d.ordinal == ordinal).and_then(|d| d.place());
        let pill = match floating {
            Some(place) => pill_rect(area, place.y.clamp(area.top() + 12.0, area.bottom() - 12.0)),
            None => pill_rect(area, y),
        };
        let line = Rect::from_x_y_ranges(
            Rangef::new(area.left(), pill.left()),
            Rangef::new(y - 5.0, y + 5.0),
        );
        let id = Id::new(("boundary", ordinal));
        let sense = if locked { Sense::click() } else { Sense::click_and_drag() };
        let rail = ui.interact(line.intersect(area), id.with("line"), sense);
        let handle = ui.interact(pill, id, sense);
        let is_chosen = chosen.contains(&cut);
        name_boundary(&handle, &rail, boundary.number(), is_chosen, locked);
        let both = handle.clone() | rail;
        if !locked && (both.hovered() || both.dragged()) {
            ui.ctx().set_cursor_icon(CursorIcon::ResizeVertical);
        }
        if self.focus_cut.take_if(|focus| *focus == cut).is_some() {
            handle.request_focus();
        }
        let several = ui.input(|i| i.modifiers.shift || i.modifiers.command);
        if both.clicked() {
            handle.request_focus();
            let action = if several { GraphAction::ToggleCut } else { GraphAction::SelectCut };
            actions.push(action(cut));
        }
        if both.drag_started() {
            handle.request_focus();
            // One of several is dragged alone, and they all stay selected.
            if !is_chosen {
                actions.push(GraphAction::SelectCut(cut));
            }
        }
        boundary_keys(ui, &handle, cut, is_chosen, actions);
        self.drag_boundary(ui, stage, &both, boundary, pill.center().y, actions);

        let look = Look { locked, hot: both.hovered(), chosen: is_chosen || handle.has_focus() };
        if self.drag.as_ref().is_some_and(|d| d.ordinal == ordinal && d.place().is_some()) {
            self.paint_drag(ui, stage, boundary);
            return;
        }
        let label = fmt::bytes(session.crossing_bytes_at(cut));
        paint_boundary(&ui.painter_at(area), ui, pill, &label, look);
        both.clone().on_hover_ui(|ui| {
            boundary_cost::crossing_list(ui, session, cut);
            boundary_cost::linking_line(ui, session, cut);
            let hint = if locked {
                "Locked: balancing keeps it. Right-click to unlock."
            } else {
                "Drag to move, out of the graph to remove; arrow keys when selected; Shift-click to \
                 select several; right-click for more."
            };
            ui.label(theme::small(ui, hint));
        });
        both.context_menu(|ui| {
            let text = if locked { "Unlock boundary" } else { "Lock boundary" };
            if ui.button(text).clicked() {
                actions.push(GraphAction::ToggleLock(cut));
                ui.close();
            }
            let remove = ui.add_enabled(!locked, egui::Button::new("Remove boundary"));
            if remove.clicked() {
                actions.push(GraphAction::RemoveCut(cut));
                ui.close();
            }
        });
    }

    /// Near a place where the model can be cut, offers to cut it there.
    fn ghost(
        &self,
        ui: &Ui,
        stage: Stage<'_>,
        background: &Response,
        actions: &mut Vec<GraphAction>,
    ) {
        let Stage { area, camera, session, .. } = stage;
        let Some(pointer) = ui.input(|i| i.pointer.hover_pos()).filter(|&p| area.contains(p))
        else {
            return;
        };
        if !ui.rect_contains_pointer(area) || background.dragged() {
            return;
        }
        let point = camera.plane(area.min, pointer);
        let is_free =
            |c: &usize| session.cuts().binary_search(c).is_err() && self.layout.is_visible(*c);
        let free = session.legal_cuts().iter().copied().filter(is_free);
        let Some(cut) = self.layout.nearest_cut(point.y, free) else { return };
        let y = self.cut_y(area, camera, cut);
        let near_a_boundary =
            session.cuts().iter().any(|&c| (self.cut_y(area, camera, c) - pointer.y).abs() < 7.0);
        if (y - pointer.y).abs() > GHOST_REACH || near_a_boundary {
            return;
        }
        let t = theme::of(ui);
        let painter = ui.painter_at(area);
        let pill = pill_rect(area, y);
        let on_box = self.layout.at(point).is_some();
        let ink = theme::faded(t.accent, if on_box { 90 } else { 190 });
        let ends = [Pos2::new(area.left(), y), Pos2::new(pill.left(), y)];
        painter.extend(Shape::dashed_line(&ends, Stroke::new(1.0, ink), 5.0, 4.0));
        let response = ui.interact(pill, Id::new("ghost boundary"), Sense::click());
        response.widget_info(|| {
            WidgetInfo::labeled(WidgetType::Button, true, format!("Add boundary before node {cut}"))
        });
        let fill = if response.hovered() { t.accent } else { t.raised };
        let text = if response.hovered() { t.on_accent } else { t.accent };
        painter.rect(pill, CornerRadius::same(11), fill, Stroke::new(1.0, ink), StrokeKind::Inside);
        let label = format!("+ {}", fmt::bytes(session.crossing_bytes_at(cut)));
        painter.text(pill.center(), Align2::CENTER_CENTER, label, FontId::proportional(11.5), text);
        if response.clicked() || background.double_clicked() {
            actions.push(GraphAction::AddCut(cut));
        }
        response.on_hover_ui(|ui| {
            ui.label("Add a slice boundary here");
            boundary_cost::crossing_list(ui, session, cut);
        });
    }
}

/// What assistive technology is told of a boundary: its number, and whether it is selected.
fn name_boundary(handle: &Response, rail: &Response, number: usize, chosen: bool, locked: bool) {
    let states = [(chosen, "selected"), (locked, "locked")];
    let state: Vec<_> = states.iter().filter(|(on, _)| *on).map(|&(_, word)| word).collect();
    let state = (!state.is_empty()).then(|| state.join(", "));
    handle.widget_info(|| WidgetInfo {
        selected: Some(chosen),
        current_text_value: state.clone(),
        ..WidgetInfo::labeled(WidgetType::Slider, true, format!("Slice boundary {number}"))
    });
    rail.widget_info(|| {
        WidgetInfo::labeled(WidgetType::Slider, true, format!("Line of boundary {number}"))
    });
}

/// What keys do to the boundary with the focus, and to all that are selected with it.
fn boundary_keys(
    ui: &Ui,
    handle: &Response,
    cut: usize,
    is_chosen: bool,
    actions: &mut Vec<GraphAction>,
) {
    if !handle.has_focus() {
        return;
    }
    // Without the filter the arrow keys would move the focus instead of the boundary.
    let filter = EventFilter { vertical_arrows: true, escape: true, ..EventFilter::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(handle.id, filter));
    for (key, command) in [
        (Key::ArrowUp, Command::BoundaryUp),
        (Key::ArrowDown, Command::BoundaryDown),
        (Key::L, Command::LockBoundary),
    ] {
        if ui.input_mut(|i| i.consume_key(Modifiers::NONE, key)) {
            if !is_chosen {
                actions.push(GraphAction::SelectCut(cut));
            }
            actions.push(GraphAction::Ask(command));
        }
    }
}

pub(super) fn pill_rect(area: Rect, y: f32) -> Rect {
    let right = area.right() - 10.0;
    Rect::from_min_size(Pos2::new(right - PILL.x, y - PILL.y / 2.0), PILL)
}

/// How a boundary is drawn.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub locked: bool,
    pub hot: bool,
    pub chosen: bool,
}

fn paint_boundary(painter: &Painter, ui: &Ui, pill: Rect, label: &str, look: Look) {
    let t = theme::of(ui);
    if look.hot || look.chosen {
        let line = if look.locked { t.weak } else { t.accent };
        let y = pill.center().y;
        painter.hline(painter.clip_rect().x_range(), y, Stroke::new(2.5, line));
    }
    paint_pill(painter, ui, pill, label, look);
}

/// The handle itself.
pub(super) fn paint_pill(painter: &Painter, ui: &Ui, pill: Rect, label: &str, look: Look) {
    let t = theme::of(ui);
    let y = pill.center().y;
    let fill = match (look.locked, look.hot) {
        (true, _) => t.raised,
        (false, true) => theme::between(t.accent, t.text, 0.15),
        (false, false) => t.accent,
    };
    let ink = if look.locked { t.text } else { t.on_accent };
    let edge = if look.chosen {
        Stroke::new(2.0, t.text)
    } else {
        Stroke::new(1.0, if look.locked { t.weak } else { t.accent })
    };
    painter.rect(pill, CornerRadius::same(11), fill, edge, StrokeKind::Inside);
    let grip = pill.left() + 12.0;
    if look.locked {
        let body = Rect::from_center_size(Pos2::new(grip + 2.0, y + 2.0), Vec2::new(9.0, 7.0));
        painter.rect_filled(body, 1, ink);
        let shackle = Rect::from_center_size(Pos2::new(grip + 2.0, y - 2.5), Vec2::new(5.5, 7.0));
        painter.rect_stroke(shackle, 2, Stroke::new(1.3, ink), StrokeKind::Middle);
    } else {
        for (dx, dy) in [(0.0, -4.0), (0.0, 0.0), (0.0, 4.0), (4.5, -4.0), (4.5, 0.0), (4.5, 4.0)] {
            painter.circle_filled(Pos2::new(grip + dx, y + dy), 1.1, ink);
        }
    }
    let center = Pos2::new(pill.center().x + 8.0, y);
    painter.text(center, Align2::CENTER_CENTER, label, theme::strong_font(11.5), ink);
}
