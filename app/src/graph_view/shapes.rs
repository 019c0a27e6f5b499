//! How nodes and wires look, as shapes that `egui_graphs` draws.

use std::sync::Arc;

use egui::{
    Color32, CornerRadius, FontId, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2,
    epaint::{CubicBezierShape, PathShape, RectShape, TextShape},
};
use egui_graphs::{DisplayEdge, DisplayNode, DrawContext, EdgeProps, Node, NodeProps};
use microtome_engine::graph::{Graph, Node as Operator};
use petgraph::{EdgeType, stable_graph::IndexType};

use crate::theme::{self, Tokens};

/// Letters smaller than this are left out: nobody can read them.
const SMALLEST_TEXT: f32 = 6.0;

/// Kinds of operators that look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Convolutions and matrix products: where the multiplications are.
    Linear,
    /// Element-wise functions with one input.
    Activation,
    /// Windows that shrink.
    Pooling,
    /// Normalisations.
    Normalisation,
    /// Where branches meet: sums, products, concatenations.
    Join,
    /// What only renames or moves elements.
    Reshape,
    /// The graph's inputs and outputs.
    End,
    /// Everything else.
    Other,
}

impl Family {
    /// The family of an ONNX operator.
    #[must_use]
    pub fn of(operator: &str) -> Self {
        match operator {
            "Conv" | "ConvTranspose" | "Gemm" | "MatMul" | "ConvInteger" | "MatMulInteger"
            | "QLinearConv" | "QLinearMatMul" | "Einsum" | "LSTM" | "GRU" | "RNN" => Self::Linear,
            "Relu" | "LeakyRelu" | "PRelu" | "Elu" | "Selu" | "Celu" | "Sigmoid"
            | "HardSigmoid" | "HardSwish" | "Tanh" | "Gelu" | "Erf" | "Softmax" | "LogSoftmax"
            | "Softplus" | "Softsign" | "Mish" | "Clip" | "Exp" | "Log" | "Sqrt" | "Abs"
            | "Neg" | "Reciprocal" => Self::Activation,
            "MaxPool" | "AveragePool" | "GlobalAveragePool" | "GlobalMaxPool" | "LpPool"
            | "ReduceMean" | "ReduceMax" | "ReduceSum" | "ArgMax" | "TopK" => Self::Pooling,
            "BatchNormalization"
            | "LayerNormalization"
            | "InstanceNormalization"
            | "GroupNormalization"
            | "LRN"
            | "LpNormalization" => Self::Normalisation,
            "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Sum" | "Max" | "Min" | "Mean" | "Concat"
            | "Where" => Self::Join,
            "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Transpose" | "Identity"
            | "Dropout" | "Cast" | "Slice" | "Split" | "Gather" | "Pad" | "Expand" | "Tile"
            | "Shape" | "Constant" | "DepthToSpace" | "SpaceToDepth" | "Resize" | "Upsample" => {
                Self::Reshape
            }
            _ => Self::Other,
        }
    }

    fn color(self, dark: bool) -> Color32 {
        let (on_dark, on_light) = match self {
            Self::Linear => ((0x35, 0x69, 0xa6), (0x3b, 0x78, 0xbe)),
            Self::Activation => ((0x3f, 0x83, 0x5a), (0x38, 0x8a, 0x5c)),
            Self::Pooling => ((0x80, 0x55, 0x96), (0x8a, 0x5a, 0xa6)),
            Self::Normalisation => ((0x2e, 0x7d, 0x83), (0x24, 0x80, 0x88)),
            Self::Join => ((0xa3, 0x5d, 0x43), (0xb8, 0x62, 0x42)),
            Self::Reshape | Self::Other => ((0x56, 0x5f, 0x70), (0x71, 0x7c, 0x8f)),
            Self::End => ((0x22, 0x26, 0x2f), (0xee, 0xf1, 0xf5)),
        };
        let (r, g, b) = if dark { on_dark } else { on_light };
        Color32::from_rgb(r, g, b)
    }
}

/// What a node's drawing needs to know. Texts are shared: `egui_graphs` clones both ends of each
/// wire on every drawing.
#[derive(Clone, Debug)]
pub struct Chip {
    /// The operator, or the name of an input or output.
    pub title: Arc<str>,
    /// What tells it from its like: the kernel, the number of features, a shape.
    pub detail: Arc<str>,
    /// Its family.
    pub family: Family,
    /// Its size on the plane.
    pub size: Vec2,
    /// Another node absorbs it.
    pub absorbed: bool,
    /// It can't be proven.
    pub unprovable: bool,
    /// Its colour, where that isn't its operator's.
    pub tint: Option<Color32>,
}

/// What tells a node from others of its operator, in a few characters.
#[must_use]
pub fn detail(graph: &Graph, node: &Operator) -> String {
    let times = |dims: &[i64]| dims.iter().map(ToString::to_string).collect::<Vec<_>>().join("×");
    let weight_dims = graph.input(node, 1).and_then(|t| t.shape.clone());
    let features = match (node.op.as_str(), weight_dims) {
        ("Conv", Some(dims)) => dims.first().copied(),
        ("Gemm", Some(dims)) if dims.len() == 2 => {
            let transposed = node.attributes.int("transB").unwrap_or(0) != 0;
            dims.get(usize::from(!transposed)).copied()
        }
        ("MatMul", Some(dims)) => dims.last().copied(),
        _ => None,
    };
    let kernel = node.attributes.ints("kernel_shape").map(times);
    let stride = node
        .attributes
        .ints("strides")
        .filter(|s| s.iter().any(|&v| v != 1))
        .map(|s| format!("/{}", s.iter().max().copied().unwrap_or(1)));
    let window = kernel.map(|k| k + stride.as_deref().unwrap_or_default());
    match (window, features) {
        (Some(w), Some(f)) => format!("{w} → {f}"),
        (Some(w), None) => w,
        (None, Some(f)) => format!("→ {f}"),
        (None, None) => String::new(),
    }
}

/// The shape that `egui_graphs` keeps for each node.
#[derive(Clone)]
pub struct ChipShape {
    chip: Chip,
    center: Pos2,
    selected: bool,
}

impl From<NodeProps<Chip>> for ChipShape {
    fn from(props: NodeProps<Chip>) -> Self {
        let center = props.location();
        Self { selected: props.selected, center, chip: props.payload }
    }
}

impl<E: Clone, Ty: EdgeType, Ix: IndexType> DisplayNode<Chip, E, Ty, Ix> for ChipShape {
    fn closest_boundary_point(&self, dir: Vec2) -> Pos2 {
        let half = self.chip.size / 2.0;
        let reach = (half.x / dir.x.abs().max(1e-6)).min(half.y / dir.y.abs().max(1e-6));
        self.center + dir * reach.min(1e6)
    }

    fn is_inside(&self, pos: Pos2) -> bool {
        Rect::from_center_size(self.center, self.chip.size).contains(pos)
    }

    fn update(&mut self, props: &NodeProps<Chip>) {
        self.center = props.location();
        self.selected = props.selected;
        self.chip.tint = props.payload.tint;
    }

    fn shapes(&mut self, ctx: &DrawContext<'_>) -> Vec<Shape> {
        let zoom = ctx.meta.zoom;
        let center = ctx.meta.canvas_to_screen_pos(self.center);
        let rect = Rect::from_center_size(center, self.chip.size * zoom);
        if !ctx.painter.clip_rect().intersects(rect.expand(4.0)) {
            return Vec::new();
        }
        let dark = ctx.ctx.global_style().visuals.dark_mode;
        let t = theme::tokens(dark);
        let mut shapes = Vec::with_capacity(4);
        self.chip.outline(rect, zoom, self.selected, dark, t, &mut shapes);
        self.chip.lettering(rect, zoom, ctx, dark, t, &mut shapes);
        shapes
    }
}

impl Chip {
    fn outline(
        &self,
        rect: Rect,
        zoom: f32,
        selected: bool,
        dark: bool,
        t: &Tokens,
        shapes: &mut Vec<Shape>,
    ) {
        let color = self.tint.unwrap_or_else(|| self.family.color(dark));
        let quiet = self.absorbed || self.family == Family::End;
        let faint = self.absorbed && self.tint.is_none();
        let fill = if faint { theme::between(t.canvas, color, 0.22) } else { color };
        let edge = match self.family {
            _ if self.unprovable => Stroke::new((1.6 * zoom).max(1.0), t.bad),
            Family::End => Stroke::new(1.0, t.wire),
            _ if quiet => Stroke::new(1.0, theme::between(t.canvas, color, 0.8)),
            _ => Stroke::new(1.0, theme::between(color, t.text, if dark { 0.22 } else { 0.0 })),
        };
        if selected {
            let halo = Stroke::new(2.0, t.accent);
            shapes.push(
                RectShape::stroke(
                    rect.expand(3.0),
                    CornerRadius::same(corner(rect, self.family, zoom).saturating_add(3)),
                    halo,
                    StrokeKind::Outside,
                )
                .into(),
            );
        }
        match self.family {
            Family::Pooling | Family::Normalisation | Family::Join => {
                shapes
                    .push(PathShape::convex_polygon(polygon(rect, self.family), fill, edge).into());
            }
            family => {
                let radius = CornerRadius::same(corner(rect, family, zoom));
                shapes.push(RectShape::new(rect, radius, fill, edge, StrokeKind::Inside).into());
            }
        }
        if self.unprovable && zoom > 0.2 {
            hatch(rect.shrink(2.0 * zoom), theme::faded(t.canvas, 150), zoom, shapes);
        }
    }

    fn lettering(
        &self,
        rect: Rect,
        zoom: f32,
        ctx: &DrawContext<'_>,
        dark: bool,
        t: &Tokens,
        shapes: &mut Vec<Shape>,
    ) {
        // Sizes go in half points: each new size is a new set of letters in the atlas.
        let step = |size: f32| (size * zoom * 2.0).round() / 2.0;
        let small = self.absorbed || self.family == Family::End;
        let size = step(if small { 11.0 } else { 13.0 });
        if size < SMALLEST_TEXT {
            return;
        }
        let (ink, soft) = match (self.tint, small, dark) {
            (Some(tint), ..) => (theme::ink_on(tint), theme::faded(theme::ink_on(tint), 205)),
            (None, true, _) => (t.weak, t.faint),
            (None, false, true) => {
                (Color32::from_rgb(0xf3, 0xf5, 0xf8), Color32::from_white_alpha(190))
            }
            (None, false, false) => (Color32::WHITE, Color32::from_white_alpha(215)),
        };
        let (title, after) = match &*self.title {
            "BatchNormalization" => ("BatchNorm", &self.detail),
            "GlobalAveragePool" => ("GlobalAvgPool", &self.detail),
            title => (title, &self.detail),
        };
        let title = shortened(title, if small { 18 } else { 20 });
        let font = theme::strong_font(size);
        let title = ctx.painter.layout_no_wrap(title, font, ink);
        let detail_size = step(if small { 10.0 } else { 11.0 });
        let detail = (!after.is_empty() && detail_size >= SMALLEST_TEXT)
            .then(|| {
                let font = FontId::proportional(detail_size);
                ctx.painter.layout_no_wrap(shortened(after, 16), font, soft)
            })
            .filter(|d| title.size().x + d.size().x + 22.0 * zoom <= rect.width());
        let gap = 6.0 * zoom;
        let width = title.size().x + detail.as_ref().map_or(0.0, |d| gap + d.size().x);
        let left = rect.center().x - width / 2.0;
        let bottom = rect.center().y + title.size().y / 2.0;
        let title_width = title.size().x;
        shapes.push(TextShape::new(Pos2::new(left, bottom - title.size().y), title, ink).into());
        if let Some(detail) = detail {
            let lift = zoom;
            let at = Pos2::new(left + title_width + gap, bottom - lift - detail.size().y);
            shapes.push(TextShape::new(at, detail, soft).into());
        }
    }
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

fn corner(rect: Rect, family: Family, zoom: f32) -> u8 {
    let radius = match family {
        Family::Activation | Family::End => rect.height() / 2.0,
        _ => 5.0 * zoom,
    };
    radius.clamp(0.0, 60.0) as u8
}

fn polygon(rect: Rect, family: Family) -> Vec<Pos2> {
    let inset = rect.height() * 0.38;
    let (l, r, top, bottom, middle) =
        (rect.left(), rect.right(), rect.top(), rect.bottom(), rect.center().y);
    let corners = match family {
        // Narrower below, as its output is smaller.
        Family::Pooling => {
            vec![(l, top), (r, top), (r - inset, bottom), (l + inset, bottom)]
        }
        // Pointed ends: two flows come together.
        Family::Join => vec![
            (l + inset, top),
            (r - inset, top),
            (r, middle),
            (r - inset, bottom),
            (l + inset, bottom),
            (l, middle),
        ],
        // Cut corners.
        _ => {
            let cut = inset * 0.6;
            vec![
                (l + cut, top),
                (r - cut, top),
                (r, top + cut),
                (r, bottom - cut),
                (r - cut, bottom),
                (l + cut, bottom),
                (l, bottom - cut),
                (l, top + cut),
            ]
        }
    };
    corners.into_iter().map(|(x, y)| Pos2::new(x, y)).collect()
}

/// Slanted lines over a box: what can't be proven is told apart without its colour too.
fn hatch(rect: Rect, color: Color32, zoom: f32, shapes: &mut Vec<Shape>) {
    let step = (9.0 * zoom).max(5.0);
    let stroke = Stroke::new((2.0 * zoom).max(1.0), color);
    let mut x = rect.left() - rect.height();
    while x < rect.right() {
        let (mut a, mut b) =
            (Pos2::new(x, rect.bottom()), Pos2::new(x + rect.height(), rect.top()));
        if a.x < rect.left() {
            a = Pos2::new(rect.left(), a.y - (rect.left() - a.x));
        }
        if b.x > rect.right() {
            b = Pos2::new(rect.right(), b.y + (b.x - rect.right()));
        }
        if a.x < b.x {
            shapes.push(Shape::line_segment([a, b], stroke));
        }
        x += step;
    }
}

/// Straight pieces that a bend is made of.
const BEND_POINTS: usize = 14;

/// What a wire's drawing needs to know.
#[derive(Clone, Debug)]
pub struct Cable {
    /// Its course on the plane.
    pub course: [Pos2; 4],
    /// The tensor's shape, on one wire of each tensor.
    pub label: Option<Arc<str>>,
}

/// The shape that `egui_graphs` keeps for each wire.
#[derive(Clone)]
pub struct CableShape(Cable);

impl From<EdgeProps<Cable>> for CableShape {
    fn from(props: EdgeProps<Cable>) -> Self {
        Self(props.payload)
    }
}

impl<N: Clone, Ty: EdgeType, Ix: IndexType, D: DisplayNode<N, Cable, Ty, Ix>>
    DisplayEdge<N, Cable, Ty, Ix, D> for CableShape
{
    fn shapes(
        &mut self,
        _: &Node<N, Cable, Ty, Ix, D>,
        _: &Node<N, Cable, Ty, Ix, D>,
        ctx: &DrawContext<'_>,
    ) -> Vec<Shape> {
        let zoom = ctx.meta.zoom;
        let course = self.0.course.map(|p| ctx.meta.canvas_to_screen_pos(p));
        let hull = Rect::from_points(&course);
        if !ctx.painter.clip_rect().intersects(hull.expand(8.0)) {
            return Vec::new();
        }
        let t = theme::tokens(ctx.ctx.global_style().visuals.dark_mode);
        let stroke = Stroke::new((1.4 * zoom).clamp(0.6, 2.0), t.wire);
        let mut shapes = Vec::with_capacity(5);
        let [start, down, up, end] = course;
        let mut points = vec![start];
        bend(start, down, &mut points);
        points.push(up);
        bend(up, end, &mut points);
        points.dedup();
        // One path, so that its pieces meet without a seam.
        shapes.push(Shape::line(points, stroke));
        let tip = 4.0 * zoom;
        if tip > 1.5 {
            let wing = Vec2::new(tip * 0.8, -tip * 1.3);
            let points = vec![end, end + wing, end + Vec2::new(-wing.x, wing.y)];
            shapes.push(PathShape::convex_polygon(points, t.wire, Stroke::NONE).into());
        }
        if let Some(label) = &self.0.label {
            let size = (10.5 * zoom * 2.0).round() / 2.0;
            if size >= SMALLEST_TEXT {
                let font = FontId::proportional(size);
                let text = ctx.painter.layout_no_wrap(label.to_string(), font, t.weak);
                // Above the middle of the gap, where a boundary's line would run.
                let at = start + Vec2::new(7.0 * zoom, 0.5 * zoom);
                shapes.push(TextShape::new(at, text, t.weak).into());
            }
        }
        shapes
    }

    fn update(&mut self, _: &EdgeProps<Cable>) {}

    fn is_inside(
        &self,
        _: &Node<N, Cable, Ty, Ix, D>,
        _: &Node<N, Cable, Ty, Ix, D>,
        _: Pos2,
    ) -> bool {
        false
    }
}

/// Appends a bend that leaves and arrives straight down, as a handful of points.
fn bend(from: Pos2, to: Pos2, points: &mut Vec<Pos2>) {
    if (from.x - to.x).abs() >= 0.5 {
        let pull = Vec2::new(0.0, (to.y - from.y) * 0.6);
        let curve = CubicBezierShape::from_points_stroke(
            [from, from + pull, to - pull, to],
            false,
            Color32::TRANSPARENT,
            Stroke::NONE,
        );
        points.extend((1..BEND_POINTS).map(|i| curve.sample(i as f32 / BEND_POINTS as f32)));
    }
    points.push(to);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_have_their_families() {
        for (operator, family) in [
            ("Conv", Family::Linear),
            ("Relu", Family::Activation),
            ("MaxPool", Family::Pooling),
            ("Add", Family::Join),
            ("BatchNormalization", Family::Normalisation),
            ("Flatten", Family::Reshape),
            ("NonMaxSuppression", Family::Other),
        ] {
            assert_eq!(Family::of(operator), family, "{operator}");
        }
    }

    #[test]
    fn hatching_stays_in_its_box() {
        let rect = Rect::from_min_size(Pos2::new(10.0, 20.0), Vec2::new(100.0, 30.0));
        let mut shapes = Vec::new();
        hatch(rect, Color32::RED, 1.0, &mut shapes);
        assert!(shapes.len() > 5);
        for shape in shapes {
            assert!(rect.expand(1.5).contains_rect(shape.visual_bounding_rect()));
        }
    }
}
