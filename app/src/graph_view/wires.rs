//! How wires look, as shapes that `egui_graphs` draws.

use std::sync::Arc;

use egui::{
    Color32, FontId, Pos2, Rect, Shape, Stroke, Vec2,
    epaint::{CubicBezierShape, PathShape, TextShape},
};
use egui_graphs::{DisplayEdge, DisplayNode, DrawContext, EdgeProps, Node};
use petgraph::{EdgeType, stable_graph::IndexType};

use super::detail::{Detail, in_part};
use super::shapes::{SMALLEST_TEXT, text_size};
use crate::theme::{self, Tokens};

/// Straight pieces that a bend is made of at most.
const BEND_PIECES: usize = 14;

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
        let detail = Detail::at(zoom);
        let color = in_part(t.wire, detail.boxes);
        let stroke = Stroke::new((1.4 * zoom).clamp(0.6, 2.0), color);
        if hull.width() < 1.0 {
            // From afar most wires are straight, and shorter than a bend's pieces.
            let [start, .., end] = course;
            let mut shapes = vec![Shape::line(vec![start, end], stroke)];
            self.ornaments(&course, &detail, ctx, t, &mut shapes);
            return shapes;
        }
        let mut shapes = Vec::with_capacity(5);
        let [start, down, up, end] = course;
        let mut points = vec![start];
        // A bend of a few points on the screen needs few pieces.
        let pieces = ((hull.width() / 6.0) as usize).clamp(2, BEND_PIECES);
        bend(start, down, pieces, &mut points);
        points.push(up);
        bend(up, end, pieces, &mut points);
        points.dedup();
        // One path, so that its pieces meet without a seam.
        shapes.push(Shape::line(points, stroke));
        self.ornaments(&course, &detail, ctx, t, &mut shapes);
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

impl CableShape {
    /// The tip at its end and the shape at its start.
    fn ornaments(
        &self,
        &[start, .., end]: &[Pos2; 4],
        detail: &Detail,
        ctx: &DrawContext<'_>,
        t: &Tokens,
        shapes: &mut Vec<Shape>,
    ) {
        let zoom = ctx.meta.zoom;
        if detail.is_plain() {
            return;
        }
        let tip = 4.0 * zoom;
        if tip > 1.5 {
            let color = in_part(t.wire, detail.letters);
            let wing = Vec2::new(tip * 0.8, -tip * 1.3);
            let points = vec![end, end + wing, end + Vec2::new(-wing.x, wing.y)];
            shapes.push(PathShape::convex_polygon(points, color, Stroke::NONE).into());
        }
        if let Some(label) = &self.0.label {
            let size = text_size(10.5, zoom);
            if size >= SMALLEST_TEXT {
                let font = FontId::proportional(size);
                let text = ctx.painter.layout_no_wrap(label.to_string(), font, t.weak);
                // Above the middle of the gap, where a boundary's line would run.
                let at = start + Vec2::new(7.0 * zoom, 0.5 * zoom);
                let text = TextShape::new(at, text, t.weak);
                shapes.push(text.with_opacity_factor(detail.letters).into());
            }
        }
    }
}

/// Appends a bend that leaves and arrives straight down, as a handful of points.
fn bend(from: Pos2, to: Pos2, pieces: usize, points: &mut Vec<Pos2>) {
    if (from.x - to.x).abs() >= 0.5 {
        let pull = Vec2::new(0.0, (to.y - from.y) * 0.6);
        let curve = CubicBezierShape::from_points_stroke(
            [from, from + pull, to - pull, to],
            false,
            Color32::TRANSPARENT,
            Stroke::NONE,
        );
        points.extend((1..pieces).map(|i| curve.sample(i as f32 / pieces as f32)));
    }
    points.push(to);
}
