//! Dragging a boundary: its handle follows the pointer, a line marks the place that it snaps to,
//! and ticks show how cheap the places around are. Dragged out of the graph it is removed.

use egui::{
    Align2, Id, Key, Order, Painter, Pos2, Rangef, Rect, Response, Shape, Stroke, Ui, Vec2,
};
use microtome_engine::plan::Linking;
use microtome_engine::report::format as fmt;

use super::boundaries::{Boundary, Look, Stage, paint_pill, pill_rect};
use super::layout::Layout;
use super::{GraphAction, GraphView, boundary_cost, overview};
use crate::session::{Session, SliceRow};
use crate::theme;

/// How far sideways out of the graph, in points, a boundary is dragged to be removed.
const OUT_REACH: f32 = 24.0;
/// How far above and below the pointer ticks show what cuts cost.
const TICK_REACH: f32 = 190.0;
/// Length of the longest tick.
const TICK_LENGTH: f32 = 44.0;

/// How near to the upper or lower edge the graph scrolls along, and its fastest pace for a frame.
const SCROLL_REACH: f32 = 28.0;
const SCROLL_PACE: f32 = 14.0;

/// A drag that is going on.
#[derive(Clone, Debug)]
pub(super) struct Drag {
    /// Which boundary, counted from the top.
    pub ordinal: usize,
    /// The slices above and below it, as they were.
    pub before: [Option<SliceRow>; 2],
    /// Where it was.
    from: usize,
    /// What it cost in the proofs beside it.
    pub linking: Option<Linking>,
    /// From the pointer to the middle of the handle.
    grip: f32,
    pointer: Pos2,
    /// Letting go now removes the boundary.
    out: bool,
    /// It snaps to cheap cuts only.
    only_cheap: bool,
    cancelled: bool,
}

impl Drag {
    /// Where the handle is, unless the drag was given up.
    pub fn place(&self) -> Option<Pos2> {
        (!self.cancelled).then(|| self.pointer + Vec2::new(0.0, self.grip))
    }
}

/// The places that a boundary between two others snaps to, of those that can be seen. Where no
/// cheap one is, every legal one.
fn snaps(session: &Session, layout: &Layout, ordinal: usize, only_cheap: bool) -> Vec<usize> {
    let cuts = session.cuts();
    let above = ordinal.checked_sub(1).map_or(0, |o| cuts[o]);
    let below = cuts.get(ordinal + 1).copied().unwrap_or(usize::MAX);
    let between = |all: &[usize]| -> Vec<usize> {
        all.iter().copied().filter(|&c| c > above && c < below && layout.is_visible(c)).collect()
    };
    let cheap = if only_cheap { between(session.cheap_cuts()) } else { Vec::new() };
    if cheap.is_empty() { between(session.legal_cuts()) } else { cheap }
}

impl GraphView {
    /// Follows a drag of this boundary, whose handle's middle is at `middle`.
    pub(super) fn drag_boundary(
        &mut self,
        ui: &Ui,
        stage: Stage<'_>,
        response: &Response,
        boundary: Boundary,
        middle: f32,
        actions: &mut Vec<GraphAction>,
    ) {
        let Stage { area, camera, session, .. } = stage;
        let Boundary { ordinal, cut, .. } = boundary;
        let pointer = ui.input(|i| i.pointer.latest_pos());
        if response.drag_started() {
            let rows = session.rows();
            let pressed = ui.input(|i| i.pointer.press_origin()).or(pointer);
            self.drag = Some(Drag {
                ordinal,
                before: [rows.get(ordinal).cloned(), rows.get(ordinal + 1).cloned()],
                from: cut,
                linking: session.linking(cut).copied(),
                grip: pressed.map_or(0.0, |p| middle - p.y),
                pointer: pointer.or(pressed).unwrap_or_default(),
                out: false,
                only_cheap: false,
                cancelled: false,
            });
            actions.push(GraphAction::DragStarted);
        }
        let Some(drag) = self.drag.as_mut().filter(|d| d.ordinal == ordinal) else { return };
        if ui.input(|i| i.key_pressed(Key::Escape)) && !drag.cancelled {
            drag.cancelled = true;
            // It stays selected where it was.
            if drag.from != cut {
                actions.push(GraphAction::DragMoved { from: cut, to: drag.from });
            }
            actions.push(GraphAction::DragCancelled);
        }
        if let (true, false, Some(pointer)) = (response.dragged(), drag.cancelled, pointer) {
            drag.pointer = pointer;
            drag.out = !area.x_range().expand(OUT_REACH).contains(pointer.x);
            drag.only_cheap = ui.input(|i| i.modifiers.shift);
            let y = camera.plane(area.min, pointer + Vec2::new(0.0, drag.grip)).y;
            let places = snaps(session, &self.layout, ordinal, drag.only_cheap);
            if let Some(to) = self.layout.nearest_cut(y, places)
                && to != cut
                && !drag.out
            {
                actions.push(GraphAction::DragMoved { from: cut, to });
            }
        }
        if response.dragged() && !drag.out && !drag.cancelled {
            let pointer = drag.pointer;
            self.scroll_along(ui, area, pointer);
        }
        let Some(drag) = &self.drag else { return };
        if response.drag_stopped() {
            if drag.out && !drag.cancelled {
                actions.push(GraphAction::RemoveCut(cut));
            }
            if !drag.cancelled {
                actions.push(GraphAction::DragEnded);
            }
            self.drag = None;
        }
    }

    /// Scrolls while the pointer is at an edge beyond which there is more of the model.
    fn scroll_along(&mut self, ui: &Ui, area: Rect, pointer: Pos2) {
        let Some(camera) = &mut self.camera else { return };
        let bounds = self.layout.bounds;
        let top = area.top() - camera.screen(area.min, bounds.min).y;
        let bottom = camera.screen(area.min, bounds.max).y - area.bottom();
        let up = (area.top() + SCROLL_REACH - pointer.y).min(top + SCROLL_REACH);
        let down = (pointer.y - area.bottom() + SCROLL_REACH).min(bottom + SCROLL_REACH);
        let pace = |reach: f32| (reach * 0.4).clamp(0.0, SCROLL_PACE);
        let by = pace(up) - pace(down);
        if by != 0.0 && (top > 0.0 || by < 0.0) && (bottom > 0.0 || by > 0.0) {
            camera.pan.y += by;
            ui.ctx().request_repaint();
        }
    }

    /// Draws the dragged boundary, where it would go, and what that would change.
    pub(super) fn paint_drag(&self, ui: &Ui, stage: Stage<'_>, boundary: Boundary) {
        let Some(drag) = &self.drag else { return };
        let Some(place) = drag.place() else { return };
        let Stage { area, session, .. } = stage;
        let t = theme::of(ui);
        let painter = ui.painter_at(area);
        let Boundary { cut, y, .. } = boundary;
        if drag.out {
            let ends = [Pos2::new(area.left(), y), Pos2::new(area.right(), y)];
            painter.extend(Shape::dashed_line(&ends, Stroke::new(2.0, t.bad), 6.0, 5.0));
            self.removal(ui, stage, boundary, drag);
            return;
        }
        let pill = pill_rect(area, place.y.clamp(area.top() + 12.0, area.bottom() - 12.0));
        self.ticks(&painter, ui, stage, boundary, drag, pill.left() - 8.0);
        painter.hline(area.x_range(), y, Stroke::new(2.5, t.accent));
        // Triangles at both ends tell the line that it snaps to from all the others.
        for (x, inwards) in [(area.left() + 1.0, 8.0), (area.right() - 1.0, -8.0)] {
            let corners = [(0.0, -6.0), (inwards, 0.0), (0.0, 6.0)];
            let corners = corners.map(|(dx, dy)| Pos2::new(x + dx, y + dy)).to_vec();
            painter.add(Shape::convex_polygon(corners, t.accent, Stroke::NONE));
        }
        let stem = Rangef::new(y.min(pill.center().y), y.max(pill.center().y));
        painter.vline(pill.center().x, stem, Stroke::new(1.5, theme::faded(t.accent, 150)));
        let look = Look { locked: false, hot: true, chosen: true };
        paint_pill(&painter, ui, pill, &fmt::bytes(session.crossing_bytes_at(cut)), look);
        // Beside the graph, so that it covers neither nodes nor ticks.
        let at = Pos2::new(area.right() + overview::WIDTH + 8.0, pill.center().y - 60.0);
        beside(ui, at, Align2::LEFT_TOP, |ui| {
            boundary_cost::crossing_list(ui, session, cut);
            boundary_cost::linking_line(ui, session, cut);
            ui.add_space(4.0);
            boundary_cost::changes(ui, session, boundary.ordinal, cut, drag);
            ui.add_space(4.0);
            let hint = if drag.only_cheap {
                "Shift: only cuts that are cheaper than those beside them"
            } else {
                "Shift: snap to cheap cuts · Esc: give up"
            };
            ui.label(theme::small(ui, hint));
        });
    }

    /// Short lines beside the handle, one at each place around: the shorter, the fewer bytes cross.
    fn ticks(
        &self,
        painter: &Painter,
        ui: &Ui,
        stage: Stage<'_>,
        boundary: Boundary,
        drag: &Drag,
        right: f32,
    ) {
        let Stage { area, camera, session, .. } = stage;
        let t = theme::of(ui);
        let shown: Vec<(usize, f32)> = snaps(session, &self.layout, boundary.ordinal, false)
            .into_iter()
            .map(|cut| (cut, self.cut_y(area, camera, cut)))
            .filter(|&(_, y)| (y - drag.pointer.y).abs() < TICK_REACH)
            .collect();
        let bytes = |cut: usize| session.crossing_bytes_at(cut) as f32;
        let most = shown.iter().map(|&(cut, _)| bytes(cut)).fold(1.0, f32::max);
        for &(cut, y) in &shown {
            let length = 5.0 + (TICK_LENGTH - 5.0) * (bytes(cut) / most).sqrt();
            let cheap = session.cheap_cuts().binary_search(&cut).is_ok();
            let (color, width) = if cheap { (t.good, 4.0) } else { (t.weak, 2.5) };
            let near = 1.0 - (y - drag.pointer.y).abs() / TICK_REACH;
            let dimmed = drag.only_cheap && !cheap;
            let alpha = if dimmed { 70.0 } else { 110.0 + 145.0 * near };
            let line = Rect::from_min_max(
                Pos2::new(right - length, y - width / 2.0),
                Pos2::new(right, y + width / 2.0),
            );
            if !dimmed {
                painter.rect_filled(line.expand(2.0), 3, theme::faded(t.canvas, 170));
            }
            painter.rect_filled(line, 2, theme::faded(color, alpha as u8));
        }
    }

    /// The handle out of the graph, with what letting go would do.
    fn removal(&self, ui: &Ui, stage: Stage<'_>, boundary: Boundary, drag: &Drag) {
        let t = theme::of(ui);
        let painter =
            ui.ctx().layer_painter(egui::LayerId::new(Order::Tooltip, Id::new("dragged out")));
        let size = pill_rect(stage.area, 0.0).size();
        let pill = Rect::from_center_size(drag.pointer, size);
        painter.rect_filled(pill, 11, t.bad);
        let font = theme::strong_font(11.5);
        painter.text(pill.center(), Align2::CENTER_CENTER, "Remove", font, theme::ink_on(t.bad));
        let is_left = drag.pointer.x < stage.area.center().x;
        let at = pill.center_bottom() + Vec2::new(0.0, 8.0);
        let pivot = if is_left { Align2::LEFT_TOP } else { Align2::CENTER_TOP };
        beside(ui, at, pivot, |ui| {
            ui.label(theme::strong("Release to remove"));
            let (above, below) = (boundary.ordinal, boundary.ordinal + 1);
            let text = format!("Slices {above} and {below} become one.");
            ui.label(theme::small(ui, text));
            ui.label(theme::small(ui, "Back into the graph, or Esc: keep it"));
        });
    }
}

/// A box beside what is dragged, which the pointer can't touch.
fn beside(ui: &Ui, at: Pos2, pivot: Align2, add: impl FnOnce(&mut Ui)) {
    egui::Area::new(Id::new("drag tooltip"))
        .order(Order::Tooltip)
        .pivot(pivot)
        .fixed_pos(at)
        .constrain_to(ui.ctx().content_rect().shrink(4.0))
        .interactable(false)
        .show(ui.ctx(), |ui| {
            egui::Frame::popup(ui.style()).show(ui, |ui| {
                ui.set_max_width(340.0);
                add(ui);
            });
        });
}
