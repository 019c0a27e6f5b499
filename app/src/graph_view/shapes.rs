//! How nodes and folded blocks look, as shapes that `egui_graphs` draws.

use std::sync::Arc;

use egui::{
    Color32, CornerRadius, FontId, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2,
    epaint::{PathShape, RectShape, TextShape},
};
use egui_graphs::{DisplayNode, DrawContext, NodeProps};
use petgraph::{EdgeType, stable_graph::IndexType};

use super::detail::{Detail, in_part};
use super::family::Family;
use crate::theme::{self, Tokens};

/// Letters smaller than this are left out: nobody can read them.
pub const SMALLEST_TEXT: f32 = 6.0;
/// Lower boxes are rectangles, whatever their operator.
const LEAST_SHAPED: f32 = 6.0;

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
    /// The families of what is folded into it.
    pub stripes: Arc<[Family]>,
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
        let look = Look::of(ctx);
        let mut shapes = Vec::with_capacity(4);
        if look.detail.is_plain() && !self.selected {
            self.chip.plain(rect, &look, &mut shapes);
            return shapes;
        }
        self.chip.outline(rect, zoom, self.selected, &look, &mut shapes);
        if self.chip.family == Family::Block {
            self.chip.block(rect, zoom, ctx, &look, &mut shapes);
        } else {
            self.chip.lettering(rect, zoom, ctx, &look, &mut shapes);
        }
        shapes
    }
}

/// What all boxes of one drawing share.
struct Look {
    detail: Detail,
    dark: bool,
    t: &'static Tokens,
}

impl Look {
    fn of(ctx: &DrawContext<'_>) -> Self {
        let dark = ctx.ctx.global_style().visuals.dark_mode;
        Self { detail: Detail::at(ctx.meta.zoom), dark, t: theme::tokens(dark) }
    }
}

impl Chip {
    fn fill(&self, look: &Look) -> Color32 {
        let color = self.tint.unwrap_or_else(|| self.family.color(look.dark));
        let faint = self.absorbed && self.tint.is_none();
        if faint { theme::between(look.t.canvas, color, 0.22) } else { color }
    }

    /// The box without letters and outline, as it is from afar.
    fn plain(&self, rect: Rect, look: &Look, shapes: &mut Vec<Shape>) {
        let t = look.t;
        let fill = match self.family {
            // From afar the hatching can't be seen.
            _ if self.unprovable => theme::between(self.fill(look), t.bad, 0.6),
            // Ends and blocks hardly differ from their ground without an outline.
            Family::End => theme::between(t.canvas, t.wire, 0.5),
            Family::Block if self.tint.is_none() => theme::between(self.fill(look), t.wire, 0.3),
            _ => self.fill(look),
        };
        let fill = in_part(fill, look.detail.boxes);
        shapes.push(if rect.height() >= LEAST_SHAPED && self.family.is_polygon() {
            PathShape::convex_polygon(polygon(rect, self.family), fill, Stroke::NONE).into()
        } else {
            let radius = corner(rect, self.family, look.detail.boxes * rect.height() / 30.0);
            RectShape::filled(rect, CornerRadius::same(radius), fill).into()
        });
    }

    fn outline(&self, rect: Rect, zoom: f32, selected: bool, look: &Look, shapes: &mut Vec<Shape>) {
        let Look { dark, t, .. } = *look;
        let color = self.tint.unwrap_or_else(|| self.family.color(dark));
        let quiet = self.absorbed || self.family == Family::End;
        let fill = self.fill(look);
        let edge = match self.family {
            _ if self.unprovable => Stroke::new((1.6 * zoom).max(1.0), t.bad),
            Family::End => Stroke::new(1.0, t.wire),
            Family::Block => Stroke::new(1.0, theme::between(color, t.wire, 0.7)),
            _ if quiet => Stroke::new(1.0, theme::between(t.canvas, color, 0.8)),
            _ => Stroke::new(1.0, theme::between(color, t.text, if dark { 0.22 } else { 0.0 })),
        };
        let fade = |color| in_part(color, look.detail.boxes);
        let edge = Stroke::new(edge.width, in_part(edge.color, look.detail.letters.max(0.25)));
        let (fill, edge) = (fade(fill), Stroke::new(edge.width, fade(edge.color)));
        if selected {
            let halo = Stroke::new(2.0, fade(t.accent));
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
        if self.family == Family::Block {
            // The edge of a second box behind it: there is more than one node.
            let behind = rect.translate(Vec2::splat(3.0 * zoom));
            let radius = CornerRadius::same(corner(rect, self.family, zoom));
            shapes.push(RectShape::new(behind, radius, fill, edge, StrokeKind::Inside).into());
        }
        if self.family.is_polygon() {
            shapes.push(PathShape::convex_polygon(polygon(rect, self.family), fill, edge).into());
        } else {
            let radius = CornerRadius::same(corner(rect, self.family, zoom));
            shapes.push(RectShape::new(rect, radius, fill, edge, StrokeKind::Inside).into());
        }
        if self.unprovable && self.family != Family::Block && zoom > 0.2 {
            hatch(rect.shrink(2.0 * zoom), theme::faded(t.canvas, 150), zoom, shapes);
        }
    }

    fn lettering(
        &self,
        rect: Rect,
        zoom: f32,
        ctx: &DrawContext<'_>,
        look: &Look,
        shapes: &mut Vec<Shape>,
    ) {
        let step = |size: f32| text_size(size, zoom);
        let small = self.absorbed || self.family == Family::End;
        let size = step(if small { 11.0 } else { 13.0 });
        if size < SMALLEST_TEXT {
            return;
        }
        let (ink, soft) = self.inks(small, look);
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
        let at = Pos2::new(left, bottom - title.size().y);
        // Fading by the colour would lay all text out anew at each step of zoom.
        let letters = look.detail.letters;
        shapes.push(TextShape::new(at, title, ink).with_opacity_factor(letters).into());
        if let Some(detail) = detail {
            let lift = zoom;
            let at = Pos2::new(left + title_width + gap, bottom - lift - detail.size().y);
            shapes.push(TextShape::new(at, detail, soft).with_opacity_factor(letters).into());
        }
    }

    /// Colours of the title and of what stands beside it.
    fn inks(&self, small: bool, look: &Look) -> (Color32, Color32) {
        match (self.tint, small, look.dark) {
            (Some(tint), ..) => (theme::ink_on(tint), theme::faded(theme::ink_on(tint), 205)),
            (None, true, _) => (look.t.weak, look.t.faint),
            (None, false, true) => {
                (Color32::from_rgb(0xf3, 0xf5, 0xf8), Color32::from_white_alpha(190))
            }
            (None, false, false) => (Color32::WHITE, Color32::from_white_alpha(215)),
        }
    }

    /// What a folded block says: its name, what it holds, and a stripe of its operators.
    fn block(
        &self,
        rect: Rect,
        zoom: f32,
        ctx: &DrawContext<'_>,
        look: &Look,
        shapes: &mut Vec<Shape>,
    ) {
        let (ink, soft) = match self.tint {
            Some(_) => self.inks(false, look),
            None => (look.t.text, look.t.weak),
        };
        let left = rect.left() + 10.0 * zoom;
        let lines = [
            (theme::strong_font(text_size(13.0, zoom)), &self.title, 20, 13.0, ink),
            (FontId::proportional(text_size(10.5, zoom)), &self.detail, 32, 28.0, soft),
        ];
        for (font, text, most, middle, color) in lines {
            if font.size >= SMALLEST_TEXT {
                let text = ctx.painter.layout_no_wrap(shortened(text, most), font, color);
                let at = Pos2::new(left, rect.top() + middle * zoom - text.size().y / 2.0);
                let text = TextShape::new(at, text, color);
                shapes.push(text.with_opacity_factor(look.detail.letters).into());
            }
        }
        if self.tint.is_some() {
            return;
        }
        let stripe = Rect::from_min_max(
            Pos2::new(left, rect.bottom() - 7.0 * zoom),
            Pos2::new(rect.right() - 10.0 * zoom, rect.bottom() - 4.0 * zoom),
        );
        let step = stripe.width() / self.stripes.len().max(1) as f32;
        let gap = if step > 3.0 { 1.0 } else { 0.0 };
        for (position, family) in self.stripes.iter().enumerate() {
            let x = stripe.left() + position as f32 * step;
            let part = Rect::from_x_y_ranges(x..=x + step - gap, stripe.y_range());
            let color = in_part(family.color(look.dark), look.detail.letters);
            shapes.push(RectShape::filled(part, 0, color).into());
        }
    }
}

/// The size of text at a zoom, in steps: each new size is a new set of letters in the atlas, and a
/// full atlas is built anew in the middle of zooming.
pub fn text_size(size: f32, zoom: f32) -> f32 {
    let exact = size * zoom;
    let step = match exact {
        ..17.0 => 0.5,
        ..28.0 => 1.0,
        _ => 2.0,
    };
    (exact / step).round() * step
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

#[cfg(test)]
mod tests {
    use super::*;

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
