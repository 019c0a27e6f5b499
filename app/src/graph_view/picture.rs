//! Nodes and wires, drawn by `egui_graphs` when something changed and replayed otherwise.
//!
//! `GraphView::show` asks for another frame on every call, which keeps an idle program busy. So it
//! is called only when what it would draw differs from what it drew last; in between, the shapes
//! that it painted are painted again.

use std::sync::Arc;

use egui::{Color32, Pos2, Rect, Shape, Ui, UiBuilder};
use egui_graphs::{
    Graph as Drawn, Layout as DrawnLayout, LayoutState, MetadataFrame, SettingsInteraction,
    SettingsNavigation,
};
use microtome_engine::graph::Graph;
use petgraph::stable_graph::{DefaultIx, IndexType, NodeIndex};
use petgraph::{Directed, EdgeType};
use serde::{Deserialize, Serialize};

use super::camera::Camera;
use super::layout::{Item, Layout, NODE_SIZE, SMALL_SIZE};
use super::shapes::{Cable, CableShape, Chip, ChipShape, Family, detail};
use crate::session::Session;

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

/// Room that a shape's label needs between two boxes.
const LABEL_ROOM: f32 = 14.0;

type OperatorGraph = Drawn<Chip, Cable, Directed, DefaultIx, ChipShape, CableShape>;
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
    inputs: usize,
    id: String,
    drawn: Option<Request>,
    tints: Vec<Option<Color32>>,
    /// The view's corner when it was drawn last.
    corner: Option<Pos2>,
    atlas_fill: f32,
    shapes: Vec<Shape>,
    /// How often `egui_graphs` really drew.
    pub drawings: u64,
}

impl Picture {
    /// Builds the drawn graph of a model.
    #[must_use]
    pub fn new(session: &Session, layout: &Layout) -> Self {
        let mut graph = OperatorGraph::new();
        let ids: Vec<_> = layout
            .items
            .iter()
            .map(|(item, rect)| graph.add_node_with_location(chip(session, *item), rect.center()))
            .collect();
        for wire in &layout.wires {
            let gap = layout.items[wire.to].1.top() - layout.items[wire.from].1.bottom();
            let label = (wire.labelled && gap > LABEL_ROOM)
                .then(|| shape_label(&session.graph, wire.tensor.index()));
            let cable = Cable { course: wire.course, label };
            graph.add_edge(ids[wire.from], ids[wire.to], cable);
        }
        Self {
            graph,
            inputs: session.graph.inputs.len(),
            // View state is kept for each model: one model's camera means nothing to another.
            id: format!("graph of {}", session.graph.digest),
            drawn: None,
            tints: Vec::new(),
            corner: None,
            atlas_fill: 0.0,
            shapes: Vec::new(),
            drawings: 0,
        }
    }

    /// Paints the graph into `area`, with the colours of nodes where they aren't those of their
    /// operators.
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
        let index = |node: usize| NodeIndex::new(self.inputs + node);
        let before = self.drawn.and_then(|request| request.selected).map(index);
        for (node, on) in [(before, false), (selected.map(index), true)] {
            if let Some(node) = node.and_then(|n| self.graph.node_mut(n)) {
                node.set_selected(on);
            }
        }
    }

    fn tint(&mut self, tints: &[Option<Color32>]) {
        if self.tints == tints {
            return;
        }
        for (node, &tint) in tints.iter().enumerate() {
            if let Some(node) = self.graph.node_mut(NodeIndex::new(self.inputs + node)) {
                node.payload_mut().tint = tint;
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

fn shape_label(graph: &Graph, tensor: usize) -> Arc<str> {
    let tensor = &graph.tensors[tensor];
    // A batch of one is noise on every wire.
    let text = match tensor.shape.as_deref() {
        Some([1, rest @ ..]) if !rest.is_empty() => {
            rest.iter().map(ToString::to_string).collect::<Vec<_>>().join("×")
        }
        _ => tensor.shape_text(),
    };
    text.into()
}

fn chip(session: &Session, item: Item) -> Chip {
    let graph = &session.graph;
    let end = |name: &str, kind: &str| Chip {
        title: name.into(),
        detail: if name == kind { "".into() } else { kind.into() },
        family: Family::End,
        size: SMALL_SIZE,
        absorbed: false,
        unprovable: false,
        tint: None,
    };
    match item {
        Item::Input(position) => end(&graph.tensor(graph.inputs[position]).name, "input"),
        Item::Output(position) => end(&graph.tensor(graph.outputs[position]).name, "output"),
        Item::Node(index) => {
            let node = &graph.nodes[index];
            let facts = &session.facts[index];
            let absorbed = facts.absorbed_by.is_some();
            Chip {
                title: node.op.as_str().into(),
                detail: detail(graph, node).into(),
                family: Family::of(&node.op),
                size: if absorbed { SMALL_SIZE } else { NODE_SIZE },
                absorbed,
                unprovable: facts.obstacle.is_some(),
                tint: None,
            }
        }
    }
}
