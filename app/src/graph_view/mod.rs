//! The graph: nodes and wires through `egui_graphs`, slices as bands, boundaries to drag.

mod bands;
pub mod blocks;
mod boundaries;
mod boundary_cost;
mod boundary_drag;
mod boxes;
mod camera;
pub mod detail;
mod family;
pub mod folding;
mod group;
mod heat;
pub mod layout;
mod overview;
pub mod picked;
mod picture;
mod repeats;
mod scene;
mod shapes;
mod share;
mod totals;
mod wires;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use egui::{CursorIcon, Id, Pos2, Rect, Response, Sense, Ui, Vec2, WidgetInfo, WidgetType};
use microtome_engine::graph::Graph;
use serde::{Deserialize, Serialize};

use boundaries::Stage;
use boundary_drag::Drag;
pub use camera::Camera;
use detail::Detail;
use folding::{Folding, Shown};
use group::Band;
use heat::Heat;
pub use heat::{ColorBy, error_text};
use layout::Layout;
use picked::Picked;
use picture::Picture;
use scene::{Scene, SceneWorker, Sketch};

use crate::command::Command;
use crate::session::{NodeFacts, Session};
use crate::theme;

/// What the user did in the graph, for the application to carry out.
#[derive(Clone, Debug, PartialEq)]
pub enum GraphAction {
    /// Shows this node in the side panel.
    SelectNode(usize),
    /// Shows this block in the side panel.
    SelectBlock(Range<usize>),
    /// Makes this slice the selected one.
    SelectSlice(usize),
    /// Makes the boundary before this node the selected one.
    SelectCut(usize),
    /// Selects a boundary beside those that are selected, or no longer.
    ToggleCut(usize),
    /// Selects these nodes, which may become a slice.
    PickNodes(BTreeSet<usize>),
    /// Selects the nodes from where the range begins to these.
    PickRange(Range<usize>),
    /// A range of nodes begins at these.
    PickFrom(Range<usize>),
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
    /// The block in the side panel: its first node, and the one after its last.
    pub block: Option<(usize, usize)>,
    /// The boundary that the keyboard moves.
    pub cut: Option<usize>,
    /// The slice that is highlighted.
    pub slice: Option<usize>,
}

/// Where the user looks, whatever the size of the view and whichever blocks are folded: what is in
/// its middle, and the zoom.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Across, a point of the plane.
    pub x: f32,
    /// Down, a place in the graph's order, as [`Layout::place_of`] has it.
    pub y: f32,
    /// Points on the screen for each unit of the plane.
    pub zoom: f32,
}

/// Room at the left for the titles of slices, and at the right for handles.
const TITLE_ROOM: f32 = 142.0;
const PILL_ROOM: f32 = 110.0;
/// Below this a whole model is not shrunk to fit: it would be a line that nobody can read.
const READABLE_ZOOM: f32 = 0.55;
/// The same where blocks are folded.
const FOLDED_ZOOM: f32 = 0.8;

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
    sketch: Arc<Sketch>,
    folding: Folding,
    worker: Option<SceneWorker>,
    /// What the worker was asked for last.
    asked: Option<folding::Request>,
    /// What was drawn for, as far as it isn't in the layout and the picture.
    shown: folding::Request,
    folded: Vec<Shown>,
    frames: Vec<(Shown, Rect)>,
    layout: Layout,
    picture: Picture,
    /// The place in the graph's order that stays where it is when the layout changes; the middle
    /// of the view where nothing was clicked.
    anchor: Option<f32>,
    drag: Option<Drag>,
    /// A rubber band that is being drawn.
    band: Option<Band>,
    fitted: Option<Camera>,
    view: Rect,
}

impl GraphView {
    /// The view of a model: blocks are found and the first layout is made. For a worker.
    #[must_use]
    pub fn new(graph: &Arc<Graph>, facts: &[NodeFacts]) -> Self {
        let sketch = Arc::new(Sketch::of(graph, facts));
        let folding = Folding::new(Arc::clone(&sketch.blocks), graph.nodes.len());
        let Scene { request, layout, folded, frames, graph: drawn } =
            sketch.scene(folding.request());
        Self {
            camera: None,
            fit: true,
            reveal: None,
            look_at: None,
            go_to: None,
            focus_cut: None,
            sketch,
            folding,
            worker: None,
            asked: None,
            shown: request,
            folded,
            frames,
            layout,
            picture: Picture::new(graph.digest, drawn),
            anchor: None,
            drag: None,
            band: None,
            fitted: None,
            view: Rect::from_min_size(Pos2::ZERO, Vec2::splat(400.0)),
        }
    }

    /// Whether the model has blocks that could be folded.
    #[must_use]
    pub fn has_blocks(&self) -> bool {
        self.folding.has_blocks()
    }

    /// Folds every block but those that a boundary goes through.
    pub fn fold_all(&mut self) {
        self.folding.fold_all();
    }

    /// Draws every node.
    pub fn unfold_all(&mut self) {
        self.folding.unfold_all();
    }

    /// Opens a block, or closes it. What is at its beginning stays where it is.
    pub fn toggle_block(&mut self, nodes: &Range<usize>) {
        self.folding.toggle(nodes);
        self.anchor = Some(nodes.start as f32);
    }

    /// The innermost block around a node that is folded or open.
    #[must_use]
    pub fn block_at(&self, node: usize) -> Option<Range<usize>> {
        self.folding.block_at(node)
    }

    /// The names of the blocks that are drawn as one box each, with their nodes.
    pub fn folded_blocks(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.folded.iter().map(|block| (&*block.name, block.nodes.clone()))
    }

    /// What a block is called.
    #[must_use]
    pub fn block_name(&self, (start, end): (usize, usize)) -> Option<&str> {
        let shown = self.shown.blocks.iter().find(|shown| shown.nodes == (start..end))?;
        Some(&shown.name)
    }

    /// Whether a boundary at this cut could be seen: not inside a folded block.
    #[must_use]
    pub fn is_visible(&self, cut: usize) -> bool {
        self.layout.is_visible(cut)
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
        Some(Place { x: middle.x, y: self.layout.place_of(middle.y), zoom: camera.zoom })
    }

    /// Where on the screen the graph was drawn last.
    #[must_use]
    pub fn area(&self) -> Rect {
        self.view
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
            let least = Camera::least_zoom(self.layout.bounds, self.view.size());
            camera.zoom_about(self.view.min, self.view.center(), factor, least);
            if factor < 1.0 {
                camera.fill(self.layout.bounds, self.view.size());
            }
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
        let is_settled = self.fold(ui, session);
        self.place_camera(area, is_settled);
        let id = Id::new("graph");
        let background = ui.interact(area, id, Sense::click_and_drag());
        background.widget_info(|| WidgetInfo::labeled(WidgetType::Other, true, "Graph"));
        self.navigate(ui, &background, area, &mut actions);
        let Some(camera) = self.camera else { return actions };
        let detail = Detail::at(camera.zoom);

        ui.painter().rect_filled(whole, 0, theme::of(ui).canvas);
        let painter = ui.painter_at(area);
        bands::paint_bands(&painter, ui, area, camera, &self.layout, session, selection);
        if detail.boxes > 0.0 {
            self.paint_frames(&painter, ui, area, camera, selection);
            let tints = self.tints(&heat);
            let selected = self.selected_box(selection);
            self.picture.show(ui, area, camera, selected, &tints);
            self.boxes(ui, area, camera, session, &mut actions);
        }
        let chosen = picked.cuts(selection);
        let stage = Stage { area, camera, session, chosen: &chosen };
        self.paint_picked(ui, area, camera, picked);
        self.boundaries(ui, stage, &background, &mut actions);
        if detail.boxes > 0.0 {
            let mut painter = painter.clone();
            painter.set_opacity(detail.boxes);
            bands::paint_titles(&painter, ui, area, camera, &self.layout, session, selection);
        }
        totals::paint(&painter, ui, area, camera, &self.layout, session);
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

    /// Asks for the layout that shows what is to be folded now, and takes it as soon as it is
    /// there. Returns whether what is drawn is what was asked for.
    fn fold(&mut self, ui: &Ui, session: &Session) -> bool {
        self.folding.open_for(session.cuts());
        if let Some(node) = self.look_at {
            self.folding.open_at(node);
        }
        let request = self.folding.request();
        let arrived = if self.asked.as_ref().unwrap_or(&self.shown) == &request {
            self.worker.as_ref().and_then(SceneWorker::poll)
        } else {
            let sketch = &self.sketch;
            let worker =
                self.worker.get_or_insert_with(|| SceneWorker::start(Arc::clone(sketch), ui.ctx()));
            self.asked = Some(request.clone());
            worker.ask(request.clone())
        };
        if let Some(scene) = arrived {
            self.take(scene);
        }
        self.shown == request
    }

    /// Draws another scene from now on, without moving what the user looks at.
    fn take(&mut self, scene: Scene) {
        let is_fitted = self.camera == self.fitted;
        if let (Some(camera), false) = (&mut self.camera, is_fitted && self.anchor.is_none()) {
            let middle = (self.view.height() / 2.0 - camera.pan.y) / camera.zoom;
            let place = self.anchor.unwrap_or_else(|| self.layout.place_of(middle));
            let (before, after) = (self.layout.height_of(place), scene.layout.height_of(place));
            camera.pan.y += (before - after) * camera.zoom;
        } else {
            self.fit = true;
        }
        self.anchor = None;
        self.picture.replace(scene.graph);
        (self.layout, self.shown) = (scene.layout, scene.request);
        (self.folded, self.frames) = (scene.folded, scene.frames);
    }

    fn place_camera(&mut self, area: Rect, is_settled: bool) {
        // A view that was fitted and not moved since stays fitted when the window changes.
        let stays = self.camera == self.fitted && self.view.size() != area.size();
        if self.fit || stays || self.camera.is_none() {
            // A model with folded blocks is large: what isn't seen whole may as well be read well.
            let readable = if self.folded.is_empty() { READABLE_ZOOM } else { FOLDED_ZOOM };
            let bounds = self.layout.bounds;
            self.camera = Some(Camera::fit(bounds, area.size(), (TITLE_ROOM, PILL_ROOM), readable));
            self.fitted = self.camera;
            self.fit = false;
        }
        self.view = area;
        if !is_settled {
            // A node may be elsewhere as soon as the layout is there.
            return;
        }
        if let Some(Place { x, y, zoom }) = self.go_to.take() {
            let middle = Vec2::new(x, self.layout.height_of(y));
            self.camera = Some(Camera { zoom, pan: area.size() / 2.0 - middle * zoom });
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
        let least = Camera::least_zoom(self.layout.bounds, area.size());
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
                    camera.zoom_about(area.min, pointer, factor, least);
                    if factor < 1.0 {
                        camera.fill(self.layout.bounds, area.size());
                    }
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
}
