//! Nodes and wires, drawn by `egui_graphs` when something changed and replayed otherwise.
//!
//! `GraphView::show` asks for another frame on every call, which keeps an idle program busy. So it
//! is called only when what it would draw differs from what it drew last; in between, the shapes
//! that it painted are painted again.

use egui::{Color32, Pos2, Rect, Shape, Ui, UiBuilder};
use egui_graphs::{
    Graph as Drawn, Layout as DrawnLayout, LayoutState, MetadataFrame, SettingsInteraction,
    SettingsNavigation,
};
use microtome_engine::digest::Digest;
use petgraph::stable_graph::{DefaultIx, IndexType, NodeIndex};
use petgraph::{Directed, EdgeType};
use serde::{Deserialize, Serialize};

use super::camera::Camera;
use super::shapes::{Chip, ChipShape};
use super::wires::{Cable, CableShape};

/// A layout for `egui_graphs` that leaves every node where it was put.
#[derive(Debug, Default)]
struct Placed;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct PlacedState;

impl LayoutState for PlacedState {}

impl DrawnLayout<PlacedState> for Placed {
    fn from_state(_: PlacedState) -> impl DrawnLayout<PlacedState> {
        Self
    }

    fn next<N, E, Ty, Ix, Dn, De>(&mut self, _: &mut Drawn<N, E, Ty, Ix, Dn, De>, _: &Ui)
    where
        N: Clone,
        E: Clone,
        Ty: EdgeType,
        Ix: IndexType,
        Dn: egui_graphs::DisplayNode<N, E, Ty, Ix>,
        De: egui_graphs::DisplayEdge<N, E, Ty, Ix, Dn>,
    {
    }

    fn state(&self) -> PlacedState {
        PlacedState
    }
}

/// The graph that the widget draws.
pub type OperatorGraph = Drawn<Chip, Cable, Directed, DefaultIx, ChipShape, CableShape>;
type Widget = egui_graphs::GraphView<PlacedState, Placed>;

/// Everything that the drawing depends on, apart from the model.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Request {
    camera: Camera,
    area: Rect,
    pixels_per_point: f32,
    dark: bool,
    selected: Option<usize>,
}

/// The drawing of one model.
pub struct Picture {
    graph: OperatorGraph,
    id: String,
    drawn: Option<Request>,
    marked: Option<usize>,
    tints: Vec<Option<Color32>>,
    /// The view's corner when it was drawn last.
    corner: Option<Pos2>,
    atlas_fill: f32,
    shapes: Vec<Shape>,
    /// How often `egui_graphs` really drew.
    pub drawings: u64,
}

impl Picture {
    /// The drawing of a model.
    #[must_use]
    pub fn new(model: Digest, graph: OperatorGraph) -> Self {
        Self {
            graph,
            // View state is kept for each model: one model's camera means nothing to another.
            id: format!("graph of {model}"),
            drawn: None,
            marked: None,
            tints: Vec::new(),
            corner: None,
            atlas_fill: 0.0,
            shapes: Vec::new(),
            drawings: 0,
        }
    }

    /// Draws another graph of the same model from now on.
    pub fn replace(&mut self, graph: OperatorGraph) {
        self.graph = graph;
        (self.drawn, self.marked) = (None, None);
        self.tints.clear();
    }

    /// Paints the graph into `area`, with the colours of boxes where they aren't those of their
    /// operators. `tints` has one for each box, or none at all.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        area: Rect,
        camera: Camera,
        selected: Option<usize>,
        tints: &[Option<Color32>],
    ) {
        let request = Request {
            camera,
            area,
            pixels_per_point: ui.ctx().pixels_per_point(),
            dark: ui.visuals().dark_mode,
            selected,
        };
        // An atlas that got emptier was built anew: letters that were laid out before are void.
        let atlas_fill = ui.ctx().fonts(|fonts| fonts.font_atlas_fill_ratio());
        let current =
            self.drawn == Some(request) && self.tints == tints && atlas_fill >= self.atlas_fill;
        self.atlas_fill = atlas_fill;
        if current {
            ui.painter_at(area).extend(self.shapes.iter().cloned());
            return;
        }
        self.select(selected);
        self.tint(tints);
        self.drawn = Some(request);
        self.draw(ui, area, camera);
    }

    fn select(&mut self, selected: Option<usize>) {
        for (item, on) in [(self.marked, false), (selected, true)] {
            if let Some(node) = item.and_then(|n| self.graph.node_mut(NodeIndex::new(n))) {
                node.set_selected(on);
            }
        }
        self.marked = selected;
    }

    fn tint(&mut self, tints: &[Option<Color32>]) {
        if self.tints == tints {
            return;
        }
        for item in 0..tints.len().max(self.tints.len()) {
            if let Some(node) = self.graph.node_mut(NodeIndex::new(item)) {
                node.payload_mut().tint = tints.get(item).copied().flatten();
            }
        }
        self.tints = tints.to_vec();
    }

    fn draw(&mut self, ui: &mut Ui, area: Rect, camera: Camera) {
        self.drawings += 1;
        let frame = || MetadataFrame::new(Some(self.id.clone()));
        let mut wanted = frame().load(ui);
        // The widget shifts its picture along when its corner moves; the camera did so already.
        let shift = self.corner.map_or(egui::Vec2::ZERO, |corner| area.min - corner);
        (wanted.zoom, wanted.pan) = (camera.zoom, camera.pan - shift);
        wanted.save(ui);
        self.corner = Some(area.min);
        let navigation = SettingsNavigation::new()
            .with_fit_to_screen_enabled(false)
            .with_zoom_and_pan_enabled(false);
        let interaction = SettingsInteraction::new()
            .with_dragging_enabled(false)
            .with_hover_enabled(false)
            .with_node_clicking_enabled(false)
            .with_node_selection_enabled(false);
        let mut child = ui.new_child(UiBuilder::new().max_rect(area).id_salt("operators"));
        child.set_clip_rect(area.intersect(ui.clip_rect()));
        let start = child.painter().add(Shape::Noop).0;
        Widget::new()
            .with_id(Some(self.id.clone()))
            .with_navigations(&navigation)
            .with_interactions(&interaction)
            .show(&mut child, &mut self.graph);
        // On its first drawing the widget fits the graph by itself, whatever it is told.
        let kept = frame().load(ui);
        if (kept.pan - camera.pan).length() > 0.01 || kept.zoom != camera.zoom {
            self.drawn = None;
        }
        self.shapes.clear();
        let mut position = 0;
        child.painter().for_each_shape(|clipped| {
            if position > start {
                self.shapes.push(clipped.shape.clone());
            }
            position += 1;
        });
    }
}
