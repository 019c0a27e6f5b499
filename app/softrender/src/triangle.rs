//! Triangles: which pixels they cover, and the colour of each.

use egui::Rect;
use egui::epaint::Vertex;

use crate::texture::Texture;

/// The picture that is drawn on: premultiplied red, green, blue and alpha.
pub(crate) struct Target {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 4]>,
}

impl Target {
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![[0; 4]; width * height] }
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.pixels.into_flattened()
    }

    /// Lays a premultiplied colour over a pixel.
    fn blend(&mut self, x: usize, y: usize, source: [f32; 4]) {
        let Some(pixel) = self.pixels.get_mut(y * self.width + x) else { return };
        let shows_through = 1.0 - source[3] / 255.0;
        for (below, above) in pixel.iter_mut().zip(source) {
            // The conversion saturates, so it also rounds what is a little over 255.
            *below = (above + f32::from(*below) * shows_through + 0.5) as u8;
        }
    }
}

/// The pixels that may be drawn on; the far ends are outside.
#[derive(Clone, Copy)]
pub(crate) struct Clip {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Clip {
    pub fn new(rect: Rect, pixels_per_point: f32, target: &Target) -> Self {
        // The conversion turns negative values and not-a-number into zero.
        let px =
            |points: f32, limit: usize| ((points * pixels_per_point).round() as usize).min(limit);
        Self {
            left: px(rect.min.x, target.width),
            top: px(rect.min.y, target.height),
            right: px(rect.max.x, target.width),
            bottom: px(rect.max.y, target.height),
        }
    }
}

/// One side of a triangle as a function that is positive inside: `a·x + b·y + c`.
#[derive(Clone, Copy)]
struct Edge {
    a: f64,
    b: f64,
    c: f64,
    /// Whether pixels exactly on the side belong to this triangle: of two triangles that share a
    /// side exactly one draws them.
    owns_side: bool,
}

impl Edge {
    fn between(from: (f64, f64), to: (f64, f64)) -> Self {
        let (a, b) = (from.1 - to.1, to.0 - from.0);
        let c = -(a * from.0 + b * from.1);
        Self { a, b, c, owns_side: a > 0.0 || (a == 0.0 && b > 0.0) }
    }

    fn at(&self, x: f64, y: f64) -> f64 {
        self.a * x + self.b * y + self.c
    }
}

/// Draws a textured triangle whose corners' colours are interpolated.
pub(crate) fn draw(
    target: &mut Target,
    clip: Clip,
    pixels_per_point: f32,
    mut corners: [&Vertex; 3],
    texture: &Texture,
) {
    let place = |vertex: &Vertex| {
        (f64::from(vertex.pos.x * pixels_per_point), f64::from(vertex.pos.y * pixels_per_point))
    };
    let [a, b, c] = corners.map(place);
    let area = (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0);
    if area == 0.0 || !area.is_finite() {
        return;
    }
    if area < 0.0 {
        corners.swap(1, 2);
    }
    let area = area.abs();
    let places = corners.map(place);
    // Edge i lies opposite corner i, so its value at a point is that corner's weight.
    let edges: [Edge; 3] =
        std::array::from_fn(|i| Edge::between(places[(i + 1) % 3], places[(i + 2) % 3]));
    let shade = Shade::new(corners, texture);

    let ys = places.map(|place| place.1);
    for y in pixel_range(ys, clip.top, clip.bottom) {
        let centre_y = y as f64 + 0.5;
        for x in row_range(&edges, places.map(|place| place.0), centre_y, clip) {
            let centre_x = x as f64 + 0.5;
            let weights = edges.map(|edge| edge.at(centre_x, centre_y));
            let inside =
                |(weight, edge): (&f64, &Edge)| *weight > 0.0 || (*weight == 0.0 && edge.owns_side);
            if weights.iter().zip(&edges).all(inside) {
                target.blend(x, y, shade.at(weights.map(|weight| (weight / area) as f32)));
            }
        }
    }
}

/// The whole pixels that an extent touches, inside of limits.
fn pixel_range(values: [f64; 3], from: usize, to: usize) -> std::ops::Range<usize> {
    let low = values.into_iter().fold(f64::INFINITY, f64::min).floor();
    let high = values.into_iter().fold(f64::NEG_INFINITY, f64::max).ceil();
    (low as usize).max(from)..(high as usize).min(to)
}

/// The pixels of a row that can lie inside, one too many on each side at most.
fn row_range(edges: &[Edge; 3], xs: [f64; 3], centre_y: f64, clip: Clip) -> std::ops::Range<usize> {
    let whole = pixel_range(xs, clip.left, clip.right);
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    for edge in edges {
        let crossing = -(edge.b * centre_y + edge.c) / edge.a - 0.5;
        if edge.a > 0.0 {
            low = low.max(crossing);
        } else if edge.a < 0.0 {
            high = high.min(crossing);
        }
    }
    let first = (low.floor() as usize).max(whole.start);
    let last = (high.ceil().max(-1.0) + 1.0) as usize;
    first..last.min(whole.end)
}

/// The colours of a triangle. Most triangles of an interface have one colour, so what doesn't
/// change is looked up once.
struct Shade<'a> {
    corners: [&'a Vertex; 3],
    colors: [[f32; 4]; 3],
    texture: &'a Texture,
    /// The texture's colour, where it is the same all over.
    texel: Option<[f32; 4]>,
    /// The final colour, where it is the same all over.
    flat: Option<[f32; 4]>,
}

impl<'a> Shade<'a> {
    fn new(corners: [&'a Vertex; 3], texture: &'a Texture) -> Self {
        let [a, b, c] = corners;
        let colors = corners.map(|corner| corner.color.to_array().map(f32::from));
        let texel = (a.uv == b.uv && b.uv == c.uv).then(|| texture.sample(a.uv.x, a.uv.y));
        let one_color = a.color == b.color && b.color == c.color;
        let flat = texel.filter(|_| one_color).map(|texel| multiply(colors[0], texel));
        Self { corners, colors, texture, texel, flat }
    }

    /// The colour where the corners have these weights, which add up to one.
    fn at(&self, weights: [f32; 3]) -> [f32; 4] {
        if let Some(flat) = self.flat {
            return flat;
        }
        let weighted = |values: [f32; 3]| {
            values[0] * weights[0] + values[1] * weights[1] + values[2] * weights[2]
        };
        let texel = self.texel.unwrap_or_else(|| {
            let u = weighted(self.corners.map(|corner| corner.uv.x));
            let v = weighted(self.corners.map(|corner| corner.uv.y));
            self.texture.sample(u, v)
        });
        multiply(std::array::from_fn(|i| weighted(self.colors.map(|color| color[i]))), texel)
    }
}

fn multiply(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
    std::array::from_fn(|i| a[i] * b[i] / 255.0)
}
