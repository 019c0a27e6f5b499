//! The graph: nodes and wires through `egui_graphs`, slices as bands, boundaries to drag.

mod bands;
mod boundaries;
mod boundary_cost;
mod boundary_drag;
mod camera;
mod group;
mod heat;
pub mod layout;
mod overview;
pub mod picked;
mod picture;
pub mod shapes;
mod share;

use std::collections::BTreeSet;

use egui::{CursorIcon, Id, Pos2, Rect, Response, Sense, Ui, Vec2, WidgetInfo, WidgetType};
use microtome_engine::report::format as fmt;
use serde::{Deserialize, Serialize};

use boundaries::Scene;
use boundary_drag::Drag;
pub use camera::Camera;
use group::Band;
use heat::Heat;
pub use heat::{ColorBy, error_text};
use layout::{Item, Layout};
use picked::Picked;
use picture::Picture;

use crate::command::Command;
use crate::session::Session;
use crate::theme;

/// What the user did in the graph, for the application to carry out.
#[derive(Clone, Debug, PartialEq)]
pub enum GraphAction {
    /// Shows this node in the side panel.
    SelectNode(usize),
    /// Makes this slice the selected one.
    SelectSlice(usize),
    /// Makes the boundary before this node the selected one.
    SelectCut(usize),
    /// Selects a boundary beside those that are selected, or no longer.
    ToggleCut(usize),
    /// Selects these nodes, which may become a slice.
    PickNodes(BTreeSet<usize>),
    /// Selects the nodes from where the range begins to this one.
    PickRange(usize),
    /// A range of nodes begins at this one.
    PickFrom(usize),
    /// Neither nodes nor boundaries are selected together any more.
    PickNothing,
    /// Asks for a command, as a menu does.
    Ask(Command),
    /// Nothing is selected any more.
    SelectNothing,
    /// Adds a boundary.
    AddCut(usize),
    /// Removes a boundary.
    RemoveCut(usize),
    /// Locks a boundary, or unlocks it.
    ToggleLock(usize),
    /// A drag began: what follows until its end is one step to undo.
    DragStarted,
    /// The dragged boundary is now elsewhere.
    DragMoved {
        /// Where it was.
        from: usize,
        /// Where it is.
        to: usize,
    },
    /// The drag ended where it is.
    DragEnded,
    /// The drag was given up: the boundary goes back.
    DragCancelled,
}

/// What is selected, shared by the graph and the panels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The node in the side panel.
    pub node: Option<usize>,
    /// The boundary that the keyboard moves.
    pub cut: Option<usize>,
    /// The slice that is highlighted.
    pub slice: Option<usize>,
}

/// Where the user looks, whatever the size of the view: the point of the plane in its middle, and
/// the zoom.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The point in the middle.
    pub x: f32,
    /// See [`Place::x`].
    pub y: f32,
    /// Points on the screen for each unit of the plane.
    pub zoom: f32,
}

/// Room at the left for the titles of slices, and at the right for handles.
const TITLE_ROOM: f32 = 142.0;
const PILL_ROOM: f32 = 110.0;

/// The view's own state, for one model.
pub struct GraphView {
    /// Where the user looks.
    pub camera: Option<Camera>,
    /// Fit the model into the view at the next drawing.
    pub fit: bool,
    /// Bring this node into the middle at the next drawing.
    pub reveal: Option<usize>,
    /// Look at this node, large enough to read, at the next drawing.
    pub look_at: Option<usize>,
    /// Go to this place at the next drawing.
    pub go_to: Option<Place>,
    /// Give this boundary the focus at the next drawing.
    pub focus_cut: Option<usize>,
    layout: Layout,
    picture: Picture,
    drag: Option<Drag>,
    /// A rubber band that is being drawn.
    band: Option<Band>,
    fitted: Option<Camera>,
    view: Rect,
}

impl GraphView {
    /// The view of a model.
    #[must_use]
    pub fn new(session: &Session) -> Self {
        let layout = Layout::of(&session.graph, &session.absorbed());
        let picture = Picture::new(session, &layout);
        let view = Rect::from_min_size(Pos2::ZERO, Vec2::splat(400.0));
        Self {
            camera: None,
            fit: true,
            reveal: None,
            look_at: None,
            go_to: None,
            focus_cut: None,
            layout,
            picture,
            drag: None,
            band: None,
            fitted: None,
            view,
        }
    }

    /// Where on the screen the line of a cut was drawn last.
    #[must_use]
    pub fn cut_on_screen(&self, cut: usize) -> Option<Pos2> {
        let y = *self.layout.cut_heights.get(cut)?;
        let camera = self.camera?;
        Some(Pos2::new(self.view.center().x, camera.screen(self.view.min, Pos2::new(0.0, y)).y))
    }

    /// Where the user looks; nothing while the view shows all that it fitted by itself.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let camera = self.camera.filter(|_| self.camera != self.fitted)?;
        let middle = camera.plane(self.view.min, self.view.center());
        Some(Place { x: middle.x, y: middle.y, zoom: camera.zoom })
    }

    /// Whether a boundary is being dragged.
    #[must_use]
    pub fn is_dragging(&self) -> bool {
        self.drag.is_some()
    }

    /// How often the nodes and wires were really drawn, for tests of idleness.
    #[must_use]
    pub fn drawings(&self) -> u64 {
        self.picture.drawings
    }

    /// Zooms about the middle of the view.
    pub fn zoom_by(&mut self, factor: f32) {
        if let Some(camera) = &mut self.camera {
            camera.zoom_about(self.view.min, self.view.center(), factor);
        }
    }

    /// Draws the graph and returns what the user did.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        session: &Session,
        selection: Selection,
        picked: &Picked,
        color_by: ColorBy,
    ) -> Vec<GraphAction> {
        let mut actions = Vec::new();
        let heat = Heat::of(session, color_by, theme::of(ui));
        let mut whole = ui.available_rect_before_wrap();
        let legend_top = (whole.bottom() - heat.legend_height()).max(whole.top() + 1.0);
        let legend = Rect::from_min_max(Pos2::new(whole.left(), legend_top), whole.max);
        whole.set_bottom(legend_top);
        let area = Rect::from_min_max(
            whole.min,
            Pos2::new((whole.right() - overview::WIDTH).max(whole.left() + 1.0), whole.bottom()),
        );
        self.place_camera(area);
        let id = Id::new("graph");
        let background = ui.interact(area, id, Sense::click_and_drag());
        background.widget_info(|| WidgetInfo::labeled(WidgetType::Other, true, "Graph"));
        self.navigate(ui, &background, area, &mut actions);
        let Some(camera) = self.camera else { return actions };

        ui.painter().rect_filled(whole, 0, theme::of(ui).canvas);
        let painter = ui.painter_at(area);
        bands::paint_bands(&painter, ui, area, camera, &self.layout, session, selection);
        self.picture.show(ui, area, camera, selection.node, &heat.tints);
        self.nodes(ui, area, camera, session, &mut actions);
        let chosen = picked.cuts(selection);
        let scene = Scene { area, camera, session, chosen: &chosen };
        self.paint_picked(ui, area, camera, picked);
        self.boundaries(ui, scene, &background, &mut actions);
        bands::paint_titles(&painter, ui, area, camera, &self.layout, session, selection);
        self.overview(ui, whole, area, session, selection, &mut actions);
        if self.drag.is_none() && self.band.is_none() {
            group::bar(ui, area, session, selection, picked, &mut actions);
        }
        heat.legend_ui(ui, legend, session);
        if background.clicked() && actions.is_empty() {
            let point = background.interact_pointer_pos().unwrap_or_default();
            let y = camera.plane(area.min, point).y;
            let cut = self.layout.cut_heights.partition_point(|&h| h < y);
            actions.push(GraphAction::SelectNothing);
            actions.push(GraphAction::SelectSlice(session.slice_of_node(cut.saturating_sub(1))));
        }
        ui.allocate_rect(whole.union(legend), Sense::hover());
        actions
    }

    fn place_camera(&mut self, area: Rect) {
        // A view that was fitted and not moved since stays fitted when the window changes.
        let stays = self.camera == self.fitted && self.view.size() != area.size();
        if self.fit || stays || self.camera.is_none() {
            self.camera = Some(Camera::fit(self.layout.bounds, area.size(), TITLE_ROOM, PILL_ROOM));
            self.fitted = self.camera;
            self.fit = false;
        }
        self.view = area;
        if let Some(Place { x, y, zoom }) = self.go_to.take() {
            self.camera = Some(Camera { zoom, pan: area.size() / 2.0 - Vec2::new(x, y) * zoom });
        }
        if let (Some(node), Some(camera)) = (self.reveal.take(), &mut self.camera)
            && let Some(rect) = self.layout.node(node)
        {
            let y = camera.screen(area.min, rect.center()).y;
            if !area.shrink(40.0).y_range().contains(y) {
                camera.center_on(rect.center().y, area.size());
            }
        }
        if let (Some(node), Some(camera)) = (self.look_at.take(), &mut self.camera)
            && let Some(rect) = self.layout.node(node)
        {
            camera.look_at(rect.center(), area.size());
        }
    }

    fn navigate(
        &mut self,
        ui: &Ui,
        background: &Response,
        area: Rect,
        actions: &mut Vec<GraphAction>,
    ) {
        let Some(camera) = self.camera else { return };
        let is_band = self.follow_band(ui, background, area, camera, actions);
        let Some(camera) = &mut self.camera else { return };
        let before = *camera;
        if background.dragged() && !is_band {
            camera.pan += background.drag_delta();
        }
        let pointer = ui.input(|i| i.pointer.hover_pos()).filter(|&p| area.contains(p));
        let over = pointer.filter(|_| ui.rect_contains_pointer(area));
        if let Some(pointer) = over {
            let (scroll, zoom, sideways) =
                ui.input(|i| (i.smooth_scroll_delta(), i.zoom_delta(), i.modifiers.shift));
            if sideways {
                camera.pan += scroll;
            } else {
                let factor = (scroll.y * 0.0025).exp() * zoom;
                if factor != 1.0 {
                    camera.zoom_about(area.min, pointer, factor);
                }
                camera.pan.x += scroll.x;
            }
        }
        if *camera != before {
            camera.keep_in_sight(self.layout.bounds, area.size());
            ui.ctx().request_repaint();
        }
        if is_band {
            ui.ctx().set_cursor_icon(CursorIcon::Crosshair);
        } else if background.dragged() {
            ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
        }
    }

    /// Boxes answer to the pointer, to the keyboard and to assistive technology.
    fn nodes(
        &self,
        ui: &Ui,
        area: Rect,
        camera: Camera,
        session: &Session,
        actions: &mut Vec<GraphAction>,
    ) {
        let top = camera.plane(area.min, area.min).y;
        let bottom = camera.plane(area.min, area.max).y;
        let first = self.layout.items.partition_point(|(_, rect)| rect.bottom() < top);
        for (item, rect) in &self.layout.items[first..] {
            let Item::Node(index) = *item else { continue };
            if rect.top() > bottom || rect.height() * camera.zoom < 5.0 {
                break;
            }
            let on_screen = Rect::from_min_max(
                camera.screen(area.min, rect.min),
                camera.screen(area.min, rect.max),
            );
            let id = Id::new(("graph node", index));
            let response = ui.interact(on_screen.intersect(area), id, Sense::click());
            let node = &session.graph.nodes[index];
            response.widget_info(|| {
                let label = format!("Node {index}: {} {}", node.op, node.name);
                WidgetInfo::labeled(WidgetType::Button, true, label)
            });
            if response.clicked() && ui.input(|i| i.modifiers.shift) {
                actions.push(GraphAction::PickRange(index));
            } else if response.clicked() {
                actions.push(GraphAction::PickFrom(index));
                actions.push(GraphAction::SelectNode(index));
            } else if response.gained_focus() {
                actions.push(GraphAction::SelectNode(index));
            }
            if response.hovered() || response.has_focus() {
                let t = theme::of(ui);
                let stroke = egui::Stroke::new(1.5, t.accent);
                let corner = (5.0 * camera.zoom) as u8;
                ui.painter_at(area).rect_stroke(
                    on_screen.expand(2.0),
                    corner,
                    stroke,
                    egui::StrokeKind::Outside,
                );
            }
            response.on_hover_ui(|ui| node_tooltip(ui, session, index));
        }
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
