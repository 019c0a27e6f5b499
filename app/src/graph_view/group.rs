//! Nodes selected together, with a rubber band or as a range, and the bar that makes a slice of
//! them or of several boundaries one selection.

use std::collections::BTreeSet;

use egui::{Align2, Button, Id, Key, Pos2, Rect, Response, Stroke, StrokeKind, Ui, Vec2};
use microtome_engine::report::format as fmt;

use super::layout::Item;
use super::picked::Picked;
use super::{Camera, GraphAction, GraphView, Selection};
use crate::command::Command;
use crate::session::Session;
use crate::theme;

/// A rubber band while it is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    /// Where on the plane it began.
    from: Pos2,
    /// Where on the plane the pointer is.
    to: Pos2,
    /// It selects nothing any more.
    given_up: bool,
}

impl GraphView {
    /// Follows a rubber band, from where it began to where the pointer is. Returns whether the
    /// drag on the background is one.
    pub(super) fn follow_band(
        &mut self,
        ui: &Ui,
        background: &Response,
        area: Rect,
        camera: Camera,
        actions: &mut Vec<GraphAction>,
    ) -> bool {
        let plane = |at: Pos2| camera.plane(area.min, at.clamp(area.min, area.max));
        if background.drag_started() && ui.input(|i| i.modifiers.shift) {
            let origin = ui.input(|i| i.pointer.press_origin()).map(plane);
            self.band = origin.map(|from| Band { from, to: from, given_up: false });
        }
        let Some(band) = &mut self.band else { return false };
        band.given_up |= ui.input(|i| i.key_pressed(Key::Escape));
        if let Some(pointer) = ui.input(|i| i.pointer.latest_pos()) {
            band.to = plane(pointer);
        }
        if !background.dragged() {
            let Band { from, to, given_up } = *band;
            if !given_up {
                actions.push(GraphAction::PickNodes(self.nodes_in(Rect::from_two_pos(from, to))));
            }
            self.band = None;
        }
        true
    }

    /// Nodes whose box, or whose folded block's, a rectangle of the plane touches.
    fn nodes_in(&self, band: Rect) -> BTreeSet<usize> {
        let touched = self.layout.items.iter().filter(|(_, rect)| rect.intersects(band));
        let nodes = |item: &Item| match *item {
            Item::Node(index) => index..index + 1,
            Item::Block(position) => self.folded[position].nodes.clone(),
            Item::Input(_) | Item::Output(_) => 0..0,
        };
        touched.flat_map(|(item, _)| nodes(item)).collect()
    }

    /// Draws the rubber band, and rings around the nodes that are or would be selected.
    pub(super) fn paint_picked(&self, ui: &Ui, area: Rect, camera: Camera, picked: &Picked) {
        let t = theme::of(ui);
        let painter = ui.painter_at(area);
        let band = self.band.filter(|band| !band.given_up);
        let band = band.map(|band| Rect::from_two_pos(band.from, band.to));
        let within = band.map(|band| self.nodes_in(band));
        for &node in within.as_ref().unwrap_or(picked.nodes()) {
            let Some(rect) = self.layout.node(node) else { continue };
            let rect = Rect::from_min_max(
                camera.screen(area.min, rect.min),
                camera.screen(area.min, rect.max),
            );
            let corner = (6.0 * camera.zoom) as u8;
            let ring = Stroke::new(2.0, t.accent);
            painter.rect_stroke(rect.expand(1.5), corner, ring, StrokeKind::Outside);
        }
        if let Some(band) = band {
            let band = Rect::from_min_max(
                camera.screen(area.min, band.min),
                camera.screen(area.min, band.max),
            );
            let edge = Stroke::new(1.0, t.accent);
            painter.rect(band, 2, theme::faded(t.accent, 28), edge, StrokeKind::Inside);
        }
    }
}

/// The bar at the lower edge of the graph, while nodes or several boundaries are selected.
pub(super) fn bar(
    ui: &Ui,
    area: Rect,
    session: &Session,
    selection: Selection,
    picked: &Picked,
    actions: &mut Vec<GraphAction>,
) {
    let cuts = picked.cuts(selection);
    let nodes = picked.nodes();
    if nodes.is_empty() && cuts.len() < 2 {
        return;
    }
    egui::Area::new(Id::new("selection bar"))
        .order(egui::Order::Middle)
        .pivot(Align2::LEFT_BOTTOM)
        .fixed_pos(area.left_bottom() + Vec2::new(8.0, -8.0))
        .constrain_to(area)
        .show(ui.ctx(), |ui| {
            egui::Frame::popup(ui.style()).show(ui, |ui| {
                // The column of handles stays free.
                let room = area.width() - super::PILL_ROOM - 40.0;
                ui.set_max_width(room.clamp(160.0, 420.0));
                ui.spacing_mut().item_spacing = Vec2::new(8.0, 4.0);
                if nodes.is_empty() {
                    boundaries_ui(ui, session, &cuts, actions);
                } else {
                    nodes_ui(ui, session, nodes, actions);
                }
            });
        });
    if ui.input(|i| i.key_pressed(Key::Escape)) {
        actions.push(GraphAction::PickNothing);
    }
}

fn boundaries_ui(
    ui: &mut Ui,
    session: &Session,
    cuts: &BTreeSet<usize>,
    actions: &mut Vec<GraphAction>,
) {
    let locked = cuts.iter().filter(|&&cut| session.is_locked(cut)).count();
    let mut text = format!("{} boundaries selected", cuts.len());
    if locked > 0 {
        text += &format!(", {locked} locked");
    }
    ui.label(theme::strong(text));
    ui.horizontal(|ui| {
        let lock = if locked == cuts.len() { "Unlock them" } else { "Lock them" };
        if ui.button(lock).on_hover_text("L").clicked() {
            actions.push(GraphAction::Ask(Command::LockBoundary));
        }
        let remove = ui.add_enabled(locked < cuts.len(), Button::new("Remove them"));
        if remove.on_hover_text("Delete; what is locked stays").clicked() {
            actions.push(GraphAction::Ask(Command::RemoveBoundary));
        }
        clear_button(ui, actions);
    });
}

fn nodes_ui(
    ui: &mut Ui,
    session: &Session,
    nodes: &BTreeSet<usize>,
    actions: &mut Vec<GraphAction>,
) {
    let group = session.group(nodes);
    let word = if group.nodes == 1 { "node" } else { "nodes" };
    let mut text = format!("{} {word} · {} MACs", group.nodes, fmt::count(group.macs));
    if let Some(prediction) = group.estimate.as_ref().and_then(|row| row.prediction.as_ref()) {
        text += &format!(
            " · ≈ {} · {}",
            fmt::secs(prediction.prove_secs),
            fmt::bytes(prediction.peak_bytes)
        );
    }
    ui.label(theme::strong(text)).on_hover_text(
        "Costs of these nodes as a slice: the seconds and the memory that proving it is predicted \
         to take",
    );
    let obstacle = group.estimate.as_ref().and_then(|row| row.obstacle.as_ref());
    if let Some(reason) = &group.obstacle {
        ui.colored_label(theme::of(ui).bad, reason);
    } else if let Some(reason) = obstacle {
        ui.label(theme::small(ui, format!("Such a slice is not provable: {reason}")));
    }
    ui.horizontal(|ui| {
        let button = Button::new(theme::strong(Command::MakeSlice.text()));
        let response = ui.add_enabled(group.obstacle.is_none(), button);
        if response.clicked() {
            actions.push(GraphAction::Ask(Command::MakeSlice));
        }
        response
            .on_hover_text(Command::MakeSlice.hint(ui.ctx()))
            .on_disabled_hover_text(group.obstacle.unwrap_or_default());
        clear_button(ui, actions);
    });
}

fn clear_button(ui: &mut Ui, actions: &mut Vec<GraphAction>) {
    if ui.button("Clear").on_hover_text("Select nothing (Esc)").clicked() {
        actions.push(GraphAction::PickNothing);
    }
}
