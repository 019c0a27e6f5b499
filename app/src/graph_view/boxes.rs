//! Boxes of nodes and of folded blocks, and the frames of open ones: what they answer.

use egui::{
    Color32, CornerRadius, FontId, Id, Painter, Pos2, Rect, Response, Sense, Stroke, StrokeKind,
    Ui, Vec2, WidgetInfo, WidgetType,
};
use microtome_engine::report::format as fmt;

use super::detail::{Detail, in_part};
use super::folding::Shown;
use super::heat::{Heat, error_text};
use super::layout::Item;
use super::{Camera, GraphAction, GraphView, Selection};
use crate::session::Session;
use crate::theme;

/// Side of the button that opens or closes a block, on the plane.
const BUTTON: f32 = 17.0;
/// Lower boxes can't be hit.
const LEAST_HEIGHT: f32 = 3.5;

fn on_screen(area: Rect, camera: Camera, rect: Rect) -> Rect {
    Rect::from_min_max(camera.screen(area.min, rect.min), camera.screen(area.min, rect.max))
}

impl GraphView {
    /// The box that is selected, or that holds what is selected.
    pub(super) fn selected_box(&self, selection: Selection) -> Option<usize> {
        let node = selection.node.or(selection.block.map(|(start, _)| start))?;
        let item = self.layout.box_of(node)?;
        // A block that is open has a frame instead.
        let is_block = match (self.layout.items[item].0, selection.block) {
            (Item::Block(at), Some((start, end))) => self.folded[at].nodes == (start..end),
            _ => false,
        };
        (selection.node.is_some() || is_block).then_some(item)
    }

    /// The colours of boxes; none where they are those of their operators.
    pub(super) fn tints(&self, heat: &Heat) -> Vec<Option<Color32>> {
        if heat.is_off() {
            return Vec::new();
        }
        let tint = |item: &Item| match *item {
            Item::Node(node) => heat.tints.get(node).copied().flatten(),
            Item::Block(position) => heat.tint_of(self.folded[position].nodes.clone()),
            Item::Input(_) | Item::Output(_) => None,
        };
        self.layout.items.iter().map(|(item, _)| tint(item)).collect()
    }

    /// Boxes answer to the pointer, to the keyboard and to assistive technology.
    pub(super) fn boxes(
        &mut self,
        ui: &Ui,
        area: Rect,
        camera: Camera,
        session: &Session,
        actions: &mut Vec<GraphAction>,
    ) {
        if !Detail::at(camera.zoom).has_boxes() {
            return;
        }
        let top = camera.plane(area.min, area.min).y;
        let bottom = camera.plane(area.min, area.max).y;
        let first = self.layout.items.partition_point(|(_, rect)| rect.bottom() < top);
        let mut toggled = None;
        for (item, rect) in &self.layout.items[first..] {
            if rect.top() > bottom {
                break;
            }
            if rect.height() * camera.zoom < LEAST_HEIGHT {
                continue;
            }
            let rect = on_screen(area, camera, *rect);
            match *item {
                Item::Node(index) => node_box(ui, area, rect, camera, session, index, actions),
                Item::Block(position) => {
                    let block = &self.folded[position];
                    if block_box(ui, area, rect, camera, session, block, actions) {
                        toggled = Some(block.nodes.clone());
                    }
                }
                Item::Input(_) | Item::Output(_) => {}
            }
        }
        toggled = toggled.or_else(|| self.close_buttons(ui, area, camera));
        if let Some(nodes) = toggled {
            self.toggle_block(&nodes);
            ui.ctx().request_repaint();
        }
    }

    /// Draws a frame around the nodes of each open block, to go under them.
    pub(super) fn paint_frames(
        &self,
        painter: &Painter,
        ui: &Ui,
        area: Rect,
        camera: Camera,
        selection: Selection,
    ) {
        let t = theme::of(ui);
        let part = Detail::at(camera.zoom).boxes;
        for (block, rect) in &self.frames {
            let rect = on_screen(area, camera, *rect);
            if !area.intersects(rect) {
                continue;
            }
            let corner = CornerRadius::same((8.0 * camera.zoom).min(60.0) as u8);
            let is_selected = selection.block == Some((block.nodes.start, block.nodes.end));
            let (width, color) =
                if is_selected { (2.0, t.accent) } else { (1.0, theme::faded(t.faint, 140)) };
            let edge = Stroke::new(width, in_part(color, part));
            painter.rect(
                rect,
                corner,
                theme::faded(t.text, (7.0 * part) as u8),
                edge,
                StrokeKind::Inside,
            );
        }
    }

    /// Beside each frame its block's name and a button that closes it; they stay in sight while
    /// some of the block does.
    fn close_buttons(&self, ui: &Ui, area: Rect, camera: Camera) -> Option<std::ops::Range<usize>> {
        let detail = Detail::at(camera.zoom);
        if detail.is_plain() {
            return None;
        }
        let t = theme::of(ui);
        let painter = ui.painter_at(area);
        let side = BUTTON * camera.zoom.clamp(0.7, 1.2);
        let mut toggled = None;
        for (block, frame) in &self.frames {
            let frame = on_screen(area, camera, *frame);
            // Outer frames have their buttons further out, where inner ones don't reach.
            let lowest = frame.bottom() - side - 2.0;
            let top = (frame.top() + 2.0).max(area.top() + 4.0 + block.depth as f32 * (side + 4.0));
            if top > lowest || frame.top() > area.bottom() {
                continue;
            }
            // A wide frame reaches the edge of the view: then the button is on the frame.
            let at = Pos2::new((frame.right() + 4.0).min(area.right() - side - 5.0), top);
            let rect = Rect::from_min_size(at, Vec2::splat(side));
            if fold_button(ui, area, rect, block) {
                toggled = Some(block.nodes.clone());
            }
            let font =
                FontId::proportional((11.0 * camera.zoom * 2.0).round().clamp(18.0, 24.0) / 2.0);
            let name = painter.layout_no_wrap(block.name.to_string(), font, t.weak);
            let at = Pos2::new(rect.right() + 4.0, rect.center().y - name.size().y / 2.0);
            if at.x + name.size().x <= area.right() {
                painter.galley_with_override_text_color(at, name, in_part(t.weak, detail.letters));
            }
        }
        toggled
    }
}

/// A button that opens a folded block or closes an open one; whether it was clicked.
fn fold_button(ui: &Ui, area: Rect, rect: Rect, block: &Shown) -> bool {
    let t = theme::of(ui);
    let id = Id::new(("fold", block.nodes.start, block.nodes.end));
    let response = ui.interact(rect.intersect(area), id, Sense::click());
    let verb = if block.is_open { "Fold" } else { "Unfold" };
    let name = format!("{verb} {}", block.name);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, &name));
    let painter = ui.painter_at(area);
    let is_hot = response.hovered() || response.has_focus();
    let (fill, ink) = if is_hot { (t.accent, t.on_accent) } else { (t.raised, t.weak) };
    let edge = Stroke::new(1.0, if is_hot { t.accent } else { t.faint });
    painter.rect(rect, CornerRadius::same(3), fill, edge, StrokeKind::Inside);
    let (center, reach) = (rect.center(), rect.width() * 0.24);
    let stroke = Stroke::new(1.5, ink);
    painter.hline(center.x - reach..=center.x + reach, center.y, stroke);
    if !block.is_open {
        painter.vline(center.x, center.y - reach..=center.y + reach, stroke);
    }
    let is_clicked = response.clicked();
    response.on_hover_text(name);
    is_clicked
}

/// A folded block; whether it is to be opened.
fn block_box(
    ui: &Ui,
    area: Rect,
    rect: Rect,
    camera: Camera,
    session: &Session,
    block: &Shown,
    actions: &mut Vec<GraphAction>,
) -> bool {
    let id = Id::new(("block", block.nodes.start, block.nodes.end));
    let response = ui.interact(rect.intersect(area), id, Sense::click());
    response.widget_info(|| {
        let label = format!("Block {}: {} nodes", block.name, block.nodes.len());
        WidgetInfo::labeled(WidgetType::Button, true, label)
    });
    if response.clicked() && ui.input(|i| i.modifiers.shift) {
        actions.push(GraphAction::PickRange(block.nodes.clone()));
    } else if response.clicked() || response.gained_focus() {
        if response.clicked() {
            actions.push(GraphAction::PickFrom(block.nodes.clone()));
        }
        actions.push(GraphAction::SelectBlock(block.nodes.clone()));
    }
    mark(ui, area, rect, camera, &response);
    let is_double_clicked = response.double_clicked();
    response.on_hover_ui(|ui| block_tooltip(ui, session, block));
    if Detail::at(camera.zoom).is_plain() {
        return is_double_clicked;
    }
    let side = BUTTON * camera.zoom;
    let button = Rect::from_min_size(
        Pos2::new(rect.right() - side - 6.0 * camera.zoom, rect.top() + 5.0 * camera.zoom),
        Vec2::splat(side),
    );
    fold_button(ui, area, button, block) || is_double_clicked
}

fn node_box(
    ui: &Ui,
    area: Rect,
    rect: Rect,
    camera: Camera,
    session: &Session,
    index: usize,
    actions: &mut Vec<GraphAction>,
) {
    let id = Id::new(("graph node", index));
    let response = ui.interact(rect.intersect(area), id, Sense::click());
    let node = &session.graph.nodes[index];
    response.widget_info(|| {
        let label = format!("Node {index}: {} {}", node.op, node.name);
        WidgetInfo::labeled(WidgetType::Button, true, label)
    });
    if response.clicked() && ui.input(|i| i.modifiers.shift) {
        actions.push(GraphAction::PickRange(index..index + 1));
    } else if response.clicked() || response.gained_focus() {
        if response.clicked() {
            actions.push(GraphAction::PickFrom(index..index + 1));
        }
        actions.push(GraphAction::SelectNode(index));
    }
    mark(ui, area, rect, camera, &response);
    response.on_hover_ui(|ui| node_tooltip(ui, session, index));
}

/// What is under the pointer or has the keyboard is outlined.
fn mark(ui: &Ui, area: Rect, rect: Rect, camera: Camera, response: &Response) {
    if response.hovered() || response.has_focus() {
        let stroke = Stroke::new(1.5, theme::of(ui).accent);
        let corner = (5.0 * camera.zoom) as u8;
        ui.painter_at(area).rect_stroke(rect.expand(2.0), corner, stroke, StrokeKind::Outside);
    }
}

fn node_tooltip(ui: &mut Ui, session: &Session, index: usize) {
    let node = &session.graph.nodes[index];
    ui.label(theme::strong(&node.op));
    ui.label(theme::small(ui, &node.name));
    let shapes: Vec<_> =
        node.outputs.iter().flatten().map(|&id| session.graph.tensor(id).shape_text()).collect();
    ui.label(format!("gives {}", shapes.join(", ")));
    let facts = &session.facts[index];
    ui.label(format!("{} MACs, {} parameters", fmt::count(facts.macs), fmt::count(facts.params)));
    if let Some(error) = session.node_error(index) {
        ui.label(format!("quantisation error {} of its float range", error_text(error)));
    }
    if let Some(reason) = &facts.obstacle {
        ui.colored_label(theme::of(ui).bad, reason);
    }
}

fn block_tooltip(ui: &mut Ui, session: &Session, block: &Shown) {
    ui.label(theme::strong(&*block.name));
    let inside = &session.facts[block.nodes.clone()];
    let macs = inside.iter().map(|facts| facts.macs).sum();
    let params = inside.iter().map(|facts| facts.params).sum();
    ui.label(format!("{} nodes", block.nodes.len()));
    ui.label(format!("{} MACs, {} parameters", fmt::count(macs), fmt::count(params)));
    let unprovable = inside.iter().filter(|facts| facts.obstacle.is_some()).count();
    if unprovable > 0 {
        let text = format!("{unprovable} of them can't be proven");
        ui.colored_label(theme::of(ui).bad, text);
    }
    ui.label(theme::small(ui, "Double-click to open it."));
}
