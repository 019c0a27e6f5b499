//! Slices as coloured bands and their boundaries as handles.

use egui::{
    Align2, Color32, CornerRadius, CursorIcon, EventFilter, FontId, Id, Key, Modifiers, Painter,
    Pos2, Rangef, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    WidgetType,
};
use microtome_engine::report::format as fmt;

use super::layout::Layout;
use super::{Camera, Drag, GraphAction, GraphView, Selection};
use crate::session::{Session, SliceRow};
use crate::theme;

/// Width of the longest title.
const TITLE_WIDTH: f32 = 132.0;
const PILL: Vec2 = Vec2::new(92.0, 22.0);
/// How near, in points, the pointer must be to a legal place for the ghost of a boundary to show.
const GHOST_REACH: f32 = 12.0;

/// The heights on the screen where the bands begin and end.
pub(super) fn band_edges(
    area: Rect,
    camera: Camera,
    layout: &Layout,
    session: &Session,
) -> Vec<f32> {
    let y = |cut: usize| camera.screen(area.min, Pos2::new(0.0, layout.cut_heights[cut])).y;
    let margin = 26.0 * camera.zoom;
    let top = camera.screen(area.min, layout.bounds.min).y - margin;
    let bottom = camera.screen(area.min, layout.bounds.max).y + margin;
    std::iter::once(top).chain(session.cuts().iter().map(|&c| y(c))).chain([bottom]).collect()
}

/// Paints the wash of each slice and the lines between, to go under the nodes.
pub fn paint_bands(
    painter: &Painter,
    ui: &Ui,
    area: Rect,
    camera: Camera,
    layout: &Layout,
    session: &Session,
    selection: Selection,
) {
    let t = theme::of(ui);
    let edges = band_edges(area, camera, layout, session);
    for (index, pair) in edges.windows(2).enumerate() {
        let range = Rangef::new(pair[0].max(area.top()), pair[1].min(area.bottom()));
        if range.min >= range.max {
            continue;
        }
        let band = Rect::from_x_y_ranges(area.x_range(), range);
        painter.rect_filled(band, 0, t.band(index));
        let width = if selection.slice == Some(index) { 5.0 } else { 3.0 };
        let edge = Rect::from_min_size(band.min, Vec2::new(width, band.height()));
        painter.rect_filled(edge, 0, t.slice(index));
    }
    for (&cut, &y) in session.cuts().iter().zip(&edges[1..]) {
        let color = if session.is_locked(cut) { t.weak } else { t.accent };
        painter.hline(area.x_range(), y, Stroke::new(1.5, color));
    }
}

/// Writes what each slice costs at the top of its band; the title of a band that is partly
/// scrolled away stays in sight.
pub fn paint_titles(
    painter: &Painter,
    ui: &Ui,
    area: Rect,
    camera: Camera,
    layout: &Layout,
    session: &Session,
    selection: Selection,
) {
    let t = theme::of(ui);
    let edges = band_edges(area, camera, layout, session);
    let rows = session.rows();
    let nodes_left = camera.screen(area.min, layout.bounds.min).x;
    let total: u64 = rows.iter().map(|row| row.totals.macs).sum();
    for (index, pair) in edges.windows(2).enumerate() {
        let room = pair[1].min(area.bottom()) - pair[0].max(area.top());
        if room < 22.0 {
            continue;
        }
        let at = Pos2::new(area.left() + 14.0, pair[0].max(area.top()) + 7.0);
        let color = t.slice(index);
        let name = format!("Slice {index}");
        if nodes_left < area.left() + TITLE_WIDTH {
            // Nodes are under the title: it gets a ground of its own.
            let size = Vec2::new(TITLE_WIDTH, room.min(64.0) - 8.0);
            let ground = Rect::from_min_size(at - Vec2::new(6.0, 3.0), size);
            painter.rect_filled(ground, 4, theme::faded(t.canvas, 215));
        }
        let mark = if selection.slice == Some(index) { t.text } else { color };
        let title = painter.text(at, Align2::LEFT_TOP, name, theme::strong_font(12.5), mark);
        let Some(row) = rows.get(index) else { continue };
        let mut y = title.bottom() + 3.0;
        let mut line = |text: String, color: Color32| {
            if y + 13.0 < pair[0].max(area.top()) + room {
                let at = Pos2::new(at.x, y);
                painter.text(at, Align2::LEFT_TOP, text, FontId::proportional(11.0), color);
                y += 15.0;
            }
        };
        let share = if total > 0 { row.totals.macs as f64 / total as f64 } else { 0.0 };
        line(format!("{} MACs · {}", fmt::count(row.totals.macs), fmt::percent(share)), t.weak);
        if row.obstacle.is_some() {
            line("not provable here".to_owned(), t.bad);
        } else if let Some(p) = &row.prediction {
            let peak = fmt::bytes(p.peak_bytes);
            line(format!("≈ {} · {peak}", fmt::secs(p.prove_secs)), t.weak);
        }
    }
}

impl GraphView {
    #[expect(clippy::too_many_arguments, reason = "one drawing pass over what the caller holds")]
    pub(super) fn boundaries(
        &mut self,
        ui: &Ui,
        area: Rect,
        camera: Camera,
        session: &Session,
        selection: Selection,
        background: &Response,
        actions: &mut Vec<GraphAction>,
    ) {
        if self.drag.is_none() {
            self.ghost(ui, area, camera, session, background, actions);
        }
        for (ordinal, &cut) in session.cuts().iter().enumerate() {
            let y = camera.screen(area.min, Pos2::new(0.0, self.layout.cut_heights[cut])).y;
            let dragged = self.drag.as_ref().is_some_and(|d| d.ordinal == ordinal);
            if !dragged && !area.expand(PILL.y / 2.0).y_range().contains(y) {
                continue;
            }
            self.boundary(ui, area, camera, session, selection, (ordinal, cut, y), actions);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one drawing pass over what the caller holds")]
    fn boundary(
        &mut self,
        ui: &Ui,
        area: Rect,
        camera: Camera,
        session: &Session,
        selection: Selection,
        (ordinal, cut, y): (usize, usize, f32),
        actions: &mut Vec<GraphAction>,
    ) {
        let locked = session.is_locked(cut);
        let pill = pill_rect(area, y);
        let line = Rect::from_x_y_ranges(
            Rangef::new(area.left(), pill.left()),
            Rangef::new(y - 5.0, y + 5.0),
        );
        let id = Id::new(("boundary", ordinal));
        let sense = if locked { Sense::click() } else { Sense::click_and_drag() };
        let rail = ui.interact(line.intersect(area), id.with("line"), sense);
        let handle = ui.interact(pill, id, sense);
        let name = format!("Slice boundary {}", ordinal + 1);
        handle.widget_info(|| WidgetInfo::labeled(WidgetType::Slider, true, &name));
        rail.widget_info(|| {
            WidgetInfo::labeled(
                WidgetType::Slider,
                true,
                format!("Line of boundary {}", ordinal + 1),
            )
        });
        let both = handle.clone() | rail;
        if !locked && (both.hovered() || both.dragged()) {
            ui.ctx().set_cursor_icon(CursorIcon::ResizeVertical);
        }
        if both.clicked() || both.drag_started() {
            handle.request_focus();
            actions.push(GraphAction::SelectCut(cut));
        }
        self.keys(ui, &handle, cut, actions);
        self.drag(ui, area, camera, session, &both, (ordinal, cut), actions);

        let dragging = self.drag.as_ref().is_some_and(|d| d.ordinal == ordinal);
        let chosen = selection.cut == Some(cut) || handle.has_focus();
        paint_boundary(
            &ui.painter_at(area),
            ui,
            pill,
            &fmt::bytes(session.crossing_bytes_at(cut)),
            Look { locked, hot: both.hovered() || dragging, chosen },
        );
        if let (true, Some(drag)) = (dragging, &self.drag) {
            let rows = session.rows();
            let after = [rows.get(ordinal).cloned(), rows.get(ordinal + 1).cloned()];
            let at = Pos2::new(pill.right(), pill.bottom() + 8.0);
            tooltip(ui, at, session, cut, ordinal, &drag.before, &after);
        } else {
            both.clone().on_hover_ui(|ui| {
                crossing_list(ui, session, cut);
                let hint = if locked {
                    "Locked: balancing keeps it. Right-click to unlock."
                } else {
                    "Drag to move; arrow keys when selected; right-click for more."
                };
                ui.label(theme::small(ui, hint));
            });
        }
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

    fn keys(&self, ui: &Ui, handle: &Response, cut: usize, actions: &mut Vec<GraphAction>) {
        if !handle.has_focus() {
            return;
        }
        // Without the filter the arrow keys would move the focus instead of the boundary.
        let filter = EventFilter { vertical_arrows: true, escape: true, ..EventFilter::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(handle.id, filter));
        let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
        for (key, down) in [(Key::ArrowUp, false), (Key::ArrowDown, true)] {
            if pressed(key) {
                actions.push(GraphAction::Nudge { cut, down });
            }
        }
        if pressed(Key::L) {
            actions.push(GraphAction::ToggleLock(cut));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one drawing pass over what the caller holds")]
    fn drag(
        &mut self,
        ui: &Ui,
        area: Rect,
        camera: Camera,
        session: &Session,
        response: &Response,
        (ordinal, cut): (usize, usize),
        actions: &mut Vec<GraphAction>,
    ) {
        let rows = session.rows();
        if response.drag_started() {
            let before = [rows.get(ordinal).cloned(), rows.get(ordinal + 1).cloned()];
            self.drag = Some(Drag { ordinal, before, cancelled: false });
            actions.push(GraphAction::DragStarted);
        }
        let Some(drag) = self.drag.as_mut().filter(|d| d.ordinal == ordinal) else { return };
        if ui.input(|i| i.key_pressed(Key::Escape)) && !drag.cancelled {
            drag.cancelled = true;
            actions.push(GraphAction::DragCancelled);
        }
        if let (true, false, Some(pointer)) =
            (response.dragged(), drag.cancelled, ui.input(|i| i.pointer.latest_pos()))
        {
            let cuts = session.cuts();
            let above = ordinal.checked_sub(1).map_or(0, |o| cuts[o]);
            let below = cuts.get(ordinal + 1).copied().unwrap_or(usize::MAX);
            let layout = &self.layout;
            let is_free = |&c: &usize| c > above && c < below && layout.is_visible(c);
            let between = session.legal_cuts().iter().copied().filter(is_free);
            let y = camera.plane(area.min, pointer).y;
            if let Some(to) = self.layout.nearest_cut(y, between)
                && to != cut
            {
                actions.push(GraphAction::DragMoved { from: cut, to });
            }
        }
        if response.drag_stopped() {
            if !drag.cancelled {
                actions.push(GraphAction::DragEnded);
            }
            self.drag = None;
        }
    }

    /// Near a place where the model can be cut, offers to cut it there.
    fn ghost(
        &self,
        ui: &Ui,
        area: Rect,
        camera: Camera,
        session: &Session,
        background: &Response,
        actions: &mut Vec<GraphAction>,
    ) {
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
        let y = camera.screen(area.min, Pos2::new(0.0, self.layout.cut_heights[cut])).y;
        let near_a_boundary = session.cuts().iter().any(|&c| {
            let other = camera.screen(area.min, Pos2::new(0.0, self.layout.cut_heights[c])).y;
            (other - pointer.y).abs() < 7.0
        });
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
            crossing_list(ui, session, cut);
        });
    }
}

fn pill_rect(area: Rect, y: f32) -> Rect {
    let right = area.right() - 10.0;
    Rect::from_min_size(Pos2::new(right - PILL.x, y - PILL.y / 2.0), PILL)
}

#[derive(Clone, Copy)]
struct Look {
    locked: bool,
    hot: bool,
    chosen: bool,
}

fn paint_boundary(painter: &Painter, ui: &Ui, pill: Rect, label: &str, look: Look) {
    let t = theme::of(ui);
    let y = pill.center().y;
    let line = if look.locked { t.weak } else { t.accent };
    if look.hot || look.chosen {
        painter.hline(painter.clip_rect().x_range(), y, Stroke::new(2.5, line));
    }
    let fill = match (look.locked, look.hot) {
        (true, _) => t.raised,
        (false, true) => theme::between(t.accent, t.text, 0.15),
        (false, false) => t.accent,
    };
    let ink = if look.locked { t.text } else { t.on_accent };
    let edge = if look.chosen { Stroke::new(2.0, t.text) } else { Stroke::new(1.0, line) };
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

/// Names and sizes of the tensors that a boundary cuts through.
fn crossing_list(ui: &mut Ui, session: &Session, cut: usize) {
    let tensors = session.crossing_tensors(cut);
    let word = if tensors.len() == 1 { "tensor crosses" } else { "tensors cross" };
    let bytes = fmt::bytes(session.crossing_bytes_at(cut));
    ui.label(theme::strong(format!("{} {word}, {bytes}", tensors.len())));
    for (name, shape) in tensors.iter().take(4) {
        ui.label(theme::small(ui, format!("{name}  {shape}")));
    }
    if tensors.len() > 4 {
        ui.label(theme::small(ui, format!("and {} more", tensors.len() - 4)));
    }
}

/// What the boundary would cost where it is now, beside the pointer while it moves.
fn tooltip(
    ui: &Ui,
    at: Pos2,
    session: &Session,
    cut: usize,
    ordinal: usize,
    before: &[Option<SliceRow>; 2],
    after: &[Option<SliceRow>; 2],
) {
    egui::Area::new(Id::new("drag tooltip"))
        .order(egui::Order::Tooltip)
        .pivot(Align2::RIGHT_TOP)
        .fixed_pos(at)
        .constrain_to(ui.ctx().content_rect().shrink(4.0))
        .interactable(false)
        .show(ui.ctx(), |ui| {
            egui::Frame::popup(ui.style()).show(ui, |ui| {
                ui.set_max_width(320.0);
                crossing_list(ui, session, cut);
                ui.add_space(4.0);
                ui.spacing_mut().interact_size.y = theme::LINE;
                egui::Grid::new("drag costs").num_columns(4).spacing([10.0, 2.0]).show(ui, |ui| {
                    for side in 0..2 {
                        let (Some(was), Some(is)) = (&before[side], &after[side]) else { continue };
                        costs(ui, ordinal + side, was, is);
                    }
                });
            });
        });
}

fn costs(ui: &mut Ui, index: usize, was: &SliceRow, is: &SliceRow) {
    let t = theme::of(ui);
    ui.label(theme::strong(format!("Slice {index}")).color(t.slice(index)));
    change(ui, was.totals.macs as f64, is.totals.macs as f64, |v| fmt::count(v as u64) + " MACs");
    ui.end_row();
    if let (Some(was), Some(is)) = (&was.prediction, &is.prediction) {
        ui.label("");
        change(ui, was.prove_secs, is.prove_secs, fmt::secs);
        ui.end_row();
        ui.label("");
        change(ui, was.peak_bytes as f64, is.peak_bytes as f64, fmt::bytes_f64);
        ui.end_row();
    } else if is.obstacle.is_some() {
        ui.label("");
        ui.colored_label(t.bad, "not provable here");
        ui.end_row();
    }
}

fn change(ui: &mut Ui, was: f64, is: f64, text: impl Fn(f64) -> String) {
    let t = theme::of(ui);
    let color = match is.total_cmp(&was) {
        std::cmp::Ordering::Less => t.good,
        std::cmp::Ordering::Equal => t.weak,
        std::cmp::Ordering::Greater => t.bad,
    };
    ui.label(theme::weak(ui, text(was)));
    ui.label(theme::weak(ui, "→"));
    ui.colored_label(color, text(is));
}
