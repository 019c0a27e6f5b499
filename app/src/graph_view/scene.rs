//! What is drawn of a model: its layout, and the boxes and wires with their texts.
//!
//! Both are made from a [`Request`] away from the frame: the first by the worker that opens the
//! model, later ones by a thread of the view.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use egui::{Context, Rect, Vec2};
use microtome_engine::graph::Graph;
use microtome_engine::report::format as fmt;

use super::blocks::{self, Block};
use super::family::{Family, detail};
use super::folding::{Request, Shown};
use super::layout::{BLOCK_SIZE, Item, Layout, NODE_SIZE, SMALL_SIZE};
use super::picture::OperatorGraph;
use super::shapes::Chip;
use super::wires::Cable;
use crate::session::NodeFacts;

/// Room that a shape's label needs between two boxes.
const LABEL_ROOM: f32 = 14.0;
/// What a frame waits for a new scene: most are there at once, and then no old one is drawn.
const PATIENCE: Duration = Duration::from_millis(4);
/// Letters that fit beside a block's button.
const LONGEST_TITLE: usize = 18;
/// Operators that a folded block's stripe shows at most.
const MOST_STRIPES: usize = 48;
/// Room between a frame and what it holds; a frame around another has more.
const FRAME_ROOM: Vec2 = Vec2::new(8.0, 7.0);
const OUTER_ROOM: Vec2 = Vec2::new(13.0, 11.0);

/// What scenes of one model are made from.
pub struct Sketch {
    graph: Arc<Graph>,
    /// The blocks that can be folded.
    pub blocks: Arc<[Block]>,
    absorbed: Vec<bool>,
    macs: Vec<u64>,
    chips: Vec<Chip>,
}

/// One way to draw a model.
pub struct Scene {
    /// What it was made for.
    pub request: Request,
    /// Where everything is.
    pub layout: Layout,
    /// The folded blocks, as [`Item::Block`] counts them.
    pub folded: Vec<Shown>,
    /// The open blocks with their frames, outer ones first.
    pub frames: Vec<(Shown, Rect)>,
    /// What is drawn.
    pub graph: OperatorGraph,
}

impl Sketch {
    /// Prepares a model for drawing. For a worker.
    #[must_use]
    pub fn of(graph: &Arc<Graph>, facts: &[NodeFacts]) -> Self {
        let absorbed: Vec<bool> = facts.iter().map(|node| node.absorbed_by.is_some()).collect();
        let chips = facts.iter().enumerate().map(|(n, facts)| node_chip(graph, n, facts)).collect();
        Self {
            blocks: blocks::detect(graph, &absorbed).into(),
            graph: Arc::clone(graph),
            macs: facts.iter().map(|node| node.macs).collect(),
            absorbed,
            chips,
        }
    }

    /// Lays the model out and builds what is drawn. For a worker.
    #[must_use]
    pub fn scene(&self, request: Request) -> Scene {
        let folded: Vec<Shown> = request.folded().cloned().collect();
        let ranges: Vec<_> = folded.iter().map(|block| block.nodes.clone()).collect();
        let layout = Layout::of(&self.graph, &self.absorbed, &ranges);
        let mut graph = OperatorGraph::new();
        let ids: Vec<_> = layout
            .items
            .iter()
            .map(|(item, rect)| {
                graph.add_node_with_location(self.chip(*item, &folded), rect.center())
            })
            .collect();
        for wire in &layout.wires {
            let gap = layout.items[wire.to].1.top() - layout.items[wire.from].1.bottom();
            let label = (wire.labelled && gap > LABEL_ROOM)
                .then(|| shape_label(&self.graph, wire.tensor.index()));
            let cable = Cable { course: wire.course, label };
            graph.add_edge(ids[wire.from], ids[wire.to], cable);
        }
        let open = request.blocks.iter().filter(|block| block.is_open);
        let frames = open
            .filter_map(|block| {
                let rects = block.nodes.clone().filter_map(|node| layout.node(node));
                let room = if block.parts > 0 { OUTER_ROOM } else { FRAME_ROOM };
                Some((block.clone(), rects.reduce(Rect::union)?.expand2(room)))
            })
            .collect();
        Scene { request, layout, folded, frames, graph }
    }

    fn chip(&self, item: Item, folded: &[Shown]) -> Chip {
        match item {
            Item::Input(position) => {
                end_chip(&self.graph.tensor(self.graph.inputs[position]).name, "input")
            }
            Item::Output(position) => {
                end_chip(&self.graph.tensor(self.graph.outputs[position]).name, "output")
            }
            Item::Node(index) => self.chips[index].clone(),
            Item::Block(position) => self.block_chip(&folded[position]),
        }
    }

    fn block_chip(&self, block: &Shown) -> Chip {
        let macs = fmt::short_count(self.macs[block.nodes.clone()].iter().sum());
        let nodes = block.nodes.len();
        let title = format!("{} ×{}", block.name, block.parts);
        let has_room = block.parts > 0 && title.chars().count() <= LONGEST_TITLE;
        let inside = &self.chips[block.nodes.clone()];
        // A block of blocks shows the operators of its first parts.
        let shown = nodes.checked_div(block.parts).map_or(nodes, |part| nodes.min(3 * part));
        let step = shown.div_ceil(MOST_STRIPES).max(1);
        Chip {
            title: if has_room { title.into() } else { Arc::clone(&block.name) },
            detail: format!("{nodes} nodes · {macs} MACs").into(),
            family: Family::Block,
            size: BLOCK_SIZE,
            absorbed: false,
            unprovable: inside.iter().any(|chip| chip.unprovable),
            tint: None,
            stripes: inside[..shown].iter().step_by(step).map(|chip| chip.family).collect(),
        }
    }
}

fn node_chip(graph: &Graph, index: usize, facts: &NodeFacts) -> Chip {
    let node = &graph.nodes[index];
    let absorbed = facts.absorbed_by.is_some();
    Chip {
        title: node.op.as_str().into(),
        detail: detail(graph, node).into(),
        family: Family::of(&node.op),
        size: if absorbed { SMALL_SIZE } else { NODE_SIZE },
        absorbed,
        unprovable: facts.obstacle.is_some(),
        tint: None,
        stripes: Arc::default(),
    }
}

fn end_chip(name: &str, kind: &str) -> Chip {
    Chip {
        title: name.into(),
        detail: if name == kind { "".into() } else { kind.into() },
        family: Family::End,
        size: SMALL_SIZE,
        absorbed: false,
        unprovable: false,
        tint: None,
        stripes: Arc::default(),
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

/// The thread that makes scenes, always of the newest request.
pub struct SceneWorker {
    requests: Sender<Request>,
    scenes: Receiver<Scene>,
}

impl SceneWorker {
    /// Starts it for a model.
    #[must_use]
    pub fn start(sketch: Arc<Sketch>, ctx: &Context) -> Self {
        let (requests, wanted) = channel::<Request>();
        let (found, scenes) = channel();
        let ctx = ctx.clone();
        let work = move || {
            while let Ok(first) = wanted.recv() {
                let newest = wanted.try_iter().last().unwrap_or(first);
                if found.send(sketch.scene(newest)).is_err() {
                    return;
                }
                ctx.request_repaint();
            }
        };
        // Without the thread the graph stays as it is, and can still be cut.
        if let Err(error) = std::thread::Builder::new().name("layout".to_owned()).spawn(work) {
            eprintln!("no thread for layouts: {error}");
        }
        Self { requests, scenes }
    }

    /// Asks for a scene, and waits for a moment that no eye sees.
    #[must_use]
    pub fn ask(&self, request: Request) -> Option<Scene> {
        // Where the thread is gone, nothing comes back either.
        let _ = self.requests.send(request);
        self.scenes.recv_timeout(PATIENCE).ok()
    }

    /// The newest scene that arrived.
    #[must_use]
    pub fn poll(&self) -> Option<Scene> {
        self.scenes.try_iter().last()
    }
}
